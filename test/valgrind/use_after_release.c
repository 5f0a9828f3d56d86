/* use_after_release.c - reads and writes a pooled buf too late: valgrind's memcheck must see both.
 *
 * Run by ctest under valgrind, which looks for its sentences. Without an argument it makes no mistake, and
 * valgrind must have nothing to say.
 */
#include <stdio.h>

#include <weir/buffer.h>

static int sum;

static void use(weir_pool *pool, bool too_late) {
    weir_buf *buf = weir_pool_get(pool, 1000);
    weir_buf_write_u32(buf, 42);
    volatile uint8_t *mem = buf->base;
    if (too_late) weir_buf_release(buf);
    sum += mem[3];
    mem[3] = 7;
    if (!too_late) weir_buf_release(buf);
}

int main(int argc, char **argv) {
    (void)argv;
    static const weir_pool_backend backends[] = {WEIR_POOL_BACKEND_DEFAULT, WEIR_POOL_BACKEND_MALLOC};
    for (int i = 0; i < 2; i++) {
        weir_pool *pool = weir_pool_new(&(weir_pool_options){.backend = backends[i]});
        if (pool == NULL) return 1;
        for (int n = 0; n < 3; n++) use(pool, argc > 1);
        weir_pool_free(pool);
    }
    printf("%d\n", sum);
    return 0;
}
