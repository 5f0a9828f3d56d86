/* fuzz_search.c - whatever is searched for, all ways to search find what comparing at every place finds, wherever the
 * bytes are cut. The first bytes choose needles and cuts.
 */
#include <string.h>

#include <weir/buffer.h>

#include "fuzz/chance.h"
#include "fuzz/fuzz.h"

enum {
    SIZE_MOST = 600,
    NEEDLES_MOST = 4
};

typedef struct hunt {
    weir_bytes hay;
    weir_bytes needles[NEEDLES_MOST];
    size_t count;
    chance luck; /* for cuts */
} hunt;

/* How many occurrences end at `end`, of the needles from the longest on; of equal ones the first. */
static bool ends_at(const hunt *self, size_t end, size_t needle) {
    weir_bytes one = self->needles[needle];
    return one.len <= end && weir_bytes_equal(weir_bytes_sub(self->hay, end - one.len, one.len), one);
}

static bool is_double(const hunt *self, size_t needle) {
    for (size_t i = 0; i < needle; i++) {
        if (weir_bytes_equal(self->needles[i], self->needles[needle])) return true;
    }
    return false;
}

static uint64_t mix(uint64_t digest, uint64_t value) {
    digest = (digest ^ value) * UINT64_C(0x9E3779B97F4A7C15);
    return digest ^ digest >> 29;
}

static uint64_t found_by_comparing(const hunt *self, size_t first, size_t count) {
    uint64_t digest = 0;
    for (size_t end = 1; end <= self->hay.len; end++) {
        for (size_t len = end; len > 0; len--) {
            for (size_t i = first; i < first + count; i++) {
                bool counts = self->needles[i].len == len && ends_at(self, end, i);
                if (counts && (count == 1 || !is_double(self, i))) digest = mix(mix(digest, end), i - first);
            }
        }
    }
    return digest;
}

static uint64_t found_by(hunt *self, weir_matcher *matcher) {
    weir_match match = {0};
    uint64_t digest = 0;
    MUST(matcher != NULL);
    for (size_t at = 0, n; at < self->hay.len; at += n) {
        n = 1 + chance_below(&self->luck, 40);
        weir_bytes piece = weir_bytes_sub(self->hay, at, n);
        while (weir_matcher_feed(matcher, &match, &piece)) digest = mix(mix(digest, match.end), match.needle);
    }
    MUST(match.end == self->hay.len);
    weir_matcher_free(matcher);
    return digest;
}

/* The hay in parts. */
static weir_buf *parts_of(hunt *self) {
    weir_buf *all = weir_buf_composite_new();
    for (size_t at = 0, n; at < self->hay.len; at += n) {
        n = 1 + chance_below(&self->luck, 30);
        weir_bytes piece = weir_bytes_sub(self->hay, at, n);
        weir_buf *part = weir_buf_new(piece.len);
        weir_buf_write_view(part, piece);
        MUST(weir_buf_composite_append(all, part) == WEIR_OK);
    }
    return all;
}

static void search_bufs(hunt *self, weir_bytes needle) {
    weir_buf *all = parts_of(self);
    size_t first = WEIR_NOT_FOUND, last = WEIR_NOT_FOUND;
    for (size_t end = needle.len; end <= self->hay.len; end++) {
        if (!weir_bytes_equal(weir_bytes_sub(self->hay, end - needle.len, needle.len), needle)) continue;
        last = end - needle.len;
        if (first == WEIR_NOT_FOUND) first = last;
    }
    MUST(weir_bytes_find_bytes(self->hay, needle) == first);
    MUST(weir_buf_find_bytes(all, 0, needle) == first);
    MUST(weir_buf_find_last_bytes(all, needle) == last);

    weir_byte_set set = weir_byte_set_of(needle);
    size_t in = WEIR_NOT_FOUND, out = WEIR_NOT_FOUND, last_in = in, last_out = out;
    for (size_t i = 0; i < self->hay.len; i++) {
        bool has = weir_bytes_find(needle, self->hay.ptr[i]) != WEIR_NOT_FOUND;
        if (has && in == WEIR_NOT_FOUND) in = i;
        if (!has && out == WEIR_NOT_FOUND) out = i;
        if (has) last_in = i;
        if (!has) last_out = i;
    }
    MUST(weir_buf_find_in(all, 0, &set) == in && weir_buf_find_any(all, 0, needle) == in);
    MUST(weir_buf_find_out(all, 0, &set) == out);
    MUST(weir_buf_find_last_in(all, &set) == last_in && weir_buf_find_last_out(all, &set) == last_out);
    weir_buf_release(all);
}

/* Needles out of the hay are found now and then; a few letters make them overlap. */
static void choose(hunt *self, uint8_t *bytes, size_t size) {
    self->count = 1 + chance_below(&self->luck, NEEDLES_MOST);
    bool few = chance_below(&self->luck, 2) == 0;
    for (size_t i = 0; few && i < size; i++) bytes[i] = (uint8_t)('a' + bytes[i] % 3);
    self->hay = weir_bytes_of(bytes, size);
    for (size_t i = 0; i < self->count; i++) {
        size_t at = chance_below(&self->luck, size), len = 1 + chance_below(&self->luck, 70);
        self->needles[i] = weir_bytes_sub(self->hay, at, len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    enum {
        HEADER = 24
    };
    hunt self = {.luck = chance_of_bytes(data, size < HEADER ? size : HEADER)};
    if (size <= HEADER || size > SIZE_MOST) return 0;
    uint8_t *bytes = malloc(size - HEADER);
    MUST(bytes != NULL);
    memcpy(bytes, data + HEADER, size - HEADER);
    choose(&self, bytes, size - HEADER);
    self.luck = chance_of_seed(data[0]);
    weir_matcher *many;
    for (size_t i = 0; i < self.count; i++) {
        uint64_t found = found_by_comparing(&self, i, 1);
        MUST(found_by(&self, weir_matcher_new_kmp(self.needles[i])) == found);
        if (self.needles[i].len <= 64)
            MUST(found_by(&self, weir_matcher_new_bitap(self.needles[i])) == found);
        search_bufs(&self, self.needles[i]);
    }
    MUST(weir_matcher_new_many(self.needles, self.count, 1 << 20, &many) == WEIR_OK);
    MUST(found_by(&self, many) == found_by_comparing(&self, 0, self.count));
    free(bytes);
    return 0;
}
