/* <weir/transport/region_reader.h> - a region as bytes, chunk by chunk, for a handler that must see them.
 *
 *     region   [ given ........ ][ one chunk ][ not read yet ................ ]
 *                                 at the most one in memory
 *
 * In short: ask for the next chunk while the channel is writable; it is a pooled buf that is yours. When a
 * device would have to be waited for, the answer is -EAGAIN: the chunk is read on the thread pool, `ready` is
 * called on the loop, and the next question is answered with it. Nothing is read ahead.
 *
 *     while (weir_channel_is_writable(channel)) {
 *         weir_status status = weir_region_reader_next(&reader, &chunk);
 *         if (status != WEIR_OK || chunk == NULL) break;        -EAGAIN, a failure, or the end
 *         weir_ctx_write(ctx, what_becomes_of(chunk), NULL);
 *     }                                                         again when writable, and when ready
 *
 * A value in place, for one region. It may be cleared at any time, also while the pool reads for it, and from
 * inside `ready`; what the pool brings then is dropped.
 *
 * Layer: transport. Needs loop.h, region.h. On the loop only.
 */
#ifndef WEIR_TRANSPORT_REGION_READER_H
#define WEIR_TRANSPORT_REGION_READER_H

#include <weir/buffer/buf.h>
#include <weir/transport/loop.h>
#include <weir/transport/region.h>

WEIR_BEGIN_DECLS

/* What was not at hand is now, or has failed: ask again. */
typedef void weir_region_ready_fn(void *arg);

/* Zero means the default, everywhere. */
typedef struct weir_region_reader_options {
    size_t chunk;                /* most bytes in one buf; 64 KiB */
    size_t headroom;             /* room in front of them, for weir_buf_prepend; none */
    weir_region_ready_fn *ready; /* needed unless the region never waits */
    void *arg;                   /* its argument */
} weir_region_reader_options;

/* Zeroed it is a reader that reads nothing and may be cleared. Readable, not writable. */
typedef struct weir_region_reader {
    weir_loop *loop;
    weir_region *region;      /* held; NULL: cleared, or not begun */
    uint64_t at;              /* how much was given */
    struct region_fill *fill; /* private: what the thread pool is reading */
    weir_buf *filled;         /* private: what it has read */
    weir_status failure;      /* private: or why it could not */
    weir_region_reader_options options;
} weir_region_reader;

/* A reader at the start of `region`. Takes: region (NULL: the first question fails with WEIR_E_NO_MEMORY). Borrows: loop, for the reader's life; options (NULL:
 * defaults). */
WEIR_API void weir_region_reader_init(weir_region_reader *reader, weir_loop *loop, weir_region *region,
                                      const weir_region_reader_options *options);

/* Lets go of the region and of what was read and not asked for; `ready` is not called any more. Again, or of a
 * zeroed reader, it does nothing. Borrows: reader. */
WEIR_API void weir_region_reader_clear(weir_region_reader *reader);

/* The next chunk in `*chunk`, from one byte up to options.chunk, perhaps fewer than are left; at the end
 * WEIR_OK and NULL. Gives: a buf. Borrows: reader. Requires: not cleared.
 * Fails, with NULL in `*chunk`: -EAGAIN (wait for `ready`), WEIR_E_TRUNCATED (the source is shorter than the
 * region), WEIR_E_NO_MEMORY (may be asked again), -errno of the source. */
WEIR_API weir_status weir_region_reader_next(weir_region_reader *reader, weir_buf **chunk);

/* Bytes that were not given yet; 0 when cleared. Borrows: reader. */
static inline uint64_t weir_region_reader_left(const weir_region_reader *reader) {
    return reader->region == NULL ? 0 : reader->region->length - reader->at;
}

WEIR_END_DECLS

#endif
