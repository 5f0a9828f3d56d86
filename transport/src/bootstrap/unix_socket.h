/* unix_socket.h - private: a listening unix socket, and the file that stands for it. */
#ifndef WEIR_UNIX_SOCKET_H
#define WEIR_UNIX_SOCKET_H

#include <sys/stat.h>

#include <weir/transport/addr.h>

/* The file that was made; all zero when there is none. */
typedef struct unix_socket_file {
    weir_addr addr;
    dev_t dev;
    ino_t ino;
} unix_socket_file;

bool unix_socket_is(const weir_addr *addr);

/* Listens on `addr`. A socket file there that nobody listens on is replaced. `mode` is the file's, 0: as the umask
 * says. Fails: -EADDRINUSE when someone listens or what is there is no socket, -EACCES, -ENOENT, ... */
weir_status unix_socket_listen(int *fd, unix_socket_file *file, const weir_addr *addr, int backlog,
                               mode_t mode);

/* Removes the file if it is still the one that was made; again: nothing. Call it before the socket is closed, which
 * keeps the number of the file from being used for another. */
void unix_socket_remove(unix_socket_file *file);

#endif
