/* view.h - private: a header over memory that another buf owns. */
#ifndef WEIR_VIEW_H
#define WEIR_VIEW_H

#include <weir/buffer/buf.h>

/* `len` readable bytes at `ptr`, in memory that `root` owns; `flags` may have WEIR_BUF_READ_ONLY.
 * Borrows: root, and retains it. Gives: a buf that cannot grow, or NULL when out of memory. */
weir_buf *weir_view_new(weir_buf *root, uint8_t *ptr, size_t len, uint32_t flags);

/* The end of a view: its root loses a reference, the header is recycled. */
void weir_view_free(weir_buf *view);

/* Turns a reference on `buf`, which shows another's memory and is no composite, into one on the root that owns it.
 * No count is touched when nobody else holds `buf`. Takes: buf. Gives: the root. */
weir_buf *weir_view_take_root(weir_buf *buf);

#endif
