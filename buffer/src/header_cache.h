/* header_cache.h - private: recycled headers, so that a view costs no allocation.
 *
 * Each thread keeps the headers it released last, a bounded number of each kind, and hands them out
 * again: a slice and its release then cost a push and a pop. The room a cached composite has for parts
 * stays with it.
 *
 * Only blocks of the plain malloc allocator are kept, and none while leaks are tracked; so a test that
 * counts or refuses allocations sees every one of them. A thread that ends gives its headers back.
 */
#ifndef WEIR_HEADER_CACHE_H
#define WEIR_HEADER_CACHE_H

#include <weir/buffer/buf.h>
#include <weir/core/alloc.h>

#if defined(__SANITIZE_ADDRESS__)
#define HEADERS_ARE_WATCHED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HEADERS_ARE_WATCHED 1
#endif
#endif
#ifdef HEADERS_ARE_WATCHED
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(ptr, size) ((void)(ptr), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(ptr, size) ((void)(ptr), (void)(size))
#endif

typedef enum header_kind {
    HEADER_VIEW,      /* weir_buf */
    HEADER_ROOT,      /* buf_root */
    HEADER_COMPOSITE, /* buf_composite; its part table is ready for use */
    HEADER_KINDS,
} header_kind;

/* One thread's. */
typedef struct header_cache {
    weir_alloc *alloc; /* whose blocks these are; NULL while none are kept */
    struct {
        weir_buf *top; /* linked by `root`, which stays readable; the rest is poisoned */
        size_t room;   /* how many more are kept */
    } of[HEADER_KINDS];
} header_cache;

extern _Thread_local header_cache weir_headers __attribute__((tls_model("initial-exec")));

/* The out-of-line halves: when the cache is empty, or full, or not to be used now. */
weir_buf *weir_header_make(header_kind kind);
void weir_header_destroy(header_kind kind, weir_buf *header);

static inline bool weir_headers_are_kept(void) {
    return weir_headers.alloc == weir_alloc_default() && !weir_leak_is_tracking();
}

/* Memory for a header, not yet an object; NULL when out of memory. */
static inline weir_buf *weir_header_get(header_kind kind) {
    weir_buf *header = weir_headers.of[kind].top;
    if (WEIR_UNLIKELY(header == NULL || !weir_headers_are_kept())) return weir_header_make(kind);
    weir_headers.of[kind].top = header->root;
    weir_headers.of[kind].room++;
    ASAN_UNPOISON_MEMORY_REGION(header, offsetof(weir_buf, root));
    return header;
}

/* Takes: `header`, which weir_header_get gave for the same kind, on any thread. */
static inline void weir_header_put(header_kind kind, weir_buf *header) {
    if (WEIR_UNLIKELY(weir_headers.of[kind].room == 0 || !weir_headers_are_kept())) {
        weir_header_destroy(kind, header);
        return;
    }
    header->root = weir_headers.of[kind].top;
    weir_headers.of[kind].top = header;
    weir_headers.of[kind].room--;
    ASAN_POISON_MEMORY_REGION(header, offsetof(weir_buf, root));
}

#endif
