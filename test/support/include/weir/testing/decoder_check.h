/* <weir/testing/decoder_check.h> - a decoder must give the same messages however its input is cut.
 *
 *     static const weir_decoder_check check = {
 *         .build = build_line_decoder,
 *         .input = {"one\r\ntwo\n", 9},
 *         .expected = "read 3 \"one\"\nread 3 \"two\"\n",
 *     };
 *     expect(weir_decoder_check_run(&check));
 *
 * In short: one fresh channel for each way of cutting: all at once, byte by byte, in two at every place,
 * at random places, and the whole input twice. Each piece comes as a read-only buf with guard
 * bytes in front of and behind what is readable, as a slice of one, as a composite of such, or as a buf
 * with room behind it, as from a socket. After each run every byte around and in the pieces must be what
 * it was, and every piece released.
 *
 * What the decoder passes on is compared as a recorder's "read" and "error" lines, without "actual=n"
 * of an error (how much of a frame was seen when it was refused depends on the cut).
 *
 * The seed of the random cuts is new each time and printed when something fails; WEIR_SEED in the
 * environment sets it.
 *
 * Layer: testing (transport). One thread.
 */
#ifndef WEIR_TESTING_DECODER_CHECK_H
#define WEIR_TESTING_DECODER_CHECK_H

#include <weir/core/bytes.h>
#include <weir/transport/pipeline.h>

WEIR_BEGIN_DECLS

typedef struct weir_decoder_check {
    weir_build_fn *build; /* adds what is to be checked; the recorder comes behind it */
    void *arg;
    weir_bytes input;
    const char *expected; /* lines; NULL: whatever it gives when the input comes in one piece */
    unsigned random_runs; /* 0: 100 */
    bool ends;            /* the stream ends behind the input: what that brings is expected too */
    bool once;            /* never fed twice in a row; implied by `ends` and by an expected error */
} weir_decoder_check;

/* True when every way gave what was expected; else the first that did not is printed. Borrows: check. */
bool weir_decoder_check_run(const weir_decoder_check *check);

WEIR_END_DECLS

#endif
