/* header_cache.h - private: recycled headers, so that a view costs no allocation.
 *
 * Each thread keeps the headers it released last, a bounded number of each kind, and hands them out
 * again: a slice and its release then cost a push and a pop. The room a cached composite has for parts
 * stays with it. Views and composites that are alive are not counted one by one: they are the headers that exist
 * less those that are kept.
 *
 * Only blocks of the plain malloc allocator are kept, and none while leaks are tracked; so a test that
 * counts or refuses allocations sees every one of them. A thread that ends gives its headers back.
 */
#ifndef WEIR_HEADER_CACHE_H
#define WEIR_HEADER_CACHE_H

#include <stdatomic.h>

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

/* The most of each kind that one thread keeps. */
static inline size_t weir_headers_most(header_kind kind) {
    return kind == HEADER_COMPOSITE ? 64 : 256;
}

/* One thread's. */
typedef struct header_cache {
    weir_alloc *alloc; /* whose blocks these are; NULL while none are kept */
    struct {
        weir_buf *top;       /* linked by `root`, which stays readable; the rest is poisoned */
        _Atomic size_t kept; /* so many; written by the thread alone */
    } of[HEADER_KINDS];
    struct header_cache *next; /* another thread's */
    bool has_ended;
} header_cache;

extern _Thread_local header_cache weir_headers __attribute__((tls_model("initial-exec")));

/* The out-of-line halves: when the cache is empty, or full, or not to be used now. */
weir_buf *weir_header_make(header_kind kind);
void weir_header_destroy(header_kind kind, weir_buf *header);

static inline bool weir_headers_are_kept(void) {
    return weir_alloc_is_default(weir_headers.alloc) && !weir_leak_is_tracking();
}

static inline size_t weir_headers_kept(header_kind kind) {
    return atomic_load_explicit(&weir_headers.of[kind].kept, memory_order_relaxed);
}

static inline void weir_headers_set_kept(header_kind kind, size_t n) {
    atomic_store_explicit(&weir_headers.of[kind].kept, n, memory_order_relaxed);
}

/* A header that was kept, or NULL. When there is one, leaks are not tracked. */
static inline weir_buf *weir_header_take(header_kind kind) {
    weir_buf *header = weir_headers.of[kind].top;
    if (WEIR_UNLIKELY(header == NULL || !weir_headers_are_kept())) return NULL;
    weir_headers.of[kind].top = header->root;
    weir_headers_set_kept(kind, weir_headers_kept(kind) - 1);
    ASAN_UNPOISON_MEMORY_REGION(header, offsetof(weir_buf, root));
    return header;
}

/* Memory for a header, not yet an object; NULL when out of memory. */
static inline weir_buf *weir_header_get(header_kind kind) {
    weir_buf *header = weir_header_take(kind);
    return WEIR_LIKELY(header != NULL) ? header : weir_header_make(kind);
}

/* Takes: `header`, which weir_header_get gave for the same kind, on any thread. */
static inline void weir_header_put(header_kind kind, weir_buf *header) {
    size_t kept = weir_headers_kept(kind);
    if (WEIR_UNLIKELY(kept >= weir_headers_most(kind) || !weir_headers_are_kept())) {
        weir_header_destroy(kind, header);
        return;
    }
    header->root = weir_headers.of[kind].top;
    weir_headers.of[kind].top = header;
    weir_headers_set_kept(kind, kept + 1);
    ASAN_POISON_MEMORY_REGION(header, offsetof(weir_buf, root));
}

#endif
