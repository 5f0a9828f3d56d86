/* channel_addr.c - who is at the two ends: the peer is noted when it connects, our end is asked for.
 *
 * A unix name would be longer than all the rest that an idle channel holds of its addresses, so only the family of
 * it is noted, and the name asked for.
 */
#include <string.h>

#include "channel/channel_internal.h"

static bool is_short(const struct sockaddr *addr) {
    return addr->sa_family == AF_INET || addr->sa_family == AF_INET6;
}

static socklen_t short_length(const struct sockaddr *addr) {
    return addr->sa_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
}

void channel_note_remote(weir_channel *channel, const struct sockaddr *peer) {
    if (is_short(peer)) memcpy(&channel->remote, peer, short_length(peer));
    if (peer->sa_family == AF_UNIX) channel->remote.sa.sa_family = AF_UNIX;
}

void weir_channel_remote_addr(const weir_channel *channel, weir_addr *out) {
    *out = (weir_addr){0};
    if (channel_is_unix(channel)) {
        socklen_t len = sizeof out->as;
        out->as.sa.sa_family = AF_UNIX;
        out->len = getpeername(weir_channel_fd(channel), &out->as.sa, &len) == 0 ? len : sizeof(sa_family_t);
        return;
    }
    if (!is_short(&channel->remote.sa)) return;
    out->len = short_length(&channel->remote.sa);
    memcpy(out->as.room, &channel->remote, out->len);
}

void weir_channel_local_addr(const weir_channel *channel, weir_addr *out) {
    socklen_t len = sizeof out->as;
    *out = (weir_addr){0};
    if (getsockname(weir_channel_fd(channel), &out->as.sa, &len) == 0) out->len = len;
}
