/* classic.c - copying against looking: each line of a table is a function that does its work some times. */
#include "classic.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <weir/buffer.h>

#include "measure.h"

enum {
    ROUNDS = 11,
    LINES_MAX = 4,
    PART = 64 << 10,
    WHOLE = 4 << 20,
    PAGE = 4096,
    PARTS = 100, /* of a line's times, between looks at the clock */
    ENOUGH_NS = 20 * 1000 * 1000,
};

/* What the lines of both tables work on. */
struct bench {
    weir_pool *pool;
    weir_buf *source;  /* 64 KiB to copy or slice; the standing map to read */
    weir_buf *scratch; /* where reads go, reused */
    int file;
    size_t size;
};

struct line {
    const char *name;
    weir_status (*run)(struct bench *bench, unsigned times);
    unsigned times; /* in a row, so that the cost of the clock and of the call vanishes */
    const char *published;
};

/* The compiler must believe that someone looks at the bytes. */
static void look_at(const void *bytes) {
    __asm__ volatile("" : : "r"(bytes) : "memory");
}

/* As often as the line says, or as fits: a build with checks is many times slower. */
static weir_status time_line(const struct line *line, struct bench *bench, double *ns) {
    unsigned part = (line->times + PARTS - 1) / PARTS, done = 0;
    uint64_t start = now_ns(), took = 0;
    weir_status status = WEIR_OK;
    while (status == WEIR_OK && done < line->times && took < ENOUGH_NS) {
        status = line->run(bench, part);
        done += part;
        took = now_ns() - start;
    }
    *ns = (double)took / done;
    return status;
}

/* Rounds go A B C, A B C, so that a slow moment of the machine hits all lines alike. */
static weir_status print_table(const char *title, const struct line *lines, size_t count,
                               struct bench *bench) {
    double ns[LINES_MAX][ROUNDS];
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < count; i++) {
            weir_status status = time_line(&lines[i], bench, &ns[i][round]);
            if (status != WEIR_OK) return status;
        }
    }
    printf("\n%s\n\n  %-44s %12s %12s %14s\n", title, "", "here, ns", "times less", "published, ns");
    double first = 0;
    for (size_t i = 0; i < count; i++) {
        double middle = median(ns[i], ROUNDS);
        if (i == 0) first = middle;
        printf("  %-44s %12.1f %12.1f %14s\n", lines[i].name, middle, first / middle, lines[i].published);
    }
    return WEIR_OK;
}

/* ---- 64 KiB: copied, or looked at ---- */

static weir_status copy_to_heap(struct bench *bench, unsigned times) {
    while (times-- > 0) {
        weir_buf *copy = weir_buf_copy(bench->source);
        if (copy == NULL) return WEIR_E_NO_MEMORY;
        look_at(copy->rp);
        weir_buf_release(copy);
    }
    return WEIR_OK;
}

static weir_status copy_to_pooled(struct bench *bench, unsigned times) {
    while (times-- > 0) {
        weir_buf *copy = weir_pool_get(bench->pool, PART);
        if (copy == NULL) return WEIR_E_NO_MEMORY;
        weir_buf_write_view(copy, weir_buf_peek(bench->source));
        look_at(copy->rp);
        weir_buf_release(copy);
    }
    return WEIR_OK;
}

static weir_status slice_counted(struct bench *bench, unsigned times) {
    while (times-- > 0) {
        weir_buf *slice = weir_buf_slice(bench->source, 0, PART);
        if (slice == NULL) return WEIR_E_NO_MEMORY;
        look_at(slice->rp);
        weir_buf_release(slice);
    }
    return WEIR_OK;
}

static weir_status view_free(struct bench *bench, unsigned times) {
    while (times-- > 0) look_at(weir_buf_peek(bench->source).ptr);
    return WEIR_OK;
}

weir_status classic_copy_or_slice(void) {
    static const struct line lines[] = {
        {"weir_buf_copy: new memory and a copy", copy_to_heap, 2000, "4,246"},
        {"weir_pool_get: recycled memory and a copy", copy_to_pooled, 2000, "-"},
        {"weir_buf_slice: a counted view", slice_counted, 200000, "-"},
        {"weir_buf_peek: a view without a count", view_free, 2000000, "0.592"},
    };
    struct bench bench = {.pool = weir_pool_new(NULL), .source = weir_buf_new(PART)};
    weir_status status = WEIR_E_NO_MEMORY;
    if (bench.pool != NULL && bench.source != NULL) {
        weir_buf_write_fill(bench.source, 7, PART);
        status = print_table("64 KiB: copied, or looked at", lines, sizeof lines / sizeof *lines, &bench);
    }
    weir_buf_release(bench.source);
    weir_pool_free(bench.pool);
    return status;
}

/* ---- 4 MiB of a file: read, or mapped ---- */

static weir_status read_once(struct bench *bench) {
    weir_buf_clear(bench->scratch);
    uint8_t *room = weir_buf_reserve(bench->scratch, bench->size);
    if (room == NULL) return WEIR_E_NO_MEMORY;
    for (size_t got = 0; got < bench->size;) {
        ssize_t n = pread(bench->file, room + got, bench->size - got, (off_t)got);
        if (n <= 0) return n == 0 ? WEIR_E_TRUNCATED : weir_status_from_errno(errno);
        got += (size_t)n;
    }
    weir_buf_commit(bench->scratch, bench->size);
    look_at(bench->scratch->rp);
    return WEIR_OK;
}

static weir_status read_by_pread(struct bench *bench, unsigned times) {
    weir_status status = WEIR_OK;
    while (status == WEIR_OK && times-- > 0) status = read_once(bench);
    return status;
}

static weir_status copy_from_map(struct bench *bench, unsigned times) {
    while (times-- > 0) {
        weir_buf_clear(bench->scratch);
        weir_buf_write_view(bench->scratch, weir_buf_peek(bench->source));
        look_at(bench->scratch->rp);
    }
    return weir_buf_status(bench->scratch);
}

static void touch_pages(weir_bytes bytes) {
    for (size_t at = 0; at < bytes.len; at += PAGE) look_at((const void *)(uintptr_t)bytes.ptr[at]);
}

static weir_status map_touch_unmap(struct bench *bench, unsigned times) {
    while (times-- > 0) {
        weir_buf *map = NULL;
        weir_status status = weir_buf_map_range(&map, bench->file, 0, bench->size, NULL);
        if (status != WEIR_OK) return status;
        touch_pages(weir_buf_peek(map));
        weir_buf_release(map);
    }
    return WEIR_OK;
}

static weir_status touch_map(struct bench *bench, unsigned times) {
    while (times-- > 0) touch_pages(weir_buf_peek(bench->source));
    return WEIR_OK;
}

weir_status classic_read_or_map(int file, unsigned long long size) {
    static const struct line lines[] = {
        {"pread into a reused buf", read_by_pread, 10, "94,650"},
        {"copied out of a standing map", copy_from_map, 10, "50,082"},
        {"mapped, every page touched, unmapped", map_touch_unmap, 10, "-"},
        {"every page of a standing map touched", touch_map, 1000, "-"},
    };
    struct bench bench = {
        .file = file, .size = size < WHOLE ? (size_t)size : WHOLE, .scratch = weir_buf_new(WHOLE)};
    weir_status status = bench.scratch == NULL ? WEIR_E_NO_MEMORY
                                               : weir_buf_map_range(&bench.source, file, 0, bench.size, NULL);
    if (status == WEIR_OK) {
        char title[80];
        snprintf(title, sizeof title, "%zu KiB of a file: read, or mapped", bench.size >> 10);
        status = print_table(title, lines, sizeof lines / sizeof *lines, &bench);
    }
    weir_buf_release(bench.source);
    weir_buf_release(bench.scratch);
    return status;
}
