/* header_cache.c - recycled headers: how a thread's cache begins, follows the allocator, and ends. */
#include "header_cache.h"

#include <pthread.h>
#include <string.h>

#include "buf_parts.h"
#include "buf_root.h"

_Thread_local header_cache weir_headers __attribute__((tls_model("initial-exec")));

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static header_cache *caches; /* of all threads that keep headers */

/* ---- what is alive ---------------------------------------------------------------------------- */

/* Less than nothing: what the threads keep is no longer alive. */
static int64_t minus_kept(header_kind kind) {
    int64_t sum = 0;
    pthread_mutex_lock(&lock);
    for (header_cache *it = caches; it != NULL; it = it->next) {
        sum -= (int64_t)atomic_load_explicit(&it->of[kind].kept, memory_order_relaxed);
    }
    pthread_mutex_unlock(&lock);
    return sum;
}

static int64_t minus_kept_views(void) {
    return minus_kept(HEADER_VIEW);
}

static int64_t minus_kept_composites(void) {
    return minus_kept(HEADER_COMPOSITE);
}

static weir_leak_counter views = {.name = "buf view", .elsewhere = minus_kept_views};
static weir_leak_counter composites = {.name = "composite buf", .elsewhere = minus_kept_composites};

/* ---- kinds ------------------------------------------------------------------------------------ */

typedef struct kind_traits {
    size_t size;
    weir_leak_counter *made;                          /* how many exist; NULL: nobody asks */
    void (*begin)(weir_buf *header);                  /* the memory is new */
    void (*end)(weir_buf *header, weir_alloc *alloc); /* it is about to go back */
} kind_traits;

static const kind_traits traits[HEADER_KINDS] = {
    [HEADER_VIEW] = {sizeof(weir_buf), &views, NULL, NULL},
    [HEADER_ROOT] = {sizeof(buf_root), NULL, NULL, NULL},
    [HEADER_COMPOSITE] = {sizeof(buf_composite), &composites, weir_parts_made, weir_parts_gone},
};

static void give_back(header_kind kind, weir_buf *header, weir_alloc *alloc) {
    if (traits[kind].made != NULL) weir_leak_count(traits[kind].made, -1);
    if (traits[kind].end != NULL) traits[kind].end(header, alloc);
    weir_alloc_release(alloc, header);
}

/* ---- one thread's ----------------------------------------------------------------------------- */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t at_thread_end;
static bool has_key;

static void give_all_back(void) {
    for (header_kind kind = 0; kind < HEADER_KINDS; kind++) {
        weir_buf *header = weir_headers.of[kind].top;
        while (header != NULL) {
            weir_buf *next = header->root;
            ASAN_UNPOISON_MEMORY_REGION(header, offsetof(weir_buf, root));
            weir_headers_set_kept(kind, weir_headers_kept(kind) - 1);
            give_back(kind, header, weir_headers.alloc);
            header = next;
        }
        weir_headers.of[kind].top = NULL;
    }
    weir_headers.alloc = NULL;
}

/* What later destructors of the thread release is not kept any more. */
static void end_thread(void *arg) {
    (void)arg;
    give_all_back();
    weir_headers.has_ended = true;
    pthread_mutex_lock(&lock);
    header_cache **link = &caches;
    while (*link != &weir_headers) link = &(*link)->next;
    *link = weir_headers.next;
    pthread_mutex_unlock(&lock);
}

static void create_key(void) {
    has_key = pthread_key_create(&at_thread_end, end_thread) == 0;
}

static bool join(void) {
    pthread_once(&once, create_key);
    if (weir_headers.has_ended || !has_key) return false;
    if (pthread_getspecific(at_thread_end) != NULL) return true;
    if (pthread_setspecific(at_thread_end, &weir_headers) != 0) return false;
    pthread_mutex_lock(&lock);
    weir_headers.next = caches;
    caches = &weir_headers;
    pthread_mutex_unlock(&lock);
    return true;
}

/* The default allocator has changed since the last look: from here on keep its blocks, if it is malloc. */
static void adopt(weir_alloc *alloc) {
    if (weir_headers.alloc != NULL) give_all_back();
    if (strcmp(alloc->name, "malloc") == 0 && join()) weir_headers.alloc = alloc;
}

/* ---- made and destroyed ----------------------------------------------------------------------- */

weir_buf *weir_header_make(header_kind kind) {
    weir_alloc *alloc = weir_alloc_default();
    if (weir_headers.alloc != alloc) adopt(alloc);
    weir_buf *header = weir_alloc_acquire(alloc, traits[kind].size);
    if (header == NULL) return NULL;
    if (traits[kind].made != NULL) weir_leak_count(traits[kind].made, 1);
    if (traits[kind].begin != NULL) traits[kind].begin(header);
    return header;
}

void weir_header_destroy(header_kind kind, weir_buf *header) {
    weir_alloc *alloc = weir_alloc_default();
    if (weir_headers.alloc != alloc) adopt(alloc);
    give_back(kind, header, alloc);
}
