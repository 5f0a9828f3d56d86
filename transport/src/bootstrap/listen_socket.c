/* listen_socket.c - SO_REUSEPORT without its silence.
 *
 * With that option a second server of the same user may bind a port that is taken, and would take half of the
 * connections. So the address is bound once without the option first: this fails as one expects.
 */
#include "bootstrap/listen_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include <weir/core/log.h>

static weir_status fail_with_errno(int *fd) {
    weir_status status = weir_status_from_errno(errno);
    if (*fd >= 0) close(*fd);
    *fd = -1;
    return status;
}

/* ---- options ---- */

static bool set(int fd, int level, int name, const void *value, socklen_t length, const char *text) {
    if (setsockopt(fd, level, name, value, length) == 0) return true;
    int err = errno; /* which the log may change */
    weir_log(WEIR_LOG_ERROR, "server", "%s of a listening socket: %s", text,
             weir_status_text(weir_status_from_errno(err)));
    errno = err;
    return false;
}

static bool set_int(int fd, int level, int name, int value, const char *text) {
    return set(fd, level, name, &value, sizeof value, text);
}

static bool set_raw(int fd, const weir_listen_options *options) {
    for (size_t i = 0; i < options->raw_count; i++) {
        const weir_socket_option *raw = &options->raw[i];
        if (!set(fd, raw->level, raw->name, raw->value, raw->length, "an option") && raw->required)
            return false;
    }
    return true;
}

static bool set_before_bind(int fd, int family, bool share, const weir_listen_options *options) {
    const char *device = options->device;
    return (options->no_reuse || set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR")) &&
           (!share || set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT")) &&
           (family != AF_INET6 || set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, options->v6_only, "IPV6_V6ONLY")) &&
           (device == NULL ||
            set(fd, SOL_SOCKET, SO_BINDTODEVICE, device, (socklen_t)strlen(device), "SO_BINDTODEVICE")) &&
           set_raw(fd, options);
}

/* An accepted socket has TCP_NODELAY from the one that listens: a system call less for each. */
static bool set_before_listen(int fd, bool no_delay, const weir_listen_options *options) {
    return set_int(fd, IPPROTO_TCP, TCP_NODELAY, no_delay, "TCP_NODELAY") &&
           (options->fast_open == 0 ||
            set_int(fd, IPPROTO_TCP, TCP_FASTOPEN, options->fast_open, "TCP_FASTOPEN")) &&
           (options->defer_s == 0 ||
            set_int(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, options->defer_s, "TCP_DEFER_ACCEPT"));
}

/* ---- opening ---- */

static bool note_address(int fd, weir_addr *addr) {
    addr->len = sizeof addr->as;
    return getsockname(fd, &addr->as.sa, &addr->len) == 0;
}

/* Bound, and the port it got noted in `addr`. */
static weir_status bind_socket(int *fd, weir_addr *addr, bool share, const weir_listen_options *options) {
    int family = addr->as.sa.sa_family;
    *fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (*fd >= 0 && set_before_bind(*fd, family, share, options) && bind(*fd, &addr->as.sa, addr->len) == 0 &&
        note_address(*fd, addr)) {
        return WEIR_OK;
    }
    return fail_with_errno(fd);
}

weir_status listen_socket_claim(weir_addr *addr, const weir_listen_options *options) {
    int probe;
    weir_status status = bind_socket(&probe, addr, false, options);
    if (status == WEIR_OK) close(probe);
    return status;
}

weir_status listen_socket_open(int *fd, weir_addr *addr, bool share, bool no_delay,
                               const weir_listen_options *options) {
    weir_status status = bind_socket(fd, addr, share, options);
    if (status != WEIR_OK) return status;
    if (set_before_listen(*fd, no_delay, options) && listen(*fd, options->backlog) == 0) return WEIR_OK;
    return fail_with_errno(fd);
}

/* ---- made elsewhere ---- */

static int option_of(int fd, int name) {
    int value = 0;
    socklen_t len = sizeof value;
    return getsockopt(fd, SOL_SOCKET, name, &value, &len) == 0 ? value : -1;
}

weir_status listen_socket_adopt(int fd, weir_addr *addr) {
    int flags = fcntl(fd, F_GETFL);
    weir_status status = flags >= 0 ? WEIR_OK : weir_status_from_errno(errno);
    if (status == WEIR_OK && (option_of(fd, SO_TYPE) != SOCK_STREAM || option_of(fd, SO_ACCEPTCONN) != 1))
        status = WEIR_E_INVALID;
    if (status == WEIR_OK && (fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
                              fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || !note_address(fd, addr))) {
        status = weir_status_from_errno(errno);
    }
    if (status != WEIR_OK) {
        weir_log(WEIR_LOG_ERROR, "server", "descriptor %d is not a listening stream socket: %s", fd,
                 weir_status_text(status));
    }
    return status;
}
