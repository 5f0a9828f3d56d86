/* witness.c - see witness.h. */
#include "witness.h"

#include <weir/testing.h>

static uint8_t pattern(size_t i) {
    return (uint8_t)(i * 2654435761u >> 13);
}

weir_buf *patterned(size_t at, size_t n) {
    weir_buf *buf = weir_buf_new(n);
    uint8_t *room = weir_buf_reserve(buf, n);
    require(room != NULL);
    for (size_t i = 0; i < n; i++) room[i] = pattern(at + i);
    weir_buf_commit(buf, n);
    return buf;
}

void expect_pattern(const uint8_t *bytes, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] == pattern(i)) continue;
        expect_eq(i, n); /* where it differs */
        return;
    }
}

static void gather(weir_ctx *ctx, weir_obj *msg) {
    witness *self = weir_ctx_state(ctx);
    weir_buf *buf = weir_buf_from(msg);
    weir_buf_write_buf(self->read, buf, weir_buf_readable(buf));
    weir_buf_release(buf);
}

static void take_event(weir_ctx *ctx, weir_obj *event) {
    witness *self = weir_ctx_state(ctx);
    if (self->takes_events) {
        weir_obj_release(event);
    } else {
        weir_ctx_fire_event(ctx, event);
    }
}

static const weir_handler gatherer = {.name = "gatherer", .read = gather, .event = take_event};

weir_status build_witness(weir_pipeline *pipeline, void *arg) {
    witness *self = arg;
    weir_status status = build_with_actor(pipeline, &self->actor);
    return status != WEIR_OK ? status : weir_pipeline_add_last(pipeline, &gatherer, self);
}

void open_with(wire_end *wire, wire_kind kind, const weir_channel_options *options, witness *self) {
    self->read = weir_buf_new(0);
    wire_open(wire, kind, options, build_witness, self);
}

void shut_with(wire_end *wire, witness *self) {
    wire_shut(wire);
    expect_eq(self->actor.seen[ACTOR_ACTIVE], 1);
    expect_eq(self->actor.seen[ACTOR_INACTIVE], 1);
    expect_eq(self->actor.seen[ACTOR_REMOVED], 1);
    weir_buf_release(self->read);
}

void write_big(void *arg) {
    big_write *self = arg;
    for (size_t i = 0; i < self->pieces; i++) {
        weir_promise *promise = i + 1 == self->pieces ? self->last : NULL;
        weir_channel_write(atomic_load(&self->wire->channel), patterned(i * self->piece, self->piece),
                           promise);
    }
}

bool has_read_something(void *arg) {
    return weir_buf_readable(((witness *)arg)->read) > 0;
}

bool has_seen_event(void *arg) {
    return ((witness *)arg)->actor.seen[ACTOR_EVENT] > 0;
}
