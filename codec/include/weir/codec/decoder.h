/* <weir/codec/decoder.h> - the handler that turns the bytes of a channel into objects.
 *
 *     read(buf) --> [ cumulation ] --> decode --> decode --> ... --> MORE
 *                                        |          |
 *                                   fire_read   fire_read            a message at a time
 *
 * A protocol brings a pure decode function (decode.h) and a table; the handler here does all that has to
 * do with the pipeline. Its contract, which every decoder built on it has:
 *
 * Messages. A message is passed on as soon as it is made, before the next is decoded, in the order of the
 *   stream, whatever the cuts between reads. Objects that are not bufs pass by at once.
 *
 * Bytes. What is not decoded yet waits in a weir_cumulation: chunks are linked, not moved; a message inside
 *   one chunk is a slice of it, one across chunks a composite of slices (or, with `contiguous`, copied once).
 *   A chunk read to its end is let go before the next message is decoded.
 *
 * Reentrance. Whoever gets a message may cause more input (by a pull, by feeding the channel): it is kept
 *   behind what is there and decoded when the callback has returned, and a read_complete waits with it. So
 *   messages never nest. Only the end of the stream does not wait: all that came before it is delivered,
 *   then it passes on.
 *
 * Removal. Whoever gets a message may remove the decoder (a protocol switch): nothing more is decoded;
 *   when the callback has returned, the bytes that are left go on as one read, then read_complete if
 *   there were any. Put the new handler in place before removing the old one.
 *
 * End. At peer_closed decode_last gets what is left; if there is still a rest, that is WEIR_E_EOF with its
 *   length and place (unless ignore_partial). Then the event passes on. An `inactive` without it is no
 *   orderly end, and why it broke has been told: what is left is dropped, also what waited for its turn.
 *
 * Failure. One error event carries the status, the rule, actual, maximum and the offset in the stream.
 *   Nothing is decoded after it: further bytes are released. Unless somebody takes the error the channel
 *   closes. With a framer's `recover` there is one such event a frame, and decoding goes on.
 *
 * Pulling. A pull from inward is a wish for a message, not for bytes: when a burst of reads made none, the
 *   decoder pulls again by itself.
 *
 * Turns. So many messages are made of what was read (messages_per_turn of channel_options.h), or as much as the protocol
 *   calls much (WEIR_DECODE_LATER); then other connections have their turn, and decoding goes on in a later one
 *   (yield.h), with a read_complete of its own. Meanwhile nothing is read, and the end of the stream waits. Without
 *   memory for a place in the line it does not wait.
 *
 * Back-pressure. While too much waits to be written (the channel's watermarks), nothing is decoded, as nothing is read:
 *   a peer that takes no answers gets no more made. Not with read_while_unwritable, nor where reading is by pulls.
 *
 * Pausing. Whoever gets messages may pause the decoder, and resume it later from anywhere: in between no
 *   message and no error is made; bytes wait, and read_complete, pulls and the end of the stream with them. The
 *   channel's reading is held meanwhile (channel.h), so what waits is what had been read, and a burst at most. Objects
 *   that are not bufs and other events still pass. Removed while paused, it hands on what waits; a channel that
 *   becomes inactive has nothing to wait for: it is dropped.
 *
 * Layer: codec. Needs decode.h, pipeline.h. On the channel's loop.
 */
#ifndef WEIR_CODEC_DECODER_H
#define WEIR_CODEC_DECODER_H

#include <weir/codec/decode.h>
#include <weir/transport/event.h>
#include <weir/transport/pipeline.h>

WEIR_BEGIN_DECLS

/* One per protocol, `static const`. The handler is what appears in the pipeline:
 *
 *     static const weir_decoder_ops ops = {
 *         .handler = {.name = "my_decoder", WEIR_DECODER_SLOTS},
 *         .decode = my_decode,
 *     };
 *
 * Slots that WEIR_DECODER_SLOTS leaves free are the protocol's own: a `write` makes it an encoder too. */
typedef struct weir_decoder_ops {
    weir_handler handler;
    weir_decode_fn *decode;      /* needed */
    weir_decode_fn *decode_last; /* at the orderly end of the stream, see weir_cumulation_end; or NULL */
    void (*free)(void *state);   /* or NULL: nothing to free */

    /* For a protocol that answers by itself: what happens instead of passing on a message, an error, the end of the
     * stream. Each may do so (weir_ctx_fire_read, weir_ctx_fire_error, weir_ctx_fire_event) and look at its state
     * afterwards: that is freed only when they have returned. NULL: it is passed on. */
    void (*message)(weir_ctx *ctx, weir_obj *message);        /* Takes: message */
    void (*failed)(weir_ctx *ctx, const weir_error *failure); /* Borrows: failure */
    void (*ended)(weir_ctx *ctx);
} weir_decoder_ops;

/* The slots of a handler that is a decoder; more may follow it in the initialiser. */
#define WEIR_DECODER_SLOTS                                                                                   \
    .removed = weir_decoder_removed, .read = weir_decoder_read, .read_complete = weir_decoder_read_complete, \
    .event = weir_decoder_event, .inactive = weir_decoder_inactive,                                          \
    .writable_changed = weir_decoder_writable_changed, .pull = weir_decoder_pull

/* Next to the tail. Borrows: pipeline, ops (for its life), options (may be NULL).
 * Takes: state, for ops->free, also on failure. Fails: as weir_pipeline_add_last. */
WEIR_API weir_status weir_decoder_add(weir_pipeline *pipeline, const weir_decoder_ops *ops, void *state,
                                      const weir_decoder_options *options);

/* For other places: the state to be added with &ops->handler. Otherwise as weir_decoder_add.
 * Gives: one for the pipeline or, when that fails, for weir_decoder_free; NULL when out of memory. */
WEIR_API WEIR_MUST_USE void *weir_decoder_new(const weir_decoder_ops *ops, void *state,
                                              const weir_decoder_options *options);
/* Takes: decoder (not in a pipeline), or NULL. */
WEIR_API void weir_decoder_free(void *decoder);

/* The protocol's state. Borrows: ctx, whose handler is a decoder; and the answer. */
WEIR_API void *weir_decoder_state(const weir_ctx *ctx);

/* ---- pausing: see above. Borrows: ctx, whose handler is a decoder ---- */

/* No further message until the resume. Twice is once. */
WEIR_API void weir_decoder_pause(weir_ctx *ctx);
/* Goes on. Messages that wait are passed on before this returns or, called from within a callback that the
 * decoder is making, when that has returned: messages never nest. */
WEIR_API void weir_decoder_resume(weir_ctx *ctx);
WEIR_API bool weir_decoder_is_paused(const weir_ctx *ctx);

/* Fired inward by who puts another stream in front of decoders (TLS, by STARTTLS): all they were given must have been decoded. What
 * one still holds then it would take for the beginning of the other stream: that is the error WEIR_E_FRAME_CORRUPT, and nothing
 * more is decoded. */
WEIR_API extern weir_event weir_decoder_event_boundary;

/* What one decoder has done, in its stream so far. */
typedef struct weir_decoder_stats {
    uint64_t bytes;    /* decoded */
    uint64_t messages; /* passed on */
    uint64_t copied;   /* bytes copied on the way, see weir_cumulation */
    size_t waiting;    /* bytes that are not decoded yet */
} weir_decoder_stats;

/* Borrows: ctx, whose handler is a decoder. */
WEIR_API void weir_decoder_get_stats(const weir_ctx *ctx, weir_decoder_stats *out);

/* ---- the slots. Borrows: ctx. Takes: msg, event ---- */

WEIR_API void weir_decoder_removed(weir_ctx *ctx);
WEIR_API void weir_decoder_read(weir_ctx *ctx, weir_obj *msg);
WEIR_API void weir_decoder_read_complete(weir_ctx *ctx);
WEIR_API void weir_decoder_event(weir_ctx *ctx, weir_obj *event);
WEIR_API void weir_decoder_inactive(weir_ctx *ctx);
WEIR_API void weir_decoder_writable_changed(weir_ctx *ctx);
WEIR_API void weir_decoder_pull(weir_ctx *ctx);

WEIR_END_DECLS

#endif
