/* uv_loop.c - a loop driven by libuv: wake-up, one timer for all, the end of each turn, the thread pool.
 *
 * The wake-up is an eventfd of our own, not a uv_async_t: a thread that posts may still be about to ring when
 * the loop closes, and a descriptor can outlive the loop's handles where an async handle cannot.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <weir/core/log.h>

#include "channel/datagram_internal.h"
#include "loop/job.h"
#include "loop/watchdog.h"
#include "region/pipe_region.h"
#include "resolver/resolution.h"
#include "uv/uv_internal.h"

/* ---- what the loop asks of its driver ---- */

static void on_again(uv_idle_t *idle) {
    uv_idle_stop(idle);
}

static void continues(weir_loop *loop) {
    uv_idle_start(&driver_of(loop)->again, on_again);
}

/* The wake-up does not keep a host's run alive, but what the host itself has posted must. */
static void wake(weir_loop *loop) {
    uint64_t one = 1;
    ssize_t written;
    if (uv_has_host(driver_of(loop)) && loop_is_current(loop)) continues(loop);
    do {
        written = write(driver_of(loop)->wake_fd, &one, sizeof one);
    } while (written < 0 && errno == EINTR); /* EAGAIN: it is rung often enough already */
}

static void on_timer(uv_timer_t *timer) {
    uv_driver *self = timer->data;
    loop_wake_up(&self->loop);
    loop_run_timers(&self->loop, uv_now(self->uv));
}

static void rearm(weir_loop *loop) {
    uv_driver *self = driver_of(loop);
    uint64_t next = timer_wheel_next(&loop->wheel);
    if (next == loop->armed) return;
    loop->armed = next;
    uint64_t now = uv_now(self->uv);
    if (next != UINT64_MAX) uv_timer_start(&self->timer, on_timer, next > now ? next - now : 0, 0);
}

static void refresh(weir_loop *loop) {
    uv_driver *self = driver_of(loop);
    uv_update_time(self->uv);
    loop->now = uv_now(self->uv);
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
    note_time(self->job.loop);
    job_tell_done(&self->job, status == 0 ? WEIR_OK : (weir_status)WEIR_E_CANCELED);
}

static weir_status start_job(weir_job *job) {
    uv_job *self = WEIR_CONTAINER(job, uv_job, job);
    self->request.data = self;
    uv_queue_work(driver_of(job->loop)->uv, &self->request, run_work, work_done);
    return WEIR_OK;
}

static bool cancel_job(weir_job *job) {
    return uv_cancel((uv_req_t *)&WEIR_CONTAINER(job, uv_job, job)->request) == 0;
}

static void destroy(weir_loop *loop) {
    uv_driver *self = driver_of(loop);
    close(self->wake_fd);
    weir_alloc_release(loop->alloc, self);
}

static const loop_driver uv_loop_driver = {
    .name = "uv",
    .wake = wake,
    .continues = continues,
    .rearm = rearm,
    .refresh = refresh,
    .job_size = sizeof(uv_job),
    .start_job = start_job,
    .cancel_job = cancel_job,
    .destroy = destroy,
};

/* ---- what libuv calls ---- */

static void on_wake(uv_poll_t *poll, int status, int events) {
    uv_driver *self = poll->data;
    uint64_t rings;
    (void)status;
    (void)events;
    if (read(self->wake_fd, &rings, sizeof rings) < 0 && errno != EAGAIN && errno != EINTR)
        WEIR_UNREACHABLE(); /* after EINTR it is still readable */
    note_time(&self->loop);
    loop_run_tasks(&self->loop);
    if (atomic_load_explicit(&self->stop_requested, memory_order_acquire)) uv_stop(self->uv);
}

static bool has_rest(const uv_driver *self) {
    return !weir_list_is_empty(&self->rearm) || loop_has_rest(&self->loop);
}

/* Nothing when the loop was woken for others on a host's loop. */
static void end_turn(uv_driver *self) {
    weir_loop *loop = &self->loop;
    if (!atomic_load_explicit(&loop->awake, memory_order_relaxed) && !has_rest(self)) return;
    loop->now = uv_now(self->uv);
    loop_wake_up(loop);
    loop_end_turn(loop);
    for (weir_list *link = weir_list_pop_front(&self->rearm); link != NULL;
         link = weir_list_pop_front(&self->rearm)) {
        uv_channel_rearm(WEIR_CONTAINER(link, uv_channel, rearm));
    }
    loop_rest(loop);
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

/* ---- life ---- */

static void block_sigpipe(void) {
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, NULL);
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

static bool open_handles(uv_driver *self) {
    self->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (self->wake_fd < 0) return false;
    if (uv_poll_init(self->uv, &self->wake, self->wake_fd) != 0) {
        close(self->wake_fd);
        return false;
    }
    uv_timer_init(self->uv, &self->timer);
    uv_prepare_init(self->uv, &self->turn);
    uv_idle_init(self->uv, &self->again);
    /* On a loop of our own the wake-up keeps it running; a host decides for itself when it is done. */
    start_handle(self, &self->wake, self->uv == &self->own);
    start_handle(self, &self->timer, false);
    start_handle(self, &self->turn, false);
    start_handle(self, &self->again, true);
    uv_poll_start(&self->wake, UV_READABLE, on_wake);
    uv_prepare_start(&self->turn, on_turn);
    return true;
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
    loop_init(&self->loop, &uv_loop_driver, options, uv_now(self->uv));
    if (loop_init_pool(&self->loop, options) && open_handles(self)) {
        if (options->host != NULL) enter_thread(self);
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

static void abort_and_wait(uv_driver *self) {
    weir_loop *loop = &self->loop;
    resolutions_stop(loop);
    while (is_occupied(loop) || loop->graveyard != NULL) {
        loop_abort_channels(loop, WEIR_E_STOPPED);
        jobs_cancel(loop);
        loop_end_turn(loop);
        if (is_occupied(loop)) uv_run(self->uv, UV_RUN_ONCE);
    }
}

static void check_own(const uv_driver *self, const char *function) {
    WEIR_CHECK(self->loop.driver == &uv_loop_driver && !uv_has_host(self),
               "%s on a loop that lives on its host's: run that", function);
}

void weir_loop_run(weir_loop *loop) {
    uv_driver *self = driver_of(loop);
    check_own(self, __func__);
    enter_thread(self);
    refresh(loop);
    if (!atomic_load_explicit(&self->stop_requested, memory_order_acquire)) uv_run(self->uv, UV_RUN_DEFAULT);
    atomic_store_explicit(&self->stop_requested, false, memory_order_release);
    abort_and_wait(self);
    leave_thread(self);
}

/* ---- run by the host's own poll ---- */

int weir_loop_backend_fd(const weir_loop *loop) {
    const uv_driver *self = driver_of((weir_loop *)loop);
    check_own(self, __func__);
    return uv_backend_fd(self->uv);
}

static bool has_no_thread(const weir_loop *loop) {
    return atomic_load_explicit(&loop->thread, memory_order_relaxed) == NULL;
}

int weir_loop_timeout(weir_loop *loop) {
    uv_driver *self = driver_of(loop);
    check_own(self, __func__);
    if (has_no_thread(loop)) return 0;
    loop_check_current(loop, __func__);
    if (has_rest(self) || loop_waiting_tasks(loop) > 0) return 0;
    uv_update_time(self->uv);
    return uv_backend_timeout(self->uv);
}

/* What this turn's events wrote is sent in this turn, not before the next sleep, which is the host's. */
bool weir_loop_turn(weir_loop *loop) {
    uv_driver *self = driver_of(loop);
    check_own(self, __func__);
    if (has_no_thread(loop)) enter_thread(self);
    loop_check_current(loop, __func__);
    uv_run(self->uv, UV_RUN_NOWAIT);
    end_turn(self);
    return !atomic_load_explicit(&self->stop_requested, memory_order_acquire);
}

void weir_loop_stop(weir_loop *loop) {
    atomic_store_explicit(&driver_of(loop)->stop_requested, true, memory_order_release);
    wake(loop);
}

void weir_loop_free(weir_loop *loop) {
    if (loop == NULL) return;
    uv_driver *self = driver_of(loop);
    loop_set_thread(loop, &loop_this_thread);
    loop_close_queues(loop);
    abort_and_wait(self);
    weir_system_resolver_free(loop->resolver);
    outbound_entries_free(loop);
    datagrams_free(loop);
    pipe_regions_free(loop);
    close_handle(self, &self->wake);
    close_handle(self, &self->timer);
    close_handle(self, &self->turn);
    close_handle(self, &self->again);
    while (self->handles > 0) uv_run(self->uv, UV_RUN_ONCE);
    if (self->uv == &self->own && uv_loop_close(&self->own) != 0) WEIR_UNREACHABLE();
    if (loop->owns_pool) weir_pool_free(loop->pool);
    leave_thread(self);
    loop_release(loop);
}
