/* expect_test.c - the checks hold when they should, and tell both values when they do not. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/core/check.h>
#include <weir/testing.h>

#include "inner_run.h"

enum colour {
    RED,
    GREEN
};

WEIR_TEST(expect, compares_numbers_by_value_whatever_their_types) {
    expect_eq((size_t)5, 5);
    expect_eq((uint8_t)255, 255L);
    expect_eq('a', 97);
    expect_eq(true, 1);
    expect_eq(GREEN, 1);
    expect_eq(2, 2.0);
    expect_eq(0.5f, 0.5);
    expect_eq(UINT64_MAX, UINT64_MAX);
    expect_eq(INT64_MIN, INT64_MIN);
}

static void compare_minus_one(void) {
    expect_eq(-1, UINT64_MAX);
}

static void compare_sizes(void) {
    expect_eq(sizeof(char), 2);
}

static void compare_reals(void) {
    expect_eq(0.5, 1);
}

static void compare_pointers(void) {
    expect_eq("text", NULL);
}

static void compare_pointer_and_number(void) {
    expect_eq((void *)0, 0);
}

WEIR_TEST(expect, tells_both_numbers) {
    expect(
        inner_run_fails(compare_minus_one, "expected -1 == UINT64_MAX: got -1, want 18446744073709551615\n"));
    expect(inner_run_fails(compare_sizes, "expected sizeof(char) == 2: got 1, want 2\n"));
    expect(inner_run_fails(compare_reals, "expected 0.5 == 1: got 0.5, want 1\n"));
    expect(inner_run_fails(compare_pointers, "want (nil)\n"));
    expect(inner_run_fails(compare_pointer_and_number, "got (nil), want 0\n"));
}

static void compare_strings(void) {
    expect_str("abc", "abd");
}

static void compare_with_null(void) {
    expect_str(NULL, "abc");
}

WEIR_TEST(expect, tells_both_strings) {
    expect_str("abc", "abc");
    expect_str(NULL, NULL);
    expect(inner_run_fails(compare_strings, "differs at 2; from 0 on: got \"abc\""));
    expect(inner_run_fails(compare_with_null, "got NULL, want abc\n"));
}

static void compare_bytes(void) {
    expect_bytes(weir_bytes_of("a\0\"\\\xff", 5), "a\0b");
}

static void compare_long_bytes(void) {
    char same[200];
    char other[200];
    memset(same, 'x', sizeof same);
    memset(other, 'x', sizeof other);
    other[100] = 'y';
    expect_same_bytes(weir_bytes_of(same, sizeof same), weir_bytes_of(other, sizeof other));
}

WEIR_TEST(expect, shows_bytes_from_a_little_before_the_difference) {
    expect_bytes(weir_bytes_of("a\0b", 3), "a\0b");
    expect_same_bytes(weir_bytes_of(NULL, 0), weir_bytes_str(""));
    expect(inner_run_fails(compare_bytes,
                           "differs at 2; from 0 on: got \"a\\x00\\x22\\x5c\\xff\" (5 bytes in all), "
                           "want \"a\\x00b\" (3)\n"));
    expect(inner_run_fails(compare_long_bytes, "differs at 100; from 92 on: got \"xxxxxxxxx"));
    expect(inner_run_fails(compare_long_bytes, "want \"xxxxxxxxyxxx"));
    expect(inner_run_fails(compare_long_bytes, "\"... (200 bytes in all)"));
}

static void compare_statuses(void) {
    expect_status(WEIR_E_CLOSED, WEIR_OK);
}

WEIR_TEST(expect, names_both_statuses) {
    expect_status(WEIR_OK, 0);
    expect(inner_run_fails(compare_statuses, "got WEIR_E_CLOSED (-5002), want WEIR_OK (0)\n"));
}

static void expect_abort_of_survivor(void) {
    expect_abort({ fprintf(stderr, "alive"); }, "alive");
}

static void expect_abort_with_other_words(void) {
    expect_abort({ WEIR_CHECK(false, "one thing"); }, "another thing");
}

static void expect_abort_of_exit(void) {
    expect_abort({ _exit(3); }, "");
}

static void expect_abort_of_killed(void) {
    expect_abort({ raise(SIGKILL); }, "");
}

WEIR_TEST(expect, takes_only_an_abort_with_the_sentence_for_one) {
    expect_abort({ WEIR_CHECK(false, "one thing"); }, "one thing");
    expect(inner_run_fails(expect_abort_of_survivor,
                           "expected an abort, but it ended with 0 after saying: alive\n"));
    expect(inner_run_fails(expect_abort_with_other_words,
                           "expected an abort with \"another thing\", got signal 6"));
    expect(inner_run_fails(expect_abort_of_exit, "it ended with 3"));
    expect(inner_run_fails(expect_abort_of_killed, "got signal 9"));
}

static void talk_a_lot_and_abort(void) {
    for (int i = 0; i < 100000; i++) fputs("a long last speech\n", stderr);
    abort();
}

WEIR_TEST(expect, listens_to_more_than_a_pipe_holds) {
    expect_abort({ talk_a_lot_and_abort(); }, "a long last speech\na long");
}
