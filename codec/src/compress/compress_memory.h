/* compress_memory.h - private: weir_alloc_* in the shape that brotli, zstd and lz4 ask for. */
#ifndef WEIR_CODEC_COMPRESS_MEMORY_H
#define WEIR_CODEC_COMPRESS_MEMORY_H

#include <weir/core/alloc.h>

static inline void *compress_memory_acquire(void *opaque, size_t size) {
    (void)opaque;
    return weir_alloc_acquire(NULL, size);
}

static inline void compress_memory_release(void *opaque, void *ptr) {
    (void)opaque;
    weir_alloc_release(NULL, ptr);
}

#endif
