/* A program with its own I/O that uses weir's buffers alone. */
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/buffer.h>

static int fail(const char *what) {
    fprintf(stderr, "consumer: %s\n", what);
    return 1;
}

/* The pool must bring its own jemalloc and leave malloc to whom it belongs. */
static int check_malloc_is_the_hosts(void) {
    size_t before = mallinfo2().uordblks;
    void *volatile block = malloc(100000);
    size_t grown = mallinfo2().uordblks - before;
    free(block);
    return grown >= 100000 ? 0 : fail("malloc is no longer glibc's");
}

int main(void) {
    weir_pool *pool = weir_pool_new(NULL);
    if (pool == NULL) return fail("no pool");
    weir_buf *buf = weir_pool_get(pool, 65536);
    if (buf == NULL) return fail("no buf");
    weir_buf_write_u32(buf, 0x77656972);
    uint32_t value = 0;
    if (!weir_buf_read_u32(buf, &value) || value != 0x77656972)
        return fail("what was written does not come out");
    int failed = strcmp(weir_pool_backend_name(pool), "jemalloc") == 0 ? check_malloc_is_the_hosts() : 0;
    weir_buf_release(buf);
    weir_pool_free(pool);
    return failed;
}
