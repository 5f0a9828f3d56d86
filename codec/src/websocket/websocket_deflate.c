/* websocket_deflate.c - messages made smaller. */
#include <weir/buffer/buf_bytes.h>
#include <weir/buffer/buf_composite.h>
#include <weir/codec/websocket_deflate.h>

#include "websocket/frame_out.h"
#include "zlib_memory.h"

enum {
    LEVEL = 6,
    MEMORY_LEVEL = 8,
    TAIL = 4 /* 00 00 ff ff: the empty block behind each message, which is not sent */
};

struct weir_websocket_deflater {
    weir_websocket_deflate_params params;
    int level, memory_level;
    weir_pool *pool;
    z_stream stream;
    bool is_open;
    bool release;
};

weir_websocket_deflater *weir_websocket_deflater_new(const weir_websocket_deflate_params *params,
                                                     const weir_websocket_deflate_options *options,
                                                     weir_pool *pool) {
    weir_websocket_deflater *self = weir_alloc_zeroed(NULL, 1, sizeof *self);
    if (self == NULL) return NULL;
    self->params = *params;
    self->level = options->level != 0 ? options->level : LEVEL;
    self->memory_level = options->memory_level != 0 ? options->memory_level : MEMORY_LEVEL;
    self->release = options->release;
    self->pool = pool;
    return self;
}

static void close_stream(weir_websocket_deflater *self) {
    if (self->is_open) deflateEnd(&self->stream);
    self->is_open = false;
}

void weir_websocket_deflater_free(weir_websocket_deflater *self) {
    if (self == NULL) return;
    close_stream(self);
    weir_alloc_release(NULL, self);
}

static bool open_stream(weir_websocket_deflater *self) {
    if (self->is_open) return true;
    self->stream = zlib_memory_stream();
    self->is_open = deflateInit2(&self->stream, self->level, Z_DEFLATED, -(int)self->params.own_window_bits,
                                 self->memory_level, Z_DEFAULT_STRATEGY) == Z_OK;
    return self->is_open;
}

/* All there is to write so far. False when out of memory. */
static bool deflate_some(z_stream *stream, int flush, weir_buf *out) {
    do {
        uint8_t *room = weir_buf_reserve(out, 64);
        if (room == NULL) return false;
        size_t n = weir_buf_writable(out);
        stream->next_out = room;
        stream->avail_out = n > UINT32_MAX ? UINT32_MAX : (uInt)n;
        uInt before = stream->avail_out;
        if (deflate(stream, flush) == Z_STREAM_ERROR) return false;
        weir_buf_commit(out, before - stream->avail_out);
    } while (stream->avail_out == 0 || stream->avail_in != 0);
    return true;
}

static bool deflate_part(weir_websocket_deflater *self, weir_bytes part, weir_buf *out) {
    while (part.len != 0) {
        size_t n = part.len < INT32_MAX ? part.len : INT32_MAX;
        self->stream.next_in = (Bytef *)(uintptr_t)part.ptr;
        self->stream.avail_in = (uInt)n;
        if (!deflate_some(&self->stream, Z_NO_FLUSH, out)) return false;
        part = weir_bytes_sub(part, n, part.len - n);
    }
    return true;
}

static bool deflate_parts(weir_websocket_deflater *self, const weir_buf *payload, weir_buf *out) {
    if (!weir_buf_is_composite(payload)) return deflate_part(self, weir_buf_peek(payload), out);
    size_t reader = weir_buf_reader_index(payload);
    for (size_t i = 0; i < weir_buf_composite_count(payload); i++) {
        size_t at;
        weir_bytes part = weir_buf_composite_part(payload, i, &at);
        size_t read = at >= reader ? 0 : reader - at < part.len ? reader - at : part.len;
        if (!deflate_part(self, weir_bytes_sub(part, read, part.len - read), out)) return false;
    }
    return true;
}

/* An empty message is a single zero byte: the header of an empty block (RFC 7692 7.2.3.6). */
static void drop_tail(weir_buf *out) {
    size_t reader = weir_buf_reader_index(out), n = weir_buf_readable(out);
    if (n > TAIL) {
        weir_buf_set_positions(out, reader, reader + n - TAIL);
    } else {
        weir_buf_set_positions(out, reader, reader);
        weir_buf_write_bytes(out, "", 1);
    }
}

static void end_message(weir_websocket_deflater *self) {
    if (self->release) {
        close_stream(self);
    } else if (self->params.own_no_takeover) {
        deflateReset(&self->stream);
    }
}

void weir_websocket_deflater_forget(weir_websocket_deflater *self) {
    if (self->is_open) deflateReset(&self->stream);
}

weir_buf *weir_websocket_deflate(weir_websocket_deflater *self, const weir_buf *payload, bool ends) {
    size_t n = weir_buf_readable(payload);
    weir_buf *out = websocket_get_payload(self->pool, 64 + n / 3);
    if (out == NULL) return NULL;
    bool is_done = open_stream(self) && deflate_parts(self, payload, out);
    self->stream.avail_in = 0;
    if (!is_done || !deflate_some(&self->stream, Z_SYNC_FLUSH, out)) {
        weir_buf_release(out);
        return NULL;
    }
    if (ends) {
        drop_tail(out);
        end_message(self);
    }
    return out;
}
