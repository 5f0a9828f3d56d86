/* dials.h - connections that stand or fail when the test says so, on a clock that moves by hand.
 *
 * dial_connect takes the place of weir_client_connect. Each call is a dial: an embedded channel of its own, whose
 * pipeline is built when the test lets it succeed. After anything that may close a channel, dials_run.
 */
#ifndef WEIR_TEST_DIALS_H
#define WEIR_TEST_DIALS_H

#include <weir/transport.h>

enum {
    MOST_DIALS = 64
};

typedef struct dial {
    weir_embedded *embedded;
    weir_channel *channel; /* borrowed from it */
    weir_client_options options;
    weir_promise *promise; /* until it is connected or has failed */
} dial;

typedef struct dials {
    weir_embedded *embedded; /* its loop is the one to use */
    weir_loop *loop;
    size_t count;
    dial all[MOST_DIALS];
    weir_status refuses; /* not WEIR_OK: connect answers NULL, with this in the promise */
} dials;

/* One of them at a time. False when out of memory. */
bool dials_begin(dials *self);
void dials_end(dials *self);

weir_channel *dial_connect(const weir_client_options *options, weir_promise *promise);

void dial_succeed(dials *self, size_t i);
void dial_fail(dials *self, size_t i, weir_status why);
/* The peer ends, or breaks, a connection that stands. */
void dial_end(dials *self, size_t i);
void dial_break(dials *self, size_t i, weir_status why);
bool dial_is_open(const dials *self, size_t i);

/* All that is to be done now; a millisecond passes for each `ms`. */
void dials_run(dials *self);
void dials_advance(dials *self, uint64_t ms);

#endif
