/* uv_race.c - see uv_race.h. An attempt is a socket with a watcher of its own, which outlives the race for a turn;
 * the winner's descriptor goes on without it. */
#include "uv/uv_race.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weir/core/log.h>

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

struct uv_race {
    weir_loop *loop;
    const uv_race_options *options;
    const uv_race_events *events;
    void *arg;
    weir_list attempts; /* under way, oldest first */
    weir_timer next_one;
    weir_status why; /* the most telling failure so far */
    size_t next, count;
    weir_addr addrs[];
};

typedef struct attempt {
    uv_watch watch;
    weir_list link;
    weir_loop *loop;
    uv_race *race;
    const weir_addr *to; /* one of the race's */
} attempt;

/* ---- attempts ---- */

static void on_attempt_closed(uv_watch *watch) {
    attempt *self = WEIR_CONTAINER(watch, attempt, watch);
    weir_alloc_release(self->loop->alloc, self);
}

/* Takes: self, but for its descriptor, which is answered. */
static int give_up_watcher(attempt *self) {
    weir_list_remove(&self->link);
    uv_watch_close(&self->watch, driver_of(self->loop), on_attempt_closed);
    return self->watch.fd;
}

static void close_all(uv_race *self) {
    while (!weir_list_is_empty(&self->attempts)) {
        close(give_up_watcher(WEIR_CONTAINER(self->attempts.next, attempt, link)));
    }
}

/* Takes: self. */
static void free_race(uv_race *self) {
    close_all(self);
    weir_timer_stop(&self->next_one, self->loop);
    weir_alloc_release(self->loop->alloc, self);
}

static bool says_no_way_there(weir_status status) {
    return status == -ENETUNREACH || status == -EHOSTUNREACH || status == -EADDRNOTAVAIL ||
           status == -EAFNOSUPPORT;
}

static void note_failure(uv_race *self, const weir_addr *to, weir_status why) {
    char text[WEIR_ADDR_TEXT];
    weir_log(WEIR_LOG_DEBUG, "client", "%s: %s", weir_addr_format(to, text), weir_status_text(why));
    if (self->why == WEIR_OK || (says_no_way_there(self->why) && !says_no_way_there(why))) self->why = why;
}

/* Takes: self. */
static void win(uv_race *self, int fd, const weir_addr *to) {
    const uv_race_events *events = self->events;
    void *arg = self->arg;
    weir_addr winner = *to;
    free_race(self);
    events->won(arg, fd, &winner);
}

/* `to` may be no address of its own: the unspecified one is this host's. */
static bool is_connected_with_itself(int fd, const weir_addr *to) {
    weir_addr own = {.len = sizeof own.as}, peer = {.len = sizeof peer.as};
    if (getsockname(fd, &own.as.sa, &own.len) != 0 || weir_addr_port(&own) == 0 ||
        weir_addr_port(&own) != weir_addr_port(to))
        return false;
    return getpeername(fd, &peer.as.sa, &peer.len) == 0 && weir_addr_equal(&own, &peer);
}

/* Where nobody listens, and the system picks that very port for our end, TCP connects the socket with itself. It ends
 * by a reset: a port in TIME_WAIT would be taken for who is to listen there. */
static weir_status check_connected(const uv_race_options *options, int fd, const weir_addr *to) {
    if (options->local_port != 0 || !is_connected_with_itself(fd, to)) return WEIR_OK;
    uv_reset_on_close(fd);
    return -ECONNREFUSED;
}

static void try_next(uv_race *self);

static void on_attempt(uv_watch *watch, uint32_t events) {
    attempt *self = WEIR_CONTAINER(watch, attempt, watch);
    uv_race *race = self->race;
    const weir_addr *to = self->to;
    (void)events; /* what really happened is on the socket */
    loop_note_event(race->loop, 0);
    weir_status failure = uv_socket_error(watch->fd);
    if (failure == WEIR_OK) failure = check_connected(race->options, watch->fd, to);
    int fd = give_up_watcher(self);
    if (failure == WEIR_OK) {
        win(race, fd, to);
        return;
    }
    close(fd);
    note_failure(race, to, failure);
    try_next(race);
}

static weir_status watch(uv_race *self, int fd, const weir_addr *to) {
    attempt *made = weir_alloc_zeroed(self->loop->alloc, 1, sizeof *made);
    if (made == NULL) return WEIR_E_NO_MEMORY;
    uv_watch_init(&made->watch, fd, on_attempt);
    weir_status status = uv_watch_set(&made->watch, driver_of(self->loop), EPOLLOUT);
    if (status != WEIR_OK) {
        weir_alloc_release(self->loop->alloc, made);
        return status;
    }
    made->loop = self->loop;
    made->race = self;
    made->to = to;
    weir_list_push_back(&self->attempts, &made->link);
    return WEIR_OK;
}

/* ---- sockets ---- */

/* The end to connect from: what was asked for, or any address of the family when only a port was. */
static weir_addr local_end(const uv_race_options *options, int family) {
    weir_addr any = options->local;
    if (any.len == 0) (void)weir_addr_parse(&any, family == AF_INET6 ? "::" : "0.0.0.0", options->local_port);
    return any;
}

static weir_status bind_local(int fd, const uv_race_options *options, int family) {
    int yes = 1;
    bool has_port = options->local_port != 0 && family != AF_UNIX;
    if (options->local.len == 0 && !has_port) return WEIR_OK;
    weir_addr local = local_end(options, family);
    if (has_port) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes); /* the last connection's TIME_WAIT */
    } else {
        setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
    }
    return bind(fd, &local.as.sa, local.len) == 0 ? WEIR_OK : weir_status_from_errno(errno);
}

/* A socket that connects (-EINPROGRESS) or is connected. The answer is its failure; *out is -1 then. */
static weir_status begin(const uv_race_options *options, const weir_addr *to, int *out) {
    int family = to->as.sa.sa_family;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    *out = fd;
    if (fd < 0) return weir_status_from_errno(errno);
    weir_status status = net_configure(fd, family, NET_NEW, options->channel);
    if (status == WEIR_OK) status = bind_local(fd, options, family);
    if (status == WEIR_OK && connect(fd, &to->as.sa, to->len) != 0) status = weir_status_from_errno(errno);
    if (status == WEIR_OK) status = check_connected(options, fd, to);
    if (status == WEIR_OK || status == -EINPROGRESS) return status;
    close(fd);
    *out = -1;
    return status;
}

/* ---- the race ---- */

/* Addresses of another family than our own end cannot be reached from it. */
static const weir_addr *next_addr(uv_race *self) {
    const weir_addr *local = &self->options->local;
    while (self->next < self->count) {
        const weir_addr *to = &self->addrs[self->next++];
        if (local->len == 0 || to->as.sa.sa_family == local->as.sa.sa_family) return to;
        note_failure(self, to, -EAFNOSUPPORT);
    }
    return NULL;
}

static void lose(uv_race *self) {
    const uv_race_events *events = self->events;
    void *arg = self->arg;
    weir_status why = self->why;
    free_race(self);
    events->lost(arg, why);
}

static void try_next(uv_race *self) {
    for (const weir_addr *to = next_addr(self); to != NULL; to = next_addr(self)) {
        char text[WEIR_ADDR_TEXT];
        int fd;
        weir_log(WEIR_LOG_DEBUG, "client", "trying %s", weir_addr_format(to, text));
        weir_status status = begin(self->options, to, &fd);
        if (status == WEIR_OK) {
            win(self, fd, to);
            return;
        }
        if (status == -EINPROGRESS) status = watch(self, fd, to);
        if (status == WEIR_OK) {
            if (self->next < self->count)
                weir_timer_start(&self->next_one, self->loop, self->options->delay_ms);
            return;
        }
        if (fd >= 0) close(fd);
        note_failure(self, to, status);
    }
    if (weir_list_is_empty(&self->attempts)) lose(self);
}

static void on_delay(weir_timer *timer) {
    try_next(timer->arg);
}

/* Where the next of another family is, from `at` on. */
static size_t find_other(const weir_addr *addrs, size_t at, size_t count, int family) {
    while (at < count && addrs[at].as.sa.sa_family == family) at++;
    return at;
}

void uv_race_interleave(weir_addr *addrs, size_t count) {
    for (size_t i = 1; i < count; i++) {
        size_t from = find_other(addrs, i, count, addrs[i - 1].as.sa.sa_family);
        if (from == count) return;
        weir_addr moved = addrs[from];
        memmove(&addrs[i + 1], &addrs[i], (from - i) * sizeof *addrs);
        addrs[i] = moved;
    }
}

uv_race *uv_race_new(weir_loop *loop, const weir_addr *addrs, size_t count, const uv_race_options *options,
                     const uv_race_events *events, void *arg) {
    uv_race *self = weir_alloc_zeroed(loop->alloc, 1, sizeof *self + count * sizeof *addrs);
    if (self == NULL) return NULL;
    self->loop = loop;
    self->options = options;
    self->events = events;
    self->arg = arg;
    weir_list_init(&self->attempts);
    weir_timer_init(&self->next_one, on_delay, self);
    memcpy(self->addrs, addrs, count * sizeof *addrs);
    uv_race_interleave(self->addrs, count);
    self->count = count < options->most ? count : options->most;
    return self;
}

void uv_race_start(uv_race *race) {
    try_next(race);
}

void uv_race_cancel(uv_race *race) {
    free_race(race);
}
