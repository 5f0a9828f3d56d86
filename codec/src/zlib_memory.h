/* zlib_memory.h - private: zlib's memory comes from weir_alloc_*. */
#ifndef WEIR_CODEC_ZLIB_MEMORY_H
#define WEIR_CODEC_ZLIB_MEMORY_H

#include <weir/core/alloc.h>
#include <zlib.h>

static inline voidpf zlib_memory_acquire(voidpf opaque, uInt items, uInt size) {
    (void)opaque;
    return weir_alloc_zeroed(NULL, items, size);
}

static inline void zlib_memory_release(voidpf opaque, voidpf ptr) {
    (void)opaque;
    weir_alloc_release(NULL, ptr);
}

static inline z_stream zlib_memory_stream(void) {
    return (z_stream){.zalloc = zlib_memory_acquire, .zfree = zlib_memory_release};
}

#endif
