/* <weir/codec/http_parser.h> - HTTP/1.1 bytes to messages, strictly; a decode function (decode.h).
 *
 *     MORE      the head, the chunk line or the body goes on
 *     AGAIN     a head, a piece of a body (a slice of what was read), or an end is in *out
 *     FAILED    not HTTP, or not to be trusted: error->status, what, offset, and the status to answer
 *               in weir_http_parser.refusal (400, 413, 414, 431, 501, 505; 503 when out of memory)
 *
 * Strict against request smuggling (RFC 9112 11.2): whatever two parsers could understand differently is refused, and
 * nothing after it is parsed. The list of what is refused, and of the few deliberate deviations, stands in
 * docs/guide/http.md. A head is parsed line by line, each byte looked at once, and its fields are views of what was
 * read; a head that came in several reads is copied together once, as it comes.
 *
 * After a message's end the parser stops (MORE) with `between` true until weir_http_parser_next is called: the owner
 * decides when the next message may begin, so pipelined requests cost no memory but their bytes.
 *
 * One byte of what was read may stay in the buf until the end of the message is given: an object is only ever made
 * while consuming bytes, and so the end of a body is made of its last byte. The body itself has that byte.
 *
 * Source: RFC 9112. Layer: codec, pure (no channel, no I/O, no clock).
 */
#ifndef WEIR_CODEC_HTTP_PARSER_H
#define WEIR_CODEC_HTTP_PARSER_H

#include <weir/codec/decode.h>
#include <weir/codec/http_message.h>

WEIR_BEGIN_DECLS

/* Zero means the default, everywhere; in bytes unless it says otherwise. */
typedef struct weir_http_limits {
    size_t line;             /* start line: 8 KiB; 414 (lines count without their CR LF) */
    size_t fields;           /* all field lines of a head together: 32 KiB; 431 */
    unsigned field_count;    /* of a head, or of trailers: 100; 431 */
    size_t chunk_line;       /* chunk size with extensions: 256; 400 */
    size_t chunk_extensions; /* of one body, all together: 16 KiB; 400 */
    size_t trailers;         /* trailer section: 8 KiB; 431 */
    uint64_t body;           /* 2^63 - 1; a longer Content-Length, or a chunked one that grows beyond: 413 */
} weir_http_limits;

typedef enum weir_http_role {
    WEIR_HTTP_REQUESTS, /* a server's: parses requests */
    WEIR_HTTP_RESPONSES /* a client's: parses responses */
} weir_http_role;

/* A value in place. Readable; written by the functions here. */
typedef struct weir_http_parser {
    weir_http_limits limits; /* with the defaults filled in */
    weir_http_role role;
    unsigned refusal; /* after FAILED: the status a server answers with; else 0 */
    bool between;     /* no message is under way; waits for weir_http_parser_next */
    bool upgraded;    /* what follows is another protocol: it is left in the buf, the answer is MORE */
    uint64_t body;    /* bytes of the body so far */
    uint64_t copied;  /* bytes of heads and trailers that came in several reads, ever */

    weir_pool *pool; /* where heads lie; set it after init, borrowed. NULL: the heap */

    /* private */
    uint8_t state, method; /* what comes next; the method that a response answers */
    bool started;          /* what comes are fields */
    bool interim;          /* another response to the same request follows */
    bool held;             /* the first byte of the buf is understood already */
    uint64_t left;         /* of the body or the chunk, in bytes */
    size_t chunk_line, extensions;
    size_t at, clean, room;   /* the line at hand: where, how far looked at, how long it may be */
    size_t start, fields_at;  /* where the start line is, and the fields */
    size_t start_length;      /* of the start line */
    weir_buf *gathered;       /* a head that comes in several reads, so far */
    weir_obj *making;         /* the head or end under way, */
    weir_http_fields *fields; /* and its fields */
} weir_http_parser;

/* Ready for the first request; for responses weir_http_parser_next comes first. Borrows: limits, which may be NULL. */
WEIR_API void weir_http_parser_init(weir_http_parser *parser, weir_http_role role,
                                    const weir_http_limits *limits);

/* Lets go of what is under way. Twice is harmless; init may follow. */
WEIR_API void weir_http_parser_clear(weir_http_parser *parser);

/* The next message may begin. `request` matters to responses only: the method it answers, which decides whether there
 * is a body (RFC 9112 6.3: HEAD, CONNECT). Interim responses (1xx) need no call of their own. Requires: between,
 * not upgraded. */
WEIR_API void weir_http_parser_next(weir_http_parser *parser, weir_http_method request);

/* A weir_decode_fn; parser is a weir_http_parser. Borrows: all. `*out` Gives a message's next object. */
WEIR_API weir_decode weir_http_parser_decode(void *parser, weir_buf *in, weir_obj **out, weir_error *error);

/* The same at the orderly end of the stream, when decode has answered MORE: ends a body that goes until the close;
 * anything else that is under way is WEIR_E_EOF. Borrows: all. `*out` Gives an end. */
WEIR_API weir_decode weir_http_parser_end(void *parser, weir_buf *in, weir_obj **out, weir_error *error);

WEIR_END_DECLS

#endif
