/* read_sizer.h - private: how big the next read should be, from what the last ones brought.
 *
 * A read that filled its buf makes the next four times as big; two in a row that used less than a quarter make
 * it half as big. So a quiet connection takes small bufs and a flood soon takes big ones.
 */
#ifndef WEIR_READ_SIZER_H
#define WEIR_READ_SIZER_H

#include <weir/transport/channel_options.h>

typedef struct read_sizer {
    uint32_t size;
    bool was_small;
} read_sizer;

static inline void read_sizer_init(read_sizer *sizer, const weir_channel_options *options) {
    *sizer = (read_sizer){.size = (uint32_t)options->read_size};
}

static inline void read_sizer_note(read_sizer *sizer, const weir_channel_options *options, size_t got,
                                   size_t room) {
    if (got >= room) {
        uint32_t max = (uint32_t)options->read_size_max;
        sizer->size = sizer->size <= max / 4 ? sizer->size * 4 : max;
        sizer->was_small = false;
    } else if (got > sizer->size / 4) {
        sizer->was_small = false;
    } else if (!sizer->was_small) {
        sizer->was_small = true;
    } else {
        sizer->was_small = false;
        uint32_t min = (uint32_t)options->read_size_min;
        sizer->size = sizer->size / 2 > min ? sizer->size / 2 : min;
    }
}

#endif
