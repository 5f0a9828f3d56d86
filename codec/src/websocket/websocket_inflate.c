/* websocket_inflate.c - compressed messages back to what they were, never more of it than is allowed, nor so much at
 * once that others would wait for it. */
#include <errno.h>

#include <weir/buffer/buf_bytes.h>
#include <weir/buffer/buf_composite.h>
#include <weir/codec/cumulation.h>
#include <weir/codec/websocket_deflate.h>

#include "websocket/frame_out.h"
#include "zlib_memory.h"

enum {
    OUT_LEAST = 512,
    OUT_MOST = 16384,
    SHARE = 65536,   /* bytes out, then others may go first */
    LAST_BLOCK = 512 /* as many is one worth that says it is the last: two bytes may, and bring none */
};

struct weir_websocket_inflater {
    weir_websocket_deflate_params params;
    weir_pool *pool;
    z_stream stream;
    size_t share;      /* what is left of it */
    uint8_t tail_read; /* bytes of the tail of the message at hand */
    bool is_full;      /* there may be more to come of what was read */
    bool is_open;      /* stream holds memory */
    bool release;
};

weir_websocket_inflater *weir_websocket_inflater_new(const weir_websocket_deflate_params *params,
                                                     bool release, weir_pool *pool) {
    weir_websocket_inflater *self = weir_alloc_zeroed(NULL, 1, sizeof *self);
    if (self == NULL) return NULL;
    self->params = *params;
    self->pool = pool;
    self->release = release;
    self->share = SHARE;
    return self;
}

static void close_stream(weir_websocket_inflater *self) {
    if (self->is_open) inflateEnd(&self->stream);
    self->is_open = false;
}

void weir_websocket_inflater_free(weir_websocket_inflater *self) {
    if (self == NULL) return;
    close_stream(self);
    weir_alloc_release(NULL, self);
}

static weir_status open_stream(weir_websocket_inflater *self) {
    if (self->is_open) return WEIR_OK;
    self->stream = zlib_memory_stream();
    if (inflateInit2(&self->stream, -(int)self->params.peer_window_bits) != Z_OK) return WEIR_E_NO_MEMORY;
    self->is_open = true;
    return WEIR_OK;
}

/* A block said it was the last, which a message may do in its middle (RFC 7692 7.2.3.5). What follows may still point
 * back to what came before, so the window has to stay: inflateReset would empty it. */
static weir_status begin_again(weir_websocket_inflater *self) {
    return inflateResetKeep(&self->stream) == Z_OK ? WEIR_OK : (weir_status)WEIR_E_FRAME_CORRUPT;
}

static void use_share(weir_websocket_inflater *self, size_t n) {
    self->share -= n < self->share ? n : self->share;
}

static size_t room_for(const weir_websocket_inflater *self, uint64_t left) {
    size_t guess = (size_t)self->stream.avail_in * 4;
    if (guess < OUT_LEAST) guess = OUT_LEAST;
    if (guess > OUT_MOST) guess = OUT_MOST;
    return guess < left ? guess : (size_t)left;
}

/* Little is copied behind what is there: a buf for what comes of each dripped byte would pin 500 times as much. Takes: buf. */
static weir_status put_behind(weir_buf *out, weir_buf *buf) {
    bool is_first = !weir_buf_is_readable(out);
    if (is_first || weir_buf_readable(buf) >= WEIR_CUMULATION_SMALL)
        return weir_buf_composite_append(out, buf);
    weir_buf_write_bytes(out, buf->rp, weir_buf_readable(buf));
    weir_buf_release(buf);
    return weir_buf_status(out);
}

/* One buf full at most. `left` bytes may still come: a byte more than is allowed, so that it is seen. */
static weir_status inflate_once(weir_websocket_inflater *self, weir_buf *out, uint64_t *left) {
    size_t room = room_for(self, *left);
    weir_buf *buf = websocket_get_buf(self->pool, room);
    if (buf == NULL) return WEIR_E_NO_MEMORY;
    self->stream.next_out = buf->wp;
    self->stream.avail_out = (uInt)room;
    int answer = inflate(&self->stream, Z_SYNC_FLUSH);
    size_t n = room - self->stream.avail_out;
    weir_buf_commit(buf, n);
    *left -= n;
    use_share(self, answer == Z_STREAM_END ? n + LAST_BLOCK : n);
    self->is_full = self->stream.avail_out == 0;
    weir_status status = put_behind(out, buf);
    if (status != WEIR_OK) return status;
    if (answer == Z_STREAM_END) return begin_again(self);
    if (answer == Z_MEM_ERROR) return WEIR_E_NO_MEMORY;
    return answer == Z_OK || answer == Z_BUF_ERROR ? WEIR_OK : (weir_status)WEIR_E_FRAME_CORRUPT;
}

static weir_status end_share(weir_websocket_inflater *self) {
    self->share = SHARE;
    return -EAGAIN;
}

static weir_status inflate_all(weir_websocket_inflater *self, weir_bytes *piece, weir_buf *out,
                               uint64_t *left) {
    self->stream.next_in = (Bytef *)(uintptr_t)piece->ptr;
    self->stream.avail_in = (uInt)piece->len;
    weir_status status = WEIR_OK;
    while (status == WEIR_OK && (self->stream.avail_in != 0 || self->is_full)) {
        status = self->share == 0 ? end_share(self) : inflate_once(self, out, left);
        bool is_over = *left == 0 && status != WEIR_E_NO_MEMORY; /* whatever is wrong behind that */
        if (is_over) status = WEIR_E_FRAME_TOO_LONG;
    }
    size_t n = self->stream.avail_in;
    *piece = weir_bytes_sub(*piece, piece->len - n, n);
    return status;
}

static void end_message(weir_websocket_inflater *self) {
    self->tail_read = 0;
    if (!self->params.peer_no_takeover) return;
    if (self->release) {
        close_stream(self);
    } else {
        inflateReset(&self->stream);
    }
}

weir_status weir_websocket_inflate(weir_websocket_inflater *self, weir_bytes *piece, bool ends, weir_buf *out,
                                   uint64_t most) {
    static const uint8_t tail[] = {0, 0, 0xff, 0xff};
    WEIR_CHECK(piece->len <= UINT32_MAX, "a piece of more than 4 GiB");
    uint64_t left = most < UINT64_MAX ? most + 1 : most;
    weir_status status = open_stream(self);
    if (status == WEIR_OK) status = inflate_all(self, piece, out, &left);
    if (status != WEIR_OK || !ends) return status;
    weir_bytes rest = weir_bytes_of(tail + self->tail_read, sizeof tail - self->tail_read);
    status = inflate_all(self, &rest, out, &left);
    self->tail_read = (uint8_t)(sizeof tail - rest.len);
    if (status == WEIR_OK) end_message(self);
    return status;
}
