/* listen_socket.h - private: listening sockets that share one address, one for each loop. */
#ifndef WEIR_LISTEN_SOCKET_H
#define WEIR_LISTEN_SOCKET_H

#include <weir/transport/addr.h>

/* Opens `count` sockets listening on `addr`, whose port 0 is replaced by the one the system picked.
 * Several share it by SO_REUSEPORT; that an address is taken is still told. On failure none is left open. */
weir_status listen_sockets_open(int *fds, size_t count, weir_addr *addr, int backlog);

#endif
