/* wire_flow_test.c - the contract of every wire, continued: backpressure, flushing, counting. */
#include <stdlib.h>

#include <weir/testing.h>

#include "witness.h"

static bool is_writable_again(void *arg) {
    return ((witness *)arg)->actor.seen[ACTOR_WRITABLE_CHANGED] == 2;
}

WEIR_TEST(wire_flow, stalls_when_the_peer_takes_nothing_and_resumes) {
    FOR_EACH_WIRE(kind) {
        enum {
            TOTAL = 16 << 20
        };
        wire_end wire;
        witness self = {.actor = {.name = "h"}};
        open_with(&wire, kind, NULL, &self);
        far_take(&wire, false);
        big_write big = {.wire = &wire, .pieces = 256, .piece = TOTAL / 256};
        wire_do(&wire, write_big, &big);
        weir_channel *channel = atomic_load(&wire.channel);
        expect(!weir_channel_is_writable(channel));
        expect_eq(weir_channel_bytes_before_unwritable(channel), 0);
        expect(weir_channel_pending_bytes(channel) > 65536);
        far_send(&wire, "not read while unwritable", 25);
        wait_ms(wire_traits_of[kind].by_hand ? 0 : 30);
        expect(!wire_ask(&wire, has_read_something, &self));
        far_take(&wire, true);
        uint8_t *bytes = malloc(TOTAL);
        require(bytes != NULL);
        expect_eq(far_receive(&wire, bytes, TOTAL), TOTAL);
        expect_pattern(bytes, TOTAL);
        free(bytes);
        expect(wire_until(&wire, is_writable_again, &self));
        expect(weir_channel_is_writable(channel));
        expect(wire_until(&wire, has_read_something, &self));
        expect_eq(weir_channel_pending_bytes(channel), 0);
        shut_with(&wire, &self);
    }
}

typedef struct flush_check {
    wire_end *wire;
    bool done_before_flush, done_after_flush;
    weir_promise *promise;
} flush_check;

static void write_then_flush(void *arg) {
    flush_check *self = arg;
    weir_channel *channel = atomic_load(&self->wire->channel);
    weir_promise *promise = weir_promise_new(self->wire->loop);
    weir_channel_write(channel, patterned(0, 10), weir_promise_retain(promise));
    self->done_before_flush = weir_promise_is_done(promise);
    weir_channel_flush(channel);
    self->done_after_flush = weir_promise_is_done(promise);
    self->promise = promise;
}

WEIR_TEST(wire_flow, sends_at_a_flush_and_not_at_the_write) {
    FOR_EACH_WIRE(kind) {
        wire_end wire;
        witness self = {.actor = {.name = "h"}};
        open_with(&wire, kind, NULL, &self);
        flush_check check = {.wire = &wire};
        wire_do(&wire, write_then_flush, &check);
        expect(!check.done_before_flush);
        bool sent = wire_traits_of[kind].is_asked ? weir_promise_wait(check.promise, 10000) == WEIR_OK
                                                  : check.done_after_flush;
        expect(sent);
        weir_promise_release(check.promise);
        shut_with(&wire, &self);
    }
}

/* ---- counting ---- */

typedef struct counted {
    wire_end *wire;
    weir_channel_stats stats;
} counted;

static void write_ten(void *arg) {
    counted *self = arg;
    for (int i = 0; i < 10; i++) {
        weir_channel_write(atomic_load(&self->wire->channel), patterned(0, 100), NULL);
    }
}

static void get_stats(void *arg) {
    counted *self = arg;
    weir_channel_get_stats(atomic_load(&self->wire->channel), &self->stats);
}

WEIR_TEST(wire_flow, counts_what_passed_and_gathers_the_writes_of_a_turn) {
    FOR_EACH_WIRE(kind) {
        wire_end wire;
        witness self = {.actor = {.name = "h"}};
        uint8_t bytes[1000];
        open_with(&wire, kind, NULL, &self);
        counted total = {.wire = &wire};
        wire_do(&wire, write_ten, &total);
        expect_eq(far_receive(&wire, bytes, 1000), 1000);
        far_send(&wire, bytes, 500);
        expect(wire_until(&wire, has_read_something, &self));
        wire_do(&wire, get_stats, &total);
        expect_eq(total.stats.messages_written, 10);
        expect_eq(total.stats.bytes_written, 1000);
        expect_eq(total.stats.bytes_read, 500);
        expect_eq(total.stats.reads, 1);
        expect_eq(total.stats.writev_calls, wire_traits_of[kind].is_socket ? 1 : 0);
        expect_eq(total.stats.sendfile_calls, 0);
        shut_with(&wire, &self);
    }
}

static void write_event(void *arg) {
    flush_check *self = arg;
    weir_promise *promise = weir_promise_new(self->wire->loop);
    weir_channel_write(atomic_load(&self->wire->channel), &weir_event_stopping.obj,
                       weir_promise_retain(promise));
    weir_channel_flush(atomic_load(&self->wire->channel));
    self->done_before_flush = weir_promise_status(promise) == WEIR_OK;
    self->done_after_flush = weir_promise_status(promise) == WEIR_E_UNSUPPORTED;
    weir_promise_release(promise);
}

WEIR_TEST(wire_flow, refuses_what_is_neither_buf_nor_region_unless_it_takes_any_object) {
    FOR_EACH_WIRE(kind) {
        wire_end wire;
        witness self = {.actor = {.name = "h"}};
        open_with(&wire, kind, NULL, &self);
        flush_check check = {.wire = &wire};
        far_take(&wire, false); /* which could not show it */
        wire_do(&wire, write_event, &check);
        expect_eq(check.done_before_flush, wire_traits_of[kind].any_object);
        expect_eq(check.done_after_flush, !wire_traits_of[kind].any_object);
        shut_with(&wire, &self);
    }
}
