/* uv_watch.c - the epoll set: what is asked for, what has come, what is being closed. */
#include "uv/uv_watch.h"

#include <errno.h>

#include "uv/sys.h"
#include "uv/uv_internal.h"

#define EVERYTHING (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI)

/* A host's loop goes on as long as a descriptor is watched. */
static void count(uv_driver *driver, int more) {
    driver->watched += more;
    if (!uv_has_host(driver)) return;
    if (driver->watched > 0) {
        uv_ref((uv_handle_t *)&driver->set);
    } else {
        uv_unref((uv_handle_t *)&driver->set);
    }
}

weir_status uv_watch_set(uv_watch *self, uv_driver *driver, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = self};
    int op = self->events == 0 ? EPOLL_CTL_ADD : events == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
    if (events == self->events) return WEIR_OK;
    if (epoll_ctl(driver->epoll_fd, op, self->fd, &event) != 0 && op != EPOLL_CTL_DEL)
        return weir_status_from_errno(errno);
    self->events = events;
    if (op != EPOLL_CTL_MOD) count(driver, op == EPOLL_CTL_ADD ? 1 : -1);
    return WEIR_OK;
}

/* ---- closing ---- */

/* Of a watch that was closed while its event was waiting for its turn. */
static void ignore(uv_watch *self, uint32_t events) {
    (void)self;
    (void)events;
}

void uv_watch_close(uv_watch *self, uv_driver *driver, void (*closed)(uv_watch *self)) {
    (void)uv_watch_set(self, driver, 0); /* which does not fail */
    weir_list_remove(&self->rearm);
    self->ready = ignore;
    self->closed = closed;
    self->next = NULL;
    *driver->last_closing = self;
    driver->last_closing = &self->next;
    driver->loop.driver->continues(&driver->loop);
}

void uv_watch_tell_closed(uv_driver *driver) {
    uv_watch *all = driver->closing, *next;
    driver->closing = NULL;
    driver->last_closing = &driver->closing;
    for (uv_watch *self = all; self != NULL; self = next) {
        next = self->next;
        self->closed(self); /* which may free it */
    }
}

/* ---- events ---- */

/* With an error or a hang-up. */
static WEIR_COLD uint32_t explain(uv_watch *self, uv_driver *driver, uint32_t events) {
    if ((events & EPOLLERR) == 0) return events == EPOLLHUP ? self->events : events & EVERYTHING;
    (void)uv_watch_set(self, driver, 0); /* or it would be told for ever */
    return EPOLLERR;
}

WEIR_HOT int uv_watch_wait(uv_driver *driver, int timeout) {
    struct epoll_event *events = driver->events;
    int count = sys_epoll_wait(driver->epoll_fd, events, MOST_EVENTS, timeout);
    if (WEIR_LIKELY(count > 0)) loop_wake_up(&driver->loop);
    for (int i = 0; i < count; i++) {
        uv_watch *watch = events[i].data.ptr;
        uint32_t what = events[i].events;
        if (WEIR_UNLIKELY((what & (EPOLLERR | EPOLLHUP)) != 0)) what = explain(watch, driver, what);
        watch->ready(watch, what);
    }
    return count;
}
