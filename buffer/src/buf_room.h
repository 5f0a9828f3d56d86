/* buf_room.h - private: memory to write into, shared by the sources that need some. */
#ifndef WEIR_BUF_ROOM_H
#define WEIR_BUF_ROOM_H

#include "buf_root.h"

/* What a window over no memory points at: never read, never written, and not NULL. */
extern uint8_t weir_buf_nothing[1];

/* Stops a caller that writes to what is not his to change. */
#define REQUIRE_WRITABLE(buf)                                                                                \
    WEIR_CHECK(!weir_buf_is_read_only(buf), "this buf is read-only: %p", (void *)(buf))

/* Neither read-only nor failed. */
static inline bool weir_buf_takes_writes(const weir_buf *buf) {
    return (buf->obj.bits & ~(uint32_t)(WEIR_BUF_VIEW | WEIR_BUF_COMPOSITE | WEIR_BUF_PRISTINE)) == 0;
}

/* Where the memory that `buf`, not a composite, may use in place ends. */
uint8_t *weir_buf_memory_end(const weir_buf *buf);

/* An empty buf of the same kind as the root `like`, or on the heap where that kind makes none.
 * Gives: a buf with at least `capacity` bytes, or NULL when out of memory. Borrows: like. */
weir_buf *weir_buf_another(weir_buf *like, size_t capacity);

/* Room for `n` more bytes that lie together, or a failure that is returned and not stuck. */
weir_status weir_buf_make_room(weir_buf *buf, size_t n);

#endif
