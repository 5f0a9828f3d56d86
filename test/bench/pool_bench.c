/* pool_bench.c - what a get and a release cost, beside malloc and jemalloc in the same run.
 *
 *     bench_pool                   the tables: nanoseconds, best of several passes
 *     bench_pool --pairs SIZE N    N pairs and nothing else: run it under callgrind with two values of N,
 *                                  the difference of the totals over the difference of N is one pair
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <weir/buffer.h>

/* The pool's private jemalloc, where this program is linked with one. */
__attribute__((weak)) extern void *weir_je_mallocx(size_t size, int flags);
__attribute__((weak)) extern void weir_je_dallocx(void *ptr, int flags);
__attribute__((weak)) extern int weir_je_mallctl(const char *name, void *out, size_t *out_len, void *in,
                                                 size_t in_len);

enum {
    PASSES = 5,
    BATCH_MAX = 256
};

static weir_pool *pool;
static int jemalloc_flags;

static double now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Takes and releases through a constant, so that nobody pays for a call through a pointer. */
#define CONTENDER(name, take, give)                                                                          \
    static void *name##_get(size_t size) {                                                                   \
        return take;                                                                                         \
    }                                                                                                        \
    static void name##_release(void *taken) {                                                                \
        give;                                                                                                \
    }                                                                                                        \
    static double name##_batch_ns(size_t size, int live, int rounds) {                                       \
        void *held[BATCH_MAX];                                                                               \
        double start = now_ns();                                                                             \
        for (int round = 0; round < rounds; round++) {                                                       \
            for (int i = 0; i < live; i++) {                                                                 \
                held[i] = name##_get(size);                                                                  \
                __asm__ volatile("" ::"r"(held[i]) : "memory");                                              \
            }                                                                                                \
            for (int i = 0; i < live; i++) name##_release(held[i]);                                          \
        }                                                                                                    \
        return (now_ns() - start) / live / rounds;                                                           \
    }

CONTENDER(pool, weir_pool_get(pool, size), weir_buf_release(taken))
CONTENDER(malloc, malloc(size), free(taken))
CONTENDER(mallocx, weir_je_mallocx(size, jemalloc_flags), weir_je_dallocx(taken, jemalloc_flags))

typedef struct contender {
    const char *name;
    void *(*get)(size_t size);
    void (*release)(void *taken);
    double (*batch_ns)(size_t size, int live, int rounds);
} contender;

static const contender contenders[] = {
    {"pool", pool_get, pool_release, pool_batch_ns},
    {"malloc", malloc_get, malloc_release, malloc_batch_ns},
    {"mallocx", mallocx_get, mallocx_release, mallocx_batch_ns},
};

enum {
    CONTENDERS = sizeof contenders / sizeof contenders[0]
};

static bool open_jemalloc(void) {
    if (weir_je_mallctl == NULL) return false;
    unsigned arena = 0, cache = 0;
    size_t size = sizeof arena;
    if (weir_je_mallctl("arenas.create", &arena, &size, NULL, 0) != 0) return false;
    size = sizeof cache;
    if (weir_je_mallctl("tcache.create", &cache, &size, NULL, 0) != 0) return false;
    jemalloc_flags = (int)((arena + 1) << 20 | (cache + 2) << 8);
    return true;
}

/* ---- one thread ------------------------------------------------------------------------------- */

static double best_batch_ns(const contender *who, size_t size, int live, int pairs) {
    double best = 1e18;
    (void)who->batch_ns(size, live, 4);
    for (int pass = 0; pass < PASSES; pass++) {
        double ns = who->batch_ns(size, live, pairs / live);
        if (ns < best) best = ns;
    }
    return best;
}

static void batch_table(int live, int pairs, int count) {
    static const size_t sizes[] = {64, 1024, 4096, 16384, 65536, 262144, 1048576};
    printf("\n%d live, ns a pair\n%10s", live, "bytes");
    for (int c = 0; c < count; c++) printf("%10s", contenders[c].name);
    printf("\n");
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        printf("%10zu", sizes[s]);
        for (int c = 0; c < count; c++)
            printf("%10.1f", best_batch_ns(&contenders[c], sizes[s], live, pairs));
        printf("\n");
        weir_pool_trim(pool);
    }
}

/* ---- two threads ------------------------------------------------------------------------------ */

enum {
    RING = 1024
};

typedef struct hand_over {
    const contender *who;
    size_t size;
    int total;
    void *ring[RING];
    _Alignas(64) _Atomic int put;
    _Alignas(64) _Atomic int taken;
    double release_ns;
} hand_over;

static void *release_all(void *arg) {
    hand_over *self = arg;
    double spent = 0;
    for (int done = 0; done < self->total;) {
        int put = atomic_load_explicit(&self->put, memory_order_acquire);
        if (put - done < RING / 2 && put != self->total) {
            sched_yield();
            continue;
        }
        double start = now_ns();
        for (int i = done; i < put; i++) self->who->release(self->ring[i % RING]);
        spent += now_ns() - start;
        done = put;
        atomic_store_explicit(&self->taken, done, memory_order_release);
    }
    self->release_ns = spent / self->total;
    return NULL;
}

/* The releases are timed in runs of at least half the ring, on the thread that does them; the gets in the
 * same way on the other. */
static void hand_over_ns(const contender *who, size_t size, int total, double *get_ns, double *release_ns) {
    static hand_over self;
    memset(&self, 0, sizeof self);
    self.who = who;
    self.size = size;
    self.total = total;
    pthread_t thread;
    if (pthread_create(&thread, NULL, release_all, &self) != 0) abort();
    double spent = 0;
    for (int put = 0; put < total;) {
        int room = RING - (put - atomic_load_explicit(&self.taken, memory_order_acquire));
        if (room > total - put) room = total - put;
        if (room < RING / 2 && room != total - put) {
            sched_yield();
            continue;
        }
        double start = now_ns();
        for (int i = put; i < put + room; i++) self.ring[i % RING] = who->get(size);
        spent += now_ns() - start;
        put += room;
        atomic_store_explicit(&self.put, put, memory_order_release);
    }
    pthread_join(thread, NULL);
    *get_ns = spent / total;
    *release_ns = self.release_ns;
}

static void foreign_table(int count) {
    static const size_t sizes[] = {192, 4096, 16384, 65536};
    printf("\nget on one thread / release on another, ns each\n%10s", "bytes");
    for (int c = 0; c < count; c++) printf("%18s", contenders[c].name);
    printf("\n");
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        printf("%10zu", sizes[s]);
        for (int c = 0; c < count; c++) {
            double best_get = 1e18, best_release = 1e18;
            for (int pass = 0; pass < PASSES; pass++) {
                double get, release;
                hand_over_ns(&contenders[c], sizes[s], 200000, &get, &release);
                if (get < best_get) best_get = get;
                if (release < best_release) best_release = release;
            }
            printf("%10.1f /%6.1f", best_get, best_release);
        }
        printf("\n");
        weir_pool_trim(pool);
    }
}

int main(int argc, char **argv) {
    pool = weir_pool_new(NULL);
    if (pool == NULL) return 1;
    if (argc == 4 && strcmp(argv[1], "--pairs") == 0) {
        size_t size = strtoull(argv[2], NULL, 10);
        for (long n = strtol(argv[3], NULL, 10); n > 0; n--) weir_buf_release(weir_pool_get(pool, size));
    } else {
        /* mallocx shares its cache between threads in the hand-over, which it must not: it is left out there. */
        bool has_jemalloc = open_jemalloc();
        int count = has_jemalloc ? CONTENDERS : CONTENDERS - 1;
        batch_table(1, 2000000, count);
        batch_table(64, 200000, count);
        batch_table(256, 200000, count);
        foreign_table(CONTENDERS - 1);
    }
    weir_pool_free(pool);
    return 0;
}
