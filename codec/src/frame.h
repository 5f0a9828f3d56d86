/* frame.h - private to all codecs: what every framer does with the readable bytes of a buf. */
#ifndef WEIR_CODEC_FRAME_H
#define WEIR_CODEC_FRAME_H

#include <weir/buffer/buf_bytes.h>
#include <weir/buffer/buf_view.h>
#include <weir/codec/decode.h>

/* `n` readable bytes, `at` bytes after the reader index: where they lie, or a copy of them in `raw` when they
 * come from several parts. Requires: they are there. */
static inline const uint8_t *frame_bytes_at(const weir_buf *in, size_t at, size_t n, uint8_t *raw) {
    size_t together = (size_t)(in->wp - in->rp);
    if (WEIR_LIKELY(together >= n && at <= together - n)) return in->rp + at;
    bool there = weir_buf_get_bytes(in, weir_buf_reader_index(in) + at, raw, n);
    WEIR_CHECK(there, "bytes %zu to %zu were looked at and are not there", at, at + n);
    return raw;
}

static inline uint8_t frame_byte_at(const weir_buf *in, size_t at) {
    uint8_t raw;
    return *frame_bytes_at(in, at, 1, &raw);
}

/* The message is `len` bytes from `at`, and `whole` bytes are done with. */
static inline weir_decode frame_give(weir_buf *in, size_t at, size_t len, size_t whole, weir_obj **out,
                                     weir_error *error) {
    weir_buf *frame = weir_buf_slice(in, at, len);
    if (WEIR_UNLIKELY(frame == NULL)) return weir_decode_fail(error, WEIR_E_NO_MEMORY, "frame", whole, 0);
    weir_buf_skip(in, whole);
    *out = &frame->obj;
    return WEIR_DECODE_AGAIN;
}

#endif
