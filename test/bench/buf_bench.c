/* buf_bench.c - what reading, slicing, composing and searching cost.
 *
 *     bench_buf                 the table: nanoseconds an operation, best of several passes
 *     bench_buf --only NAME N   one operation N times and nothing else: run it under callgrind with two
 *                               values of N, the difference of the totals over that of N is one operation
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <weir/buffer.h>

enum {
    PASSES = 9,
    WORDS = 16384,
    BYTES = WORDS * 4,
    PARTS = 16
};

#define KEEP(value) __asm__ volatile("" ::"r"(value) : "memory")

static weir_buf *contiguous, *parted, *sink, *composed_sink, *pieces[PARTS];

static double now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* ---- operations: each does `n` of what its name says ------------------------------------------ */

static void read_words(weir_buf *buf, size_t n) {
    uint32_t sum = 0;
    while (n > 0) {
        size_t batch = n < WORDS ? n : WORDS;
        weir_buf_set_positions(buf, 0, BYTES);
        for (size_t i = 0; i < batch; i++) {
            uint32_t value;
            if (weir_buf_read_u32(buf, &value)) sum += value;
        }
        n -= batch;
    }
    KEEP(sum);
}

static void read_contiguous(size_t n) {
    read_words(contiguous, n);
}

static void read_composite(size_t n) {
    read_words(parted, n);
}

static void read_behind_barrier(size_t n) {
    while (n > 0) {
        size_t batch = n < WORDS ? n : WORDS;
        weir_buf_set_positions(contiguous, 0, BYTES);
        for (size_t i = 0; i < batch; i++) {
            uint32_t value = 0;
            weir_buf_read_u32(contiguous, &value);
            KEEP(value);
        }
        n -= batch;
    }
}

static void get_word(size_t n) {
    uint32_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t value;
        if (weir_buf_get_u32(contiguous, (i * 4) & (BYTES - 1), &value)) sum += value;
    }
    KEEP(sum);
}

static void get_word_from_composite(size_t n) {
    uint32_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t value;
        if (weir_buf_get_u32(parted, (i * 4996) & (BYTES - 4), &value)) sum += value;
    }
    KEEP(sum);
}

static void write_words(weir_buf *buf, size_t n) {
    while (n > 0) {
        size_t batch = n < WORDS ? n : WORDS;
        weir_buf_clear(buf);
        for (size_t i = 0; i < batch; i++) weir_buf_write_u32(buf, (uint32_t)i);
        n -= batch;
    }
    KEEP(buf);
}

static void write_contiguous(size_t n) {
    write_words(sink, n);
}

static void write_composite(size_t n) {
    write_words(composed_sink, n);
}

static void slice(size_t n) {
    for (size_t i = 0; i < n; i++) {
        weir_buf *view = weir_buf_slice(contiguous, i & 1023, 64);
        KEEP(view);
        weir_buf_release(view);
    }
}

static void retain_release(size_t n) {
    for (size_t i = 0; i < n; i++) {
        weir_buf_retain(contiguous);
        KEEP(contiguous);
        weir_buf_release(contiguous);
    }
}

/* Of what is printed for it, most is the atomic pair of each part: see retain_release. */
static void compose_retained(size_t n) {
    for (size_t i = 0; i < n; i++) {
        weir_buf *composite = weir_buf_composite_new();
        for (int k = 0; k < PARTS; k++) weir_buf_composite_append(composite, weir_buf_retain(pieces[k]));
        weir_buf_release(composite);
    }
}

/* Sixteen bufs that nobody else holds move in, and out again into the next composite. */
static void compose_moved(size_t n) {
    weir_buf *from = weir_buf_composite_new();
    for (int k = 0; k < PARTS; k++) weir_buf_composite_append(from, weir_buf_copy(pieces[k]));
    for (size_t i = 0; i < n; i++) {
        weir_buf *composite = weir_buf_composite_new();
        weir_buf_composite_append(composite, from);
        from = composite;
    }
    weir_buf_release(from);
}

static void find_byte(size_t n) {
    for (size_t i = 0; i < n; i++) KEEP(weir_buf_find(contiguous, 0, 0xff));
}

static void find_byte_in_composite(size_t n) {
    for (size_t i = 0; i < n; i++) KEEP(weir_buf_find(parted, 0, 0xff));
}

static void memchr_alone(size_t n) {
    weir_bytes bytes = weir_buf_peek(contiguous);
    for (size_t i = 0; i < n; i++) {
        KEEP(bytes.ptr);
        KEEP(memchr(bytes.ptr, 0xff, bytes.len));
    }
}

static void new_and_release(size_t n) {
    for (size_t i = 0; i < n; i++) {
        weir_buf *buf = weir_buf_new(256);
        KEEP(buf);
        weir_buf_release(buf);
    }
}

/* ---- the table -------------------------------------------------------------------------------- */

typedef struct operation {
    const char *name;
    void (*run)(size_t n);
    size_t count; /* a pass */
} operation;

static const operation operations[] = {
    {"read_u32", read_contiguous, 1 << 22},
    {"read_u32_each_seen", read_behind_barrier, 1 << 22},
    {"read_u32_composite", read_composite, 1 << 22},
    {"write_u32", write_contiguous, 1 << 22},
    {"write_u32_composite", write_composite, 1 << 22},
    {"get_u32", get_word, 1 << 22},
    {"get_u32_composite", get_word_from_composite, 1 << 20},
    {"retain_release", retain_release, 1 << 20},
    {"slice_release", slice, 1 << 20},
    {"heap_new_release", new_and_release, 1 << 18},
    {"composite_of_16_retained", compose_retained, 1 << 14},
    {"composite_of_16_moved", compose_moved, 1 << 14},
    {"find_byte_64k", find_byte, 1 << 12},
    {"find_byte_64k_composite", find_byte_in_composite, 1 << 12},
    {"memchr_64k", memchr_alone, 1 << 12},
};

enum {
    OPERATIONS = sizeof operations / sizeof operations[0]
};

static void rewind_bufs(void) {
    weir_buf_set_positions(contiguous, 0, BYTES);
    weir_buf_set_positions(parted, 0, BYTES);
}

static double best_pass(const operation *op) {
    double best = 1e18;
    for (int pass = 0; pass < PASSES; pass++) {
        rewind_bufs();
        double start = now_ns();
        op->run(op->count);
        double each = (now_ns() - start) / (double)op->count;
        if (each < best) best = each;
    }
    return best;
}

static void make_bufs(void) {
    contiguous = weir_buf_new(BYTES);
    weir_buf_write_fill(contiguous, 'x', BYTES);
    parted = weir_buf_composite_new();
    for (size_t at = 0; at < BYTES; at += BYTES / PARTS) {
        weir_buf_composite_append(parted, weir_buf_slice(contiguous, at, BYTES / PARTS));
    }
    sink = weir_buf_new(BYTES);
    composed_sink = weir_buf_composite_new();
    for (int i = 0; i < PARTS; i++) {
        pieces[i] = weir_buf_new(64);
        weir_buf_write_fill(pieces[i], 'y', 64);
    }
}

static void release_bufs(void) {
    weir_buf_release(contiguous);
    weir_buf_release(parted);
    weir_buf_release(sink);
    weir_buf_release(composed_sink);
    for (int i = 0; i < PARTS; i++) weir_buf_release(pieces[i]);
}

static int run_one(const char *name, size_t n) {
    for (int i = 0; i < OPERATIONS; i++) {
        if (strcmp(operations[i].name, name) != 0) continue;
        operations[i].run(n);
        return 0;
    }
    fprintf(stderr, "no operation is called %s\n", name);
    return 2;
}

int main(int argc, char **argv) {
    int status = 0;
    make_bufs();
    if (argc == 4 && strcmp(argv[1], "--only") == 0) {
        status = run_one(argv[2], strtoull(argv[3], NULL, 10));
    } else {
        for (int i = 0; i < OPERATIONS; i++)
            printf("%-26s %9.2f ns\n", operations[i].name, best_pass(&operations[i]));
    }
    release_bufs();
    return status;
}
