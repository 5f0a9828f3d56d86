/* <weir/testing/oom_sweep.h> - the same scenario again and again, each time with less memory.
 *
 * One run counts the allocations, N. Then for each n < N one run in which only the n-th fails, and one
 * in which every one from the n-th on fails. After each run everything must have come back: blocks and
 * live objects as many as before it.
 *
 * Layer: testing.
 */
#ifndef WEIR_TESTING_OOM_SWEEP_H
#define WEIR_TESTING_OOM_SWEEP_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/core/compiler.h>

WEIR_BEGIN_DECLS

/* One whole life: make, use, give back, on success and on failure alike. True when all of it was
 * possible; true in spite of a refused allocation is a scenario that knew another way. */
typedef bool weir_oom_scenario_fn(void *arg);

/* Sweeps over the allocations made through weir_alloc_default(). The run with all memory must answer
 * true and allocate something. Returns N. Borrows: `arg` for the call. */
uint64_t weir_oom_sweep(weir_oom_scenario_fn *scenario, void *arg);

WEIR_END_DECLS

#endif
