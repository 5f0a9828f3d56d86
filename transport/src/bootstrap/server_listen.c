/* server_listen.c - which sockets a server listens on, and which loop accepts from each.
 *
 * An address that several sockets can share (SO_REUSEPORT) gets one for each loop. Any other socket has a loop
 * to accept on, which hands its connections over to all.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "bootstrap/listen_socket.h"
#include "bootstrap/server_internal.h"

static void add_listener(weir_server *server, int fd, net_origin origin, const unix_socket_file *file,
                         size_t part, bool hands_over) {
    server->listeners[server->listener_count++] =
        (server_listener){.part = &server->parts[part % server->count],
                          .fd = fd,
                          .hands_over = hands_over && server->count > 1,
                          .origin = origin,
                          .turn = part,
                          .file = *file};
}

static bool is_shared(const weir_server *server, const weir_addr *addr) {
    return server->count > 1 && server->options.accept == WEIR_ACCEPT_SHARED && !unix_socket_is(addr);
}

static weir_status open_socket(weir_server *server, weir_addr *addr, bool share, int *fd,
                               unix_socket_file *file) {
    const weir_server_options *options = &server->options;
    if (!unix_socket_is(addr))
        return listen_socket_open(fd, addr, share, !server->channel.delay, &options->listen);
    return unix_socket_listen(fd, file, addr, options->listen.backlog, (mode_t)options->unix_mode);
}

static weir_status open_address(weir_server *server, const char *host, unsigned port) {
    weir_addr *addr = &server->addrs[server->addr_count];
    if (host == NULL) host = "127.0.0.1";
    const char *name = local_name_of(host);
    if (name != NULL) return server->name == NULL ? local_name_claim(&server->name, name) : WEIR_E_INVALID;
    weir_status status = weir_addr_resolve(addr, host, port);
    if (status != WEIR_OK) return status;
    bool share = is_shared(server, addr);
    size_t many = share ? server->count : 1;
    if (share) status = listen_socket_claim(addr, &server->options.listen);
    for (size_t i = 0; i < many && status == WEIR_OK; i++) {
        int fd;
        unix_socket_file file = {0};
        status = open_socket(server, addr, share, &fd, &file);
        if (status == WEIR_OK) add_listener(server, fd, NET_ACCEPTED, &file, server->addr_count + i, !share);
    }
    server->addr_count++;
    return status;
}

/* All are taken over, whatever they are: so that they are closed with the rest. */
static weir_status adopt_all(weir_server *server) {
    weir_status status = WEIR_OK;
    for (size_t i = 0; i < server->options.listen_fd_count; i++) {
        int fd = server->options.listen_fds[i];
        weir_status one = listen_socket_adopt(fd, &server->addrs[server->addr_count]);
        if (one == WEIR_OK) {
            add_listener(server, fd, NET_CONNECTED, &(unix_socket_file){0}, server->addr_count++, true);
        } else {
            if (fd >= 0) close(fd);
            status = one;
        }
    }
    return status;
}

static weir_status open_addresses(weir_server *server) {
    const weir_server_options *options = &server->options;
    weir_status status = WEIR_OK;
    if (options->host != NULL || options->port != 0 || options->address_count == 0)
        status = open_address(server, options->host, options->port);
    for (size_t i = 0; i < options->address_count && status == WEIR_OK; i++) {
        status = open_address(server, options->addresses[i].host, options->addresses[i].port);
    }
    return status;
}

weir_status server_open_sockets(weir_server *server) {
    const weir_server_options *options = &server->options;
    size_t most = 1 + options->address_count + options->listen_fd_count;
    server->addrs = weir_alloc_zeroed(NULL, most, sizeof *server->addrs);
    server->listeners = weir_alloc_zeroed(NULL, most * server->count, sizeof *server->listeners);
    if (server->addrs == NULL || server->listeners == NULL) {
        server_drop_inherited(options);
        return WEIR_E_NO_MEMORY;
    }
    return options->listen_fd_count > 0 ? adopt_all(server) : open_addresses(server);
}

void server_drop_inherited(const weir_server_options *options) {
    for (size_t i = 0; i < options->listen_fd_count; i++) {
        if (options->listen_fds[i] >= 0) close(options->listen_fds[i]);
    }
}

void server_close_sockets(weir_server *server) {
    for (size_t i = 0; i < server->listener_count; i++) {
        server_listener *listener = &server->listeners[i];
        if (!atomic_load(&server->is_shared)) unix_socket_remove(&listener->file);
        if (listener->fd >= 0 && !listener->is_taken) close(listener->fd);
    }
    local_name_free(server->name);
    weir_alloc_release(NULL, server->listeners);
    weir_alloc_release(NULL, server->addrs);
}

/* ---- handing them on ---- */

static weir_status copy_fd(int fd, int *copy) {
    *copy = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (*copy >= 0) return WEIR_OK;
    return fd < 0 ? (weir_status)WEIR_E_STOPPED : weir_status_from_errno(errno);
}

weir_status weir_server_listen_fds(weir_server *server, int *fds, size_t room, size_t *count) {
    weir_status status = server->listener_count > room ? WEIR_E_LIMIT : WEIR_OK;
    size_t copied = 0;
    *count = 0;
    pthread_mutex_lock(&server->lock);
    while (status == WEIR_OK && copied < server->listener_count) {
        status = copy_fd(server->listeners[copied].fd, &fds[copied]);
        if (status == WEIR_OK) copied++;
    }
    if (status == WEIR_OK) atomic_store(&server->is_shared, true);
    pthread_mutex_unlock(&server->lock);
    if (status == WEIR_OK) {
        *count = copied;
    } else {
        while (copied > 0) close(fds[--copied]);
    }
    return status;
}
