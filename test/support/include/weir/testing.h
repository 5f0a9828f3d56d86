/* <weir/testing.h> - everything a test of weir, or of a program on weir, needs.
 *
 * Includes the headers below and nothing else. Layer: testing (core; Criterion where it runs).
 */
#ifndef WEIR_TESTING_H
#define WEIR_TESTING_H

#include <weir/testing/expect.h>
#include <weir/testing/oom_sweep.h>
#include <weir/testing/test.h>
#include <weir/testing/tracking_alloc.h>

#endif
