/* listen_socket.c - SO_REUSEPORT without its silence.
 *
 * With that option a second server of the same user may bind a port that is taken, and would take half of the
 * connections. So the address is bound once without the option first: this fails as one expects.
 */
#include "bootstrap/listen_socket.h"

#include <errno.h>
#include <unistd.h>

static weir_status fail_with_errno(int *fd) {
    weir_status status = weir_status_from_errno(errno);
    if (*fd >= 0) close(*fd);
    *fd = -1;
    return status;
}

/* Bound, and the port it got noted in `addr`. */
static weir_status bind_socket(int *fd, weir_addr *addr, bool share) {
    int on = 1;
    socklen_t len = sizeof addr->as;
    *fd = socket(addr->as.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (*fd < 0 || setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        (share && setsockopt(*fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) ||
        bind(*fd, &addr->as.sa, addr->len) != 0 || getsockname(*fd, &addr->as.sa, &len) != 0) {
        return fail_with_errno(fd);
    }
    addr->len = len;
    return WEIR_OK;
}

weir_status listen_socket_claim(weir_addr *addr) {
    int probe;
    weir_status status = bind_socket(&probe, addr, false);
    if (status == WEIR_OK) close(probe);
    return status;
}

weir_status listen_socket_open(int *fd, weir_addr *addr, bool share, int backlog) {
    weir_status status = bind_socket(fd, addr, share);
    if (status != WEIR_OK || listen(*fd, backlog) == 0) return status;
    return fail_with_errno(fd);
}
