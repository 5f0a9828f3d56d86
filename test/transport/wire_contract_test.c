/* wire_contract_test.c - what every wire must do alike, run on each of them: bytes, promises, ends. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/testing.h>

#include "witness.h"

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
        if (!wire_traits_of[kind].by_hand) expect_status(weir_promise_wait(last, 10000), WEIR_OK);
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
        expect_eq(self.actor.seen[ACTOR_READ_COMPLETE], 0); /* nothing was read */
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
        expect_eq(self.actor.seen[ACTOR_ERROR], wire_traits_of[kind].has_reset ? 1 : 0);
        expect_eq(self.actor.seen[ACTOR_EVENT], wire_traits_of[kind].has_reset ? 0 : 1); /* an end like any */
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
        expect(!wire_ask(&wire, has_read_something, &self));
        weir_channel_set_reading(atomic_load(&wire.channel), true);
        expect(wire_until_gone(&wire));
        expect_bytes(weir_buf_peek(self.read), "unread");
        expect_eq(self.actor.seen[ACTOR_EVENT], 3); /* peer_ending, reading_on, peer_closed */
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
        if (!wire_traits_of[kind].has_reset) { /* then what came before the end can still be read */
            expect(wire_until(&wire, has_seen_event, &self));
            weir_channel_set_reading(atomic_load(&wire.channel), true);
        }
        expect(wire_until_gone(&wire));
        expect_eq(self.actor.seen[ACTOR_ERROR], wire_traits_of[kind].has_reset ? 1 : 0);
        expect_eq(weir_buf_readable(self.read), wire_traits_of[kind].has_reset ? 0 : 6);
        shut_with(&wire, &self);
    }
}

/* ---- both before the loop looks ---- */

static void send_and_reset(void *arg) {
    wire_end *wire = arg;
    far_send(wire, "before", 6);
    far_reset(wire);
}

WEIR_TEST(wire_contract, reads_what_came_before_a_reset_and_then_the_reset) {
    FOR_EACH_SOCKET(kind) {
        wire_end wire;
        witness self = {.actor = {.name = "h"}};
        open_with(&wire, kind, NULL, &self);
        wire_do(&wire, send_and_reset, &wire); /* on the loop, which does not look meanwhile */
        expect(wire_until_gone(&wire));
        expect_eq(self.actor.seen[ACTOR_ERROR], wire_traits_of[kind].has_reset ? 1 : 0);
        expect_bytes(weir_buf_peek(self.read), "before");
        shut_with(&wire, &self);
    }
}
