/* two_way.c - the two-way string search over the parts of a buf. The idea is in two_way.h. */
#include "two_way.h"

two_way two_way_over(const buf_composite *parts, weir_bytes needle) {
    return (two_way){.parts = parts, .needle = needle};
}

/* ---- the needle ------------------------------------------------------------------------------- */

/* Where the lexicographically greatest suffix starts, by the order of bytes or its reverse. */
static size_t greatest_suffix(weir_bytes needle, bool is_reversed, size_t *period) {
    size_t start = 0, rival = 1, same = 0;
    *period = 1;
    while (rival + same < needle.len) {
        uint8_t a = needle.ptr[start + same], b = needle.ptr[rival + same];
        if (a == b) {
            same++;
            if (same < *period) continue;
            rival += *period;
        } else if (is_reversed ? b > a : b < a) {
            rival += same + 1;
            *period = rival - start;
        } else {
            start = rival++;
            *period = 1;
        }
        same = 0;
    }
    return start;
}

/* Cuts the needle where no repetition of a shorter period crosses. */
static void cut_needle(two_way *self) {
    weir_bytes needle = self->needle;
    size_t period, other_period;
    size_t cut = greatest_suffix(needle, false, &period);
    size_t other = greatest_suffix(needle, true, &other_period);
    if (other > cut) {
        cut = other;
        period = other_period;
    }
    bool repeats = cut + period <= needle.len && memcmp(needle.ptr, needle.ptr + period, cut) == 0;
    size_t longer_half = cut > needle.len - cut ? cut : needle.len - cut;
    self->cut = cut;
    self->period = repeats ? period : longer_half + 1;
    self->memory = repeats ? needle.len - period : 0;
}

/* ---- the bytes -------------------------------------------------------------------------------- */

static WEIR_COLD uint8_t look_elsewhere(two_way *self, size_t at) {
    uint64_t reader = weir_parts_reader(self->parts);
    size_t i = weir_parts_find(self->parts, reader + at);
    self->part = weir_parts_bytes(self->parts, i);
    self->part_at = (size_t)(weir_parts_at(self->parts, i)->start - reader);
    return self->part.ptr[at - self->part_at];
}

static inline uint8_t byte_at(two_way *self, size_t at) {
    size_t inside = at - self->part_at;
    return WEIR_LIKELY(inside < self->part.len) ? self->part.ptr[inside] : look_elsewhere(self, at);
}

/* ---- the search ------------------------------------------------------------------------------- */

size_t two_way_find(two_way *self, size_t from, size_t end) {
    if (from >= end) return WEIR_NOT_FOUND;
    if (self->period == 0) cut_needle(self);
    weir_bytes needle = self->needle;
    size_t known = 0; /* bytes of the needle that match at `from` for sure */
    while (from < end) {
        size_t i = self->cut > known ? self->cut : known;
        while (i < needle.len && needle.ptr[i] == byte_at(self, from + i)) i++;
        if (i < needle.len) {
            from += i - self->cut + 1;
            known = 0;
            continue;
        }
        i = self->cut;
        while (i > known && needle.ptr[i - 1] == byte_at(self, from + i - 1)) i--;
        if (i <= known) return from;
        from += self->period;
        known = self->memory;
    }
    return WEIR_NOT_FOUND;
}
