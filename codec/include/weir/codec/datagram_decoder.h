/* <weir/codec/datagram_decoder.h> - datagrams to objects with their sender, and back.
 *
 *     read(datagram)   -> decode function, content a whole stream -> fire_read(envelope {remote, object})
 *     write(envelope)  -> encode function                         -> write(datagram)
 *
 * In short: the pure decode functions of streams, for datagrams. Each content is a stream of its own, with its
 * end: it may hold several messages; a rest is WEIR_E_EOF, and what comes after a failure in it is dropped. An `error` event
 * tells of it; the next datagram starts anew (on a datagram channel no error closes). What is not a datagram, or
 * no envelope, passes by.
 *
 * Layer: codec. Needs decode.h, datagram.h.
 */
#ifndef WEIR_CODEC_DATAGRAM_DECODER_H
#define WEIR_CODEC_DATAGRAM_DECODER_H

#include <weir/codec/decode.h>
#include <weir/transport/datagram.h>

WEIR_BEGIN_DECLS

/* An object and its address. Readable. */
typedef struct weir_envelope {
    weir_obj obj;
    weir_addr remote; /* read: from whom; written: to whom, len 0: whom the channel is connected to */
    weir_obj *object; /* held, never NULL */
} weir_envelope;

/* What all envelopes are to weir_obj_is. */
WEIR_API extern const weir_obj_type weir_envelope_type;

/* Borrows: remote, which may be NULL. Takes: object (NULL: out of memory). Gives: an envelope, or NULL when out
 * of memory. Any thread. */
WEIR_API WEIR_MUST_USE weir_envelope *weir_envelope_new(weir_obj *object, const weir_addr *remote);
/* `obj` as an envelope when it is one, else NULL. Borrows: obj, and so the answer. */
static inline weir_envelope *weir_envelope_from(weir_obj *obj) {
    return weir_obj_is(obj, &weir_envelope_type) ? (weir_envelope *)(void *)obj : NULL;
}

/* How contents become objects, and objects contents. */
typedef struct weir_datagram_codec_ops {
    weir_decode_fn *decode;      /* NULL: reads pass by */
    weir_decode_fn *decode_last; /* or NULL */
    void (*reset)(void *state);  /* before each datagram; NULL: `state` needs none */
    /* Takes: object. Gives: a buf, or NULL when out of memory. NULL: writes pass by. */
    weir_buf *(*encode)(void *state, weir_obj *object);
    void (*free)(void *state); /* or NULL */
} weir_datagram_codec_ops;

/* Named "datagram_decoder". */
WEIR_API extern const weir_handler weir_datagram_decoder;

/* Next to the tail. Borrows: pipeline, ops (for its life). Takes: state, for ops->free, also on failure. Borrows:
 * options, which may be NULL. Fails: as weir_pipeline_add_last. */
WEIR_API weir_status weir_datagram_decoder_add(weir_pipeline *pipeline, const weir_datagram_codec_ops *ops,
                                               void *state, const weir_decoder_options *options);

WEIR_END_DECLS

#endif
