/* http_scan_x86.c - the scans, sixteen bytes at a time; the rest of fewer a byte at a time. */
#include "http/http_scan.h"

#ifdef __SSE2__
#include <emmintrin.h>

static __m128i load(const uint8_t *ptr) {
    return _mm_loadu_si128((const __m128i *)(const void *)ptr);
}

static __m128i at_most(__m128i bytes, uint8_t most) {
    return _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8((char)most)), bytes);
}

static __m128i equal(__m128i bytes, uint8_t byte) {
    return _mm_cmpeq_epi8(bytes, _mm_set1_epi8((char)byte));
}

size_t http_scan_line_x86(const uint8_t *ptr, size_t n) {
    size_t i = 0;
    for (; n - i >= 16; i += 16) {
        __m128i bytes = load(ptr + i);
        __m128i ends =
            _mm_or_si128(_mm_andnot_si128(equal(bytes, '\t'), at_most(bytes, 0x1f)), equal(bytes, 0x7f));
        unsigned found = (unsigned)_mm_movemask_epi8(ends);
        if (found != 0) return i + (size_t)__builtin_ctz(found);
    }
    return i + http_scan_line_plain(ptr + i, n - i);
}

/* As signed bytes, those above 0x7f are negative: one comparison finds them with the controls and the space. */
size_t http_scan_target_x86(const uint8_t *ptr, size_t n) {
    size_t i = 0;
    for (; n - i >= 16; i += 16) {
        __m128i bytes = load(ptr + i);
        __m128i low = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x21));
        __m128i ends = _mm_or_si128(low, _mm_or_si128(equal(bytes, '#'), equal(bytes, 0x7f)));
        unsigned found = (unsigned)_mm_movemask_epi8(ends);
        if (found != 0) return i + (size_t)__builtin_ctz(found);
    }
    return i + http_scan_target_plain(ptr + i, n - i);
}
#else
typedef int http_scan_has_no_x86; /* ISO C wants a declaration */
#endif
