/* <weir/buffer/buf.h> - the ByteBuf: a window of indices over counted memory.
 *
 *       base         rp             wp             ep
 *        |  headroom  |   readable   |   writable   |  ... grows up to max
 *        0       reader index   writer index    capacity
 *
 * In short: writes go in at wp, reads come out at rp, and 0 <= rp <= wp <= ep always holds. There is
 * no flip. One type for everything: heap, pooled, wrapped, a view of another buf, or a composite of
 * many. A composite shows its current part in the same window, so an access compares once
 * (`wp - rp` or `ep - wp`) and only the miss goes out of line.
 *
 * Rules
 *   - Reads that want more than is readable answer false and move nothing.
 *   - Writes grow. The first write that cannot (out of memory, at max) sticks to the buf: later writes
 *     do nothing, weir_buf_status tells, and a channel refuses the buf. So encoders need no `if`.
 *   - Writing to a read-only buf is a bug and stops the program.
 *   - "At" is an absolute position from base; "the reader index" is rp - base. For a composite,
 *     position 0 is the first byte of its first part.
 *   - A composite and a read-only buf end at their writer index: moving it back cuts off what lies behind.
 *   - Growing moves the bytes to new memory. Views taken before keep the old memory, alive and
 *     unchanged; they no longer share later writes.
 *
 * Fields are readable, not writable. Layer: buffer. Needs core. One buf, one thread at a time;
 * retain and release from any thread.
 */
#ifndef WEIR_BUFFER_BUF_H
#define WEIR_BUFFER_BUF_H

#include <weir/core/bytes.h>
#include <weir/core/obj.h>
#include <weir/core/status.h>

WEIR_BEGIN_DECLS

typedef struct weir_buf weir_buf;

struct weir_buf {
    weir_obj obj;   /* bits: flags below in the low half, the sticky failure in the high half */
    uint8_t *rp;    /* next byte to read */
    uint8_t *wp;    /* next byte to write */
    uint8_t *ep;    /* end of the memory at hand */
    uint8_t *base;  /* start of the memory at hand */
    weir_buf *root; /* whose memory this is: itself, or one reference held on another */
    size_t max;     /* most bytes it may ever hold */
};

/* What all bufs are to weir_obj_is. */
WEIR_API extern const weir_obj_type weir_buf_type;

enum {
    WEIR_BUF_VIEW = 1u << 0,      /* slice or duplicate: owns no memory of its own */
    WEIR_BUF_COMPOSITE = 1u << 1, /* shows many parts as one */
    WEIR_BUF_READ_ONLY = 1u << 2,
    WEIR_BUF_PRISTINE = 1u << 3, /* as its pool made it, but for the indices: goes back without a look */
};

/* Initial capacity where none is asked for, and the default for max. */
#define WEIR_BUF_CAPACITY 256
#define WEIR_BUF_MAX ((size_t)INT64_MAX)

/* ---- life ------------------------------------------------------------------------------------- */

/* A buf on the heap (weir_alloc_default): for tests, tools and rare big ones; servers take theirs from a
 * pool. `capacity` 0 allocates no memory until the first write. Gives: a buf, or NULL when out of memory. */
WEIR_API WEIR_MUST_USE weir_buf *weir_buf_new(size_t capacity);

/* The same with a limit: writes past `max` bytes fail with WEIR_E_FULL.
 * Requires: capacity <= max. Gives: a buf, or NULL when out of memory. */
WEIR_API WEIR_MUST_USE weir_buf *weir_buf_new_limited(size_t capacity, size_t max);

/* The one buf with nothing in it: read-only, never freed, free to release. Borrowed or given: no
 * difference. Any thread. */
WEIR_API WEIR_NEVER_NULL weir_buf *weir_buf_empty(void);

/* One more reference; returns `buf`, which may be NULL. Gives: that reference. Any thread. */
static inline weir_buf *weir_buf_retain(weir_buf *buf) {
    return (weir_buf *)weir_obj_retain(buf);
}

/* The out-of-line half of the next one; do not call it. Takes: buf. */
WEIR_API void weir_buf_release_last(weir_buf *buf);

/* One reference less; the last gives the memory back. Takes: `buf`, which may be NULL. Any thread. */
static inline void weir_buf_release(weir_buf *buf) {
    if (buf == NULL) return;
    if (WEIR_LIKELY(weir_obj_is_unshared(buf))) {
        weir_buf_release_last(buf);
    } else {
        weir_obj_release_shared(&buf->obj);
    }
}

/* `obj` as a buf when it is one, else NULL. Borrows: obj, and so the answer. */
static inline weir_buf *weir_buf_from(weir_obj *obj) {
    return weir_obj_is(obj, &weir_buf_type) ? (weir_buf *)obj : NULL;
}

/* ---- questions -------------------------------------------------------------------------------- */
/* All functions of this section: Borrows: buf. They change nothing and cannot fail. */

WEIR_API size_t weir_buf_readable_slow(const weir_buf *buf);
WEIR_API size_t weir_buf_reader_index_slow(const weir_buf *buf);
WEIR_API size_t weir_buf_capacity_slow(const weir_buf *buf);
WEIR_API size_t weir_buf_writable_slow(const weir_buf *buf);
WEIR_API weir_bytes weir_buf_peek_slow(const weir_buf *buf);

static inline bool weir_buf_is_composite(const weir_buf *buf) {
    return (buf->obj.bits & WEIR_BUF_COMPOSITE) != 0;
}

static inline bool weir_buf_is_read_only(const weir_buf *buf) {
    return (buf->obj.bits & WEIR_BUF_READ_ONLY) != 0;
}

/* Bytes that can be read. */
static inline size_t weir_buf_readable(const weir_buf *buf) {
    if (WEIR_UNLIKELY(weir_buf_is_composite(buf))) return weir_buf_readable_slow(buf);
    return (size_t)(buf->wp - buf->rp);
}

static inline bool weir_buf_is_readable(const weir_buf *buf) {
    return buf->rp != buf->wp || weir_buf_readable(buf) != 0;
}

/* Bytes that can be written without growing; 0 for a buf that is read-only or has failed. */
static inline size_t weir_buf_writable(const weir_buf *buf) {
    if (WEIR_UNLIKELY(buf->ep == buf->wp && weir_buf_is_composite(buf))) return weir_buf_writable_slow(buf);
    return (size_t)(buf->ep - buf->wp);
}

/* Positions, counted from the start of the buf. */
static inline size_t weir_buf_reader_index(const weir_buf *buf) {
    if (WEIR_UNLIKELY(weir_buf_is_composite(buf))) return weir_buf_reader_index_slow(buf);
    return (size_t)(buf->rp - buf->base);
}

static inline size_t weir_buf_writer_index(const weir_buf *buf) {
    return weir_buf_reader_index(buf) + weir_buf_readable(buf);
}

/* Where positions end: readable and writable together, except for a composite, whose room to write is
 * nowhere yet. */
static inline size_t weir_buf_capacity(const weir_buf *buf) {
    if (WEIR_UNLIKELY(weir_buf_is_composite(buf))) return weir_buf_capacity_slow(buf);
    return (size_t)(buf->ep - buf->base);
}

/* Bytes that could still be written, growing as far as max; 0 for a buf that is read-only or has failed. */
WEIR_API size_t weir_buf_max_writable(const weir_buf *buf);

/* The first failure of a write, or WEIR_OK. */
static inline weir_status weir_buf_status(const weir_buf *buf) {
    return -(weir_status)(buf->obj.bits >> 16);
}

/* True when nobody else holds this buf or its memory. */
WEIR_API bool weir_buf_is_unshared(const weir_buf *buf);

/* The readable bytes that lie together at the reader index: all of them, unless it is a composite.
 * Until: the next call that moves, writes or releases `buf`. */
static inline weir_bytes weir_buf_peek(const weir_buf *buf) {
    if (WEIR_UNLIKELY(buf->rp == buf->wp && weir_buf_is_composite(buf))) {
        return weir_buf_peek_slow(buf);
    }
    return weir_bytes_of(buf->rp, (size_t)(buf->wp - buf->rp));
}

/* ---- moving without looking ------------------------------------------------------------------- */
/* All functions of this section: Borrows: buf. */

WEIR_API bool weir_buf_skip_slow(weir_buf *buf, size_t n);

/* Drops `n` readable bytes; false, moving nothing, when there are fewer. */
static inline bool weir_buf_skip(weir_buf *buf, size_t n) {
    if (WEIR_UNLIKELY((size_t)(buf->wp - buf->rp) < n)) return weir_buf_skip_slow(buf, n);
    buf->rp += n;
    return true;
}

/* Sets both positions at once; false, moving nothing, unless reader <= writer <= capacity. */
WEIR_API bool weir_buf_set_positions(weir_buf *buf, size_t reader, size_t writer);

/* Both positions to 0 and the sticky failure forgotten; the bytes stay as they are. A composite drops
 * its parts. */
WEIR_API void weir_buf_clear(weir_buf *buf);

/* ---- room to write ---------------------------------------------------------------------------- */
/* All functions of this section: Borrows: buf. */

typedef enum weir_buf_room {
    WEIR_BUF_ROOM_ENOUGH = 0,      /* it was there, nothing changed */
    WEIR_BUF_ROOM_TOO_LITTLE = 1,  /* not there, and nothing was changed */
    WEIR_BUF_ROOM_GREW = 2,        /* grown, now it is there */
    WEIR_BUF_ROOM_GREW_TO_MAX = 3, /* grown as far as max allows, and still too little */
} weir_buf_room;

/* Room for `n` more bytes. With `force` a buf that cannot hold n grows to its max anyway. Never sticks a
 * failure; TOO_LITTLE is also the answer when out of memory or read-only. */
WEIR_API weir_buf_room weir_buf_ensure_writable(weir_buf *buf, size_t n, bool force);

/* `n` writable bytes that lie together, to be filled by the caller and counted by weir_buf_commit.
 * NULL when it cannot grow so far: the failure sticks. Until: the next call on `buf`. */
WEIR_API uint8_t *weir_buf_reserve(weir_buf *buf, size_t n);

WEIR_API void weir_buf_commit_slow(weir_buf *buf, size_t n);

/* "I filled n of them." Requires: n <= weir_buf_writable(buf). */
static inline void weir_buf_commit(weir_buf *buf, size_t n) {
    if (WEIR_UNLIKELY((size_t)(buf->ep - buf->wp) < n)) {
        weir_buf_commit_slow(buf, n);
        return;
    }
    buf->wp += n;
}

/* Room for `n` bytes in front of the reader index: moves it back over headroom. False, moving nothing,
 * when the headroom is smaller; the bytes then hold what was there before. */
WEIR_API bool weir_buf_prepend(weir_buf *buf, size_t n);

/* Sets both indices to `n`: headroom for weir_buf_prepend. Requires: an empty buf at position 0; grows as
 * a write would. */
WEIR_API void weir_buf_reserve_headroom(weir_buf *buf, size_t n);

/* Changes the capacity: growing is bounded by max, shrinking cuts the indices to it.
 * Fails: WEIR_E_FULL, WEIR_E_NO_MEMORY, WEIR_E_UNSUPPORTED for a composite. */
WEIR_API weir_status weir_buf_set_capacity(weir_buf *buf, size_t capacity);

/* Moves the readable bytes to the front, making the headroom writable. A composite lets go of what is
 * read instead, and no byte moves.
 * Fails: WEIR_E_SHARED when a view looks at this memory (it would see other bytes), or it is read-only. */
WEIR_API weir_status weir_buf_compact(weir_buf *buf);

/* The capacity a buf grows to when it must hold `need` bytes: powers of two from 64 to 4 MiB, then steps
 * of 4 MiB, cut to `max`. */
WEIR_API size_t weir_buf_growth(size_t need, size_t max);

/* From now on every write is a bug; it cannot be undone. */
WEIR_API void weir_buf_set_read_only(weir_buf *buf);

/* Sticks a failure as a write would; a first one stays. For encoders that find their input too big.
 * Requires: status < 0. */
WEIR_API void weir_buf_fail(weir_buf *buf, weir_status status);

WEIR_END_DECLS

#endif
