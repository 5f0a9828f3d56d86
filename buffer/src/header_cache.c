/* header_cache.c - recycled headers, per thread.
 *
 * Rule: only blocks of the plain malloc allocator are kept, and none while leaks are tracked; so a test
 * that counts or refuses allocations sees every one of them. A thread that ends gives its headers back.
 */
#include "header_cache.h"

#include <pthread.h>
#include <string.h>

#include <weir/core/alloc.h>

#include "buf_parts.h"
#include "buf_root.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WATCHED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(WATCHED)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(ptr, size) ((void)(ptr), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(ptr, size) ((void)(ptr), (void)(size))
#endif

typedef struct kind_traits {
    size_t size;
    uint32_t most;                                   /* kept by one thread */
    void (*made)(weir_buf *header);                  /* the memory is new */
    void (*gone)(weir_buf *header, weir_alloc *alloc); /* it is about to go back */
} kind_traits;

static const kind_traits traits[HEADER_KINDS] = {
    [HEADER_VIEW] = {sizeof(weir_buf), 256, NULL, NULL},
    [HEADER_ROOT] = {sizeof(buf_root), 256, NULL, NULL},
    [HEADER_COMPOSITE] = {sizeof(buf_composite), 64, weir_parts_made, weir_parts_gone},
};

typedef struct header_cache {
    weir_alloc *alloc;            /* whose blocks these are; NULL while none are kept */
    weir_buf *top[HEADER_KINDS];  /* linked by `root`, which stays readable */
    uint32_t count[HEADER_KINDS];
    bool has_ended; /* other destructors of this thread may still release: they keep nothing */
} header_cache;

static _Thread_local __attribute__((tls_model("initial-exec"))) header_cache mine;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t at_thread_end;
static bool has_key;

static weir_buf *make_header(header_kind kind, weir_alloc *alloc) {
    weir_buf *header = weir_alloc_acquire(alloc, traits[kind].size);
    if (header != NULL && traits[kind].made != NULL) traits[kind].made(header);
    return header;
}

static void destroy_header(header_kind kind, weir_buf *header, weir_alloc *alloc) {
    if (traits[kind].gone != NULL) traits[kind].gone(header, alloc);
    weir_alloc_release(alloc, header);
}

static inline void push(header_kind kind, weir_buf *header) {
    header->root = mine.top[kind];
    mine.top[kind] = header;
    mine.count[kind]++;
    ASAN_POISON_MEMORY_REGION(header, offsetof(weir_buf, root));
}

static inline weir_buf *pop(header_kind kind) {
    weir_buf *header = mine.top[kind];
    mine.top[kind] = header->root;
    mine.count[kind]--;
    ASAN_UNPOISON_MEMORY_REGION(header, offsetof(weir_buf, root));
    return header;
}

static void give_all_back(void) {
    for (header_kind kind = 0; kind < HEADER_KINDS; kind++) {
        while (mine.top[kind] != NULL) destroy_header(kind, pop(kind), mine.alloc);
    }
    mine.alloc = NULL;
}

static void end_thread(void *arg) {
    (void)arg;
    give_all_back();
    mine.has_ended = true;
}

static void create_key(void) {
    has_key = pthread_key_create(&at_thread_end, end_thread) == 0;
}

/* The default allocator has changed since the last look: keep the blocks of this one from here on, if
 * it is malloc. */
static WEIR_COLD bool adopt(weir_alloc *alloc) {
    if (mine.alloc != NULL) give_all_back();
    if (mine.has_ended || strcmp(alloc->name, "malloc") != 0) return false;
    pthread_once(&once, create_key);
    if (!has_key || pthread_setspecific(at_thread_end, &mine) != 0) return false;
    mine.alloc = alloc;
    return true;
}

static inline bool is_keeping(weir_alloc *alloc) {
    if (WEIR_UNLIKELY(weir_leak_is_tracking())) return false;
    return WEIR_LIKELY(mine.alloc == alloc) || adopt(alloc);
}

weir_buf *weir_header_get(header_kind kind) {
    weir_alloc *alloc = weir_alloc_default();
    if (WEIR_LIKELY(is_keeping(alloc) && mine.top[kind] != NULL)) return pop(kind);
    return make_header(kind, alloc);
}

void weir_header_put(header_kind kind, weir_buf *header) {
    weir_alloc *alloc = weir_alloc_default();
    if (WEIR_LIKELY(is_keeping(alloc) && mine.count[kind] < traits[kind].most)) {
        push(kind, header);
    } else {
        destroy_header(kind, header, alloc);
    }
}
