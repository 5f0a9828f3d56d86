/* <weir/buffer/buf_match.h> - needles in a stream: a search that goes on where the last piece ended.
 *
 *     weir_matcher *matcher = weir_matcher_new_kmp(weir_bytes_str("\r\n.\r\n"));
 *     weir_match match = {0};                                       one for each stream
 *     for each piece:
 *         while (weir_matcher_feed(matcher, &match, &piece)) found(match.end - match.len, match.needle);
 *
 * In short: a matcher is made once, never changes and may be shared, also between threads; a match is how far
 * one stream was searched. A needle is found wherever the pieces are cut, in time linear in the bytes, and no
 * byte is looked at twice or kept. Three ways to do it:
 *
 *     weir_matcher_new_kmp     one needle of any length (Knuth, Morris, Pratt): a table as long as the needle
 *     weir_matcher_new_bitap   one needle of up to 64 bytes (shift-or): a step without a branch, 2 KiB
 *     weir_matcher_new_many    many needles at once (Aho, Corasick): which one was found is told
 *
 * Occurrences may overlap; all are found. Layer: buffer. Needs buf.h. A matcher: any thread. A match: one
 * thread at a time.
 */
#ifndef WEIR_BUFFER_BUF_MATCH_H
#define WEIR_BUFFER_BUF_MATCH_H

#include <weir/buffer/buf.h>

WEIR_BEGIN_DECLS

typedef struct weir_matcher weir_matcher;

/* Where a search stands. All zero to begin with. */
typedef struct weir_match {
    uint64_t end;   /* bytes searched; after a find, where the occurrence ends */
    size_t len;     /* of the needle found last: it starts at end - len */
    size_t needle;  /* which one that was, counted from 0 */
    uint64_t state; /* the matcher's */
    uint32_t more;  /* the matcher's: needles that end here too */
} weir_match;

/* ---- matchers --------------------------------------------------------------------------------- */

/* Borrows: needle, and copies it. Gives: a matcher, or NULL when out of memory. Requires: needle.len > 0. */
WEIR_API WEIR_MUST_USE weir_matcher *weir_matcher_new_kmp(weir_bytes needle);

/* Borrows: needle. Gives: a matcher, or NULL when out of memory. Requires: 0 < needle.len <= 64. */
WEIR_API WEIR_MUST_USE weir_matcher *weir_matcher_new_bitap(weir_bytes needle);

/* `count` needles, none of them empty, in a matcher of at most `max` bytes: a state for each byte of all
 * needles, in each an entry of 4 bytes for every byte that occurs in them. Where several end at the same place
 * the longest comes first; of two that are equal only the first is found.
 * Borrows: needles. Gives: *out, unless it fails. Requires: count > 0.
 * Fails: WEIR_E_LIMIT when it would be bigger than max, WEIR_E_NO_MEMORY. */
WEIR_API weir_status weir_matcher_new_many(const weir_bytes *needles, size_t count, size_t max,
                                           weir_matcher **out);

/* Takes: self, which may be NULL. */
WEIR_API void weir_matcher_free(weir_matcher *self);

/* ---- searching -------------------------------------------------------------------------------- */

/* Searches the next piece of the stream. True at each occurrence: `*piece` is then what is behind it, to
 * be searched by the next call; several may end at the same place. False: all of it was searched.
 * Borrows: self. Any thread. */
WEIR_API bool weir_matcher_feed(const weir_matcher *self, weir_match *match, weir_bytes *piece);

/* Searches the readable bytes of `buf` that start `at` bytes after the reader index, going on with `match`.
 * Answers the distance from the reader index to the end of the occurrence, where the next call goes on;
 * WEIR_NOT_FOUND when all was searched. Nothing moves. Borrows: self and buf. Requires: at <= readable. */
WEIR_API size_t weir_buf_match(const weir_buf *buf, size_t at, const weir_matcher *self, weir_match *match);

WEIR_END_DECLS

#endif
