/* acceptor.c - accepting, also when the process is out of descriptors.
 *
 * At EMFILE a spare descriptor is given up for a moment to accept and close the connection that waits, so that its
 * peer is told at once; then accepting rests for a while. An episode of failures, which is logged once, is over
 * when nobody is left in the backlog.
 */
#include "bootstrap/acceptor.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <weir/core/log.h>

/* Connections taken in one go, before others have their turn. */
#define ACCEPTS_A_TURN 64
#define SHORTEST_REST_MS 10
#define LONGEST_REST_MS 1000

static void keep_spare(acceptor *self) {
    if (self->spare < 0) self->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static bool turn_one_away(acceptor *self) {
    if (self->spare < 0) return false;
    close(self->spare);
    self->spare = -1;
    weir_addr peer;
    int fd = self->source->accept(self, &peer);
    if (fd >= 0) close(fd);
    keep_spare(self);
    return fd >= 0;
}

static bool concerns_one_connection(int err) {
    return err == ECONNABORTED || err == EINTR || err == EPROTO || err == EPERM || err == ENETDOWN ||
           err == EHOSTUNREACH || err == ENETUNREACH || err == ENOPROTOOPT || err == EHOSTDOWN ||
           err == ENONET;
}

static void rest(acceptor *self, uint64_t ms) {
    self->source->watch(self, false);
    if (ms != ACCEPTOR_WAIT) weir_timer_start(&self->rest, self->loop, ms);
}

static void rested(weir_timer *timer) {
    acceptor *self = timer->arg;
    keep_spare(self);
    self->source->watch(self, true);
}

static void fail(acceptor *self, int err) {
    bool turned_away = (err == EMFILE || err == ENFILE) && turn_one_away(self);
    if (!self->failing) {
        weir_log(WEIR_LOG_WARN, "server", "accept: %s: trying again, less and less often",
                 weir_status_text(weir_status_from_errno(err)));
    }
    self->failing = true;
    self->events->failed(self->arg, turned_away);
    rest(self, self->rest_ms);
    self->rest_ms = self->rest_ms < LONGEST_REST_MS / 2 ? self->rest_ms * 2 : LONGEST_REST_MS;
}

static void backlog_is_empty(acceptor *self) {
    self->failing = false;
    keep_spare(self);
}

void acceptor_ready(acceptor *self) {
    for (int i = 0; i < ACCEPTS_A_TURN; i++) {
        uint64_t ms = self->events->may_accept(self->arg);
        if (ms != 0) {
            rest(self, ms);
            return;
        }
        weir_addr peer;
        int fd = self->source->accept(self, &peer);
        if (fd >= 0) {
            self->rest_ms = SHORTEST_REST_MS;
            self->events->accepted(self->arg, fd, &peer);
            continue;
        }
        int err = errno;
        self->events->not_accepted(self->arg);
        if (concerns_one_connection(err)) continue;
        if (err == EAGAIN) {
            backlog_is_empty(self);
        } else {
            fail(self, err);
        }
        return;
    }
}

void acceptor_resume(acceptor *self) {
    if (!weir_timer_is_running(&self->rest)) self->source->watch(self, true);
}

void acceptor_init(acceptor *self, weir_loop *loop, const acceptor_source *source,
                   const acceptor_events *events, void *arg) {
    *self = (acceptor){.source = source,
                       .events = events,
                       .arg = arg,
                       .loop = loop,
                       .rest_ms = SHORTEST_REST_MS,
                       .spare = -1};
    keep_spare(self);
    weir_timer_init(&self->rest, rested, self);
    source->watch(self, true);
}

void acceptor_clear(acceptor *self) {
    weir_timer_stop(&self->rest, self->loop);
    if (self->spare >= 0) close(self->spare);
    self->spare = -1;
}
