/* wire_view_test.c - regions in memory on their way to a socket: gathered from where they lie, never waited for. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/testing.h>

#include "slow_region.h"
#include "wires.h"

typedef struct view_wire {
    wire_end wire;
    void *messages[4];
    weir_channel_stats stats;
} view_wire;

static void write_all(void *arg) {
    view_wire *self = arg;
    for (int i = 0; i < 4 && self->messages[i] != NULL; i++) {
        weir_channel_write(atomic_load(&self->wire.channel), self->messages[i], NULL);
    }
}

static void get_stats(void *arg) {
    view_wire *self = arg;
    weir_channel_get_stats(atomic_load(&self->wire.channel), &self->stats);
}

static weir_buf *text(const char *words) {
    weir_buf *buf = weir_buf_new(0);
    weir_buf_write_str(buf, words);
    return buf;
}

/* A map of a file with `n` bytes of the pattern. */
static weir_buf *map_pattern(size_t n) {
    char path[] = "/tmp/weir-view-XXXXXX";
    int fd = mkstemp(path);
    uint8_t *bytes = malloc(n);
    require(fd >= 0 && bytes != NULL);
    unlink(path);
    for (size_t i = 0; i < n; i++) bytes[i] = slow_byte(i);
    require(write(fd, bytes, n) == (ssize_t)n);
    free(bytes);
    weir_buf *map;
    require(weir_buf_map_file(&map, fd, NULL) == WEIR_OK);
    close(fd);
    return map;
}

static void expect_text(view_wire *self, const char *words) {
    char got[100] = "";
    far_receive(&self->wire, got, strlen(words));
    expect_str(got, words);
}

static void expect_bytes_of(view_wire *self, uint64_t from, size_t n) {
    uint8_t *bytes = malloc(n);
    require(bytes != NULL);
    expect_eq(far_receive(&self->wire, bytes, n), n);
    size_t right = 0;
    while (right < n && bytes[right] == slow_byte(from + right)) right++;
    expect_eq(right, n);
    free(bytes);
}

enum {
    SLICES = 500,
    SLICE = 250, /* all together less than a unix socket takes at once */
    APART = 1500,
};

/* A header and slices of a log, not next to each other. */
static weir_region *many_slices(weir_buf *map) {
    weir_buf *all = weir_buf_composite_new();
    weir_buf_composite_append(all, text("header"));
    for (size_t i = 0; i < SLICES; i++) {
        weir_buf_composite_append(all, weir_buf_slice(map, i * APART, SLICE));
    }
    return weir_region_buf(all);
}

WEIR_TEST(wire_view, sends_a_header_and_500_mapped_slices_in_one_call_without_a_copy) {
    FOR_EACH_SOCKET(kind) {
        view_wire w;
        wire_open(&w.wire, kind, NULL, NULL, NULL);
        weir_buf *map = map_pattern(SLICES * APART);
        memcpy(w.messages, (void *[4]){text("<"), many_slices(map), text(">")}, sizeof w.messages);
        weir_buf_release(map);
        wire_do(&w.wire, write_all, &w);
        expect_text(&w, "<header");
        for (size_t i = 0; i < SLICES; i++) expect_bytes_of(&w, i * APART, SLICE);
        expect_text(&w, ">");
        wire_do(&w.wire, get_stats, &w);
        expect_eq(w.stats.writev_calls, 1);
        expect_eq(w.stats.copied_bytes, 0);
        expect_eq(w.stats.sendfile_calls, 0);
        expect_eq(w.stats.cold_reads, 0);
        wire_shut(&w.wire);
    }
}

WEIR_TEST(wire_view, copies_it_when_told_to) {
    view_wire w;
    wire_open(&w.wire, WIRE_ACCEPTED, &(weir_channel_options){.region_copy = true}, NULL, NULL);
    weir_buf *map = map_pattern(SLICES * APART);
    memcpy(w.messages, (void *[4]){many_slices(map)}, sizeof w.messages);
    weir_buf_release(map);
    wire_do(&w.wire, write_all, &w);
    expect_text(&w, "header");
    for (size_t i = 0; i < SLICES; i++) expect_bytes_of(&w, i * APART, SLICE);
    wire_do(&w.wire, get_stats, &w);
    expect_eq(w.stats.copied_bytes, 6 + SLICES * SLICE);
    wire_shut(&w.wire);
}

WEIR_TEST(wire_view, sends_more_pieces_than_fit_into_a_call_and_more_than_the_socket_takes) {
    FOR_EACH_SOCKET(kind) {
        enum {
            BIG = 6000000,
        };
        view_wire w;
        wire_open(&w.wire, kind, &(weir_channel_options){.send_buffer = 64 * 1024}, NULL, NULL);
        weir_buf *map = map_pattern(BIG), *all = weir_buf_composite_new();
        for (size_t i = 0; i < 3000; i++) weir_buf_composite_append(all, weir_buf_slice(map, i, 1));
        weir_buf_composite_append(all, weir_buf_slice(map, 3000, BIG - 3000));
        weir_buf_release(map);
        weir_region *whole = weir_region_buf(all);
        memcpy(w.messages, (void *[4]){text("<"), weir_region_slice(whole, 100, BIG - 200), text(">")},
               sizeof w.messages);
        weir_region_release(whole);
        wire_do(&w.wire, write_all, &w);
        expect_text(&w, "<");
        expect_bytes_of(&w, 100, BIG - 200);
        expect_text(&w, ">");
        wire_do(&w.wire, get_stats, &w);
        expect_eq(w.stats.copied_bytes, 0);
        expect_eq(w.stats.bytes_written, BIG - 200 + 2);
        wire_shut(&w.wire);
    }
}

/* ---- a kind of one's own whose memory is filled from a slow place ---- */

typedef struct lazy {
    weir_region region;
    slow_region slow; /* where the bytes come from */
    uint8_t *bytes;
    int asked; /* what may be touched without waiting */
} lazy;

static ssize_t read_lazy(weir_region *region, uint64_t at, void *dst, size_t n, bool may_wait) {
    lazy *self = WEIR_CONTAINER(region, lazy, region);
    ssize_t got = self->slow.region.ops->read(&self->slow.region, at, self->bytes + at, n, may_wait);
    if (got > 0) memcpy(dst, self->bytes + at, (size_t)got);
    return got;
}

static ssize_t view_lazy(weir_region *region, uint64_t at, size_t n, bool may_wait, struct iovec *vecs,
                         size_t *count) {
    lazy *self = WEIR_CONTAINER(region, lazy, region);
    if (!may_wait) self->asked++;
    if (at + n > atomic_load(&self->slow.warm)) n = (size_t)(atomic_load(&self->slow.warm) - at);
    if (n == 0) return may_wait ? (ssize_t)self->slow.fails : -EAGAIN;
    vecs[0] = (struct iovec){self->bytes + at, n};
    *count = 1;
    return (ssize_t)n;
}

static void free_lazy(weir_region *region) {
    lazy *self = WEIR_CONTAINER(region, lazy, region);
    free(self->bytes);
    weir_region_release(&self->slow.region);
}

static weir_region *lazy_make(lazy *self, size_t n) {
    static const weir_region_ops ops = {
        .name = "lazy", .read = read_lazy, .view = view_lazy, .free = free_lazy};
    slow_region_make(&self->slow, n);
    self->bytes = malloc(n);
    require(self->bytes != NULL);
    weir_region_init(&self->region, &ops, n);
    return &self->region;
}

WEIR_TEST(wire_view, has_what_is_not_in_memory_fetched_on_the_thread_pool) {
    FOR_EACH_SOCKET(kind) {
        enum {
            BIG = 900000,
        };
        view_wire w;
        wire_open(&w.wire, kind, NULL, NULL, NULL);
        lazy it = {.slow = {.loop = w.wire.loop, .warm = 1000}};
        memcpy(w.messages, (void *[4]){text("<"), lazy_make(&it, BIG), text(">")}, sizeof w.messages);
        for (size_t i = 0; i < 1000; i++) it.bytes[i] = slow_byte(i);
        wire_do(&w.wire, write_all, &w);
        expect_text(&w, "<");
        expect_bytes_of(&w, 0, BIG);
        expect_text(&w, ">");
        wire_do(&w.wire, get_stats, &w);
        expect(w.stats.cold_reads >= 3);
        expect_eq(w.stats.copied_bytes, 0);
        expect_eq(atomic_load(&it.slow.waits_on_loop), 0);
        wire_shut(&w.wire);
        expect_eq(atomic_load(&it.slow.frees), 1);
    }
}

static bool is_stuck(void *arg) {
    view_wire *self = arg;
    get_stats(self);
    return self->stats.would_block > 0;
}

WEIR_TEST(wire_view, asks_once_for_what_the_socket_takes_in_parts) {
    FOR_EACH_SOCKET(kind) {
        enum {
            BIG = 1000000,
        };
        view_wire w;
        wire_open(&w.wire, kind, &(weir_channel_options){.send_buffer = 4096}, NULL, NULL);
        lazy it = {.slow = {.warm = BIG}};
        memcpy(w.messages, (void *[4]){lazy_make(&it, BIG)}, sizeof w.messages);
        for (size_t i = 0; i < BIG; i++) it.bytes[i] = slow_byte(i);
        wire_do(&w.wire, write_all, &w);
        expect(wire_until(&w.wire, is_stuck, &w));
        expect_bytes_of(&w, 0, BIG);
        wire_shut(&w.wire);
        expect_eq(it.asked, 1);
    }
}

WEIR_TEST(wire_view, fails_with_what_its_region_says) {
    static const weir_status answers[] = {-EIO, WEIR_OK}; /* 0: the source ended early */
    for (int i = 0; i < 2; i++) {
        view_wire w;
        wire_open(&w.wire, WIRE_ACCEPTED, NULL, NULL, NULL);
        lazy it = {.slow = {.fails = answers[i], .ends_at = 1}};
        weir_promise *promise = weir_promise_new(w.wire.loop);
        wire_write(&w.wire, lazy_make(&it, 1000), weir_promise_retain(promise));
        expect_status(weir_promise_wait(promise, 10000), i == 0 ? -EIO : WEIR_E_TRUNCATED);
        expect(wire_until_gone(&w.wire));
        weir_promise_release(promise);
        wire_shut(&w.wire);
        expect_eq(atomic_load(&it.slow.frees), 1);
    }
}
