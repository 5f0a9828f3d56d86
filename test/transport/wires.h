/* wires.h - the same channel over different wires, with the far end in the test's hands.
 *
 *     embedded     weir_embedded                             far end: feed and take
 *     local        one end of a weir_local_pair              far end: the other, on the same loop
 *     local_hop      "                                         "     , on another loop
 *     accepted     a connection of a weir_server             far end: a plain socket of the test
 *     connected    weir_client_connect to a plain listener     "
 *     accepted_v6  as accepted, on ::1                         "
 *     accepted_unix  as accepted, on a unix name               "
 *     adopted      one end of a socketpair                   far end: the other
 *
 * The channel lives on its loop; the test looks at what belongs to it through wire_do and wire_until, which
 * run there. All waiting is bounded.
 */
#ifndef WEIR_TEST_WIRES_H
#define WEIR_TEST_WIRES_H

#include <stdatomic.h>

#include <weir/transport.h>

#include "far_local.h"

typedef enum wire_kind {
    WIRE_EMBEDDED,
    WIRE_LOCAL,
    WIRE_LOCAL_HOP,
    WIRE_ACCEPTED, /* from here on: sockets */
    WIRE_CONNECTED,
    WIRE_ACCEPTED_V6,
    WIRE_ACCEPTED_UNIX,
    WIRE_ADOPTED,
    WIRE_KINDS,
} wire_kind;

/* Where wires differ; what is not here holds for all. */
typedef struct wire_traits {
    const char *name;
    bool by_hand;    /* it moves when the test calls, so there is nothing to wait for */
    bool any_object; /* it carries whatever is counted; else bufs and regions */
    bool is_socket;  /* what is sent is counted in system calls */
    bool is_asked;   /* it sends when the far end, another thread, has asked for more */
    bool has_reset;  /* an abort looks different from an orderly end: unix sockets know no RST (unix(7)) */
} wire_traits;

extern const wire_traits wire_traits_of[WIRE_KINDS];

/* Whether this machine has it: without IPv6 there is no accepted_v6. */
bool wire_is_here(wire_kind kind);

#define FOR_EACH_WIRE(kind)                                                                                  \
    for (wire_kind kind = 0; kind < WIRE_KINDS; kind++)                                                      \
        if (wire_is_here(kind))

/* Those that are sockets. */
#define FOR_EACH_SOCKET(kind)                                                                                \
    for (wire_kind kind = WIRE_ACCEPTED; kind < WIRE_KINDS; kind++)                                          \
        if (wire_is_here(kind))

typedef struct wire_end {
    wire_kind kind;
    weir_loop *loop;
    _Atomic(weir_channel *) channel; /* held */
    weir_embedded *embedded;
    weir_loop_group *group;
    weir_server *server;
    weir_build_fn *build;
    void *arg;
    int far;          /* the far socket, or -1 */
    far_local *local; /* the far end of a local wire, or NULL */
    bool far_ended, far_broken;
} wire_end;

/* An active channel. `build` may be NULL. */
void wire_open(wire_end *self, wire_kind kind, const weir_channel_options *options, weir_build_fn *build,
               void *arg);

/* Ends the channel if it is open, waits until it is gone, and frees everything. */
void wire_shut(wire_end *self);

/* The second half of that: for a channel that is gone, and `channel` released. */
void wire_free(wire_end *self);

/* wire_shut in the other order, for wires without a server: the loops are stopped and freed under the open channel. */
void wire_stop_loops(wire_end *self);

/* fn(arg) on the channel's loop; returns when that has run. */
void wire_do(wire_end *self, void (*fn)(void *arg), void *arg);

/* What fn(arg) answers there now. */
bool wire_ask(wire_end *self, bool (*fn)(void *arg), void *arg);

/* True as soon as fn(arg), asked on the loop, is; false after ten seconds. */
bool wire_until(wire_end *self, bool (*fn)(void *arg), void *arg);

/* The channel is gone: inactive was told, and it is off its loop. */
bool wire_until_gone(wire_end *self);

/* Writes from the test's thread; the promise (may be NULL) is taken. */
void wire_write(wire_end *self, void *msg, weir_promise *promise);

/* ---- the far end ---- */

void far_send(wire_end *self, const void *bytes, size_t n);
void far_finish(wire_end *self); /* FIN */
void far_reset(wire_end *self);  /* RST */

/* False: the far end takes nothing. A socket of ours that is not read takes a few megabytes all the same. */
void far_take(wire_end *self, bool takes);

/* Reads exactly n bytes into dst, or as many as come before the end or within ten seconds: how many. */
size_t far_receive(wire_end *self, void *dst, size_t n);

/* After all bytes were received: the stream has ended, in an orderly way or by an abort (which on a wire that has
 * no reset is any end). */
bool far_sees_end(wire_end *self);
bool far_sees_reset(wire_end *self);

/* ---- sockets of the test's own ---- */

/* A blocking socket connected to this port of the loopback; -1 on failure. Calls wait ten seconds at most. */
int plain_connect(unsigned port);
int plain_connect_to(const weir_addr *addr);

/* One that listens, on a port the system picks. */
int plain_listen(unsigned *port, int backlog);

void plain_reset(int fd);

void wait_ms(long ms);

#endif
