/* watchdog.c - the thread that looks after the loops. It lives while there is one to look at. */
#include "loop/watchdog.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <weir/core/log.h>

#include "pipeline/pipeline_internal.h"

#define LOOKS_A_LIMIT 4
#define LONGEST_NAME 24

/* What is said of a loop, copied so that nothing is locked while it is said. */
typedef struct finding {
    char loop[LONGEST_NAME];
    uint64_t ms;
    uintptr_t at, function;
    uint64_t channel;
} finding;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of all below, and of loop->watch */
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static weir_list watched = {&watched, &watched};
static pthread_t thread;
static bool is_running;
static unsigned generation; /* a thread of an earlier one ends */

/* ---- telling ---- */

/* Such as "echo_server+0x4a20", which addr2line understands. */
static void name_function(char *text, size_t n, uintptr_t function) {
    Dl_info info;
    if (function != 0 && dladdr((const void *)function, &info) != 0 && info.dli_fname != NULL) {
        const char *slash = strrchr(info.dli_fname, '/');
        snprintf(text, n, " (%s+0x%" PRIxPTR ")", slash != NULL ? slash + 1 : info.dli_fname,
                 function - (uintptr_t)info.dli_fbase);
    } else {
        snprintf(text, n, " (0x%" PRIxPTR ")", function);
    }
}

static void tell(const finding *what) {
    char where[200] = "libuv", function[160], channel[40] = "";
    unsigned slot = what->at & 7;
    if (what->at != 0) {
        const char *name = *(const char *const *)(what->at - slot); /* NOLINT(performance-no-int-to-ptr) */
        if (slot == LOOP_NO_SLOT) {
            name_function(function, sizeof function, what->function);
            snprintf(where, sizeof where, "%s%s", name, what->function != 0 ? function : "");
        } else {
            snprintf(where, sizeof where, "handler \"%s\" (%s)", name, pipeline_event_name(slot));
        }
    }
    if (what->channel != 0) snprintf(channel, sizeof channel, " of channel %" PRIu64, what->channel);
    weir_log(WEIR_LOG_WARN, "loop", "\"%s\" has been stuck for %" PRIu64 " ms; last entered: %s%s",
             what->loop, what->ms, where, channel);
}

/* ---- looking ---- */

static uint64_t progress_of(const weir_loop *loop) {
    const loop_counts *counts = &loop->counts;
    return loop_counted(&counts->events) + loop_counted(&counts->tasks) + loop_counted(&counts->timers) +
           loop_counted(&counts->jobs) + loop_counted(&counts->turns) + loop_counted(&counts->flushes);
}

/* Awake at two looks and nothing counted in between. The first is timed after it, the second before it: this thread
 * may have to wait for a processor anywhere in here. */
static bool is_stuck(weir_loop *loop, uint64_t *ms) {
    loop_watch *watch = &loop->watch;
    uint64_t now = loop_clock_ns();
    bool awake = atomic_load_explicit(&loop->awake, memory_order_relaxed);
    uint64_t progress = progress_of(loop);
    if (awake && watch->awake && progress == watch->progress) {
        *ms = (now - watch->since) / 1000000;
        return !watch->told && *ms >= loop->slow_callback_ms;
    }
    watch->awake = awake;
    watch->progress = progress;
    watch->told = false;
    watch->since = loop_clock_ns();
    return false;
}

/* The first loop that is stuck and was not told of. */
static bool look_around(finding *out) {
    for (weir_list *link = watched.next; link != &watched; link = link->next) {
        weir_loop *loop = WEIR_CONTAINER(link, weir_loop, watch.link);
        if (!is_stuck(loop, &out->ms)) continue;
        loop->watch.told = true;
        const loop_thread *stuck = loop->watch.thread;
        snprintf(out->loop, sizeof out->loop, "%s", loop->name);
        out->at = atomic_load_explicit(&stuck->at, memory_order_relaxed);
        out->function = atomic_load_explicit(&stuck->function, memory_order_relaxed);
        out->channel = atomic_load_explicit(&stuck->channel, memory_order_relaxed);
        return true;
    }
    return false;
}

static uint64_t shortest_limit_ms(void) {
    uint64_t shortest = UINT64_MAX;
    for (weir_list *link = watched.next; link != &watched; link = link->next) {
        const weir_loop *loop = WEIR_CONTAINER(link, weir_loop, watch.link);
        if (loop->slow_callback_ms < shortest) shortest = loop->slow_callback_ms;
    }
    return shortest;
}

static void sleep_until_next_look(void) {
    struct timespec at;
    uint64_t ms = shortest_limit_ms() / LOOKS_A_LIMIT + 1;
    clock_gettime(CLOCK_MONOTONIC, &at);
    uint64_t ns = (uint64_t)at.tv_nsec + ms % 1000 * 1000000;
    at.tv_sec += (time_t)(ms / 1000 + ns / 1000000000);
    at.tv_nsec = (long)(ns % 1000000000);
    pthread_cond_clockwait(&changed, &lock, CLOCK_MONOTONIC, &at);
}

static void *look_after_loops(void *arg) {
    unsigned mine = (unsigned)(uintptr_t)arg;
    finding found;
    pthread_setname_np(pthread_self(), "weir-watchdog");
    pthread_mutex_lock(&lock);
    while (generation == mine) {
        while (look_around(&found)) {
            pthread_mutex_unlock(&lock);
            tell(&found);
            pthread_mutex_lock(&lock);
        }
        if (generation == mine) sleep_until_next_look();
    }
    pthread_mutex_unlock(&lock);
    return NULL;
}

/* ---- who is looked after ---- */

static void start_thread(void) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    is_running = pthread_create(&thread, NULL, look_after_loops, (void *)(uintptr_t)generation) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!is_running)
        weir_log(WEIR_LOG_WARN, "loop", "no thread for the watchdog: slow callbacks are not told");
}

void watchdog_add(weir_loop *loop) {
    if (loop->slow_callback_ms == WEIR_LOOP_NEVER) return;
    pthread_mutex_lock(&lock);
    if (weir_list_is_empty(&loop->watch.link)) {
        loop->watch.thread = &loop_this_thread;
        weir_list_push_back(&watched, &loop->watch.link);
        pthread_cond_signal(&changed);
        if (!is_running) start_thread();
    }
    pthread_mutex_unlock(&lock);
}

void watchdog_remove(weir_loop *loop) {
    if (loop->slow_callback_ms == WEIR_LOOP_NEVER) return;
    pthread_mutex_lock(&lock);
    weir_list_remove(&loop->watch.link);
    bool is_last = is_running && weir_list_is_empty(&watched);
    pthread_t ends = thread;
    if (is_last) {
        is_running = false;
        generation++;
        pthread_cond_broadcast(&changed);
    }
    pthread_mutex_unlock(&lock);
    if (is_last) pthread_join(ends, NULL);
}
