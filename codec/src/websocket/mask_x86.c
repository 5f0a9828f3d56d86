/* mask_x86.c - the mask, 64 bytes at a time in four steps that do not wait for each other. */
#include "websocket/mask.h"

#ifdef __SSE2__
#include <emmintrin.h>

static void mask_16(uint8_t *bytes, __m128i key) {
    __m128i *at = (__m128i *)(void *)bytes;
    _mm_storeu_si128(at, _mm_xor_si128(_mm_loadu_si128(at), key));
}

void websocket_mask_x86(uint8_t *bytes, size_t n, uint32_t key) {
    __m128i wide = _mm_set1_epi32((int)key);
    size_t i = 0;
    for (; n - i >= 64; i += 64) {
        mask_16(bytes + i, wide);
        mask_16(bytes + i + 16, wide);
        mask_16(bytes + i + 32, wide);
        mask_16(bytes + i + 48, wide);
    }
    for (; n - i >= 16; i += 16) mask_16(bytes + i, wide);
    websocket_mask_plain(bytes + i, n - i, key);
}
#else
typedef int websocket_mask_has_no_x86; /* ISO C wants a declaration */
#endif
