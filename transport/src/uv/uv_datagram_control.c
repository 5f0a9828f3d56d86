/* uv_datagram_control.c - what goes beside the bytes of a datagram: our own address, ECN, the length of segments. */
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>

#include "uv/uv_datagram.h"

/* ---- in ---- */

static void set_local(weir_datagram *datagram, const void *addr, socklen_t len, unsigned interface) {
    memcpy(datagram->local.as.room, addr, len);
    datagram->local.len = len;
    datagram->interface = interface;
}

static void read_local_v4(weir_datagram *datagram, const void *data) {
    struct in_pktinfo info;
    memcpy(&info, data, sizeof info);
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = info.ipi_addr};
    set_local(datagram, &in, sizeof in, (unsigned)info.ipi_ifindex);
}

static void read_local_v6(weir_datagram *datagram, const void *data) {
    struct in6_pktinfo info;
    memcpy(&info, data, sizeof info);
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = info.ipi6_addr};
    if (IN6_IS_ADDR_LINKLOCAL(&in6.sin6_addr)) in6.sin6_scope_id = info.ipi6_ifindex;
    set_local(datagram, &in6, sizeof in6, info.ipi6_ifindex);
}

size_t uv_datagram_read_control(weir_datagram *datagram, struct msghdr *header) {
    int segment = 0;
    for (struct cmsghdr *at = CMSG_FIRSTHDR(header); at != NULL; at = CMSG_NXTHDR(header, at)) {
        const unsigned char *data = CMSG_DATA(at);
        if (at->cmsg_level == SOL_UDP && at->cmsg_type == UDP_GRO) {
            memcpy(&segment, data, sizeof segment);
        } else if (at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_PKTINFO) {
            read_local_v4(datagram, data);
        } else if (at->cmsg_level == IPPROTO_IPV6 && at->cmsg_type == IPV6_PKTINFO) {
            read_local_v6(datagram, data);
        } else if (at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_TOS) {
            datagram->ecn = *data & 3;
        } else if (at->cmsg_level == IPPROTO_IPV6 && at->cmsg_type == IPV6_TCLASS) {
            int class;
            memcpy(&class, data, sizeof class);
            datagram->ecn = (uint8_t)(class & 3);
        }
    }
    return segment > 0 ? (size_t)segment : 0;
}

/* ---- out ---- */

static void add_control(struct msghdr *header, int level, int type, const void *data, size_t len) {
    struct cmsghdr *at = (struct cmsghdr *)(void *)((char *)header->msg_control + header->msg_controllen);
    memset(at, 0, CMSG_SPACE(len));
    at->cmsg_level = level;
    at->cmsg_type = type;
    at->cmsg_len = CMSG_LEN(len);
    memcpy(CMSG_DATA(at), data, len);
    header->msg_controllen += CMSG_SPACE(len);
}

static void add_local(struct msghdr *header, const weir_datagram *datagram) {
    bool has_local = datagram->local.len != 0 && !datagram_addr_is_multicast(&datagram->local);
    const weir_addr *like = has_local ? &datagram->local : &datagram->remote;
    unsigned interface = has_local ? 0 : datagram->interface;
    if (!has_local && interface == 0) return;
    if (like->as.sa.sa_family == AF_INET6) {
        struct in6_pktinfo info = {.ipi6_ifindex = interface};
        struct sockaddr_in6 in6;
        memcpy(&in6, like->as.room, sizeof in6);
        if (has_local) info.ipi6_addr = in6.sin6_addr;
        if (has_local) info.ipi6_ifindex = in6.sin6_scope_id;
        add_control(header, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
    } else {
        struct in_pktinfo info = {.ipi_ifindex = (int)interface};
        struct sockaddr_in in;
        memcpy(&in, like->as.room, sizeof in);
        if (has_local) info.ipi_spec_dst = in.sin_addr;
        add_control(header, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
    }
}

/* An IPv6 socket sends to an IPv4 address by the IPv4 rules. */
static bool goes_by_v4(const struct sockaddr *to) {
    struct sockaddr_in6 in6;
    if (to->sa_family != AF_INET6) return true;
    memcpy(&in6, to, sizeof in6);
    return IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr);
}

static void add_ecn(const uv_datagram *self, struct msghdr *header, const weir_datagram *datagram) {
    int class = (self->plan.options.channel.type_of_service & ~3) | (datagram->ecn & 3);
    const struct sockaddr *to =
        datagram->remote.len != 0 ? &datagram->remote.as.sa : &self->uv.channel.remote.sa;
    if (!self->plan.options.ecn || datagram->ecn == 0) return;
    if (goes_by_v4(to)) {
        add_control(header, IPPROTO_IP, IP_TOS, &class, sizeof class);
    } else {
        add_control(header, IPPROTO_IPV6, IPV6_TCLASS, &class, sizeof class);
    }
}

void uv_datagram_add_control(const uv_datagram *self, struct msghdr *header, const weir_datagram *datagram) {
    add_local(header, datagram);
    add_ecn(self, header, datagram);
}

void uv_datagram_add_segment(struct msghdr *header, uint16_t segment) {
    add_control(header, SOL_UDP, UDP_SEGMENT, &segment, sizeof segment);
}
