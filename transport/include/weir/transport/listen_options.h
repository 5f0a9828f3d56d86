/* <weir/transport/listen_options.h> - how listening sockets are made.
 *
 * Zero means the default, everywhere. An option that the system refuses fails the start with its errno, and a
 * line in the log says which. Unix sockets have the backlog only; sockets that were inherited stay as they are.
 *
 * Layer: transport. Needs channel_options.h. A value, any thread.
 */
#ifndef WEIR_TRANSPORT_LISTEN_OPTIONS_H
#define WEIR_TRANSPORT_LISTEN_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/transport/channel_options.h>

WEIR_BEGIN_DECLS

typedef struct weir_listen_options {
    int backlog;        /* connections waiting to be accepted, at most net.core.somaxconn; 511 */
    bool v6_only;       /* false: "::" takes IPv4 too (IPV6_V6ONLY) */
    bool no_reuse;      /* true: SO_REUSEADDR off: a port with old connections in TIME_WAIT is taken */
    int fast_open;      /* TCP_FASTOPEN: so many may wait with data in their SYN; off */
    int defer_s;        /* TCP_DEFER_ACCEPT: accepted when bytes have come, or after so many seconds; off */
    const char *device; /* SO_BINDTODEVICE: from this network interface only, "eth0" */
    const weir_socket_option *raw; /* more, applied before bind */
    size_t raw_count;
} weir_listen_options;

WEIR_END_DECLS

#endif
