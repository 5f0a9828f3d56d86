/* soak_talk.h - one connection of the soak: a shape, a number of units, and a temper.
 *
 *     calm           a unit now and then, measured                     whole, both ends in order
 *     greedy         many units on their way at once                   whole
 *     slow_reader    takes a few bytes at a time, its window shut      whole
 *     slow_writer    sends a few bytes at a time                       whole
 *     resetter       resets with a request half sent, or with an answer begun
 *     half_open      sends half a request, is silent for seconds, and then just goes
 *
 * A unit counts once the first byte of its answer came: then the server has seen all of its request. As resetters have one
 * unit on its way and units of TLS fit a record with them, what a server counts must equal what is counted here, exactly.
 */
#ifndef SOAK_TALK_H
#define SOAK_TALK_H

#include <openssl/ssl.h>

#include "common/histogram.h"
#include "soak_shape.h"

#define SOAK_TEMPERS(X) X(calm) X(greedy) X(slow_reader) X(slow_writer) X(resetter) X(half_open)
#define SOAK_NAME(name) SOAK_##name,
typedef enum soak_temper {
    SOAK_TEMPERS(SOAK_NAME) SOAK_TEMPER_COUNT
} soak_temper;
#undef SOAK_NAME

typedef struct soak_totals {
    uint64_t begun, units, bytes_in, bytes_out;
    uint64_t whole; /* ended in order, every byte right */
    uint64_t handshakes;
    uint64_t corrupt; /* got a byte that is not theirs */
    uint64_t cut;     /* ended by the server before all came */
    uint64_t left;    /* not done when time was up */
    uint64_t by_temper[SOAK_TEMPER_COUNT];
} soak_totals;

typedef struct soak_talk {
    int fd; /* -1: none */
    SSL *ssl;
    const soak_shape *shape;
    soak_totals *totals;
    soak_temper temper;
    uint64_t units, sent, received;
    uint64_t stop_at; /* resetter: this many received; half_open: sent */
    uint64_t counted; /* units */
    uint64_t asked;   /* ns */
    uint64_t end_at;  /* ns: before a server gives up, however slow the ticks */
    uint64_t next_tick;
    size_t may_send, may_take; /* bytes until the next tick; SIZE_MAX: as many as go */
    uint64_t released;         /* calm: units it may have asked for */
    bool ending;
} soak_talk;

/* Begins one. Borrows: all; tls NULL but for TLS. */
void soak_talk_begin(soak_talk *self, const soak_shape *shape, soak_totals *totals, soak_temper temper,
                     const char *where, SSL_CTX *tls, uint64_t tick);

/* The socket is ready, or a tick has come. False when it is over. */
bool soak_talk_go_on(soak_talk *self, histogram *latency);
bool soak_talk_tick(soak_talk *self, uint64_t tick, histogram *latency);

/* Time is up: it is counted as left. */
void soak_talk_leave(soak_talk *self);

/* True: it is driven by ticks alone. */
bool soak_talk_is_slow(const soak_talk *self);

#endif
