/* test.c - what happens around a test's body: the tracking allocator before, every leak check after.
 *
 * A failed check is counted here and told on stderr; the runner only learns the sum, so checks work
 * on any thread and the same under both runners.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <weir/core/check.h>
#include <weir/core/leak.h>
#include <weir/testing/test.h>
#include <weir/testing/tracking_alloc.h>

#include "alloc_trace.h"

#if defined(__SANITIZE_ADDRESS__)
#define HAS_LEAK_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_LEAK_SANITIZER 1
#endif
#endif
#ifdef HAS_LEAK_SANITIZER
#include <sanitizer/lsan_interface.h>
#endif

static struct {
    const weir_test *test;
    pthread_t thread;
    jmp_buf way_out;
    int failures;
    char context[200];
} running;

static weir_tracking_alloc test_alloc;

weir_tracking_alloc *weir_test_alloc(void) {
    return &test_alloc;
}

void weir_test_context(const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(running.context, sizeof running.context, format, args);
    va_end(args);
}

void weir_test_fail(const char *file, int line, const char *format, ...) {
    char sentence[2000];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    const char *comma = running.context[0] == '\0' ? "" : ", ";
    fprintf(stderr, "%s:%d: %s/%s%s%s: %s\n", file, line, running.test->suite, running.test->name, comma,
            running.context, sentence);
    __atomic_fetch_add(&running.failures, 1, __ATOMIC_RELAXED);
}

void weir_test_give_up(void) {
    WEIR_CHECK(pthread_equal(pthread_self(), running.thread),
               "a test is left by a thread that is not its own");
    longjmp(running.way_out, 1);
}

static bool run_body(const weir_test *self) {
    if (setjmp(running.way_out) != 0) return false;
    self->body();
    return true;
}

/* LeakSanitizer tells a lost block at every later check too: in a runner with many tests in one process only
 * the first test that lost one is told. */
static bool sanitizer_found_leak(void) {
#ifdef HAS_LEAK_SANITIZER
    static bool has_found;
    if (has_found) return false;
    has_found = __lsan_do_recoverable_leak_check() != 0;
    return has_found;
#else
    return false;
#endif
}

static void check_for_leaks(int64_t alive_before) {
    int64_t alive = weir_leak_report(NULL);
    if (alive != alive_before) {
        weir_leak_report(stderr);
        weir_test_fail("leak", 0, "objects alive at the end: %lld, before the test: %lld", (long long)alive,
                       (long long)alive_before);
    }
    if (weir_tracking_alloc_live(&test_alloc) != 0) {
        weir_tracking_alloc_report(&test_alloc, stderr);
        weir_test_fail("leak", 0, "blocks not released: %zu", weir_tracking_alloc_live(&test_alloc));
    }
    if (sanitizer_found_leak()) weir_test_fail("leak", 0, "LeakSanitizer found lost memory");
}

bool weir_test_run(const weir_test *self) {
    running.test = self;
    running.thread = pthread_self();
    running.failures = 0;
    running.context[0] = '\0';
    int64_t alive_before = weir_leak_report(NULL);
    weir_tracking_alloc_init(&test_alloc);
    weir_alloc_set_default(&test_alloc.base);

    bool finished = run_body(self);
    running.context[0] = '\0';
    weir_tracking_alloc_fail_never(&test_alloc);
    if (finished) check_for_leaks(alive_before);

    weir_alloc_set_default(NULL);
    alloc_trace_write();
    return __atomic_load_n(&running.failures, __ATOMIC_RELAXED) == 0;
}
