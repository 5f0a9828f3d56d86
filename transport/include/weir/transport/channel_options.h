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

typedef struct weir_channel_options {
    /* ---- reading: the size of a read follows what the last ones brought ---- */
    size_t read_size;           /* the first read's; 2 KiB */
    size_t read_size_min;       /* 64 */
    size_t read_size_max;       /* 64 KiB */
    unsigned reads_per_turn;    /* then others have their turn; 16 */
    bool manual_read;           /* no read without a pull */
    bool read_while_unwritable; /* false: reads pause while too much is queued for writing */

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

    /* ---- the socket ---- */
    bool delay;         /* true: TCP_NODELAY off, small writes wait for each other */
    bool keep_alive;    /* SO_KEEPALIVE */
    int send_buffer;    /* SO_SNDBUF; 0: the system's */
    int receive_buffer; /* SO_RCVBUF; 0: the system's */
} weir_channel_options;

WEIR_END_DECLS

#endif
