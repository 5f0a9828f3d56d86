/* server_internal.h - private: a server, the sockets it listens on, and what each of its loops does for it.
 *
 *     start   sockets are opened in the caller's thread, each loop opens its listeners   (waits for all)
 *     accept  a listener gives the connection to the part of its own loop, or hands it over to another's
 *     stop    1. each loop closes its listeners; the last one of all begins 2
 *             2. each loop tells its channels and sets a deadline
 *     done    a loop whose listeners and channels are gone counts down; the last one wakes who waits
 *
 * Why two steps: what was handed over was posted before step 2 was, so it arrives before it.
 */
#ifndef WEIR_SERVER_INTERNAL_H
#define WEIR_SERVER_INTERNAL_H

#include <pthread.h>

#include <weir/transport/server.h>

#include "bootstrap/net.h"
#include "bootstrap/rate_limit.h"
#include "bootstrap/unix_socket.h"
#include "local/local_names.h"

/* What one loop does for the server; touched on that loop, but for the counters. */
typedef struct server_part {
    channel_owner owner; /* of the channels that are served here */
    weir_server *server;
    weir_loop *loop;
    weir_task step_task; /* start, close the listeners, stop: one after the other */
    weir_task cut_task, resume_task;
    weir_timer deadline;
    size_t listening;     /* listeners of this loop that are not closed yet */
    local_listener local; /* one of them, where the server has a name in this process */
    bool stopping;
    atomic_bool has_started; /* before, nothing is handed over to it */
    atomic_bool wants_place; /* it waits for a connection to end */
    atomic_bool resuming;    /* resume_task is posted */
    atomic_uint_fast64_t accepted, open, refused, accept_errors, handed_over;
} server_part;

/* One listening socket, on one loop. */
typedef struct server_listener {
    server_part *part;
    net_listener *net;
    int fd;            /* until it stops listening, then -1; changes under the server's lock */
    bool is_taken;     /* `net` closes it */
    bool hands_over;   /* it is the only one of its address: its connections are spread here */
    net_origin origin; /* of its connections */
    size_t turn;
    unix_socket_file file; /* removed when it stops listening */
} server_listener;

struct weir_server {
    weir_server_options options;
    weir_channel_options channel;
    weir_addr *addrs;
    server_listener *listeners;
    size_t addr_count, listener_count;
    local_name *name;     /* NULL: it has none */
    net_signals *signals; /* on the first loop, until the server is freed */
    weir_task signals_task;
    atomic_bool stop_asked, cut_asked, paused;
    atomic_bool is_shared;     /* others were given its descriptors: the files of its sockets stay */
    atomic_size_t accepting;   /* loops whose listeners are not closed */
    atomic_uint_fast64_t open; /* on all loops, for max_connections */
    atomic_uint_fast64_t aborted;
    rate_limit accept_rate;
    pthread_mutex_t lock; /* of the four below, which start, stop and wait meet at */
    pthread_cond_t changed;
    size_t starting, running;
    weir_status start_status;
    weir_server_report report; /* but for `ended` */
    size_t count;
    server_part parts[];
};

/* ---- server_listen.c: where it listens ---- */

/* Opens the sockets that the options name. What was opened before a failure is closed by the next one. */
weir_status server_open_sockets(weir_server *server);
/* Takes the inherited descriptors of a server that does not come to be. */
void server_drop_inherited(const weir_server_options *options);
/* Closes the sockets no loop has taken, and frees the lists. */
void server_close_sockets(weir_server *server);

/* ---- server_accept.c: from a listening socket to a channel. On the loop of the part ---- */

/* The connection of a new channel, counted as open on the server and the part; NULL: there was no memory for it. */
void server_part_serve(server_part *part, weir_channel *channel);
/* Counts a connection in; false when there are as many as allowed. Any thread. */
bool server_enter(weir_server *server);
weir_status server_part_listen(server_part *part);
void server_part_stop_listening(server_part *part);
/* Its listeners look again whether they may accept. Any thread, while the server is held. */
void server_part_resume(server_part *part);
/* One connection less; who waits for its place is told. Any thread. */
void server_give_place(weir_server *server);

/* ---- server_local.c: the same for a name in this process. On the loop of the part ---- */

void server_part_listen_local(server_part *part);
void server_part_stop_listening_local(server_part *part);

/* ---- server.c: who waits for `lock`ed things to change. Under the lock ---- */

/* As pthread_cond_clockwait; NULL: without an end. */
int server_await_change(weir_server *server, const struct timespec *deadline);
void server_tell_change(weir_server *server);

/* ---- server_part.c: the life of a part ---- */

void server_part_init(server_part *part, weir_server *server, weir_loop *loop);
/* `run` on the part's loop. Any thread. */
void server_part_post(server_part *part, weir_task *task, void (*run)(weir_task *task));
/* One thing more, one thing less that the server may not be freed before. Any thread. */
void server_hold(weir_server *server);
void server_leave(weir_server *server);
/* Leaves when it has stopped and nothing is left here. On the loop. */
void server_part_leave_if_quiet(server_part *part);
/* Of the channels a part owns. */
void server_part_channel_gone(channel_owner *owner, weir_channel *channel);
/* Tasks. */
void server_part_start(weir_task *step_task);
void server_part_close(weir_task *step_task);
void server_part_cut(weir_task *cut_task);

/* ---- server_signals.c ---- */

weir_status server_open_signals(weir_server *server); /* on the first loop */
void server_close_signals(weir_server *server);       /* waits; outside of the loops */

#endif
