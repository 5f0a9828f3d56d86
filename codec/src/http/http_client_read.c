/* http_client_read.c - responses in, in the order of their requests. */
#include "http/http_client_state.h"

weir_event weir_http_event_ready = WEIR_EVENT_CONSTANT("http ready");
weir_event weir_http_event_continue = WEIR_EVENT_CONSTANT("http continue");

/* ---- bytes ---- */

weir_decode http_client_decode(void *state, weir_buf *in, weir_obj **out, weir_error *error) {
    http_client *self = state;
    if (self->ending) {
        weir_buf_skip(in, weir_buf_readable(in));
        return WEIR_DECODE_MORE;
    }
    if (self->parser.between) {
        if (self->switched) { /* the next protocol's: it waits */
            weir_decoder_pause(self->ctx);
            return WEIR_DECODE_MORE;
        }
        if (self->count == 0)
            return weir_decode_fail(error, WEIR_E_FRAME_CORRUPT, "response to no request", 0, 0);
        unsigned method = self->methods[self->first] & ~(unsigned)HTTP_CLIENT_ASKS_UPGRADE;
        weir_http_parser_next(&self->parser, (weir_http_method)method);
    }
    self->since = weir_channel_reading_ms(weir_ctx_channel(self->ctx));
    return weir_http_parser_decode(&self->parser, in, out, error);
}

weir_decode http_client_decode_last(void *state, weir_buf *in, weir_obj **out, weir_error *error) {
    http_client *self = state;
    return self->ending ? WEIR_DECODE_MORE : weir_http_parser_end(&self->parser, in, out, error);
}

/* ---- messages ---- */

void http_client_ready(http_client *self) {
    if (self->count == 0 && !self->sending && !self->is_held)
        weir_ctx_fire_event(self->ctx, &weir_http_event_ready.obj);
}

static void read_continue(http_client *self) {
    bool was_waiting = self->waits_continue;
    self->waits_continue = false;
    if (was_waiting) weir_ctx_fire_event(self->ctx, &weir_http_event_continue.obj);
}

/* Takes: response. What waits for a 100 is the last request: what answers one before it does not mean it. */
static void read_head(http_client *self, weir_http_response *response) {
    weir_ctx *ctx = self->ctx;
    bool is_of_last = self->count == 1;
    self->interim = response->status < 200 && response->status != 101;
    self->hides = response->status == 100 && !self->pass_continue;
    if (!self->interim) {
        self->last = !response->head.keep_alive || (is_of_last && self->waits_continue);
        self->closing = self->closing || self->last;
        if (is_of_last) self->waits_continue = false;
        self->switched = self->parser.upgraded;
    }
    bool is_continue = response->status == 100 && is_of_last;
    if (self->hides) {
        weir_obj_release(response);
    } else {
        weir_ctx_fire_read(ctx, &response->head.obj);
    }
    if (is_continue) read_continue(self);
}

/* The end of a final response was passed on. */
static void end_exchange(http_client *self) {
    if (self->leaving) {
        weir_pipeline_remove(self->ctx);
    } else if (self->switched || self->ending) {
        return;
    } else if (self->last || (self->closing && self->count == 0)) {
        self->ending = true;
        weir_ctx_close(self->ctx, NULL);
    } else {
        http_client_ready(self);
    }
}

/* Takes: end. */
static void read_end(http_client *self, weir_obj *end) {
    bool is_final = !self->interim, hidden = self->hides;
    self->interim = self->hides = false;
    if (is_final) {
        self->first = (uint8_t)((self->first + 1) % WEIR_HTTP_CLIENT_PIPELINE);
        self->count--;
    }
    if (hidden) {
        weir_obj_release(end);
    } else {
        weir_ctx_fire_read(self->ctx, end);
    }
    if (is_final && !self->is_held) end_exchange(self);
}

void http_client_hold(http_client *self) {
    self->is_held = true;
    weir_decoder_pause(self->ctx);
}

void http_client_go_on(http_client *self) {
    if (!self->is_held) return;
    self->is_held = false;
    http_out_enter(&self->out);
    end_exchange(self);
    if (http_out_leave(&self->out)) weir_decoder_resume(self->ctx);
}

static void fail(weir_ctx *ctx, http_client *self, const weir_error *error) {
    self->ending = true;
    weir_channel *channel = weir_channel_retain(weir_ctx_channel(ctx));
    weir_ctx_fire_error(ctx, error);
    weir_channel_close(channel, NULL);
    weir_channel_release(channel);
}

/* A 101 to who asked for no other protocol: what follows would be read by nobody (RFC 9110 7.8). */
static bool is_unasked(const http_client *self, const weir_http_response *response) {
    return response->status == 101 && (self->methods[self->first] & HTTP_CLIENT_ASKS_UPGRADE) == 0;
}

void http_client_message(weir_ctx *ctx, weir_obj *message) {
    http_client *self = http_client_of(ctx);
    weir_http_response *response = weir_http_response_from(message);
    if (response != NULL && is_unasked(self, response)) {
        weir_obj_release(message);
        fail(ctx, self, &(weir_error){.status = WEIR_E_FRAME_CORRUPT, .what = "101 to no Upgrade"});
    } else if (response != NULL) {
        read_head(self, response);
    } else if (weir_http_end_from(message) != NULL) {
        read_end(self, message);
    } else {
        weir_ctx_fire_read(ctx, message);
    }
}

/* ---- ends ---- */

void http_client_failed(weir_ctx *ctx, const weir_error *failure) {
    http_client *self = http_client_of(ctx);
    if (!self->ending) fail(ctx, self, failure);
}

void http_client_ended(weir_ctx *ctx) {
    http_client *self = http_client_of(ctx);
    if (!self->switched && self->count != 0 && !self->ending)
        fail(ctx, self, &(weir_error){.status = WEIR_E_EOF, .what = "response"});
    weir_ctx_fire_event(ctx, &weir_event_peer_closed.obj);
}

/* ---- time: one lazy timer, by the channel's clock of reading, which stands while it is us who read nothing ---- */

static unsigned limit_of(const http_client *self) {
    if (self->ending || self->switched) return WEIR_LOOP_NEVER;
    if (self->waits_continue) return self->continue_timeout_ms;
    return self->count == 0 || self->sending ? WEIR_LOOP_NEVER : self->response_timeout_ms;
}

static void look_in(http_client *self, uint64_t ms) {
    weir_loop *loop = weir_ctx_loop(self->ctx);
    if (weir_timer_is_running(&self->timer) && self->timer.due <= weir_loop_now(loop) + ms) return;
    weir_timer_start(&self->timer, loop, ms);
}

void http_client_mark(http_client *self) {
    self->since = weir_channel_reading_ms(weir_ctx_channel(self->ctx));
    unsigned limit = limit_of(self);
    if (limit != WEIR_LOOP_NEVER) look_in(self, limit);
}

static void time_is_up(http_client *self) {
    weir_ctx *ctx = self->ctx;
    if (self->waits_continue) {
        read_continue(self);
        return;
    }
    weir_channel *channel = weir_channel_retain(weir_ctx_channel(ctx));
    self->ending = true;
    weir_ctx_fail(ctx, WEIR_E_TIMEOUT, "response");
    weir_channel_abort(channel, WEIR_E_TIMEOUT);
    weir_channel_release(channel);
}

/* A server answers what it has got: the time of one that still takes what was asked has not begun. */
static bool is_taking(http_client *self) {
    const weir_channel *channel = weir_ctx_channel(self->ctx);
    weir_channel_stats stats;
    weir_channel_get_stats(channel, &stats);
    bool was_owed = self->is_owed, has_taken = stats.bytes_written != self->taken;
    self->taken = stats.bytes_written;
    self->is_owed = weir_channel_pending_bytes(channel) != 0;
    return self->is_owed && (has_taken || !was_owed);
}

void http_client_on_timer(weir_timer *timer) {
    http_client *self = timer->arg;
    unsigned limit = limit_of(self);
    if (limit == WEIR_LOOP_NEVER) return; /* what is asked next marks its own time */
    const weir_channel *channel = weir_ctx_channel(self->ctx);
    bool goes_on = is_taking(self);
    if (goes_on) http_client_mark(self);
    uint64_t passed = weir_channel_reading_ms(channel) - self->since;
    if (passed >= limit || (self->is_owed && !goes_on)) {
        time_is_up(self);
    } else {
        look_in(self, weir_channel_can_read(channel) ? limit - passed : limit);
    }
}

/* Much of what was asked has left: the time to wait for the answer begins. */
void http_client_writable_changed(weir_ctx *ctx) {
    if (weir_channel_is_writable(weir_ctx_channel(ctx))) http_client_mark(http_client_of(ctx));
    weir_decoder_writable_changed(ctx);
}
