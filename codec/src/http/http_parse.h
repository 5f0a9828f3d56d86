/* http_parse.h - private: what the files of the parser share.
 *
 *     http_parser.c   states; bodies; the objects given out
 *     http_section.c  lines, whole or gathered over reads
 *     http_head.c     a start line, a field line, a head that is whole
 *     http_target.c   the forms of a request target, and hosts
 *     http_framing.c  how a body ends, and what becomes of the connection
 *     http_chunk.c    the line in front of a chunk
 */
#ifndef WEIR_CODEC_HTTP_PARSE_H
#define WEIR_CODEC_HTTP_PARSE_H

#include <weir/codec/http_parser.h>

typedef enum http_state {
    HTTP_HEAD,
    HTTP_LENGTH_BODY,
    HTTP_CLOSE_BODY,
    HTTP_LAST_BYTE, /* the end of the message is due */
    HTTP_CHUNK_DATA,
    HTTP_CHUNK_CR, /* behind its data */
    HTTP_CHUNK_LF,
    HTTP_TRAILERS,
    HTTP_DONE,
    HTTP_FAILED,
    HTTP_SIZE_FIRST, /* from here on: inside a chunk line */
    HTTP_SIZE,
    HTTP_EXT_NAME_FIRST,
    HTTP_EXT_NAME,
    HTTP_EXT_VALUE_FIRST,
    HTTP_EXT_VALUE,
    HTTP_EXT_QUOTED,
    HTTP_EXT_ESCAPED,
    HTTP_EXT_UNQUOTED,
    HTTP_SIZE_LF,
} http_state;

/* What became of a line or a section. */
typedef enum http_step {
    HTTP_MORE,
    HTTP_WHOLE,
    HTTP_REFUSED, /* the error tells */
} http_step;

/* Refuses: the status to answer, and the rule. Always false. */
bool http_refuse(weir_http_parser *self, weir_error *error, unsigned refusal, const char *what);
bool http_refuse_limit(weir_http_parser *self, weir_error *error, unsigned refusal, const char *what,
                       uint64_t actual, uint64_t maximum);

/* The head or trailers at hand, as far as `in` goes. WHOLE: *text Gives them, from the first byte on and without the
 * empty line, self->at is their end, and `in` has their last byte still when `self->held` says so. */
http_step http_section_read(weir_http_parser *self, weir_buf *in, weir_buf **text, weir_error *error);

/* ---- http_head.c: all false when refused ---- */

/* The first byte of a message. */
bool http_head_may_begin(weir_http_parser *self, uint8_t byte, weir_error *error);
/* A start line, or a field line at `at` of the section, without CR LF. */
bool http_head_start(weir_http_parser *self, weir_bytes line, weir_error *error);
bool http_head_field(weir_http_parser *self, weir_bytes line, weir_error *error);
/* The head is whole, and its last line is read. Borrows: ptr, where it begins. */
bool http_head_finish(weir_http_parser *self, const uint8_t *ptr, weir_error *error);

/* ---- http_target.c ---- */

bool http_host_is_valid(weir_bytes host, bool needs_port);
/* Fills in path, query and host out of the target and the Host field. */
bool http_target_read(weir_http_parser *self, weir_http_request *request, weir_error *error);

/* ---- http_framing.c ---- */

bool http_framing_request(weir_http_parser *self, weir_http_request *request, weir_error *error);
bool http_framing_response(weir_http_parser *self, weir_http_response *response, weir_error *error);

/* ---- http_chunk.c ---- */

/* Bytes of the line in front of a chunk, as far as `in` goes. WHOLE: self->left is the chunk's size. */
http_step http_chunk_read(weir_http_parser *self, weir_buf *in, weir_error *error);

#endif
