/* header_cache.h - private: recycled headers, so that a view costs no allocation.
 *
 * Each thread keeps the headers it released last, a bounded number of each kind, and hands them out
 * again: a slice and its release then cost a push and a pop. The room a cached composite has for parts
 * stays with it.
 */
#ifndef WEIR_HEADER_CACHE_H
#define WEIR_HEADER_CACHE_H

#include <weir/buffer/buf.h>

typedef enum header_kind {
    HEADER_VIEW,      /* weir_buf */
    HEADER_ROOT,      /* buf_root */
    HEADER_COMPOSITE, /* buf_composite; its part table is ready for use */
    HEADER_KINDS,
} header_kind;

/* Memory for a header, not yet an object; NULL when out of memory. */
weir_buf *weir_header_get(header_kind kind);

/* Takes: `header`, which weir_header_get gave for the same kind, on any thread. */
void weir_header_put(header_kind kind, weir_buf *header);

#endif
