/* buffer_bench.c - weir's bufs and pool, as rows: see common/rows.h. Every get is of the pool. */
#include <stdlib.h>

#include <weir/buffer.h>

static weir_pool *pool;

static inline void *take(size_t size) {
    return weir_pool_get(pool, size);
}

static inline void give(void *taken) {
    weir_buf_release(taken);
}

#include "common/pool_rows.h"

enum {
    WORDS = 16384,
    BYTES = WORDS * 4,
    PARTS = 16
};

static weir_buf *contiguous, *parted, *sink, *composed_sink, *pieces[PARTS];

static weir_buf *rewound(size_t composed) {
    weir_buf *buf = composed ? parted : contiguous;
    weir_buf_set_positions(buf, 0, BYTES);
    return buf;
}

static void rewind_all(size_t composed) {
    (void)rewound(composed);
}

/* ---- counts and views ------------------------------------------------------------------------- */

static void retain_release(size_t n, size_t arg) {
    (void)arg;
    for (size_t i = 0; i < n; i++) {
        weir_buf_retain(contiguous);
        BENCH_KEEP(contiguous);
        weir_buf_release(contiguous);
    }
}

static void slice(size_t n, size_t arg) {
    (void)arg;
    for (size_t i = 0; i < n; i++) {
        weir_buf *view = weir_buf_slice(contiguous, i & 1023, 64);
        BENCH_KEEP(view);
        weir_buf_release(view);
    }
}

static void look_at(size_t n, size_t arg) {
    (void)arg;
    for (size_t i = 0; i < n; i++) {
        weir_bytes view = weir_bytes_of(weir_buf_peek(contiguous).ptr + (i & 1023), 64);
        BENCH_KEEP(view.ptr);
        BENCH_KEEP(view.len);
    }
}

static void heap_new_release(size_t n, size_t size) {
    for (size_t i = 0; i < n; i++) {
        weir_buf *buf = weir_buf_new(size);
        BENCH_KEEP(buf);
        weir_buf_release(buf);
    }
}

/* ---- composites of 16 ------------------------------------------------------------------------- */

static void compose_retained(size_t n, size_t arg) {
    (void)arg;
    for (size_t i = 0; i < n; i++) {
        weir_buf *composite = weir_buf_composite_new();
        for (int k = 0; k < PARTS; k++) weir_buf_composite_append(composite, weir_buf_retain(pieces[k]));
        weir_buf_release(composite);
    }
}

/* Sixteen bufs that nobody else holds move in, and out again into the next composite. */
static void compose_moved(size_t n, size_t arg) {
    (void)arg;
    weir_buf *from = weir_buf_composite_new();
    for (int k = 0; k < PARTS; k++) weir_buf_composite_append(from, weir_buf_copy(pieces[k]));
    for (size_t i = 0; i < n; i++) {
        weir_buf *composite = weir_buf_composite_new();
        weir_buf_composite_append(composite, from);
        from = composite;
    }
    weir_buf_release(from);
}

static void get_word(size_t n, size_t composed) {
    const weir_buf *buf = rewound(composed);
    uint32_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t value;
        if (weir_buf_get_u32(buf, (i * 4996) & (BYTES - 4), &value)) sum += value;
    }
    BENCH_KEEP(sum);
}

/* ---- words one after the other ---------------------------------------------------------------- */

static void read_words(size_t n, size_t composed) {
    uint32_t sum = 0;
    for (size_t done = 0; done < n; done += WORDS) {
        weir_buf *buf = rewound(composed);
        for (size_t i = 0; i < WORDS; i++) {
            uint32_t value;
            if (weir_buf_read_u32(buf, &value)) sum += value;
        }
    }
    BENCH_KEEP(sum);
}

static void write_words(size_t n, size_t composed) {
    weir_buf *buf = composed ? composed_sink : sink;
    for (size_t done = 0; done < n; done += WORDS) {
        weir_buf_clear(buf);
        for (size_t i = 0; i < WORDS; i++) weir_buf_write_u32(buf, (uint32_t)i);
    }
    BENCH_KEEP(buf);
}

/* ---- search ----------------------------------------------------------------------------------- */

static void find_byte(size_t n, size_t composed) {
    const weir_buf *buf = rewound(composed);
    for (size_t i = 0; i < n; i++) BENCH_KEEP(weir_buf_find(buf, 0, 0xff));
}

static void find_needle(size_t n, size_t composed) {
    const weir_buf *buf = rewound(composed);
    weir_bytes needle = weir_bytes_str(BENCH_NEEDLE);
    for (size_t i = 0; i < n; i++) BENCH_KEEP(weir_buf_find_bytes(buf, 0, needle));
}

static const bench_row rows[] = {
    POOL_ROWS,
    {.name = "on the heap, 256 B", .run = heap_new_release, .arg = 256, .counted = 4096},
    {.name = "retain + release", .run = retain_release, .counted = 4096},
    {.name = "slice + release", .run = slice, .counted = 4096, .begin = rewind_all},
    {.name = "value view", .run = look_at, .counted = 4096, .begin = rewind_all},
    {.name = "16 parts: build + release", .run = compose_retained, .counted = 256},
    {.name = "16 parts: move to another", .run = compose_moved, .counted = 256},
    {.name = "16 parts: get u32 anywhere", .run = get_word, .arg = 1, .counted = 4096},
    {.name = "read u32", .run = read_words, .counted = WORDS},
    {.name = "read u32, 16 parts", .run = read_words, .arg = 1, .counted = WORDS},
    {.name = "write u32", .run = write_words, .counted = WORDS},
    {.name = "write u32, composite", .run = write_words, .arg = 1, .counted = WORDS},
    {.name = "find byte, 64 KiB", .run = find_byte, .counted = 64},
    {.name = "find byte, 64 KiB in 16 parts", .run = find_byte, .arg = 1, .counted = 64},
    {.name = "find needle of 8, 64 KiB", .run = find_needle, .counted = 16},
    {.name = "find needle of 8, 64 KiB in 16 parts", .run = find_needle, .arg = 1, .counted = 16},
    {0},
};

static void make_bufs(void) {
    contiguous = weir_pool_get(pool, BYTES);
    bench_letters(weir_buf_reserve(contiguous, BYTES), BYTES);
    weir_buf_commit(contiguous, BYTES);
    parted = weir_buf_composite_new();
    for (size_t at = 0; at < BYTES; at += BYTES / PARTS) {
        weir_buf_composite_append(parted, weir_buf_slice(contiguous, at, BYTES / PARTS));
    }
    sink = weir_pool_get(pool, BYTES);
    composed_sink = weir_buf_composite_new();
    for (int i = 0; i < PARTS; i++) {
        pieces[i] = weir_pool_get(pool, 64);
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

int main(int argc, char **argv) {
    pool = weir_pool_new(NULL);
    if (pool == NULL) return 1;
    make_bufs();
    int status = bench_rows(rows, argc, argv);
    release_bufs();
    weir_pool_free(pool);
    return status;
}
