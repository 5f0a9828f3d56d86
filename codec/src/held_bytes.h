/* held_bytes.h - private: bytes that came and wait, linked and not moved; let go of as they are read. A few of them are copied
 * behind the others: a link would cost a multiple of them, and pin what they came in.
 */
#ifndef WEIR_CODEC_HELD_BYTES_H
#define WEIR_CODEC_HELD_BYTES_H

#include <weir/buffer/buf_bytes.h>
#include <weir/buffer/buf_composite.h>
#include <weir/codec/cumulation.h>

typedef struct held_bytes {
    weir_buf *buf; /* NULL: nothing waits */
    bool is_chain; /* it is a composite of our own */
} held_bytes;

static inline void held_bytes_clear(held_bytes *self) {
    weir_buf_release(self->buf);
    *self = (held_bytes){0};
}

static inline weir_status held_bytes_begin_chain(held_bytes *self) {
    weir_buf *chain = weir_buf_composite_new();
    if (chain == NULL) return WEIR_E_NO_MEMORY;
    weir_buf *first = self->buf;
    *self = (held_bytes){chain, true};
    return weir_buf_composite_append(chain, first);
}

/* Takes: buf. */
static inline weir_status held_bytes_put_behind(held_bytes *self, weir_buf *buf) {
    size_t n = weir_buf_readable(buf);
    if (n >= WEIR_CUMULATION_SMALL) return weir_buf_composite_append(self->buf, buf);
    weir_buf_write_buf(self->buf, buf, n);
    weir_buf_release(buf);
    return weir_buf_status(self->buf);
}

/* Takes: buf. Fails: WEIR_E_NO_MEMORY. */
static inline weir_status held_bytes_add(held_bytes *self, weir_buf *buf) {
    if (!weir_buf_is_readable(buf)) {
        weir_buf_release(buf);
        return WEIR_OK;
    }
    if (self->buf == NULL) {
        self->buf = buf;
        return WEIR_OK;
    }
    weir_status status = self->is_chain ? WEIR_OK : held_bytes_begin_chain(self);
    if (status == WEIR_OK) return held_bytes_put_behind(self, buf);
    weir_buf_release(buf);
    return status;
}

/* What was read goes. */
static inline void held_bytes_drop_read(held_bytes *self) {
    if (self->buf == NULL) return;
    if (!weir_buf_is_readable(self->buf)) {
        held_bytes_clear(self);
    } else if (self->is_chain) {
        weir_buf_composite_drop_read(self->buf);
    }
}

#endif
