/* buf_composite_edit_test.c - parts inserted, removed, replaced, prepended and taken apart. */
#include <stdlib.h>

#include <weir/testing.h>
#include <weir/testing/buf_kinds.h>

static uint32_t count_of(const weir_buf *buf) {
    return __atomic_load_n(&buf->obj.count, __ATOMIC_ACQUIRE);
}

static weir_buf *heap_of(const char *text) {
    weir_buf *buf = weir_buf_new(strlen(text) + 8);
    weir_buf_write_str(buf, text);
    return buf;
}

/* "ab|cd|ef" becomes a composite of three. */
static weir_buf *composite_of(const char *text) {
    weir_buf *composite = weir_buf_composite_new();
    weir_bytes left = weir_bytes_str(text), part;
    do {
        size_t end = weir_bytes_find(left, '|');
        part = weir_bytes_sub(left, 0, end);
        weir_buf *piece = weir_buf_new(part.len);
        weir_buf_write_view(piece, part);
        expect_status(weir_buf_composite_append(composite, piece), WEIR_OK);
        left = weir_bytes_sub(left, part.len + 1, left.len);
    } while (left.len > 0);
    return composite;
}

static bool reads(const weir_buf *buf, const char *text) {
    return weir_buf_equal_bytes(buf, weir_bytes_str(text));
}

/* Whole content, then what is readable. */
static void expect_is(weir_buf *buf, const char *whole, const char *readable) {
    char bytes[64] = {0};
    size_t end = weir_buf_capacity(buf);
    require(end < sizeof bytes);
    expect(weir_buf_get_bytes(buf, 0, bytes, end));
    expect_str(bytes, whole);
    memset(bytes, 0, sizeof bytes);
    require(weir_buf_readable(buf) < sizeof bytes);
    weir_buf_peek_bytes(buf, bytes, weir_buf_readable(buf));
    expect_str(bytes, readable);
}

/* ---- in and out ------------------------------------------------------------------------------- */

typedef struct edit {
    size_t reader, i, n;
    const char *part, *whole, *readable;
} edit;

WEIR_TEST(buf_composite_edit, the_reader_stays_before_its_byte) {
    static const edit edits[] = {
        {0, 0, 0, "XY", "XYabcdef", "XYabcdef"},
        {0, 1, 0, "XY", "abXYcdef", "abXYcdef"},
        {0, 3, 0, "XY", "abcdefXY", "abcdefXY"},
        {1, 0, 0, "XY", "XYabcdef", "bcdef"},
        {2, 1, 0, "XY", "abXYcdef", "XYcdef"},
        {3, 1, 0, "XY", "abXYcdef", "def"},
        {3, 2, 0, "XY", "abcdXYef", "dXYef"},
        {6, 3, 0, "XY", "abcdefXY", "XY"},
        {6, 0, 0, "XY", "XYabcdef", ""},
        {0, 0, 1, "", "cdef", "cdef"},
        {1, 0, 1, "", "cdef", "cdef"},
        {5, 0, 2, "", "ef", "f"},
        {0, 0, 3, "", "", ""},
        {6, 0, 3, "", "", ""},
        {4, 1, 1, "", "abef", "ef"},
        {3, 1, 2, "", "ab", ""},
        {1, 2, 1, "", "abcd", "bcd"},
        {3, 1, 1, "XYZ", "abXYZef", "XYZef"},
        {0, 0, 3, "X", "X", "X"},
        {6, 0, 3, "X", "X", ""},
        {5, 1, 1, "XYZ|UVW|T", "abXYZUVWTef", "f"},
        {2, 1, 1, "XYZ|UVW|T", "abXYZUVWTef", "XYZUVWTef"},
        {1, 0, 3, "p|q|r", "pqr", "pqr"},
        {1, 1, 2, "1|2|3|4|5|6|7|8|9|0", "ab1234567890", "b1234567890"},
    };
    for (size_t k = 0; k < sizeof edits / sizeof *edits; k++) {
        const edit *e = &edits[k];
        weir_test_context("edit %zu", k);
        weir_buf *composite = composite_of("ab|cd|ef");
        require(weir_buf_skip(composite, e->reader));
        expect_status(weir_buf_composite_replace(composite, e->i, e->n, composite_of(e->part)), WEIR_OK);
        expect_is(composite, e->whole, e->readable);
        weir_buf_write_str(composite, "!");
        uint8_t last = 0;
        expect(weir_buf_get_u8(composite, strlen(e->whole), &last));
        expect_eq(last, '!');
        weir_buf_release(composite);
    }
    weir_test_context("%s", "");
}

WEIR_TEST(buf_composite_edit, a_part_moves_in_and_out_without_touching_other_counts) {
    weir_buf *root = heap_of("memory"), *composite = composite_of("ab|cd");
    expect_status(weir_buf_composite_insert(composite, 1, weir_buf_slice(root, 0, 3)), WEIR_OK);
    expect_eq(count_of(root), 2u);
    expect(reads(composite, "abmemcd"));
    expect_eq(weir_buf_composite_count(composite), 3u);

    weir_buf_composite_remove(composite, 1, 1);
    expect_eq(count_of(root), 1u);
    expect(reads(composite, "abcd"));
    weir_buf_composite_remove(composite, 2, 0);
    expect(reads(composite, "abcd"));
    weir_buf_release(composite);
    weir_buf_release(root);
}

WEIR_TEST(buf_composite_edit, what_was_written_inline_is_a_part_like_any_other) {
    weir_buf *composite = composite_of("ab");
    weir_buf_write_str(composite, "pen");
    weir_buf_skip(composite, 2);
    weir_buf_write_str(composite, "cil");
    expect_status(weir_buf_composite_insert(composite, 2, heap_of("end")), WEIR_OK);
    expect_status(weir_buf_composite_insert(composite, 1, heap_of("start")), WEIR_OK);
    weir_buf_write_str(composite, "!");
    expect_is(composite, "abstartpencilend!", "startpencilend!");

    weir_buf_composite_remove(composite, 3, 2);
    weir_buf_write_str(composite, "?");
    expect_is(composite, "abstartpencil?", "startpencil?");
    weir_buf_release(composite);
}

WEIR_TEST(buf_composite_edit, a_refused_edit_changes_nothing_and_releases_the_part) {
    weir_buf *composite = composite_of("ab|cd"), *root = heap_of("failed");
    weir_buf *slice = weir_buf_slice(composite, 1, 2);
    expect_status(weir_buf_composite_insert(slice, 1, weir_buf_retain(root)), WEIR_E_FULL);
    expect_is(slice, "bc", "bc");
    expect_eq(count_of(root), 1u);
    weir_buf_fail(root, WEIR_E_LIMIT);
    expect_status(weir_buf_composite_replace(composite, 0, 1, root), WEIR_E_LIMIT);
    expect_status(weir_buf_composite_insert(composite, 0, NULL), WEIR_E_LIMIT);
    expect_is(composite, "abcd", "abcd");
    expect_status(weir_buf_status(composite), WEIR_E_LIMIT);
    expect(weir_buf_composite_prepend(composite, 1) == NULL);
    weir_buf_release(slice);
    weir_buf_release(composite);
}

WEIR_TEST(buf_composite_edit, misuse_stops_the_program) {
    weir_buf *composite = composite_of("ab|cd"), *plain = heap_of("x"), *out[1];
    size_t n;
    expect_abort(weir_buf_composite_insert(composite, 3, plain), "0 parts from part 3 on of 2 were meant");
    expect_abort(weir_buf_composite_remove(composite, 1, 2), "2 parts from part 1 on of 2 were meant");
    expect_abort(weir_buf_composite_remove(composite, 2, SIZE_MAX), "were meant");
    expect_abort(weir_buf_composite_remove(plain, 0, 0), "is not a composite");
    expect_abort(weir_buf_composite_prepend(plain, 1), "is not a composite");
    expect_abort(weir_buf_composite_insert(composite, 0, composite), "was added to itself");
    expect_abort(weir_buf_composite_part_at(composite, 4, NULL), "the part at position 4 of 4");
    expect_abort(weir_buf_decompose(plain, 1, 1, out, 1, &n), "1 bytes at 1 of 1 readable ones");
    weir_buf_set_read_only(composite);
    expect_abort(weir_buf_composite_remove(composite, 0, 1), "is read-only");
    expect_abort(weir_buf_composite_prepend(composite, 1), "is read-only");
    weir_buf_release(composite);
    weir_buf_release(plain);
}

/* ---- against a model -------------------------------------------------------------------------- */

enum {
    STEPS = 20000,
    MOST = 4096
};

static uint32_t next_random(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

typedef struct model {
    weir_buf *composite;
    uint8_t bytes[MOST];
    size_t len, reader;
    uint32_t random;
} model;

static weir_buf *random_part(model *self, uint8_t *copy, size_t *len) {
    bool is_composite = next_random(&self->random) % 4 == 0;
    weir_buf *part = is_composite ? weir_buf_composite_new() : weir_buf_new(0);
    *len = 0;
    for (uint32_t i = 0; i <= (is_composite ? next_random(&self->random) % 12 : 0); i++) {
        weir_buf *piece = weir_buf_new(8);
        for (uint32_t k = next_random(&self->random) % 5; k > 0; k--) {
            copy[*len] = (uint8_t)next_random(&self->random);
            weir_buf_write_u8(piece, copy[(*len)++]);
        }
        if (!is_composite) {
            weir_buf_release(part);
            return piece;
        }
        expect_status(weir_buf_composite_append(part, piece), WEIR_OK);
    }
    return part;
}

static size_t position_of(const weir_buf *composite, size_t i) {
    size_t at = weir_buf_capacity(composite);
    if (i < weir_buf_composite_count(composite)) weir_buf_composite_part(composite, i, &at);
    return at;
}

static void replace_randomly(model *self, bool only_removes) {
    uint8_t copy[256];
    size_t len = 0, count = weir_buf_composite_count(self->composite);
    size_t i = next_random(&self->random) % (count + 1), n = next_random(&self->random) % 3;
    if (n > count - i) n = count - i;
    size_t from = position_of(self->composite, i), to = position_of(self->composite, i + n);
    if (only_removes) {
        weir_buf_composite_remove(self->composite, i, n);
    } else {
        weir_buf *part = random_part(self, copy, &len);
        expect_status(weir_buf_composite_replace(self->composite, i, n, part), WEIR_OK);
    }
    memmove(self->bytes + from + len, self->bytes + to, self->len - to);
    memcpy(self->bytes + from, copy, len);
    self->len += len - (to - from);
    if (self->reader > from) self->reader = self->reader < to ? from : self->reader - (to - from) + len;
}

static void prepend_randomly(model *self) {
    size_t n = next_random(&self->random) % 40;
    memmove(self->bytes + n, self->bytes + self->reader, self->len - self->reader);
    self->len += n - self->reader;
    self->reader = 0;
    uint8_t *room = weir_buf_composite_prepend(self->composite, n);
    require(room != NULL);
    for (size_t i = 0; i < n; i++) room[i] = self->bytes[i] = (uint8_t)next_random(&self->random);
}

static void write_randomly(model *self) {
    for (uint32_t n = next_random(&self->random) % 9; n > 0; n--) {
        self->bytes[self->len] = (uint8_t)next_random(&self->random);
        weir_buf_write_u8(self->composite, self->bytes[self->len++]);
    }
}

static void skip_randomly(model *self) {
    size_t n = next_random(&self->random) % 7;
    if (weir_buf_skip(self->composite, n)) self->reader += n;
    if (n != 6) return;
    weir_buf_composite_drop_read(self->composite);
    size_t gone = self->reader - weir_buf_reader_index(self->composite);
    memmove(self->bytes, self->bytes + gone, self->len - gone);
    self->len -= gone;
    self->reader -= gone;
}

static bool matches(model *self) {
    uint8_t bytes[MOST];
    size_t end = weir_buf_capacity(self->composite);
    if (end != self->len || weir_buf_reader_index(self->composite) != self->reader) return false;
    weir_buf_get_bytes(self->composite, 0, bytes, end);
    if (memcmp(bytes, self->bytes, end) != 0) return false;
    weir_bytes left = weir_bytes_of(self->bytes + self->reader, self->len - self->reader);
    return weir_buf_equal_bytes(self->composite, left);
}

WEIR_TEST(buf_composite_edit, random_edits_agree_with_an_array_of_bytes) {
    static model self;
    self = (model){.composite = weir_buf_composite_new(), .random = 2024};
    for (int step = 0; step < STEPS; step++) {
        bool is_long = self.len > MOST - 400;
        switch (next_random(&self.random) % 5) {
        case 0: replace_randomly(&self, is_long); break;
        case 1: replace_randomly(&self, true); break;
        case 2: is_long ? skip_randomly(&self) : prepend_randomly(&self); break;
        case 3: is_long ? skip_randomly(&self) : write_randomly(&self); break;
        default: skip_randomly(&self); break;
        }
        if (is_long) weir_buf_composite_remove(self.composite, 0, 0);
        weir_test_context("step %d", step);
        require(matches(&self));
    }
    weir_buf_release(self.composite);
}

/* ---- in front --------------------------------------------------------------------------------- */

WEIR_TEST(buf_composite_edit, headroom_of_the_first_part_takes_a_prepend) {
    weir_buf *first = weir_buf_new(64), *composite = weir_buf_composite_new();
    weir_buf_reserve_headroom(first, 16);
    weir_buf_write_str(first, "body");
    expect_status(weir_buf_composite_append(composite, first), WEIR_OK);
    expect_status(weir_buf_composite_append(composite, heap_of("tail")), WEIR_OK);

    for (int i = 0; i < 4; i++) {
        uint8_t *room = weir_buf_composite_prepend(composite, 4);
        require(room != NULL);
        memcpy(room, "head", 4);
        expect_eq(weir_buf_composite_count(composite), 2u);
    }
    expect(reads(composite, "headheadheadheadbodytail"));
    expect(weir_buf_composite_prepend(composite, 1) != NULL);
    expect_eq(weir_buf_composite_count(composite), 3u);
    weir_buf_release(composite);
}

WEIR_TEST(buf_composite_edit, what_was_read_becomes_headroom) {
    weir_buf *composite = composite_of("gone|0123body");
    weir_buf_skip(composite, 8);
    uint8_t *room = weir_buf_composite_prepend(composite, 4);
    memcpy(room, "head", 4);
    expect_eq(weir_buf_composite_count(composite), 1u);
    expect_is(composite, "headbody", "headbody");
    weir_buf_release(composite);
}

WEIR_TEST(buf_composite_edit, shared_foreign_and_constant_memory_is_left_alone) {
    char memory[] = "foreign";
    weir_buf *shared = heap_of("0123body"), *foreign = weir_buf_wrap(memory, 7, NULL, NULL);
    weir_buf *all[] = {weir_buf_retain(shared), foreign, weir_buf_wrap_const("constant", 8)};
    for (size_t i = 0; i < 3; i++) {
        weir_buf *composite = weir_buf_composite_new();
        weir_buf_skip(all[i], 4);
        expect_status(weir_buf_composite_append(composite, all[i]), WEIR_OK);
        memcpy(weir_buf_composite_prepend(composite, 2), "::", 2);
        expect_eq(weir_buf_composite_count(composite), 2u);
        memcpy(weir_buf_composite_prepend(composite, 2), "<<", 2);
        expect_eq(weir_buf_composite_count(composite), 2u);
        expect_bytes(weir_bytes_sub(weir_buf_coalesce(composite, 5), 0, 4), "<<::");
        weir_buf_release(composite);
    }
    weir_buf_set_positions(shared, 0, 8);
    expect(reads(shared, "0123body"));
    expect_str(memory, "foreign");
    weir_buf_release(shared);
}

WEIR_TEST(buf_composite_edit, a_prepend_comes_from_where_the_first_part_does) {
    weir_pool *pool = weir_pool_new(NULL);
    weir_buf *composite = weir_buf_composite_new(), *body = weir_pool_get(pool, 100);
    weir_buf_write_str(body, "body");
    expect_status(weir_buf_composite_append(composite, body), WEIR_OK);
    weir_pool_stats before, after;
    weir_pool_get_stats(pool, &before);
    expect(weir_buf_composite_prepend(composite, 8) != NULL);
    weir_pool_get_stats(pool, &after);
    expect_eq(after.gets, before.gets + 1);
    weir_buf_release(composite);
    weir_pool_free(pool);
}

WEIR_TEST(buf_composite_edit, an_empty_composite_takes_a_prepend_too) {
    weir_buf *composite = weir_buf_composite_new();
    expect(weir_buf_composite_prepend(composite, 0) != NULL);
    expect_eq(weir_buf_readable(composite), 0u);
    memcpy(weir_buf_composite_prepend(composite, 5), "first", 5);
    memset(weir_buf_composite_prepend(composite, 300), '-', 300);
    expect_eq(weir_buf_readable(composite), 305u);
    weir_buf_skip(composite, 300);
    expect(reads(composite, "first"));
    weir_buf_release(composite);
}

/* ---- taking apart ----------------------------------------------------------------------------- */

static void check_decompose(weir_buf *buf, weir_bytes content) {
    weir_buf *slices[64];
    size_t count = 99;
    for (size_t at = 0; at <= content.len; at++) {
        for (size_t len = 0; at + len <= content.len; len++) {
            require(weir_buf_decompose(buf, at, len, slices, 64, &count) == WEIR_OK);
            size_t done = 0;
            for (size_t i = 0; i < count; i++) {
                weir_bytes bytes = weir_buf_peek(slices[i]);
                expect(bytes.len > 0 && bytes.len == weir_buf_readable(slices[i]));
                expect_same_bytes(bytes, weir_bytes_sub(content, at + done, bytes.len));
                expect_eq(weir_buf_is_read_only(buf) && !weir_buf_is_read_only(slices[i]), false);
                done += bytes.len;
                weir_buf_release(slices[i]);
            }
            expect_eq(done, len);
        }
    }
    expect_status(weir_buf_decompose(buf, 0, content.len, slices, 0, &count), WEIR_E_LIMIT);
    expect_eq(count, 0u);
    expect_eq(weir_buf_readable(buf), content.len);
}

WEIR_TEST(buf_composite_edit, any_range_of_any_buf_comes_apart_into_slices) {
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, weir_bytes_str("take me apart"), check_decompose);
}

WEIR_TEST(buf_composite_edit, slices_of_parts_outlive_the_composite) {
    weir_buf *composite = composite_of("ab|cde|f");
    weir_buf_skip(composite, 3);
    weir_buf *part = weir_buf_composite_slice(composite, 1), *slices[2];
    size_t count = 0, inside = 9;
    expect_status(weir_buf_decompose(composite, 0, 3, slices, 1, &count), WEIR_E_LIMIT);
    expect_status(weir_buf_decompose(composite, 0, 3, slices, 2, &count), WEIR_OK);
    expect_eq(weir_buf_composite_part_at(composite, 4, &inside), 1u);
    expect_eq(inside, 2u);
    expect_eq(weir_buf_composite_part_at(composite, 5, NULL), 2u);
    weir_buf_release(composite);
    expect(reads(part, "cde") && reads(slices[0], "de") && reads(slices[1], "f"));
    weir_buf_release(part);
    weir_buf_release(slices[0]);
    weir_buf_release(slices[1]);
}

/* ---- without memory --------------------------------------------------------------------------- */

static bool edits_without_memory(void *arg) {
    (void)arg;
    weir_buf *composite = weir_buf_composite_new(), *slices[32];
    bool did_all = composite != NULL;
    for (size_t i = 0; i < 20 && did_all; i++) {
        weir_buf *part = weir_buf_new(4);
        if (part != NULL) weir_buf_write_u32(part, (uint32_t)i);
        size_t before = weir_buf_readable(composite);
        did_all = weir_buf_composite_insert(composite, i / 2, part) == WEIR_OK;
        expect_eq(weir_buf_readable(composite), before + (did_all ? 4 : 0));
    }
    if (did_all) did_all = weir_buf_composite_prepend(composite, 100) != NULL;
    if (did_all) {
        size_t count = 99, readable = weir_buf_readable(composite);
        did_all = weir_buf_decompose(composite, 0, readable, slices, 32, &count) == WEIR_OK;
        expect_eq(count, did_all ? 21u : 0u);
        for (size_t i = 0; i < count; i++) weir_buf_release(slices[i]);
    }
    weir_buf_release(composite);
    return did_all;
}

WEIR_TEST(buf_composite_edit, edits_take_their_part_also_when_they_fail) {
    weir_oom_sweep(edits_without_memory, NULL);
}
