/* http_scan_x86.c - the scans, sixteen bytes at a time; of the rest eight or more at once, fewer one by one. */
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

/* The first and the last eight of fewer than sixteen bytes, some of them twice. */
static __m128i load_both_ends(const uint8_t *ptr, size_t n) {
    __m128i first = _mm_loadl_epi64((const __m128i *)(const void *)ptr);
    return _mm_unpacklo_epi64(first, _mm_loadl_epi64((const __m128i *)(const void *)(ptr + n - 8)));
}

/* Where the first of those is that were `found` in them, or `n`. */
static size_t place_of(unsigned found, size_t n) {
    size_t at = found == 0 ? 16 : (size_t)__builtin_ctz(found);
    return at < 8 ? at : n - 16 + at;
}

static unsigned ends_of_line(__m128i bytes) {
    __m128i low = _mm_andnot_si128(equal(bytes, '\t'), at_most(bytes, 0x1f));
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(low, equal(bytes, 0x7f)));
}

/* As signed bytes, those above 0x7f are negative: one comparison finds them with the controls and the space. */
static unsigned ends_of_target(__m128i bytes) {
    __m128i low = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x21));
    __m128i others = _mm_or_si128(equal(bytes, '#'), equal(bytes, 0x7f));
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(low, others));
}

size_t http_scan_line_x86(const uint8_t *ptr, size_t n) {
    size_t i = 0;
    for (; n - i >= 16; i += 16) {
        unsigned found = ends_of_line(load(ptr + i));
        if (found != 0) return i + (size_t)__builtin_ctz(found);
    }
    if (n - i >= 8) return i + place_of(ends_of_line(load_both_ends(ptr + i, n - i)), n - i);
    return i + http_scan_line_plain(ptr + i, n - i);
}

size_t http_scan_target_x86(const uint8_t *ptr, size_t n) {
    size_t i = 0;
    for (; n - i >= 16; i += 16) {
        unsigned found = ends_of_target(load(ptr + i));
        if (found != 0) return i + (size_t)__builtin_ctz(found);
    }
    if (n - i >= 8) return i + place_of(ends_of_target(load_both_ends(ptr + i, n - i)), n - i);
    return i + http_scan_target_plain(ptr + i, n - i);
}
#else
typedef int http_scan_has_no_x86; /* ISO C wants a declaration */
#endif
