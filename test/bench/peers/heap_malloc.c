/* peers/heap_malloc.c - malloc and free, as rows. The same program is linked three times: as it is (glibc),
 * with jemalloc and with mimalloc, each serving malloc with the settings it comes with. */
#include <stdlib.h>

static inline void *take(size_t size) {
    return malloc(size);
}

static inline void give(void *taken) {
    free(taken);
}

#include "common/pool_rows.h"

static const bench_row rows[] = {POOL_ROWS, {0}};

int main(int argc, char **argv) {
    return bench_rows(rows, argc, argv);
}
