/* fault_loop.c - see fault_loop.h. */
#include "fault_loop.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <uv.h>

#include <weir/transport/loop.h>

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
    uint64_t alarm; /* when its timerfd is to ring, by the clock below; or 0 */
    int alarm_fd;
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

/* ---- the clock ---- */

static atomic_ullong clock_ms = 1000000;

uint64_t fault_clock(void) {
    return atomic_load(&clock_ms);
}

WRAP(uint64_t, loop_clock_ns, (void)) {
    return fault_clock() * 1000000;
}

static void jump_to(uint64_t due) {
    unsigned long long now = atomic_load(&clock_ms);
    while (now < due && !atomic_compare_exchange_weak(&clock_ms, &now, due)) {
    }
}

WRAP(int, timerfd_settime, (int fd, int flags, const struct itimerspec *at, struct itimerspec *before)) {
    (void)flags;
    (void)before;
    mine.alarm_fd = fd;
    mine.alarm = (uint64_t)at->it_value.tv_sec * 1000 + (uint64_t)at->it_value.tv_nsec / 1000000;
    return 0;
}

/* ---- turning ---- */

long __real_syscall(long number, ...);

static void ring(uint64_t at) {
    jump_to(at);
    if (mine.alarm == 0) return;
    mine.alarm = 0;
    __real_timerfd_settime(mine.alarm_fd, 0, &(struct itimerspec){.it_value.tv_nsec = 1}, NULL);
}

/* When nothing has happened, the kernel gets a moment, then the clock jumps to the alarm. */
long fault_wait(int set, struct epoll_event *events, int most, int timeout) {
    uint64_t until = mine.alarm;
    bool may_rest = !step_works() && timeout != 0;
    int patience = until > fault_clock() + FAR_MS ? LONG_PATIENCE_MS : PATIENCE_MS;
    long count = __real_syscall(SYS_epoll_pwait, set, events, most, may_rest ? patience : 0, NULL, 0);
    if (count == 0 && may_rest) ring(until);
    return count;
}

WRAP(void, weir_loop_run, (weir_loop * loop)) {
    bool was_inside = fault_enter_loop(true);
    __real_weir_loop_run(loop);
    fault_enter_loop(was_inside);
}

WRAP(void, weir_loop_free, (weir_loop * loop)) {
    bool was_inside = fault_enter_loop(true);
    __real_weir_loop_free(loop);
    fault_enter_loop(was_inside);
}

/* ---- watching ---- */

WRAP(int, epoll_ctl, (int set, int op, int fd, struct epoll_event *event)) {
    fault_kind kind = op == EPOLL_CTL_ADD ? fault_draw(CALL_WATCH) : FAULT_KINDS;
    if (kind == FAULT_KINDS) return __real_epoll_ctl(set, op, fd, event);
    errno = fault_errno(kind);
    return -1;
}

WRAP(int, uv_loop_init, (uv_loop_t * loop)) {
    fault_kind kind = fault_draw(CALL_LOOP);
    return kind != FAULT_KINDS ? -fault_errno(kind) : __real_uv_loop_init(loop);
}
