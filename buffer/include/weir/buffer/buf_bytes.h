/* <weir/buffer/buf_bytes.h> - runs of bytes in and out of a buf.
 *
 * read/write move the index, get/set take an absolute position and move nothing. Reads and gets answer
 * false when there are fewer bytes, and then move and copy nothing. Writes grow and stick their failure.
 *
 * All functions: Borrows: buf (and src). Layer: buffer. Needs buf.h. One buf, one thread at a time.
 */
#ifndef WEIR_BUFFER_BUF_BYTES_H
#define WEIR_BUFFER_BUF_BYTES_H

#include <weir/buffer/buf.h>

WEIR_BEGIN_DECLS

/* The out-of-line halves: whatever is not wholly in the window. Borrows: buf. */
WEIR_API bool weir_buf_read_slow(weir_buf *buf, void *dst, size_t n);
WEIR_API bool weir_buf_peek_bytes(const weir_buf *buf, void *dst, size_t n);
WEIR_API void weir_buf_write_slow(weir_buf *buf, const void *src, size_t n);

/* Copies the next `n` bytes to `dst` and moves past them. Borrows: buf. */
static inline bool weir_buf_read_bytes(weir_buf *buf, void *dst, size_t n) {
    if (WEIR_UNLIKELY((size_t)(buf->wp - buf->rp) < n)) return weir_buf_read_slow(buf, dst, n);
    if (n != 0) memcpy(dst, buf->rp, n);
    buf->rp += n;
    return true;
}

/* Appends `n` bytes. Borrows: buf; src, which is not in memory of `buf`. */
static inline void weir_buf_write_bytes(weir_buf *buf, const void *src, size_t n) {
    if (WEIR_UNLIKELY((size_t)(buf->ep - buf->wp) < n)) {
        weir_buf_write_slow(buf, src, n);
        return;
    }
    if (n != 0) memcpy(buf->wp, src, n);
    buf->wp += n;
}

/* Appends what a view holds, or a C string without its NUL. Borrows: buf. */
static inline void weir_buf_write_view(weir_buf *buf, weir_bytes view) {
    weir_buf_write_bytes(buf, view.ptr, view.len);
}
static inline void weir_buf_write_str(weir_buf *buf, const char *text) {
    weir_buf_write_bytes(buf, text, strlen(text));
}

/* Appends `n` bytes of `value`; zeros for padding. Borrows: buf. */
WEIR_API void weir_buf_write_fill(weir_buf *buf, uint8_t value, size_t n);

/* Moves the next `n` readable bytes of `src` to the end of `buf` by copying; advances both. False, moving
 * nothing, when src has fewer or buf cannot grow (which sticks to buf). Borrows: buf, src. */
WEIR_API bool weir_buf_write_buf(weir_buf *buf, weir_buf *src, size_t n);

/* Where the `n` bytes at absolute position `at` are, when `buf` is no composite and has them, else NULL.
 * Borrows: buf. Until: the next call that writes or releases `buf`. */
static inline uint8_t *weir_buf_at(const weir_buf *buf, size_t at, size_t n) {
    size_t capacity = (size_t)(buf->ep - buf->base);
    if (WEIR_UNLIKELY(weir_buf_is_composite(buf) || n > capacity || at > capacity - n)) return NULL;
    return buf->base + at;
}

/* Copies `n` bytes at absolute position `at`; false unless at + n <= capacity. Borrows: buf. */
WEIR_API bool weir_buf_get_bytes(const weir_buf *buf, size_t at, void *dst, size_t n);

/* Overwrites `n` bytes at `at`; false, changing nothing, unless at + n <= capacity. In a composite it
 * reaches through to the parts, none of which may be read-only. Borrows: buf. */
WEIR_API bool weir_buf_set_bytes(weir_buf *buf, size_t at, const void *src, size_t n);

WEIR_END_DECLS

#endif
