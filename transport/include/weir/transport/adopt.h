/* <weir/transport/adopt.h> - a connected socket from elsewhere becomes a channel.
 *
 * One that was inherited, came from another program over a unix socket, is one end of a socketpair, or was connected
 * by means that weir does not have.
 *
 * Connected stream sockets only: TCP and unix. Pipes, terminals and files are not sockets and are refused, as are
 * datagram and listening sockets.
 *
 * Layer: transport. Needs loop.h, channel_options.h. Any thread.
 */
#ifndef WEIR_TRANSPORT_ADOPT_H
#define WEIR_TRANSPORT_ADOPT_H

#include <weir/transport/channel_options.h>
#include <weir/transport/loop.h>
#include <weir/transport/pipeline.h>

WEIR_BEGIN_DECLS

/* Makes `fd` a channel on `loop`, active soon; it may be written to at once. On the loop `build` fills the pipeline,
 * then `promise` completes with WEIR_OK, then `active` is fired. O_NONBLOCK is set, which others that share the
 * socket (through dup, fork or a unix socket) see too, and CLOEXEC.
 * Takes: fd, also on failure; promise, or NULL. Borrows: loop for the channel's life; options, which may be NULL, for
 * the call; build_arg until the channel is gone. Gives: a channel to release, or NULL; then the promise has failed with
 * the cause and a line is logged: -EBADF, WEIR_E_UNSUPPORTED (no socket, or not a stream), -ENOTCONN, WEIR_E_INVALID
 * (it listens, or the options contradict each other), WEIR_E_NO_MEMORY, WEIR_E_STOPPED.
 * What fails later is told as by weir_client_connect. */
WEIR_API weir_channel *weir_channel_adopt(weir_loop *loop, int fd, const weir_channel_options *options,
                                          weir_build_fn *build, void *build_arg, weir_promise *promise);

WEIR_END_DECLS

#endif
