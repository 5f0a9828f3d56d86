/* net.h - private: what servers and clients ask of the folder that knows sockets, whichever library drives it. */
#ifndef WEIR_NET_H
#define WEIR_NET_H

#include <weir/transport/channel.h>
#include <weir/transport/client.h>

#include "bootstrap/acceptor.h"
#include "channel/channel_internal.h"

/* A channel that will connect as the options say: resolved ones in `resolved_options`. Any thread.
 * Takes: promise. Gives: one reference besides the wire's, or NULL when out of memory or when the loop has stopped;
 * then the promise has failed. */
weir_channel *net_connect(const weir_client_options *options, const weir_channel_options *resolved_options,
                          weir_promise *promise);

/* A channel over `fd`, a non-blocking stream socket connected with `peer`.
 * Takes: fd, also on failure. Borrows: options until the channel is gone. The answer is borrowed: the wire holds
 * the reference. NULL when out of memory. On the loop. */
weir_channel *net_channel_new(weir_loop *loop, int fd, const struct sockaddr *peer,
                              const weir_channel_options *options, channel_owner *owner);

/* Where a socket comes from. */
typedef enum net_origin {
    NET_NEW,       /* it is not connected yet */
    NET_CONNECTED, /* from elsewhere */
    NET_ACCEPTED   /* from a listening socket of ours, which had it inherit something already */
} net_origin;

/* Applies what the options say to a new socket of this family. Failures are logged; that of a required one is
 * answered. */
weir_status net_configure(int fd, int family, net_origin origin, const weir_channel_options *options);

/* An acceptor on a socket. */
typedef struct net_listener net_listener;

/* Takes: fd, a listening socket, also on failure (NULL). On the loop. */
net_listener *net_listener_open(weir_loop *loop, int fd, const acceptor_events *events, void *arg);
void net_listener_resume(net_listener *listener);
/* Takes: listener. `closed` follows. */
void net_listener_close(net_listener *listener);

/* Calls `fn` on the loop at SIGINT or SIGTERM, and with `more` at SIGHUP or SIGUSR2, until closed. NULL when out of
 * memory. On the loop. */
typedef struct net_signals net_signals;
typedef void net_signal_fn(void *arg, int number);
net_signals *net_signals_open(weir_loop *loop, bool more, net_signal_fn *fn, void *arg);
void net_signals_close(net_signals *signals);

#endif
