/* common/answer.h - the answers a client of a known file expects, fed as they come: each head and length is checked,
 * and, where the truth is given, each byte of each body.
 *
 * Two protocols: a line "OK BYTES\n" and the body, or HTTP/1.1 with Content-Length. Wrong answers end the program.
 */
#ifndef BENCH_ANSWER_H
#define BENCH_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ANSWER_HEAD_MAX = 1024
};

/* What every connection expects. */
typedef struct answer_format {
    bool http;
    uint64_t size;
    const uint8_t *truth; /* `size` bytes, or NULL */
} answer_format;

/* One connection's place in its answers; begins as zero. */
typedef struct answer {
    bool in_body;
    uint64_t left;   /* bytes of the body still to come */
    size_t head_len; /* of an answer whose head is not whole yet */
    char head[ANSWER_HEAD_MAX];
} answer;

/* Takes `n` bytes; answers how many answers they brought to their ends. */
uint64_t answer_take(answer *self, const answer_format *format, const uint8_t *bytes, size_t n);

/* `n` bytes of the body went by unseen. 1 when that was its end, else 0. */
uint64_t answer_skip(answer *self, size_t n);

/* Says what is wrong and exits 1. */
_Noreturn void answer_refuse(const char *what);

#endif
