/* uv_loop.c - what drives a loop: waiting, wake-up, timers, the end of each turn, the thread pool.
 *
 *     of its own:      wait for the set -> watches -> timers -> end of the turn -> wait ...
 *     on a host's:     the host's uv_run does the same by a poll and a prepare handle
 *
 * A loop of its own runs libuv only when that has something to say: its descriptor is in the set.
 *
 * The wake-up is an eventfd of our own, not a uv_async_t: a thread that posts may still be about to ring when
 * the loop closes, and a descriptor can outlive the loop's handles where an async handle cannot.
 *
 * Timers are one timerfd in the set, the alarm: a wait with a timeout has the kernel start and cancel a timer for each sleep.
 */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <weir/core/log.h>

#include "channel/datagram_internal.h"
#include "loop/deadline.h"
#include "loop/job.h"
#include "loop/watchdog.h"
#include "region/pipe_region.h"
#include "resolver/resolution.h"
#include "uv/uv_internal.h"

/* ---- what the loop asks of its driver ---- */

static void on_again(uv_idle_t *idle) {
    uv_idle_stop(idle);
}

/* Of its own it looks before it sleeps (has_rest). */
static void continues(weir_loop *loop) {
    if (uv_has_host(driver_of(loop))) uv_idle_start(&driver_of(loop)->again, on_again);
}

/* The wake-up does not keep a host's run alive, but what the host itself has posted must. */
static void wake(weir_loop *loop) {
    uint64_t one = 1;
    ssize_t written;
    if (loop_is_current(loop)) continues(loop);
    do {
        written = write(driver_of(loop)->wake.fd, &one, sizeof one);
    } while (written < 0 && errno == EINTR); /* EAGAIN: it is rung often enough already */
}

/* To when the next timer is due. */
static void set_alarm(uv_driver *self) {
    uint64_t at = self->loop.armed;
    struct itimerspec when = {.it_value = {(time_t)(at / 1000), (long)(at % 1000 * LOOP_NS_A_MS)}};
    self->alarm_at = at;
    if (timerfd_settime(self->alarm.fd, TFD_TIMER_ABSTIME, &when, NULL) != 0) WEIR_UNREACHABLE();
}

/* One for a timer that was stopped is left to ring in vain: most are stopped, and none costs a system call then. */
static inline void keep_alarm(uv_driver *self) {
    if (self->loop.armed < self->alarm_at) set_alarm(self);
}

/* It has rung: who waited for it looks at the timers. */
static void on_alarm(uv_watch *watch, uint32_t events) {
    (void)events;
    WEIR_CONTAINER(watch, uv_driver, alarm)->alarm_at = UINT64_MAX;
}

/* Of its own it sets the alarm when it sleeps: many timers may come and go in a turn. */
static void rearm(weir_loop *loop) {
    loop->armed = timer_wheel_next(&loop->wheel);
    if (uv_has_host(driver_of(loop))) keep_alarm(driver_of(loop));
}

typedef struct uv_job {
    weir_job job; /* first: it is freed through it */
    uv_work_t request;
} uv_job;

static void run_work(uv_work_t *request) {
    uv_job *self = request->data;
    self->job.work(self->job.arg);
}

static void work_done(uv_work_t *request, int status) {
    uv_job *self = request->data;
    loop_wake_up(self->job.loop);
    loop_note_event(self->job.loop, 0);
    job_tell_done(&self->job, status == 0 ? WEIR_OK : (weir_status)WEIR_E_CANCELED);
}

static weir_status start_job(weir_job *job) {
    uv_job *self = WEIR_CONTAINER(job, uv_job, job);
    self->request.data = self;
    uv_driver *driver = driver_of(job->loop);
    uv_queue_work(driver->uv, &self->request, run_work, work_done);
    driver->uv_waits = true;
    return WEIR_OK;
}

static bool cancel_job(weir_job *job) {
    return uv_cancel((uv_req_t *)&WEIR_CONTAINER(job, uv_job, job)->request) == 0;
}

static void destroy(weir_loop *loop) {
    uv_driver *self = driver_of(loop);
    close(self->wake.fd);
    weir_alloc_release(loop->alloc, self);
}

static void run_meanwhile(weir_loop *loop, const struct timespec *deadline);

static const loop_driver uv_loop_driver = {
    .name = "uv",
    .wake = wake,
    .continues = continues,
    .rearm = rearm,
    .run_meanwhile = run_meanwhile,
    .job_size = sizeof(uv_job),
    .start_job = start_job,
    .cancel_job = cancel_job,
    .destroy = destroy,
};

/* ---- turns ---- */

static void on_wake(uv_watch *watch, uint32_t events) {
    uv_driver *self = WEIR_CONTAINER(watch, uv_driver, wake);
    uint64_t rings;
    (void)events;
    if (read(watch->fd, &rings, sizeof rings) < 0 && errno != EAGAIN && errno != EINTR)
        WEIR_UNREACHABLE(); /* after EINTR it is still readable */
    loop_note_event(&self->loop, 0);
    loop_run_tasks(&self->loop);
    if (loop_is_stopped(&self->loop) && uv_has_host(self)) uv_stop(self->uv);
}

static void run_due_timers(weir_loop *loop) {
    if (loop->armed <= loop->now) loop_run_timers(loop, loop->now);
}

static bool has_rest(const uv_driver *self) {
    return !weir_list_is_empty(&self->rearm) || self->closing != NULL || loop_has_rest(&self->loop);
}

/* Nothing when the loop was woken for others on a host's loop. */
static WEIR_HOT void end_turn(uv_driver *self) {
    weir_loop *loop = &self->loop;
    if (!atomic_load_explicit(&loop->awake, memory_order_relaxed) && !has_rest(self)) return;
    loop_wake_up(loop);
    if (!weir_list_is_empty(&self->rearm)) uv_read_fresh(self);
    if (self->closing != NULL) uv_watch_tell_closed(self);
    loop_end_turn(loop);
    for (weir_list *link = weir_list_pop_front(&self->rearm); link != NULL;
         link = weir_list_pop_front(&self->rearm)) {
        uv_channel_rearm(WEIR_CONTAINER(link, uv_channel, watch.rearm));
    }
    loop_rest(loop);
}

/* ---- on a loop of its own ---- */

static void run_uv(uv_driver *self) {
    self->uv_waits = false;
    uv_run(self->uv, UV_RUN_NOWAIT);
}

static void on_uv_ready(uv_watch *watch, uint32_t events) {
    (void)events;
    run_uv(WEIR_CONTAINER(watch, uv_driver, uv_ready));
}

static bool may_sleep(const uv_driver *self) {
    return !has_rest(self) && !self->uv_waits;
}

/* Everything of a turn but its end. */
static WEIR_HOT void take_events(uv_driver *self, int timeout) {
    weir_loop *loop = &self->loop;
    int count = uv_watch_wait(self, timeout);
    if (self->uv_waits) run_uv(self);
    if (loop->armed == UINT64_MAX && count <= 0) return;
    loop_wake_up(loop);
    run_due_timers(loop);
}

/* The same, after a sleep until there are some. */
static WEIR_HOT void await_events(uv_driver *self) {
    if (!may_sleep(self)) {
        take_events(self, 0);
        return;
    }
    keep_alarm(self);
    take_events(self, -1);
}

/* ---- on a host's loop ---- */

static void on_set_ready(uv_poll_t *set, int status, int events) {
    (void)status;
    (void)events;
    uv_driver *self = set->data;
    if (uv_watch_wait(self, 0) > 0) run_due_timers(&self->loop);
    keep_alarm(self);
}

static void on_turn(uv_prepare_t *prepare) {
    end_turn(prepare->data);
}

static void on_handle_closed(uv_handle_t *handle) {
    ((uv_driver *)handle->data)->handles--;
}

static void close_handle(uv_driver *self, void *handle) {
    ((uv_handle_t *)handle)->data = self;
    uv_close(handle, on_handle_closed);
}

static void start_handle(uv_driver *self, void *handle, bool keeps_loop_alive) {
    ((uv_handle_t *)handle)->data = self;
    self->handles++;
    if (!keeps_loop_alive) uv_unref(handle);
}

static void close_on_host(uv_driver *self) {
    close_handle(self, &self->set);
    close_handle(self, &self->turn);
    close_handle(self, &self->again);
}

/* ---- life ---- */

static void block_sigpipe(void) {
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, NULL);
}

static bool is_free_to_run(const weir_loop *loop) {
    const void *thread = atomic_load_explicit(&loop->thread, memory_order_relaxed);
    return thread == NULL || thread == &loop_this_thread;
}

/* The calling thread is the loop's from here on. */
static void enter_thread(uv_driver *self) {
    block_sigpipe();
    loop_set_thread(&self->loop, &loop_this_thread);
    watchdog_add(&self->loop);
}

static void leave_thread(uv_driver *self) {
    watchdog_remove(&self->loop);
    loop_set_thread(&self->loop, NULL);
}

/* The loop's own descriptors do not count as watched. */
static bool watch_own(uv_driver *self, uv_watch *watch, int fd, uint32_t events,
                      void (*ready)(uv_watch *, uint32_t)) {
    struct epoll_event event = {.events = events, .data.ptr = watch};
    uv_watch_init(watch, fd, ready);
    return fd >= 0 && epoll_ctl(self->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

static void start_on_host(uv_driver *self) {
    uv_prepare_init(self->uv, &self->turn);
    uv_idle_init(self->uv, &self->again);
    start_handle(self, &self->set, false); /* a host decides for itself when it is done */
    start_handle(self, &self->turn, false);
    start_handle(self, &self->again, true);
    uv_poll_start(&self->set, UV_READABLE, on_set_ready);
    uv_prepare_start(&self->turn, on_turn);
}

static bool open_descriptors(uv_driver *self) {
    self->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    bool opened = self->epoll_fd >= 0 &&
                  watch_own(self, &self->wake, eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), EPOLLIN, on_wake) &&
                  watch_own(self, &self->alarm, timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC),
                            EPOLLIN | EPOLLET, on_alarm);
    if (opened && uv_has_host(self)) {
        opened = uv_poll_init(self->uv, &self->set, self->epoll_fd) == 0;
    } else if (opened) {
        opened = watch_own(self, &self->uv_ready, uv_backend_fd(self->uv), EPOLLIN, on_uv_ready);
    }
    if (opened) return true;
    if (self->alarm.fd >= 0) close(self->alarm.fd);
    if (self->wake.fd >= 0) close(self->wake.fd);
    if (self->epoll_fd >= 0) close(self->epoll_fd);
    return false;
}

weir_loop *weir_loop_new(const weir_loop_options *options) {
    weir_loop_options defaults = {0};
    if (options == NULL) options = &defaults;
    weir_alloc *alloc = options->alloc != NULL ? options->alloc : weir_alloc_default();
    uv_driver *self = weir_alloc_zeroed(alloc, 1, sizeof *self);
    if (self == NULL) return NULL;
    self->uv = options->host != NULL ? options->host : &self->own;
    if (options->host == NULL && uv_loop_init(&self->own) != 0) {
        weir_log(WEIR_LOG_ERROR, "loop", "libuv could not make a loop: %s", strerror(errno));
        weir_alloc_release(alloc, self);
        return NULL;
    }
    weir_list_init(&self->rearm);
    self->last_closing = &self->closing;
    self->wake.fd = self->alarm.fd = -1;
    self->alarm_at = UINT64_MAX;
    loop_init(&self->loop, &uv_loop_driver, options, loop_clock_ns() / LOOP_NS_A_MS);
    if (loop_init_pool(&self->loop, options) && open_descriptors(self)) {
        if (options->host != NULL) {
            start_on_host(self);
            enter_thread(self);
        }
        return &self->loop;
    }
    weir_log(WEIR_LOG_ERROR, "loop", "no memory or descriptors for loop \"%s\"", self->loop.name);
    if (self->loop.owns_pool) weir_pool_free(self->loop.pool);
    if (options->host == NULL) uv_loop_close(&self->own);
    weir_alloc_release(alloc, self);
    return NULL;
}

static bool is_occupied(const weir_loop *loop) {
    bool has_own_tasks =
        loop_is_closed(loop) && atomic_load_explicit(&loop->posted, memory_order_relaxed) != NULL;
    return !weir_list_is_empty(&loop->channels) || !weir_list_is_empty(&loop->under_way) || has_own_tasks;
}

static void wait_for_more(uv_driver *self) {
    if (uv_has_host(self)) {
        uv_run(self->uv, UV_RUN_ONCE);
    } else {
        await_events(self);
    }
}

static void abort_and_wait(uv_driver *self) {
    weir_loop *loop = &self->loop;
    loop->ending = true;
    resolutions_stop(loop);
    while (is_occupied(loop) || loop->graveyard != NULL) {
        loop_abort_channels(loop, WEIR_E_STOPPED);
        jobs_cancel(loop);
        uv_watch_tell_closed(self);
        loop_end_turn(loop);
        if (is_occupied(loop)) wait_for_more(self);
    }
}

static void check_own(const uv_driver *self, const char *function) {
    WEIR_CHECK(self->loop.driver == &uv_loop_driver && !uv_has_host(self),
               "%s on a loop that lives on its host's: run that", function);
}

/* A turn inside of a turn would hand out what the outer one is handing out, and free what callbacks up the stack
 * look at. */
static void check_outside(const uv_driver *self, const char *function) {
    bool is_inside = loop_is_current(&self->loop) && self->is_running;
    WEIR_CHECK(!is_inside, "%s inside of a callback of its loop \"%s\"", function, self->loop.name);
}

static WEIR_HOT void run_until_requested(uv_driver *self) {
    loop_refresh(&self->loop);
    while (loop_requests(&self->loop) == 0) {
        end_turn(self);
        await_events(self);
    }
}

void weir_loop_run(weir_loop *loop) {
    uv_driver *self = driver_of(loop);
    check_own(self, __func__);
    check_outside(self, __func__);
    WEIR_CHECK(loop->waiter == NULL || loop->waiter == &loop_this_thread,
               "loop \"%s\" was run by another thread than the one that made its group", loop->name);
    WEIR_CHECK(is_free_to_run(loop), "loop \"%s\" runs already", loop->name);
    enter_thread(self);
    self->is_running = true;
    while (!loop_is_stopped(loop)) {
        run_until_requested(self);
        loop_forget_request(loop, LOOP_INTERRUPT);
    }
    loop_forget_request(loop, LOOP_STOP);
    abort_and_wait(self);
    loop->ending = false;
    self->is_running = false;
    leave_thread(self);
}

static void on_deadline(weir_timer *timer) {
    loop_request(timer->arg, LOOP_INTERRUPT);
}

static void run_meanwhile(weir_loop *loop, const struct timespec *deadline) {
    uv_driver *self = driver_of(loop);
    weir_timer timer;
    weir_timer_init(&timer, on_deadline, loop);
    enter_thread(self);
    self->is_running = true;
    if (deadline != NULL) weir_timer_start(&timer, loop, deadline_left_ms(deadline));
    run_until_requested(self);
    loop_forget_request(loop, LOOP_INTERRUPT);
    weir_timer_stop(&timer, loop);
    end_turn(self);
    self->is_running = false;
    leave_thread(self);
}

/* ---- run by the host's own poll ---- */

int weir_loop_backend_fd(const weir_loop *loop) {
    const uv_driver *self = driver_of((weir_loop *)loop);
    check_own(self, __func__);
    return self->epoll_fd;
}

static bool has_no_thread(const weir_loop *loop) {
    return atomic_load_explicit(&loop->thread, memory_order_relaxed) == NULL;
}

int weir_loop_timeout(weir_loop *loop) {
    uv_driver *self = driver_of(loop);
    check_own(self, __func__);
    if (has_no_thread(loop)) return 0;
    loop_check_current(loop, __func__);
    if (loop_waiting_tasks(loop) > 0 || !may_sleep(self)) return 0;
    if (loop->armed == UINT64_MAX) return -1;
    uint64_t now = loop_clock_ns() / LOOP_NS_A_MS;
    if (loop->armed <= now) return 0;
    return loop->armed - now < INT_MAX ? (int)(loop->armed - now) : INT_MAX;
}

/* What this turn's events wrote is sent in this turn, not before the next sleep, which is the host's. */
bool weir_loop_turn(weir_loop *loop) {
    uv_driver *self = driver_of(loop);
    check_own(self, __func__);
    if (has_no_thread(loop)) enter_thread(self);
    loop_check_current(loop, __func__);
    check_outside(self, __func__);
    self->is_running = true;
    take_events(self, 0);
    end_turn(self);
    self->is_running = false;
    return !loop_is_stopped(loop);
}

void weir_loop_stop(weir_loop *loop) {
    int before = errno; /* of who was interrupted by a signal's handler */
    loop_request(loop, LOOP_STOP);
    errno = before;
}

void weir_loop_free(weir_loop *loop) {
    if (loop == NULL) return;
    uv_driver *self = driver_of(loop);
    check_outside(self, __func__);
    loop_set_thread(loop, &loop_this_thread);
    self->is_running = true; /* for good: so is `ending` */
    loop_close_queues(loop);
    abort_and_wait(self);
    weir_system_resolver_free(loop->resolver);
    attribute_free_all(&loop->attributes, loop->alloc);
    abort_and_wait(self); /* what that has begun */
    outbound_entries_free(loop);
    datagrams_free(loop);
    pipe_regions_free(loop);
    if (uv_has_host(self)) close_on_host(self);
    while (self->closing != NULL) uv_watch_tell_closed(self);
    while (self->handles > 0) uv_run(self->uv, UV_RUN_ONCE);
    close(self->alarm.fd);
    close(self->epoll_fd);
    if (!uv_has_host(self) && uv_loop_close(&self->own) != 0) WEIR_UNREACHABLE();
    if (loop->owns_pool) weir_pool_free(loop->pool);
    leave_thread(self);
    loop_release(loop);
}
