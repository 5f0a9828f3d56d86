/* <weir/testing/test.h> - a test: a sentence about behaviour that is true or fails.
 *
 *     WEIR_TEST(buf, a_slice_keeps_its_root_alive) {
 *         weir_buf *buf = weir_buf_new(16, 16);
 *         require(buf != NULL);
 *         ...
 *     }
 *
 * Every test runs with the tracking allocator as weir_alloc_default() and fails when, at its end, a block
 * of it is outstanding, an object is alive that was not before, or LeakSanitizer (in ASan builds) knows
 * of lost memory. Nothing needs to be called for that.
 *
 * The runner is Criterion, a process for each test. With WEIR_TEST_PLAIN_RUNNER defined (where Criterion
 * does not start, as under ThreadSanitizer) it is a main of ours, all tests in one process: the same
 * sources, `--list` and `--filter 'suite/name*'`.
 *
 * Layer: testing. The test's own thread, unless a function says otherwise.
 */
#ifndef WEIR_TESTING_TEST_H
#define WEIR_TESTING_TEST_H

#include <stdbool.h>

#include <weir/core/compiler.h>

#ifndef WEIR_TEST_PLAIN_RUNNER
#include <criterion/criterion.h>
#endif

WEIR_BEGIN_DECLS

typedef struct weir_test {
    const char *suite, *name;
    void (*body)(void);
    struct weir_test *next; /* in the list of the plain runner */
} weir_test;

/* Runs one test with all that belongs around it; false when anything about it was wrong. */
bool weir_test_run(const weir_test *self);

/* Adds a test to those the plain runner's main runs. Borrows: `self`, static. */
void weir_test_register(weir_test *self);

#ifdef WEIR_TEST_PLAIN_RUNNER
#define WEIR_TEST(suite, sentence)                                                                           \
    static void suite##_##sentence##_body(void);                                                             \
    static void __attribute__((constructor)) suite##_##sentence##_register(void) {                           \
        static weir_test test = {#suite, #sentence, suite##_##sentence##_body, NULL};                        \
        weir_test_register(&test);                                                                           \
    }                                                                                                        \
    static void suite##_##sentence##_body(void)
#else
#define WEIR_TEST(suite, sentence)                                                                           \
    static void suite##_##sentence##_body(void);                                                             \
    Test(suite, sentence) {                                                                                  \
        static const weir_test test = {#suite, #sentence, suite##_##sentence##_body, NULL};                  \
        bool passed = weir_test_run(&test);                                                                  \
        cr_assert(passed, "the lines above say why");                                                        \
    }                                                                                                        \
    static void suite##_##sentence##_body(void)
#endif

/* The sentence printed with every failure from here on ("kind composite, cut at 7"), until the next
 * one or the end of the test; for checks in loops. */
void weir_test_context(const char *format, ...) WEIR_PRINTF(1, 2);

/* The running test failed at `file`:`line`; it goes on. Any thread. */
void weir_test_fail(const char *file, int line, const char *format, ...) WEIR_PRINTF(3, 4);

/* Leaves the running test now; what it had not cleaned up is not told as a leak. */
WEIR_NORETURN void weir_test_give_up(void);

WEIR_END_DECLS

#endif
