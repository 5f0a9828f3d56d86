/* transfer_test.c - every pair of descriptors by every way, in one go and in many. */
#include <poll.h>
#include <weir/transport/transfer.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weir/testing.h>

#include "descriptors.h"
#include "seed.h"

/* ---- every pair ---- */

static weir_transfer_path cheapest(kind to, kind from) {
    if (from == FILE_END && to == APPEND_END) return WEIR_TRANSFER_BUFFER;
    if (from == FILE_END) return to == FILE_END ? WEIR_TRANSFER_COPY_FILE_RANGE : WEIR_TRANSFER_SENDFILE;
    return to == APPEND_END ? WEIR_TRANSFER_BUFFER : WEIR_TRANSFER_SPLICE;
}

static void move_once(weir_transfer *transfer, kind to, kind from, size_t size, bool to_end,
                      unsigned forbid) {
    far_end feeding, gathering;
    weir_transfer_result result;
    int src = open_source(from, size, &feeding), dst = open_sink(to, size, &gathering);
    weir_test_context("%s to %s, %zu bytes%s, forbidden %x", kind_names[from], kind_names[to], size,
                      to_end ? " to the end" : "", forbid);
    weir_transfer_start(transfer, dst, src, WEIR_TRANSFER_CURRENT, to_end ? WEIR_TRANSFER_TO_END : size);
    expect_status(weir_transfer_run(transfer, &result), WEIR_OK);
    expect_eq(result.bytes, size);
    if (size > 0) expect_eq(result.path, forbid != 0 ? WEIR_TRANSFER_BUFFER : cheapest(to, from));
    if (size == 0 && !to_end) expect_eq(result.calls, 0);
    if (to == FILE_END || to == APPEND_END) expect(file_holds(dst, size));
    if (feeding.running) pthread_join(feeding.thread, NULL);
    close(src);
    close(dst);
    expect(join_far(&gathering));
}

static void move_every_pair(unsigned forbid) {
    static const size_t sizes[] = {0, 1, 65535, 65536, 65537, LARGEST};
    make_pattern();
    weir_transfer *transfer = weir_transfer_new(&(weir_transfer_options){.forbid = forbid});
    require(transfer != NULL);
    for (kind from = 0; from < SOURCES; from++) {
        for (kind to = 0; to < KINDS; to++) {
            for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
                move_once(transfer, to, from, sizes[i], false, forbid);
                move_once(transfer, to, from, sizes[i], true, forbid);
            }
        }
    }
    weir_transfer_free(transfer);
}

WEIR_TEST(transfer, moves_every_size_between_every_pair_by_the_cheapest_way) {
    move_every_pair(0);
}

WEIR_TEST(transfer, moves_the_same_through_its_buffer_where_all_else_is_forbidden) {
    move_every_pair(NOT_BY_BUFFER);
}

/* ---- offsets ---- */

WEIR_TEST(transfer, leaves_the_sources_position_alone_when_an_offset_is_given) {
    static const unsigned forbidden[] = {0, WEIR_TRANSFER_COPY_FILE_RANGE, NOT_BY_BUFFER};
    make_pattern();
    for (size_t i = 0; i < 3; i++) {
        weir_transfer_result result;
        weir_transfer *transfer = weir_transfer_new(&(weir_transfer_options){.forbid = forbidden[i]});
        int src = patterned_file(100000), dst = empty_file(0);
        weir_transfer_start(transfer, dst, src, 5, 99000);
        expect_status(weir_transfer_run(transfer, &result), WEIR_OK);
        expect_eq(lseek(src, 0, SEEK_CUR), 0);
        uint8_t byte;
        expect_eq(pread(dst, &byte, 1, 98999), 1);
        expect_eq(byte, pattern[5 + 98999]);
        expect_eq(lseek(dst, 0, SEEK_END), 99000);
        close(src);
        close(dst);
        weir_transfer_free(transfer);
    }
}

WEIR_TEST(transfer, counts_beyond_4_GiB) {
    weir_transfer_result result;
    uint64_t size = (UINT64_C(4) << 30) + 3;
    weir_transfer *transfer = weir_transfer_new(NULL);
    int src = empty_file(0), null = open("/dev/null", O_WRONLY), dst = empty_file(0);
    require(ftruncate(src, (off_t)size) == 0);
    require(pwrite(src, "end", 3, (off_t)size - 3) == 3);
    weir_transfer_start(transfer, null, src, 0, size);
    expect_status(weir_transfer_run(transfer, &result), WEIR_OK);
    expect_eq(result.bytes, size);
    expect_eq(result.path, WEIR_TRANSFER_SENDFILE);
    weir_transfer_start(transfer, dst, src, size - 10, WEIR_TRANSFER_TO_END);
    expect_status(weir_transfer_run(transfer, &result), WEIR_OK);
    char got[10];
    expect_eq(pread(dst, got, 10, 0), 10);
    expect(memcmp(got, "\0\0\0\0\0\0\0end", 10) == 0);
    close(src);
    close(dst);
    close(null);
    weir_transfer_free(transfer);
}

/* ---- going on after it had to wait ---- */

static void never_block(int fd) {
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

/* Sockets that take little at a time, whatever the system would give them. */
static void hold_little(const int ends[2]) {
    int little = 16 * 1024;
    setsockopt(ends[0], SOL_SOCKET, SO_RCVBUF, &little, sizeof little);
    setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &little, sizeof little);
}

typedef struct dance {
    int feed_to, src, dst, take_from;
    size_t fed, taken, size;
    uint64_t random;
} dance;

static void open_dance(dance *self, kind to, kind from, size_t size) {
    int in[2], out[2];
    open_pair(from, in);
    open_pair(to, out);
    hold_little(out);
    *self = (dance){.feed_to = in[1], .src = in[0], .dst = out[1], .take_from = out[0], .size = size};
    self->random = seed_start();
    for (int i = 0; i < 2; i++) {
        never_block(in[i]);
        never_block(out[i]);
    }
}

static void feed_some(dance *self) {
    size_t left = self->size - self->fed, most = (size_t)seed_below(&self->random, 200000) + 1;
    if (left > 0) {
        ssize_t put = write(self->feed_to, pattern + self->fed, most < left ? most : left);
        if (put > 0) self->fed += (size_t)put;
    }
}

static void take_some(dance *self) {
    static uint8_t got[200000];
    ssize_t n = read(self->take_from, got, (size_t)seed_below(&self->random, sizeof got) + 1);
    if (n <= 0) return;
    expect(memcmp(got, pattern + self->taken, (size_t)n) == 0);
    self->taken += (size_t)n;
}

static void dance_through(kind to, kind from, unsigned forbid) {
    dance self;
    weir_transfer_result result = {0};
    weir_transfer *transfer = weir_transfer_new(&(weir_transfer_options){.forbid = forbid});
    open_dance(&self, to, from, LARGEST);
    weir_test_context("%s to %s, forbidden %x", kind_names[from], kind_names[to], forbid);
    weir_transfer_start(transfer, self.dst, self.src, WEIR_TRANSFER_CURRENT, LARGEST);
    weir_status status = -EAGAIN;
    bool waited_for_src = false, waited_for_dst = false;
    for (int i = 0; i < 1000000 && status == -EAGAIN; i++) {
        status = weir_transfer_run(transfer, &result);
        if (status != -EAGAIN) break;
        waited_for_src = waited_for_src || result.waits_for == self.src;
        waited_for_dst = waited_for_dst || result.waits_for == self.dst;
        if (seed_below(&self.random, 2) == 0 || result.waits_for == self.src) feed_some(&self);
        if (seed_below(&self.random, 4) == 0 || result.waits_for == self.dst) take_some(&self);
        if (i % 100 == 99) poll(NULL, 0, 1); /* a window that was shut opens by the kernel's timer */
    }
    expect_status(status, WEIR_OK);
    expect_eq(result.bytes, LARGEST);
    expect(waited_for_src && waited_for_dst);
    close(self.dst);
    for (int i = 0; i < 100000 && self.taken < LARGEST; i++) take_some(&self);
    expect_eq(self.taken, LARGEST);
    close(self.feed_to);
    close(self.src);
    close(self.take_from);
    weir_transfer_free(transfer);
}

WEIR_TEST(transfer, goes_on_after_waiting_for_either_side_and_loses_nothing) {
    make_pattern();
    for (kind from = PIPE_END; from <= UNIX_END; from++) {
        for (kind to = PIPE_END; to <= UNIX_END; to++) {
            dance_through(to, from, 0);
            dance_through(to, from, WEIR_TRANSFER_SPLICE);
        }
    }
}

WEIR_TEST(transfer, drops_what_it_held_when_it_is_started_again) {
    int ends[2], out[2];
    weir_transfer_result result;
    make_pattern();
    for (unsigned forbid = 0; forbid <= WEIR_TRANSFER_SPLICE; forbid += WEIR_TRANSFER_SPLICE) {
        weir_transfer *transfer = weir_transfer_new(&(weir_transfer_options){.forbid = forbid});
        open_pair(UNIX_END, ends);
        open_pair(UNIX_END, out);
        hold_little(out);
        never_block(out[1]);
        require(write(ends[1], pattern, 150000) == 150000);
        weir_transfer_start(transfer, out[1], ends[0], WEIR_TRANSFER_CURRENT, 150000);
        expect_status(weir_transfer_run(transfer, &result), -EAGAIN);
        int src = patterned_file(1000), dst = empty_file(0);
        weir_transfer_start(transfer, dst, src, WEIR_TRANSFER_CURRENT, WEIR_TRANSFER_TO_END);
        expect_status(weir_transfer_run(transfer, &result), WEIR_OK);
        expect(file_holds(dst, 1000));
        int all[] = {ends[0], ends[1], out[0], out[1], src, dst};
        for (size_t i = 0; i < 6; i++) close(all[i]);
        weir_transfer_free(transfer);
    }
}

/* ---- progress ---- */

typedef struct watching {
    unsigned told;
    uint64_t last;
    uint64_t stop_at;
} watching;

static bool watch(void *arg, const weir_transfer_result *result) {
    watching *self = arg;
    expect(result->bytes > self->last && result->bytes - self->last <= 4 << 20);
    self->last = result->bytes;
    self->told++;
    return self->stop_at == 0 || result->bytes < self->stop_at;
}

WEIR_TEST(transfer, tells_its_progress_and_stops_when_told_to) {
    weir_transfer_result result;
    watching it = {.stop_at = 1};
    weir_transfer *transfer =
        weir_transfer_new(&(weir_transfer_options){.progress = watch, .progress_arg = &it});
    make_pattern();
    int src = patterned_file(LARGEST), dst = empty_file(0);
    weir_transfer_start(transfer, dst, src, WEIR_TRANSFER_CURRENT, LARGEST);
    expect_status(weir_transfer_run(transfer, &result), WEIR_E_CANCELED);
    expect_eq(it.told, 1);
    it.stop_at = 0;
    expect_status(weir_transfer_run(transfer, &result), WEIR_OK);
    expect(it.told >= 2);
    expect_eq(it.last, LARGEST);
    expect(file_holds(dst, LARGEST));
    close(src);
    close(dst);
    weir_transfer_free(transfer);
}

static bool move_three_bytes(void *arg) {
    int in[2], out[2];
    weir_transfer_result result = {0};
    (void)arg;
    weir_transfer *transfer = weir_transfer_new(&(weir_transfer_options){.forbid = NOT_BY_BUFFER});
    if (transfer == NULL) return false;
    open_pair(PIPE_END, in);
    open_pair(PIPE_END, out);
    require(write(in[1], "abc", 3) == 3);
    weir_transfer_start(transfer, out[1], in[0], WEIR_TRANSFER_CURRENT, 3);
    weir_status status = weir_transfer_run(transfer, &result);
    expect(status == WEIR_OK || status == WEIR_E_NO_MEMORY);
    expect_eq(result.bytes, status == WEIR_OK ? 3 : 0);
    for (int i = 0; i < 2; i++) {
        close(in[i]);
        close(out[i]);
    }
    weir_transfer_free(transfer);
    return status == WEIR_OK;
}

WEIR_TEST(transfer, survives_running_out_of_memory) {
    weir_oom_sweep(move_three_bytes, NULL);
}
