/* zlib_memory.h - private: zlib's memory comes from weir_alloc_*. */
#ifndef WEIR_CODEC_WEBSOCKET_ZLIB_MEMORY_H
#define WEIR_CODEC_WEBSOCKET_ZLIB_MEMORY_H

#include <weir/core/alloc.h>
#include <zlib.h>

static inline voidpf websocket_zlib_acquire(voidpf opaque, uInt items, uInt size) {
    (void)opaque;
    return weir_alloc_zeroed(NULL, items, size);
}

static inline void websocket_zlib_release(voidpf opaque, voidpf ptr) {
    (void)opaque;
    weir_alloc_release(NULL, ptr);
}

static inline z_stream websocket_zlib_stream(void) {
    return (z_stream){.zalloc = websocket_zlib_acquire, .zfree = websocket_zlib_release};
}

#endif
