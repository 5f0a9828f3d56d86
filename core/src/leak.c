/* leak.c - live counts: one cell per kind and thread, written by that thread alone.
 *
 *     thread A: [slot 1: +3] [slot 2: -1]     one list, walked when somebody asks;
 *     thread B: [slot 1: -2] [slot 2: +2]     a thread that ends adds its cells to `rest`
 *
 * Only a sum is meaningful: what A acquired B may have released. Kinds beyond SLOTS, and threads
 * without memory for cells, count in `rest` at once, with an atomic add.
 */
#include <weir/core/leak.h>

#include <pthread.h>
#include <stdlib.h>

#include "leak_track.h"

enum {
    SLOTS = 128
};

typedef struct thread_cells {
    int64_t cells[SLOTS];
    struct thread_cells *next;
} thread_cells;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static weir_leak_counter *counters; /* only grows */
static uint32_t next_slot = 1;
static thread_cells *threads;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static bool has_key;

static _Thread_local __attribute__((tls_model("initial-exec"))) thread_cells *own_cells;
static _Thread_local __attribute__((tls_model("initial-exec"))) bool is_ending;

static void add_to_rest(weir_leak_counter *counter, int64_t n) {
    __atomic_fetch_add(&counter->rest, n, __ATOMIC_RELAXED);
}

static weir_leak_counter *first_counter(void) {
    return __atomic_load_n(&counters, __ATOMIC_ACQUIRE);
}

static bool has_cell(uint32_t slot) {
    return slot - 1 < SLOTS - 1;
}

/* Other destructors of this thread may still count, so it has no cells from here on. */
static void fold_thread(void *cells) {
    thread_cells *self = cells;
    is_ending = true;
    own_cells = NULL;
    pthread_mutex_lock(&lock);
    thread_cells **link = &threads;
    while (*link != self) link = &(*link)->next;
    *link = self->next;
    for (weir_leak_counter *counter = first_counter(); counter != NULL; counter = counter->next) {
        if (has_cell(counter->slot)) add_to_rest(counter, self->cells[counter->slot]);
    }
    pthread_mutex_unlock(&lock);
    free(self);
}

static void create_key(void) {
    has_key = pthread_key_create(&key, fold_thread) == 0;
}

static thread_cells *join_thread(void) {
    pthread_once(&once, create_key);
    if (is_ending || !has_key) return NULL;
    thread_cells *self = calloc(1, sizeof *self);
    if (self == NULL) return NULL;
    if (pthread_setspecific(key, self) != 0) {
        free(self);
        return NULL;
    }
    pthread_mutex_lock(&lock);
    self->next = threads;
    threads = self;
    pthread_mutex_unlock(&lock);
    own_cells = self;
    return self;
}

void weir_leak_register(weir_leak_counter *counter) {
    pthread_mutex_lock(&lock);
    if (counter->slot == 0) {
        counter->next = counters;
        __atomic_store_n(&counter->slot, next_slot++, __ATOMIC_RELAXED);
        __atomic_store_n(&counters, counter, __ATOMIC_RELEASE);
    }
    pthread_mutex_unlock(&lock);
}

static uint32_t slot_of(weir_leak_counter *counter) {
    return __atomic_load_n(&counter->slot, __ATOMIC_RELAXED);
}

static void add_to_cell(thread_cells *self, uint32_t slot, int delta) {
    int64_t *cell = &self->cells[slot];
    __atomic_store_n(cell, __atomic_load_n(cell, __ATOMIC_RELAXED) + delta, __ATOMIC_RELAXED);
}

static WEIR_COLD void count_slowly(weir_leak_counter *counter, int delta) {
    if (slot_of(counter) == 0) weir_leak_register(counter);
    thread_cells *self = own_cells != NULL ? own_cells : join_thread();
    if (self != NULL && has_cell(slot_of(counter))) {
        add_to_cell(self, slot_of(counter), delta);
    } else {
        add_to_rest(counter, delta);
    }
}

void weir_leak_count(weir_leak_counter *counter, int delta) {
    thread_cells *self = own_cells;
    uint32_t slot = slot_of(counter);
    if (WEIR_LIKELY(self != NULL && has_cell(slot))) {
        add_to_cell(self, slot, delta);
    } else {
        count_slowly(counter, delta);
    }
}

int64_t weir_leak_live(weir_leak_counter *counter) {
    uint32_t slot = slot_of(counter);
    pthread_mutex_lock(&lock);
    int64_t sum = __atomic_load_n(&counter->rest, __ATOMIC_RELAXED);
    for (thread_cells *it = threads; it != NULL && has_cell(slot); it = it->next) {
        sum += __atomic_load_n(&it->cells[slot], __ATOMIC_RELAXED);
    }
    pthread_mutex_unlock(&lock);
    return counter->elsewhere == NULL ? sum : sum + counter->elsewhere();
}

int64_t weir_leak_report(FILE *out) {
    int64_t sum = 0;
    for (weir_leak_counter *counter = first_counter(); counter != NULL; counter = counter->next) {
        int64_t live = weir_leak_live(counter);
        sum += live;
        if (live != 0 && out != NULL) fprintf(out, "%s: %lld\n", counter->name, (long long)live);
    }
    if (out != NULL && weir_leak_is_tracking()) leak_track_report(out);
    return sum;
}
