/* promise.c - completed once, told to its listeners on its loop.
 *
 * The first listener has a place in the promise itself. Waiting threads are rare: one lock and one condition
 * serve them all.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "loop/deadline.h"
#include "loop/promise_internal.h"

/* Listeners that complete further promises nest; beyond this depth they are posted instead. */
#define DEEPEST_NESTING 8

typedef struct listener {
    weir_promise_fn *fn;
    void *arg;
    struct listener *next;
} listener;

struct weir_promise {
    weir_obj obj;
    weir_loop *loop;
    weir_status status;
    atomic_bool done;
    atomic_bool has_waiter;
    listener first;
    weir_progress_fn *progress;
    void *progress_arg;
    weir_task task; /* for completing from elsewhere */
};

static pthread_mutex_t waiting = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t completed = PTHREAD_COND_INITIALIZER;
static _Thread_local int nesting;

static void free_promise(weir_obj *obj) {
    weir_promise *self = (weir_promise *)(void *)obj;
    weir_loop *loop = self->loop;
    for (listener *l = self->first.next, *next; l != NULL; l = next) {
        next = l->next;
        weir_alloc_release(loop->alloc, l);
    }
    weir_alloc_release(loop->alloc, self);
    loop_release(loop);
}

static weir_leak_counter living = {.name = "promise"};
static const weir_obj_type promise_type = {.name = "promise", .free = free_promise, .live = &living};

weir_promise *weir_promise_new(weir_loop *loop) {
    weir_promise *self = weir_alloc_zeroed(loop->alloc, 1, sizeof *self);
    if (self == NULL) return NULL;
    weir_obj_init(&self->obj, &promise_type);
    self->loop = loop;
    loop_retain(loop);
    return self;
}

void weir_promise_release(weir_promise *promise) {
    weir_obj_release(promise);
}

weir_promise *weir_promise_retain(weir_promise *promise) {
    return weir_obj_retain(promise);
}

bool weir_promise_is_done(const weir_promise *promise) {
    return atomic_load_explicit(&promise->done, memory_order_acquire);
}

weir_status weir_promise_status(const weir_promise *promise) {
    return weir_promise_is_done(promise) ? promise->status : WEIR_OK;
}

weir_status weir_promise_listen(weir_promise *promise, weir_promise_fn *fn, void *arg) {
    if (weir_promise_is_done(promise)) {
        loop_check_current(promise->loop, __func__);
        fn(arg, promise->status);
        return WEIR_OK;
    }
    if (promise->first.fn == NULL) {
        promise->first.fn = fn;
        promise->first.arg = arg;
        return WEIR_OK;
    }
    listener *more = weir_alloc_acquire(promise->loop->alloc, sizeof *more);
    if (more == NULL) return WEIR_E_NO_MEMORY;
    *more = (listener){fn, arg, NULL};
    listener *last = &promise->first;
    while (last->next != NULL) last = last->next;
    last->next = more;
    return WEIR_OK;
}

void weir_promise_on_progress(weir_promise *promise, weir_progress_fn *fn, void *arg) {
    promise->progress = fn;
    promise->progress_arg = arg;
}

void weir_promise_progress(weir_promise *promise, uint64_t done, uint64_t total) {
    if (promise == NULL || promise->progress == NULL) return;
    loop_check_current(promise->loop, __func__);
    promise->progress(promise->progress_arg, done, total); /* which may be the end of the promise */
}

/* Takes: promise. */
static void tell_listeners(weir_promise *promise) {
    uintptr_t before = atomic_load_explicit(&loop_this_thread.at, memory_order_relaxed);
    nesting++;
    for (listener *l = &promise->first; l != NULL; l = l->next) {
        if (l->fn == NULL) continue;
        loop_enter(&loop_place_promise, LOOP_NO_SLOT);
        loop_enter_function((uintptr_t)l->fn);
        l->fn(l->arg, promise->status);
    }
    nesting--;
    loop_thread_return(before);
    weir_promise_release(promise);
}

static void tell_later(weir_task *task) {
    tell_listeners(WEIR_CONTAINER(task, weir_promise, task));
}

static bool settle(weir_promise *promise, weir_status status) {
    if (weir_promise_is_done(promise)) return false;
    promise->status = status;
    atomic_store_explicit(&promise->done, true, memory_order_seq_cst);
    if (atomic_load_explicit(&promise->has_waiter, memory_order_seq_cst)) {
        pthread_mutex_lock(&waiting);
        loop_tell_waiters(promise->loop, &completed);
        pthread_mutex_unlock(&waiting);
    }
    return true;
}

bool weir_promise_complete(weir_promise *promise, weir_status status) {
    if (promise == NULL) return false;
    loop_check_current(promise->loop, __func__);
    if (!settle(promise, status)) {
        weir_promise_release(promise);
        return false;
    }
    if (nesting >= DEEPEST_NESTING) {
        promise->task.run = tell_later;
        if (loop_post_own(promise->loop, &promise->task) == WEIR_OK) return true;
    }
    tell_listeners(promise);
    return true;
}

static void complete_posted(weir_task *task) {
    weir_promise *promise = WEIR_CONTAINER(task, weir_promise, task);
    weir_promise_complete(promise, promise->status);
}

void promise_complete_anywhere(weir_promise *promise, weir_status status) {
    if (promise == NULL) return;
    if (loop_is_current(promise->loop)) {
        weir_promise_complete(promise, status);
        return;
    }
    promise->status = status;
    promise->task.run = complete_posted;
    if (loop_post_own(promise->loop, &promise->task) == WEIR_OK) return;
    /* The loop runs no more, so no thread of its can be in the way: tell from here. */
    if (settle(promise, status)) {
        tell_listeners(promise);
    } else {
        weir_promise_release(promise);
    }
}

weir_status weir_promise_wait(weir_promise *promise, int timeout_ms) {
    if (weir_promise_is_done(promise)) return promise->status;
    WEIR_CHECK(!loop_is_current(promise->loop), "a promise was waited for on its own loop");
    struct timespec deadline = deadline_in(timeout_ms > 0 ? (unsigned)timeout_ms : 0);
    int timed_out = 0;
    pthread_mutex_lock(&waiting);
    atomic_store_explicit(&promise->has_waiter, true, memory_order_seq_cst);
    while (!weir_promise_is_done(promise) && timed_out == 0) {
        timed_out = loop_wait(promise->loop, &waiting, &completed, timeout_ms < 0 ? NULL : &deadline);
    }
    pthread_mutex_unlock(&waiting);
    return weir_promise_is_done(promise) ? promise->status : (weir_status)WEIR_E_TIMEOUT;
}

static void complete_other(void *arg, weir_status status) {
    weir_promise_complete(arg, status);
}

void weir_promise_join(weir_promise **place, weir_promise *promise) {
    if (*place == NULL) {
        *place = promise;
    } else if (promise != NULL && weir_promise_listen(*place, complete_other, promise) != WEIR_OK) {
        weir_promise_complete(promise, WEIR_E_NO_MEMORY);
    }
}
