/* server_accept.c - from a listening socket to a channel, on the loop that accepted or on another.
 *
 * A connection counts as open, on the server and on the part it is meant for, from before it is handed over. If
 * it cannot be handed over it is served where it was accepted: no connection and no descriptor is lost.
 */
#include <unistd.h>

#include <weir/core/log.h>

#include "bootstrap/server_internal.h"

/* Takes: fd, which counts as open on this part. */
static void serve(server_part *part, int fd, const weir_addr *peer) {
    weir_server *server = part->server;
    net_configure(fd, &server->channel);
    weir_channel *channel = net_channel_new(part->loop, fd, &peer->as.sa, &server->channel, &part->owner);
    if (channel == NULL) {
        atomic_fetch_add(&part->refused, 1);
        atomic_fetch_sub(&part->open, 1);
        atomic_fetch_sub(&server->open, 1);
        return;
    }
    atomic_fetch_add(&part->accepted, 1);
    weir_status status = channel_open(channel, server->options.build, server->options.build_arg);
    if (status != WEIR_OK) {
        weir_log(WEIR_LOG_WARN, "server", "the pipeline of a connection could not be built: %s",
                 weir_status_text(status));
        atomic_fetch_add(&part->refused, 1);
    } else if (channel_is_open(channel)) {
        channel_wire_active(channel);
    }
}

/* ---- handing over ---- */

typedef struct delivery {
    weir_task task;
    server_part *part;
    int fd;
    weir_addr peer;
} delivery;

static void arrive(weir_task *task) {
    delivery copy = *WEIR_CONTAINER(task, delivery, task);
    weir_alloc_release(copy.part->loop->alloc, task);
    serve(copy.part, copy.fd, &copy.peer);
}

static bool hand_over(server_part *part, int fd, const weir_addr *peer) {
    delivery *made = weir_alloc_acquire(part->loop->alloc, sizeof *made);
    if (made == NULL) return false;
    *made = (delivery){.task.run = arrive, .part = part, .fd = fd, .peer = *peer};
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

static server_part *next_part(server_listener *listener) {
    weir_server *server = listener->part->server;
    if (!listener->hands_over) return listener->part;
    if (server->options.accept == WEIR_ACCEPT_BALANCED) return with_fewest(server);
    return &server->parts[listener->turn++ % server->count];
}

/* ---- accepting ---- */

/* Counts a connection in; false when there are as many as allowed. */
static bool enter(weir_server *server) {
    unsigned most = server->options.max_connections;
    if (atomic_fetch_add(&server->open, 1) < most || most == 0) return true;
    atomic_fetch_sub(&server->open, 1);
    return false;
}

static void accepted(void *arg, int fd, const weir_addr *peer) {
    server_listener *listener = arg;
    server_part *here = listener->part;
    if (!enter(here->server)) {
        atomic_fetch_add(&here->refused, 1);
        close(fd);
        return;
    }
    server_part *part = next_part(listener);
    atomic_fetch_add(&part->open, 1);
    if (part != here) {
        if (hand_over(part, fd, peer)) {
            atomic_fetch_add(&here->handed_over, 1);
            return;
        }
        atomic_fetch_add(&here->open, 1);
        atomic_fetch_sub(&part->open, 1);
    }
    serve(here, fd, peer);
}

static void accept_failed(void *arg, weir_status status) {
    server_part *part = ((server_listener *)arg)->part;
    atomic_fetch_add(&part->accept_errors, 1);
    weir_log(WEIR_LOG_WARN, "server", "accept: %s: trying again soon", weir_status_text(status));
}

static void listener_closed(void *arg) {
    server_part *part = ((server_listener *)arg)->part;
    part->listening--;
    server_part_leave_if_quiet(part);
}

static const net_listener_events listener_events = {
    .accepted = accepted, .accept_failed = accept_failed, .closed = listener_closed};

weir_status server_part_listen(server_part *part) {
    weir_server *server = part->server;
    weir_status status = WEIR_OK;
    for (size_t i = 0; i < server->listener_count; i++) {
        server_listener *listener = &server->listeners[i];
        if (listener->part != part) continue;
        listener->net = net_listener_open(part->loop, listener->fd, &listener_events, listener);
        listener->fd = -1;
        if (listener->net != NULL) {
            part->listening++;
        } else {
            status = WEIR_E_NO_MEMORY;
        }
    }
    return status;
}

void server_part_stop_listening(server_part *part) {
    weir_server *server = part->server;
    for (size_t i = 0; i < server->listener_count; i++) {
        server_listener *listener = &server->listeners[i];
        if (listener->part == part && listener->net != NULL) net_listener_close(listener->net);
    }
}
