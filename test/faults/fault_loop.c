/* fault_loop.c - see fault_loop.h. */
#include "fault_loop.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <uv.h>

#include "fault.h"
#include "fault_wrap.h"

enum {
    PATIENCE_MS = 1,       /* for the kernel, before the clock jumps */
    LONG_PATIENCE_MS = 30, /* before it jumps far: to what would be a timeout, on a machine that is busy */
    FAR_MS = 1000
};

/* ---- the thread pool: of each loop a list, oldest first ---- */

typedef struct work {
    struct work *next;
    uv_work_t *request;
    uv_work_cb run; /* NULL: it has run, or was canceled */
    uv_after_work_cb done;
    int status;
} work;

/* What belongs to the loop that this thread runs. */
static _Thread_local struct {
    work *works;
    bool stopped;
    bool quiet; /* nothing happened in the last turn */
} mine;

int __wrap_uv_queue_work(uv_loop_t *loop, uv_work_t *request, uv_work_cb run, uv_after_work_cb done);
int __wrap_uv_queue_work(uv_loop_t *loop, uv_work_t *request, uv_work_cb run, uv_after_work_cb done) {
    work *made = calloc(1, sizeof *made);
    if (made == NULL) abort();
    *made = (work){.request = request, .run = run, .done = done};
    request->loop = loop;
    work **end = &mine.works;
    while (*end != NULL) end = &(*end)->next;
    *end = made;
    fault_activity++;
    return 0;
}

int __wrap_uv_cancel(uv_req_t *request);
int __wrap_uv_cancel(uv_req_t *request) {
    for (work *at = mine.works; at != NULL; at = at->next) {
        if ((uv_req_t *)at->request != request || at->run == NULL) continue;
        at->run = NULL;
        at->status = UV_ECANCELED;
        return 0;
    }
    return UV_EBUSY;
}

static work **pick(void) {
    work **at = &mine.works;
    uint64_t count = 0, nth;
    for (work *each = mine.works; each != NULL; each = each->next) count++;
    nth = fault_below(count);
    if (nth > 0) fault_note(CALL_WORK, FAULT_REORDERED);
    while (nth-- > 0) at = &(*at)->next;
    return at;
}

static void go_on_with(work **at) {
    work *self = *at;
    if (self->run != NULL) {
        uv_work_cb run = self->run;
        self->run = NULL;
        run(self->request);
        return;
    }
    *at = self->next;
    self->done(self->request, self->status);
    free(self);
}

/* One of them, or late: none. */
static bool step_works(void) {
    if (mine.works == NULL) return false;
    if (!fault_is_on()) {
        go_on_with(&mine.works);
    } else if (fault_below(3) == 0) {
        fault_note(CALL_WORK, FAULT_DELAYED);
    } else {
        go_on_with(pick());
    }
    return true;
}

/* ---- the clock: of each loop weir has one timer ---- */

typedef struct ring {
    struct ring *next;
    uv_timer_t *timer;
    uv_timer_cb fn;
    uint64_t due;
} ring;

static atomic_ullong clock_ms = 1000000;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static ring *rings;

uint64_t fault_clock(void) {
    return atomic_load(&clock_ms);
}

uint64_t __wrap_uv_now(const uv_loop_t *loop);
uint64_t __wrap_uv_now(const uv_loop_t *loop) {
    (void)loop;
    return fault_clock();
}

static ring *find(const uv_loop_t *loop) {
    ring *at = rings;
    while (at != NULL && at->timer->loop != loop) at = at->next;
    return at;
}

int __wrap_uv_timer_start(uv_timer_t *timer, uv_timer_cb fn, uint64_t ms, uint64_t repeat);
int __wrap_uv_timer_start(uv_timer_t *timer, uv_timer_cb fn, uint64_t ms, uint64_t repeat) {
    (void)repeat;
    pthread_mutex_lock(&lock);
    ring *self = find(timer->loop);
    if (self == NULL) {
        self = calloc(1, sizeof *self);
        if (self == NULL) abort();
        self->next = rings;
        rings = self;
    }
    self->timer = timer;
    self->fn = fn;
    self->due = fault_clock() + ms;
    pthread_mutex_unlock(&lock);
    return 0;
}

static void forget_ring(const uv_loop_t *loop) {
    pthread_mutex_lock(&lock);
    ring **at = &rings, *gone;
    while (*at != NULL && (*at)->timer->loop != loop) at = &(*at)->next;
    gone = *at;
    if (gone != NULL) *at = gone->next;
    free(gone);
    pthread_mutex_unlock(&lock);
}

static uint64_t next_due(const uv_loop_t *loop) {
    pthread_mutex_lock(&lock);
    const ring *self = find(loop);
    bool is_on = self != NULL && !uv_is_closing((const uv_handle_t *)self->timer);
    uint64_t due = is_on ? self->due : UINT64_MAX;
    pthread_mutex_unlock(&lock);
    return due;
}

static bool run_ring(const uv_loop_t *loop) {
    if (next_due(loop) > fault_clock()) return false;
    pthread_mutex_lock(&lock);
    ring *self = find(loop);
    uv_timer_t *timer = self->timer;
    uv_timer_cb fn = self->fn;
    self->due = UINT64_MAX;
    pthread_mutex_unlock(&lock);
    fn(timer);
    return true;
}

static void jump_to(uint64_t due) {
    unsigned long long now = atomic_load(&clock_ms);
    while (now < due && !atomic_compare_exchange_weak(&clock_ms, &now, due)) {
    }
}

/* ---- turning ---- */

/* Nothing has happened: the kernel gets a moment, then the clock jumps. */
static void rest(uv_loop_t *loop) {
    struct pollfd polled = {uv_backend_fd(loop), POLLIN, 0};
    uint64_t due = next_due(loop);
    bool is_far = due != UINT64_MAX && due > fault_clock() + FAR_MS;
    if (uv_backend_timeout(loop) == 0 || poll(&polled, 1, is_far ? LONG_PATIENCE_MS : PATIENCE_MS) != 0)
        return;
    if (due != UINT64_MAX) jump_to(due);
}

int __real_uv_run(uv_loop_t *loop, uv_run_mode mode);
static int turn(uv_loop_t *loop) {
    uint64_t before = fault_activity;
    bool did = step_works();
    if (!did && mine.quiet) rest(loop);
    did = run_ring(loop) || did;
    int alive = __real_uv_run(loop, UV_RUN_NOWAIT);
    mine.quiet = !did && fault_activity == before;
    return alive;
}

int __wrap_uv_run(uv_loop_t *loop, uv_run_mode mode);
int __wrap_uv_run(uv_loop_t *loop, uv_run_mode mode) {
    bool was_inside = fault_enter_loop(true);
    int alive;
    mine.stopped = false;
    do {
        alive = turn(loop);
    } while (mode == UV_RUN_DEFAULT && alive && !mine.stopped);
    fault_enter_loop(was_inside);
    return alive;
}

WRAP(void, uv_stop, (uv_loop_t * loop)) {
    mine.stopped = true;
    __real_uv_stop(loop);
}

WRAP(int, uv_loop_close, (uv_loop_t * loop)) {
    forget_ring(loop);
    return __real_uv_loop_close(loop);
}

/* ---- watching ---- */

WRAP(int, uv_poll_init, (uv_loop_t * loop, uv_poll_t *poll, int fd)) {
    fault_kind kind = fault_draw(CALL_WATCH);
    return kind != FAULT_KINDS ? -fault_errno(kind) : __real_uv_poll_init(loop, poll, fd);
}

WRAP(int, uv_loop_init, (uv_loop_t * loop)) {
    fault_kind kind = fault_draw(CALL_LOOP);
    return kind != FAULT_KINDS ? -fault_errno(kind) : __real_uv_loop_init(loop);
}
