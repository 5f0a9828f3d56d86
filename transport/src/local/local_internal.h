/* local_internal.h - private: one end of a connection inside the process.
 *
 * The ends share nothing but an atomic word each, `notices`: what the peer has to say, seen by one posted task however
 * much there is. Messages cross in the slots of the end that reads. Who may touch the slots changes hands
 * with the notices, so they need no lock: they are the reader's, until it asks; then the writer's, until it says that
 * a batch has come.
 */
#ifndef WEIR_LOCAL_INTERNAL_H
#define WEIR_LOCAL_INTERNAL_H

#include <weir/transport/local.h>

#include "channel/channel_internal.h"

enum {
    LOCAL_SLOTS = 16
};

/* What one end tells the other. */
enum {
    NOTICE_POSTED = 1u << 0,  /* the task is on its way */
    NOTICE_BEGIN = 1u << 1,   /* from whoever made the pair: open */
    NOTICE_MET = 1u << 2,     /* from the listener: there is a peer */
    NOTICE_REFUSED = 1u << 3, /* from the listener: there will be none */
    NOTICE_ASKS = 1u << 4,    /* my slots are yours to fill */
    NOTICE_BATCH = 1u << 5,   /* your slots are filled and yours again */
    NOTICE_ENDING = 1u << 6,  /* an end will follow what I have queued */
    NOTICE_END = 1u << 7,     /* no more will come */
    NOTICE_GONE = 1u << 8,    /* nothing will be read any more */
    NOTICE_RESET = 1u << 9,   /* aborted */
};

typedef struct local_channel local_channel;
struct local_channel {
    weir_channel channel; /* first: it is freed through it */
    local_channel *peer;  /* held until the wire has closed; NULL before they have met */
    weir_task notice;     /* posted by the peer */
    weir_task chore;      /* posted by this end to itself */
    atomic_uint notices;
    bool is_client;    /* it is the first member of a client (local_connect.c) */
    bool chore_posted; /* one is on its way */
    bool closing;      /* the wire has let go and not said so yet */
    bool may_send;     /* the peer's slots are ours to fill */
    bool asked;        /* our slots are the peer's to fill */
    bool end_announced;
    bool peer_ending, peer_ended, peer_gone;
    bool ending_told, end_told; /* to the handlers */
    unsigned next, count;       /* of the slots: the first not read, the end */
    weir_obj *slots[LOCAL_SLOTS];
};

static inline local_channel *local_of(weir_channel *channel) {
    return WEIR_CONTAINER(channel, local_channel, channel);
}

/* In zeroed memory; alive with one reference, which is the wire's. */
void local_channel_init(local_channel *self, weir_loop *loop, const weir_channel_options *options,
                        channel_owner *owner);

/* Tells `to` on its loop; false when that runs no more. From the peer's thread, or before there is a peer. */
bool local_tell(local_channel *to, unsigned what);

/* local_pair.c: NOTICE_BEGIN. */
void local_pair_open(local_channel *local);

/* local_connect.c: NOTICE_MET and NOTICE_REFUSED; the wire has closed, so what is still promised of connecting ends. */
void local_connect_answered(local_channel *local, bool met);
void local_connect_closed(local_channel *local);

#endif
