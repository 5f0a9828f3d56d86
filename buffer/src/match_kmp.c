/* match_kmp.c - one needle (Knuth, Morris and Pratt, "Fast pattern matching in strings", 1977).
 *
 * The state is how many bytes of the needle match here. The table says, for each such count, the next longest
 * beginning of the needle that also ends here, leaving out those that would fail on the same byte.
 */
#include <weir/core/alloc.h>
#include <weir/core/check.h>

#include "matcher.h"

typedef struct kmp {
    weir_matcher base;
    size_t len;
    const uint8_t *needle; /* behind the table */
    size_t next[];         /* of the counts 0 to len; NONE: not even the empty beginning */
} kmp;

#define NONE SIZE_MAX

/* While nothing matches, memchr finds where something does. */
static size_t skip_to_start(const kmp *self, weir_bytes bytes, size_t at) {
    const uint8_t *hit = at < bytes.len ? memchr(bytes.ptr + at, self->needle[0], bytes.len - at) : NULL;
    return hit == NULL ? bytes.len : (size_t)(hit - bytes.ptr);
}

static size_t step_kmp(const weir_matcher *base, weir_match *match, weir_bytes bytes) {
    const kmp *self = (const kmp *)(const void *)base;
    size_t matched = (size_t)match->state;
    for (size_t at = 0; at < bytes.len; at++) {
        if (matched == 0 && (at = skip_to_start(self, bytes, at)) == bytes.len) break;
        while (matched != NONE && (matched == self->len || self->needle[matched] != bytes.ptr[at])) {
            matched = self->next[matched];
        }
        matched++;
        if (matched < self->len) continue;
        match->state = matched;
        match->len = self->len;
        match->needle = 0;
        return at + 1;
    }
    match->state = matched;
    return WEIR_NOT_FOUND;
}

static const matcher_way way = {.name = "kmp", .step = step_kmp};

static void fill_table(kmp *self) {
    size_t *next = self->next, matched = NONE;
    next[0] = NONE;
    for (size_t i = 0; i < self->len; i++) {
        while (matched != NONE && self->needle[i] != self->needle[matched]) matched = next[matched];
        matched++;
        bool fails_alike = i + 1 < self->len && self->needle[i + 1] == self->needle[matched];
        next[i + 1] = fails_alike ? next[matched] : matched;
    }
}

weir_matcher *weir_matcher_new_kmp(weir_bytes needle) {
    WEIR_CHECK(needle.len > 0, "an empty needle is everywhere");
    size_t size;
    if (__builtin_mul_overflow(needle.len + 1, sizeof(size_t) + 1, &size)) return NULL;
    if (__builtin_add_overflow(size, sizeof(kmp), &size)) return NULL;
    kmp *self = matcher_acquire(&way, size);
    if (self == NULL) return NULL;
    uint8_t *copy = (uint8_t *)(self->next + needle.len + 1);
    memcpy(copy, needle.ptr, needle.len);
    self->needle = copy;
    self->len = needle.len;
    fill_table(self);
    return &self->base;
}
