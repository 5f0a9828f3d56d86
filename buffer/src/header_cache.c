/* header_cache.c - recycled headers: how a thread's cache begins, follows the allocator, and ends. */
#include "header_cache.h"

#include <pthread.h>
#include <string.h>

#include "buf_parts.h"
#include "buf_root.h"

typedef struct kind_traits {
    size_t size;
    size_t most;                                       /* kept by one thread */
    void (*made)(weir_buf *header);                    /* the memory is new */
    void (*gone)(weir_buf *header, weir_alloc *alloc); /* it is about to go back */
} kind_traits;

static const kind_traits traits[HEADER_KINDS] = {
    [HEADER_VIEW] = {sizeof(weir_buf), 256, NULL, NULL},
    [HEADER_ROOT] = {sizeof(buf_root), 256, NULL, NULL},
    [HEADER_COMPOSITE] = {sizeof(buf_composite), 64, weir_parts_made, weir_parts_gone},
};

_Thread_local header_cache weir_headers __attribute__((tls_model("initial-exec")));

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t at_thread_end;
static bool has_key;

static void give_back(header_kind kind, weir_buf *header, weir_alloc *alloc) {
    if (traits[kind].gone != NULL) traits[kind].gone(header, alloc);
    weir_alloc_release(alloc, header);
}

static void give_all_back(void) {
    for (header_kind kind = 0; kind < HEADER_KINDS; kind++) {
        weir_buf *header = weir_headers.of[kind].top;
        while (header != NULL) {
            weir_buf *next = header->root;
            ASAN_UNPOISON_MEMORY_REGION(header, offsetof(weir_buf, root));
            give_back(kind, header, weir_headers.alloc);
            header = next;
        }
    }
    memset(&weir_headers, 0, sizeof weir_headers);
}

/* Releases by later destructors of the thread fill the cache again, and this one is then called again. */
static void end_thread(void *arg) {
    (void)arg;
    give_all_back();
}

static void create_key(void) {
    has_key = pthread_key_create(&at_thread_end, end_thread) == 0;
}

/* The default allocator has changed since the last look: from here on keep its blocks, if it is malloc. */
static void adopt(weir_alloc *alloc) {
    if (weir_headers.alloc != NULL) give_all_back();
    if (strcmp(alloc->name, "malloc") != 0) return;
    pthread_once(&once, create_key);
    if (!has_key || pthread_setspecific(at_thread_end, &weir_headers) != 0) return;
    weir_headers.alloc = alloc;
    for (header_kind kind = 0; kind < HEADER_KINDS; kind++) weir_headers.of[kind].room = traits[kind].most;
}

weir_buf *weir_header_make(header_kind kind) {
    weir_alloc *alloc = weir_alloc_default();
    if (weir_headers.alloc != alloc) adopt(alloc);
    weir_buf *header = weir_alloc_acquire(alloc, traits[kind].size);
    if (header != NULL && traits[kind].made != NULL) traits[kind].made(header);
    return header;
}

void weir_header_destroy(header_kind kind, weir_buf *header) {
    weir_alloc *alloc = weir_alloc_default();
    if (weir_headers.alloc != alloc) adopt(alloc);
    give_back(kind, header, alloc);
}
