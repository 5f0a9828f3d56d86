/* <weir/transport/listen_fds.h> - listening sockets that this process was started with (socket activation).
 *
 * Whoever starts it, systemd for one, leaves them as descriptors from 3 on and says so in the environment
 * (sd_listen_fds(3)):
 *
 *     LISTEN_PID=4711              whom they are meant for
 *     LISTEN_FDS=2                 how many
 *     LISTEN_FDNAMES=web:admin     what they are called; without it all are called "unknown"
 *
 * They go to a server as its `listen_fds`:
 *
 *     int fds[8];
 *     size_t count;
 *     weir_status status = weir_listen_fds("web", fds, 8, &count);
 *     weir_server_start(&server, &(weir_server_options){.listen_fds = fds, .listen_fd_count = count, ...});
 *
 * A server that is given none listens on its host and port: one program runs both ways.
 *
 * Layer: transport. Call it while no other thread changes the environment, which it leaves as it is.
 */
#ifndef WEIR_TRANSPORT_LISTEN_FDS_H
#define WEIR_TRANSPORT_LISTEN_FDS_H

#include <stddef.h>

#include <weir/core/status.h>

WEIR_BEGIN_DECLS

/* Those of this name, or all for NULL, in their order; `*count` is 0 when there are none. Each is checked to be a
 * listening stream socket, and made non-blocking and close-on-exec. Gives: the descriptors; asked for again
 * they are the same ones. Borrows: name.
 * Fails, with a line in the log and nothing given: WEIR_E_INVALID when the environment contradicts itself or one is
 * not a listening stream socket, -EBADF when one is not open, WEIR_E_LIMIT when there are more than `room`. */
WEIR_API weir_status weir_listen_fds(const char *name, int *fds, size_t room, size_t *count);

WEIR_END_DECLS

#endif
