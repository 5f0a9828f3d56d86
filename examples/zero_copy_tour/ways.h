/* ways.h - five ways to send a file to a socket, each with its system calls counted.
 *
 *     way                 through user memory       the textbook's mode switches, one call moving it all
 *     read + write        twice                     4: in and out of read, in and out of write
 *     mmap + write        once, out of the map      4: in and out of mmap, in and out of write
 *     sendfile            never                     2
 *     splice              never                     4: file to pipe, pipe to socket
 */
#ifndef TOUR_WAYS_H
#define TOUR_WAYS_H

#include <stdint.h>

#include <weir/core/status.h>

/* What one transfer did, as counted around each call. */
struct way_count {
    uint64_t calls;      /* system calls */
    uint64_t user_bytes; /* bytes the kernel copied into or out of user memory */
};

/* Sends `size` bytes of `file` from its start. Fails: -errno, WEIR_E_TRUNCATED when the file is shorter. */
typedef weir_status way_send_fn(int file, uint64_t size, int socket, struct way_count *count);

struct way {
    const char *name;
    unsigned textbook_copies;
    unsigned textbook_switches;
    way_send_fn *send;
};

enum {
    WAYS = 5,
};
extern const struct way ways[WAYS];

#endif
