/* tracking_alloc_test.c - counting, refusing, and noticing blocks that come back wrong. */
#include <pthread.h>
#include <string.h>

#include <weir/testing.h>

static weir_tracking_alloc tracking;

static void *get(size_t size) {
    return weir_alloc_acquire(&tracking.base, size);
}

static void put(void *block) {
    weir_alloc_release(&tracking.base, block);
}

WEIR_TEST(tracking_alloc, is_the_default_during_a_test) {
    expect_eq(weir_alloc_default(), &weir_test_alloc()->base);
    void *block = weir_alloc_acquire(NULL, 3);
    expect_eq(weir_tracking_alloc_live(weir_test_alloc()), 1);
    weir_alloc_release(NULL, block);
    expect_eq(weir_tracking_alloc_live(weir_test_alloc()), 0);
}

WEIR_TEST(tracking_alloc, counts_blocks_bytes_and_calls) {
    weir_tracking_alloc_init(&tracking);
    char *one = get(10);
    char *two = get(20);
    expect_eq(tracking.live_bytes, 30);
    one = weir_alloc_resize(&tracking.base, one, 4);
    expect_eq(weir_tracking_alloc_calls(&tracking), 2);
    one = weir_alloc_resize(&tracking.base, one, 100);
    expect_eq(weir_tracking_alloc_calls(&tracking), 3);
    expect_eq(weir_tracking_alloc_live(&tracking), 2);
    expect_eq(tracking.live_bytes, 120);
    put(one);
    put(two);
    put(NULL);
    expect_eq(tracking.live_bytes, 0);
    weir_tracking_alloc_clear(&tracking);
}

WEIR_TEST(tracking_alloc, keeps_contents_when_it_moves_a_block) {
    weir_tracking_alloc_init(&tracking);
    char *block = weir_alloc_resize(&tracking.base, NULL, 4);
    require(block != NULL);
    memcpy(block, "abcd", 4);
    char *moved = weir_alloc_resize(&tracking.base, block, 50);
    require(moved != NULL);
    expect_bytes(weir_bytes_of(moved, 6), "abcd\xa5\xa5");
    put(moved);
    weir_tracking_alloc_clear(&tracking);
}

WEIR_TEST(tracking_alloc, fails_the_nth_call_only) {
    weir_tracking_alloc_init(&tracking);
    weir_tracking_alloc_fail_nth(&tracking, 1);
    void *first = get(1);
    void *second = get(1);
    void *third = get(1);
    expect(first != NULL && second == NULL && third != NULL);
    expect_eq(weir_tracking_alloc_refused(&tracking), 1);
    put(first);
    put(third);
    weir_tracking_alloc_clear(&tracking);
}

WEIR_TEST(tracking_alloc, fails_every_call_from_the_nth_until_told_otherwise) {
    weir_tracking_alloc_init(&tracking);
    weir_tracking_alloc_fail_from(&tracking, 1);
    void *first = get(1);
    expect(first != NULL);
    expect_eq(get(1), NULL);
    expect_eq(weir_alloc_resize(&tracking.base, first, 2), NULL);
    expect_eq(weir_tracking_alloc_refused(&tracking), 2);
    weir_tracking_alloc_fail_never(&tracking);
    expect_eq(weir_tracking_alloc_calls(&tracking), 0);
    void *again = get(1);
    expect(again != NULL);
    put(first);
    put(again);
    weir_tracking_alloc_clear(&tracking);
}

WEIR_TEST(tracking_alloc, refuses_a_size_that_overflows) {
    expect_eq(weir_alloc_acquire(NULL, SIZE_MAX - 8), NULL);
}

WEIR_TEST(tracking_alloc, stops_the_program_for_a_block_of_another_allocator) {
    weir_tracking_alloc_init(&tracking);
    void *block = get(8);
    expect_abort({ weir_alloc_release(NULL, block); }, "came from another allocator");
    expect_abort({ weir_tracking_alloc_clear(&tracking); }, "1 blocks of this allocator are still out");
    put(block);
    weir_tracking_alloc_clear(&tracking);
}

WEIR_TEST(tracking_alloc, stops_the_program_for_memory_it_never_gave) {
    char memory[512] = {0};
    expect_abort({ weir_alloc_release(NULL, memory + 256); }, "released already, or never came from here");
}

static void *churn(void *arg) {
    (void)arg;
    for (int i = 0; i < 1000; i++) put(weir_alloc_resize(&tracking.base, get(8), 16));
    return NULL;
}

WEIR_TEST(tracking_alloc, serves_several_threads) {
    pthread_t threads[4];
    weir_tracking_alloc_init(&tracking);
    for (int i = 0; i < 4; i++) require(pthread_create(&threads[i], NULL, churn, NULL) == 0);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    expect_eq(weir_tracking_alloc_calls(&tracking), 8000);
    expect_eq(weir_tracking_alloc_live(&tracking), 0);
    weir_tracking_alloc_clear(&tracking);
}
