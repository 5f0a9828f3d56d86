/* <weir/testing/recorder.h> - a handler that writes down what it sees, a line an event.
 *
 *     active
 *     read 7 "hello\r\n"                      a buf: its bytes
 *     read event                              another object: its type
 *     read_complete
 *     event peer_closed
 *     writable_changed true
 *     error WEIR_E_FRAME_TOO_LONG actual=20 maximum=16 offset=7
 *     inactive
 *     removed
 *     write 2 "OK"   flush   pull   shutdown   close   abort ECONNRESET
 *
 * In short: everything it sees it passes on, but a recorder at the end of a pipeline (the usual place)
 * keeps reads and errors to itself, so that an error does not close the channel. It belongs to the test
 * and outlives the channel; one may be in several places.
 *
 *     weir_recorder *recorder = weir_recorder_new();
 *     weir_recorder_add(recorder, pipeline);
 *     ...
 *     expect(weir_recorder_saw(recorder, "active\nread 5 \"hello\"\nread_complete\n"));
 *
 * Its own memory is the process's, not weir_alloc_default()'s: it stays out of out-of-memory sweeps.
 *
 * Layer: testing (transport). The channel's thread.
 */
#ifndef WEIR_TESTING_RECORDER_H
#define WEIR_TESTING_RECORDER_H

#include <stdio.h>

#include <weir/transport/pipeline.h>

WEIR_BEGIN_DECLS

typedef struct weir_recorder weir_recorder;

/* Gives: one for weir_recorder_free; never NULL. */
weir_recorder *weir_recorder_new(void);

/* Takes: recorder, or NULL, when no pipeline has it any more. */
void weir_recorder_free(weir_recorder *recorder);

/* Next to the tail. `_passing` passes reads and errors on as well. Borrows: both.
 * Fails: as weir_pipeline_add_last. */
weir_status weir_recorder_add(weir_recorder *recorder, weir_pipeline *pipeline);
weir_status weir_recorder_add_passing(weir_recorder *recorder, weir_pipeline *pipeline);

/* Called in a read, after it was written down: to act from inside a callback (remove, close, feed more).
 * Borrows: ctx, msg; arg. NULL ends it. */
typedef void weir_recorder_read_fn(void *arg, weir_ctx *ctx, const weir_obj *msg);
void weir_recorder_on_read(weir_recorder *recorder, weir_recorder_read_fn *fn, void *arg);

/* All lines, each with its newline. Borrows: recorder. Until: the next event or clear. */
const char *weir_recorder_log(const weir_recorder *recorder);

/* The lines are those of `expected`; else false, and both are printed. Forgets the lines. */
bool weir_recorder_saw(weir_recorder *recorder, const char *expected);

/* How many lines start with `start`. Borrows: both. */
size_t weir_recorder_count(const weir_recorder *recorder, const char *start);

/* Forgets the lines. */
void weir_recorder_clear(weir_recorder *recorder);

/* A line of the test's own, to see its place among the others. */
void weir_recorder_note(weir_recorder *recorder, const char *format, ...) WEIR_PRINTF(2, 3);

WEIR_END_DECLS

#endif
