/* buf_heap.c - bufs on the heap: header and bytes are two blocks of weir_alloc, so memory can move. */
#include <weir/core/alloc.h>

#include "buf_room.h"
#include "header_cache.h"

static weir_leak_counter heap_bufs = {.name = "heap buf"};

static weir_buf *another_heap_buf(buf_root *like, size_t capacity) {
    (void)like;
    return weir_buf_new(capacity);
}

static void free_heap_buf(buf_root *root) {
    if (root->store.size != 0) weir_alloc_release(NULL, root->store.mem);
    weir_leak_count(&heap_bufs, -1);
    weir_header_put(HEADER_ROOT, &root->buf);
}

/* Big blocks move by changing page tables, without a copy. */
static bool enlarge_heap_buf(buf_root *root, size_t capacity) {
    uint8_t *mem = weir_alloc_resize(NULL, root->store.size != 0 ? root->store.mem : NULL, capacity);
    if (mem == NULL) return false;
    root->store.mem = mem;
    root->store.size = capacity;
    return true;
}

static const buf_maker heap_maker = {
    .name = "heap",
    .another = another_heap_buf,
    .give_back = free_heap_buf,
    .enlarge = enlarge_heap_buf,
};

weir_buf *weir_buf_new_limited(size_t capacity, size_t max) {
    WEIR_CHECK(capacity <= max, "a capacity of %zu is more than the maximum %zu", capacity, max);
    weir_buf *buf = weir_header_get(HEADER_ROOT);
    if (buf == NULL) return NULL;
    uint8_t *mem = capacity == 0 ? weir_buf_nothing : weir_alloc_acquire(NULL, capacity);
    if (mem == NULL) {
        weir_header_put(HEADER_ROOT, buf);
        return NULL;
    }
    buf_root *root = buf_root_of(buf);
    root->store = (buf_store){.maker = &heap_maker, .mem = mem, .size = capacity};
    buf_root_open(root, max);
    weir_leak_count(&heap_bufs, 1);
    return buf;
}

weir_buf *weir_buf_new(size_t capacity) {
    return weir_buf_new_limited(capacity, WEIR_BUF_MAX);
}

weir_buf *weir_buf_another(weir_buf *like, size_t capacity) {
    const buf_maker *maker = buf_root_of(like)->store.maker;
    if (maker->another == NULL) return weir_buf_new(capacity);
    return maker->another(buf_root_of(like), capacity);
}
