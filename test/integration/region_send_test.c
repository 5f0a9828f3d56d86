/* region_send_test.c - files through a channel: which way the bytes went, and what can happen to them meanwhile. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <weir/testing.h>
#include <weir/transport.h>

#include "place.h"

/* A server that sends "head", a region, "tail" to whoever connects, and closes. */
typedef struct sender {
    weir_loop_group *loops;
    weir_server *server;
    unsigned port;
    const char *path;
    uint64_t offset, length;  /* 0: the whole file */
    weir_channel_stats stats; /* of the last connection that ended */
    weir_status result;       /* of its region */
    atomic_int ended;
} sender;

static void region_done(void *arg, weir_status status) {
    ((sender *)arg)->result = status;
}

static weir_region *open_region(const sender *self) {
    weir_region *whole = NULL;
    if (weir_region_open(&whole, self->path) != WEIR_OK || self->length == 0) return whole;
    weir_region *part = weir_region_slice(whole, self->offset, self->length);
    weir_region_release(whole);
    return part;
}

static void sender_active(weir_ctx *ctx) {
    sender *self = weir_ctx_state(ctx);
    weir_promise *done = weir_promise_new(weir_ctx_loop(ctx));
    require(weir_promise_listen(done, region_done, self) == WEIR_OK);
    weir_ctx_write(ctx, weir_buf_wrap_const("head", 4), NULL);
    weir_ctx_write(ctx, open_region(self), done);
    weir_ctx_write(ctx, weir_buf_wrap_const("tail", 4), NULL);
    weir_ctx_close(ctx, NULL);
}

static void sender_inactive(weir_ctx *ctx) {
    sender *self = weir_ctx_state(ctx);
    weir_channel_get_stats(weir_ctx_channel(ctx), &self->stats);
    atomic_fetch_add(&self->ended, 1);
}

static const weir_handler sending = {.name = "sender", .active = sender_active, .inactive = sender_inactive};

static weir_status build(weir_pipeline *pipeline, void *arg) {
    return weir_pipeline_add_last(pipeline, &sending, arg);
}

static void start(sender *self, weir_channel_options channel) {
    self->loops = weir_loop_group_new(1);
    weir_server_options options = {
        .loops = self->loops, .build = build, .build_arg = self, .channel = channel};
    require(weir_server_start(&self->server, &options) == WEIR_OK);
    self->port = weir_addr_port(weir_server_addr(self->server));
}

static void stop(sender *self) {
    weir_server_free(self->server);
    weir_loop_group_free(self->loops);
}

static void pause_ms(long ms) {
    struct timespec span = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&span, NULL);
}

static void wait_for_end(sender *self) {
    for (int i = 0; i < 1000 && atomic_load(&self->ended) == 0; i++) pause_ms(10);
    require(atomic_load(&self->ended) != 0);
    atomic_store(&self->ended, 0);
}

/* Reads until the end; how much came, -1 after a reset. Every byte but head and tail is compared with the file. */
static int64_t read_all(int fd, int file, uint64_t offset, uint64_t length, bool slowly) {
    static uint8_t got[256 * 1024], want[256 * 1024];
    int64_t received = 0;
    for (;;) {
        ssize_t n = recv(fd, got, slowly ? 64 * 1024 : sizeof got, 0);
        if (n <= 0) return n == 0 ? received : -1;
        if (slowly) pause_ms(1);
        for (ssize_t i = 0; i < n;) {
            uint64_t at = (uint64_t)received + (uint64_t)i;
            if (at < 4) {
                expect_eq(got[i++], "head"[at]);
            } else if (at >= 4 + length) {
                expect_eq(got[i++], "tail"[at - 4 - length]);
            } else {
                uint64_t left = 4 + length - at;
                size_t step = (uint64_t)(n - i) < left ? (size_t)(n - i) : (size_t)left;
                require(pread(file, want, step, (off_t)(offset + at - 4)) == (ssize_t)step);
                if (!expect(memcmp(got + i, want, step) == 0)) return received;
                i += (ssize_t)step;
            }
        }
        received += n;
    }
}

static void fetch(sender *self, bool slowly) {
    int file = open(self->path, O_RDONLY);
    require(file >= 0);
    uint64_t length = self->length != 0 ? self->length : (uint64_t)lseek(file, 0, SEEK_END);
    int fd = dial(self->port);
    expect_eq(read_all(fd, file, self->offset, length, slowly), length + 8);
    close(fd);
    close(file);
    wait_for_end(self);
    expect_status(self->result, WEIR_OK);
}

WEIR_TEST(region_send, every_size_around_a_boundary_arrives_between_head_and_tail) {
    static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 16383, 16384, 16385, 1024 * 1024 + 1};
    struct place place;
    place_open(&place);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        weir_test_context("%zu bytes", sizes[i]);
        place_write(&place, "file", sizes[i]);
        sender self = {.path = place_path(&place, "file")};
        start(&self, (weir_channel_options){0});
        fetch(&self, false);
        bool joined = sizes[i] <= 16 * 1024;
        expect_eq(self.stats.copied_bytes, joined ? sizes[i] : 0);
        expect_eq(self.stats.sendfile_bytes, joined ? 0 : sizes[i]);
        if (joined) expect_eq(self.stats.writev_calls, 1); /* head, body and tail in one */
        stop(&self);
    }
    place_close(&place);
}

WEIR_TEST(region_send, offsets_around_a_page_send_the_right_bytes) {
    static const uint64_t offsets[] = {1, 4095, 4096, 4097};
    struct place place;
    place_open(&place);
    place_write(&place, "file", 300000);
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
        weir_test_context("offset %llu", (unsigned long long)offsets[i]);
        sender self = {.path = place_path(&place, "file"), .offset = offsets[i], .length = 200001};
        start(&self, (weir_channel_options){0});
        fetch(&self, false);
        expect_eq(self.stats.sendfile_bytes, 200001);
        stop(&self);
    }
    place_close(&place);
}

WEIR_TEST(region_send, a_region_copied_on_purpose_never_reaches_sendfile) {
    struct place place;
    place_open(&place);
    place_write(&place, "file", 3 * 1024 * 1024 + 5);
    sender self = {.path = place_path(&place, "file")};
    start(&self, (weir_channel_options){.region_copy = true});
    fetch(&self, false);
    expect_eq(self.stats.sendfile_calls, 0);
    expect_eq(self.stats.copied_bytes, 3 * 1024 * 1024 + 5);
    stop(&self);
    place_close(&place);
}

WEIR_TEST(region_send, a_slow_reader_gets_every_byte_by_sendfile) {
    struct place place;
    place_open(&place);
    place_write(&place, "file", 16 * 1024 * 1024);
    sender self = {.path = place_path(&place, "file")};
    start(&self, (weir_channel_options){.send_buffer = 64 * 1024});
    fetch(&self, true);
    expect_eq(self.stats.sendfile_bytes, 16 * 1024 * 1024);
    expect(self.stats.would_block > 0);
    stop(&self);
    place_close(&place);
}

/* Takes and forgets everything up to the end, or the reset, which is answered by `whole` false. */
static uint64_t swallow(int fd, bool *whole) {
    static uint8_t sink[1024 * 1024];
    uint64_t received = 0;
    ssize_t n;
    while ((n = recv(fd, sink, sizeof sink, MSG_TRUNC)) > 0) received += (uint64_t)n;
    *whole = n == 0;
    close(fd);
    return received;
}

/* ---- beyond 32 bits ---- */

WEIR_TEST(region_send, five_sparse_gibibytes_arrive_whole) {
    const uint64_t size = UINT64_C(5) << 30;
    bool whole;
    struct place place;
    place_open(&place);
    place_write(&place, "file", 1);
    require(truncate(place_path(&place, "file"), (off_t)size) == 0);
    sender self = {.path = place_path(&place, "file")};
    start(&self, (weir_channel_options){0});
    expect_eq(swallow(dial(self.port), &whole), size + 8);
    expect(whole);
    wait_for_end(&self);
    expect_eq(self.stats.sendfile_bytes, size);
    expect_status(self.result, WEIR_OK);
    stop(&self);
    place_close(&place);
}

WEIR_TEST(region_send, an_offset_beyond_4_GiB_sends_what_lies_there) {
    const uint64_t base = UINT64_C(5) << 30;
    struct place place;
    place_open(&place);
    place_write(&place, "file", 1);
    int file = open(place_path(&place, "file"), O_RDWR);
    char noise[100000];
    for (size_t i = 0; i < sizeof noise; i++) noise[i] = (char)(i * 7 + (i >> 8));
    require(pwrite(file, noise, sizeof noise, (off_t)base) == (ssize_t)sizeof noise);
    close(file);
    sender self = {.path = place_path(&place, "file"), .offset = base + 3, .length = sizeof noise - 3};
    start(&self, (weir_channel_options){0});
    fetch(&self, false);
    stop(&self);
    place_close(&place);
}

/* ---- accidents ---- */

/* Reads a little of a file of 64 MiB and then stops; the server is stuck in the middle of it. */
static int begin_and_stall(sender *self) {
    char begun[64 * 1024];
    int fd = dial(self->port);
    require(recv(fd, begun, sizeof begun, MSG_WAITALL) == sizeof begun);
    pause_ms(50);
    return fd;
}

static void expect_still_serving(sender *self, struct place *place) {
    place_write(place, "other", 100000);
    self->path = place_path(place, "other");
    fetch(self, false);
}

WEIR_TEST(region_send, a_file_that_shrinks_fails_its_write_and_no_other) {
    struct place place;
    place_open(&place);
    place_write(&place, "file", 64 * 1024 * 1024);
    weir_log_set_level(WEIR_LOG_OFF);
    sender self = {.path = place_path(&place, "file")};
    start(&self, (weir_channel_options){0});
    int fd = begin_and_stall(&self);
    require(truncate(self.path, 1024 * 1024) == 0);
    bool whole;
    swallow(fd, &whole);
    expect(!whole); /* a reset: the peer must not take what it has for the file */
    wait_for_end(&self);
    expect_status(self.result, WEIR_E_TRUNCATED);
    expect_still_serving(&self, &place);
    stop(&self);
    place_close(&place);
}

WEIR_TEST(region_send, a_file_that_is_removed_is_sent_to_its_end) {
    struct place place;
    place_open(&place);
    place_write(&place, "file", 64 * 1024 * 1024);
    sender self = {.path = place_path(&place, "file")};
    start(&self, (weir_channel_options){0});
    int fd = begin_and_stall(&self);
    require(unlink(self.path) == 0);
    bool whole;
    expect_eq(swallow(fd, &whole), 64 * 1024 * 1024 + 8 - 64 * 1024);
    expect(whole);
    wait_for_end(&self);
    expect_status(self.result, WEIR_OK);
    stop(&self);
    place_close(&place);
}

WEIR_TEST(region_send, a_reader_that_resets_fails_its_write_and_no_other) {
    struct place place;
    place_open(&place);
    place_write(&place, "file", 64 * 1024 * 1024);
    weir_log_set_level(WEIR_LOG_OFF);
    sender self = {.path = place_path(&place, "file")};
    start(&self, (weir_channel_options){0});
    int fd = begin_and_stall(&self);
    struct linger now = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
    wait_for_end(&self);
    expect(self.result == -ECONNRESET || self.result == -EPIPE);
    expect_still_serving(&self, &place);
    stop(&self);
    place_close(&place);
}

WEIR_TEST(region_send, a_cold_file_is_filled_on_the_thread_pool_and_arrives_whole) {
    struct place place;
    place_open(&place);
    place_write(&place, "file", 8 * 1024 * 1024);
    sender self = {.path = place_path(&place, "file")};
    int file = open(self.path, O_RDWR);
    require(fsync(file) == 0);
    require(posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED) == 0);
    uint8_t byte;
    struct iovec iov = {&byte, 1};
    bool is_cold = preadv2(file, &iov, 1, 4 * 1024 * 1024, RWF_NOWAIT) < 0 && errno == EAGAIN;
    posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
    close(file);
    start(&self, (weir_channel_options){0});
    fetch(&self, false);
    /* A file system that is memory itself (tmpfs) has no cold pages. */
    if (is_cold) expect(self.stats.cold_reads > 0);
    stop(&self);
    place_close(&place);
}
