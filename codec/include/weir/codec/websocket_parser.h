/* <weir/codec/websocket_parser.h> - WebSocket bytes to messages, strictly; a decode function (decode.h).
 *
 *     AGAIN     a message, a piece of one (`pieces`), or a control frame is in *out, or nothing yet
 *     FAILED    a rule was broken: error->what says which, `refusal` the close code to answer with (1002, 1007, 1008,
 *               1009; 1011 when out of memory); error->offset is where the frame begins
 *
 * Payload is given out as slices, never copied, and looked at as it comes: a megabyte of text whose first byte is
 * wrong fails at that byte. It is unmasked in place, where nobody else sees these bytes and they may be written;
 * otherwise, and where a message comes in pieces of less than WEIR_CUMULATION_SMALL bytes, it is copied, which
 * `copied` counts. Control frames between fragments come out before the message.
 *
 * After a close frame nothing more is read.
 *
 * Source: RFC 6455 section 5, 8.1; RFC 7692. Layer: codec, pure (no channel, no I/O, no clock).
 */
#ifndef WEIR_CODEC_WEBSOCKET_PARSER_H
#define WEIR_CODEC_WEBSOCKET_PARSER_H

#include <weir/buffer/buf_text.h>
#include <weir/codec/decode.h>
#include <weir/codec/websocket_deflate.h>
#include <weir/codec/websocket_message.h>

WEIR_BEGIN_DECLS

/* Zero means the default, everywhere. */
typedef struct weir_websocket_limits {
    uint64_t message;   /* bytes, also once inflated: 1 MiB; 1009. Of the pieces of a streamed one together */
    uint64_t frame;     /* bytes of a data frame: as message; 1009 */
    unsigned fragments; /* frames of one message: 1024; 1008 */
} weir_websocket_limits;

/* How a parser reads. Zero means the default, everywhere. */
typedef struct weir_websocket_parser_options {
    weir_websocket_limits limits; /* what is longer fails, with the close code that is named there */
    bool pieces;                  /* messages are given out as they come, not when they are whole */
    bool unchecked_text;          /* text is not checked to be UTF-8 */
    weir_pool *pool; /* for bytes that are copied; NULL: the heap. Borrowed for the parser's life */
} weir_websocket_parser_options;

/* A value in place. Readable; written by the functions here. */
typedef struct weir_websocket_parser {
    weir_websocket_parser_options options; /* with the defaults filled in */
    weir_websocket_role role;
    unsigned refusal; /* after FAILED: the close code; else 0 */
    bool closed;      /* a close frame was given: what follows is dropped */
    uint64_t read;    /* bytes of frames, ever */
    uint64_t copied;  /* payload bytes that were copied, ever */

    /* private */
    weir_websocket_header header; /* of the data frame at hand */
    uint64_t left;                /* of its payload */
    bool in_frame, in_message;
    bool started;    /* a piece of the message was given out */
    bool compressed; /* the message */
    bool owns;       /* the bytes at `at` are nobody else's */
    uint8_t opcode;  /* of the message */
    unsigned fragments;
    const uint8_t *at; /* where reading goes on, if in the same memory */
    uint64_t size;     /* of the message so far, as it is on the wire */
    uint64_t made;     /* of the message so far, as it is given out */
    uint64_t frame_at; /* where in the stream the frame begins */
    weir_utf8 text;
    weir_buf *message; /* so far, or NULL */
    weir_buf *piece;   /* compressed, what is not inflated of it yet, or NULL */
    weir_websocket_inflater *inflater;
} weir_websocket_parser;

/* Ready for the first frame. `role` is ours. Borrows: options, which may be NULL. Takes: inflater, or NULL when
 * compressed messages were not agreed on. */
WEIR_API void weir_websocket_parser_init(weir_websocket_parser *parser, weir_websocket_role role,
                                         const weir_websocket_parser_options *options,
                                         weir_websocket_inflater *inflater);

/* Lets go of what is under way. Twice is harmless; init may follow. */
WEIR_API void weir_websocket_parser_clear(weir_websocket_parser *parser);

/* A weir_decode_fn; parser is a weir_websocket_parser. Gives weir_websocket_message objects. */
WEIR_API weir_decode weir_websocket_parser_decode(void *parser, weir_buf *in, weir_obj **out,
                                                  weir_error *error);

WEIR_END_DECLS

#endif
