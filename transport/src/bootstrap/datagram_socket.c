/* datagram_socket.c - a UDP socket from options: what the system refuses is told, nothing is half applied. */
#include "bootstrap/datagram_socket.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <unistd.h>

#include <weir/core/log.h>

#include "bootstrap/net.h"

#define DEFAULT_MAX_SIZE 2048
#define DEFAULT_BATCH 16
#define MOST_BATCH 64
/* Not in every libc's headers: a socket hears of IPv6 groups it is no member of itself. */
#define MULTICAST_ALL_V6 29

/* ---- addresses ---- */

static bool is_v6(const weir_addr *addr) {
    return addr->as.sa.sa_family == AF_INET6;
}

bool datagram_addr_is_multicast(const weir_addr *addr) {
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    if (addr->len == 0) return false;
    if (is_v6(addr)) {
        memcpy(&in6, addr->as.room, sizeof in6);
        return IN6_IS_ADDR_MULTICAST(&in6.sin6_addr);
    }
    memcpy(&in, addr->as.room, sizeof in);
    return in.sin_family == AF_INET && IN_MULTICAST(ntohl(in.sin_addr.s_addr));
}

static weir_status parse_interface(unsigned *out, const char *text) {
    uint64_t index;
    *out = 0;
    if (text == NULL) return WEIR_OK;
    if (weir_bytes_to_u64(weir_bytes_str(text), &index)) {
        *out = (unsigned)index;
        return index > 0 && index <= INT32_MAX ? WEIR_OK : WEIR_E_INVALID;
    }
    *out = if_nametoindex(text);
    return *out != 0 ? WEIR_OK : -ENODEV;
}

weir_status datagram_membership_parse(datagram_membership *out, const weir_multicast *membership) {
    out->source.len = 0;
    if (membership->group == NULL) return WEIR_E_INVALID;
    weir_status status = weir_addr_parse(&out->group, membership->group, 0);
    if (status == WEIR_OK && membership->source != NULL)
        status = weir_addr_parse(&out->source, membership->source, 0);
    if (status == WEIR_OK) status = parse_interface(&out->interface, membership->interface);
    if (status != WEIR_OK) return status;
    bool fits = out->source.len == 0 || out->source.as.sa.sa_family == out->group.as.sa.sa_family;
    return fits && datagram_addr_is_multicast(&out->group) ? WEIR_OK : WEIR_E_INVALID;
}

weir_status datagram_membership_change(int fd, const datagram_membership *membership, bool join) {
    int level = is_v6(&membership->group) ? IPPROTO_IPV6 : IPPROTO_IP;
    struct group_source_req with_source = {.gsr_interface = membership->interface};
    struct group_req plain = {.gr_interface = membership->interface};
    int failed;
    if (membership->source.len != 0) {
        memcpy(&with_source.gsr_group, membership->group.as.room, membership->group.len);
        memcpy(&with_source.gsr_source, membership->source.as.room, membership->source.len);
        failed = setsockopt(fd, level, join ? MCAST_JOIN_SOURCE_GROUP : MCAST_LEAVE_SOURCE_GROUP,
                            &with_source, sizeof with_source);
    } else {
        memcpy(&plain.gr_group, membership->group.as.room, membership->group.len);
        failed = setsockopt(fd, level, join ? MCAST_JOIN_GROUP : MCAST_LEAVE_GROUP, &plain, sizeof plain);
    }
    return failed == 0 ? WEIR_OK : weir_status_from_errno(errno);
}

/* ---- the plan ---- */

static bool copy_host(char room[DATAGRAM_LONGEST_HOST], const char *host) {
    size_t len = host != NULL ? strlen(host) : 0;
    if (len >= DATAGRAM_LONGEST_HOST) return false;
    memcpy(room, host != NULL ? host : "", len + 1);
    return true;
}

static bool makes_sense(const weir_datagram_options *options) {
    bool connects = options->remote_host != NULL;
    return options->loop != NULL && options->port <= UINT16_MAX && options->remote_port <= UINT16_MAX &&
           connects == (options->remote_port != 0) && options->max_size <= WEIR_DATAGRAM_MAX &&
           options->batch <= MOST_BATCH && options->ttl <= 255 && options->multicast_ttl <= 255 &&
           options->join_count <= DATAGRAM_MOST_JOINS;
}

static weir_status fill(datagram_plan *plan, const weir_datagram_options *options) {
    if (!makes_sense(options)) return WEIR_E_INVALID;
    if (!copy_host(plan->host, options->host) || !copy_host(plan->remote_host, options->remote_host))
        return WEIR_E_INVALID;
    weir_status status = parse_interface(&plan->multicast_interface, options->multicast_interface);
    for (size_t i = 0; status == WEIR_OK && i < options->join_count; i++) {
        status = datagram_membership_parse(&plan->joins[i], &options->join[i]);
    }
    return status;
}

weir_status datagram_plan_init(datagram_plan *plan, const weir_datagram_options *options,
                               datagram_membership *room) {
    plan->options = *options;
    plan->joins = room;
    if (plan->options.max_size == 0) plan->options.max_size = DEFAULT_MAX_SIZE;
    if (plan->options.batch == 0) plan->options.batch = DEFAULT_BATCH;
    weir_status status = fill(plan, options);
    if (status != WEIR_OK) {
        weir_log(
            WEIR_LOG_ERROR, "datagram",
            "options: a loop is needed, remote_host goes with remote_port, ports end at 65535, max_size at "
            "%d, batch at %d, join_count at %d, ttl at 255, and multicast names a group, sources of its "
            "family and an interface: %s",
            WEIR_DATAGRAM_MAX, MOST_BATCH, DATAGRAM_MOST_JOINS, weir_status_text(status));
    }
    return status;
}

const char *datagram_plan_host(const datagram_plan *plan) {
    if (plan->host[0] != '\0') return plan->host;
    return plan->remote.len != 0 && is_v6(&plan->remote) ? "::" : "0.0.0.0";
}

bool datagram_plan_is_numeric(datagram_plan *plan) {
    const weir_datagram_options *options = &plan->options;
    if (plan->remote_host[0] != '\0' &&
        weir_addr_parse(&plan->remote, plan->remote_host, options->remote_port) != WEIR_OK)
        return false;
    return weir_addr_parse(&plan->local, datagram_plan_host(plan), options->port) == WEIR_OK;
}

/* ---- the socket ---- */

typedef struct socket_option {
    bool wanted;
    int level, name, value;
    bool optional; /* an old kernel may not know it */
} socket_option;

static weir_status set_all(int fd, const socket_option *options, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const socket_option *at = &options[i];
        if (!at->wanted || setsockopt(fd, at->level, at->name, &at->value, sizeof at->value) == 0) continue;
        if (!at->optional) return weir_status_from_errno(errno);
    }
    return WEIR_OK;
}

/* An IPv6 socket that hears IPv4 too has both sets of options. */
static weir_status configure(int fd, const datagram_plan *plan) {
    const weir_datagram_options *o = &plan->options;
    bool v6 = is_v6(&plan->local), v4 = !v6 || !o->v6_only;
    int tos = o->channel.type_of_service;
    const socket_option options[] = {
        {o->reuse_address, SOL_SOCKET, SO_REUSEADDR, 1, false},
        {o->reuse_port, SOL_SOCKET, SO_REUSEPORT, 1, false},
        {o->broadcast, SOL_SOCKET, SO_BROADCAST, 1, false},
        {v6, IPPROTO_IPV6, IPV6_V6ONLY, o->v6_only, false},
        {v6 && o->ttl != 0, IPPROTO_IPV6, IPV6_UNICAST_HOPS, (int)o->ttl, false},
        {v4 && o->ttl != 0, IPPROTO_IP, IP_TTL, (int)o->ttl, false},
        {v6 && tos > 0, IPPROTO_IPV6, IPV6_TCLASS, tos, false},
        {v4 && tos > 0, IPPROTO_IP, IP_TOS, tos, false},
        {v6 && o->dont_fragment, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO, false},
        {v4 && o->dont_fragment, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO, false},
        {v6 && o->local_addr, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, false},
        {!v6 && o->local_addr, IPPROTO_IP, IP_PKTINFO, 1, false},
        {v6 && o->ecn, IPPROTO_IPV6, IPV6_RECVTCLASS, 1, false},
        {v4 && o->ecn, IPPROTO_IP, IP_RECVTOS, 1, false},
        {v6, IPPROTO_IPV6, MULTICAST_ALL_V6, 0, true},
        {v4, IPPROTO_IP, IP_MULTICAST_ALL, 0, true},
        {v6 && o->multicast_ttl != 0, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, (int)o->multicast_ttl, false},
        {v4 && o->multicast_ttl != 0, IPPROTO_IP, IP_MULTICAST_TTL, (int)o->multicast_ttl, false},
        {v6 && o->multicast_no_loop, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0, false},
        {v4 && o->multicast_no_loop, IPPROTO_IP, IP_MULTICAST_LOOP, 0, false},
        {v6 && plan->multicast_interface != 0, IPPROTO_IPV6, IPV6_MULTICAST_IF,
         (int)plan->multicast_interface, false},
    };
    weir_status status = set_all(fd, options, sizeof options / sizeof *options);
    if (status != WEIR_OK || !v4 || plan->multicast_interface == 0) return status;
    struct ip_mreqn leave_by = {.imr_ifindex = (int)plan->multicast_interface};
    return setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &leave_by, sizeof leave_by) == 0
               ? WEIR_OK
               : weir_status_from_errno(errno);
}

static weir_status attach_addresses(int fd, const datagram_plan *plan) {
    if (bind(fd, &plan->local.as.sa, plan->local.len) != 0) return weir_status_from_errno(errno);
    weir_status status = WEIR_OK;
    for (size_t i = 0; status == WEIR_OK && i < plan->options.join_count; i++) {
        status = datagram_membership_change(fd, &plan->joins[i], true);
    }
    if (status != WEIR_OK || plan->remote.len == 0) return status;
    return connect(fd, &plan->remote.as.sa, plan->remote.len) == 0 ? WEIR_OK : weir_status_from_errno(errno);
}

weir_status datagram_socket_open(int *out, const datagram_plan *plan, bool *gro) {
    int on = 1;
    if (plan->local.as.sa.sa_family == AF_UNIX) return WEIR_E_UNSUPPORTED;
    int fd = socket(plan->local.as.sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return weir_status_from_errno(errno);
    /* As of a unix socket: the buffers and `raw`, nothing of TCP. */
    weir_status status = net_configure(fd, AF_UNIX, NET_NEW, &plan->options.channel);
    if (status == WEIR_OK) status = configure(fd, plan);
    *gro = plan->options.gro && setsockopt(fd, SOL_UDP, UDP_GRO, &on, sizeof on) == 0;
    if (status == WEIR_OK) status = attach_addresses(fd, plan);
    if (status != WEIR_OK) {
        close(fd);
        fd = -1;
    }
    *out = fd;
    return status;
}
