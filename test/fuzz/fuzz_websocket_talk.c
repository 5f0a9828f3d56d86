/* fuzz_websocket_talk.c - a whole connection: any bytes from the peer, a handler that sends, pings, closes as the bytes
 * say, time that passes, and all that was written judged by our own parser in the other role.
 *
 * Whatever comes: frames that are whole and right, none behind a close frame, the end told once and before inactive,
 * each promise completed once.
 */
#include <string.h>

#include <weir/buffer.h>
#include <weir/codec/cumulation.h>
#include <weir/codec/websocket.h>
#include <weir/core/leak.h>
#include <weir/core/log.h>
#include <weir/transport/embedded.h>
#include <weir/transport/promise.h>

#include "fuzz/chance.h"
#include "fuzz/fuzz.h"

enum {
    SIZE_MOST = 1 << 14,
    STEPS_MOST = 200
};

typedef struct talk {
    chance luck;
    weir_embedded *embedded;
    weir_ctx *ctx;
    weir_websocket_role role;
    weir_websocket_agreement agreement;
    weir_websocket_options options;
    weir_websocket_deflate_options deflate;
    unsigned closed_told;
    bool is_inactive;
    long promises;
} talk;

static void on_done(void *arg, weir_status status) {
    (void)status;
    ((talk *)arg)->promises--;
}

static weir_promise *some_promise(talk *self) {
    if (chance_below(&self->luck, 2) == 0) return NULL;
    weir_promise *promise = weir_promise_new(weir_ctx_loop(self->ctx));
    MUST(promise != NULL && weir_promise_listen(promise, on_done, self) == WEIR_OK);
    self->promises++;
    return promise;
}

static weir_buf *some_bytes(talk *self) {
    size_t n =
        chance_below(&self->luck, 4) == 0 ? chance_below(&self->luck, 2000) : chance_below(&self->luck, 130);
    weir_buf *buf = weir_buf_new(n);
    MUST(buf != NULL);
    weir_buf_write_fill(buf, (uint8_t)('a' + chance_below(&self->luck, 3)), n);
    return buf;
}

static void say_something(talk *self) {
    static const unsigned codes[] = {WEIR_WEBSOCKET_CLOSE_NORMAL, WEIR_WEBSOCKET_CLOSE_NONE, 4321};
    weir_ctx *ctx = self->ctx;
    if (ctx == NULL) return;
    weir_buf *buf = some_bytes(self);
    switch (chance_below(&self->luck, 12)) {
    case 1: weir_websocket_send_text(ctx, weir_buf_peek(buf), some_promise(self)); break;
    case 2: weir_websocket_send_ping(ctx, weir_buf_peek(buf), some_promise(self)); break;
    case 3: weir_websocket_send_binary(ctx, weir_buf_retain(buf), some_promise(self)); break;
    case 4:
        if (chance_below(&self->luck, 4) == 0)
            weir_websocket_close(ctx, codes[chance_below(&self->luck, 3)], "why", some_promise(self));
        break;
    case 5:
        if (self->role == WEIR_WEBSOCKET_SERVER)
            weir_ctx_write(ctx, weir_websocket_prepared_new(WEIR_WEBSOCKET_BINARY, weir_buf_copy(buf)),
                           some_promise(self));
        break;
    case 6:
        if (chance_below(&self->luck, 8) == 0) weir_ctx_close(ctx, some_promise(self));
        break;
    default: break;
    }
    weir_buf_release(buf);
}

/* ---- the handler ---- */

static void on_added(weir_ctx *ctx) {
    ((talk *)weir_ctx_state(ctx))->ctx = ctx;
}

static void on_removed(weir_ctx *ctx) {
    ((talk *)weir_ctx_state(ctx))->ctx = NULL;
}

static void on_read(weir_ctx *ctx, weir_obj *msg) {
    talk *self = weir_ctx_state(ctx);
    const weir_websocket_message *message = weir_websocket_message_from(msg);
    MUST(message != NULL && self->closed_told == 0);
    MUST(weir_buf_status(message->payload) == WEIR_OK);
    if (chance_below(&self->luck, 4) == 1) {
        weir_ctx_write(ctx, msg, some_promise(self));
    } else {
        weir_obj_release(msg);
    }
    say_something(self);
}

static void on_event(weir_ctx *ctx, weir_obj *event) {
    talk *self = weir_ctx_state(ctx);
    if (weir_websocket_closed_from(event) != NULL) {
        MUST(!self->is_inactive && self->closed_told++ == 0);
        say_something(self);
    }
    weir_ctx_fire_event(ctx, event);
}

static void on_inactive(weir_ctx *ctx) {
    talk *self = weir_ctx_state(ctx);
    MUST(self->closed_told == 1 && !self->is_inactive);
    self->is_inactive = true;
    weir_ctx_fire_inactive(ctx);
}

static const weir_handler handler = {.name = "fuzz",
                                     .added = on_added,
                                     .removed = on_removed,
                                     .read = on_read,
                                     .event = on_event,
                                     .inactive = on_inactive};

static weir_status build(weir_pipeline *pipeline, void *arg) {
    talk *self = arg;
    weir_status status =
        weir_websocket_add(pipeline, self->role, &self->options, &self->agreement, &self->deflate);
    return status != WEIR_OK ? status : weir_pipeline_add_last(pipeline, &handler, self);
}

/* ---- judging ---- */

static void judge(const talk *self, weir_buf *stream) {
    weir_websocket_deflate_params params = {
        .on = true,
        .own_window_bits = self->agreement.deflate.peer_window_bits,
        .peer_window_bits = self->agreement.deflate.own_window_bits,
        .peer_no_takeover = self->agreement.deflate.own_no_takeover,
    };
    weir_websocket_inflater *inflater =
        self->agreement.deflate.on ? weir_websocket_inflater_new(&params, false, NULL) : NULL;
    weir_websocket_parser parser;
    weir_cumulation bytes;
    weir_websocket_role far =
        self->role == WEIR_WEBSOCKET_SERVER ? WEIR_WEBSOCKET_CLIENT : WEIR_WEBSOCKET_SERVER;
    weir_websocket_parser_init(&parser, far, &(weir_websocket_parser_options){.unchecked_text = true},
                               inflater);
    weir_cumulation_init(&bytes, NULL);
    uint64_t size = weir_buf_readable(stream);
    MUST(weir_cumulation_add(&bytes, stream) == WEIR_OK);
    weir_obj *out;
    weir_error error;
    weir_decode answer;
    do {
        answer = weir_cumulation_next(&bytes, weir_websocket_parser_decode, &parser, &out, &error);
        MUST(answer == WEIR_DECODE_AGAIN || answer == WEIR_DECODE_LATER || answer == WEIR_DECODE_MORE);
        weir_obj_release(out);
    } while (answer != WEIR_DECODE_MORE);
    MUST(!parser.closed || parser.read == size);
    weir_cumulation_clear(&bytes);
    weir_websocket_parser_clear(&parser);
}

/* ---- a run ---- */

static void choose(talk *self) {
    bool compressed = chance_below(&self->luck, 2) == 1;
    self->role = chance_below(&self->luck, 2) == 0 ? WEIR_WEBSOCKET_SERVER : WEIR_WEBSOCKET_CLIENT;
    self->options = (weir_websocket_options){.limits = {.message = 3000, .fragments = 20},
                                             .pieces = chance_below(&self->luck, 2) == 1,
                                             .control_per_second = 8,
                                             .fragment = chance_below(&self->luck, 2) == 1 ? 100 : 0};
    self->deflate = (weir_websocket_deflate_options){.on = compressed,
                                                     .level = 1,
                                                     .memory_level = 1,
                                                     .own_window_bits = 9,
                                                     .release = chance_below(&self->luck, 2) == 1};
    self->agreement.deflate = (weir_websocket_deflate_params){.on = compressed,
                                                              .own_no_takeover = self->deflate.release,
                                                              .own_window_bits = 9,
                                                              .peer_window_bits = 9};
}

/* Taken as they are from what is left, so that a corpus of streams is of use. */
static void feed(talk *self) {
    size_t n = 1 + chance_below(&self->luck, 200);
    if (n > self->luck.left) n = self->luck.left;
    const uint8_t *bytes = self->luck.bytes;
    self->luck.bytes += n; /* before the handler takes its share */
    self->luck.left -= n;
    (void)weir_embedded_feed_bytes(self->embedded, bytes, n);
}

static void take_step(talk *self) {
    switch (chance_below(&self->luck, 8)) {
    case 0: weir_embedded_advance(self->embedded, chance_below(&self->luck, 2) == 0 ? 100 : 31000); break;
    case 1: weir_embedded_stall(self->embedded, chance_below(&self->luck, 2) == 1); break;
    case 2: say_something(self); break;
    default: feed(self);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > SIZE_MOST) return 0;
    weir_log_set_level(WEIR_LOG_OFF);
    int64_t alive = weir_leak_report(NULL);
    talk self = {.luck = chance_of_bytes(data, size)};
    choose(&self);
    weir_channel_options options = {.low_water = 500, .high_water = 1000, .write_cap = 3000};
    self.embedded = weir_embedded_new(&options, build, &self);
    MUST(self.embedded != NULL);
    for (int i = 0; i < STEPS_MOST && !chance_is_over(&self.luck); i++) take_step(&self);
    weir_embedded_stall(self.embedded, false);
    weir_embedded_feed_end(self.embedded);
    weir_embedded_advance(self.embedded, 120 * 1000);
    MUST(self.is_inactive && !weir_embedded_is_open(self.embedded));
    weir_buf *all = weir_embedded_take_all(self.embedded);
    MUST(all != NULL);
    judge(&self, all);
    weir_embedded_free(self.embedded);
    MUST(self.promises == 0);
    MUST(weir_leak_report(NULL) == alive);
    return 0;
}
