/* alloc_test.c - the vtable, its default, and what the wrappers add. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <weir/core/alloc.h>
#include <weir/testing.h>

static size_t last_size;

static void *note_acquire(weir_alloc *self, size_t size) {
    (void)self;
    last_size = size;
    return malloc(size);
}

static void *note_resize(weir_alloc *self, void *ptr, size_t size) {
    (void)self;
    last_size = size;
    return realloc(ptr, size);
}

static void note_release(weir_alloc *self, void *ptr) {
    (void)self;
    free(ptr);
}

static weir_alloc noting = {"noting", note_acquire, note_resize, note_release};

WEIR_TEST(alloc, is_malloc_unless_replaced) {
    weir_alloc *of_test = weir_alloc_default();
    weir_alloc_set_default(NULL);
    expect_str(weir_alloc_default()->name, "malloc");
    void *block = weir_alloc_acquire(NULL, 100);
    require(block != NULL);
    memset(block, 1, 100);
    void *bigger = weir_alloc_resize(NULL, block, 10000);
    require(bigger != NULL);
    expect_eq(((unsigned char *)bigger)[99], 1);
    weir_alloc_release(NULL, bigger);
    weir_alloc_release(NULL, NULL);

    weir_alloc_set_default(&noting);
    expect_eq(weir_alloc_default(), &noting);
    weir_alloc_set_default(of_test);
}

WEIR_TEST(alloc, asks_for_one_byte_where_none_is_wanted) {
    void *block = weir_alloc_acquire(&noting, 0);
    expect_eq(last_size, 1);
    block = weir_alloc_resize(&noting, block, 0);
    expect_eq(last_size, 1);
    weir_alloc_release(&noting, block);
    block = weir_alloc_zeroed(&noting, 0, 8);
    expect(block != NULL);
    expect_eq(last_size, 1);
    weir_alloc_release(&noting, block);
}

WEIR_TEST(alloc, fills_zeroed_blocks_with_zeros) {
    unsigned char *block = weir_alloc_zeroed(NULL, 3, 7);
    require(block != NULL);
    expect_same_bytes(weir_bytes_of(block, 21), weir_bytes_of((unsigned char[21]){0}, 21));
    weir_alloc_release(NULL, block);
}

WEIR_TEST(alloc, refuses_a_product_that_overflows) {
    last_size = 0;
    expect_eq(weir_alloc_zeroed(&noting, SIZE_MAX / 2, 3), NULL);
    expect_eq(weir_alloc_zeroed(&noting, 3, SIZE_MAX / 2), NULL);
    expect_eq(last_size, 0);
}

WEIR_TEST(alloc, leaves_the_old_block_valid_when_it_cannot_grow) {
    char *block = weir_alloc_acquire(NULL, 4);
    require(block != NULL);
    memcpy(block, "abcd", 4);
    weir_tracking_alloc_fail_from(weir_test_alloc(), 0);
    expect_eq(weir_alloc_resize(NULL, block, 4000), NULL);
    expect_eq(weir_alloc_acquire(NULL, 1), NULL);
    expect_eq(weir_alloc_zeroed(NULL, 1, 1), NULL);
    expect_bytes(weir_bytes_of(block, 4), "abcd");
    weir_alloc_release(NULL, block);
}
