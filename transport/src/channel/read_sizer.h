/* read_sizer.h - private: how big the next read should be, from what the last ones brought.
 *
 * A read that filled its buf makes the next four times as big; two in a row that used less than a quarter make
 * it half as big. So a quiet connection takes small bufs and a flood soon takes big ones.
 */
#ifndef WEIR_READ_SIZER_H
#define WEIR_READ_SIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct read_sizer {
    uint32_t size, min, max;
    bool was_small;
} read_sizer;

static inline void read_sizer_init(read_sizer *sizer, size_t size, size_t min, size_t max) {
    *sizer = (read_sizer){(uint32_t)size, (uint32_t)min, (uint32_t)max, false};
}

static inline void read_sizer_note(read_sizer *sizer, size_t got, size_t room) {
    if (got >= room) {
        sizer->size = sizer->size <= sizer->max / 4 ? sizer->size * 4 : sizer->max;
        sizer->was_small = false;
    } else if (got > sizer->size / 4) {
        sizer->was_small = false;
    } else if (!sizer->was_small) {
        sizer->was_small = true;
    } else {
        sizer->was_small = false;
        sizer->size = sizer->size / 2 > sizer->min ? sizer->size / 2 : sizer->min;
    }
}

#endif
