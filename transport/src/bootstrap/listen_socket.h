/* listen_socket.h - private: listening sockets, of which several may share one address, one for each loop. */
#ifndef WEIR_LISTEN_SOCKET_H
#define WEIR_LISTEN_SOCKET_H

#include <weir/transport/addr.h>
#include <weir/transport/listen_options.h>

/* Tells that an address is taken before sockets share it, and picks the port where `addr` says 0. */
weir_status listen_socket_claim(weir_addr *addr, const weir_listen_options *options);

/* A socket listening on `addr`, whose port 0 is replaced by the one the system picked; with `share` it lets
 * others of this user listen there too. What it accepts inherits `no_delay`. `*fd` is -1 on failure. */
weir_status listen_socket_open(int *fd, weir_addr *addr, bool share, bool no_delay,
                               const weir_listen_options *options);

/* Checks that `fd`, made elsewhere, is a listening stream socket, makes it non-blocking and close-on-exec, and
 * notes its address. Borrows: fd. Fails: WEIR_E_INVALID, -EBADF; a line is logged. */
weir_status listen_socket_adopt(int fd, weir_addr *addr);

#endif
