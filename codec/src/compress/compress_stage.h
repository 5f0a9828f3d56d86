/* compress_stage.h - private: where blocks go that are larger than what is free of a piece.
 *
 *     uint8_t *at = compress_stage_room(stage, io, most);      io->out, when it has room for `most`
 *     n = make_block(at, most);
 *     compress_stage_put(stage, io, at, n);                     counted, or kept and drained
 */
#ifndef WEIR_CODEC_COMPRESS_STAGE_H
#define WEIR_CODEC_COMPRESS_STAGE_H

#include <string.h>

#include <weir/core/alloc.h>

#include "compress/compress_codec.h"

typedef struct compress_stage {
    uint8_t *bytes; /* NULL: none was needed yet */
    size_t at, end; /* of what waits */
} compress_stage;

static inline void compress_stage_clear(compress_stage *stage) {
    weir_alloc_release(NULL, stage->bytes);
    *stage = (compress_stage){0};
}

/* True when nothing waits any more. */
static inline bool compress_stage_drain(compress_stage *stage, compress_io *io) {
    size_t waiting = stage->end - stage->at, n = waiting < io->out_left ? waiting : io->out_left;
    if (n != 0) memcpy(io->out, stage->bytes + stage->at, n);
    compress_io_move(io, 0, n);
    stage->at += n;
    return n == waiting;
}

/* `size` is the same in all calls for one stage, and `most` is not more. Requires: nothing waits.
 * Gives: room, or NULL when out of memory. */
static inline uint8_t *compress_stage_room(compress_stage *stage, const compress_io *io, size_t most,
                                           size_t size) {
    if (io->out_left >= most) return io->out;
    if (stage->bytes == NULL) stage->bytes = weir_alloc_acquire(NULL, size);
    return stage->bytes;
}

static inline void compress_stage_put(compress_stage *stage, compress_io *io, const uint8_t *at, size_t n) {
    if (at == io->out) {
        compress_io_move(io, 0, n);
        return;
    }
    stage->at = 0;
    stage->end = n;
    compress_stage_drain(stage, io);
}

#endif
