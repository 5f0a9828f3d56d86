/* server.c - one listener a loop; a graceful stop that ends when the last connection is gone.
 *
 *     start: sockets are opened here, each loop opens its listener            (waits for all)
 *     stop:  each loop closes its listener, tells its channels, sets a deadline
 *     done:  a loop whose listener and channels are gone counts down; the last one wakes who waits
 */
#include <pthread.h>
#include <unistd.h>

#include <weir/core/log.h>
#include <weir/transport/event.h>
#include <weir/transport/server.h>

#include "bootstrap/listen_socket.h"
#include "bootstrap/net.h"

#define DEFAULT_BACKLOG 511
#define DEFAULT_STOP_TIMEOUT_MS 10000

/* What one loop does for the server; touched on that loop, but for the counters. */
typedef struct server_part {
    channel_owner owner; /* of the channels accepted here */
    weir_server *server;
    weir_loop *loop;
    net_listener *listener;
    weir_task start_task, stop_task, cut_task;
    weir_timer deadline;
    int fd;
    bool stopping, listening;
    atomic_uint_fast64_t accepted, open, refused, accept_errors, aborted;
} server_part;

struct weir_server {
    weir_server_options options;
    weir_channel_options channel;
    weir_addr addr;
    net_signals *signals; /* on the first loop, until the server is freed */
    weir_task signals_task;
    atomic_bool stop_asked, cut_asked;
    atomic_uint_fast64_t open; /* on all loops, for max_connections */
    pthread_mutex_t lock;      /* of the three below, which start, stop and wait meet at */
    pthread_cond_t changed;
    size_t starting, running;
    weir_status start_status;
    size_t count;
    server_part parts[];
};

/* ---- connections ---- */

/* One thing less that the server may not be freed before. */
static void leave(weir_server *server) {
    pthread_mutex_lock(&server->lock);
    server->running--;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
}

static void part_done_if_quiet(server_part *part) {
    if (!part->stopping || part->listening || atomic_load(&part->open) != 0) return;
    part->stopping = false;
    weir_timer_stop(&part->deadline, part->loop);
    leave(part->server);
}

static void channel_gone(channel_owner *owner, weir_channel *channel) {
    server_part *part = WEIR_CONTAINER(owner, server_part, owner);
    (void)channel;
    atomic_fetch_sub(&part->open, 1);
    atomic_fetch_sub(&part->server->open, 1);
    part_done_if_quiet(part);
}

static void refuse(server_part *part, int fd) {
    atomic_fetch_add(&part->refused, 1);
    if (fd >= 0) close(fd);
}

/* Counts a connection in; false when there are as many as allowed. */
static bool enter(weir_server *server) {
    unsigned most = server->options.max_connections;
    if (atomic_fetch_add(&server->open, 1) < most || most == 0) return true;
    atomic_fetch_sub(&server->open, 1);
    return false;
}

static void accepted(void *arg, int fd, const struct sockaddr *peer) {
    server_part *part = arg;
    weir_server *server = part->server;
    if (!enter(server)) {
        refuse(part, fd);
        return;
    }
    net_configure(fd, &server->channel);
    weir_channel *channel = net_channel_new(part->loop, fd, peer, &server->channel, &part->owner);
    if (channel == NULL) {
        atomic_fetch_sub(&server->open, 1);
        refuse(part, -1);
        return;
    }
    atomic_fetch_add(&part->accepted, 1);
    atomic_fetch_add(&part->open, 1);
    weir_status status = channel_open(channel, server->options.build, server->options.build_arg);
    if (status != WEIR_OK) {
        weir_log(WEIR_LOG_WARN, "server", "the pipeline of a connection could not be built: %s",
                 weir_status_text(status));
        refuse(part, -1);
    } else if (channel_is_open(channel)) {
        channel_wire_active(channel);
    }
}

static void accept_failed(void *arg, weir_status status) {
    server_part *part = arg;
    atomic_fetch_add(&part->accept_errors, 1);
    weir_log(WEIR_LOG_WARN, "server", "accept: %s: trying again soon", weir_status_text(status));
}

static void listener_closed(void *arg) {
    server_part *part = arg;
    part->listening = false;
    part_done_if_quiet(part);
}

static const net_listener_events listener_events = {
    .accepted = accepted, .accept_failed = accept_failed, .closed = listener_closed};

/* ---- stopping, on each loop ---- */

/* Calls `each` for the channels of this part; it may end them. */
static void for_channels(server_part *part, void (*each)(server_part *, weir_channel *)) {
    weir_list *end = &part->loop->channels;
    for (weir_list *link = end->next, *next; link != end; link = next) {
        weir_channel *channel = WEIR_CONTAINER(link, weir_channel, siblings);
        next = link->next;
        if (channel->owner == &part->owner) each(part, channel);
    }
}

static void tell_stopping(server_part *part, weir_channel *channel) {
    (void)part;
    if (channel_is_open(channel)) channel_fire_event(channel, &weir_event_stopping.obj);
}

static void cut(server_part *part, weir_channel *channel) {
    if (!channel_is_open(channel)) return;
    atomic_fetch_add(&part->aborted, 1);
    channel_abort_now(channel, WEIR_E_STOPPED);
}

static void on_deadline(weir_timer *timer) {
    server_part *part = timer->arg;
    for_channels(part, cut);
}

static void cut_part(weir_task *task) {
    server_part *part = WEIR_CONTAINER(task, server_part, cut_task);
    for_channels(part, cut);
    leave(part->server);
}

static void stop_part(weir_task *task) {
    server_part *part = WEIR_CONTAINER(task, server_part, stop_task);
    weir_server *server = part->server;
    part->stopping = true;
    weir_timer_start(&part->deadline, part->loop, server->options.stop_timeout_ms);
    if (part->listener != NULL) net_listener_close(part->listener);
    for_channels(part, tell_stopping);
    part_done_if_quiet(part);
}

static void post_to_part(server_part *part, weir_task *task) {
    weir_status status = weir_loop_post_task(part->loop, task);
    WEIR_CHECK(status != WEIR_E_STOPPED, "a server was used after its loops were freed");
}

void weir_server_stop(weir_server *server) {
    if (atomic_exchange(&server->stop_asked, true)) return;
    size_t count = server->count; /* when the last part is told the server may go */
    for (size_t i = 0; i < count; i++) {
        post_to_part(&server->parts[i], &server->parts[i].stop_task);
    }
}

/* The first signal stops gracefully, the second cuts what is left, more do nothing. */
static void on_signal(void *arg) {
    weir_server *server = arg;
    if (!atomic_load(&server->stop_asked)) {
        weir_server_stop(server);
    } else if (!atomic_exchange(&server->cut_asked, true)) {
        pthread_mutex_lock(&server->lock);
        server->running += server->count;
        pthread_mutex_unlock(&server->lock);
        for (size_t i = 0; i < server->count; i++)
            post_to_part(&server->parts[i], &server->parts[i].cut_task);
    }
}

/* ---- starting ---- */

static void start_part(weir_task *task) {
    server_part *part = WEIR_CONTAINER(task, server_part, start_task);
    weir_server *server = part->server;
    part->listener = net_listener_open(part->loop, part->fd, &listener_events, part);
    part->listening = part->listener != NULL;
    weir_status status = part->listening ? WEIR_OK : (weir_status)WEIR_E_NO_MEMORY;
    if (part == &server->parts[0] && server->options.stop_on_signals) {
        server->signals = net_signals_open(part->loop, on_signal, server);
        if (server->signals == NULL) status = WEIR_E_NO_MEMORY;
    }
    pthread_mutex_lock(&server->lock);
    if (status != WEIR_OK) server->start_status = status;
    server->starting--;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
}

static void check_outside_loops(const weir_server *server, const char *function) {
    for (size_t i = 0; i < server->count; i++) {
        WEIR_CHECK(!weir_loop_is_current(server->parts[i].loop), "%s was called on a loop of its server",
                   function);
    }
}

/* Takes: fds. */
static weir_status start_parts(weir_server *server, const int *fds) {
    server->starting = server->running = server->count;
    for (size_t i = 0; i < server->count; i++) {
        server_part *part = &server->parts[i];
        part->owner.gone = channel_gone;
        part->server = server;
        part->loop = weir_loop_group_at(server->options.loops, i);
        part->fd = fds[i];
        part->start_task.run = start_part;
        part->stop_task.run = stop_part;
        part->cut_task.run = cut_part;
        weir_timer_init(&part->deadline, on_deadline, part);
    }
    check_outside_loops(server, "weir_server_start");
    for (size_t i = 0; i < server->count; i++) {
        post_to_part(&server->parts[i], &server->parts[i].start_task);
    }
    pthread_mutex_lock(&server->lock);
    while (server->starting > 0) pthread_cond_wait(&server->changed, &server->lock);
    pthread_mutex_unlock(&server->lock);
    return server->start_status;
}

static weir_server *new_server(const weir_server_options *options) {
    size_t count = weir_loop_group_count(options->loops);
    weir_server *server = weir_alloc_zeroed(NULL, 1, sizeof *server + count * sizeof(server_part));
    if (server == NULL) return NULL;
    server->options = *options;
    server->count = count;
    if (server->options.host == NULL) server->options.host = "127.0.0.1";
    if (server->options.backlog == 0) server->options.backlog = DEFAULT_BACKLOG;
    if (server->options.stop_timeout_ms == 0) server->options.stop_timeout_ms = DEFAULT_STOP_TIMEOUT_MS;
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->changed, NULL);
    return server;
}

static void delete_server(weir_server *server) {
    pthread_cond_destroy(&server->changed);
    pthread_mutex_destroy(&server->lock);
    weir_alloc_release(NULL, server);
}

static weir_status open_sockets(weir_server *server, int *fds) {
    weir_status status = weir_addr_resolve(&server->addr, server->options.host, server->options.port);
    if (status != WEIR_OK) return status;
    return listen_sockets_open(fds, server->count, &server->addr, server->options.backlog);
}

weir_status weir_server_start(weir_server **out, const weir_server_options *options) {
    *out = NULL;
    if (options->loops == NULL) return WEIR_E_NO_MEMORY;
    if (options->build == NULL) return WEIR_E_INVALID;
    weir_server *server = new_server(options);
    int *fds = server != NULL ? weir_alloc_zeroed(NULL, server->count, sizeof *fds) : NULL;
    weir_status status = fds != NULL ? channel_options_resolve(&options->channel, &server->channel)
                                     : (weir_status)WEIR_E_NO_MEMORY;
    if (status == WEIR_OK) status = open_sockets(server, fds);
    if (status == WEIR_OK) {
        status = start_parts(server, fds);
        if (status == WEIR_OK) {
            *out = server;
        } else {
            weir_server_free(server);
        }
    } else if (server != NULL) {
        delete_server(server);
    }
    weir_alloc_release(NULL, fds);
    return status;
}

/* ---- waiting and looking ---- */

weir_status weir_server_wait(weir_server *server) {
    check_outside_loops(server, __func__);
    pthread_mutex_lock(&server->lock);
    while (server->running > 0) pthread_cond_wait(&server->changed, &server->lock);
    pthread_mutex_unlock(&server->lock);
    weir_server_stats stats;
    weir_server_get_stats(server, &stats);
    return stats.aborted == 0 ? WEIR_OK : (weir_status)WEIR_E_TIMEOUT;
}

static void close_signals(weir_task *task) {
    weir_server *server = WEIR_CONTAINER(task, weir_server, signals_task);
    net_signals_close(server->signals);
    pthread_mutex_lock(&server->lock);
    server->signals = NULL;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
}

/* Only now: a signal between the last connection and here must not end the process. */
static void stop_signals(weir_server *server) {
    if (server->signals == NULL) return;
    server->signals_task.run = close_signals;
    post_to_part(&server->parts[0], &server->signals_task);
    pthread_mutex_lock(&server->lock);
    while (server->signals != NULL) pthread_cond_wait(&server->changed, &server->lock);
    pthread_mutex_unlock(&server->lock);
}

void weir_server_free(weir_server *server) {
    if (server == NULL) return;
    weir_server_stop(server);
    weir_server_wait(server);
    stop_signals(server);
    weir_server_wait(server); /* for what a last signal may have begun */
    delete_server(server);
}

const weir_addr *weir_server_addr(const weir_server *server) {
    return &server->addr;
}

void weir_server_get_stats(const weir_server *server, weir_server_stats *out) {
    *out = (weir_server_stats){0};
    for (size_t i = 0; i < server->count; i++) {
        const server_part *part = &server->parts[i];
        out->accepted += atomic_load(&part->accepted);
        out->open += atomic_load(&part->open);
        out->refused += atomic_load(&part->refused);
        out->accept_errors += atomic_load(&part->accept_errors);
        out->aborted += atomic_load(&part->aborted);
    }
}
