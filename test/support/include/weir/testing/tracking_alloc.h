/* <weir/testing/tracking_alloc.h> - an allocator that knows every block it gave, and can refuse.
 *
 *     calls       0   1   2   3   4   5
 *     fail_nth(2)         x               one refusal
 *     fail_from(2)        x   x   x   x   memory is gone for good
 *
 * During a test weir_test_alloc() is weir_alloc_default(); a component that takes an allocator of its
 * own can be given another. Calls are counted from the last fail_* or init. New memory is filled
 * with 0xA5 and released memory with 0xDD; releasing a block twice or to the wrong allocator aborts.
 *
 * Layer: testing. Any thread.
 */
#ifndef WEIR_TESTING_TRACKING_ALLOC_H
#define WEIR_TESTING_TRACKING_ALLOC_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <weir/core/alloc.h>
#include <weir/core/list.h>

WEIR_BEGIN_DECLS

typedef struct weir_tracking_alloc {
    weir_alloc base; /* hand this one out */
    pthread_mutex_t lock;
    weir_list blocks;
    size_t live_blocks, live_bytes;
    uint64_t calls;    /* acquire, and resize to a bigger size */
    uint64_t fail_at;  /* the call that fails; UINT64_MAX: none */
    bool fails_onward; /* and every one after it */
    uint64_t refused;
} weir_tracking_alloc;

void weir_tracking_alloc_init(weir_tracking_alloc *self);

/* Forgets; every block must have come back (checked). */
void weir_tracking_alloc_clear(weir_tracking_alloc *self);

/* Counting starts again at call 0, with the n-th failing / every one from the n-th / none. */
void weir_tracking_alloc_fail_nth(weir_tracking_alloc *self, uint64_t n);
void weir_tracking_alloc_fail_from(weir_tracking_alloc *self, uint64_t n);
void weir_tracking_alloc_fail_never(weir_tracking_alloc *self);

/* Since counting started: how many asked for memory, and how many of them got none. */
uint64_t weir_tracking_alloc_calls(weir_tracking_alloc *self);
uint64_t weir_tracking_alloc_refused(weir_tracking_alloc *self);

/* Blocks that are out. */
size_t weir_tracking_alloc_live(weir_tracking_alloc *self);

/* A line for each block that is out, with the place that asked for it. */
void weir_tracking_alloc_report(weir_tracking_alloc *self, FILE *out);

/* The one that is weir_alloc_default() during a test. */
weir_tracking_alloc *weir_test_alloc(void);

WEIR_END_DECLS

#endif
