/* oom_sweep_test.c - the sweep fails every allocation once, and finds what does not clean up. */
#include <weir/core/alloc.h>
#include <weir/core/leak.h>
#include <weir/testing.h>

#include "inner_run.h"

static weir_leak_counter cups = {.name = "cup"};

struct tally {
    int runs, failures;
};

static bool use_two_blocks(void *arg) {
    struct tally *tally = arg;
    void *one = weir_alloc_acquire(NULL, 10);
    void *two = one == NULL ? NULL : weir_alloc_acquire(NULL, 20);
    weir_alloc_release(NULL, two);
    weir_alloc_release(NULL, one);
    tally->runs++;
    if (two == NULL) tally->failures++;
    return two != NULL;
}

WEIR_TEST(oom_sweep, fails_each_allocation_alone_and_with_all_after_it) {
    struct tally tally = {0};
    expect_eq(weir_oom_sweep(use_two_blocks, &tally), 2);
    expect_eq(tally.runs, 1 + 2 * 2);
    expect_eq(tally.failures, 2 * 2);
}

WEIR_TEST(oom_sweep, leaves_the_allocator_working) {
    struct tally tally = {0};
    void *outer = weir_alloc_acquire(NULL, 5);
    weir_oom_sweep(use_two_blocks, &tally);
    void *after = weir_alloc_acquire(NULL, 5);
    expect(after != NULL);
    weir_alloc_release(NULL, outer);
    weir_alloc_release(NULL, after);
}

static bool lose_the_first_when_the_second_fails(void *arg) {
    (void)arg;
    void *one = weir_alloc_acquire(NULL, 10);
    if (one == NULL) return false;
    void *two = weir_alloc_acquire(NULL, 20);
    if (two == NULL) return false;
    weir_alloc_release(NULL, two);
    weir_alloc_release(NULL, one);
    return true;
}

static void sweep_a_careless_scenario(void) {
    weir_oom_sweep(lose_the_first_when_the_second_fails, NULL);
}

WEIR_TEST(oom_sweep, finds_a_block_lost_in_a_failing_run) {
    expect(inner_run_fails(sweep_a_careless_scenario, "failing only allocation 1: blocks left 1, before 0;"));
}

static bool lose_an_object_when_memory_is_short(void *arg) {
    (void)arg;
    void *one = weir_alloc_acquire(NULL, 10);
    if (one == NULL) weir_leak_count(&cups, 1);
    weir_alloc_release(NULL, one);
    return one != NULL;
}

static void sweep_a_scenario_that_loses_objects(void) {
    weir_oom_sweep(lose_an_object_when_memory_is_short, NULL);
}

WEIR_TEST(oom_sweep, finds_an_object_lost_in_a_failing_run) {
    expect(inner_run_fails(sweep_a_scenario_that_loses_objects, "objects left 1, before 0"));
}

static bool never_work(void *arg) {
    (void)arg;
    weir_alloc_release(NULL, weir_alloc_acquire(NULL, 1));
    return false;
}

static void sweep_what_never_works(void) {
    weir_oom_sweep(never_work, NULL);
}

static bool allocate_nothing(void *arg) {
    (void)arg;
    return true;
}

static void sweep_what_allocates_nothing(void) {
    weir_oom_sweep(allocate_nothing, NULL);
}

WEIR_TEST(oom_sweep, wants_a_scenario_that_works_and_allocates) {
    expect(inner_run_fails(sweep_what_never_works, "the scenario failed with all memory it wanted"));
    expect(inner_run_fails(sweep_what_allocates_nothing, "the scenario allocates nothing"));
}
