/* <weir/transport/socket_info.h> - what only the kernel knows about a channel's socket.
 *
 * Layer: transport. Needs channel.h. On the channel's loop (checked).
 */
#ifndef WEIR_TRANSPORT_SOCKET_INFO_H
#define WEIR_TRANSPORT_SOCKET_INFO_H

#include <sys/types.h>

#include <weir/transport/channel.h>

WEIR_BEGIN_DECLS

/* The process at the other end, as it was when it connected (or made the socketpair). */
typedef struct weir_peer_credentials {
    pid_t pid; /* 0 when it lives in another pid namespace that is not seen from here */
    uid_t uid;
    gid_t gid;
} weir_peer_credentials;

/* Who is at the other end of a unix socket (SO_PEERCRED, unix(7)). Borrows: channel.
 * Fails: WEIR_E_UNSUPPORTED when it is none, WEIR_E_CLOSED. */
WEIR_API weir_status weir_channel_peer_credentials(const weir_channel *channel, weir_peer_credentials *out);

/* How a TCP connection does, at this moment (TCP_INFO, tcp(7)). */
typedef struct weir_tcp_info {
    uint32_t rtt_us, rtt_variance_us;     /* smoothed round trip */
    uint32_t congestion_window;           /* segments */
    uint32_t segment_size;                /* bytes, of what is sent */
    uint32_t unacked_segments;            /* sent and not acknowledged */
    uint32_t unsent_bytes;                /* taken by the kernel and not sent yet */
    uint32_t retransmits;                 /* segments, since the start */
    uint64_t delivery_rate;               /* bytes a second, of late */
    uint64_t bytes_acked, bytes_received; /* since the start */
} weir_tcp_info;

/* Borrows: channel. What an older kernel does not tell is 0. Fails: WEIR_E_UNSUPPORTED when it is not TCP,
 * WEIR_E_CLOSED. */
WEIR_API weir_status weir_channel_tcp_info(const weir_channel *channel, weir_tcp_info *out);

WEIR_END_DECLS

#endif
