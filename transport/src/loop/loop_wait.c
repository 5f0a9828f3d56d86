/* loop_wait.c - a thread waits for what loops do, and runs the one among them that has no thread but this.
 *
 * Who tells the waiters interrupts that loop too, so its waiter looks again at what it waits for, with its lock.
 */
#include <errno.h>

#include "loop/deadline.h"
#include "loop/loop_internal.h"

void loop_request(weir_loop *loop, unsigned what) {
    atomic_fetch_or_explicit(&loop->requests, what, memory_order_release);
    loop->driver->wake(loop);
}

void loop_forget_request(weir_loop *loop, unsigned what) {
    atomic_fetch_and_explicit(&loop->requests, ~what, memory_order_release);
}

/* One that is stopped runs no more. */
static bool runs_here(const weir_loop *loop) {
    return loop->waiter == &loop_this_thread && !loop_is_current(loop) && !loop_is_stopped(loop);
}

int loop_wait(weir_loop *loop, pthread_mutex_t *lock, pthread_cond_t *changed,
              const struct timespec *deadline) {
    if (!runs_here(loop)) {
        return deadline == NULL ? pthread_cond_wait(changed, lock)
                                : pthread_cond_clockwait(changed, lock, CLOCK_MONOTONIC, deadline);
    }
    pthread_mutex_unlock(lock);
    loop->driver->run_meanwhile(loop, deadline);
    pthread_mutex_lock(lock);
    return deadline != NULL && deadline_left_ms(deadline) == 0 ? ETIMEDOUT : 0;
}

void loop_tell_waiters(weir_loop *loop, pthread_cond_t *changed) {
    pthread_cond_broadcast(changed);
    if (loop->waiter != NULL) loop_request(loop, LOOP_INTERRUPT);
}
