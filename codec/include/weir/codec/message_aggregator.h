/* <weir/codec/message_aggregator.h> - pieces of a message to one object: head, bytes, bytes, end -> whole.
 *
 *     read(head) read(buf) read(buf) read(end)   ->   fire_read(whole)
 *
 * In short: a protocol brings a table that tells pieces apart and builds the whole; collecting, the limit and
 * its consequences are here. The body is linked, not copied (small pieces are, behind others: cumulation.h).
 *
 * A body of more than max_length bytes is oversized: what was collected is dropped, `oversized` is asked, and the
 * rest of that message is skipped up to its end. Unless it answers true one `error` event says
 * WEIR_E_FRAME_TOO_LONG. A message that starts inside another is WEIR_E_FRAME_CORRUPT: the one at hand is dropped.
 * What is no piece, and pieces outside a message, pass by. What is incomplete at the end of the channel
 * is dropped: the decoder in front tells of it.
 *
 * Pulling: a pull from inward is a wish for a whole message; a burst that made none is followed by another pull.
 *
 * Layer: codec. Needs pipeline.h, buf.h. On the channel's loop.
 */
#ifndef WEIR_CODEC_MESSAGE_AGGREGATOR_H
#define WEIR_CODEC_MESSAGE_AGGREGATOR_H

#include <weir/buffer/buf.h>
#include <weir/core/error.h>
#include <weir/transport/pipeline.h>

WEIR_BEGIN_DECLS

/* What a message is to the aggregator; bits, for one may be all of them. */
typedef enum weir_piece {
    WEIR_PIECE_NONE = 0,  /* not part of it: passes by */
    WEIR_PIECE_START = 1, /* begins a message */
    WEIR_PIECE_BODY = 2,  /* brings bytes */
    WEIR_PIECE_END = 4,   /* ends it */
} weir_piece;

/* One per protocol, `static const`, and the handler that appears in the pipeline:
 *     .handler = {.name = "my_aggregator", WEIR_MESSAGE_AGGREGATOR_SLOTS} */
typedef struct weir_message_aggregator_ops {
    weir_handler handler;
    /* Bits of weir_piece. Borrows: msg. Needed. */
    unsigned (*look)(void *state, const weir_obj *msg);
    /* The bytes of a piece with BODY. Borrows: msg. Gives: a buf, or NULL when out of memory; NULL slot: msg is
     * the buf. */
    weir_buf *(*content)(void *state, weir_obj *msg);
    /* All pieces are here. Takes: head (what started it), body (NULL: empty), end (what ended it; NULL when that
     * is the head). Gives: what is passed on, or NULL when out of memory. Needed. */
    weir_obj *(*finish)(void *state, weir_obj *head, weir_buf *body, weir_obj *end);
    /* True when it has dealt with a message that is too long (a reply, a close). Borrows: ctx, head. */
    bool (*oversized)(weir_ctx *ctx, void *state, const weir_obj *head, const weir_error *error);
    void (*free)(void *state);
} weir_message_aggregator_ops;

/* The slots of a handler that is an aggregator; more may follow them in the initialiser. */
#define WEIR_MESSAGE_AGGREGATOR_SLOTS                                                                        \
    .removed = weir_message_aggregator_removed, .read = weir_message_aggregator_read,                        \
    .read_complete = weir_message_aggregator_read_complete, .inactive = weir_message_aggregator_inactive,    \
    .pull = weir_message_aggregator_pull

/* Next to the tail. Borrows: pipeline, ops (for its life). Takes: state, for ops->free, also on failure.
 * Fails: WEIR_E_INVALID without a max_length, and as weir_pipeline_add_last. */
WEIR_API weir_status weir_message_aggregator_add(weir_pipeline *pipeline,
                                                 const weir_message_aggregator_ops *ops, void *state,
                                                 uint64_t max_length);

/* The limit it was added with. Borrows: ctx, whose handler is an aggregator. */
WEIR_API uint64_t weir_message_aggregator_max_length(const weir_ctx *ctx);

/* ---- the slots. Borrows: ctx. Takes: msg ---- */

WEIR_API void weir_message_aggregator_removed(weir_ctx *ctx);
WEIR_API void weir_message_aggregator_read(weir_ctx *ctx, weir_obj *msg);
WEIR_API void weir_message_aggregator_read_complete(weir_ctx *ctx);
WEIR_API void weir_message_aggregator_inactive(weir_ctx *ctx);
WEIR_API void weir_message_aggregator_pull(weir_ctx *ctx);

WEIR_END_DECLS

#endif
