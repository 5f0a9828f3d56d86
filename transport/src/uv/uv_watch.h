/* uv_watch.h - private: one descriptor in the epoll set of its loop.
 *
 * The set is the loop's own, not libuv's, and its entries point at the watches: an event costs one indirect call.
 * Events are epoll's: EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLPRI.
 *
 *     loop of our own:  epoll_wait(set) --> watches, and libuv's descriptor as one of them
 *     on a host's loop: uv_poll_t of the set --> epoll_wait(set, 0) --> watches
 */
#ifndef WEIR_UV_WATCH_H
#define WEIR_UV_WATCH_H

#include <stdint.h>
#include <sys/epoll.h>

#include <weir/core/list.h>
#include <weir/transport/loop.h>

typedef struct uv_watch uv_watch;
typedef struct uv_driver uv_driver;

struct uv_watch {
    /* `events` of those asked for when the batch came; a hang-up that comes alone is told as all of them. An error is
     * told as EPOLLERR, and nothing is watched any more. */
    void (*ready)(uv_watch *self, uint32_t events);
    union {
        weir_list
            rearm; /* until it is closed: in the driver's list while what is asked for may have to change */
        struct {   /* from then on */
            void (*closed)(uv_watch *self);
            uv_watch *next; /* that is being closed */
        };
    };
    int fd;
    uint32_t events; /* asked for; 0: it is not in the set */
};

static inline void uv_watch_init(uv_watch *self, int fd, void (*ready)(uv_watch *self, uint32_t events)) {
    *self = (uv_watch){.ready = ready, .fd = fd};
    weir_list_init(&self->rearm);
}

/* Asks for `events`; 0: for nothing, not even errors, which never fails. Fails: -ENOMEM, -ENOSPC, -EPERM for what
 * cannot be polled. */
weir_status uv_watch_set(uv_watch *self, uv_driver *driver, uint32_t events);

/* Out of the set; the descriptor stays the caller's. `ready` is called no more, `closed` soon, outside of any
 * callback; until then the memory must stay. */
void uv_watch_close(uv_watch *self, uv_driver *driver, void (*closed)(uv_watch *self));

/* Calls what uv_watch_close has promised so far. */
void uv_watch_tell_closed(uv_driver *driver);

/* Waits for events up to `timeout` ms (-1: for ever) and hands them out, so many at most as one wait brings.
 * Answers how many. */
int uv_watch_wait(uv_driver *driver, int timeout);

#endif
