/* wire_contract_test.c - what every wire must do alike, run on each of them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/testing.h>

#include "actor.h"
#include "wires.h"

#define FOR_EACH_WIRE(kind) for (wire_kind kind = 0; kind < WIRE_KINDS; kind++)

static uint8_t pattern(size_t i) {
    return (uint8_t)(i * 2654435761u >> 13);
}

static weir_buf *patterned(size_t at, size_t n) {
    weir_buf *buf = weir_buf_new(n);
    uint8_t *room = weir_buf_reserve(buf, n);
    require(room != NULL);
    for (size_t i = 0; i < n; i++) room[i] = pattern(at + i);
    weir_buf_commit(buf, n);
    return buf;
}

static void expect_pattern(const uint8_t *bytes, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] == pattern(i)) continue;
        expect_eq(i, n); /* where it differs */
        return;
    }
}

/* A handler that gathers what it reads; the events are the actor's. */
typedef struct witness {
    actor actor; /* in front */
    weir_buf *read;
    bool takes_events;
} witness;

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

static weir_status build_witness(weir_pipeline *pipeline, void *arg) {
    witness *self = arg;
    weir_status status = build_with_actor(pipeline, &self->actor);
    return status != WEIR_OK ? status : weir_pipeline_add_last(pipeline, &gatherer, self);
}

static void open_with(wire_end *wire, wire_kind kind, const weir_channel_options *options, witness *self) {
    self->read = weir_buf_new(0);
    wire_open(wire, kind, options, build_witness, self);
}

static void shut_with(wire_end *wire, witness *self) {
    wire_shut(wire);
    expect_eq(self->actor.seen[ACTOR_ACTIVE], 1);
    expect_eq(self->actor.seen[ACTOR_INACTIVE], 1);
    expect_eq(self->actor.seen[ACTOR_REMOVED], 1);
    weir_buf_release(self->read);
}

/* ---- bytes ---- */

WEIR_TEST(wire_contract, brings_bytes_in_order_both_ways) {
    FOR_EACH_WIRE(kind) {
        enum {
            PIECES = 300,
            PIECE = 977
        };
        wire_end wire;
        witness self = {.actor = {.name = "h"}};
        static uint8_t bytes[PIECES * PIECE];
        open_with(&wire, kind, NULL, &self);
        for (size_t i = 0; i < PIECES; i++) wire_write(&wire, patterned(i * PIECE, PIECE), NULL);
        memset(bytes, 0, sizeof bytes);
        expect_eq(far_receive(&wire, bytes, sizeof bytes), sizeof bytes);
        expect_pattern(bytes, sizeof bytes);
        for (size_t i = 0; i < PIECES; i++) far_send(&wire, bytes + i * PIECE, PIECE);
        far_finish(&wire);
        expect(wire_until_gone(&wire));
        expect_eq(weir_buf_readable(self.read), sizeof bytes);
        expect_pattern(weir_buf_peek(self.read).ptr, weir_buf_readable(self.read));
        expect(self.actor.seen[ACTOR_READ_COMPLETE] > 0);
        expect(self.actor.seen[ACTOR_READ_COMPLETE] <= self.actor.seen[ACTOR_READ]);
        shut_with(&wire, &self);
    }
}

typedef struct big_write {
    wire_end *wire;
    size_t pieces, piece;
    weir_promise *last;
} big_write;

static void write_big(void *arg) {
    big_write *self = arg;
    for (size_t i = 0; i < self->pieces; i++) {
        weir_promise *promise = i + 1 == self->pieces ? self->last : NULL;
        weir_channel_write(atomic_load(&self->wire->channel), patterned(i * self->piece, self->piece), promise);
    }
}

WEIR_TEST(wire_contract, carries_eight_megabytes_in_many_bufs) {
    FOR_EACH_WIRE(kind) {
        enum {
            TOTAL = 8 << 20
        };
        wire_end wire;
        witness self = {.actor = {.name = "h"}};
        open_with(&wire, kind, NULL, &self);
        big_write big = {.wire = &wire, .pieces = 2048, .piece = TOTAL / 2048};
        big.last = weir_promise_new(wire.loop);
        weir_promise *last = weir_promise_retain(big.last);
        wire_do(&wire, write_big, &big);
        uint8_t *bytes = malloc(TOTAL);
        require(bytes != NULL);
        expect_eq(far_receive(&wire, bytes, TOTAL), TOTAL);
        expect_pattern(bytes, TOTAL);
        if (kind != WIRE_EMBEDDED) expect_status(weir_promise_wait(last, 10000), WEIR_OK);
        expect(weir_promise_is_done(last));
        weir_promise_release(last);
        free(bytes);
        shut_with(&wire, &self);
    }
}

WEIR_TEST(wire_contract, carries_a_composite_of_ten_thousand_parts) {
    FOR_EACH_WIRE(kind) {
        enum {
            PARTS = 10000
        };
        wire_end wire;
        witness self = {.actor = {.name = "h"}};
        uint8_t bytes[PARTS];
        open_with(&wire, kind, NULL, &self);
        weir_buf *all = weir_buf_composite_new();
        for (size_t i = 0; i < PARTS; i++) weir_buf_composite_append(all, patterned(i, 1));
        wire_write(&wire, all, NULL);
        expect_eq(far_receive(&wire, bytes, PARTS), PARTS);
        expect_pattern(bytes, PARTS);
        shut_with(&wire, &self);
    }
}

static weir_status write_in_build(weir_pipeline *pipeline, void *arg) {
    weir_status status = build_witness(pipeline, arg);
    weir_channel_write(weir_pipeline_channel(pipeline), patterned(0, 1000), NULL);
    weir_channel_flush(weir_pipeline_channel(pipeline));
    weir_channel_write(weir_pipeline_channel(pipeline), patterned(1000, 1000), NULL);
    return status;
}

WEIR_TEST(wire_contract, keeps_what_is_written_before_the_connection_stands) {
    FOR_EACH_WIRE(kind) {
        wire_end wire;
        witness self = {.actor = {.name = "h"}, .read = weir_buf_new(0)};
        uint8_t bytes[2000];
        wire_open(&wire, kind, NULL, write_in_build, &self);
        expect_eq(far_receive(&wire, bytes, 2000), 2000);
        expect_pattern(bytes, 2000);
        shut_with(&wire, &self);
    }
}

/* ---- the order of promises ---- */

enum {
    WRITES = 500
};

typedef struct numbered {
    struct order *order;
    unsigned number;
} numbered;

typedef struct order {
    wire_end *wire;
    unsigned next, wrong, failed;
    numbered numbers[WRITES];
} order;

static void check_number(void *arg, weir_status status) {
    numbered *self = arg;
    if (self->number != self->order->next++) self->order->wrong++;
    if (status != WEIR_OK) self->order->failed++;
}

static void write_numbered(void *arg) {
    order *self = arg;
    for (unsigned i = 0; i < WRITES; i++) {
        weir_promise *promise = weir_promise_new(self->wire->loop);
        self->numbers[i] = (numbered){self, i};
        weir_promise_listen(promise, check_number, &self->numbers[i]);
        size_t n = i % 7 == 0 ? 0 : i % 50 == 0 ? 20000 : 10; /* empty ones have their turn too */
        weir_channel_write(atomic_load(&self->wire->channel), patterned(0, n), promise);
        if (i % 90 == 0) weir_channel_flush(atomic_load(&self->wire->channel));
    }
}

static bool all_numbers_told(void *arg) {
    return ((order *)arg)->next == WRITES;
}

WEIR_TEST(wire_contract, completes_promises_in_the_order_of_the_writes) {
    FOR_EACH_WIRE(kind) {
        wire_end wire;
        witness self = {.actor = {.name = "h"}};
        static order numbers;
        memset(&numbers, 0, sizeof numbers);
        open_with(&wire, kind, NULL, &self);
        numbers.wire = &wire;
        wire_do(&wire, write_numbered, &numbers);
        expect(wire_until(&wire, all_numbers_told, &numbers));
        expect_eq(numbers.wrong, 0);
        expect_eq(numbers.failed, 0);
        shut_with(&wire, &self);
    }
}

WEIR_TEST(wire_contract, completes_promises_in_order_also_when_the_connection_ends_first) {
    FOR_EACH_WIRE(kind) {
        wire_end wire;
        witness self = {.actor = {.name = "h"}};
        static order numbers;
        memset(&numbers, 0, sizeof numbers);
        open_with(&wire, kind, NULL, &self);
        numbers.wire = &wire;
        far_take(&wire, false);
        big_write big = {.wire = &wire, .pieces = 200, .piece = 65536};
        wire_do(&wire, write_big, &big);
        wire_do(&wire, write_numbered, &numbers);
        expect_eq(numbers.next, 0);
        far_reset(&wire);
        expect(wire_until_gone(&wire));
        expect_eq(numbers.next, WRITES);
        expect_eq(numbers.wrong, 0);
        expect_eq(numbers.failed, WRITES);
        shut_with(&wire, &self);
    }
}

/* ---- ends ---- */

static void shut_channel(void *arg) {
    weir_channel_shutdown(atomic_load(&((wire_end *)arg)->channel), NULL);
}

static void close_channel(void *arg) {
    weir_channel_close(atomic_load(&((wire_end *)arg)->channel), NULL);
}

static void abort_channel(void *arg) {
    weir_channel_abort(atomic_load(&((wire_end *)arg)->channel), WEIR_E_LIMIT);
}

static bool has_read_something(void *arg) {
    return weir_buf_readable(((witness *)arg)->read) > 0;
}

static bool has_seen_event(void *arg) {
    return ((witness *)arg)->actor.seen[ACTOR_EVENT] > 0;
}

WEIR_TEST(wire_contract, ends_our_direction_after_what_was_written_and_reads_on) {
    FOR_EACH_WIRE(kind) {
        wire_end wire;
        witness self = {.actor = {.name = "h"}};
        uint8_t bytes[3000];
        open_with(&wire, kind, NULL, &self);
        wire_write(&wire, patterned(0, 3000), NULL);
        wire_do(&wire, shut_channel, &wire);
        expect_eq(far_receive(&wire, bytes, 3000), 3000);
        expect(far_sees_end(&wire));
        far_send(&wire, "still", 5);
        expect(wire_until(&wire, has_read_something, &self));
        far_finish(&wire);
        expect(wire_until_gone(&wire));
        shut_with(&wire, &self);
    }
}

WEIR_TEST(wire_contract, lets_a_handler_write_on_after_the_peers_end) {
    FOR_EACH_WIRE(kind) {
        wire_end wire;
        witness self = {.actor = {.name = "h"}, .takes_events = true};
        uint8_t bytes[100000];
        open_with(&wire, kind, NULL, &self);
        far_finish(&wire);
        expect(wire_until(&wire, has_seen_event, &self));
        wire_write(&wire, patterned(0, sizeof bytes), NULL);
        expect_eq(far_receive(&wire, bytes, sizeof bytes), sizeof bytes);
        expect_pattern(bytes, sizeof bytes);
        wire_do(&wire, shut_channel, &wire);
        expect(far_sees_end(&wire));
        expect(wire_until_gone(&wire));
        expect_eq(self.actor.seen[ACTOR_EVENT], 1);
        shut_with(&wire, &self);
    }
}

WEIR_TEST(wire_contract, closes_only_after_all_that_was_written_is_out) {
    FOR_EACH_WIRE(kind) {
        enum {
            TOTAL = 4 << 20
        };
        wire_end wire;
        witness self = {.actor = {.name = "h"}};
        open_with(&wire, kind, NULL, &self);
        big_write big = {.wire = &wire, .pieces = 64, .piece = TOTAL / 64};
        wire_do(&wire, write_big, &big);
        wire_do(&wire, close_channel, &wire);
        uint8_t *bytes = malloc(TOTAL);
        require(bytes != NULL);
        expect_eq(far_receive(&wire, bytes, TOTAL), TOTAL);
        expect_pattern(bytes, TOTAL);
        free(bytes);
        expect(far_sees_end(&wire));
        expect(wire_until_gone(&wire));
        shut_with(&wire, &self);
    }
}

WEIR_TEST(wire_contract, shows_the_peer_a_reset_when_aborted) {
    FOR_EACH_WIRE(kind) {
        wire_end wire;
        witness self = {.actor = {.name = "h"}};
        open_with(&wire, kind, NULL, &self);
        wire_do(&wire, abort_channel, &wire);
        expect(far_sees_reset(&wire));
        expect(wire_until_gone(&wire));
        expect_eq(self.actor.seen[ACTOR_ERROR], 0);
        shut_with(&wire, &self);
    }
}

WEIR_TEST(wire_contract, tells_a_reset_of_the_peer_as_one_error_and_ends) {
    FOR_EACH_WIRE(kind) {
        wire_end wire;
        witness self = {.actor = {.name = "h"}};
        open_with(&wire, kind, NULL, &self);
        far_reset(&wire);
        expect(wire_until_gone(&wire));
        expect_eq(self.actor.seen[ACTOR_ERROR], 1);
        expect_eq(self.actor.seen[ACTOR_EVENT], 0);
        shut_with(&wire, &self);
    }
}

WEIR_TEST(wire_contract, sees_the_peers_end_while_nothing_is_read_and_keeps_the_bytes_before_it) {
    FOR_EACH_WIRE(kind) {
        wire_end wire;
        witness self = {.actor = {.name = "h"}};
        open_with(&wire, kind, &(weir_channel_options){.manual_read = true}, &self);
        far_send(&wire, "unread", 6);
        far_finish(&wire);
        expect(wire_until(&wire, has_seen_event, &self));
        expect_eq(weir_buf_readable(self.read), 0);
        expect_eq(self.actor.seen[ACTOR_EVENT], 1);
        weir_channel_set_reading(atomic_load(&wire.channel), true);
        expect(wire_until_gone(&wire));
        expect_bytes(weir_buf_peek(self.read), "unread");
        expect_eq(self.actor.seen[ACTOR_EVENT], 2);
        shut_with(&wire, &self);
    }
}

WEIR_TEST(wire_contract, sees_a_reset_while_nothing_is_read) {
    FOR_EACH_WIRE(kind) {
        wire_end wire;
        witness self = {.actor = {.name = "h"}};
        open_with(&wire, kind, &(weir_channel_options){.manual_read = true}, &self);
        far_send(&wire, "unread", 6);
        far_reset(&wire);
        expect(wire_until_gone(&wire));
        expect_eq(self.actor.seen[ACTOR_ERROR], 1);
        shut_with(&wire, &self);
    }
}

/* ---- flow ---- */

static bool is_writable_again(void *arg) {
    return ((witness *)arg)->actor.seen[ACTOR_WRITABLE_CHANGED] == 2;
}

WEIR_TEST(wire_contract, stalls_when_the_peer_takes_nothing_and_resumes) {
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
        wait_ms(kind == WIRE_EMBEDDED ? 0 : 30);
        expect_eq(weir_buf_readable(self.read), 0);
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
} flush_check;

static void write_then_flush(void *arg) {
    flush_check *self = arg;
    weir_channel *channel = atomic_load(&self->wire->channel);
    weir_promise *promise = weir_promise_new(self->wire->loop);
    weir_channel_write(channel, patterned(0, 10), weir_promise_retain(promise));
    self->done_before_flush = weir_promise_is_done(promise);
    weir_channel_flush(channel);
    self->done_after_flush = weir_promise_is_done(promise);
    weir_promise_release(promise);
}

WEIR_TEST(wire_contract, sends_at_a_flush_and_not_at_the_write) {
    FOR_EACH_WIRE(kind) {
        wire_end wire;
        witness self = {.actor = {.name = "h"}};
        open_with(&wire, kind, NULL, &self);
        flush_check check = {.wire = &wire};
        wire_do(&wire, write_then_flush, &check);
        expect(!check.done_before_flush);
        expect(check.done_after_flush);
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

WEIR_TEST(wire_contract, counts_what_passed_and_gathers_the_writes_of_a_turn) {
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
        if (kind != WIRE_EMBEDDED) expect_eq(total.stats.writev_calls, 1);
        expect_eq(total.stats.sendfile_calls, 0);
        shut_with(&wire, &self);
    }
}

static void write_wrong_type(void *arg) {
    flush_check *self = arg;
    weir_promise *promise = weir_promise_new(self->wire->loop);
    weir_channel_write(atomic_load(&self->wire->channel), &weir_event_stopping.obj, weir_promise_retain(promise));
    self->done_after_flush = weir_promise_status(promise) == WEIR_E_UNSUPPORTED;
    weir_promise_release(promise);
}

WEIR_TEST(wire_contract, refuses_on_a_socket_what_is_neither_buf_nor_region) {
    FOR_EACH_WIRE(kind) {
        wire_end wire;
        witness self = {.actor = {.name = "h"}};
        if (kind == WIRE_EMBEDDED) continue; /* which takes any object */
        open_with(&wire, kind, NULL, &self);
        flush_check check = {.wire = &wire};
        wire_do(&wire, write_wrong_type, &check);
        expect(check.done_after_flush);
        shut_with(&wire, &self);
    }
}
