/* http_talk.h - an HTTP parser driven by hand, and the messages it gave as text. For the pure tests.
 *
 *     GET /a?b HTTP/1.1 host=x path=/a query=b length=3 keep      what follows when it is so:
 *     Host: x                                                     length=n, chunked, close; keep, upgrade, expect
 *     "abc"                                                       the body, however many pieces
 *     ~Trailer: value
 *     end
 *     refused 400 WEIR_E_FRAME_CORRUPT version @0
 *
 * The text of a message comes when it ends or is refused, so it does not depend on the pieces. After a message
 * that keeps the connection the next may begin; otherwise what follows stays where it is.
 */
#ifndef TEST_CODEC_HTTP_TALK_H
#define TEST_CODEC_HTTP_TALK_H

#include <weir/codec/cumulation.h>
#include <weir/codec/http_parser.h>

typedef struct http_talk {
    weir_http_parser parser;
    weir_http_method method; /* responses: what all of them answer */
    weir_cumulation bytes;
    weir_buf *text;   /* of the message at hand */
    weir_buf *log;    /* of those before it, with a NUL behind */
    unsigned in_body; /* a piece of a body came */
    unsigned messages, pieces;
    uint64_t body; /* bytes, of all messages */
    bool stopped;  /* the connection does not go on */
    bool keeps;    /* the message at hand says so */
} http_talk;

/* Borrows: limits, which may be NULL. */
void http_talk_init(http_talk *self, weir_http_role role, weir_http_method method,
                    const weir_http_limits *limits);
void http_talk_clear(http_talk *self);

/* Takes: buf. */
void http_talk_feed_buf(http_talk *self, weir_buf *buf);
void http_talk_feed(http_talk *self, const void *bytes, size_t n);
#define http_talk_feed_str(self, literal) http_talk_feed(self, "" literal, sizeof("" literal) - 1)

/* In pieces of at most `n` bytes. */
void http_talk_feed_pieces(http_talk *self, weir_bytes bytes, size_t n);

/* The stream ends. */
void http_talk_end(http_talk *self);

/* What was said since the last time. Until: the next call. */
const char *http_talk_said(http_talk *self);

/* A weir_decode_fn whose state is an http_talk: gives a buf with the text of a message. */
weir_decode http_talk_decode(void *talk, weir_buf *in, weir_obj **out, weir_error *error);
weir_decode http_talk_decode_last(void *talk, weir_buf *in, weir_obj **out, weir_error *error);

#endif
