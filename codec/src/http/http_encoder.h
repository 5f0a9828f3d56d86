/* http_encoder.h - private: heads and body framing as bytes, for both sides. */
#ifndef WEIR_CODEC_HTTP_ENCODER_H
#define WEIR_CODEC_HTTP_ENCODER_H

#include <weir/codec/http_message.h>
#include <weir/transport/ctx.h>

/* The body that is being sent. */
typedef struct http_body {
    weir_http_framing framing; /* NO_BODY: pieces are dropped */
    uint64_t left;             /* with LENGTH */
} http_body;

/* What goes into a head besides its fields. */
typedef struct http_extra {
    bool writes_length; /* Content-Length: body.left */
    bool drops_length, drops_coding;
    bool keeps, closes; /* Connection: keep-alive, close */
    weir_bytes date;    /* a line with its CR LF, or empty */
    weir_bytes server;  /* the value of Server, or empty */
    weir_bytes host;    /* of Host */
} http_extra;

/* How a body is framed: by what `head` says and, when that is nothing, chunked or until close (or for `is_request` not
 * at all). Fails: WEIR_E_INVALID for a head that contradicts itself. */
weir_status http_encoder_frame(const weir_http_head *head, bool may_chunk, bool is_request, http_body *body,
                               http_extra *extra);

/* A head in one buf from the loop's pool, with room for `room` bytes behind it. Borrows: all.
 * Gives: a buf, or NULL when out of memory. */
weir_buf *http_encoder_response(weir_ctx *ctx, const weir_http_response *response, const http_body *body,
                                const http_extra *extra, size_t room);
weir_buf *http_encoder_request(weir_ctx *ctx, const weir_http_request *request, const http_body *body,
                               const http_extra *extra, size_t room);

/* What stands in front of a chunk of `n` bytes; or a whole small chunk. Gives: a buf, or NULL when out of memory. */
weir_buf *http_encoder_chunk(weir_ctx *ctx, uint64_t n, const weir_buf *small);
/* What stands behind the last chunk. */
weir_buf *http_encoder_last_chunk(weir_ctx *ctx, const weir_http_fields *trailers);

#endif
