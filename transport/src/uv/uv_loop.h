/* uv_loop.h - private: what the rest of the transport asks of the uv folder, without uv.h. */
#ifndef WEIR_UV_LOOP_H
#define WEIR_UV_LOOP_H

#include <weir/transport/channel.h>
#include <weir/transport/client.h>

#include "channel/channel_internal.h"

/* A channel that will connect as the options say: resolved ones in `resolved`. Any thread.
 * Takes: promise. Gives: one reference besides the wire's, or NULL when out of memory or when the loop has stopped;
 * then the promise has failed. */
weir_channel *uv_connect(const weir_client_options *options, const weir_channel_options *resolved,
                         weir_promise *promise);

/* A channel over `fd`, a connected non-blocking stream socket.
 * Takes: fd, also on failure. Borrows: options until the channel is gone. The answer is borrowed: the wire holds
 * the reference. NULL when out of memory. On the loop. */
weir_channel *uv_channel_new(weir_loop *loop, int fd, const weir_channel_options *options, channel_owner *owner);

/* Applies the socket options; failures are logged, not fatal. */
void uv_socket_configure(int fd, const weir_channel_options *options);

/* Someone listening: calls `accepted` with each new descriptor, which it takes. */
typedef struct uv_listener uv_listener;
typedef struct uv_listener_events {
    void (*accepted)(void *arg, int fd);
    void (*accept_failed)(void *arg, weir_status status);
    void (*closed)(void *arg); /* the last call */
} uv_listener_events;

/* Takes: fd, a listening socket, also on failure (NULL). On the loop. */
uv_listener *uv_listener_open(weir_loop *loop, int fd, const uv_listener_events *events, void *arg);
/* Takes: listener. `closed` follows. */
void uv_listener_close(uv_listener *listener);

/* Calls `fn(arg)` on the loop at SIGINT or SIGTERM, until closed. NULL when out of memory. On the loop. */
typedef struct uv_signals uv_signals;
uv_signals *uv_signals_open(weir_loop *loop, void (*fn)(void *arg), void *arg);
void uv_signals_close(uv_signals *signals);

#endif
