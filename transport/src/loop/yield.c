/* yield.c - the line: who joins it in one turn is ripe in the next.
 *
 *     loop->yielding   joined in this turn
 *     loop->ripe       before; so many go on at the end of a turn, ahead of what is sent then
 */
#include <weir/transport/yield.h>

#include "channel/channel_internal.h"

/* That go on in one turn. */
#define YIELDS_A_TURN 2

void weir_yield_init(weir_yield *yield, weir_yield_fn *go_on) {
    weir_list_init(&yield->link);
    yield->ctx = NULL;
    yield->go_on = go_on;
}

void weir_yield_wait(weir_yield *yield, weir_ctx *ctx) {
    weir_loop *loop = weir_ctx_channel(ctx)->loop;
    loop_check_current(loop, __func__);
    if (weir_yield_is_waiting(yield)) return;
    yield->ctx = ctx;
    weir_list_push_back(&loop->yielding, &yield->link);
    loop->driver->continues(loop);
    loop->yields++;
    weir_channel_hold_reading(weir_ctx_channel(ctx));
}

void weir_yield_stop(weir_yield *yield) {
    if (!weir_yield_is_waiting(yield)) return;
    weir_channel *channel = weir_ctx_channel(yield->ctx);
    weir_list_remove(&yield->link);
    channel->loop->yields--;
    weir_channel_let_read(channel);
}

static void run_first(weir_loop *loop) {
    weir_yield *first = WEIR_CONTAINER(loop->ripe.next, weir_yield, link);
    loop_enter(&loop_place_yield, LOOP_NO_SLOT);
    loop_enter_channel(weir_ctx_channel(first->ctx)->id);
    weir_yield_stop(first);
    first->go_on(first);
}

void loop_run_yields(weir_loop *loop) {
    for (int i = 0; i < YIELDS_A_TURN && !weir_list_is_empty(&loop->ripe); i++) run_first(loop);
    weir_list_splice(&loop->ripe, &loop->yielding);
}
