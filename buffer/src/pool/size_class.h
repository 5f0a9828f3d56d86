/* size_class.h - the sizes blocks come in: four per doubling, 64 B to 1 MiB, and whole pages above.
 *
 *     class    0   1   2   3    4    5 ...   8 ...      56   SIZE_CLASS_LARGE
 *     bytes   64  80  96 112  128  160 ... 256 ... 1048576   whole pages, never cached
 *
 * A class is found from the *last* offset that must fit, n - 1 with all bits below the alignment set: that
 * rounds up for free, and the smallest alignment of 64 makes the smallest class need no comparison. With
 * that alignment 80, 96, 112, 160 and 224 are never asked for.
 */
#ifndef WEIR_POOL_SIZE_CLASS_H
#define WEIR_POOL_SIZE_CLASS_H

#include <stddef.h>

#define SIZE_CLASS_ALIGNMENT ((size_t)64)
#define SIZE_CLASS_LARGEST ((size_t)1 << 20)
#define SIZE_CLASS_COUNT 57u
#define SIZE_CLASS_LARGE SIZE_CLASS_COUNT

/* The class whose blocks reach to offset `last`. Requires: 63 <= last < SIZE_CLASS_LARGEST. */
static inline unsigned size_class_of(size_t last) {
    unsigned top = (unsigned)__builtin_clzl(last) ^ 63u;
    return 4 * top + (unsigned)(last >> (top - 2)) - 27;
}

/* The bytes of a block of class `index`, below SIZE_CLASS_COUNT. */
static inline size_t size_class_size(unsigned index) {
    return (size_t)(5 + ((index + 3) & 3)) << ((index + 3) / 4 + 3);
}

#endif
