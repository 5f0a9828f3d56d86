/* <weir/transport/pipeline.h> - the chain of handlers of one channel.
 *
 * Head and tail are always there and not handlers of yours. Handlers may be added, removed and replaced
 * at any time, also by a handler inside its own callback: an event under way goes on from where it is.
 *
 * Everything here runs on the channel's loop (checked). Names need not be unique; a lookup answers
 * with the first from the head.
 *
 * Layer: transport. Needs handler.h.
 */
#ifndef WEIR_TRANSPORT_PIPELINE_H
#define WEIR_TRANSPORT_PIPELINE_H

#include <stdio.h>

#include <weir/transport/handler.h>

WEIR_BEGIN_DECLS

/* Called to fill the pipeline of a new channel, before it is active. Whatever it returns but WEIR_OK
 * aborts the channel. Borrows: pipeline for the call, arg. */
typedef weir_status weir_build_fn(weir_pipeline *pipeline, void *arg);

/* Next to the tail, next to the head. `added` is called before it returns.
 * Takes: state, which `removed` gets through weir_ctx_state; on failure `removed` is NOT called and the
 * caller still has the state. A NULL state of a handler that needs one is its own affair.
 * Borrows: pipeline, handler (for the pipeline's life). Fails: WEIR_E_NO_MEMORY. */
WEIR_API weir_status weir_pipeline_add_last(weir_pipeline *pipeline, const weir_handler *handler,
                                            void *state);
WEIR_API weir_status weir_pipeline_add_first(weir_pipeline *pipeline, const weir_handler *handler,
                                             void *state);

/* Towards the head, towards the tail of `at`, which must still be in its pipeline. Otherwise as add_last. */
WEIR_API weir_status weir_pipeline_add_before(weir_ctx *at, const weir_handler *handler, void *state);
WEIR_API weir_status weir_pipeline_add_after(weir_ctx *at, const weir_handler *handler, void *state);

/* Out of the pipeline; its `removed` is called before this returns. Borrows: ctx. Removing one that is
 * out already does nothing. */
WEIR_API void weir_pipeline_remove(weir_ctx *ctx);

/* `handler` in the place of `ctx`: added, then the old one removed. What the old one hands on inward in its `removed`
 * (what it has left) goes to the new one; what it passes on afterwards, the event under way, goes past it, for at
 * this place it was seen already. Otherwise as add_last. */
WEIR_API weir_status weir_pipeline_replace(weir_ctx *ctx, const weir_handler *handler, void *state);

/* The first place of this handler (by its table, by its name), or NULL. Borrows: pipeline, and the answer. */
WEIR_API weir_ctx *weir_pipeline_find(weir_pipeline *pipeline, const weir_handler *handler);
WEIR_API weir_ctx *weir_pipeline_find_name(weir_pipeline *pipeline, const char *name);

/* Borrows: pipeline, and the answer for its life. */
WEIR_API weir_channel *weir_pipeline_channel(weir_pipeline *pipeline);

/* One line a handler: its place, name, and the events it takes. Borrows: pipeline, out. */
WEIR_API void weir_pipeline_dump(weir_pipeline *pipeline, FILE *out);

WEIR_END_DECLS

#endif
