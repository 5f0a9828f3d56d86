/* <weir/buffer/buf_scan.h> - finding by sets of bytes, both ways, and the last of several needles.
 *
 *     size_t end = weir_buf_find_in(buf, 0, &weir_byte_set_crlf);           where the line ends
 *     size_t next = weir_buf_find_out(buf, end, &weir_byte_set_blank);      past the white space
 *
 * Positions are distances from the reader index, as in buf_search.h; WEIR_NOT_FOUND when there is none.
 * Nothing moves.
 *
 * All functions: Borrows: buf. Layer: buffer. Needs buf.h. One buf, one thread at a time.
 */
#ifndef WEIR_BUFFER_BUF_SCAN_H
#define WEIR_BUFFER_BUF_SCAN_H

#include <weir/buffer/buf.h>

WEIR_BEGIN_DECLS

/* Which of the 256 bytes: bit `byte % 64` of word `byte / 64`. */
typedef struct weir_byte_set {
    uint64_t words[4];
} weir_byte_set;

/* Sets at hand: NUL; CR; LF; CR and LF; space and tab (linear white space); one comma; one semicolon. For what
 * is not in one, look with weir_buf_find_out. */
WEIR_API extern const weir_byte_set weir_byte_set_nul;
WEIR_API extern const weir_byte_set weir_byte_set_cr;
WEIR_API extern const weir_byte_set weir_byte_set_lf;
WEIR_API extern const weir_byte_set weir_byte_set_crlf;
WEIR_API extern const weir_byte_set weir_byte_set_blank;
WEIR_API extern const weir_byte_set weir_byte_set_comma;
WEIR_API extern const weir_byte_set weir_byte_set_semicolon;

/* The set of the bytes in `bytes`. */
WEIR_API weir_byte_set weir_byte_set_of(weir_bytes bytes);

static inline bool weir_byte_set_has(const weir_byte_set *set, uint8_t byte) {
    return (set->words[byte / 64] >> (byte % 64) & 1) != 0;
}

/* The first byte at or after `from` that is in the set. Borrows: buf. */
WEIR_API size_t weir_buf_find_in(const weir_buf *buf, size_t from, const weir_byte_set *set);

/* The first byte at or after `from` that is not. Borrows: buf. */
WEIR_API size_t weir_buf_find_out(const weir_buf *buf, size_t from, const weir_byte_set *set);

/* The last byte of all that is in the set / that is not. Borrows: buf. */
WEIR_API size_t weir_buf_find_last_in(const weir_buf *buf, const weir_byte_set *set);
WEIR_API size_t weir_buf_find_last_out(const weir_buf *buf, const weir_byte_set *set);

/* Where the last occurrence of `needle` starts, also across parts; an empty needle is found at the end.
 * Time is linear for needles of up to 64 bytes; of a longer one the first 64 are looked for so, and what
 * follows them is compared. Borrows: buf. */
WEIR_API size_t weir_buf_find_last_bytes(const weir_buf *buf, weir_bytes needle);

WEIR_END_DECLS

#endif
