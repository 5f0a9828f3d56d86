/* buf_families_model_test.c - random values of every family, written in any way and read as they arrive.
 *
 * What is written is also spelled into a plain array by code of its own. Then the array arrives in pieces at
 * another buf, which is compacted, unshared, cut and turned into other kinds on the way, and every value is
 * tried for until it is there. WEIR_SEED in the environment repeats a run; it is told with every failure.
 */
#include <stdlib.h>

#include <weir/testing.h>
#include <weir/testing/buf_kinds.h>

enum {
    LIVES = 500,
    RECORDS = 250,
    LONGEST_BLOCK = 90,
    MOST_BYTES = RECORDS * (LONGEST_BLOCK + 8)
};

typedef enum family {
    A_BOOL,
    AN_F32,
    AN_F64_LE,
    A_VARINT_U32,
    A_VARINT_U64,
    A_VARINT_S32,
    A_VARINT_S64,
    A_CHARACTER,
    A_BLOCK_U16,
    A_BLOCK_VARINT,
    FAMILIES,
} family;

typedef struct record {
    family family;
    uint64_t bits; /* the value, a code point, or the length of a block */
    size_t at;     /* where its first byte is in the array */
    size_t block;  /* where the bytes of a block are */
} record;

typedef struct model {
    uint64_t random;
    weir_pool *pool;
    weir_buf *out, *in;
    record records[RECORDS];
    uint8_t bytes[MOST_BYTES];
    size_t len, arrived;
} model;

/* xorshift64*, George Marsaglia and Sebastiano Vigna. */
static uint64_t roll(model *self) {
    self->random ^= self->random >> 12;
    self->random ^= self->random << 25;
    self->random ^= self->random >> 27;
    return self->random * 0x2545f4914f6cdd1du;
}

static size_t below(model *self, size_t n) {
    return (size_t)((roll(self) >> 16) % n);
}

/* Any number of bits is as likely as any other. */
static uint64_t roll_number(model *self) {
    return roll(self) >> below(self, 64);
}

static uint32_t roll_character(model *self) {
    uint32_t point = (uint32_t)(roll(self) % 0x110000) >> below(self, 17);
    return point >= 0xd800 && point < 0xe000 ? 'x' : point;
}

/* ---- spelling, by other means ----------------------------------------------------------------- */

static void spell(model *self, uint64_t bits, size_t width, bool is_little) {
    for (size_t i = 0; i < width; i++) {
        self->bytes[self->len++] = (uint8_t)(bits >> 8 * (is_little ? i : width - 1 - i));
    }
}

static void spell_varint(model *self, uint64_t bits) {
    do {
        self->bytes[self->len++] = (uint8_t)(bits % 128 + (bits >= 128 ? 128 : 0));
        bits /= 128;
    } while (bits > 0);
}

static uint64_t zigzag_by_sign(int64_t number) {
    return number < 0 ? 2 * (uint64_t) - (number + 1) + 1 : 2 * (uint64_t)number;
}

static void spell_character(model *self, uint32_t point) {
    if (point < 0x80) {
        spell(self, point, 1, false);
    } else if (point < 0x800) {
        spell(self, 0xc080 | (point / 64 << 8) | point % 64, 2, false);
    } else if (point < 0x10000) {
        spell(self, 0xe08080 | (point / 4096 << 16) | (point / 64 % 64 << 8) | point % 64, 3, false);
    } else {
        spell(self,
              0xf0808080 | (point / 262144 << 24) | (point / 4096 % 64 << 16) | (point / 64 % 64 << 8) |
                  point % 64,
              4, false);
    }
}

static void spell_block(model *self, record *it) {
    it->block = self->len;
    for (size_t i = 0; i < it->bits; i++) self->bytes[self->len++] = (uint8_t)roll(self);
}

/* ---- writing ---------------------------------------------------------------------------------- */

static void write_number(model *self, record *it) {
    float single;
    double twice;
    uint32_t half = (uint32_t)it->bits;
    switch (it->family) {
    case A_BOOL:
        it->bits &= 1;
        weir_buf_write_bool(self->out, it->bits != 0);
        spell(self, it->bits, 1, false);
        break;
    case AN_F32:
        memcpy(&single, &half, sizeof single);
        weir_buf_write_f32(self->out, single);
        spell(self, half, 4, false);
        break;
    default:
        memcpy(&twice, &it->bits, sizeof twice);
        weir_buf_write_f64_le(self->out, twice);
        spell(self, it->bits, 8, true);
        break;
    }
}

static void write_varint(model *self, record *it) {
    switch (it->family) {
    case A_VARINT_U32:
        it->bits &= UINT32_MAX;
        weir_buf_write_varint_u32(self->out, (uint32_t)it->bits);
        spell_varint(self, it->bits);
        break;
    case A_VARINT_U64:
        weir_buf_write_varint_u64(self->out, it->bits);
        spell_varint(self, it->bits);
        break;
    case A_VARINT_S32:
        weir_buf_write_varint_s32(self->out, (int32_t)it->bits);
        spell_varint(self, zigzag_by_sign((int32_t)it->bits));
        break;
    default:
        weir_buf_write_varint_s64(self->out, (int64_t)it->bits);
        spell_varint(self, zigzag_by_sign((int64_t)it->bits));
        break;
    }
}

/* In one of the ways bytes get into a buf. */
static void write_somehow(model *self, weir_bytes bytes) {
    size_t cut = below(self, bytes.len + 1);
    uint8_t *ptr = (uint8_t *)(uintptr_t)bytes.ptr;
    struct iovec vecs[2] = {{ptr, cut}, {ptr + cut, bytes.len - cut}};
    weir_buf_scatter scatter;
    switch (below(self, 4)) {
    case 0: weir_buf_write_iovecs(self->out, vecs, 2); break;
    case 1:
        if (!weir_buf_is_composite(self->out)) {
            weir_buf_write_view(self->out, bytes);
        } else {
            weir_buf_append_ref_or_copy(self->out, weir_buf_wrap_const(ptr, bytes.len), below(self, 100));
        }
        break;
    case 2:
        require(weir_buf_reserve_scatter(self->out, bytes.len + 1 + below(self, 300), &scatter));
        for (size_t i = 0, done = 0; i < scatter.count && done < bytes.len; i++) {
            size_t n =
                bytes.len - done < scatter.vecs[i].iov_len ? bytes.len - done : scatter.vecs[i].iov_len;
            memcpy(scatter.vecs[i].iov_base, ptr + done, n);
            done += n;
        }
        weir_buf_commit_scatter(self->out, &scatter, bytes.len);
        break;
    default: weir_buf_write_view(self->out, bytes); break;
    }
}

static void write_block(model *self, record *it) {
    it->bits = 1 + below(self, LONGEST_BLOCK);
    if (it->family == A_BLOCK_VARINT) {
        spell_varint(self, it->bits);
        spell_block(self, it);
        weir_buf_write_block(self->out, WEIR_BUF_LENGTH_VARINT,
                             weir_bytes_of(self->bytes + it->block, (size_t)it->bits));
        return;
    }
    spell(self, it->bits, 2, false);
    spell_block(self, it);
    weir_buf_length length = weir_buf_begin_length(self->out, WEIR_BUF_LENGTH_U16);
    write_somehow(self, weir_bytes_of(self->bytes + it->block, (size_t)it->bits));
    expect_status(weir_buf_end_length(self->out, length), WEIR_OK);
}

static void write_record(model *self, record *it) {
    it->family = (family)below(self, FAMILIES);
    it->bits = roll_number(self);
    it->at = self->len;
    weir_buf_mark mark = weir_buf_mark_at(self->out);
    if (below(self, 10) == 0) {
        weir_buf_write_varint_u64(self->out, roll(self));
        expect(weir_buf_reset_writer(self->out, mark));
    }
    if (it->family <= AN_F64_LE) {
        write_number(self, it);
    } else if (it->family <= A_VARINT_S64) {
        write_varint(self, it);
    } else if (it->family == A_CHARACTER) {
        it->bits = roll_character(self);
        weir_buf_write_utf8(self->out, (uint32_t)it->bits);
        spell_character(self, (uint32_t)it->bits);
    } else {
        write_block(self, it);
    }
}

/* ---- reading ---------------------------------------------------------------------------------- */

static weir_buf_got got_if(bool is_there) {
    return is_there ? WEIR_BUF_GOT : WEIR_BUF_MORE;
}

static weir_buf_got read_number(model *self, const record *it) {
    bool truth = false, is_there;
    float single = 0;
    double twice = 0;
    uint32_t half = 0;
    uint64_t whole = 0;
    switch (it->family) {
    case A_BOOL:
        is_there = weir_buf_read_bool(self->in, &truth);
        if (is_there) expect_eq(truth, it->bits != 0);
        return got_if(is_there);
    case AN_F32:
        is_there = weir_buf_read_f32(self->in, &single);
        memcpy(&half, &single, sizeof half);
        if (is_there) expect_eq(half, (uint32_t)it->bits);
        return got_if(is_there);
    default:
        is_there = weir_buf_read_f64_le(self->in, &twice);
        memcpy(&whole, &twice, sizeof whole);
        if (is_there) expect_eq(whole, it->bits);
        return got_if(is_there);
    }
}

static weir_buf_got read_varint(model *self, const record *it) {
    uint32_t u32 = 0;
    uint64_t u64 = 0;
    int32_t s32 = 0;
    int64_t s64 = 0;
    weir_buf_got got;
    switch (it->family) {
    case A_VARINT_U32:
        if ((got = weir_buf_read_varint_u32(self->in, &u32)) == WEIR_BUF_GOT) expect_eq(u32, it->bits);
        return got;
    case A_VARINT_U64:
        if ((got = weir_buf_read_varint_u64(self->in, &u64)) == WEIR_BUF_GOT) expect_eq(u64, it->bits);
        return got;
    case A_VARINT_S32:
        if ((got = weir_buf_read_varint_s32(self->in, &s32)) == WEIR_BUF_GOT)
            expect_eq(s32, (int32_t)it->bits);
        return got;
    default:
        if ((got = weir_buf_read_varint_s64(self->in, &s64)) == WEIR_BUF_GOT)
            expect_eq(s64, (int64_t)it->bits);
        return got;
    }
}

static weir_buf_got read_character(model *self, const record *it) {
    size_t n = weir_utf8_size((uint32_t)it->bits);
    if (weir_buf_readable(self->in) < n) return WEIR_BUF_MORE;
    weir_buf *slice = weir_buf_read_slice(self->in, n);
    expect(weir_buf_is_utf8(slice));
    expect_eq(weir_buf_is_ascii(slice), n == 1);
    expect(weir_buf_equal_bytes(slice, weir_bytes_of(self->bytes + it->at, n)));
    weir_buf_release(slice);
    return WEIR_BUF_GOT;
}

static weir_buf_got read_block(model *self, const record *it) {
    bool is_varint = it->family == A_BLOCK_VARINT;
    weir_buf_length_kind kind = is_varint ? WEIR_BUF_LENGTH_VARINT : WEIR_BUF_LENGTH_U16;
    weir_bytes expected = weir_bytes_of(self->bytes + it->block, (size_t)it->bits), view;
    weir_buf *slice;
    weir_buf_got got;
    if (below(self, 2) == 0) {
        got = weir_buf_read_block_view(self->in, kind, LONGEST_BLOCK, &view);
        if (got == WEIR_BUF_GOT) expect_same_bytes(view, expected);
        return got;
    }
    got = weir_buf_read_block(self->in, kind, LONGEST_BLOCK, &slice);
    if (got != WEIR_BUF_GOT) return got;
    slice = weir_buf_compact_if(slice, 1 + below(self, 4));
    expect_eq(weir_buf_checksum(slice, 0, expected.len, WEIR_CHECKSUM_CRC32C),
              weir_checksum_update(WEIR_CHECKSUM_CRC32C, 0, expected));
    expect(weir_buf_equal_bytes(slice, expected));
    weir_buf_release(slice);
    return got;
}

static weir_buf_got read_record(model *self, const record *it) {
    if (it->family <= AN_F64_LE) return read_number(self, it);
    if (it->family <= A_VARINT_S64) return read_varint(self, it);
    return it->family == A_CHARACTER ? read_character(self, it) : read_block(self, it);
}

/* ---- arriving --------------------------------------------------------------------------------- */

static void arrive(model *self) {
    size_t n = 1 + below(self, below(self, 4) == 0 ? 60 : 6);
    weir_bytes piece = weir_bytes_sub(weir_bytes_of(self->bytes, self->len), self->arrived, n);
    require(piece.len > 0);
    self->arrived += piece.len;
    if (!weir_buf_is_composite(self->in)) {
        weir_buf_write_view(self->in, piece);
        return;
    }
    weir_buf *part = below(self, 2) == 0 ? weir_pool_get(self->pool, 200) : weir_buf_new(piece.len);
    weir_buf_write_view(part, piece);
    if (below(self, 3) == 0) {
        weir_buf *slice = weir_buf_read_slice(part, piece.len);
        weir_buf_release(part);
        part = slice;
    }
    expect_status(weir_buf_append_ref_or_copy(self->in, part, below(self, 8)), WEIR_OK);
}

/* Nothing of this may be seen in what is read. */
static void disturb(model *self) {
    weir_buf *other;
    switch (below(self, 12)) {
    case 0: weir_buf_compact(self->in); break;
    case 1: self->in = weir_buf_compact_if(self->in, 3); break;
    case 2:
        other = weir_buf_duplicate(self->in);
        self->in = weir_buf_unshare(self->in);
        expect(weir_buf_equal(self->in, other));
        weir_buf_release(other);
        break;
    case 3:
        if (weir_buf_is_composite(self->in)) break;
        other = weir_buf_composite_new();
        expect_status(weir_buf_composite_append(other, self->in), WEIR_OK);
        self->in = other;
        break;
    default: break;
    }
    require(self->in != NULL);
}

static void read_all(model *self) {
    for (size_t i = 0; i < RECORDS; i++) {
        weir_buf_mark start = weir_buf_mark_at(self->in);
        size_t readable = weir_buf_readable(self->in);
        weir_buf_got got = read_record(self, &self->records[i]);
        if (got == WEIR_BUF_GOT && below(self, 4) == 0) {
            expect(weir_buf_reset_reader(self->in, start));
            got = read_record(self, &self->records[i]);
        }
        expect(got != WEIR_BUF_BROKEN);
        if (got == WEIR_BUF_GOT) continue;
        expect_eq(weir_buf_readable(self->in), readable);
        disturb(self);
        arrive(self);
        i--;
    }
    expect_eq(self->arrived, self->len);
    expect(!weir_buf_is_readable(self->in));
}

static void live(model *self) {
    self->len = self->arrived = 0;
    self->out = below(self, 2) == 0 ? weir_buf_composite_new() : weir_pool_get(self->pool, 64);
    self->in = weir_buf_composite_new();
    for (size_t i = 0; i < RECORDS; i++) write_record(self, &self->records[i]);
    expect_status(weir_buf_status(self->out), WEIR_OK);
    expect(weir_buf_equal_bytes(self->out, weir_bytes_of(self->bytes, self->len)));
    read_all(self);
    weir_buf_release(self->out);
    weir_buf_release(self->in);
}

WEIR_TEST(buf_families_model, every_value_comes_out_as_it_went_in_however_it_travelled) {
    static model self;
    const char *seed = getenv("WEIR_SEED");
    self.random = seed != NULL ? strtoull(seed, NULL, 0) : 1;
    if (self.random == 0) self.random = 1;
    self.pool = weir_pool_new(NULL);
    require(self.pool != NULL);
    for (int i = 0; i < LIVES; i++) {
        weir_test_context("WEIR_SEED=%llu in front of life %d", (unsigned long long)self.random, i);
        live(&self);
    }
    weir_pool_free(self.pool);
}
