/* holes.h - ports of the loopback that do not answer, or answer no. */
#ifndef WEIR_TEST_HOLES_H
#define WEIR_TEST_HOLES_H

/* A listener whose queue is full answers no SYN on the loopback: connecting hangs. */
typedef struct black_hole {
    int listener;
    unsigned port;
    int fillers[8];
} black_hole;

void dig(black_hole *self);
void fill_in(black_hole *self);

/* Bound and not listening: it refuses, and nobody else gets the port until the answer is closed. */
int refusing_port(unsigned *port);

#endif
