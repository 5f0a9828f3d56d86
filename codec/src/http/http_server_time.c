/* http_server_time.c - one lazy timer a connection: it looks at what is waited for now, and since when. */
#include "http/http_server_state.h"

/* A body's rate is looked at over so long. */
#define WINDOW_MS 10000

typedef enum http_phase {
    IDLE,
    HEAD,
    BODY,
    ANSWERING,
    LINGERING
} http_phase;

static http_phase phase_of(const http_server *self) {
    if (self->ending) return LINGERING;
    if (self->asked == HTTP_ASKED_NOTHING) return self->head_began ? HEAD : IDLE;
    return self->asked == HTTP_ASKED_HEAD ? BODY : ANSWERING;
}

static unsigned limit_of(const http_server *self, http_phase phase) {
    switch (phase) {
    case HEAD: return self->head_timeout_ms;
    case BODY: return self->body_rate == WEIR_LOOP_NEVER ? WEIR_LOOP_NEVER : WINDOW_MS;
    case LINGERING: return self->linger_ms;
    case IDLE:
    case ANSWERING: break;
    }
    return self->idle_timeout_ms;
}

/* A timer that fires sooner looks again by itself. */
static void look_in(http_server *self, uint64_t ms) {
    weir_loop *loop = weir_ctx_loop(self->ctx);
    if (weir_timer_is_running(&self->timer) && self->timer.due <= weir_loop_now(loop) + ms) return;
    weir_timer_start(&self->timer, loop, ms);
}

void http_server_mark(http_server *self) {
    self->since = weir_loop_now(weir_ctx_loop(self->ctx));
    self->body_since = self->parser.body;
    unsigned limit = limit_of(self, phase_of(self));
    if (limit != WEIR_LOOP_NEVER) look_in(self, limit);
}

void http_server_start_timer(http_server *self) {
    http_server_mark(self);
}

/* ---- when it fires ---- */

/* Bytes of a body are only missed while they are asked for. */
static bool drips(const http_server *self) {
    bool is_asked = weir_channel_is_reading(weir_ctx_channel(self->ctx)) && !self->waits_continue;
    uint64_t wanted = (uint64_t)self->body_rate * (WINDOW_MS / 1000);
    return is_asked && self->parser.body - self->body_since < wanted;
}

static void refuse(http_server *self, const char *what) {
    http_server_refuse(self, 408, &(weir_error){.status = WEIR_E_TIMEOUT, .what = what});
}

static void time_is_up(http_server *self, http_phase phase) {
    switch (phase) {
    case IDLE: http_server_close(self); break;
    case HEAD: refuse(self, "head"); break;
    case BODY:
        if (drips(self)) {
            refuse(self, "body");
        } else {
            http_server_mark(self);
        }
        break;
    case LINGERING: weir_ctx_close(self->ctx, NULL); break;
    case ANSWERING: break;
    }
}

void http_server_on_timer(weir_timer *timer) {
    http_server *self = timer->arg;
    http_phase phase = phase_of(self);
    unsigned limit = limit_of(self, phase);
    if (limit == WEIR_LOOP_NEVER || phase == ANSWERING) return; /* what comes next marks its own time */
    uint64_t passed = weir_loop_now(weir_ctx_loop(self->ctx)) - self->since;
    if (passed < limit) {
        look_in(self, limit - passed);
    } else {
        time_is_up(self, phase);
    }
}
