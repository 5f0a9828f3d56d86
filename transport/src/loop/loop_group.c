/* loop_group.c - loops and the threads that run them. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <weir/core/log.h>
#include <weir/transport/loop_group.h>

#include "loop/loop_internal.h"

typedef struct member {
    weir_loop *loop;
    pthread_t thread;
} member;

struct weir_loop_group {
    weir_pool *pool;
    size_t count;
    atomic_size_t turn;
    member members[];
};

static unsigned usable_cpus(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
    int count = CPU_COUNT(&set);
    return count > 0 ? (unsigned)count : 1;
}

static void *run(void *arg) {
    weir_loop_run(arg);
    return NULL;
}

/* Signals are for the host's own threads, or for net_signals through libuv's pipe: loop threads take none. */
static bool start_thread(member *self) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&self->thread, NULL, run, self->loop);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed == 0;
}

weir_loop_group *weir_loop_group_new(unsigned count) {
    if (count == 0) count = usable_cpus();
    weir_loop_group *group = weir_alloc_zeroed(NULL, 1, sizeof *group + count * sizeof(member));
    if (group == NULL) return NULL;
    group->pool = weir_pool_new(&(weir_pool_options){.name = "loops"});
    if (group->pool != NULL) {
        for (group->count = 0; group->count < count; group->count++) {
            member *next = &group->members[group->count];
            next->loop = weir_loop_new(&(weir_loop_options){.pool = group->pool});
            if (next->loop == NULL) break;
            if (!start_thread(next)) {
                weir_loop_free(next->loop);
                break;
            }
        }
        if (group->count == count) return group;
    }
    weir_log(WEIR_LOG_ERROR, "loop", "no memory, threads or descriptors for %u loops", count);
    weir_loop_group_free(group);
    return NULL;
}

void weir_loop_group_free(weir_loop_group *group) {
    if (group == NULL) return;
    for (size_t i = 0; i < group->count; i++) {
        WEIR_CHECK(!weir_loop_is_current(group->members[i].loop),
                   "a loop group was freed by one of its loops");
        weir_loop_stop(group->members[i].loop);
    }
    for (size_t i = 0; i < group->count; i++) {
        pthread_join(group->members[i].thread, NULL);
        weir_loop_free(group->members[i].loop);
    }
    weir_pool_free(group->pool);
    weir_alloc_release(NULL, group);
}

size_t weir_loop_group_count(const weir_loop_group *group) {
    return group->count;
}

weir_loop *weir_loop_group_at(const weir_loop_group *group, size_t i) {
    return group->members[i].loop;
}

weir_loop *weir_loop_group_next(weir_loop_group *group) {
    return group->members[atomic_fetch_add_explicit(&group->turn, 1, memory_order_relaxed) % group->count]
        .loop;
}

weir_pool *weir_loop_group_pool(const weir_loop_group *group) {
    return group->pool;
}
