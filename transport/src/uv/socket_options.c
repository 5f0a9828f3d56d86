/* socket_options.c - what the options say about a socket, told to the kernel. */
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <weir/core/log.h>

#include "bootstrap/net.h"

static void set_option(int fd, int level, int name, int value, const char *text) {
    if (setsockopt(fd, level, name, &value, sizeof value) != 0) {
        weir_log(WEIR_LOG_WARN, "channel", "setsockopt %s: %s", text, weir_status_text(-errno));
    }
}

weir_status net_configure(int fd, int family, const weir_channel_options *options) {
    if (!options->delay && family != AF_UNIX) set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1, "TCP_NODELAY");
    if (options->keep_alive) set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1, "SO_KEEPALIVE");
    if (options->send_buffer > 0) set_option(fd, SOL_SOCKET, SO_SNDBUF, options->send_buffer, "SO_SNDBUF");
    if (options->receive_buffer > 0)
        set_option(fd, SOL_SOCKET, SO_RCVBUF, options->receive_buffer, "SO_RCVBUF");
    return WEIR_OK;
}
