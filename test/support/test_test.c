/* test_test.c - a test fails for what it says and for what it leaves behind. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <weir/core/alloc.h>
#include <weir/core/leak.h>
#include <weir/testing.h>

#include "inner_run.h"

static weir_leak_counter cups = {.name = "cup"};

static bool passes(void (*body)(void)) {
    inner_run run;
    inner_run_test(&run, body);
    return run.passed && strstr(run.said, "inner/test") == NULL;
}

static void do_nothing(void) {}

static void acquire_and_release(void) {
    weir_alloc_release(NULL, weir_alloc_acquire(NULL, 10));
    weir_leak_count(&cups, 1);
    weir_leak_count(&cups, -1);
}

WEIR_TEST(test, passes_when_nothing_is_wrong) {
    expect(passes(do_nothing));
    expect(passes(acquire_and_release));
}

static void lose_a_block(void) {
    expect(weir_alloc_acquire(NULL, 10) != NULL);
}

static void lose_an_object(void) {
    weir_leak_count(&cups, 1);
}

static void lose_what_was_there_before(void) {
    weir_leak_count(&cups, -1);
}

WEIR_TEST(test, fails_for_a_block_that_is_not_released) {
    expect(inner_run_fails(lose_a_block, "block of 10 bytes, call 0, not released; acquired at:\n"));
    expect(inner_run_fails(lose_a_block, "inner/test: blocks not released: 1\n"));
}

WEIR_TEST(test, fails_for_an_object_that_is_not_released) {
    expect(inner_run_fails(lose_an_object, "cup: 1\n"));
    expect(inner_run_fails(lose_an_object, "inner/test: objects alive at the end: 1, before the test: 0\n"));
}

WEIR_TEST(test, fails_for_an_object_released_too_often) {
    expect(inner_run_fails(lose_what_was_there_before, "objects alive at the end: -1, before the test: 0\n"));
}

#if defined(__SANITIZE_ADDRESS__)
#define HAS_LEAK_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_LEAK_SANITIZER 1
#endif
#endif
#ifdef HAS_LEAK_SANITIZER
static void lose_plain_memory(void) {
    void *volatile block = malloc(10);
    block = NULL;
    (void)block;
}

WEIR_TEST(test, fails_for_memory_that_leak_sanitizer_finds_lost) {
    expect(inner_run_fails(lose_plain_memory, "inner/test: LeakSanitizer found lost memory\n"));
}
#endif

static void require_after_acquire(void) {
    lose_a_block();
    require(1 == 2);
    abort();
}

WEIR_TEST(test, ends_at_a_failed_requirement_without_talk_of_leaks) {
    inner_run run;
    inner_run_test(&run, require_after_acquire);
    expect(!run.passed);
    expect(strstr(run.said, "block of") == NULL);
    expect(inner_run_fails(require_after_acquire, "inner/test: required 1 == 2\n"));
}

static void fail_in_a_context(void) {
    weir_test_context("cut at %d", 7);
    expect(1 == 2);
}

WEIR_TEST(test, tells_the_context_of_a_failure) {
    expect(inner_run_fails(fail_in_a_context, "inner/test, cut at 7: expected 1 == 2\n"));
}

static void *fail_elsewhere(void *arg) {
    expect(arg != NULL);
    return NULL;
}

static void fail_on_a_thread(void) {
    pthread_t thread;
    require(pthread_create(&thread, NULL, fail_elsewhere, NULL) == 0);
    pthread_join(thread, NULL);
}

WEIR_TEST(test, fails_for_a_check_on_another_thread) {
    expect(inner_run_fails(fail_on_a_thread, "inner/test: expected arg != NULL\n"));
}
