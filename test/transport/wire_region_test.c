/* wire_region_test.c - regions on their way to a socket: each path, proven by the counters. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/testing.h>

#include "actor.h"
#include "slow_region.h"
#include "wires.h"

static uint8_t pattern(uint64_t i) {
    return slow_byte(i);
}

static int patterned_file(size_t n) {
    char path[] = "/tmp/weir-wire-XXXXXX";
    int fd = mkstemp(path);
    uint8_t *bytes = malloc(n);
    require(fd >= 0 && bytes != NULL);
    unlink(path);
    for (size_t i = 0; i < n; i++) bytes[i] = pattern(i);
    require(write(fd, bytes, n) == (ssize_t)n);
    free(bytes);
    return fd;
}

static weir_buf *text(const char *words) {
    weir_buf *buf = weir_buf_new(0);
    weir_buf_write_str(buf, words);
    return buf;
}

typedef struct sending {
    wire_end wire;
    actor h;
    weir_channel_stats stats;
    size_t at; /* received */
} sending;

static void get_stats(void *arg) {
    sending *self = arg;
    weir_channel_get_stats(atomic_load(&self->wire.channel), &self->stats);
}

static void begin(sending *self, wire_kind kind, const weir_channel_options *options) {
    memset(self, 0, sizeof *self);
    self->h = (actor){.name = "h"};
    wire_open(&self->wire, kind, options, build_with_actor, &self->h);
}

static void end(sending *self) {
    wire_shut(&self->wire);
    expect_eq(self->h.seen[ACTOR_INACTIVE], 1);
    expect_eq(self->h.seen[ACTOR_REMOVED], 1);
}

static void expect_text(sending *self, const char *words) {
    char got[100] = "";
    far_receive(&self->wire, got, strlen(words));
    expect_str(got, words);
}

static void expect_file(sending *self, uint64_t from, size_t n) {
    uint8_t *bytes = malloc(n);
    require(bytes != NULL);
    expect_eq(far_receive(&self->wire, bytes, n), n);
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] == pattern(from + i)) continue;
        expect_eq(i, n);
        break;
    }
    free(bytes);
}

/* Several messages in one turn of the loop. */
typedef struct message_list {
    sending *to;
    void *messages[8];
} message_list;

static void write_list(void *arg) {
    message_list *self = arg;
    for (int i = 0; i < 8 && self->messages[i] != NULL; i++) {
        weir_channel_write(atomic_load(&self->to->wire.channel), self->messages[i], NULL);
    }
}

static void send_list(message_list list) {
    wire_do(&list.to->wire, write_list, &list);
}

/* ---- which way they go ---- */

WEIR_TEST(wire_region, sends_a_big_file_by_sendfile_between_its_neighbours) {
    FOR_EACH_SOCKET(kind) {
        enum {
            SIZE = 3000000
        };
        sending s;
        begin(&s, kind, NULL);
        weir_region *file = weir_region_file(patterned_file(SIZE), true, 0, SIZE);
        send_list((message_list){&s, {text("head"), file, text("tail")}});
        expect_text(&s, "head");
        expect_file(&s, 0, SIZE);
        expect_text(&s, "tail");
        wire_do(&s.wire, get_stats, &s);
        expect_eq(s.stats.sendfile_bytes, SIZE);
        expect_eq(s.stats.copied_bytes, 0);
        expect_eq(s.stats.bytes_written, SIZE + 8);
        end(&s);
    }
}

WEIR_TEST(wire_region, joins_a_small_file_to_its_neighbours_in_one_call) {
    FOR_EACH_SOCKET(kind) {
        sending s;
        begin(&s, kind, NULL);
        weir_region *file = weir_region_file(patterned_file(16384), true, 0, 16384);
        send_list((message_list){&s, {text("head"), file, text("tail")}});
        expect_text(&s, "head");
        expect_file(&s, 0, 16384);
        expect_text(&s, "tail");
        wire_do(&s.wire, get_stats, &s);
        expect_eq(s.stats.sendfile_calls, 0);
        expect_eq(s.stats.copied_bytes, 16384);
        expect_eq(s.stats.writev_calls, 1);
        end(&s);
    }
}

WEIR_TEST(wire_region, sends_even_one_byte_by_sendfile_when_told_to_join_none) {
    sending s;
    begin(&s, WIRE_ACCEPTED, &(weir_channel_options){.region_join_max = SIZE_MAX});
    send_list((message_list){&s, {weir_region_file(patterned_file(1), true, 0, 1)}});
    expect_file(&s, 0, 1);
    wire_do(&s.wire, get_stats, &s);
    expect_eq(s.stats.sendfile_bytes, 1);
    end(&s);
}

WEIR_TEST(wire_region, copies_a_file_when_told_to) {
    sending s;
    begin(&s, WIRE_ACCEPTED, &(weir_channel_options){.region_copy = true});
    send_list((message_list){&s, {text("head"), weir_region_file(patterned_file(500000), true, 0, 500000)}});
    expect_text(&s, "head");
    expect_file(&s, 0, 500000);
    wire_do(&s.wire, get_stats, &s);
    expect_eq(s.stats.sendfile_calls, 0);
    expect_eq(s.stats.copied_bytes, 500000);
    end(&s);
}

WEIR_TEST(wire_region, sends_ranges_at_awkward_offsets_whole) {
    static const uint64_t offsets[] = {0, 1, 4095, 4096, 4097, 65535, 65536};
    static const size_t lengths[] = {0, 1, 4095, 4096, 4097, 16384, 16385, 65537, 200000};
    enum {
        SIZE = 300000
    };
    sending s;
    begin(&s, WIRE_CONNECTED, NULL);
    weir_region *whole = weir_region_file(patterned_file(SIZE), true, 0, SIZE);
    for (size_t o = 0; o < sizeof offsets / sizeof offsets[0]; o++) {
        for (size_t l = 0; l < sizeof lengths / sizeof lengths[0]; l++) {
            weir_region *part = weir_region_slice(whole, offsets[o], lengths[l]);
            send_list((message_list){&s, {text("<"), part, text(">")}});
            expect_text(&s, "<");
            expect_file(&s, offsets[o], lengths[l]);
            expect_text(&s, ">");
        }
    }
    weir_region_release(whole);
    end(&s);
}

WEIR_TEST(wire_region, sends_from_beyond_four_gigabytes) {
    int fd = patterned_file(10);
    uint64_t far = (UINT64_C(1) << 32) + 12345;
    sending s;
    require(pwrite(fd, "far away", 8, (off_t)far) == 8);
    begin(&s, WIRE_ACCEPTED, &(weir_channel_options){.region_join_max = SIZE_MAX});
    send_list((message_list){&s, {weir_region_file(fd, true, far, 8)}});
    expect_text(&s, "far away");
    end(&s);
}

WEIR_TEST(wire_region, sends_several_files_in_a_row_each_whole) {
    FOR_EACH_SOCKET(kind) {
        static const size_t sizes[] = {300000, 100, 16384, 0, 16385, 1, 500000};
        message_list list = {.messages = {NULL}};
        sending s;
        begin(&s, kind, NULL);
        list.to = &s;
        for (int i = 0; i < 7; i++) {
            list.messages[i] = weir_region_file(patterned_file(sizes[i]), true, 0, sizes[i]);
        }
        list.messages[7] = text("end");
        send_list(list);
        for (int i = 0; i < 7; i++) expect_file(&s, 0, sizes[i]);
        expect_text(&s, "end");
        end(&s);
    }
}

WEIR_TEST(wire_region, sends_no_more_of_a_file_that_grows_than_it_was_long) {
    static const size_t sizes[] = {1000, 200000};
    for (int i = 0; i < 2; i++) {
        sending s;
        begin(&s, WIRE_CONNECTED, NULL);
        int fd = patterned_file(sizes[i]);
        weir_region *file = weir_region_file(fd, true, 0, sizes[i]);
        require(pwrite(fd, "grown", 5, (off_t)sizes[i]) == 5);
        send_list((message_list){&s, {file, text("tail")}});
        expect_file(&s, 0, sizes[i]);
        expect_text(&s, "tail");
        end(&s);
    }
}

static bool is_stuck(void *arg) {
    sending *self = arg;
    get_stats(self);
    return self->stats.would_block > 0;
}

WEIR_TEST(wire_region, sends_what_follows_a_file_that_the_peer_did_not_take_for_a_while) {
    FOR_EACH_SOCKET(kind) {
        enum {
            SIZE = 20000000
        };
        sending s;
        begin(&s, kind, NULL);
        weir_region *file = weir_region_file(patterned_file(SIZE), true, 0, SIZE);
        send_list((message_list){&s, {text("head"), file, text("trailer")}});
        expect(wire_until(&s.wire, is_stuck, &s));
        expect_text(&s, "head");
        expect_file(&s, 0, SIZE);
        expect_text(&s, "trailer");
        end(&s);
    }
}

WEIR_TEST(wire_region, sends_a_slice_of_a_slice_of_a_slice) {
    enum {
        SIZE = 300000
    };
    sending s;
    begin(&s, WIRE_ACCEPTED, NULL);
    weir_region *parts[4] = {weir_region_file(patterned_file(SIZE), true, 0, SIZE)};
    for (int i = 1; i < 4; i++) parts[i] = weir_region_slice(parts[i - 1], 4097, parts[i - 1]->length - 8194);
    for (int i = 0; i < 3; i++) weir_region_release(parts[i]);
    uint64_t length = parts[3]->length;
    send_list((message_list){&s, {parts[3], text("!")}});
    expect_file(&s, 3 * 4097, length);
    expect_text(&s, "!");
    wire_do(&s.wire, get_stats, &s);
    expect_eq(s.stats.sendfile_bytes, length);
    end(&s);
}

/* ---- regions of other kinds ---- */

typedef struct odd_region {
    weir_region region;
    bool cold; /* without waiting there is nothing */
    bool has_send;
    uint64_t fails_at;
    atomic_int frees, waits, sends;
} odd_region;

/* 100 bytes at most at a time. */
static ssize_t read_odd(weir_region *region, uint64_t at, void *dst, size_t n, bool may_wait) {
    odd_region *self = WEIR_CONTAINER(region, odd_region, region);
    if (at >= self->fails_at) return -EIO;
    if (self->cold && !may_wait) return -EAGAIN;
    if (may_wait) atomic_fetch_add(&self->waits, 1);
    size_t most = n < 1000 ? n : 1000;
    for (size_t i = 0; i < most; i++) ((uint8_t *)dst)[i] = pattern(at + i);
    return (ssize_t)most;
}

static ssize_t send_odd(weir_region *region, uint64_t at, size_t n, int fd) {
    odd_region *self = WEIR_CONTAINER(region, odd_region, region);
    uint8_t bytes[1000];
    atomic_fetch_add(&self->sends, 1);
    ssize_t got = read_odd(region, at, bytes, n < sizeof bytes ? n : sizeof bytes, true);
    ssize_t sent = send(fd, bytes, (size_t)got, MSG_NOSIGNAL);
    return sent < 0 ? -errno : sent;
}

static void free_odd(weir_region *region) {
    atomic_fetch_add(&WEIR_CONTAINER(region, odd_region, region)->frees, 1);
}

static const weir_region_ops readable = {.name = "readable", .read = read_odd, .free = free_odd};
static const weir_region_ops sendable = {
    .name = "sendable", .read = read_odd, .send = send_odd, .free = free_odd};

static weir_region *odd(odd_region *self, uint64_t n) {
    if (self->fails_at == 0) self->fails_at = UINT64_MAX;
    weir_region_init(&self->region, self->has_send ? &sendable : &readable, n);
    return &self->region;
}

WEIR_TEST(wire_region, reads_a_region_that_cannot_be_sent_in_pieces) {
    sending s;
    odd_region region = {.has_send = false};
    begin(&s, WIRE_ACCEPTED, NULL);
    send_list((message_list){&s, {text("head"), odd(&region, 300000), text("tail")}});
    expect_text(&s, "head");
    expect_file(&s, 0, 300000);
    expect_text(&s, "tail");
    wire_do(&s.wire, get_stats, &s);
    expect_eq(s.stats.copied_bytes, 300000);
    expect_eq(atomic_load(&region.frees), 1);
    end(&s);
}

WEIR_TEST(wire_region, sends_a_region_of_ones_own_by_its_own_send) {
    sending s;
    odd_region region = {.has_send = true};
    begin(&s, WIRE_CONNECTED, NULL);
    send_list((message_list){&s, {text("head"), odd(&region, 100000), text("tail")}});
    expect_text(&s, "head");
    expect_file(&s, 0, 100000);
    expect_text(&s, "tail");
    expect_eq(atomic_load(&region.sends), 100);
    expect_eq(atomic_load(&region.frees), 1);
    end(&s);
}

WEIR_TEST(wire_region, waits_for_a_cold_source_on_the_thread_pool) {
    for (int has_send = 0; has_send < 2; has_send++) {
        sending s;
        odd_region region = {.has_send = has_send == 1, .cold = true};
        begin(&s, WIRE_ACCEPTED, NULL);
        send_list((message_list){&s, {text("head"), odd(&region, 600000), text("tail")}});
        expect_text(&s, "head");
        expect_file(&s, 0, 600000);
        expect_text(&s, "tail");
        wire_do(&s.wire, get_stats, &s);
        expect(s.stats.cold_reads >= 2);
        expect(atomic_load(&region.waits) > 0);
        end(&s);
        expect_eq(atomic_load(&region.frees), 1);
    }
}

WEIR_TEST(wire_region, never_lets_the_loop_wait_for_a_slow_source) {
    static const struct {
        bool has_send, forgets, is_interrupted;
        size_t n;
    } rows[] = {{.n = 600000},
                {.n = 600000, .has_send = true},
                {.n = 600000, .forgets = true},
                {.n = 100, .forgets = true},
                {.n = 600000, .is_interrupted = true},
                {.n = 600000, .has_send = true, .is_interrupted = true}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sending s;
        slow_region slow = {.has_send = rows[i].has_send,
                            .forgets = rows[i].forgets,
                            .is_interrupted = rows[i].is_interrupted,
                            .wait_ms = 20};
        begin(&s, WIRE_ACCEPTED, NULL);
        slow.loop = s.wire.loop;
        weir_region *region = slow_region_make(&slow, rows[i].n);
        send_list((message_list){&s, {text("head"), text(""), region, text("tail")}});
        expect_text(&s, "head");
        expect_file(&s, 0, rows[i].n);
        expect_text(&s, "tail");
        expect_eq(atomic_load(&slow.waits_on_loop), 0);
        expect(atomic_load(&slow.waits) >= (rows[i].n > 100 ? 3 : 1));
        end(&s);
        expect_eq(atomic_load(&slow.frees), 1);
    }
}

WEIR_TEST(wire_region, finds_a_cold_source_and_one_that_fails_behind_what_is_empty) {
    for (int fails = 0; fails < 2; fails++) {
        sending s;
        slow_region slow = {.fails = fails == 1 ? -EIO : WEIR_OK}, empty = {.wait_ms = 0};
        begin(&s, WIRE_CONNECTED, NULL);
        weir_region *nothing = slow_region_make(&empty, 0);
        send_list((message_list){&s, {text(""), nothing, slow_region_make(&slow, 100)}});
        if (fails == 0) expect_file(&s, 0, 100);
        if (fails == 1) expect(wire_until_gone(&s.wire));
        end(&s);
        expect_eq(atomic_load(&empty.frees), 1);
        expect_eq(atomic_load(&slow.frees), 1);
    }
}

WEIR_TEST(wire_region, lets_go_of_a_cold_source_when_the_connection_ends_meanwhile) {
    for (int i = 0; i < 20; i++) {
        sending s;
        odd_region region = {.has_send = true, .cold = true};
        begin(&s, WIRE_ACCEPTED, NULL);
        send_list((message_list){&s, {odd(&region, 100000000)}});
        if (i % 2 == 0) wait_ms(1);
        far_reset(&s.wire);
        expect(wire_until_gone(&s.wire));
        end(&s);
        expect_eq(atomic_load(&region.frees), 1);
    }
}

/* ---- how far it is ---- */

typedef struct watched {
    atomic_int times;
    _Atomic uint64_t done;
    weir_promise *promise;
    bool late, back; /* told after the end; told less than before */
} watched;

static void watch(void *arg, uint64_t done, uint64_t total) {
    watched *self = arg;
    self->late = self->late || weir_promise_is_done(self->promise);
    self->back = self->back || done <= atomic_load(&self->done) || done >= total || total != 20000000;
    atomic_store(&self->done, done);
    atomic_fetch_add(&self->times, 1);
}

WEIR_TEST(wire_region, tells_how_far_it_is_while_it_is_sent) {
    FOR_EACH_SOCKET(kind) {
        enum {
            SIZE = 20000000
        };
        sending s;
        begin(&s, kind, NULL);
        watched w = {.promise = weir_promise_new(s.wire.loop)};
        weir_promise_on_progress(w.promise, watch, &w);
        weir_region *file = weir_region_file(patterned_file(SIZE), true, 0, SIZE);
        wire_write(&s.wire, file, weir_promise_retain(w.promise));
        expect_file(&s, 0, SIZE);
        expect_status(weir_promise_wait(w.promise, 10000), WEIR_OK);
        expect(atomic_load(&w.times) >= SIZE / (2 * 1024 * 1024));
        expect(!w.late);
        expect(!w.back);
        weir_promise_release(w.promise);
        end(&s);
    }
}

/* ---- failures ---- */

static void expect_truncated(wire_kind kind, size_t length, size_t left,
                             const weir_channel_options *options) {
    sending s;
    int fd = patterned_file(left);
    begin(&s, kind, options);
    weir_promise *promise = weir_promise_new(s.wire.loop);
    s.h.keeps = true;
    wire_write(&s.wire, weir_region_file(fd, true, 0, length), weir_promise_retain(promise));
    expect_status(weir_promise_wait(promise, 10000), WEIR_E_TRUNCATED);
    expect(wire_until_gone(&s.wire));
    expect_eq(s.h.seen[ACTOR_ERROR], 1);
    weir_promise_release(promise);
    end(&s);
}

WEIR_TEST(wire_region, fails_and_resets_when_the_file_ends_before_the_length_that_was_promised) {
    expect_truncated(WIRE_ACCEPTED, 200000, 100000, NULL);
    expect_truncated(WIRE_ACCEPTED, 200000, 0, NULL);
    expect_truncated(WIRE_CONNECTED, 10000, 5000, NULL);
    expect_truncated(WIRE_CONNECTED, 10000, 0, NULL);
    expect_truncated(WIRE_ACCEPTED, 200000, 100000, &(weir_channel_options){.region_copy = true});
}

WEIR_TEST(wire_region, fails_with_what_the_source_says) {
    for (int has_send = 0; has_send < 2; has_send++) {
        sending s;
        odd_region region = {.has_send = false, .fails_at = has_send == 1 ? 50000 : 1};
        begin(&s, WIRE_ACCEPTED, NULL);
        weir_promise *promise = weir_promise_new(s.wire.loop);
        wire_write(&s.wire, odd(&region, 100000), weir_promise_retain(promise));
        expect_status(weir_promise_wait(promise, 10000), -EIO);
        weir_promise_release(promise);
        end(&s);
        expect_eq(atomic_load(&region.frees), 1);
    }
}

WEIR_TEST(wire_region, completes_empty_regions_in_their_turn) {
    sending s;
    begin(&s, WIRE_CONNECTED, NULL);
    int fd = patterned_file(1);
    weir_promise *promise = weir_promise_new(s.wire.loop);
    wire_write(&s.wire, weir_region_file(fd, true, 0, 0), weir_promise_retain(promise));
    expect_status(weir_promise_wait(promise, 10000), WEIR_OK);
    weir_promise_release(promise);
    wire_do(&s.wire, get_stats, &s);
    expect_eq(s.stats.writev_calls + s.stats.sendfile_calls, 0);
    expect(fcntl(fd, F_GETFD) < 0);
    end(&s);
}
