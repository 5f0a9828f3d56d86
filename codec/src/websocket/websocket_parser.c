/* websocket_parser.c - frames to messages, a piece of payload at a time.
 *
 * Rule of ownership: bytes of `in` are changed in place only when it was once seen that nobody else holds their
 * memory. Slices given out since then are of bytes behind us, so they do not count. Unread bytes stay where they are:
 * when reading goes on at another address than it stopped at, this is other memory, and it is looked at anew.
 */
#include <errno.h>

#include <weir/buffer/buf_bytes.h>
#include <weir/buffer/buf_composite.h>
#include <weir/buffer/buf_view.h>
#include <weir/codec/cumulation.h>
#include <weir/codec/websocket_close.h>
#include <weir/codec/websocket_parser.h>

#include "websocket/frame_out.h"
#include "websocket/message_new.h"

enum {
    MESSAGE = 1 << 20,
    FRAGMENTS = 1024
};

void weir_websocket_parser_init(weir_websocket_parser *self, weir_websocket_role role,
                                const weir_websocket_parser_options *options,
                                weir_websocket_inflater *inflater) {
    *self = (weir_websocket_parser){.role = role, .inflater = inflater};
    if (options != NULL) self->options = *options;
    weir_websocket_limits *limits = &self->options.limits;
    if (limits->message == 0) limits->message = MESSAGE;
    if (limits->frame == 0) limits->frame = limits->message;
    if (limits->fragments == 0) limits->fragments = FRAGMENTS;
}

void weir_websocket_parser_clear(weir_websocket_parser *self) {
    weir_buf_release(self->message);
    weir_buf_release(self->piece);
    weir_websocket_inflater_free(self->inflater);
    self->message = self->piece = NULL;
    self->inflater = NULL;
    self->closed = true;
}

/* ---- refusing ---- */

static weir_decode refuse(weir_websocket_parser *self, weir_error *error, unsigned code, weir_status status,
                          const char *what) {
    self->refusal = code;
    error->offset = self->frame_at;
    return weir_decode_fail(error, status, what, 0, 0);
}

static weir_decode break_rule(weir_websocket_parser *self, weir_error *error, const char *what) {
    return refuse(self, error, WEIR_WEBSOCKET_CLOSE_PROTOCOL, WEIR_E_FRAME_CORRUPT, what);
}

static weir_decode exceed(weir_websocket_parser *self, weir_error *error, const char *what, uint64_t actual,
                          uint64_t maximum) {
    self->refusal = WEIR_WEBSOCKET_CLOSE_TOO_BIG;
    error->offset = self->frame_at;
    return weir_decode_fail(error, WEIR_E_FRAME_TOO_LONG, what, actual, maximum);
}

static weir_decode run_out(weir_websocket_parser *self, weir_error *error) {
    return refuse(self, error, WEIR_WEBSOCKET_CLOSE_INTERNAL, WEIR_E_NO_MEMORY, "websocket message");
}

/* ---- whose bytes ---- */

static bool owns_bytes(weir_websocket_parser *self, const weir_buf *in) {
    if (self->owns && in->rp == self->at) return true;
    self->owns = !weir_buf_is_composite(in) && !weir_buf_is_read_only(in) && weir_buf_is_unshared(in);
    self->at = in->rp;
    return self->owns;
}

static void move_on(weir_websocket_parser *self, weir_buf *in, size_t n) {
    bool here =
        self->owns && in->rp == self->at && !weir_buf_is_composite(in); /* the next part is other memory */
    weir_buf_skip(in, n);
    self->read += n;
    self->owns = here && in->rp != in->wp;
    self->at = in->rp;
}

/* ---- bytes of payload ---- */

/* The next `n` bytes, unmasked, in memory of their own. */
static weir_buf *copy_bytes(weir_websocket_parser *self, const weir_buf *in, size_t n, size_t at) {
    weir_buf *copy = websocket_get_payload(self->options.pool, n);
    if (copy == NULL) return NULL;
    weir_buf_write_bytes(copy, in->rp, n);
    if (self->header.masked) weir_websocket_mask(copy->rp, n, self->header.mask, at);
    self->copied += n;
    return copy;
}

/* The next `n` bytes of the window, unmasked. They begin `at` bytes into the payload. */
static weir_buf *take_bytes(weir_websocket_parser *self, weir_buf *in, size_t n, size_t at) {
    weir_buf *piece;
    if (!self->header.masked) {
        piece = weir_buf_slice(in, 0, n);
    } else if (owns_bytes(self, in)) {
        weir_websocket_mask(in->rp, n, self->header.mask, at);
        piece = weir_buf_slice(in, 0, n);
    } else {
        piece = copy_bytes(self, in, n, at);
    }
    if (piece != NULL) move_on(self, in, n);
    return piece;
}

static bool is_checked_text(const weir_websocket_parser *self) {
    return self->opcode == WEIR_WEBSOCKET_TEXT && !self->options.unchecked_text;
}

/* ---- what is made of it ---- */

static weir_decode give(weir_websocket_parser *self, weir_buf *payload, bool ends, bool has_headroom,
                        weir_obj **out, weir_error *error) {
    weir_websocket_message *message = websocket_message_make(self->opcode, payload, !self->started, ends);
    if (message == NULL) return run_out(self, error);
    message->has_headroom = has_headroom;
    self->started = true;
    *out = &message->obj;
    return WEIR_DECODE_AGAIN;
}

static weir_decode finish(weir_websocket_parser *self, weir_buf *payload, bool has_headroom, weir_obj **out,
                          weir_error *error) {
    self->in_message = false;
    if (is_checked_text(self) && !weir_utf8_is_whole(&self->text)) {
        weir_buf_release(payload);
        return refuse(self, error, WEIR_WEBSOCKET_CLOSE_BAD_DATA, WEIR_E_FRAME_CORRUPT,
                      "text ends inside a character");
    }
    return give(self, payload, true, has_headroom, out, error);
}

/* `message`, or what was put into it since the last piece, goes out where that is wanted. */
static weir_decode pass_on(weir_websocket_parser *self, bool ends, weir_obj **out, weir_error *error) {
    if (!ends && !self->options.pieces) return WEIR_DECODE_AGAIN;
    weir_buf *payload = self->message;
    if (payload == NULL && !ends) return WEIR_DECODE_AGAIN;
    self->message = NULL;
    if (payload == NULL) payload = weir_buf_empty();
    if (ends) return finish(self, payload, false, out, error);
    if (!weir_buf_is_readable(payload)) {
        weir_buf_release(payload);
        return WEIR_DECODE_AGAIN;
    }
    return give(self, payload, false, false, out, error);
}

static bool feed_text(weir_websocket_parser *self, const weir_buf *piece) {
    if (!is_checked_text(self)) return true;
    return weir_utf8_feed(&self->text, weir_buf_peek(piece));
}

static weir_decode refuse_text(weir_websocket_parser *self, weir_error *error) {
    return refuse(self, error, WEIR_WEBSOCKET_CLOSE_BAD_DATA, WEIR_E_FRAME_CORRUPT, "text is no UTF-8");
}

static bool begin_gathering(weir_websocket_parser *self) {
    if (self->message == NULL) self->message = weir_buf_composite_new();
    return self->message != NULL;
}

/* A small piece of a message is copied, so that a peer that drips does not pin a read buffer a byte. */
static weir_decode copy_piece(weir_websocket_parser *self, weir_buf *in, size_t n, size_t at, bool ends,
                              weir_obj **out, weir_error *error) {
    uint8_t bytes[WEIR_CUMULATION_SMALL];
    memcpy(bytes, in->rp, n);
    if (self->header.masked) weir_websocket_mask(bytes, n, self->header.mask, at);
    move_on(self, in, n);
    self->copied += n;
    if (is_checked_text(self) && !weir_utf8_feed(&self->text, weir_bytes_of(bytes, n))) {
        return refuse_text(self, error);
    }
    if (!begin_gathering(self)) return run_out(self, error);
    weir_buf_write_bytes(self->message, bytes, n);
    if (weir_buf_status(self->message) != WEIR_OK) return run_out(self, error);
    return pass_on(self, ends, out, error);
}

static weir_decode link_piece(weir_websocket_parser *self, weir_buf *in, size_t n, size_t at, bool ends,
                              weir_obj **out, weir_error *error) {
    weir_buf *piece = take_bytes(self, in, n, at);
    if (piece == NULL) return run_out(self, error);
    if (!feed_text(self, piece)) {
        weir_buf_release(piece);
        return refuse_text(self, error);
    }
    if (self->message == NULL && ends) return finish(self, piece, false, out, error);
    if (self->message == NULL && self->options.pieces) return give(self, piece, false, false, out, error);
    if (!begin_gathering(self)) {
        weir_buf_release(piece);
        return run_out(self, error);
    }
    if (weir_buf_composite_append(self->message, piece) != WEIR_OK) return run_out(self, error);
    return pass_on(self, ends, out, error);
}

/* ---- compressed ---- */

static bool feed_parts(weir_websocket_parser *self, const weir_buf *buf, uint64_t from) {
    if (!is_checked_text(self)) return true;
    for (size_t i = 0; i < weir_buf_composite_count(buf); i++) {
        size_t at;
        weir_bytes part = weir_buf_composite_part(buf, i, &at);
        size_t known = from <= at ? 0 : from - at < part.len ? (size_t)(from - at) : part.len;
        if (!weir_utf8_feed(&self->text, weir_bytes_sub(part, known, part.len - known))) return false;
    }
    return true;
}

static weir_decode refuse_inflated(weir_websocket_parser *self, weir_status status, weir_error *error) {
    uint64_t most = self->options.limits.message;
    if (status == WEIR_E_NO_MEMORY) return run_out(self, error);
    if (status == WEIR_E_FRAME_TOO_LONG)
        return exceed(self, error, "inflated message length", most + 1, most);
    return refuse(self, error, WEIR_WEBSOCKET_CLOSE_BAD_DATA, status, "compressed message");
}

/* What came out so far goes on as a piece of a message where that is wanted, and the rest has to wait. */
static weir_decode put_off(weir_websocket_parser *self, weir_obj **out, weir_error *error) {
    weir_decode answer = pass_on(self, false, out, error);
    return answer == WEIR_DECODE_AGAIN ? WEIR_DECODE_LATER : answer;
}

/* What is left of the piece. */
static weir_decode inflate_on(weir_websocket_parser *self, weir_obj **out, weir_error *error) {
    if (!begin_gathering(self)) return run_out(self, error);
    bool ends = !self->in_frame && self->header.final;
    weir_bytes bytes = weir_buf_peek(self->piece);
    size_t before = weir_buf_readable(self->message);
    weir_status status = weir_websocket_inflate(self->inflater, &bytes, ends, self->message,
                                                self->options.limits.message - self->made);
    self->made += weir_buf_readable(self->message) - before;
    if (weir_buf_is_readable(self->piece))
        weir_buf_skip(self->piece, weir_buf_readable(self->piece) - bytes.len);
    if (!feed_parts(self, self->message, before)) return refuse_text(self, error);
    if (status == -EAGAIN) return put_off(self, out, error);
    if (status != WEIR_OK) return refuse_inflated(self, status, error);
    weir_buf_release(self->piece);
    self->piece = NULL;
    return pass_on(self, ends, out, error);
}

/* Takes: piece (NULL: out of memory), unmasked. */
static weir_decode inflate_piece(weir_websocket_parser *self, weir_buf *piece, weir_obj **out,
                                 weir_error *error) {
    self->piece = piece;
    return piece != NULL ? inflate_on(self, out, error) : run_out(self, error);
}

/* ---- data frames ---- */

static weir_decode end_of_nothing(weir_websocket_parser *self, weir_obj **out, weir_error *error) {
    if (!self->header.final) return WEIR_DECODE_AGAIN;
    if (self->compressed) return inflate_piece(self, weir_buf_empty(), out, error);
    return pass_on(self, true, out, error);
}

/* Some of the payload. Requires: in_frame. */
static weir_decode read_payload(weir_websocket_parser *self, weir_buf *in, weir_obj **out,
                                weir_error *error) {
    size_t n = weir_buf_peek(in).len;
    if (n == 0) return WEIR_DECODE_MORE;
    if (n > self->left) n = (size_t)self->left;
    size_t at = (size_t)(self->header.length - self->left) & 3;
    bool is_all = n == self->header.length && self->message == NULL;
    self->left -= n;
    self->in_frame = self->left != 0;
    bool ends = !self->in_frame && self->header.final;
    if (self->compressed) return inflate_piece(self, take_bytes(self, in, n, at), out, error);
    bool is_small = n < WEIR_CUMULATION_SMALL && !(is_all && ends);
    return (is_small ? copy_piece : link_piece)(self, in, n, at, ends, out, error);
}

/* The usual one: a whole message in one frame in one piece, the header the headroom of its slice. */
static weir_decode read_whole(weir_websocket_parser *self, weir_buf *in, weir_obj **out, weir_error *error) {
    size_t n = (size_t)self->header.length, size = self->header.size;
    self->in_frame = false;
    weir_websocket_mask(in->rp + size, n, self->header.mask, 0);
    weir_buf *payload = weir_buf_slice(in, 0, size + n);
    if (payload == NULL) return run_out(self, error);
    weir_buf_skip(payload, size);
    move_on(self, in, size + n);
    if (!feed_text(self, payload)) {
        weir_buf_release(payload);
        return refuse_text(self, error);
    }
    return finish(self, payload, true, out, error);
}

static bool is_whole_here(weir_websocket_parser *self, const weir_buf *in) {
    const weir_websocket_header *header = &self->header;
    if (!header->masked || !header->final || self->fragments != 1 || self->compressed) return false;
    if (header->length == 0 || weir_buf_is_composite(in)) return false;
    return (size_t)(in->wp - in->rp) - header->size >= header->length && owns_bytes(self, in);
}

static const char *broken_sequence(const weir_websocket_parser *self, const weir_websocket_header *header) {
    if ((header->opcode == WEIR_WEBSOCKET_CONTINUATION) != self->in_message) {
        return self->in_message ? "message inside a fragmented message" : "continuation of no message";
    }
    if (header->reserved != 0 && self->in_message) return "compressed continuation";
    return NULL;
}

static void begin_message(weir_websocket_parser *self, const weir_websocket_header *header) {
    self->in_message = true;
    self->started = false;
    self->opcode = header->opcode;
    self->compressed = header->reserved != 0;
    self->fragments = 0;
    self->size = self->made = 0;
    self->text = (weir_utf8){0};
}

static weir_decode check_size(weir_websocket_parser *self, const weir_websocket_header *header,
                              weir_error *error) {
    const weir_websocket_limits *limits = &self->options.limits;
    if (header->length > limits->frame) {
        return exceed(self, error, "frame length", header->length, limits->frame);
    }
    uint64_t size = self->in_message ? self->size : 0;
    if (header->length > limits->message || size > limits->message - header->length) {
        return exceed(self, error, "message length", size + header->length, limits->message);
    }
    if (self->in_message && self->fragments >= limits->fragments) {
        refuse(self, error, WEIR_WEBSOCKET_CLOSE_POLICY, WEIR_E_LIMIT, "fragments of a message");
        error->actual = self->fragments + 1u;
        error->maximum = limits->fragments;
        return WEIR_DECODE_FAILED;
    }
    return WEIR_DECODE_AGAIN;
}

/* Its header is whole and right, and not read yet. */
static weir_decode begin_frame(weir_websocket_parser *self, const weir_websocket_header *header, weir_buf *in,
                               weir_obj **out, weir_error *error) {
    const char *broken = broken_sequence(self, header);
    if (broken != NULL) return break_rule(self, error, broken);
    if (check_size(self, header, error) == WEIR_DECODE_FAILED) return WEIR_DECODE_FAILED;
    if (!self->in_message) begin_message(self, header);
    self->header = *header;
    self->left = header->length;
    self->in_frame = header->length != 0;
    self->size += header->length;
    self->fragments++;
    if (is_whole_here(self, in)) return read_whole(self, in, out, error);
    move_on(self, in, header->size);
    if (!self->in_frame) return end_of_nothing(self, out, error);
    if (weir_buf_is_composite(in)) return WEIR_DECODE_AGAIN; /* what is read of it is let go of first */
    weir_decode answer = read_payload(self, in, out, error);
    return answer == WEIR_DECODE_MORE ? WEIR_DECODE_AGAIN : answer; /* the header was progress */
}

/* ---- control frames: small, and read when they are whole ---- */

static weir_decode read_control(weir_websocket_parser *self, const weir_websocket_header *header,
                                weir_buf *in, weir_obj **out, weir_error *error) {
    size_t n = (size_t)header->length;
    uint8_t bytes[WEIR_WEBSOCKET_HEADER_MOST + WEIR_WEBSOCKET_CONTROL_MOST];
    if (!weir_buf_peek_bytes(in, bytes, header->size + n)) return WEIR_DECODE_MORE;
    if (header->masked) weir_websocket_mask(bytes + header->size, n, header->mask, 0);
    weir_buf *payload = websocket_get_payload(self->options.pool, n);
    weir_websocket_message *message = NULL;
    if (payload != NULL) {
        weir_buf_write_bytes(payload, bytes + header->size, n);
        message = websocket_message_make(header->opcode, payload, true, true);
    }
    if (message == NULL) return run_out(self, error);
    move_on(self, in, header->size + n);
    self->closed = header->opcode == WEIR_WEBSOCKET_CLOSE;
    *out = &message->obj;
    return WEIR_DECODE_AGAIN;
}

/* ---- the decode function ---- */

static const char *broken_length(const weir_websocket_header *header) {
    if (header->length > INT64_MAX) return "frame length of 2^63 or more";
    if (header->size != weir_websocket_header_size(header)) return "frame length not in its shortest form";
    return NULL;
}

static weir_decode read_frame(weir_websocket_parser *self, weir_buf *in, weir_obj **out, weir_error *error) {
    uint8_t raw[WEIR_WEBSOCKET_HEADER_MOST];
    weir_bytes bytes = weir_bytes_of(in->rp, (size_t)(in->wp - in->rp));
    if (WEIR_UNLIKELY(bytes.len < sizeof raw)) {
        bytes.len = weir_buf_readable(in) < sizeof raw ? weir_buf_readable(in) : sizeof raw;
        weir_buf_peek_bytes(in, raw, bytes.len);
        bytes.ptr = raw;
    }
    self->frame_at = error->offset;
    weir_websocket_header header;
    size_t size = weir_websocket_header_read(&header, bytes);
    if (size == 0 && bytes.len < 2) return WEIR_DECODE_MORE;
    unsigned reserved = self->inflater != NULL ? WEIR_WEBSOCKET_COMPRESSED : 0;
    const char *broken = weir_websocket_header_check(&header, self->role, reserved);
    if (broken == NULL && size != 0) broken = broken_length(&header);
    if (broken != NULL) return break_rule(self, error, broken);
    if (size == 0) return WEIR_DECODE_MORE;
    if (weir_websocket_is_control(header.opcode)) return read_control(self, &header, in, out, error);
    return begin_frame(self, &header, in, out, error);
}

weir_decode weir_websocket_parser_decode(void *parser, weir_buf *in, weir_obj **out, weir_error *error) {
    weir_websocket_parser *self = parser;
    if (WEIR_UNLIKELY(self->closed)) {
        weir_buf_skip(in, weir_buf_readable(in));
        return WEIR_DECODE_MORE;
    }
    if (self->piece != NULL) return inflate_on(self, out, error);
    return self->in_frame ? read_payload(self, in, out, error) : read_frame(self, in, out, error);
}
