/* <weir/buffer/buf_dump.h> - bufs and people: hex dumps and printf into a buf.
 *
 * Layer: buffer. Needs buf.h. One buf, one thread at a time.
 */
#ifndef WEIR_BUFFER_BUF_DUMP_H
#define WEIR_BUFFER_BUF_DUMP_H

#include <stdarg.h>

#include <weir/buffer/buf.h>

WEIR_BEGIN_DECLS

/* Appends to `out` the `len` readable bytes of `buf` from `at` bytes after its reader index, as a table:
 * offset, 16 bytes in hexadecimal, their ASCII. Nothing of `buf` moves.
 * Borrows: both. Requires: at + len <= readable; out is another buf. */
WEIR_API void weir_buf_dump(const weir_buf *buf, size_t at, size_t len, weir_buf *out);

/* Appends the readable bytes as lower-case hexadecimal, two digits each. Borrows: both. */
WEIR_API void weir_buf_dump_hex(const weir_buf *buf, weir_buf *out);

/* Appends the bytes that `hex` spells, either case. Fails: WEIR_E_INVALID on an odd length or another
 * character, and then appends nothing. Borrows: buf. */
WEIR_API weir_status weir_buf_write_hex(weir_buf *buf, weir_bytes hex);

/* Appends formatted text, without a NUL. Borrows: buf. */
WEIR_API void weir_buf_printf(weir_buf *buf, const char *format, ...) WEIR_PRINTF(2, 3);

/* The same with a va_list. Borrows: buf. */
WEIR_API void weir_buf_vprintf(weir_buf *buf, const char *format, va_list args) WEIR_PRINTF(2, 0);

WEIR_END_DECLS

#endif
