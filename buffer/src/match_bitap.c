/* match_bitap.c - one short needle (Baeza-Yates and Gonnet, "A new approach to text searching", 1992).
 *
 * Shift-and: bit k of the state is 1 while the needle's first k + 1 bytes end here, so a fresh state is 0.
 */
#include <weir/core/check.h>

#include "matcher.h"

enum {
    LONGEST = 64
};

typedef struct bitap {
    weir_matcher base;
    size_t len;
    uint64_t masks[256];
} bitap;

static size_t step_bitap(const weir_matcher *base, weir_match *match, weir_bytes bytes) {
    const bitap *self = (const bitap *)(const void *)base;
    uint64_t state = match->state, last = (uint64_t)1 << (self->len - 1);
    for (size_t at = 0; at < bytes.len; at++) {
        state = (state << 1 | 1) & self->masks[bytes.ptr[at]];
        if ((state & last) == 0) continue;
        match->state = state;
        match->len = self->len;
        match->needle = 0;
        return at + 1;
    }
    match->state = state;
    return WEIR_NOT_FOUND;
}

static const matcher_way way = {.name = "bitap", .step = step_bitap};

weir_matcher *weir_matcher_new_bitap(weir_bytes needle) {
    WEIR_CHECK(needle.len > 0 && needle.len <= LONGEST, "a needle of %zu bytes, not 1 to 64", needle.len);
    bitap *self = matcher_acquire(&way, sizeof(bitap));
    if (self == NULL) return NULL;
    self->len = needle.len;
    memset(self->masks, 0, sizeof self->masks);
    for (size_t i = 0; i < needle.len; i++) self->masks[needle.ptr[i]] |= (uint64_t)1 << i;
    return &self->base;
}
