/* datagrams.h - a datagram channel on a loop of its own, and a plain UDP socket to talk to it.
 *
 * What the channel's handler has seen belongs to the loop: look at it through datagrams_do and datagrams_until, or
 * after datagrams_shut. While a datagrams_do runs, what arrives waits in the socket: so a burst is a burst.
 */
#ifndef WEIR_TEST_DATAGRAMS_H
#define WEIR_TEST_DATAGRAMS_H

#include <weir/testing.h>
#include <weir/transport.h>

#include "wires.h"

enum {
    DATAGRAMS_KEPT = 128
};

typedef struct datagrams {
    wire_end wire; /* for wire_do and its kin */
    weir_channel *channel;
    weir_status opened;
    unsigned port;
    int far; /* connected to the channel, which may be connected to it */
    weir_addr far_addr;

    bool echoes;         /* what is read is written back */
    bool keeps;          /* what is read is kept below, else released */
    bool takes_errors;   /* else they go on to the tail */
    bool closes_at_once; /* close in the first read */

    void (*at_error)(weir_tracking_alloc *alloc); /* called with the test's allocator */
    atomic_bool told;                             /* an error was, and at_error has returned */

    unsigned active, inactive, removed, reads, read_completes, errors;
    weir_status error;
    size_t bytes;
    weir_datagram *kept[DATAGRAMS_KEPT];
    unsigned kept_count;
} datagrams;

/* A channel bound to 127.0.0.1 unless the options say a host, opened; with `connected` its peer is the far socket.
 * Flags of the struct that are to hold from the start are set before. */
void datagrams_open(datagrams *self, weir_datagram_options options, bool connected);

/* Aborts if it is open, frees the loop; each event of life was told once. What is kept stays until released. */
void datagrams_shut(datagrams *self);
void datagrams_release_kept(datagrams *self);

void datagrams_do(datagrams *self, void (*fn)(datagrams *self));
bool datagrams_until(datagrams *self, bool (*fn)(datagrams *self));

/* So many were read, and no more than that; waits. */
bool datagrams_until_read(datagrams *self, unsigned n);

weir_datagram_stats datagrams_stats(datagrams *self);

/* Writes from the test's thread; what became of it. */
weir_status datagrams_write_out(datagrams *self, void *msg);
/* Its end. Takes: promise. */
weir_status datagrams_wait_for(weir_promise *promise);

/* A buf of n times this byte. */
weir_buf *datagrams_fill(char byte, size_t n);

/* `n` bytes of content to the far socket. */
weir_datagram *datagrams_to_far(datagrams *self, char byte, size_t n);

/* A bound UDP socket; receiving from it gives up after ten seconds. */
int plain_udp(const char *host, weir_addr *bound);

/* How many bytes the next datagram has, -1 when none comes in `ms`. */
ssize_t plain_receive(int fd, void *room, size_t n, int ms);

#endif
