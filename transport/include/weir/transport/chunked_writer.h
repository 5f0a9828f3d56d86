/* <weir/transport/chunked_writer.h> - write what is made piece by piece, as fast as the peer takes it.
 *
 *     you --write(source)--> [ chunked_writer ] --chunk, chunk, chunk ...--> wire
 *                                ^   next()  \__ only while the channel is writable
 *
 * In short: a chunk source is an object like any other to write. It is asked for its next piece while the channel is
 * writable, so that a body of any length, known or not, costs the high watermark and one piece of memory; and for no more
 * than region_bytes_per_turn before others have their turn. What is
 * written behind it waits, in order; a close and a shutdown wait too. For a range of known length that can be
 * read at any place, a region (region.h) is simpler and can go by sendfile.
 *
 * Removed, or when the channel ends, sources that are not through fail and are released.
 *
 * Layer: transport. Needs pipeline.h. On the channel's loop.
 */
#ifndef WEIR_TRANSPORT_CHUNKED_WRITER_H
#define WEIR_TRANSPORT_CHUNKED_WRITER_H

#include <weir/transport/pipeline.h>

WEIR_BEGIN_DECLS

typedef struct weir_chunk_source weir_chunk_source;

/* What a source can do. `static const`, one per kind. */
typedef struct weir_chunk_source_ops {
    const char *name;
    /* The next piece: a message in `*out` (Gives; NULL on entry), or with WEIR_OK and NULL the end. -EAGAIN: there is none
     * now; call weir_chunked_writer_resume when there is. Any other failure fails the write and aborts the
     * channel: the peer was promised more. May end or change anything. Borrows: ctx, of the writer: for its loop and pool. */
    weir_status (*next)(weir_chunk_source *source, weir_ctx *ctx, weir_obj **out);
    /* The last reference is gone. Needed. */
    void (*free)(weir_chunk_source *source);
} weir_chunk_source_ops;

/* The first member of every kind of source; readable. */
struct weir_chunk_source {
    weir_obj obj;
    const weir_chunk_source_ops *ops;
};

/* What all sources are to weir_obj_is. */
WEIR_API extern const weir_obj_type weir_chunk_source_type;

/* Makes the first member of your struct a living source. Borrows: ops, for good. */
WEIR_API void weir_chunk_source_init(weir_chunk_source *source, const weir_chunk_source_ops *ops);

/* To be found in a pipeline by. */
WEIR_API extern const weir_handler weir_chunked_writer_handler;

/* Adds it next to the tail: before the handlers that write sources. Borrows: pipeline. Fails: WEIR_E_NO_MEMORY. */
WEIR_API weir_status weir_chunked_writer_add(weir_pipeline *pipeline);

/* A source that answered -EAGAIN has something. Without a writer, or with nothing waiting, it does nothing.
 * Borrows: pipeline. */
WEIR_API void weir_chunked_writer_resume(weir_pipeline *pipeline);

WEIR_END_DECLS

#endif
