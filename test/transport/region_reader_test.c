/* region_reader_test.c - regions in chunks, for handlers that must see the bytes: order, bounds, waiting, ends. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/core/log.h>
#include <weir/testing.h>

#include "slow_region.h"
#include "wires.h"
#include "xor_handler.h"

/* ---- the reader alone, on a loop that takes its turns by hand ---- */

typedef struct desk {
    weir_embedded *embedded;
    slow_region slow;
    weir_region_reader reader;
    int ready;
} desk;

static void count_ready(void *arg) {
    ((desk *)arg)->ready++;
}

static void desk_open(desk *self, uint64_t length, size_t chunk, size_t headroom) {
    self->embedded = weir_embedded_new(NULL, NULL, NULL);
    require(self->embedded != NULL);
    weir_region_reader_init(&self->reader, weir_embedded_loop(self->embedded),
                            slow_region_make(&self->slow, length),
                            &(weir_region_reader_options){
                                .chunk = chunk, .headroom = headroom, .ready = count_ready, .arg = self});
}

static void desk_close(desk *self) {
    weir_region_reader_clear(&self->reader);
    weir_embedded_free(self->embedded);
    expect_eq(atomic_load(&self->slow.frees), 1);
}

/* The next `n` bytes from `at` come in one chunk. */
static void expect_chunk(desk *self, uint64_t at, size_t n) {
    weir_buf *chunk;
    if (!expect_status(weir_region_reader_next(&self->reader, &chunk), WEIR_OK)) return;
    require(chunk != NULL);
    expect_eq(weir_buf_readable(chunk), n);
    expect_eq(weir_buf_reader_index(chunk), self->reader.options.headroom);
    for (uint8_t byte; weir_buf_read_u8(chunk, &byte);) expect_eq(byte, slow_byte(at++));
    weir_buf_release(chunk);
}

static void expect_no_chunk(desk *self, weir_status status) {
    weir_buf *chunk = (weir_buf *)(uintptr_t)1;
    expect_status(weir_region_reader_next(&self->reader, &chunk), status);
    expect(chunk == NULL);
}

WEIR_TEST(region_reader, gives_what_is_at_hand_chunk_by_chunk_and_then_nothing) {
    desk d = {.slow = {.warm = UINT64_MAX}};
    desk_open(&d, 2500, 1000, 16);
    expect_eq(weir_region_reader_left(&d.reader), 2500);
    expect_chunk(&d, 0, 1000);
    expect_chunk(&d, 1000, 1000);
    expect_eq(weir_region_reader_left(&d.reader), 500);
    expect_chunk(&d, 2000, 500);
    expect_no_chunk(&d, WEIR_OK);
    expect_no_chunk(&d, WEIR_OK);
    expect_eq(d.ready, 0);
    desk_close(&d);
}

WEIR_TEST(region_reader, takes_chunks_of_64_kib_unless_told_otherwise) {
    desk d = {.slow = {.warm = UINT64_MAX}};
    desk_open(&d, 100000, 0, 0);
    expect_chunk(&d, 0, 65536);
    expect_chunk(&d, 65536, 100000 - 65536);
    desk_close(&d);
}

WEIR_TEST(region_reader, has_what_must_be_waited_for_read_elsewhere_and_says_when_it_is_there) {
    desk d = {.ready = 0};
    desk_open(&d, 2500, 1000, 0);
    for (int i = 0; i < 3; i++) {
        expect_no_chunk(&d, -EAGAIN);
        expect_no_chunk(&d, -EAGAIN);
        expect_eq(d.ready, i);
        weir_embedded_run(d.embedded);
        expect_eq(d.ready, i + 1);
        expect_eq(atomic_load(&d.slow.waits), i + 1); /* nothing is read ahead */
        expect_chunk(&d, (uint64_t)i * 1000, i < 2 ? 1000 : 500);
    }
    expect_no_chunk(&d, WEIR_OK);
    desk_close(&d);
}

WEIR_TEST(region_reader, may_be_cleared_while_its_chunk_is_being_read) {
    desk d = {.ready = 0};
    desk_open(&d, 2500, 1000, 0);
    expect_no_chunk(&d, -EAGAIN);
    weir_region_reader_clear(&d.reader);
    weir_region_reader_clear(&d.reader);
    expect_eq(weir_region_reader_left(&d.reader), 0);
    memset(&d.reader, 0xff, sizeof d.reader); /* its memory may be gone */
    weir_embedded_run(d.embedded);
    expect_eq(d.ready, 0);
    memset(&d.reader, 0, sizeof d.reader);
    desk_close(&d);
}

WEIR_TEST(region_reader, may_be_cleared_with_a_chunk_nobody_asked_for) {
    desk d = {.ready = 0};
    desk_open(&d, 2500, 1000, 0);
    expect_no_chunk(&d, -EAGAIN);
    weir_embedded_run(d.embedded);
    expect_eq(d.ready, 1);
    desk_close(&d);
}

static void clear_when_ready(void *arg) {
    desk *d = arg;
    d->ready++;
    weir_region_reader_clear(&d->reader);
}

WEIR_TEST(region_reader, may_be_cleared_from_its_ready_function) {
    desk d = {.ready = 0};
    desk_open(&d, 2500, 1000, 0);
    d.reader.options.ready = clear_when_ready;
    expect_no_chunk(&d, -EAGAIN);
    weir_embedded_run(d.embedded);
    expect_eq(d.ready, 1);
    desk_close(&d);
}

WEIR_TEST(region_reader, tells_that_its_source_ended_early) {
    desk d = {.slow = {.warm = UINT64_MAX, .ends_at = 1500}};
    desk_open(&d, 2500, 1000, 0);
    expect_chunk(&d, 0, 1000);
    expect_chunk(&d, 1000, 500);
    expect_no_chunk(&d, WEIR_E_TRUNCATED);
    desk_close(&d);
    desk cold = {.slow = {.ends_at = 1500}};
    desk_open(&cold, 2500, 2000, 0);
    expect_no_chunk(&cold, -EAGAIN);
    weir_embedded_run(cold.embedded);
    expect_eq(cold.ready, 1);
    expect_no_chunk(&cold, WEIR_E_TRUNCATED);
    expect_no_chunk(&cold, WEIR_E_TRUNCATED);
    desk_close(&cold);
}

WEIR_TEST(region_reader, tells_what_the_source_says_when_it_fails) {
    desk d = {.slow = {.fails = -EIO}};
    desk_open(&d, 2500, 1000, 0);
    expect_no_chunk(&d, -EAGAIN);
    weir_embedded_run(d.embedded);
    expect_no_chunk(&d, -EIO);
    desk_close(&d);
}

WEIR_TEST(region_reader, of_a_region_that_could_not_be_made_says_so) {
    weir_region_reader reader;
    weir_buf *chunk;
    weir_region_reader_init(&reader, NULL, NULL, NULL);
    expect_status(weir_region_reader_next(&reader, &chunk), WEIR_E_NO_MEMORY);
    weir_region_reader_clear(&reader);
    expect_abort(weir_region_reader_next(&reader, &chunk), "was cleared");
}

static bool read_all_cold(void *arg) {
    (void)arg;
    desk d = {.ready = 0};
    d.embedded = weir_embedded_new(NULL, NULL, NULL);
    if (d.embedded == NULL) return false;
    weir_region_reader_init(&d.reader, weir_embedded_loop(d.embedded), slow_region_make(&d.slow, 200),
                            &(weir_region_reader_options){.chunk = 100, .ready = count_ready, .arg = &d});
    weir_buf *chunk;
    weir_status status;
    for (int i = 0; i < 10; i++) {
        status = weir_region_reader_next(&d.reader, &chunk);
        if (status == WEIR_OK && chunk == NULL) break;
        weir_buf_release(chunk);
        weir_embedded_run(d.embedded);
    }
    bool whole = weir_region_reader_left(&d.reader) == 0;
    desk_close(&d);
    return whole;
}

WEIR_TEST(region_reader, loses_nothing_when_memory_runs_out_anywhere) {
    expect(weir_oom_sweep(read_all_cold, NULL) > 3);
}

/* ---- a handler that must see every byte ---- */

static weir_buf *slow_bytes(uint64_t from, size_t n) {
    weir_buf *buf = weir_buf_new(n);
    for (size_t i = 0; i < n; i++) weir_buf_write_u8(buf, slow_byte(from + i));
    return buf;
}

static void expect_xored(wire_end *wire, uint64_t from, size_t n) {
    uint8_t *bytes = malloc(n);
    require(bytes != NULL);
    expect_eq(far_receive(wire, bytes, n), n);
    size_t right = 0;
    while (right < n && bytes[right] == (slow_byte(from + right) ^ XOR_KEY)) right++;
    expect_eq(right, n);
    free(bytes);
}

/* What is written in one turn: a buf, a region, a buf, two regions in a row, an empty one, a buf. */
enum {
    BEFORE = 100,
    BIG = 1000000,
    BETWEEN = 70,
    SMALL = 5000,
    AFTER = 30,
};

typedef struct order {
    wire_end *wire;
    slow_region *big, *small, *empty;
    int completed, failed;
    weir_status status;
} order;

static void note(void *arg, weir_status status) {
    order *self = arg;
    self->completed++;
    if (status != WEIR_OK) self->failed++;
    if (status != WEIR_OK) self->status = status;
}

static void write_noted(order *self, void *msg) {
    weir_promise *promise = weir_promise_new(self->wire->loop);
    require(weir_promise_listen(promise, note, self) == WEIR_OK);
    weir_channel_write(atomic_load(&self->wire->channel), msg, promise);
}

static void write_all(void *arg) {
    order *self = arg;
    write_noted(self, slow_bytes(1, BEFORE));
    write_noted(self, slow_region_make(self->big, BIG));
    write_noted(self, slow_bytes(2, BETWEEN));
    write_noted(self, slow_region_make(self->small, SMALL));
    write_noted(self, slow_region_make(self->empty, 0));
    write_noted(self, slow_bytes(3, AFTER));
}

static bool all_completed(void *arg) {
    return ((order *)arg)->completed == 6;
}

static void send_in_order(wire_kind kind, bool is_cold, const weir_channel_options *options, size_t chunk) {
    wire_end wire;
    xor_handler handler = {.chunk = chunk};
    wire_open(&wire, kind, options, build_with_xor, &handler);
    slow_region big = {.loop = wire.loop, .warm = is_cold ? 0 : UINT64_MAX};
    slow_region small = big, empty = big;
    order o = {.wire = &wire, .big = &big, .small = &small, .empty = &empty};
    wire_do(&wire, write_all, &o);
    expect_xored(&wire, 1, BEFORE);
    expect_xored(&wire, 0, BIG);
    expect_xored(&wire, 2, BETWEEN);
    expect_xored(&wire, 0, SMALL);
    expect_xored(&wire, 3, AFTER);
    expect(wire_until(&wire, all_completed, &o));
    expect_eq(o.failed, 0);
    expect_eq(atomic_load(&big.waits_on_loop), 0);
    if (is_cold) expect(atomic_load(&big.waits) > BIG / (64 * 1024));
    uint64_t bound = 64 * 1024 + (chunk != 0 ? chunk : 64 * 1024) + 2 * 64;
    expect(handler.most_pending <= bound);
    wire_shut(&wire);
    expect_eq(handler.removed, 1);
    expect_eq(atomic_load(&big.frees) + atomic_load(&small.frees) + atomic_load(&empty.frees), 3);
}

WEIR_TEST(region_reader, keeps_bufs_and_regions_in_order_and_memory_within_the_watermark_and_a_chunk) {
    FOR_EACH_SOCKET(kind) {
        send_in_order(kind, false, NULL, 0);
        send_in_order(kind, false, &(weir_channel_options){.send_buffer = 4096}, 1000);
    }
}

WEIR_TEST(region_reader, never_lets_the_loop_wait_for_a_cold_source) {
    FOR_EACH_SOCKET(kind) send_in_order(kind, true, NULL, 0);
}

static bool is_waited_for(void *arg) {
    return atomic_load(&((slow_region *)arg)->waits) > 0;
}

static bool is_free(void *arg) {
    return atomic_load(&((slow_region *)arg)->frees) > 0;
}

static void write_big(void *arg) {
    order *self = arg;
    write_noted(self, slow_region_make(self->big, BIG));
}

WEIR_TEST(region_reader, outlives_a_connection_that_ends_while_the_disk_is_waited_for) {
    wire_end wire;
    xor_handler handler = {.chunk = 0};
    wire_open(&wire, WIRE_ACCEPTED, NULL, build_with_xor, &handler);
    slow_region big = {.loop = wire.loop, .wait_ms = 20};
    order o = {.wire = &wire, .big = &big};
    wire_do(&wire, write_big, &o);
    expect(wire_until(&wire, is_waited_for, &big));
    far_reset(&wire);
    expect(wire_until_gone(&wire));
    expect_eq(handler.removed, 1);
    expect_eq(o.completed, 1);
    expect_status(o.status, WEIR_E_CLOSED);
    expect(wire_until(&wire, is_free, &big));
    wire_shut(&wire);
}

WEIR_TEST(region_reader, lets_its_handler_end_the_stream_of_a_truncated_source) {
    wire_end wire;
    xor_handler handler = {.chunk = 0};
    wire_open(&wire, WIRE_CONNECTED, NULL, build_with_xor, &handler);
    slow_region big = {.loop = wire.loop, .warm = UINT64_MAX, .ends_at = BIG / 2};
    order o = {.wire = &wire, .big = &big};
    wire_do(&wire, write_big, &o);
    uint8_t *bytes = malloc(BIG);
    expect(far_receive(&wire, bytes, BIG) <= BIG / 2);
    expect(wire.far_broken);
    free(bytes);
    expect(wire_until_gone(&wire));
    expect_status(o.status, WEIR_E_TRUNCATED);
    expect_eq(o.completed, 1);
    wire_shut(&wire);
}
