/* loop_group.c - loops and the threads that run them. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>

#include <weir/core/log.h>
#include <weir/transport/loop_group.h>

#include "loop/loop_internal.h"

typedef struct member {
    weir_loop *loop;
    bool has_thread;
    pthread_t thread;
    char name[24];
} member;

struct weir_loop_group {
    weir_pool *pool;
    size_t count;
    atomic_size_t turn;
    member members[];
};

static unsigned usable_cpus(cpu_set_t *set) {
    if (sched_getaffinity(0, sizeof *set, set) != 0) {
        CPU_ZERO(set);
        CPU_SET(0, set);
    }
    return (unsigned)CPU_COUNT(set);
}

/* The i-th CPU of the set, and round again. */
static size_t nth_cpu(const cpu_set_t *set, unsigned count, size_t i) {
    size_t cpu = 0;
    for (unsigned left = (unsigned)(i % count); !CPU_ISSET(cpu, set) || left-- > 0; cpu++) {
    }
    return cpu;
}

static void *run(void *arg) {
    member *self = arg;
    char shown[16]; /* a thread's name may not be longer */
    snprintf(shown, sizeof shown, "%.15s", self->name);
    pthread_setname_np(pthread_self(), shown);
    weir_loop_run(self->loop);
    return NULL;
}

static bool set_attributes(pthread_attr_t *attributes, const weir_loop_group_options *options, size_t i) {
    cpu_set_t usable, one;
    unsigned count = usable_cpus(&usable);
    CPU_ZERO(&one);
    CPU_SET(nth_cpu(&usable, count, i), &one);
    if (options->stack_size != 0 && pthread_attr_setstacksize(attributes, options->stack_size) != 0)
        return false;
    return !options->pin_cpus || pthread_attr_setaffinity_np(attributes, sizeof one, &one) == 0;
}

/* Signals are for the host's own threads, or for net_signals through libuv's pipe: loop threads take none. */
static bool start_thread(member *self, const weir_loop_group_options *options, size_t i) {
    sigset_t all, before;
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0) return false;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started =
        set_attributes(&attributes, options, i) && pthread_create(&self->thread, &attributes, run, self) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return started;
}

static bool start_member(member *self, const weir_loop_group_options *options, weir_pool *pool, size_t i,
                         unsigned count) {
    weir_loop_options loop = options->loop;
    snprintf(self->name, sizeof self->name, "%.11s-%u", options->name != NULL ? options->name : "loop",
             (unsigned)i);
    loop.name = self->name;
    loop.host = NULL;
    loop.pool = pool;
    bool on_caller = options->first_on_caller && i == 0;
    if (on_caller && count == 1 && loop.slow_callback_ms == 0) loop.slow_callback_ms = WEIR_LOOP_NEVER;
    self->loop = weir_loop_new(&loop);
    if (self->loop == NULL) return false;
    self->has_thread = !on_caller;
    if (on_caller) self->loop->waiter = &loop_this_thread;
    if (on_caller || start_thread(self, options, i)) return true;
    weir_loop_free(self->loop);
    return false;
}

weir_loop_group *weir_loop_group_new_with(const weir_loop_group_options *options) {
    cpu_set_t usable;
    weir_loop_group_options defaults = {0};
    if (options == NULL) options = &defaults;
    unsigned count = options->count != 0 ? options->count : usable_cpus(&usable);
    weir_loop_group *group = weir_alloc_zeroed(NULL, 1, sizeof *group + count * sizeof(member));
    if (group == NULL) return NULL;
    weir_pool_options pool = options->pool;
    if (pool.name == NULL) pool.name = "loops";
    group->pool = weir_pool_new(&pool);
    if (group->pool != NULL) {
        while (group->count < count &&
               start_member(&group->members[group->count], options, group->pool, group->count, count)) {
            group->count++;
        }
        if (group->count == count) return group;
    }
    weir_log(WEIR_LOG_ERROR, "loop", "no memory, threads or descriptors for %u loops", count);
    weir_loop_group_free(group);
    return NULL;
}

weir_loop_group *weir_loop_group_new(unsigned count) {
    return weir_loop_group_new_with(&(weir_loop_group_options){.count = count});
}

void weir_loop_group_free(weir_loop_group *group) {
    if (group == NULL) return;
    for (size_t i = 0; i < group->count; i++) {
        weir_loop *loop = group->members[i].loop;
        WEIR_CHECK(!weir_loop_is_current(loop), "a loop group was freed by one of its loops");
        WEIR_CHECK(group->members[i].has_thread || atomic_load(&loop->thread) == NULL,
                   "a loop group was freed while a caller runs its first loop");
        weir_loop_stop(loop);
    }
    for (size_t i = 0; i < group->count; i++) {
        if (group->members[i].has_thread) pthread_join(group->members[i].thread, NULL);
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
