/* http_server_time.c - one lazy timer a connection: it looks at what is waited for now, and since when.
 *
 * What a peer may take its time over is measured by the channel's clock of reading, which stands while it is us who read
 * nothing. So that a peer that takes no answers does not stop it for ever, it has to take something meanwhile.
 */
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
    if (self->asked == HTTP_ASKED_NOTHING) return self->reading != NULL ? HEAD : IDLE;
    return self->asked == HTTP_ASKED_HEAD ? BODY : ANSWERING;
}

static unsigned idle_limit(const http_server *self) {
    const weir_http_server_options *options = &self->shared->options;
    return self->is_stopping ? options->stopping_idle_ms : options->idle_timeout_ms;
}

static unsigned limit_of(const http_server *self, http_phase phase) {
    const weir_http_server_options *options = &self->shared->options;
    switch (phase) {
    case HEAD: return options->head_timeout_ms;
    case BODY: return options->body_rate == WEIR_LOOP_NEVER ? WEIR_LOOP_NEVER : WINDOW_MS;
    case LINGERING: return options->linger_ms;
    case IDLE:
    case ANSWERING: break;
    }
    return idle_limit(self);
}

static uint64_t clock_of(const http_server *self, http_phase phase) {
    return phase == LINGERING ? weir_loop_now(weir_ctx_loop(self->out.ctx))
                              : weir_channel_reading_ms(weir_ctx_channel(self->out.ctx));
}

/* A timer that fires sooner looks again by itself. */
static void look_in(http_server *self, uint64_t ms) {
    weir_loop *loop = weir_ctx_loop(self->out.ctx);
    if (weir_timer_is_running(&self->timer) && self->timer.due <= weir_loop_now(loop) + ms) return;
    weir_timer_start(&self->timer, loop, ms);
}

/* `phase` begins. */
static inline void mark(http_server *self, http_phase phase) {
    self->since = clock_of(self, phase);
    self->is_owed = false;
    unsigned limit = limit_of(self, phase);
    if (limit != WEIR_LOOP_NEVER) look_in(self, limit);
}

void http_server_mark(http_server *self) {
    if (self->reading != NULL) self->reading->body_since = self->reading->parser.body;
    mark(self, phase_of(self));
}

void http_server_mark_idle(http_server *self) {
    mark(self, IDLE);
}

/* ---- when it fires ---- */

static bool drips(const http_server *self) {
    const http_reading *reading = self->reading;
    uint64_t wanted = (uint64_t)self->shared->options.body_rate * (WINDOW_MS / 1000);
    return !self->waits_continue && (reading == NULL || reading->parser.body - reading->body_since < wanted);
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
    case LINGERING: weir_ctx_close(self->out.ctx, NULL); break;
    case ANSWERING: break;
    }
}

/* ---- while the peer has to take what was written ---- */

/* Nothing is decoded before it has taken some; and who is still taking an answer neither idles, nor has seen that our side
 * has ended. */
static bool waits_for_taking(const http_server *self, http_phase phase) {
    const weir_channel *channel = weir_ctx_channel(self->out.ctx);
    bool may_still_take = phase == IDLE || phase == LINGERING;
    if (may_still_take) return self->is_owed || weir_channel_pending_bytes(channel) != 0;
    return weir_channel_is_choked(channel);
}

void http_server_note_taken(http_server *self) {
    const weir_channel *channel = weir_ctx_channel(self->out.ctx);
    weir_channel_stats stats;
    weir_channel_get_stats(channel, &stats);
    self->taken = stats.bytes_written;
    self->is_owed = weir_channel_pending_bytes(channel) != 0;
}

static void end_who_takes_nothing(http_server *self, http_phase phase) {
    switch (phase) {
    case IDLE: http_server_close(self); break;
    case LINGERING: weir_ctx_close(self->out.ctx, NULL); break;
    default: refuse(self, "taking of answers");
    }
}

static void look_at_taking(http_server *self, http_phase phase, unsigned limit) {
    uint64_t taken = self->taken;
    bool was_owed = self->is_owed;
    http_server_note_taken(self);
    if (was_owed && self->taken == taken) {
        end_who_takes_nothing(self, phase);
        return;
    }
    if (phase != LINGERING && idle_limit(self) != WEIR_LOOP_NEVER) limit = idle_limit(self);
    if (phase == IDLE || phase == LINGERING) self->since = clock_of(self, phase);
    look_in(self, limit);
}

void http_server_on_timer(weir_timer *timer) {
    http_server *self = timer->arg;
    http_phase phase = phase_of(self);
    unsigned limit = limit_of(self, phase);
    if (limit == WEIR_LOOP_NEVER || phase == ANSWERING) return; /* what comes next marks its own time */
    uint64_t passed = clock_of(self, phase) - self->since;
    if (waits_for_taking(self, phase)) {
        look_at_taking(self, phase, limit);
    } else if (passed >= limit) {
        time_is_up(self, phase);
    } else {
        bool stands = phase != LINGERING && !weir_channel_can_read(weir_ctx_channel(self->out.ctx));
        look_in(self, stands ? limit : limit - passed);
    }
}
