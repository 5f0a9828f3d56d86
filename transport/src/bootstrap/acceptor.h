/* acceptor.h - private: when to accept from a listening socket, and what to do when that fails.
 *
 *     ready --may_accept--> accept --> accepted
 *               |             |
 *               |             +-- nobody there: until the next `ready`
 *               |             +-- failed: rests 10 ms, then twice as long each time, up to 1 s
 *               +-- not now: rests as long as told, or until acceptor_resume
 *
 * While it rests it does not watch, so nothing spins, and who calls waits in the backlog. It knows no library and no
 * server: where connections come from and who takes them are tables.
 */
#ifndef WEIR_ACCEPTOR_H
#define WEIR_ACCEPTOR_H

#include <weir/transport/addr.h>
#include <weir/transport/timer.h>

/* An answer of may_accept: until acceptor_resume. */
#define ACCEPTOR_WAIT UINT64_MAX

typedef struct acceptor acceptor;

typedef struct acceptor_source {
    /* As accept4: a new descriptor, or -1 and errno. */
    int (*accept)(acceptor *self, weir_addr *peer);
    /* Whether to call acceptor_ready as long as somebody waits. */
    void (*watch)(acceptor *self, bool on);
} acceptor_source;

typedef struct acceptor_events {
    /* Before each accept: 0 to go on, else how many milliseconds to rest. */
    uint64_t (*may_accept)(void *arg);
    void (*not_accepted)(void *arg); /* it might have, but nothing came */
    /* Takes: fd. */
    void (*accepted)(void *arg, int fd, const weir_addr *peer);
    /* Out of descriptors or memory; `turned_away`: one connection was closed instead of kept waiting. */
    void (*failed)(void *arg, bool turned_away);
    void (*closed)(void *arg); /* by whoever has the source; the last call */
} acceptor_events;

struct acceptor {
    const acceptor_source *source;
    const acceptor_events *events;
    void *arg;
    weir_loop *loop;
    weir_timer rest;
    unsigned rest_ms; /* after the next failure */
    int spare;        /* a descriptor to give up when there are none left */
    bool failing;
};

/* All on the loop. */
void acceptor_init(acceptor *self, weir_loop *loop, const acceptor_source *source,
                   const acceptor_events *events, void *arg);
void acceptor_ready(acceptor *self);
/* What may_accept asked to wait for may have come. */
void acceptor_resume(acceptor *self);
void acceptor_clear(acceptor *self);

#endif
