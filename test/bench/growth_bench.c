/* growth_bench.c - how cost grows with what there is more of, as rows: see common/rows.h. The number at the end of a
 * row's name is how many there are; an operation is always one event or one part. */
#include <stdlib.h>

#include <weir/transport.h>

#include "common/rows.h"

enum {
    PART = 64
};

/* ---- a read event through so many handlers ---- */

static weir_embedded *embedded;
static weir_buf *piece;
static weir_ctx *first_ctx;

static void pass_event(weir_ctx *ctx, weir_obj *event) {
    weir_ctx_fire_event(ctx, event);
}

static void pass_read(weir_ctx *ctx, weir_obj *msg) {
    weir_ctx_fire_read(ctx, msg);
}

static void keep_read(weir_ctx *ctx, weir_obj *msg) {
    (void)ctx, (void)msg; /* the same message comes again: it stays ours */
}

static const weir_handler first = {.name = "first", .event = pass_event};
static const weir_handler pass = {.name = "pass", .read = pass_read};
static const weir_handler keep = {.name = "keep", .read = keep_read};

static weir_status build(weir_pipeline *pipeline, void *arg) {
    weir_status status = weir_pipeline_add_last(pipeline, &first, NULL);
    for (size_t i = 1; i < *(size_t *)arg && status == WEIR_OK; i++) {
        status = weir_pipeline_add_last(pipeline, &pass, NULL);
    }
    return status == WEIR_OK ? weir_pipeline_add_last(pipeline, &keep, NULL) : status;
}

static void begin_handlers(size_t count) {
    embedded = weir_embedded_new(NULL, build, &count);
    piece = weir_buf_new(PART);
    if (embedded == NULL || piece == NULL) abort();
    first_ctx = weir_pipeline_find(weir_embedded_pipeline(embedded), &first);
}

static void end_handlers(size_t count) {
    (void)count;
    weir_buf_release(piece);
    weir_embedded_free(embedded);
}

static void fire(size_t n, size_t count) {
    (void)count;
    for (size_t i = 0; i < n; i++) weir_ctx_fire_read(first_ctx, &piece->obj);
}

/* ---- a composite of so many parts ---- */

static weir_buf *composite;

static weir_buf *composite_of(size_t parts) {
    weir_buf *buf = weir_buf_composite_new();
    for (size_t i = 0; i < parts; i++) weir_buf_composite_append(buf, weir_buf_retain(piece));
    return buf;
}

static void begin_parts(size_t parts) {
    piece = weir_buf_new(PART);
    weir_buf_write_fill(piece, 'x', PART);
    composite = composite_of(parts);
}

static void end_parts(size_t parts) {
    (void)parts;
    weir_buf_release(composite);
    weir_buf_release(piece);
}

/* And its release, whole composites at a time. */
static void append(size_t n, size_t parts) {
    for (size_t done = 0; done < n; done += parts) weir_buf_release(composite_of(parts));
}

static void get_anywhere(size_t n, size_t parts) {
    uint32_t sum = 0;
    for (uint64_t i = 0; i < n; i++) {
        size_t at = (size_t)((i * 0x9e3779b97f4a7c15u >> 32) * (parts * PART - 4) >> 32);
        uint32_t value = 0;
        if (weir_buf_get_u32(composite, at, &value)) sum += value;
    }
    BENCH_KEEP(sum);
}

static void read_through(size_t n, size_t parts) {
    uint32_t sum = 0, value = 0;
    for (size_t i = 0; i < n; i++) {
        if (!weir_buf_read_u32(composite, &value)) weir_buf_set_positions(composite, 0, parts * PART);
        sum += value;
    }
    BENCH_KEEP(sum);
}

#define HANDLERS(count)                                                                                      \
    {                                                                                                        \
        .name = "handlers " #count, .run = fire, .arg = (count), .counted = 8192, .begin = begin_handlers,   \
        .end = end_handlers                                                                                  \
    }
#define PARTS(text, work, count)                                                                             \
    {                                                                                                        \
        .name = text " " #count, .run = (work), .arg = (count), .counted = 20000, .begin = begin_parts,      \
        .end = end_parts                                                                                     \
    }
#define ALL_PARTS(text, work)                                                                                \
    PARTS(text, work, 1), PARTS(text, work, 10), PARTS(text, work, 100), PARTS(text, work, 1000),            \
        PARTS(text, work, 10000)
static const bench_row rows[] = {HANDLERS(1),
                                 HANDLERS(2),
                                 HANDLERS(4),
                                 HANDLERS(8),
                                 HANDLERS(16),
                                 HANDLERS(32),
                                 ALL_PARTS("append", append),
                                 ALL_PARTS("get", get_anywhere),
                                 ALL_PARTS("read", read_through),
                                 {0}};

int main(int argc, char **argv) {
    return bench_rows(rows, argc, argv);
}
