/* pattern.h - the endless stream every connection sends, such that a byte out of place is seen.
 *
 * Noise that repeats after a prime number of bytes: a piece that is lost, doubled, swapped or of another
 * connection (which begins elsewhere in it) does not match. It lies in one buf, a little longer than its
 * period, so that any message is one slice of it and sending copies nothing.
 */
#ifndef ECHO_CLIENT_PATTERN_H
#define ECHO_CLIENT_PATTERN_H

#include <weir/buffer.h>

enum {
    PATTERN_PERIOD = 65537,
};

/* Room for messages of `size` bytes from any place. Gives: a buf, or NULL when out of memory. */
weir_buf *pattern_new(size_t size);

/* `size` bytes from position `at`. Borrows: pattern. Gives: a buf, or NULL when out of memory. */
weir_buf *pattern_slice(weir_buf *pattern, uint64_t at, size_t size);

/* True when `bytes` are what the stream holds from `at` on. Borrows: pattern. */
bool pattern_matches(const weir_buf *pattern, uint64_t at, weir_bytes bytes);

#endif
