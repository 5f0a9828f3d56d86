/* witness.h - a channel on any wire whose handlers count the events and gather the bytes.
 *
 * All bytes of these tests follow one pattern, so that a missing, doubled or moved one shows.
 */
#ifndef WEIR_TEST_WITNESS_H
#define WEIR_TEST_WITNESS_H

#include "actor.h"
#include "wires.h"

typedef struct witness {
    actor actor; /* in front */
    weir_buf *read;
    bool takes_events; /* else they go on to the tail */
} witness;

weir_status build_witness(weir_pipeline *pipeline, void *arg);

/* wire_open with a witness in the pipeline; wire_shut, and each event of life was told once. */
void open_with(wire_end *wire, wire_kind kind, const weir_channel_options *options, witness *self);
void shut_with(wire_end *wire, witness *self);

/* `n` bytes of the pattern from its byte `at` on. */
weir_buf *patterned(size_t at, size_t n);
void expect_pattern(const uint8_t *bytes, size_t n);

/* For wire_do: writes the pattern in so many pieces; the last one with this promise. */
typedef struct big_write {
    wire_end *wire;
    size_t pieces, piece;
    weir_promise *last;
} big_write;
void write_big(void *arg);

/* For wire_until; arg is the witness. */
bool has_read_something(void *arg);
bool has_seen_event(void *arg);

#endif
