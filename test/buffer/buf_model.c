/* buf_model.c - see buf_model.h. */
#include "buf_model.h"

#include <weir/testing.h>
#include <weir/testing/buf_kinds.h>

enum {
    LONGEST = 3000,
    VIEWS = 6
};

/* What the buf must be: bytes[0..writer) from its position 0, the reader among them. */
typedef struct model {
    weir_buf *buf;
    weir_pool *pool;
    chance *luck;
    uint8_t born_with[100];
    uint8_t bytes[LONGEST + 400];
    size_t reader, writer;
    bool can_write, can_grow;
    struct {
        weir_buf *buf;
        uint8_t bytes[64];
        size_t len;
    } views[VIEWS];
} model;

/* ---- chance ----------------------------------------------------------------------------------- */

static size_t below(model *self, size_t n) {
    return (size_t)chance_below(self->luck, n);
}

static void fill_randomly(model *self, uint8_t *bytes, size_t n) {
    for (size_t i = 0; i < n; i++) bytes[i] = (uint8_t)("abc\r\n"[below(self, 5)]);
}

static weir_bytes readable(const model *self) {
    return weir_bytes_of(self->bytes + self->reader, self->writer - self->reader);
}

/* ---- views held for a while ------------------------------------------------------------------- */

static void check_views(const model *self) {
    for (size_t i = 0; i < VIEWS; i++) {
        if (self->views[i].buf == NULL) continue;
        expect(weir_buf_equal_bytes(self->views[i].buf,
                                    weir_bytes_of(self->views[i].bytes, self->views[i].len)));
    }
}

/* Before a step that may change bytes views look at. */
static void drop_views(model *self) {
    check_views(self);
    for (size_t i = 0; i < VIEWS; i++) {
        weir_buf_release(self->views[i].buf);
        self->views[i].buf = NULL;
    }
}

static void hold_view(model *self, weir_buf *view, weir_bytes content) {
    require(view != NULL);
    expect(weir_buf_equal_bytes(view, content));
    size_t i = below(self, VIEWS);
    weir_buf_release(self->views[i].buf);
    self->views[i].buf = NULL;
    if (content.len > sizeof self->views[i].bytes) {
        weir_buf_release(view);
        return;
    }
    self->views[i].buf = view;
    self->views[i].len = content.len;
    if (content.len > 0) memcpy(self->views[i].bytes, content.ptr, content.len);
}

/* ---- steps: reading --------------------------------------------------------------------------- */

static void step_read_bytes(model *self) {
    uint8_t bytes[80];
    size_t n = below(self, sizeof bytes);
    bool is_there = n <= readable(self).len;
    expect_eq(weir_buf_peek_bytes(self->buf, bytes, n), is_there);
    expect_eq(weir_buf_read_bytes(self->buf, bytes, n), is_there);
    if (!is_there) return;
    expect_same_bytes(weir_bytes_of(bytes, n), weir_bytes_sub(readable(self), 0, n));
    self->reader += n;
}

static void step_read_integers(model *self) {
    uint32_t word = 0;
    uint8_t byte = 0;
    weir_bytes rest = readable(self);
    expect_eq(weir_buf_peek_u8(self->buf, &byte), rest.len >= 1);
    if (rest.len >= 1) expect_eq(byte, rest.ptr[0]);
    expect_eq(weir_buf_read_u32_le(self->buf, &word), rest.len >= 4);
    if (rest.len < 4) return;
    expect_eq(word, weir_load_le(rest.ptr, 4));
    self->reader += 4;
}

static void step_skip(model *self) {
    size_t n = below(self, 100);
    bool is_there = n <= readable(self).len;
    expect_eq(weir_buf_skip(self->buf, n), is_there);
    if (is_there) self->reader += n;
}

static void step_get(model *self) {
    uint8_t bytes[60];
    size_t at = below(self, self->writer + 2), n = below(self, sizeof bytes);
    if (at + n > self->writer) return;
    expect(weir_buf_get_bytes(self->buf, at, bytes, n));
    expect_same_bytes(weir_bytes_of(bytes, n), weir_bytes_of(self->bytes + at, n));
}

static void step_find(model *self) {
    weir_bytes rest = readable(self);
    size_t from = below(self, rest.len + 2);
    weir_bytes tail = weir_bytes_sub(rest, from, rest.len);
    size_t at = weir_bytes_find(tail, '\n'), last = weir_bytes_find_last(rest, 'a');
    expect_eq(weir_buf_find(self->buf, from, '\n'), at == WEIR_NOT_FOUND ? at : from + at);
    expect_eq(weir_buf_find_last(self->buf, 'a'), last);
    weir_bytes needle = weir_bytes_sub(rest, below(self, rest.len + 1), 1 + below(self, 12));
    if (from > rest.len || needle.len == 0) return;
    at = weir_bytes_find_bytes(tail, needle);
    expect_eq(weir_buf_find_bytes(self->buf, from, needle), at == WEIR_NOT_FOUND ? at : from + at);
}

static void step_iovecs(model *self) {
    struct iovec vecs[8];
    weir_bytes rest = readable(self);
    size_t at = below(self, rest.len + 1), len = below(self, rest.len - at + 1), covered = 0;
    size_t count = weir_buf_iovecs(self->buf, at, len, vecs, 8, &covered);
    expect(covered == len || (count == 8 && covered < len));
    for (size_t i = 0; i < count; i++) {
        expect_same_bytes(weir_bytes_of(vecs[i].iov_base, vecs[i].iov_len),
                          weir_bytes_sub(rest, at, vecs[i].iov_len));
        at += vecs[i].iov_len;
    }
}

static void step_copy(model *self) {
    weir_buf *copy = weir_buf_copy(self->buf);
    require(copy != NULL);
    expect(weir_buf_equal(copy, self->buf));
    expect_eq(weir_buf_hash(copy), weir_buf_hash(self->buf));
    weir_buf_release(copy);
}

static void step_coalesce(model *self) {
    size_t n = below(self, readable(self).len + 2);
    weir_bytes together = weir_buf_coalesce(self->buf, n);
    if (n > readable(self).len) {
        expect(together.ptr == NULL);
    } else {
        expect_same_bytes(together, weir_bytes_sub(readable(self), 0, n));
    }
}

/* ---- steps: views ----------------------------------------------------------------------------- */

static void step_slice(model *self) {
    weir_bytes rest = readable(self);
    size_t at = below(self, rest.len + 1), len = below(self, rest.len - at + 1);
    if (below(self, 2) == 0) {
        len = len < 64 ? len : 64;
        hold_view(self, weir_buf_read_slice(self->buf, len), weir_bytes_sub(rest, 0, len));
        self->reader += len;
    } else {
        hold_view(self, weir_buf_slice(self->buf, at, len), weir_bytes_sub(rest, at, len));
    }
}

/* The duplicate goes on in the place of the original, which becomes a view. */
static void step_duplicate(model *self) {
    weir_buf *twin = weir_buf_duplicate(self->buf);
    require(twin != NULL);
    expect_eq(weir_buf_reader_index(twin), self->reader);
    weir_buf *original = self->buf;
    self->buf = twin;
    if (weir_buf_readable(original) > 40) weir_buf_skip(original, weir_buf_readable(original) - 40);
    weir_bytes rest = readable(self);
    hold_view(self, original, weir_bytes_sub(rest, rest.len > 40 ? rest.len - 40 : 0, rest.len));
}

/* ---- steps: writing --------------------------------------------------------------------------- */

static void note_written(model *self, const void *bytes, size_t n) {
    if (n > 0) memcpy(self->bytes + self->writer, bytes, n);
    self->writer += n;
}

static void step_write_bytes(model *self) {
    if (!self->can_grow) return;
    uint8_t bytes[300];
    size_t n = below(self, below(self, 8) == 0 ? sizeof bytes : 24);
    fill_randomly(self, bytes, n);
    switch (below(self, 4)) {
    case 0: {
        uint8_t *room = weir_buf_reserve(self->buf, n + below(self, 50));
        require(room != NULL);
        memcpy(room, bytes, n);
        weir_buf_commit(self->buf, n);
        break;
    }
    case 1: {
        weir_buf *source = weir_buf_new(n);
        weir_buf_write_bytes(source, bytes, n);
        expect(weir_buf_write_buf(self->buf, source, n));
        weir_buf_release(source);
        break;
    }
    case 2:
        memset(bytes, 'a', n);
        weir_buf_write_fill(self->buf, 'a', n);
        break;
    default: weir_buf_write_bytes(self->buf, bytes, n);
    }
    note_written(self, bytes, n);
}

static void step_write_integers(model *self) {
    if (!self->can_grow) return;
    uint8_t raw[8];
    uint64_t value = chance_bits(self->luck);
    weir_store_be(raw, value, 8);
    if (below(self, 2) == 0) {
        weir_buf_write_u64(self->buf, value);
        note_written(self, raw, 8);
    } else {
        weir_buf_write_u16(self->buf, (uint16_t)value);
        note_written(self, raw + 6, 2);
    }
}

static void step_set(model *self) {
    if (!self->can_write) return;
    uint8_t bytes[40];
    size_t at = below(self, self->writer + 1), n = below(self, sizeof bytes);
    if (at + n > self->writer) return;
    drop_views(self);
    fill_randomly(self, bytes, n);
    expect(weir_buf_set_bytes(self->buf, at, bytes, n));
    memcpy(self->bytes + at, bytes, n);
    if (at + 4 > self->writer) return;
    expect(weir_buf_set_u32(self->buf, at, 0x61626364));
    memcpy(self->bytes + at, "abcd", 4);
}

static void step_append(model *self) {
    if (!weir_buf_is_composite(self->buf) || !self->can_grow) return;
    uint8_t bytes[60];
    size_t n = below(self, sizeof bytes), kind = below(self, weir_buf_kinds_count());
    fill_randomly(self, bytes, n);
    weir_buf *part = weir_buf_new(n), *other;
    weir_buf_write_bytes(part, bytes, n);
    if ((weir_buf_kinds_traits(kind) & WEIR_BUF_KIND_WRITABLE) !=
        0) { /* a read-only part would end all setting */
        other = weir_buf_kinds_make(kind, weir_bytes_of(bytes, n), below(self, n + 1), self->pool);
        weir_buf_release(part);
        part = other;
    }
    if (below(self, 4) == 0) hold_view(self, weir_buf_retain(part), weir_bytes_of(bytes, n));
    expect_status(weir_buf_composite_append(self->buf, part), WEIR_OK);
    note_written(self, bytes, n);
}

/* ---- steps: editing a composite --------------------------------------------------------------- */

static weir_buf *some_part(model *self, uint8_t *bytes, size_t n) {
    fill_randomly(self, bytes, n);
    weir_buf *part = weir_buf_new(n);
    require(part != NULL);
    weir_buf_write_bytes(part, bytes, n);
    return part;
}

static size_t start_of_part(const model *self, size_t i) {
    size_t at = self->writer;
    if (i < weir_buf_composite_count(self->buf)) weir_buf_composite_part(self->buf, i, &at);
    return at;
}

/* `gone` bytes from `at` on make way for n; a reader inside them goes to what is new. */
static void note_replaced(model *self, size_t at, size_t gone, const uint8_t *bytes, size_t n) {
    memmove(self->bytes + at + n, self->bytes + at + gone, self->writer - at - gone);
    if (n > 0) memcpy(self->bytes + at, bytes, n);
    self->writer = self->writer - gone + n;
    if (self->reader >= at + gone && (gone > 0 || self->reader > at)) {
        self->reader = self->reader - gone + n;
    } else if (self->reader > at) {
        self->reader = at;
    }
}

static void step_edit(model *self) {
    if (!weir_buf_is_composite(self->buf) || !self->can_grow) return;
    uint8_t bytes[30];
    size_t count = weir_buf_composite_count(self->buf), n = below(self, sizeof bytes);
    size_t i = below(self, count + 1), many = below(self, 3);
    if (many > count - i) many = count - i;
    size_t at = start_of_part(self, i), gone = start_of_part(self, i + many) - at;
    if (many > 0 && below(self, 2) == 0) {
        weir_buf_composite_remove(self->buf, i, many);
        note_replaced(self, at, gone, bytes, 0);
        return;
    }
    weir_buf *part = some_part(self, bytes, n);
    if (many > 0) {
        expect_status(weir_buf_composite_replace(self->buf, i, many, part), WEIR_OK);
    } else {
        expect_status(weir_buf_composite_insert(self->buf, i, part), WEIR_OK);
    }
    note_replaced(self, at, gone, bytes, n);
}

static void step_decompose(model *self) {
    weir_buf *parts[8];
    weir_bytes rest = readable(self);
    size_t at = below(self, rest.len + 1), len = below(self, rest.len - at + 1), count = 0;
    weir_status status = weir_buf_decompose(self->buf, at, len, parts, 8, &count);
    if (status == WEIR_E_LIMIT) return;
    expect_status(status, WEIR_OK);
    for (size_t i = 0; i < count; i++) {
        size_t n = weir_buf_readable(parts[i]);
        expect(weir_buf_equal_bytes(parts[i], weir_bytes_sub(rest, at, n)));
        at += n;
        len -= n;
        weir_buf_release(parts[i]);
    }
    expect_eq(len, 0);
}

static void step_composite_prepend(model *self) {
    if (!weir_buf_is_composite(self->buf) || !self->can_grow) return;
    uint8_t bytes[30];
    size_t n = 1 + below(self, sizeof bytes - 1);
    fill_randomly(self, bytes, n);
    uint8_t *room = weir_buf_composite_prepend(self->buf, n);
    require(room != NULL);
    memcpy(room, bytes, n);
    weir_bytes rest = readable(self);
    memmove(self->bytes + n, rest.ptr, rest.len);
    memcpy(self->bytes, bytes, n);
    self->reader = 0;
    self->writer = n + rest.len;
}

/* ---- steps: moving ---------------------------------------------------------------------------- */

static void note_dropped(model *self, size_t n) {
    memmove(self->bytes, self->bytes + n, self->writer - n);
    self->reader -= n;
    self->writer -= n;
}

static void step_compact(model *self) {
    bool is_shared = !weir_buf_is_unshared(self->buf);
    weir_status status = weir_buf_compact(self->buf);
    bool may_move = weir_buf_is_composite(self->buf) || self->reader == 0 || (self->can_write && !is_shared);
    expect_status(status, may_move ? WEIR_OK : WEIR_E_SHARED);
    if (status == WEIR_OK) note_dropped(self, self->reader);
}

static void step_drop_read(model *self) {
    if (!weir_buf_is_composite(self->buf)) return;
    weir_buf_composite_drop_read(self->buf);
    size_t reader = weir_buf_reader_index(self->buf);
    require(reader <= self->reader);
    note_dropped(self, self->reader - reader);
}

static void step_set_positions(model *self) {
    size_t reader = below(self, self->writer + 1);
    size_t writer = below(self, 10) == 0 ? reader + below(self, self->writer - reader + 1) : self->writer;
    if (writer < self->writer) drop_views(self); /* what is written next comes where they look */
    expect(weir_buf_set_positions(self->buf, reader, writer));
    self->reader = reader;
    self->writer = writer;
}

static void step_prepend(model *self) {
    if (!self->can_write) return;
    size_t n = below(self, 20);
    expect_eq(weir_buf_prepend(self->buf, n), n <= self->reader);
    if (n <= self->reader) self->reader -= n;
}

static void step_make_room(model *self) {
    size_t n = below(self, 2000);
    weir_buf_room room = weir_buf_ensure_writable(self->buf, n, false);
    if (self->can_grow) expect(room == WEIR_BUF_ROOM_ENOUGH || room == WEIR_BUF_ROOM_GREW);
    if (room != WEIR_BUF_ROOM_TOO_LITTLE) expect(weir_buf_writable(self->buf) >= n);
}

static void step_clear(model *self) {
    if (below(self, 40) != 0) return;
    drop_views(self);
    weir_buf_clear(self->buf);
    self->reader = self->writer = 0;
}

/* ---- lives ------------------------------------------------------------------------------------ */

static void (*const steps[])(model *self) = {
    step_read_bytes,  step_read_integers, step_skip,           step_get,       step_find,
    step_iovecs,      step_copy,          step_coalesce,       step_slice,     step_duplicate,
    step_write_bytes, step_write_bytes,   step_write_integers, step_set,       step_append,
    step_append,      step_set_positions, step_compact,        step_drop_read, step_prepend,
    step_clear,       step_make_room,     step_edit,           step_decompose, step_composite_prepend,
};

static void check_whole(const model *self) {
    expect_eq(weir_buf_reader_index(self->buf), self->reader);
    expect_eq(weir_buf_readable(self->buf), self->writer - self->reader);
    expect(weir_buf_equal_bytes(self->buf, readable(self)));
    expect_status(weir_buf_status(self->buf), WEIR_OK);
    check_views(self);
}

static void be_born(model *self) {
    size_t kind = below(self, weir_buf_kinds_count()), n = below(self, sizeof self->born_with);
    weir_bytes content = weir_bytes_of(self->born_with, n);
    fill_randomly(self, self->born_with, n);
    self->buf = weir_buf_kinds_make(kind, content, below(self, n + 1), self->pool);
    self->can_write = (weir_buf_kinds_traits(kind) & WEIR_BUF_KIND_WRITABLE) != 0;
    self->can_grow = (weir_buf_kinds_traits(kind) & WEIR_BUF_KIND_GROWS) != 0;
    self->reader = weir_buf_reader_index(self->buf);
    self->writer = weir_buf_writer_index(self->buf);
    require(weir_buf_get_bytes(self->buf, 0, self->bytes, self->writer));
}

bool buf_model_live(chance *luck, weir_pool *pool, int most_steps) {
    model self = {.luck = luck, .pool = pool};
    be_born(&self);
    bool is_sound = true;
    for (int i = 0; i < most_steps && self.writer < LONGEST && is_sound && !chance_is_over(luck); i++) {
        steps[below(&self, sizeof steps / sizeof steps[0])](&self);
        is_sound = expect_eq(weir_buf_readable(self.buf), self.writer - self.reader);
        if (i % 16 == 0) check_whole(&self);
    }
    check_whole(&self);
    drop_views(&self);
    weir_buf_release(self.buf);
    return is_sound;
}
