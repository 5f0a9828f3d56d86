/* buf_scan.c - sets of bytes forwards and backwards, and a needle backwards by bitap.
 *
 * Backwards, the runs of a composite are met last to first, which buf_walk.h does not do.
 */
#include <weir/buffer/buf_scan.h>

#include "buf_walk.h"

#define BIT(byte) ((uint64_t)1 << (byte) % 64)

const weir_byte_set weir_byte_set_nul = {{BIT(0)}};
const weir_byte_set weir_byte_set_cr = {{BIT('\r')}};
const weir_byte_set weir_byte_set_lf = {{BIT('\n')}};
const weir_byte_set weir_byte_set_crlf = {{BIT('\r') | BIT('\n')}};
const weir_byte_set weir_byte_set_blank = {{BIT(' ') | BIT('\t')}};
const weir_byte_set weir_byte_set_comma = {{BIT(',')}};
const weir_byte_set weir_byte_set_semicolon = {{BIT(';')}};

weir_byte_set weir_byte_set_of(weir_bytes bytes) {
    weir_byte_set set = {{0}};
    for (size_t i = 0; i < bytes.len; i++) set.words[bytes.ptr[i] / 64] |= BIT(bytes.ptr[i]);
    return set;
}

/* ---- forwards --------------------------------------------------------------------------------- */

static size_t find_forwards(const weir_buf *buf, size_t from, const weir_byte_set *set, bool wanted) {
    size_t readable = weir_buf_readable(buf);
    if (from >= readable) return WEIR_NOT_FOUND;
    buf_walk walk = weir_walk_readable(buf, from, readable - from);
    buf_run run;
    for (size_t at = from; weir_walk_next(&walk, &run); at += run.len) {
        for (size_t i = 0; i < run.len; i++) {
            if (weir_byte_set_has(set, run.ptr[i]) == wanted) return at + i;
        }
    }
    return WEIR_NOT_FOUND;
}

size_t weir_buf_find_in(const weir_buf *buf, size_t from, const weir_byte_set *set) {
    return find_forwards(buf, from, set, true);
}

size_t weir_buf_find_out(const weir_buf *buf, size_t from, const weir_byte_set *set) {
    return find_forwards(buf, from, set, false);
}

/* ---- backwards -------------------------------------------------------------------------------- */

/* Run `i` of the readable bytes, counted from the last; false when there are no more. */
static bool run_from_behind(const weir_buf *buf, size_t i, weir_bytes *run) {
    if (!weir_buf_is_composite(buf)) {
        *run = weir_bytes_of(buf->rp, (size_t)(buf->wp - buf->rp));
        return i == 0;
    }
    const buf_composite *parts = weir_composite_of(buf);
    if (i >= parts->count - (parts->count == 0 ? 0 : parts->cur)) return false;
    size_t place = parts->count - 1 - i;
    *run = weir_parts_bytes(parts, place);
    if (place == parts->cur) *run = weir_bytes_sub(*run, (size_t)(buf->rp - buf->base), run->len);
    return true;
}

static size_t find_backwards(const weir_buf *buf, const weir_byte_set *set, bool wanted) {
    size_t at = weir_buf_readable(buf);
    weir_bytes run;
    for (size_t i = 0; run_from_behind(buf, i, &run); i++) {
        for (size_t j = run.len; j-- > 0;) {
            at--;
            if (weir_byte_set_has(set, run.ptr[j]) == wanted) return at;
        }
    }
    return WEIR_NOT_FOUND;
}

size_t weir_buf_find_last_in(const weir_buf *buf, const weir_byte_set *set) {
    return find_backwards(buf, set, true);
}

size_t weir_buf_find_last_out(const weir_buf *buf, const weir_byte_set *set) {
    return find_backwards(buf, set, false);
}

/* ---- a needle backwards ----------------------------------------------------------------------- */

static bool stands_at(const weir_buf *buf, size_t at, weir_bytes bytes) {
    size_t readable = weir_buf_readable(buf);
    if (bytes.len > readable - at) return false;
    buf_walk walk = weir_walk_readable(buf, at, bytes.len);
    buf_run run;
    for (const uint8_t *p = bytes.ptr; weir_walk_next(&walk, &run); p += run.len) {
        if (memcmp(run.ptr, p, run.len) != 0) return false;
    }
    return true;
}

/* Shift-or with the needle back to front: bit k of the state is 0 while its last k + 1 bytes match here. */
size_t weir_buf_find_last_bytes(const weir_buf *buf, weir_bytes needle) {
    size_t at = weir_buf_readable(buf);
    if (needle.len > at) return WEIR_NOT_FOUND;
    if (needle.len == 0) return at;
    size_t n = needle.len < 64 ? needle.len : 64;
    uint64_t masks[256], state = UINT64_MAX;
    memset(masks, 0xff, sizeof masks);
    for (size_t i = 0; i < n; i++) masks[needle.ptr[i]] &= ~BIT(n - 1 - i);
    weir_bytes behind = weir_bytes_sub(needle, n, needle.len), run;
    for (size_t i = 0; run_from_behind(buf, i, &run); i++) {
        for (size_t j = run.len; j-- > 0;) {
            at--;
            state = state << 1 | masks[run.ptr[j]];
            bool is_here = (state >> (n - 1) & 1) == 0;
            if (is_here && (behind.len == 0 || stands_at(buf, at + n, behind))) return at;
        }
    }
    return WEIR_NOT_FOUND;
}
