/* <weir/buffer/buf_text.h> - UTF-8: checked piece by piece, and written.
 *
 *     weir_utf8 text = {0};
 *     while (more) if (!weir_utf8_feed(&text, piece)) refuse();       pieces may end inside a character
 *     if (!weir_utf8_is_whole(&text)) refuse();
 *
 * UTF-8 is that of RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
 *
 * Layer: buffer. Needs buf.h. One buf, one thread at a time.
 */
#ifndef WEIR_BUFFER_BUF_TEXT_H
#define WEIR_BUFFER_BUF_TEXT_H

#include <weir/buffer/buf.h>

WEIR_BEGIN_DECLS

/* What is written for whatever is no character: U+FFFD. */
#define WEIR_UTF8_REPLACEMENT 0xfffdu

/* How far a stream of text was checked. All zero to begin with. */
typedef struct weir_utf8 {
    uint64_t checked;  /* bytes that are right, up to the end or the first wrong one */
    uint8_t owed;      /* bytes that the character at hand still needs */
    uint8_t low, high; /* what the next of them may be, when owed > 0 */
    bool is_wrong;
} weir_utf8;

/* ---- checking --------------------------------------------------------------------------------- */

/* Checks the next piece. False from the first wrong byte on, for good. */
WEIR_API bool weir_utf8_feed(weir_utf8 *self, weir_bytes piece);

/* Right so far, and not inside a character. */
static inline bool weir_utf8_is_whole(const weir_utf8 *self) {
    return !self->is_wrong && self->owed == 0;
}

/* The readable bytes are UTF-8 and end with a whole character, wherever the parts are cut. Borrows: buf. */
WEIR_API bool weir_buf_is_utf8(const weir_buf *buf);

/* None of the readable bytes is above 0x7f. Borrows: buf. */
WEIR_API bool weir_buf_is_ascii(const weir_buf *buf);

/* ---- writing ---------------------------------------------------------------------------------- */

/* Bytes that a code point takes, 1 to 4; those of the replacement when it is none. */
WEIR_API size_t weir_utf8_size(uint32_t code_point);

/* Appends a character; the replacement for a surrogate or a number above U+10FFFF. Borrows: buf. */
WEIR_API void weir_buf_write_utf8(weir_buf *buf, uint32_t code_point);

/* Appends text that may be wrong: characters as they are, and the replacement for each stretch that is the
 * beginning of none, or the longest that is of one (the "maximal subpart" of the Unicode Standard 3.9, which
 * is what browsers do). Borrows: buf; text, which is not in memory of `buf`. */
WEIR_API void weir_buf_write_utf8_lossy(weir_buf *buf, weir_bytes text);

WEIR_END_DECLS

#endif
