/* paths.h - random tests count the ways they went, and none may be missing. */
#ifndef WEIR_TEST_PATHS_H
#define WEIR_TEST_PATHS_H

#include <stdint.h>
#include <stdio.h>

#include <weir/testing.h>

static inline void expect_each_taken(const char *what, const char *const *names, const uint64_t *counts,
                                     size_t n) {
    for (size_t i = 0; i < n; i++) {
        printf("%12llu %s %s\n", (unsigned long long)counts[i], what, names[i]);
        weir_test_context("%s %s", what, names[i]);
        expect(counts[i] > 0);
    }
}

#endif
