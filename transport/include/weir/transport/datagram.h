/* <weir/transport/datagram.h> - UDP: a channel whose messages are datagrams, each with an address.
 *
 *     read:   weir_datagram { remote: from whom, content }       write:   weir_datagram { remote: to whom, content }
 *                                                                         or a bare weir_buf, where connected
 *
 * In short: pipeline, queue, watermarks, cap, promises, close and abort are those of any channel. What is different:
 *   - Each message stands alone. A datagram that cannot be sent fails its own promise, and an `error` that
 *     reaches the tail closes nothing: one bad datagram from anybody must not end a server.
 *   - There is no end of stream: no peer_closed; shutdown only ends our writing.
 *   - A datagram leaves whole or not at all. A region cannot be written (WEIR_E_UNSUPPORTED): read it first.
 *   - Empty datagrams are messages.
 *   - A promise that completes with WEIR_OK says that the kernel took it, no more. UDP may lose, double and reorder.
 *
 * Many go in one system call each way (recvmmsg, sendmmsg). Neighbours of the same size to the same address are
 * handed to the kernel as one message to be cut there (UDP_SEGMENT); with `gro` such runs also arrive as
 * one, and are cut here into slices without a copy. A kernel or device that cannot does without, silently.
 *
 * Layer: transport. Needs channel.h, loop.h, pipeline.h. Linux; IPv4 and IPv6, no
 * unix names (WEIR_E_UNSUPPORTED).
 */
#ifndef WEIR_TRANSPORT_DATAGRAM_H
#define WEIR_TRANSPORT_DATAGRAM_H

#include <weir/buffer/buf.h>
#include <weir/transport/addr.h>
#include <weir/transport/channel.h>
#include <weir/transport/channel_options.h>
#include <weir/transport/loop.h>
#include <weir/transport/pipeline.h>

WEIR_BEGIN_DECLS

/* The most content there is: IPv6 (RFC 768, RFC 8200). IPv4 takes 65 507. */
#define WEIR_DATAGRAM_MAX 65527

/* ---- the message ---- */

/* One datagram. Fields are readable by anyone, and writable by whoever made it until it is written. */
typedef struct weir_datagram {
    weir_obj obj;
    weir_loop *loop;   /* whose memory this is; held */
    weir_buf *content; /* held, never NULL */

    weir_addr remote; /* read: from whom. Written: to whom; len 0: whom the channel is connected to */

    /* With `local_addr`, read: whom it was sent to, and the index of the interface it came in by. Written: our
     * address to send it from, where a multicast group is passed over; without one, the interface it leaves
     * by. len 0 and 0: unknown, or the system's choice. */
    weir_addr local;
    unsigned interface;

    /* written: cut content into datagrams of so many bytes, the last shorter; 0: one */
    uint16_t segment_size;
    uint8_t ecn;    /* with `ecn`: the two bits of RFC 3168, read and written */
    bool truncated; /* read, with `keep_truncated`: the rest was lost */
} weir_datagram;

/* What all datagrams are to weir_obj_is; its size in a queue is its content's. */
WEIR_API extern const weir_obj_type weir_datagram_type;

/* `content` to `remote`, which is copied; NULL: to whom the channel is connected. Datagrams are recycled by their
 * loop, so that steady state allocates none. Borrows: loop, remote. Takes: content (NULL: out of memory).
 * Gives: a datagram, or NULL when out of memory, which a write takes as that. Any thread. */
WEIR_API WEIR_MUST_USE weir_datagram *weir_datagram_new(weir_loop *loop, weir_buf *content,
                                                        const weir_addr *remote);

/* `content` back to where `to` came from, sent from the address that was sent to. Borrows: to. Otherwise as
 * weir_datagram_new. */
WEIR_API WEIR_MUST_USE weir_datagram *weir_datagram_reply(const weir_datagram *to, weir_buf *content);

/* Gives: one more reference; returns its argument, which may be NULL. Any thread. */
static inline weir_datagram *weir_datagram_retain(weir_datagram *datagram) {
    return (weir_datagram *)weir_obj_retain(datagram);
}

/* Takes: datagram, or NULL. Any thread. */
static inline void weir_datagram_release(weir_datagram *datagram) {
    weir_obj_release(datagram);
}

/* `obj` as a datagram when it is one, else NULL. Borrows: obj, and so the answer. */
static inline weir_datagram *weir_datagram_from(weir_obj *obj) {
    return weir_obj_is(obj, &weir_datagram_type) ? (weir_datagram *)(void *)obj : NULL;
}

/* Only the content. Takes: datagram. Gives: its content, for a handler that cares for nothing else. */
WEIR_API weir_buf *weir_datagram_unwrap(weir_datagram *datagram);

/* ---- the channel ---- */

/* Membership of a multicast group (RFC 3678). Borrowed for the call. */
typedef struct weir_multicast {
    const char *group;     /* numeric, "239.1.2.3" or "ff15::1"; needed */
    const char *source;    /* numeric: only what this host sends; NULL: what anyone sends */
    const char *interface; /* name or index, "eth0" or "2"; NULL: the system's choice */
} weir_multicast;

/* Zero means the default, everywhere; what the system refuses fails the opening. */
typedef struct weir_datagram_options {
    weir_loop *loop; /* needed. Borrowed for the channel's life */

    /* Address or name to bind; NULL: any address, of the family of remote_host, else IPv4. "::" hears IPv4 too, as
     * "::ffff:1.2.3.4". Names are resolved as by weir_resolve. Borrowed for the call. */
    const char *host;
    unsigned port; /* to bind; 0: the system picks */

    /* Connect: only this peer is heard, it is where bare bufs go, and its refusals (ICMP) come as an `error`.
     * Borrowed for the call. */
    const char *remote_host;
    unsigned remote_port; /* needed with remote_host */

    weir_build_fn *build; /* fills the pipeline, on the loop; NULL: none */
    void *build_arg;      /* Borrowed until the channel is gone */

    /* Budgets (in system calls), watermarks, cap, manual_read, close_timeout_ms; of the socket send_buffer,
     * receive_buffer, type_of_service and raw. The rest is about streams. */
    weir_channel_options channel;

    /* ---- how many, how long ---- */
    /* Longest content to receive, to WEIR_DATAGRAM_MAX; 2048: more than an Ethernet frame brings, and one block of
     * the pool. */
    size_t max_size;
    unsigned batch;      /* most datagrams in one system call, each way, to 64; 16 */
    bool keep_truncated; /* deliver what fitted of a longer one, marked; else it is dropped and counted */

    /* ---- sharing the address ---- */
    /* SO_REUSEPORT: one channel on each loop may bind the same port, the kernel spreads senders over them. So may any
     * other program of this user: a taken port is no error then. */
    bool reuse_port;
    bool reuse_address; /* SO_REUSEADDR: several receivers of one multicast group */
    bool v6_only;       /* an IPv6 socket hears no IPv4 */

    /* ---- what a datagram carries ---- */
    bool local_addr;    /* fill in local and interface */
    bool ecn;           /* fill in and send ecn */
    bool dont_fragment; /* longer than the path takes: fails with -EMSGSIZE instead of leaving in fragments */
    bool broadcast;     /* may send to broadcast addresses */
    unsigned ttl;       /* hops, 1 to 255; 0: the system's */

    /* ---- offload ---- */
    bool gro;    /* runs of datagrams arrive as one, for fast streams from few senders; bufs of 64 KiB */
    bool no_gso; /* never let the kernel cut */

    /* ---- multicast ---- */
    const weir_multicast *join;      /* groups to be a member of from the start. Borrowed for the call */
    size_t join_count;               /* to 16 */
    const char *multicast_interface; /* name or index that our multicast leaves by. Borrowed for the call */
    unsigned multicast_ttl;          /* 1 to 255; 0: the system's, which is 1 */
    bool multicast_no_loop;          /* members on this host do not hear us */
} weir_datagram_options;

/* Begins to open: resolve, bind, join, connect. The channel may be written to at once. When it is open, `promise`
 * completes with WEIR_OK, then `active` is fired; what it is bound to tells weir_channel_local_addr. When not,
 * promise completes with the cause (-EADDRINUSE, WEIR_E_RESOLVE, ...), or without a promise the cause is an
 * `error` event, and the channel is gone without `inactive`.
 * Borrows: options. Takes: promise, or NULL. Gives: a channel to release, or NULL when out of memory or when
 * the options make no sense; then the promise has failed. Any thread. */
WEIR_API weir_channel *weir_datagram_open(const weir_datagram_options *options, weir_promise *promise);

/* Joins and leaves a group while open; leave with what was joined with. Borrows: both. On the loop only (checked).
 * Fails: WEIR_E_INVALID, WEIR_E_CLOSED, -ENODEV (no such interface), -EADDRNOTAVAIL (not a member), -EADDRINUSE
 * (a member already), -ENOBUFS (too many groups). Requires: a channel of weir_datagram_open. */
WEIR_API weir_status weir_datagram_join(weir_channel *channel, const weir_multicast *membership);
WEIR_API weir_status weir_datagram_leave(weir_channel *channel, const weir_multicast *membership);

/* What has happened on it, beside weir_channel_stats. */
typedef struct weir_datagram_stats {
    uint64_t received, sent;            /* datagrams */
    uint64_t receive_calls, send_calls; /* system calls that moved any */
    uint64_t coalesced;                 /* of received: came in runs, cut here (GRO) */
    uint64_t segmented;                 /* of sent: left in runs, cut by the kernel (GSO) */
    uint64_t gso_refused;               /* runs the kernel would not cut; sent one by one then */
    uint64_t send_failed;               /* refused by the kernel, one promise or error each */
    uint64_t truncated;                 /* longer than max_size */
    uint64_t dropped;                   /* for want of memory here */
    uint64_t overflowed;                /* lost by the kernel: its receive buffer was full */
    bool gro;                           /* the kernel does it */
} weir_datagram_stats;

/* Borrows: channel. On the loop only (checked). Requires: a channel of weir_datagram_open. */
WEIR_API void weir_datagram_get_stats(const weir_channel *channel, weir_datagram_stats *out);

WEIR_END_DECLS

#endif
