/* common/pool_rows.h - taking blocks and giving them back: the same loops over every allocator.
 *
 * Included once by a program, after it has defined
 *
 *     static inline void *take(size_t size);
 *     static inline void give(void *taken);
 *
 * so that no rival pays for a call through a pointer. Blocks are not touched: what an allocator itself does
 * to them is all there is.
 */
#ifndef BENCH_POOL_ROWS_H
#define BENCH_POOL_ROWS_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/rows.h"

static inline void *take_kept(size_t size) {
    void *taken = take(size);
    BENCH_KEEP(taken);
    return taken;
}

static void take_and_give(size_t n, size_t size) {
    for (size_t i = 0; i < n; i++) give(take_kept(size));
}

static inline void take_all_give_all(size_t n, size_t live, size_t size) {
    void *held[256];
    for (size_t done = 0; done < n; done += live) {
        for (size_t i = 0; i < live; i++) held[i] = take_kept(size);
        for (size_t i = 0; i < live; i++) give(held[i]);
    }
}

static void take_256_give_256(size_t n, size_t size) {
    take_all_give_all(n, 256, size);
}

static void take_64_give_64(size_t n, size_t size) {
    take_all_give_all(n, 64, size);
}

/* ---- mixed sizes: each operation replaces one of `live` blocks, picked at random ----------------- */

enum {
    MIXED_LIVE_MAX = 4096,
    MIXED_STEPS = 65536
};

static void *mixed_held[MIXED_LIVE_MAX];
static uint16_t mixed_sizes[MIXED_STEPS], mixed_slots[MIXED_STEPS];

/* As many blocks between 64 and 128 bytes as between 8 and 16 KiB, as in each doubling between. */
static void plan_mixed(void) {
    uint32_t state = 1;
    for (size_t i = 0; i < MIXED_STEPS; i++) {
        state = state * 1664525u + 1013904223u;
        unsigned octave = (unsigned)(((uint64_t)(state >> 8) * 8) >> 24);
        state = state * 1664525u + 1013904223u;
        unsigned low = 64u << octave;
        mixed_sizes[i] = (uint16_t)(low + (unsigned)(((uint64_t)(state >> 8) * low) >> 24));
        state = state * 1664525u + 1013904223u;
        mixed_slots[i] = (uint16_t)(state >> 16);
    }
}

static void fill_mixed(size_t live) {
    if (mixed_sizes[0] == 0) plan_mixed();
    for (size_t i = 0; i < live; i++) mixed_held[i] = take_kept(mixed_sizes[i]);
}

static void replace_mixed(size_t n, size_t live) {
    for (size_t i = 0; i < n; i++) {
        void **slot = &mixed_held[mixed_slots[i % MIXED_STEPS] & (live - 1)];
        give(*slot);
        *slot = take_kept(mixed_sizes[(i + live) % MIXED_STEPS]);
    }
}

static void empty_mixed(size_t live) {
    for (size_t i = 0; i < live; i++) give(mixed_held[i]);
}

/* ---- taken here, given back by other threads ----------------------------------------------------- */

enum {
    FOREIGN_SIZE = 4096,
    FOREIGN_RUN = 512, /* blocks handed over at a time */
    FOREIGN_MAX = 2
};

/* Two runs of blocks for each thread: one is filled while the other is given back. */
typedef struct giver {
    pthread_t thread;
    sem_t full, empty;
    void *held[2][FOREIGN_RUN];
    unsigned next;
    bool over;
    uint64_t spent; /* CPU ns, of the giving alone */
} giver;

static giver givers[FOREIGN_MAX];
static uint64_t foreign_spent; /* CPU ns, of the taking alone */

static void *give_what_comes(void *arg) {
    giver *self = arg;
    for (unsigned run = 0;; run++) {
        while (sem_wait(&self->full) != 0) continue;
        if (self->over) return NULL;
        uint64_t start = bench_cpu_ns();
        for (size_t i = 0; i < FOREIGN_RUN; i++) give(self->held[run % 2][i]);
        self->spent += bench_cpu_ns() - start;
        sem_post(&self->empty);
    }
}

static void start_givers(size_t threads) {
    for (size_t i = 0; i < threads; i++) {
        giver *self = &givers[i];
        memset(self, 0, sizeof *self);
        sem_init(&self->full, 0, 0);
        sem_init(&self->empty, 0, 2);
        if (pthread_create(&self->thread, NULL, give_what_comes, self) != 0) abort();
    }
    foreign_spent = 0;
}

static void hand_over(size_t n, size_t threads) {
    for (size_t run = 0; run * FOREIGN_RUN < n; run++) {
        giver *self = &givers[run % threads];
        void **held = self->held[self->next++ % 2];
        while (sem_wait(&self->empty) != 0) continue;
        uint64_t start = bench_cpu_ns();
        for (size_t i = 0; i < FOREIGN_RUN; i++) held[i] = take_kept(FOREIGN_SIZE);
        foreign_spent += bench_cpu_ns() - start;
        sem_post(&self->full);
    }
    for (size_t i = 0; i < threads; i++) { /* until all is given back */
        for (int run = 0; run < 2; run++)
            while (sem_wait(&givers[i].empty) != 0) continue;
        for (int run = 0; run < 2; run++) sem_post(&givers[i].empty);
    }
}

static void stop_givers(size_t threads) {
    for (size_t i = 0; i < threads; i++) {
        givers[i].over = true;
        sem_post(&givers[i].full);
        pthread_join(givers[i].thread, NULL);
        sem_destroy(&givers[i].full);
        sem_destroy(&givers[i].empty);
    }
}

static uint64_t foreign_clock(void) {
    uint64_t sum = foreign_spent;
    for (int i = 0; i < FOREIGN_MAX; i++) sum += givers[i].spent;
    return sum;
}

/* ---- the rows ------------------------------------------------------------------------------------ */

#define HOT_ROW(text, size)                                                                                  \
    { .name = "get + release, " text, .run = take_and_give, .arg = (size), .counted = 8192 }
#define MIXED_ROW(live_text, live)                                                                           \
    {                                                                                                        \
        .name = "64 B to 16 KiB, " live_text " live", .run = replace_mixed, .arg = (live), .counted = 16384, \
        .begin = fill_mixed, .end = empty_mixed                                                              \
    }
#define FOREIGN_ROW(text, threads)                                                                           \
    {                                                                                                        \
        .name = "4 KiB, released by " text, .run = hand_over, .arg = (threads), .counted = 16384,            \
        .begin = start_givers, .end = stop_givers, .clock = foreign_clock                                    \
    }

#define POOL_ROWS                                                                                            \
    HOT_ROW("64 B", 64), HOT_ROW("1 KiB", 1 << 10), HOT_ROW("4 KiB", 4 << 10), HOT_ROW("16 KiB", 16 << 10),  \
        HOT_ROW("64 KiB", 64 << 10), HOT_ROW("256 KiB", 256 << 10), HOT_ROW("1 MiB", 1 << 20),               \
        {.name = "256 live, 4 KiB", .run = take_256_give_256, .arg = 4096, .counted = 8192},                 \
        {.name = "64 live, 1 MiB", .run = take_64_give_64, .arg = 1 << 20, .counted = 4096},                 \
        MIXED_ROW("64", 64), MIXED_ROW("512", 512), MIXED_ROW("4096", 4096),                                 \
        FOREIGN_ROW("another thread", 1), FOREIGN_ROW("2 other threads", 2)

#endif
