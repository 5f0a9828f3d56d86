/* <weir/transport/channel_options.h> - how one connection reads, queues and closes.
 *
 * Zero means the default, everywhere; sizes in bytes, times in milliseconds.
 *
 * Layer: transport. A value, any thread.
 */
#ifndef WEIR_TRANSPORT_CHANNEL_OPTIONS_H
#define WEIR_TRANSPORT_CHANNEL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/core/compiler.h>

WEIR_BEGIN_DECLS

/* One for setsockopt that has no name here. */
typedef struct weir_socket_option {
    int level, name;
    const void *value;
    unsigned length; /* of value, in bytes */
    bool required;   /* true: when it fails so does the connection, with that cause; else it is only logged */
} weir_socket_option;

typedef struct weir_channel_options {
    /* ---- reading: the size of a read follows what the last ones brought ---- */
    size_t read_size;           /* the first read's; 2 KiB */
    size_t read_size_min;       /* 64 */
    size_t read_size_max;       /* 64 KiB */
    unsigned reads_per_turn;    /* then others have their turn; 16 */
    unsigned messages_per_turn; /* that a decoder makes of what was read; then others have their turn; 64 */
    bool manual_read;           /* no read without a pull */
    bool read_by_splice;        /* a flood is moved into pipes and read as regions: see region.h */
    size_t read_pipe_size;      /* of such a pipe; 256 KiB */
    /* False: reads pause while too much is queued for writing. True for who writes on without reading the answers: a peer
     * that answers each message pauses as well, and both would wait. */
    bool read_while_unwritable;

    /* ---- writing ---- */
    size_t low_water;         /* writable again below; 32 KiB */
    size_t high_water;        /* unwritable above; 64 KiB */
    size_t write_cap;         /* most memory queued; a write beyond fails with WEIR_E_BACKPRESSURE; 64 MiB */
    unsigned writes_per_turn; /* gathered writes before others have their turn; 16 */
    size_t region_bytes_per_turn; /* file bytes before others have their turn; 2 MiB */
    size_t region_join_max;       /* a region up to this long is read and joined to its neighbours; 16 KiB;
                                      SIZE_MAX: none is */
    bool region_copy;             /* true: never sendfile, always read and write (to compare) */

    /* ---- closing ---- */
    unsigned close_timeout_ms; /* close with bytes queued aborts after this long without progress; 30 000 */

    /* ---- the socket: 0 leaves what the system does, a failure is logged; see tcp(7), socket(7), ip(7).
     *      Of a unix socket: the two buffers, `raw`, receive_fds ---- */
    bool delay;                /* true: TCP_NODELAY off, small writes wait for each other */
    bool keep_alive;           /* SO_KEEPALIVE; any of the next three turns it on */
    int keep_alive_idle_s;     /* TCP_KEEPIDLE: quiet for so long, then the first probe */
    int keep_alive_interval_s; /* TCP_KEEPINTVL: between probes */
    int keep_alive_count;      /* TCP_KEEPCNT: so many without an answer end it */
    int send_buffer;           /* SO_SNDBUF */
    int receive_buffer;        /* SO_RCVBUF */
    int type_of_service;       /* IP_TOS, IPV6_TCLASS; to 255 */
    int unsent_low_water;      /* TCP_NOTSENT_LOWAT: full with so many bytes that were not sent yet */
    int user_timeout_ms;       /* TCP_USER_TIMEOUT: unacknowledged for so long, it ends */
    int quick_ack;             /* TCP_QUICKACK at the start. 1: acknowledge at once, -1: with the answer */
    bool fast_open;       /* TCP_FASTOPEN_CONNECT: the first write goes with the SYN, and is what connects */
    bool reset_on_close;  /* SO_LINGER of 0 s: close resets too, what the peer has not taken is lost */
    unsigned receive_fds; /* descriptors one read may bring, to 253; 0: none is accepted. See fd_message.h */
    /* More, applied last: before it connects or after it was accepted. Borrowed, with its values, as long as
     * channels are made with it. */
    const weir_socket_option *raw;
    size_t raw_count;
} weir_channel_options;

WEIR_END_DECLS

#endif
