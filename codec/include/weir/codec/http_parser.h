/* <weir/codec/http_parser.h> - HTTP/1.1 bytes to messages, strictly; a decode function (decode.h).
 *
 *     MORE      the head, the chunk line or the body goes on
 *     AGAIN     a head, a piece of a body (a slice of what was read), or an end is in *out, or only bytes were passed
 *     FAILED    not HTTP, or not to be trusted: error->status, what, offset, and the status to answer
 *               in weir_http_parser.refusal (400, 413, 414, 431, 501, 505)
 *
 * Strict against request smuggling (RFC 9112 11.2): whatever two parsers could understand differently is refused, and
 * nothing after it is parsed. The list of what is refused, and of the few deliberate deviations, stands in
 * docs/guide/http.md. A head is parsed in one pass over contiguous bytes once its end has come; heads that came
 * in several reads are copied together once.
 *
 * After a message's end the parser stops (MORE) with `between` true until weir_http_parser_next is called: the owner
 * decides when the next message may begin, so pipelined requests cost no memory but their bytes.
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
    size_t line;             /* start line: 8 KiB; beyond: 414 (request), else failure */
    size_t fields;           /* all field lines of a head together: 32 KiB; 431 */
    unsigned field_count;    /* 100; 431 */
    size_t chunk_line;       /* chunk size with extensions: 256; 400 */
    size_t chunk_extensions; /* of one body, all together: 16 KiB; 400 */
    size_t trailers;         /* trailer section: 8 KiB; 431 */
    uint64_t body; /* a body: 2^63 - 1; a longer Content-Length, or a chunked one that grows beyond: 413 */
} weir_http_limits;

typedef enum weir_http_role {
    WEIR_HTTP_REQUESTS, /* a server's: parses requests */
    WEIR_HTTP_RESPONSES /* a client's: parses responses */
} weir_http_role;

/* Readable; written by the functions here. */
typedef struct weir_http_parser {
    weir_http_limits limits; /* with the defaults filled in */
    weir_http_role role;
    unsigned state;    /* private */
    unsigned refusal;  /* after FAILED: the status a server answers with */
    size_t scanned;    /* private: how far the head was looked at */
    uint64_t left;     /* of the body or the chunk */
    uint64_t body;     /* bytes of it so far */
    size_t extensions; /* private */
    bool between;      /* no message is under way; waits for weir_http_parser_next */
    bool upgraded;     /* what follows is another protocol: the rest is left in the buf, the answer is MORE */
    bool no_body;      /* responses: the next one answers HEAD or CONNECT, see weir_http_parser_next */
} weir_http_parser;

/* Ready for the first message. Borrows: limits, which may be NULL. */
WEIR_API void weir_http_parser_init(weir_http_parser *parser, weir_http_role role,
                                    const weir_http_limits *limits);

/* The next message may begin; responses: `request` is the method it answers, which decides whether there is a
 * body (RFC 9112 6.3: HEAD, CONNECT), else WEIR_HTTP_METHOD_OTHER. Requires: between. */
WEIR_API void weir_http_parser_next(weir_http_parser *parser, weir_http_method request);

/* A weir_decode_fn; state is the parser. */
WEIR_API weir_decode weir_http_parser_decode(void *parser, weir_buf *in, weir_obj **out, weir_error *error);

/* The same at the orderly end of the stream: ends a body that goes until the close; anything else
 * that is under way is WEIR_E_EOF. */
WEIR_API weir_decode weir_http_parser_end(void *parser, weir_buf *in, weir_obj **out, weir_error *error);

WEIR_END_DECLS

#endif
