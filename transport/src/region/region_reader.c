/* region_reader.c - one chunk at a time: tried on the loop without waiting, else read on the thread pool.
 *
 * The job on the pool has a life of its own: a reader that is cleared meanwhile only takes itself out of it.
 */
#include <weir/transport/region_reader.h>

#include "region/region_internal.h"

#define CHUNK (64 * 1024)

typedef struct region_fill {
    weir_region_reader *reader; /* NULL: it has been cleared */
    weir_loop *loop;
    weir_region *region; /* held */
    weir_buf *chunk;
    uint64_t at;
    size_t n;
    weir_status status;
} region_fill;

void weir_region_reader_init(weir_region_reader *reader, weir_loop *loop, weir_region *region,
                             const weir_region_reader_options *options) {
    *reader = (weir_region_reader){
        .loop = loop, .region = region, .failure = region == NULL ? WEIR_E_NO_MEMORY : WEIR_OK};
    if (options != NULL) reader->options = *options;
    if (reader->options.chunk == 0) reader->options.chunk = CHUNK;
}

void weir_region_reader_clear(weir_region_reader *reader) {
    if (reader->fill != NULL) reader->fill->reader = NULL;
    weir_buf_release(reader->filled);
    weir_region_release(reader->region);
    *reader = (weir_region_reader){.loop = reader->loop};
}

/* ---- on the thread pool ---- */

static void read_chunk(void *arg) {
    region_fill *fill = arg;
    fill->status = weir_region_read(fill->region, fill->at, fill->chunk->wp, fill->n);
}

static void free_fill(region_fill *fill) {
    weir_buf_release(fill->chunk);
    weir_region_release(fill->region);
    weir_alloc_release(NULL, fill);
}

static void chunk_read(void *arg, weir_status status) {
    region_fill *fill = arg;
    weir_region_reader *reader = fill->reader;
    if (status == WEIR_OK) status = fill->status;
    if (reader != NULL) {
        reader->fill = NULL;
        reader->failure = status;
        if (status == WEIR_OK) {
            weir_buf_commit(fill->chunk, fill->n);
            reader->filled = fill->chunk;
            fill->chunk = NULL;
        }
    }
    free_fill(fill);
    if (reader != NULL) reader->options.ready(reader->options.arg);
}

/* Takes: chunk. */
static weir_status fill_later(weir_region_reader *reader, weir_buf *chunk, size_t n) {
    WEIR_CHECK(reader->options.ready != NULL,
               "a region of kind %s may have to be waited for: its reader needs"
               " a ready function",
               reader->region->ops->name);
    region_fill *fill = weir_alloc_acquire(NULL, sizeof *fill);
    if (fill == NULL) {
        weir_buf_release(chunk);
        return WEIR_E_NO_MEMORY;
    }
    *fill = (region_fill){.reader = reader,
                          .loop = reader->loop,
                          .region = weir_region_retain(reader->region),
                          .chunk = chunk,
                          .at = reader->at,
                          .n = n};
    weir_status status = weir_loop_offload(reader->loop, read_chunk, chunk_read, fill);
    if (status == WEIR_OK) {
        reader->fill = fill;
        return -EAGAIN;
    }
    free_fill(fill);
    return status;
}

/* ---- on the loop ---- */

static weir_buf *new_chunk(weir_region_reader *reader, size_t n) {
    size_t headroom = reader->options.headroom;
    if (n > SIZE_MAX - headroom) return NULL;
    weir_buf *chunk = weir_pool_get(weir_loop_pool(reader->loop), headroom + n);
    if (chunk != NULL && headroom != 0) weir_buf_reserve_headroom(chunk, headroom);
    return chunk;
}

/* Takes: chunk. */
static weir_status give_chunk(weir_region_reader *reader, weir_buf *chunk, weir_buf **out) {
    reader->at += weir_buf_readable(chunk);
    *out = chunk;
    return WEIR_OK;
}

/* Without waiting, when that can be. */
static weir_status read_now(weir_region_reader *reader, weir_buf **out) {
    uint64_t left = weir_region_reader_left(reader);
    size_t n = left < reader->options.chunk ? (size_t)left : reader->options.chunk;
    weir_buf *chunk = new_chunk(reader, n);
    if (chunk == NULL) return WEIR_E_NO_MEMORY;
    ssize_t got = region_read_some(reader->region, reader->at, chunk->wp, n, false);
    if (got == -EAGAIN) return fill_later(reader, chunk, n);
    if (got > 0) {
        weir_buf_commit(chunk, (size_t)got);
        return give_chunk(reader, chunk, out);
    }
    weir_buf_release(chunk);
    return got == 0 ? (weir_status)WEIR_E_TRUNCATED : (weir_status)got;
}

weir_status weir_region_reader_next(weir_region_reader *reader, weir_buf **chunk) {
    *chunk = NULL;
    if (reader->failure != WEIR_OK) return reader->failure;
    WEIR_CHECK(reader->region != NULL, "a region reader that was cleared was asked for more");
    if (reader->fill != NULL) return -EAGAIN;
    if (reader->filled != NULL) {
        weir_buf *filled = reader->filled;
        reader->filled = NULL;
        return give_chunk(reader, filled, chunk);
    }
    return weir_region_reader_left(reader) == 0 ? WEIR_OK : read_now(reader, chunk);
}
