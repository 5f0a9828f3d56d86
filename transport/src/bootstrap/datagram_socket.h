/* datagram_socket.h - private: what a datagram socket shall be, as values, and the socket made of it. */
#ifndef WEIR_DATAGRAM_SOCKET_H
#define WEIR_DATAGRAM_SOCKET_H

#include <weir/transport/datagram.h>

#define DATAGRAM_LONGEST_HOST 256
#define DATAGRAM_MOST_JOINS 16

/* weir_multicast, understood. */
typedef struct datagram_membership {
    weir_addr group, source; /* source.len 0: any */
    unsigned interface;      /* 0: the system's choice */
} datagram_membership;

/* The options with everything that was borrowed copied. */
typedef struct datagram_plan {
    weir_datagram_options
        options; /* defaults are in; its pointers, but for loop and build, are not for use */
    char host[DATAGRAM_LONGEST_HOST], remote_host[DATAGRAM_LONGEST_HOST]; /* "": none */
    weir_addr local, remote;                                              /* once resolved */
    unsigned multicast_interface;
    datagram_membership *joins; /* room for options.join_count of them, the maker's */
} datagram_plan;

/* Fails: WEIR_E_INVALID, -ENODEV for an interface that is not there; logged. Any thread. */
weir_status datagram_plan_init(datagram_plan *plan, const weir_datagram_options *options,
                               datagram_membership *room);

/* True when both hosts are numeric, and then resolved. */
bool datagram_plan_is_numeric(datagram_plan *plan);

/* Our own end, or any address of the peer's family; so the peer is resolved first. */
const char *datagram_plan_host(const datagram_plan *plan);

/* A bound, perhaps connected, non-blocking socket; *gro: runs will arrive as one. */
weir_status datagram_socket_open(int *out, const datagram_plan *plan, bool *gro);

weir_status datagram_membership_parse(datagram_membership *out, const weir_multicast *membership);
weir_status datagram_membership_change(int fd, const datagram_membership *membership, bool join);

bool datagram_addr_is_multicast(const weir_addr *addr);

#endif
