/* server_accept.c - from a listening socket to a channel, on the loop that accepted or on another.
 *
 * A connection counts as open, on the server and on the part it is meant for, from before it is handed over. If
 * it cannot be handed over it is served where it was accepted: no connection and no descriptor is lost.
 */
#include <errno.h>
#include <unistd.h>

#include <weir/core/log.h>

#include "bootstrap/server_internal.h"

/* ---- places: max_connections, exact over all loops ---- */

bool server_enter(weir_server *server) {
    unsigned most = server->options.max_connections;
    uint64_t open = atomic_load(&server->open);
    do {
        if (most != 0 && open >= most) return false;
    } while (!atomic_compare_exchange_weak(&server->open, &open, open + 1));
    return true;
}

/* Then a place is taken before accepting, so that who finds none stays in the backlog. */
static bool waits_for_places(const weir_server *server) {
    return server->options.max_connections != 0 && server->options.max_connections_wait;
}

/* Asks first and looks again afterwards: the place that was free in between would not be told of. */
static bool enter_or_ask(server_part *part) {
    if (server_enter(part->server)) return true;
    atomic_store(&part->wants_place, true);
    return server_enter(part->server);
}

void server_give_place(weir_server *server) {
    atomic_fetch_sub(&server->open, 1);
    if (!waits_for_places(server)) return;
    for (size_t i = 0; i < server->count; i++) {
        if (atomic_exchange(&server->parts[i].wants_place, false)) server_part_resume(&server->parts[i]);
    }
}

/* ---- channels ---- */

void server_part_serve(server_part *part, weir_channel *channel) {
    weir_server *server = part->server;
    if (channel == NULL) {
        atomic_fetch_add(&part->refused, 1);
        atomic_fetch_sub(&part->open, 1);
        server_give_place(server);
        return;
    }
    atomic_fetch_add(&part->accepted, 1);
    weir_status status = channel_open(channel, server->options.build, server->options.build_arg);
    if (status != WEIR_OK) {
        /* -EACCES is a refusal on purpose: a line for each would be the refused one's weapon. */
        weir_log(status == -EACCES ? WEIR_LOG_DEBUG : WEIR_LOG_WARN, "server",
                 "the pipeline of a connection could not be built: %s", weir_status_text(status));
        atomic_fetch_add(&part->refused, 1);
    } else if (channel_is_open(channel)) {
        channel_wire_active(channel);
    }
}

/* Takes: fd, which counts as open on this part. */
static void serve(server_part *part, int fd, const weir_addr *peer, net_origin origin) {
    const weir_channel_options *options = &part->server->channel;
    weir_channel *channel = NULL;
    if (net_configure(fd, peer->as.sa.sa_family, origin, options) == WEIR_OK) {
        channel = net_channel_new(part->loop, fd, &peer->as.sa, options, &part->owner);
    } else {
        close(fd);
    }
    server_part_serve(part, channel);
}

/* ---- handing over ---- */

typedef struct delivery {
    weir_task task;
    server_part *part;
    int fd;
    net_origin origin;
    weir_addr peer;
} delivery;

static void arrive(weir_task *task) {
    delivery copy = *WEIR_CONTAINER(task, delivery, task);
    weir_alloc_release(copy.part->loop->alloc, task);
    atomic_fetch_add(&copy.part->handed_over, 1);
    serve(copy.part, copy.fd, &copy.peer, copy.origin);
}

static bool hand_over(server_part *part, int fd, const weir_addr *peer, net_origin origin) {
    delivery *made = weir_alloc_acquire(part->loop->alloc, sizeof *made);
    if (made == NULL) return false;
    *made = (delivery){.task.run = arrive, .part = part, .fd = fd, .origin = origin, .peer = *peer};
    if (weir_loop_post_task(part->loop, &made->task) == WEIR_OK) return true;
    weir_alloc_release(part->loop->alloc, made);
    return false;
}

static server_part *with_fewest(weir_server *server) {
    server_part *best = &server->parts[0];
    for (size_t i = 1; i < server->count; i++) {
        if (atomic_load(&server->parts[i].open) < atomic_load(&best->open)) best = &server->parts[i];
    }
    return best;
}

/* One whose loop is run by the caller must not serve before the caller has its server: what is handed over sooner would
 * come with the start. */
static server_part *next_part(server_listener *listener) {
    weir_server *server = listener->part->server;
    if (!listener->hands_over) return listener->part;
    server_part *next = server->options.accept == WEIR_ACCEPT_BALANCED
                            ? with_fewest(server)
                            : &server->parts[listener->turn++ % server->count];
    return atomic_load(&next->has_started) ? next : listener->part;
}

/* ---- accepting ---- */

static uint64_t may_accept(void *arg) {
    server_part *part = ((server_listener *)arg)->part;
    weir_server *server = part->server;
    if (atomic_load(&server->paused)) return ACCEPTOR_WAIT;
    uint64_t ms = rate_limit_take(&server->accept_rate, weir_loop_now(part->loop));
    if (ms != 0) return ms;
    if (!waits_for_places(server) || enter_or_ask(part)) return 0;
    rate_limit_give_back(&server->accept_rate);
    return ACCEPTOR_WAIT;
}

static void not_accepted(void *arg) {
    weir_server *server = ((server_listener *)arg)->part->server;
    rate_limit_give_back(&server->accept_rate);
    if (waits_for_places(server)) server_give_place(server);
}

static void accepted(void *arg, int fd, const weir_addr *peer) {
    server_listener *listener = arg;
    server_part *here = listener->part;
    if (!waits_for_places(here->server) && !server_enter(here->server)) {
        atomic_fetch_add(&here->refused, 1);
        close(fd);
        return;
    }
    server_part *part = next_part(listener);
    atomic_fetch_add(&part->open, 1);
    if (part != here) {
        if (hand_over(part, fd, peer, listener->origin)) return;
        atomic_fetch_add(&here->open, 1);
        atomic_fetch_sub(&part->open, 1);
    }
    serve(here, fd, peer, listener->origin);
}

static void accept_failed(void *arg, bool turned_away) {
    server_part *part = ((server_listener *)arg)->part;
    atomic_fetch_add(&part->accept_errors, 1);
    if (turned_away) atomic_fetch_add(&part->refused, 1);
}

static void listener_closed(void *arg) {
    server_part *part = ((server_listener *)arg)->part;
    part->listening--;
    server_part_leave_if_quiet(part);
}

static const acceptor_events listener_events = {.may_accept = may_accept,
                                                .not_accepted = not_accepted,
                                                .accepted = accepted,
                                                .failed = accept_failed,
                                                .closed = listener_closed};

weir_status server_part_listen(server_part *part) {
    weir_server *server = part->server;
    weir_status status = WEIR_OK;
    for (size_t i = 0; i < server->listener_count; i++) {
        server_listener *listener = &server->listeners[i];
        if (listener->part != part) continue;
        listener->net = net_listener_open(part->loop, listener->fd, &listener_events, listener);
        listener->is_taken = true;
        if (listener->net != NULL) {
            part->listening++;
        } else {
            status = WEIR_E_NO_MEMORY;
        }
    }
    if (server->name != NULL) server_part_listen_local(part);
    return status;
}

void server_part_stop_listening(server_part *part) {
    weir_server *server = part->server;
    for (size_t i = 0; i < server->listener_count; i++) {
        server_listener *listener = &server->listeners[i];
        if (listener->part != part || listener->net == NULL) continue;
        if (!atomic_load(&server->is_shared)) unix_socket_remove(&listener->file);
        pthread_mutex_lock(&server->lock);
        listener->fd = -1;
        pthread_mutex_unlock(&server->lock);
        net_listener_close(listener->net);
        listener->net = NULL;
    }
    server_part_stop_listening_local(part);
}

static void resume(weir_task *task) {
    server_part *part = WEIR_CONTAINER(task, server_part, resume_task);
    weir_server *server = part->server;
    atomic_store(&part->resuming, false);
    for (size_t i = 0; i < server->listener_count; i++) {
        server_listener *listener = &server->listeners[i];
        if (listener->part == part && listener->net != NULL) net_listener_resume(listener->net);
    }
    server_leave(server);
}

void server_part_resume(server_part *part) {
    if (atomic_exchange(&part->resuming, true)) return;
    server_hold(part->server);
    server_part_post(part, &part->resume_task, resume);
}
