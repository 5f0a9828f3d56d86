/* <weir/transport/yield.h> - a place in the line of those who have more to do than one turn should hold.
 *
 *     read --> [ handler ] does its share --weir_yield_wait--> others' events --> go_on: the next share
 *
 * In short: a handler that finds much work in what it was given does some of it and waits for its turn with the rest,
 * so that who asks for little need not wait for all of it. All that is ready comes first, then a few of the line, the
 * oldest first, however many wait: so a turn is short, and nobody is passed over. While it waits nothing is read from
 * its channel, pulls included: what it has to keep is what came in one burst.
 *
 * Layer: transport. Needs list.h. On the channel's loop.
 */
#ifndef WEIR_TRANSPORT_YIELD_H
#define WEIR_TRANSPORT_YIELD_H

#include <weir/core/list.h>
#include <weir/transport/handler.h>

WEIR_BEGIN_DECLS

typedef struct weir_yield weir_yield;
typedef void weir_yield_fn(weir_yield *yield);

/* A member of the handler's own struct. Readable; written by the functions here. */
struct weir_yield {
    weir_list link;
    weir_ctx *ctx; /* while it waits */
    weir_yield_fn *go_on;
};

/* Borrows: yield; it does not wait. */
WEIR_API void weir_yield_init(weir_yield *yield, weir_yield_fn *go_on);

/* `go_on` is called once, in a later turn. Waiting already, it keeps its place. Borrows: yield; ctx, whose handler stops
 * it when it is removed. */
WEIR_API void weir_yield_wait(weir_yield *yield, weir_ctx *ctx);

/* It is not called any more. One that does not wait stays as it is. Borrows: yield. */
WEIR_API void weir_yield_stop(weir_yield *yield);

/* True from wait until it is called or stopped. Borrows: yield. */
static inline bool weir_yield_is_waiting(const weir_yield *yield) {
    return !weir_list_is_empty(&yield->link);
}

WEIR_END_DECLS

#endif
