/* length_width.h - private: which widths a length field may have. */
#ifndef WEIR_CODEC_LENGTH_WIDTH_H
#define WEIR_CODEC_LENGTH_WIDTH_H

#include <stdbool.h>

static inline bool length_width_is_known(unsigned width) {
    return width == 1 || width == 2 || width == 3 || width == 4 || width == 8;
}

#endif
