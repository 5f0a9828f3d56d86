/* <weir/transport/handler.h> - what a piece of protocol implements: a const table of callbacks.
 *
 *      wire                                                            application
 *        |   inbound: active read read_complete event                       ^
 *        |            writable_changed error inactive                       |
 *        +--> head --> handler 1 --> handler 2 --> ... --> handler n --> tail
 *        +<-- head <-- handler 1 <-- handler 2 <-- ... <-- handler n <-- ctx_write
 *        |   outbound: write flush pull shutdown close abort                |
 *        v
 *
 * In short: inbound events walk head to tail, outbound calls tail to head; a NULL slot means the event
 * passes by without a call. A handler passes on what it does not want (weir_ctx_fire_read, ...),
 * and owns what it is handed: a `read` or `write` owns msg, a `write` owns its promise.
 *
 * A table is constant and shared; what a handler remembers of one channel is its state, given to
 * weir_pipeline_add_last and freed in `removed`. Inside any callback a handler may add, remove or
 * replace handlers (itself too), write, close, or release the last reference of the channel.
 *
 * All callbacks run on the channel's loop, one at a time. None returns anything: a failure is an
 * `error` event or a failed promise.
 *
 * Layer: transport. Needs obj.h.
 */
#ifndef WEIR_TRANSPORT_HANDLER_H
#define WEIR_TRANSPORT_HANDLER_H

#include <weir/core/error.h>
#include <weir/core/obj.h>

WEIR_BEGIN_DECLS

/* Opaque: a handler's place in a pipeline, and what it meets there. */
typedef struct weir_ctx weir_ctx;
typedef struct weir_pipeline weir_pipeline;
typedef struct weir_channel weir_channel;
typedef struct weir_loop weir_loop;
typedef struct weir_promise weir_promise;

typedef struct weir_handler {
    const char *name; /* for lookups, logs and dumps; needed */

    /* ---- life: each once ---- */
    void (*added)(weir_ctx *ctx);
    void (*removed)(weir_ctx *ctx); /* free the state here */

    /* ---- inbound ---- */
    void (*active)(weir_ctx *ctx);                         /* connected; once, before any read */
    void (*read)(weir_ctx *ctx, weir_obj *msg);            /* Takes: msg */
    void (*read_complete)(weir_ctx *ctx);                  /* end of one burst of reads */
    void (*event)(weir_ctx *ctx, weir_obj *event);         /* Takes: event; see event.h */
    void (*writable_changed)(weir_ctx *ctx);               /* ask weir_channel_is_writable */
    void (*error)(weir_ctx *ctx, const weir_error *error); /* Borrows: error for the call */
    void (*inactive)(weir_ctx *ctx);                       /* closed; once, if active was */

    /* ---- outbound ---- */
    void (*write)(weir_ctx *ctx, weir_obj *msg, weir_promise *promise); /* Takes: both */
    void (*flush)(weir_ctx *ctx);
    void (*pull)(weir_ctx *ctx);
    void (*shutdown)(weir_ctx *ctx, weir_promise *promise); /* Takes: promise */
    void (*close)(weir_ctx *ctx, weir_promise *promise);    /* Takes: promise */
    void (*abort)(weir_ctx *ctx, weir_status why);
} weir_handler;

WEIR_END_DECLS

#endif
