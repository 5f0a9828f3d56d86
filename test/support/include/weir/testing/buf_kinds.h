/* <weir/testing/buf_kinds.h> - the same bytes in every kind of buf there is.
 *
 *     static void finds_a_colon(weir_buf *buf, weir_bytes content) { ... expect(...) ... }
 *     weir_buf_kinds_each(WEIR_BUF_KIND_ANY, weir_bytes_str("a:b"), finds_a_colon);
 *
 * Heap, pooled, wrapped, mapped, views, composites cut at every offset: a check that holds for all of them
 * is part of the contract of weir_buf. The kind and the cut become the context of what fails.
 *
 * Layer: testing. Needs the buffer module. The test's own thread.
 */
#ifndef WEIR_TESTING_BUF_KINDS_H
#define WEIR_TESTING_BUF_KINDS_H

#include <weir/buffer.h>

WEIR_BEGIN_DECLS

/* What a kind must allow for a check to run on it. */
enum {
    WEIR_BUF_KIND_ANY = 0,
    WEIR_BUF_KIND_WRITABLE = 1u << 0, /* bytes that are there may be overwritten */
    WEIR_BUF_KIND_GROWS = 1u << 1,    /* bytes may be appended without limit */
};

/* `buf` has exactly the bytes of `content` readable. Borrows: both; `buf` is released afterwards. */
typedef void weir_buf_check_fn(weir_buf *buf, weir_bytes content);

/* Runs `check` on a fresh buf of every kind that has all of `traits`; a kind that has seams once for each
 * place of the seam, or for 40 of them when `content` is longer. Borrows: content. */
void weir_buf_kinds_each(unsigned traits, weir_bytes content, weir_buf_check_fn *check);

/* How many kinds there are; a fresh buf of one of them, cut at `cut` (0 to content.len) where it has seams.
 * `pool` is for the pooled kind. Borrows: content until the buf is released. */
size_t weir_buf_kinds_count(void);
const char *weir_buf_kinds_name(size_t kind);
unsigned weir_buf_kinds_traits(size_t kind);
weir_buf *weir_buf_kinds_make(size_t kind, weir_bytes content, size_t cut, weir_pool *pool);

WEIR_END_DECLS

#endif
