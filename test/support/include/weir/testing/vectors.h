/* <weir/testing/vectors.h> - reads files of test cases: a word a line, and what belongs to it.
 *
 *     # a comment
 *     case line/too_long
 *       decoder line max_length=16 recover=1
 *       feed  "12345678901234567890\r\n" 66 69 "rst\n"
 *       frame "first\n"
 *       error WEIR_E_FRAME_TOO_LONG
 *
 * In short: a line is a word and the rest. What words there are and what they mean is between the file
 * and the test that reads it. Bytes are written as strings in C's manner and pairs of hexadecimal digits,
 * mixed as it reads best; options as name=number. Blank lines, comments and leading spaces do not count.
 *
 * A file that breaks this grammar stops the program, naming the line.
 *
 * Layer: testing (buffer). One thread.
 */
#ifndef WEIR_TESTING_VECTORS_H
#define WEIR_TESTING_VECTORS_H

#include <weir/buffer/buf.h>

WEIR_BEGIN_DECLS

typedef struct weir_vectors weir_vectors;

/* Gives: one for weir_vectors_close; never NULL, a file that is not there stops the program. */
weir_vectors *weir_vectors_open(const char *path);
/* Takes: vectors, or NULL. */
void weir_vectors_close(weir_vectors *vectors);

/* On to the next line; false at the end of the file. */
bool weir_vectors_next(weir_vectors *vectors);

/* Of the line at hand. Borrows: vectors. Until: the next line. */
bool weir_vectors_is(const weir_vectors *vectors, const char *word);
const char *weir_vectors_rest(const weir_vectors *vectors);
unsigned weir_vectors_line(const weir_vectors *vectors); /* counted from 1 */

/* The rest as bytes, in a heap buf. Gives: it; never NULL. */
WEIR_MUST_USE weir_buf *weir_vectors_bytes(const weir_vectors *vectors);

/* The number of option `name` in the rest, or `absent`. */
int64_t weir_vectors_option(const weir_vectors *vectors, const char *name, int64_t absent);

WEIR_END_DECLS

#endif
