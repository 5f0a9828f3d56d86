/* server_listen.c - which sockets a server listens on, and which loop accepts from each.
 *
 * An address that several sockets can share (SO_REUSEPORT) gets one for each loop. Any other socket has a loop
 * to accept on, which hands its connections over to all.
 */
#include <unistd.h>

#include <weir/core/log.h>

#include "bootstrap/listen_socket.h"
#include "bootstrap/server_internal.h"

static void add_listener(weir_server *server, int fd, const unix_socket_file *file, size_t part,
                         bool hands_over) {
    server->listeners[server->listener_count++] =
        (server_listener){.part = &server->parts[part % server->count],
                          .fd = fd,
                          .hands_over = hands_over && server->count > 1,
                          .turn = part,
                          .file = *file};
}

static bool is_shared(const weir_server *server, const weir_addr *addr) {
    sa_family_t family = addr->as.sa.sa_family;
    return server->count > 1 && server->options.accept == WEIR_ACCEPT_SHARED &&
           (family == AF_INET || family == AF_INET6);
}

static weir_status open_socket(weir_server *server, weir_addr *addr, bool share, int *fd,
                               unix_socket_file *file) {
    const weir_server_options *options = &server->options;
    if (!unix_socket_is(addr)) return listen_socket_open(fd, addr, share, options->backlog);
    return unix_socket_listen(fd, file, addr, options->backlog, (mode_t)options->unix_mode);
}

static weir_status open_address(weir_server *server, const char *host, unsigned port) {
    weir_addr *addr = &server->addrs[server->addr_count];
    weir_status status = weir_addr_resolve(addr, host, port);
    if (status != WEIR_OK) return status;
    bool share = is_shared(server, addr);
    size_t many = share ? server->count : 1;
    if (share) status = listen_socket_claim(addr);
    for (size_t i = 0; i < many && status == WEIR_OK; i++) {
        int fd;
        unix_socket_file file = {0};
        status = open_socket(server, addr, share, &fd, &file);
        if (status == WEIR_OK) add_listener(server, fd, &file, server->addr_count + i, !share);
    }
    server->addr_count++;
    return status;
}

static bool make_room(weir_server *server, size_t addresses) {
    server->addrs = weir_alloc_zeroed(NULL, addresses, sizeof *server->addrs);
    server->listeners = weir_alloc_zeroed(NULL, addresses * server->count, sizeof *server->listeners);
    return server->addrs != NULL && server->listeners != NULL;
}

weir_status server_open_sockets(weir_server *server) {
    if (!make_room(server, 1)) return WEIR_E_NO_MEMORY;
    return open_address(server, server->options.host, server->options.port);
}

void server_close_sockets(weir_server *server) {
    for (size_t i = 0; i < server->listener_count; i++) {
        unix_socket_remove(&server->listeners[i].file);
        if (server->listeners[i].fd >= 0) close(server->listeners[i].fd);
    }
    weir_alloc_release(NULL, server->listeners);
    weir_alloc_release(NULL, server->addrs);
}
