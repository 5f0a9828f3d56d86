/* leak_track.c - what is remembered of each object while tracking is on.
 *
 *     table: address -> record { kind, acquired at, last touches, released at }
 *
 * One mutex, plain malloc (this memory is no part of what is counted). A record outlives its object
 * until the address is acquired again or RELEASED_KEPT others were released since; without memory for a
 * record the object stays unknown. Addresses are kept inverted, so that LeakSanitizer, which looks
 * for pointers, does not take the table for a reason that an object is alive.
 */
#include "leak_track.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <weir/core/leak.h>
#include <weir/core/list.h>

#include "leak_site.h"

enum {
    TOUCHES_KEPT = 4,
    RELEASED_KEPT = 16384,
    FEWEST_BUCKETS = 1024
};

struct touch {
    const char *hint;
    leak_site site;
};

struct record {
    struct record *next; /* in its bucket */
    weir_list link;      /* in `alive` or `dead`, oldest first */
    uintptr_t inverted;
    const char *kind;
    bool is_alive;
    uint32_t touched; /* how often; the last ones are in `touches`, round and round */
    leak_site acquired, released;
    struct touch touches[TOUCHES_KEPT];
};

#ifdef WEIR_LEAK_TRACK
bool weir_leak_tracking = true;
#else
bool weir_leak_tracking;
#endif

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct record **buckets;
static size_t bucket_count; /* a power of two */
static size_t record_count;
static size_t dead_count;
static weir_list alive = {&alive, &alive};
static weir_list dead = {&dead, &dead};

/* Ahead of constructors without a priority, so that what they make is tracked too. */
static __attribute__((constructor(101))) void read_environment(void) {
    const char *wanted = getenv("WEIR_LEAK_TRACK");
    if (wanted != NULL && wanted[0] != '\0') weir_leak_tracking = strcmp(wanted, "0") != 0;
}

static struct record **bucket_of(uintptr_t inverted) {
    uint64_t mixed = (uint64_t)inverted * 0x9E3779B97F4A7C15u;
    return &buckets[(size_t)(mixed >> 32) & (bucket_count - 1)];
}

static struct record *find(const void *object) {
    uintptr_t inverted = ~(uintptr_t)object;
    struct record *record = bucket_count == 0 ? NULL : *bucket_of(inverted);
    while (record != NULL && record->inverted != inverted) record = record->next;
    return record;
}

static bool grow_table(void) {
    size_t old_count = bucket_count;
    struct record **old = buckets;
    size_t count = old_count == 0 ? FEWEST_BUCKETS : old_count * 2;
    struct record **grown =
        calloc(count, sizeof *grown); /* NOLINT(bugprone-sizeof-expression): of pointers */
    if (grown == NULL) return old_count != 0;
    buckets = grown;
    bucket_count = count;
    for (size_t i = 0; i < old_count; i++) {
        for (struct record *record = old[i], *next; record != NULL; record = next) {
            next = record->next;
            struct record **bucket = bucket_of(record->inverted);
            record->next = *bucket;
            *bucket = record;
        }
    }
    free(old);
    return true;
}

static struct record *add(const void *object) {
    if (record_count >= bucket_count && !grow_table()) return NULL;
    struct record *record = malloc(sizeof *record);
    if (record == NULL) return NULL;
    record->inverted = ~(uintptr_t)object;
    weir_list_init(&record->link);
    struct record **bucket = bucket_of(record->inverted);
    record->next = *bucket;
    *bucket = record;
    record->is_alive = true;
    record_count++;
    return record;
}

static void drop(struct record *record) {
    struct record **link = bucket_of(record->inverted);
    while (*link != record) link = &(*link)->next;
    *link = record->next;
    weir_list_remove(&record->link);
    record_count--;
    if (!record->is_alive) dead_count--;
    free(record);
}

static void drop_all(weir_list *list) {
    while (!weir_list_is_empty(list)) drop(WEIR_CONTAINER(list->next, struct record, link));
}

void weir_leak_track(bool on) {
    pthread_mutex_lock(&lock);
    __atomic_store_n(&weir_leak_tracking, on, __ATOMIC_RELAXED);
    if (!on) {
        drop_all(&alive);
        drop_all(&dead);
        free(buckets);
        buckets = NULL;
        bucket_count = 0;
    }
    pthread_mutex_unlock(&lock);
}

void weir_leak_acquired(const void *object, const char *kind) {
    leak_site site;
    leak_site_capture(&site);
    pthread_mutex_lock(&lock);
    struct record *record = find(object);
    if (record == NULL) record = add(object);
    if (record != NULL) {
        if (!record->is_alive) dead_count--;
        weir_list_remove(&record->link);
        weir_list_push_back(&alive, &record->link);
        record->is_alive = true;
        record->kind = kind;
        record->touched = 0;
        record->acquired = site;
    }
    pthread_mutex_unlock(&lock);
}

bool weir_leak_touched(const void *object, const char *hint) {
    leak_site site;
    leak_site_capture(&site);
    pthread_mutex_lock(&lock);
    struct record *record = find(object);
    bool may_live = record == NULL || record->is_alive;
    if (record != NULL && may_live) {
        record->touches[record->touched % TOUCHES_KEPT] = (struct touch){hint, site};
        record->touched++;
    }
    pthread_mutex_unlock(&lock);
    return may_live;
}

static void bury(struct record *record, const leak_site *site) {
    record->is_alive = false;
    record->released = *site;
    weir_list_remove(&record->link);
    weir_list_push_back(&dead, &record->link);
    if (++dead_count > RELEASED_KEPT) drop(WEIR_CONTAINER(dead.next, struct record, link));
}

static void print_record(const struct record *self, FILE *out) {
    void *object = (void *)~self->inverted; /* NOLINT: an address to print */
    fprintf(out, "weir: %s %p, %s\n", self->kind, object, self->is_alive ? "alive" : "released");
    fprintf(out, "  acquired at:\n");
    leak_site_print(&self->acquired, out);
    uint32_t kept = self->touched < TOUCHES_KEPT ? self->touched : TOUCHES_KEPT;
    for (uint32_t i = self->touched - kept; i != self->touched; i++) {
        const struct touch *touch = &self->touches[i % TOUCHES_KEPT];
        fprintf(out, "  touched by %s at:\n", touch->hint);
        leak_site_print(&touch->site, out);
    }
    if (self->is_alive) return;
    fprintf(out, "  released at:\n");
    leak_site_print(&self->released, out);
}

bool weir_leak_released(const void *object) {
    leak_site site;
    leak_site_capture(&site);
    pthread_mutex_lock(&lock);
    struct record *record = find(object);
    bool was_alive = record == NULL || record->is_alive;
    if (!was_alive) {
        print_record(record, stderr);
        fprintf(stderr, "  released again at:\n");
        leak_site_print(&site, stderr);
    } else if (record != NULL) {
        bury(record, &site);
    }
    pthread_mutex_unlock(&lock);
    return was_alive;
}

void weir_leak_explain(const void *object, FILE *out) {
    pthread_mutex_lock(&lock);
    const struct record *record = find(object);
    if (record != NULL) {
        print_record(record, out);
    } else {
        fprintf(out, "weir: nothing is known of object %p\n", object);
    }
    pthread_mutex_unlock(&lock);
}

void leak_track_report(FILE *out) {
    pthread_mutex_lock(&lock);
    for (weir_list *link = alive.next; link != &alive; link = link->next) {
        print_record(WEIR_CONTAINER(link, struct record, link), out);
    }
    pthread_mutex_unlock(&lock);
}
