/* listen_socket.c - SO_REUSEPORT without its silence.
 *
 * With that option a second server of the same user may bind a port that is taken, and would take half of the
 * connections. So the address is bound once without the option first: this fails as one expects.
 */
#include "bootstrap/listen_socket.h"

#include <errno.h>
#include <unistd.h>

static weir_status bind_socket(int *out, const weir_addr *addr, bool share) {
    int on = 1;
    int fd = socket(addr->as.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    *out = fd;
    if (fd < 0) return weir_status_from_errno(errno);
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        (!share || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0) &&
        bind(fd, &addr->as.sa, addr->len) == 0) {
        return WEIR_OK;
    }
    weir_status status = weir_status_from_errno(errno);
    close(fd);
    *out = -1;
    return status;
}

static weir_status open_one(int *out, const weir_addr *addr, bool share, int backlog) {
    weir_status status = bind_socket(out, addr, share);
    if (status != WEIR_OK) return status;
    if (listen(*out, backlog) == 0) return WEIR_OK;
    status = weir_status_from_errno(errno);
    close(*out);
    *out = -1;
    return status;
}

static weir_status note_port(int fd, weir_addr *addr) {
    socklen_t len = sizeof addr->as;
    if (getsockname(fd, &addr->as.sa, &len) != 0) return weir_status_from_errno(errno);
    addr->len = len;
    return WEIR_OK;
}

/* Is the address free? Also picks the port. */
static weir_status claim_address(weir_addr *addr) {
    int probe;
    weir_status status = bind_socket(&probe, addr, false);
    if (status != WEIR_OK) return status;
    status = note_port(probe, addr);
    close(probe);
    return status;
}

weir_status listen_sockets_open(int *fds, size_t count, weir_addr *addr, int backlog) {
    bool share = count > 1;
    weir_status status = share ? claim_address(addr) : WEIR_OK;
    size_t opened = 0;
    while (status == WEIR_OK && opened < count) {
        status = open_one(&fds[opened], addr, share, backlog);
        if (status == WEIR_OK) opened++;
    }
    if (status == WEIR_OK) status = note_port(fds[0], addr);
    if (status == WEIR_OK) return WEIR_OK;
    for (size_t i = 0; i < opened; i++) close(fds[i]);
    return status;
}
