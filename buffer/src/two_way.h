/* two_way.h - private: a needle in bytes that do not lie together.
 *
 * The two-way algorithm (Crochemore and Perrin, "Two-way string-matching", JACM 38, 1991): linear in the
 * bytes looked at whatever they hold, and no memory but this struct, which is what a search across many
 * tiny parts needs.
 */
#ifndef WEIR_TWO_WAY_H
#define WEIR_TWO_WAY_H

#include "buf_parts.h"

typedef struct two_way {
    const buf_composite *parts;
    weir_bytes needle;
    size_t cut;      /* where the needle is cut in two halves */
    size_t period;   /* how far a match of the right half moves on; 0: the needle is not cut yet */
    size_t memory;   /* how much of the needle is known to match after that */
    weir_bytes part; /* looked at last */
    size_t part_at;  /* where it starts, from the reader; before it when that wraps around */
} two_way;

/* Borrows: parts and needle, which is not empty. */
two_way two_way_over(const buf_composite *parts, weir_bytes needle);

/* The first occurrence that starts in [from, end), counted from the reader index, or WEIR_NOT_FOUND.
 * Requires: end - 1 + needle.len <= readable. */
size_t two_way_find(two_way *self, size_t from, size_t end);

#endif
