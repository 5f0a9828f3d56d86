/* header_cache_test.c - recycled headers: only malloc's, bounded, and back when their thread ends. */
#include <pthread.h>
#include <stdlib.h>

#include <weir/testing.h>
#include <weir/testing/buf_kinds.h>

/* An allocator that counts what is out; tests look at it under the name that decides about caching. */
typedef struct counting {
    weir_alloc base;
    long live, calls;
} counting;

static void *count_acquire(weir_alloc *self, size_t size) {
    counting *mine = (counting *)self;
    mine->live++;
    mine->calls++;
    return malloc(size);
}

static void *count_resize(weir_alloc *self, void *ptr, size_t size) {
    counting *mine = (counting *)self;
    if (ptr == NULL) mine->live++;
    return realloc(ptr, size);
}

static void count_release(weir_alloc *self, void *ptr) {
    counting *mine = (counting *)self;
    if (ptr != NULL) mine->live--;
    free(ptr);
}

static counting counting_named(const char *name) {
    return (counting){{name, count_acquire, count_resize, count_release}, 0, 0};
}

/* Runs on a thread of its own, so the cache starts empty and is drained at the end. */
static void on_own_thread(counting *alloc, void *(*body)(void *)) {
    bool was_tracking = weir_leak_is_tracking();
    weir_leak_track(false);
    weir_alloc *usual = weir_alloc_default();
    weir_alloc_set_default(&alloc->base);
    pthread_t thread;
    require(pthread_create(&thread, NULL, body, alloc) == 0);
    pthread_join(thread, NULL);
    weir_alloc_set_default(usual);
    weir_leak_track(was_tracking);
}

static void slice_once(weir_buf *buf) {
    weir_buf *slice = weir_buf_slice(buf, 0, 1);
    weir_buf_release(slice);
}

static void *slices_again_and_again(void *arg) {
    counting *alloc = arg;
    weir_buf *buf = weir_buf_wrap_const("x", 1);
    slice_once(buf);
    long calls = alloc->calls;
    for (int i = 0; i < 100; i++) slice_once(buf);
    bool keeps = strcmp(alloc->base.name, "malloc") == 0;
    expect_eq(alloc->calls - calls, keeps ? 0 : 100);
    weir_buf_release(buf);
    expect_eq(alloc->live, keeps ? 2 : 0);
    return NULL;
}

WEIR_TEST(header_cache, views_cost_no_allocation_once_a_header_was_released) {
    counting alloc = counting_named("malloc");
    on_own_thread(&alloc, slices_again_and_again);
    expect_eq(alloc.live, 0);
}

WEIR_TEST(header_cache, an_allocator_that_is_not_malloc_sees_every_header) {
    counting alloc = counting_named("other");
    on_own_thread(&alloc, slices_again_and_again);
    expect_eq(alloc.live, 0);
}

static void *composes_again_and_again(void *arg) {
    counting *alloc = arg;
    weir_buf *buf = weir_buf_wrap_const("x", 1);
    long calls = 0;
    for (int i = 0; i < 50; i++) {
        weir_buf *composite = weir_buf_composite_new();
        for (int k = 0; k < 16; k++) weir_buf_composite_append(composite, weir_buf_retain(buf));
        weir_buf_release(composite);
        if (i == 0) calls = alloc->calls;
    }
    expect_eq(alloc->calls, calls);
    weir_buf_release(buf);
    return NULL;
}

WEIR_TEST(header_cache, a_composite_keeps_room_for_its_parts) {
    counting alloc = counting_named("malloc");
    on_own_thread(&alloc, composes_again_and_again);
    expect_eq(alloc.live, 0);
}

static void *releases_very_many(void *arg) {
    enum {
        MANY = 5000
    };
    counting *alloc = arg;
    weir_buf *buf = weir_buf_wrap_const("x", 1);
    static weir_buf *slices[MANY];
    for (int i = 0; i < MANY; i++) slices[i] = weir_buf_slice(buf, 0, 1);
    for (int i = 0; i < MANY; i++) weir_buf_release(slices[i]);
    expect_eq(alloc->live, 1 + 256);

    weir_buf *composite = weir_buf_composite_new();
    for (int i = 0; i < MANY; i++) weir_buf_composite_append(composite, weir_buf_retain(buf));
    weir_buf_release(composite);
    expect_eq(alloc->live, 1 + 256 + 1); /* its table was too big to keep */
    weir_buf_release(buf);
    return NULL;
}

WEIR_TEST(header_cache, what_is_kept_has_a_limit) {
    counting alloc = counting_named("malloc");
    on_own_thread(&alloc, releases_very_many);
    expect_eq(alloc.live, 0);
}

static pthread_key_t late_key;

static void release_late(void *buf) {
    weir_buf_release(buf);
}

static void *ends_with_a_buf(void *arg) {
    (void)arg;
    weir_buf *buf = weir_buf_wrap_const("x", 1);
    slice_once(buf);
    pthread_setspecific(late_key, weir_buf_slice(buf, 0, 1));
    weir_buf_release(buf);
    return NULL;
}

/* glibc runs destructors in the order of their keys: the cache makes its own first here, and what is released
 * after it must not fill it again. */
WEIR_TEST(header_cache, a_release_after_the_end_of_the_cache_keeps_nothing) {
    counting alloc = counting_named("malloc");
    on_own_thread(&alloc, slices_again_and_again);
    require(pthread_key_create(&late_key, release_late) == 0);
    on_own_thread(&alloc, ends_with_a_buf);
    expect_eq(alloc.live, 0);
    pthread_key_delete(late_key);
}

static void *changes_allocator(void *arg) {
    counting *first = arg, second = counting_named("malloc");
    weir_buf *buf = weir_buf_wrap_const("x", 1);
    slice_once(buf);
    weir_buf_release(buf);
    expect_eq(first->live, 2);

    weir_alloc_set_default(&second.base);
    buf = weir_buf_wrap_const("y", 1);
    expect_eq(first->live, 0);
    slice_once(buf);
    weir_buf_release(buf);
    expect_eq(second.live, 2);

    weir_alloc_set_default(&first->base);
    weir_buf_release(weir_buf_new(0));
    expect_eq(second.live, 0);
    return NULL;
}

WEIR_TEST(header_cache, blocks_go_back_to_the_allocator_that_gave_them) {
    counting alloc = counting_named("malloc");
    on_own_thread(&alloc, changes_allocator);
    expect_eq(alloc.live, 0);
}
