/* http_scan_x86.h - private: the scans, sixteen bytes at a time; of the rest eight or more at once, fewer one by one.
 * For http_scan.h. */
#ifndef WEIR_CODEC_HTTP_SCAN_X86_H
#define WEIR_CODEC_HTTP_SCAN_X86_H

#include <emmintrin.h>

static inline __m128i http_scan_load(const uint8_t *ptr) {
    return _mm_loadu_si128((const __m128i *)(const void *)ptr);
}

static inline __m128i http_scan_at_most(__m128i bytes, uint8_t most) {
    return _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8((char)most)), bytes);
}

static inline __m128i http_scan_equal(__m128i bytes, uint8_t byte) {
    return _mm_cmpeq_epi8(bytes, _mm_set1_epi8((char)byte));
}

/* The first and the last eight of fewer than sixteen bytes, some of them twice. */
static inline __m128i http_scan_load_both_ends(const uint8_t *ptr, size_t n) {
    __m128i first = _mm_loadl_epi64((const __m128i *)(const void *)ptr);
    return _mm_unpacklo_epi64(first, _mm_loadl_epi64((const __m128i *)(const void *)(ptr + n - 8)));
}

/* Where the first of those is that were `found` in them, or `n`. */
static inline size_t http_scan_place_of(unsigned found, size_t n) {
    size_t at = found == 0 ? 16 : (size_t)__builtin_ctz(found);
    return at < 8 ? at : n - 16 + at;
}

static inline unsigned http_scan_ends_of_line(__m128i bytes) {
    __m128i low = _mm_andnot_si128(http_scan_equal(bytes, '\t'), http_scan_at_most(bytes, 0x1f));
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(low, http_scan_equal(bytes, 0x7f)));
}

/* As signed bytes, those above 0x7f are negative: one comparison finds them with the controls and the space. */
static inline unsigned http_scan_ends_of_target(__m128i bytes) {
    __m128i low = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x21));
    __m128i others = _mm_or_si128(http_scan_equal(bytes, '#'), http_scan_equal(bytes, 0x7f));
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(low, others));
}

/* What both do: `ends` has a bit for each byte that ends the run, `plain` sees to fewer than eight. */
static inline __attribute__((always_inline)) size_t http_scan_x86(const uint8_t *ptr, size_t n,
                                                                  unsigned (*ends)(__m128i),
                                                                  size_t (*plain)(const uint8_t *, size_t)) {
    size_t i = 0;
    for (; n - i >= 16; i += 16) {
        unsigned found = ends(http_scan_load(ptr + i));
        if (found != 0) return i + (size_t)__builtin_ctz(found);
    }
    size_t left = n - i;
    if (left < 8) return i + plain(ptr + i, left);
    return i + http_scan_place_of(ends(http_scan_load_both_ends(ptr + i, left)), left);
}

static inline size_t http_scan_line_x86(const uint8_t *ptr, size_t n) {
    return http_scan_x86(ptr, n, http_scan_ends_of_line, http_scan_line_plain);
}

static inline size_t http_scan_target_x86(const uint8_t *ptr, size_t n) {
    return http_scan_x86(ptr, n, http_scan_ends_of_target, http_scan_target_plain);
}

#endif
