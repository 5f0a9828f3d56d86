/* socket_info.c - questions to the kernel. The header of libc knows less of TCP_INFO than that of the kernel, and the
 * two cannot be included together. */
#include <weir/transport/socket_info.h>

#include <errno.h>
#include <linux/tcp.h>
#include <sys/socket.h>

#include "channel/channel_internal.h"

/* The socket, or why there is none of that kind. */
static weir_status socket_of(const weir_channel *channel, const char *function, bool is_unix, int *fd) {
    loop_check_current(channel->loop, function);
    if (!channel_is_open(channel)) return WEIR_E_CLOSED;
    *fd = weir_channel_fd(channel);
    return *fd >= 0 && channel_is_unix(channel) == is_unix ? WEIR_OK : (weir_status)WEIR_E_UNSUPPORTED;
}

weir_status weir_channel_peer_credentials(const weir_channel *channel, weir_peer_credentials *out) {
    struct ucred peer;
    socklen_t len = sizeof peer;
    int fd;
    *out = (weir_peer_credentials){0};
    weir_status status = socket_of(channel, __func__, true, &fd);
    if (status != WEIR_OK) return status;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0) return weir_status_from_errno(errno);
    *out = (weir_peer_credentials){.pid = peer.pid, .uid = peer.uid, .gid = peer.gid};
    return WEIR_OK;
}

weir_status weir_channel_tcp_info(const weir_channel *channel, weir_tcp_info *out) {
    struct tcp_info info = {0};
    socklen_t len = sizeof info;
    int fd;
    *out = (weir_tcp_info){0};
    weir_status status = socket_of(channel, __func__, false, &fd);
    if (status != WEIR_OK) return status;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0) return weir_status_from_errno(errno);
    *out = (weir_tcp_info){
        .rtt_us = info.tcpi_rtt,
        .rtt_variance_us = info.tcpi_rttvar,
        .congestion_window = info.tcpi_snd_cwnd,
        .segment_size = info.tcpi_snd_mss,
        .unacked_segments = info.tcpi_unacked,
        .unsent_bytes = info.tcpi_notsent_bytes,
        .retransmits = info.tcpi_total_retrans,
        .delivery_rate = info.tcpi_delivery_rate,
        .bytes_acked = info.tcpi_bytes_acked,
        .bytes_received = info.tcpi_bytes_received,
    };
    return WEIR_OK;
}
