/* buf_match_test.c - streaming matchers against a loop that tries every place. */
#include <stdlib.h>

#include <weir/testing.h>
#include <weir/testing/buf_kinds.h>

/* The needles of the running check; one for kmp and bitap. */
static const weir_bytes *needles;
static size_t needle_count;
static weir_matcher *matcher;

static bool ends_at(weir_bytes content, size_t end, weir_bytes needle) {
    return needle.len <= end && memcmp(content.ptr + end - needle.len, needle.ptr, needle.len) == 0;
}

/* The longest needle that ends at `end` and is shorter than `below`, the first of equals. */
static size_t next_expected(weir_bytes content, size_t end, size_t below) {
    size_t best = WEIR_NOT_FOUND;
    for (size_t i = 0; i < needle_count; i++) {
        if (needles[i].len >= below || !ends_at(content, end, needles[i])) continue;
        if (best == WEIR_NOT_FOUND || needles[i].len > needles[best].len) best = i;
    }
    return best;
}

/* One after the other as `found` reports them; at the end none may be missing. */
typedef struct check {
    weir_bytes content;
    size_t end, below;
} check;

static size_t advance(check *self) {
    for (; self->end <= self->content.len; self->end++, self->below = SIZE_MAX) {
        size_t which = next_expected(self->content, self->end, self->below);
        if (which != WEIR_NOT_FOUND) return which;
    }
    return WEIR_NOT_FOUND;
}

static void found(check *self, const weir_match *match) {
    size_t which = advance(self);
    require(which != WEIR_NOT_FOUND);
    expect_eq(match->end, self->end);
    expect_eq(match->needle, which);
    expect_eq(match->len, needles[which].len);
    self->below = needles[which].len;
}

/* ---- by pieces -------------------------------------------------------------------------------- */

static void check_pieces_of(weir_bytes content, size_t size) {
    check all = {content, 0, SIZE_MAX};
    weir_match match = {0};
    for (size_t at = 0; at < content.len; at += size) {
        weir_bytes piece = weir_bytes_sub(content, at, size);
        while (weir_matcher_feed(matcher, &match, &piece)) found(&all, &match);
        expect_eq(piece.len, 0u);
    }
    expect_eq(match.end, content.len);
    expect_eq(advance(&all), WEIR_NOT_FOUND);
}

/* ---- in bufs ---------------------------------------------------------------------------------- */

static void check_buf(weir_buf *buf, weir_bytes content) {
    check all = {content, 0, SIZE_MAX};
    weir_match match = {0};
    size_t at = 0;
    while ((at = weir_buf_match(buf, at, matcher, &match)) != WEIR_NOT_FOUND) {
        expect_eq(at, match.end);
        found(&all, &match);
    }
    expect_eq(advance(&all), WEIR_NOT_FOUND);
    expect(weir_buf_equal_bytes(buf, content));
}

static void check_everywhere(weir_bytes content) {
    for (size_t size = 1; size <= content.len; size += 1 + size / 4) check_pieces_of(content, size);
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, content, check_buf);
}

/* ---- one needle ------------------------------------------------------------------------------- */

static const char *const texts[] = {"abaababaabaab", "aaaaaaaa", "\r\n\r\nGET / \r\n.\r\n", "x",
                                    "mississippi"};
static const char *const words[] = {"a",         "ab",   "aba",  "abaab", "aa", "aaaa",
                                    "\r\n.\r\n", "\r\n", "issi", "x",     "ipp"};

static void check_words(weir_matcher *(*make)(weir_bytes needle)) {
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        weir_bytes needle = weir_bytes_str(words[i]);
        needles = &needle;
        needle_count = 1;
        matcher = make(needle);
        require(matcher != NULL);
        for (size_t j = 0; j < sizeof texts / sizeof texts[0]; j++)
            check_everywhere(weir_bytes_str(texts[j]));
        weir_matcher_free(matcher);
    }
}

WEIR_TEST(buf_match, kmp_finds_every_occurrence_across_every_seam) {
    check_words(weir_matcher_new_kmp);
}

WEIR_TEST(buf_match, bitap_finds_every_occurrence_across_every_seam) {
    check_words(weir_matcher_new_bitap);
}

/* ---- many needles ----------------------------------------------------------------------------- */

static void check_many(const char *const *list, size_t count, const char *text) {
    weir_bytes views[16];
    for (size_t i = 0; i < count; i++) views[i] = weir_bytes_str(list[i]);
    needles = views;
    needle_count = count;
    expect_status(weir_matcher_new_many(views, count, SIZE_MAX, &matcher), WEIR_OK);
    check_everywhere(weir_bytes_str(text));
    weir_matcher_free(matcher);
}

/* The paper's own example first. */
WEIR_TEST(buf_match, many_tells_which_needle_was_found_and_the_longest_first) {
    static const char *const paper[] = {"he", "she", "his", "hers"};
    static const char *const nested[] = {"a", "ba", "aba", "bab", "babaa", "a", "aa"};
    static const char *const bytes[] = {"\xff\x80", "\x80", "\x01\xff\x80\x01"};
    check_many(paper, 4, "ushers and his sheriff");
    check_many(nested, 7, "abababaabab");
    check_many(bytes, 3, "\x01\xff\x80\x01\x80\xff\x80");
    check_many(paper, 1, "hehehe");
}

static uint8_t roll(unsigned *seed, unsigned letters) {
    return (uint8_t)('a' + (unsigned)rand_r(seed) % letters);
}

static void fill(unsigned *seed, uint8_t *to, size_t n, unsigned letters) {
    for (size_t i = 0; i < n; i++) to[i] = roll(seed, letters);
}

/* Few letters, so that much matches half way and overlaps. */
WEIR_TEST(buf_match, all_three_find_in_random_text_what_a_loop_finds) {
    unsigned seed = 3;
    uint8_t text[200], bytes[12][70];
    for (int round = 0; round < 400; round++) {
        weir_bytes list[12];
        unsigned letters = 1 + (unsigned)rand_r(&seed) % 3;
        fill(&seed, text, sizeof text, letters);
        for (size_t i = 0; i < 12; i++) {
            size_t len = 1 + (size_t)rand_r(&seed) % (round % 4 == 0 ? 64 : 6);
            fill(&seed, bytes[i], len, letters);
            list[i] = weir_bytes_of(bytes[i], len);
        }
        size_t piece = 1 + (size_t)rand_r(&seed) % 60;
        weir_test_context("round %d", round);
        needles = list;
        needle_count = 12;
        expect_status(weir_matcher_new_many(list, 12, SIZE_MAX, &matcher), WEIR_OK);
        check_pieces_of(weir_bytes_of(text, sizeof text), piece);
        weir_matcher_free(matcher);
        needle_count = 1;
        matcher = weir_matcher_new_kmp(list[0]);
        check_pieces_of(weir_bytes_of(text, sizeof text), piece);
        weir_matcher_free(matcher);
        matcher = weir_matcher_new_bitap(list[0]);
        check_pieces_of(weir_bytes_of(text, sizeof text), piece);
        weir_matcher_free(matcher);
    }
}

/* ---- limits and misuse ------------------------------------------------------------------------ */

WEIR_TEST(buf_match, a_matcher_bigger_than_allowed_is_not_made) {
    weir_bytes list[] = {weir_bytes_str("needle"), weir_bytes_str("noodle")};
    weir_matcher *none = NULL;
    size_t size = 0;
    while (weir_matcher_new_many(list, 2, size, &none) == WEIR_E_LIMIT) size++;
    expect(none != NULL && size > 13 * 4 && size < 4096);
    weir_matcher_free(none);
    none = NULL;
    expect_status(weir_matcher_new_many(list, 2, size - 1, &none), WEIR_E_LIMIT);
    expect(none == NULL);
    weir_matcher_free(NULL);
}

WEIR_TEST(buf_match, needles_that_make_no_sense_stop_the_program) {
    weir_bytes empty = weir_bytes_str(""), pair[2] = {weir_bytes_str("a"), empty};
    uint8_t long_one[65] = {0};
    weir_matcher *none = NULL;
    expect_abort(none = weir_matcher_new_kmp(empty), "empty needle");
    expect_abort(none = weir_matcher_new_bitap(empty), "needle of 0 bytes");
    expect_abort(none = weir_matcher_new_bitap(weir_bytes_of(long_one, 65)), "needle of 65 bytes");
    expect_abort(weir_matcher_new_many(pair, 2, SIZE_MAX, &none), "needle 1 is empty");
    expect_abort(weir_matcher_new_many(pair, 0, SIZE_MAX, &none), "no needles");
    weir_buf *buf = weir_buf_wrap_const("abc", 3);
    weir_matcher *kmp = weir_matcher_new_kmp(pair[0]);
    weir_match match = {0};
    expect_abort(weir_buf_match(buf, 4, kmp, &match), "at 4 of 3");
    weir_matcher_free(kmp);
    weir_buf_release(buf);
    expect(none == NULL);
}

/* 64 bytes are the most a bitap takes, and bit 63 the last. */
WEIR_TEST(buf_match, bitap_takes_64_bytes) {
    uint8_t text[200];
    memset(text, 'a', sizeof text);
    text[150] = 'b';
    weir_bytes needle = weir_bytes_of(text + 87, 64);
    needles = &needle;
    needle_count = 1;
    matcher = weir_matcher_new_bitap(needle);
    for (size_t size = 1; size <= sizeof text; size++)
        check_pieces_of(weir_bytes_of(text, sizeof text), size);
    weir_matcher_free(matcher);
}

/* ---- out of memory ---------------------------------------------------------------------------- */

static bool makes_matchers(void *arg) {
    (void)arg;
    weir_bytes list[] = {weir_bytes_str("needle"), weir_bytes_str("noodle")};
    weir_matcher *all[3] = {weir_matcher_new_kmp(list[0]), weir_matcher_new_bitap(list[0]), NULL};
    weir_status status = weir_matcher_new_many(list, 2, 100000, &all[2]);
    expect(status == WEIR_OK || (status == WEIR_E_NO_MEMORY && all[2] == NULL));
    bool has_all = true;
    for (size_t i = 0; i < 3; i++) {
        has_all = has_all && all[i] != NULL;
        weir_matcher_free(all[i]);
    }
    return has_all;
}

WEIR_TEST(buf_match, matchers_without_memory_are_not_made) {
    expect_eq(weir_oom_sweep(makes_matchers, NULL), 3u);
}
