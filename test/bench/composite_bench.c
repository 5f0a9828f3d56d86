/* composite_bench.c - what appending, seeking and editing cost as a composite gets longer.
 *
 *     bench_composite                 the table: nanoseconds an operation at 10, 1 000 and 100 000 parts
 *     bench_composite --only NAME N   one cell ("seek_1000") N times and nothing else: run it under
 *                                     callgrind with two values of N, the difference of the totals over
 *                                     that of N is one operation
 *
 * A flat row is O(1); a seek grows with the logarithm and with what no longer fits into the caches.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <weir/buffer.h>

enum {
    PASSES = 7,
    SIZES = 3,
    PART = 64
};

#define KEEP(value) __asm__ volatile("" ::"r"(value) : "memory")

static const size_t sizes[SIZES] = {10, 1000, 100000};
static weir_buf *piece, *composites[SIZES];

static double now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static weir_buf *composite_of(size_t parts) {
    weir_buf *buf = weir_buf_composite_new();
    for (size_t i = 0; i < parts; i++) weir_buf_composite_append(buf, weir_buf_retain(piece));
    return buf;
}

/* ---- operations: each does `n` of what its name says, on a composite of `parts` ---------------- */

/* And the release of the parts, once the composite is full. */
static void append(weir_buf *buf, size_t parts, size_t n) {
    (void)buf;
    while (n > 0) {
        size_t batch = n < parts ? n : parts;
        weir_buf *fresh = composite_of(batch);
        KEEP(fresh);
        weir_buf_release(fresh);
        n -= batch;
    }
}

static size_t somewhere(uint64_t i, size_t parts) {
    return (size_t)((i * 0x9e3779b97f4a7c15u >> 32) * (parts * PART - 4) >> 32);
}

/* At a place no one can foresee. */
static void seek(weir_buf *buf, size_t parts, size_t n) {
    uint32_t sum = 0, value = 0;
    for (size_t i = 0; i < n; i++) {
        if (weir_buf_get_u32(buf, somewhere(i, parts), &value)) sum += value;
    }
    KEEP(sum);
}

static void seek_reader(weir_buf *buf, size_t parts, size_t n) {
    for (size_t i = 0; i < n; i++) {
        weir_buf_set_positions(buf, somewhere(i, parts), parts * PART);
        KEEP(buf->rp);
    }
}

/* One u32 after the other, across the seams, and back to the start at the end. */
static void read_on(weir_buf *buf, size_t parts, size_t n) {
    uint32_t sum = 0, value = 0;
    weir_buf_set_positions(buf, 0, parts * PART);
    for (size_t i = 0; i < n; i++) {
        if (!weir_buf_read_u32(buf, &value)) weir_buf_set_positions(buf, 0, parts * PART);
        sum += value;
    }
    KEEP(sum);
}

/* A part in at the end and the first one out: a queue that stays as long as it is. */
static void queue(weir_buf *buf, size_t parts, size_t n) {
    weir_buf_set_positions(buf, 0, parts * PART);
    for (size_t i = 0; i < n; i++) {
        weir_buf_composite_append(buf, weir_buf_retain(piece));
        weir_buf_skip(buf, PART);
        weir_buf_composite_drop_read(buf);
    }
}

/* Eight bytes in front, into headroom, and gone again. */
static void prepend(weir_buf *buf, size_t parts, size_t n) {
    weir_buf_set_positions(buf, 8, parts * PART);
    for (size_t i = 0; i < n; i++) {
        KEEP(weir_buf_composite_prepend(buf, 8));
        weir_buf_skip(buf, 8);
    }
}

static void insert_in_the_middle(weir_buf *buf, size_t parts, size_t n) {
    for (size_t i = 0; i < n; i++) {
        weir_buf_composite_insert(buf, parts / 2, weir_buf_retain(piece));
        weir_buf_composite_remove(buf, parts / 2, 1);
    }
}

/* ---- the table -------------------------------------------------------------------------------- */

typedef struct operation {
    const char *name;
    void (*run)(weir_buf *buf, size_t parts, size_t n);
    size_t count; /* a pass */
} operation;

static const operation operations[] = {
    {"append", append, 200000},     {"seek", seek, 200000},       {"seek_reader", seek_reader, 200000},
    {"read_u32", read_on, 1 << 21}, {"prepend", prepend, 200000}, {"insert_remove", insert_in_the_middle, 50},
    {"queue", queue, 200000},
};

enum {
    OPERATIONS = sizeof operations / sizeof operations[0]
};

static double best_pass(const operation *op, size_t size) {
    double best = 1e18;
    for (int pass = 0; pass < PASSES; pass++) {
        double start = now_ns();
        op->run(composites[size], sizes[size], op->count);
        double each = (now_ns() - start) / (double)op->count;
        if (each < best) best = each;
    }
    return best;
}

static int run_one(const char *cell, size_t n) {
    char name[64];
    for (int i = 0; i < OPERATIONS; i++) {
        for (size_t size = 0; size < SIZES; size++) {
            snprintf(name, sizeof name, "%s_%zu", operations[i].name, sizes[size]);
            if (strcmp(name, cell) != 0) continue;
            operations[i].run(composites[size], sizes[size], n);
            return 0;
        }
    }
    fprintf(stderr, "no cell is called %s\n", cell);
    return 2;
}

static void print_table(void) {
    printf("%-16s", "ns");
    for (size_t size = 0; size < SIZES; size++) printf(" %9zu parts", sizes[size]);
    printf("\n");
    for (int i = 0; i < OPERATIONS; i++) {
        printf("%-16s", operations[i].name);
        for (size_t size = 0; size < SIZES; size++) printf(" %15.1f", best_pass(&operations[i], size));
        printf("\n");
    }
}

int main(int argc, char **argv) {
    int status = 0;
    piece = weir_buf_new(PART);
    weir_buf_write_fill(piece, 'x', PART);
    for (size_t size = 0; size < SIZES; size++) {
        composites[size] = composite_of(sizes[size]);
        weir_buf_composite_replace(composites[size], 0, 1, weir_buf_copy(piece)); /* memory for prepends */
    }
    if (argc == 4 && strcmp(argv[1], "--only") == 0) {
        status = run_one(argv[2], strtoull(argv[3], NULL, 10));
    } else {
        print_table();
    }
    for (size_t size = 0; size < SIZES; size++) weir_buf_release(composites[size]);
    weir_buf_release(piece);
    return status;
}
