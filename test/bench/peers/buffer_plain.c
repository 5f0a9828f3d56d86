/* peers/buffer_plain.c - the least that does the job: arrays, memchr, one atomic count a buffer. */
#include <arpa/inet.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "common/rows.h"

enum {
    WORDS = 16384,
    BYTES = WORDS * 4,
    PARTS = 16
};

static uint8_t bytes[BYTES];
static _Atomic uint32_t counts[PARTS];

/* Where the array ends is asked at each word, so neither loop becomes vector code. */
static void read_words(size_t n, size_t arg) {
    (void)arg;
    uint32_t sum = 0;
    for (size_t at = 0, i = 0; i < n; i++) {
        uint32_t value;
        if (BYTES - at < sizeof value) at = 0;
        memcpy(&value, bytes + at, sizeof value);
        at += sizeof value;
        sum += ntohl(value);
    }
    BENCH_KEEP(sum);
}

static void write_words(size_t n, size_t arg) {
    (void)arg;
    for (size_t at = 0, i = 0; i < n; i++) {
        uint32_t value = htonl((uint32_t)i);
        if (BYTES - at < sizeof value) at = 0;
        memcpy(bytes + at, &value, sizeof value);
        at += sizeof value;
    }
    BENCH_KEEP(bytes);
}

static void look_at(size_t n, size_t arg) {
    (void)arg;
    for (size_t i = 0; i < n; i++) {
        struct iovec view = {bytes + (i & 1023), 64};
        BENCH_KEEP(view.iov_base);
        BENCH_KEEP(view.iov_len);
    }
}

static void count_up_and_down(size_t n, size_t arg) {
    (void)arg;
    for (size_t i = 0; i < n; i++) {
        atomic_fetch_add_explicit(&counts[0], 1, memory_order_relaxed);
        if (atomic_fetch_sub_explicit(&counts[0], 1, memory_order_acq_rel) == 0) abort();
    }
}

static void gather_parts(size_t n, size_t arg) {
    (void)arg;
    struct iovec parts[PARTS];
    for (size_t i = 0; i < n; i++) {
        for (int k = 0; k < PARTS; k++) {
            parts[k] = (struct iovec){bytes + k * 64, 64};
            atomic_fetch_add_explicit(&counts[k], 1, memory_order_relaxed);
        }
        BENCH_KEEP(parts);
        for (int k = 0; k < PARTS; k++) {
            if (atomic_fetch_sub_explicit(&counts[k], 1, memory_order_acq_rel) == 0) abort();
        }
    }
}

static void fill_bytes(size_t arg) {
    (void)arg;
    bench_letters(bytes, sizeof bytes);
}

static void find_byte(size_t n, size_t arg) {
    (void)arg;
    for (size_t i = 0; i < n; i++) {
        BENCH_KEEP(bytes);
        BENCH_KEEP(memchr(bytes, 0xff, BYTES));
    }
}

static void find_needle(size_t n, size_t arg) {
    (void)arg;
    for (size_t i = 0; i < n; i++) {
        BENCH_KEEP(bytes);
        BENCH_KEEP(memmem(bytes, BYTES, BENCH_NEEDLE, strlen(BENCH_NEEDLE)));
    }
}

static const bench_row rows[] = {
    {.name = "retain + release", .run = count_up_and_down, .counted = 4096},
    {.name = "value view", .run = look_at, .counted = 4096},
    {.name = "16 parts: build + release", .run = gather_parts, .counted = 512},
    {.name = "read u32", .run = read_words, .counted = WORDS},
    {.name = "write u32", .run = write_words, .counted = WORDS},
    {.name = "find byte, 64 KiB", .run = find_byte, .counted = 64, .begin = fill_bytes},
    {.name = "find needle of 8, 64 KiB", .run = find_needle, .counted = 64, .begin = fill_bytes},
    {0},
};

int main(int argc, char **argv) {
    return bench_rows(rows, argc, argv);
}
