/* <weir/transport/server.h> - listen, and build a pipeline for each connection.
 *
 * In short: one listening socket per loop (SO_REUSEPORT), so the kernel spreads the connections and a
 * connection is served by the loop that accepted it. Where there can be only one socket, or when asked, one loop
 * accepts and hands the connections over. Stopping is graceful: no more accepts, every channel
 * gets the `stopping` event (whose default is flush and close), what is left at the deadline is aborted, and a report
 * says what that was. Who is still in the backlog is reset; of an inherited socket they are left to who shares it.
 *
 * Its loops serve in their threads, or the first one in the caller's (first_on_caller), while it is in weir_server_wait.
 *
 * Layer: transport. Needs loop_group.h, channel_options.h. Any thread, unless a function says otherwise.
 */
#ifndef WEIR_TRANSPORT_SERVER_H
#define WEIR_TRANSPORT_SERVER_H

#include <weir/transport/addr.h>
#include <weir/transport/channel_options.h>
#include <weir/transport/listen_options.h>
#include <weir/transport/loop_group.h>
#include <weir/transport/pipeline.h>

WEIR_BEGIN_DECLS

typedef struct weir_server weir_server;

/* How connections come to the loops. A socket that cannot share its address hands over in any case. */
typedef enum weir_server_accept {
    WEIR_ACCEPT_SHARED,   /* each loop has a listening socket of its own, the kernel spreads: least work */
    WEIR_ACCEPT_HANDOVER, /* one loop accepts and hands over to all in turn: exactly even */
    WEIR_ACCEPT_BALANCED, /* one loop accepts and hands over to the one with the fewest connections */
} weir_server_accept;

/* One place to listen at. */
typedef struct weir_server_address {
    const char *host; /* as in weir_server_options */
    unsigned port;    /* the same */
} weir_server_address;

/* SIGHUP or SIGUSR2 came. On the first loop, which waits meanwhile: what takes long goes elsewhere
 * (weir_loop_offload). Borrows: server, arg. */
typedef void weir_server_signal_fn(weir_server *server, int number, void *arg);

/* Zero means the default, everywhere. */
typedef struct weir_server_options {
    weir_loop_group *loops; /* needed. Borrowed for the server's life */
    const char *host;       /* address, name, "unix:/run/x", "unix:@x", "local:NAME" (local.h); "127.0.0.1" */
    unsigned port;          /* 0: the system picks one, see weir_server_addr */
    /* More of them; then host and port may be left out. Borrowed for the call. */
    const weir_server_address *addresses;
    size_t address_count;
    /* Sockets that listen already, instead of all addresses, see listen_fds.h. Takes: the descriptors, also on
     * failure. */
    const int *listen_fds;
    size_t listen_fd_count;
    weir_listen_options listen;   /* of the sockets that are made. Borrowed for the call */
    weir_build_fn *build;         /* needed: fills the pipeline of each connection */
    void *build_arg;              /* Borrowed for the server's life */
    weir_channel_options channel; /* of each connection */
    weir_server_accept accept;    /* WEIR_ACCEPT_SHARED */
    unsigned max_connections;     /* exact over all loops; 0: no limit but descriptors */
    bool max_connections_wait;    /* false: more are closed at once and counted as refused. true: they wait in
                                     the backlog until one has ended */
    unsigned accepts_per_second;  /* over all loops; more wait in the backlog; 0: no limit */
    unsigned accept_burst;        /* as many at once after a quiet time; accepts_per_second */
    unsigned stop_timeout_ms;     /* from stop until what is left is aborted; 10 000 */
    unsigned unix_mode;           /* of the file of a unix socket, such as 0660; 0: as the umask says */
    bool stop_on_signals;         /* SIGINT and SIGTERM stop this server, a second one cuts what is left;
                                     theirs again once the server is freed */
    weir_server_signal_fn
        *on_signal;      /* with stop_on_signals, by custom: SIGHUP to read again what was configured,
                                         SIGUSR2 to hand over to a new process. NULL: the two are left alone */
    void *on_signal_arg; /* Borrowed for the server's life */
} weir_server_options;

typedef struct weir_server_stats {
    uint64_t accepted;      /* connections taken since the start */
    uint64_t open;          /* connections now */
    uint64_t refused;       /* closed at once: over max_connections, no descriptor, no memory, build failed */
    uint64_t accept_errors; /* times accept failed and was tried again later (EMFILE, ...) */
    uint64_t aborted;       /* connections cut at the stop deadline */
    uint64_t handed_over;   /* connections served by another loop than the one that accepted them */
} weir_server_stats;

/* How many of those that were cut are listed one by one. */
#define WEIR_SERVER_CUTS_LISTED 32

/* A connection that was cut. */
typedef struct weir_server_cut {
    uint64_t id; /* weir_channel_id */
    weir_addr remote;
    uint64_t pending_bytes; /* written and never sent */
} weir_server_cut;

/* How a stop went. */
typedef struct weir_server_report {
    uint64_t open;                                 /* connections when it began */
    uint64_t ended;                                /* of these, by themselves; known when it is over */
    uint64_t cut;                                  /* of these, at the deadline or the second signal */
    uint64_t pending_bytes;                        /* of all that were cut */
    weir_server_cut cuts[WEIR_SERVER_CUTS_LISTED]; /* the first ones, as many as `cut` says */
} weir_server_report;

/* Listening when it returns WEIR_OK. Borrows: options. `*out` Gives a server for weir_server_free, NULL on
 * failure. A NULL options->loops fails with WEIR_E_NO_MEMORY: the result of a failed weir_loop_group_new.
 * It listens on all of its addresses or, on failure, on none.
 * Fails: -EADDRINUSE, -EACCES, -EADDRNOTAVAIL, WEIR_E_RESOLVE, WEIR_E_INVALID, WEIR_E_NO_MEMORY.
 * Not from a loop of the group. */
WEIR_API weir_status weir_server_start(weir_server **out, const weir_server_options *options);

/* Begins a graceful stop and returns at once. Again: nothing. Borrows: server. Also from a loop or a signal
 * handler of weir's, not from a raw one. */
WEIR_API void weir_server_stop(weir_server *server);

/* Accepts no more until weir_server_resume; who calls waits in the backlog, what is open is served on. A
 * connection that is being accepted at this moment may still come. Borrows: server. */
WEIR_API void weir_server_pause(weir_server *server);
WEIR_API void weir_server_resume(weir_server *server);

/* Blocks until it was stopped and its last connection is gone. Answers WEIR_OK, or WEIR_E_TIMEOUT when
 * connections had to be cut. Borrows: server. Not from a loop of the group (checked). */
WEIR_API weir_status weir_server_wait(weir_server *server);

/* The same for `timeout_ms` at most. Answers whether it is over; then weir_server_wait answers at once.
 * Borrows: server. Not from a loop of the group (checked). */
WEIR_API bool weir_server_wait_for(weir_server *server, unsigned timeout_ms);

/* What was open when the stop began and what became of it: all zero before, complete after weir_server_wait.
 * Borrows: server. */
WEIR_API void weir_server_get_report(weir_server *server, weir_server_report *out);

/* Takes: server, or NULL. Stops it, waits, frees it. Not from a loop of the group. */
WEIR_API void weir_server_free(weir_server *server);

/* Where it listens, with the port that was picked: the first of its addresses. Then come
 * those of the options in their order; NULL beyond the last. Borrows: server, and the answer for its life. */
WEIR_API const weir_addr *weir_server_addr(const weir_server *server);
WEIR_API const weir_addr *weir_server_addr_at(const weir_server *server, size_t i);

/* Copies of the descriptors it listens on, for a process that takes over: it gets them as listen_fds.h says, and when it
 * serves, this one stops. As the sockets are the same ones, who waits in their backlogs goes along: nobody is refused or
 * reset. The files of its unix sockets stay when it stops; its names in this process (local.h) are not among them.
 * Borrows: server. Gives: `*count` descriptors, close-on-exec. Fails, and gives none: WEIR_E_LIMIT when there are more
 * than `room`, WEIR_E_STOPPED once it has begun to stop, -EMFILE. */
WEIR_API weir_status weir_server_listen_fds(weir_server *server, int *fds, size_t room, size_t *count);

/* Sums over its loops; a moment's truth. Borrows: server. */
WEIR_API void weir_server_get_stats(const weir_server *server, weir_server_stats *out);

WEIR_END_DECLS

#endif
