/* local_connect.c - a client finds the listener of a name.
 *
 *     local_connect -> begin (its loop) -> knock (the listener's loop) -> NOTICE_MET or _REFUSED (its loop)
 *
 * A client that has gone meanwhile resets the peer it is given.
 */
#include <errno.h>
#include <string.h>

#include "local/local_internal.h"
#include "local/local_names.h"
#include "loop/promise_internal.h"

typedef struct client {
    local_channel local; /* first: it is freed through it */
    weir_channel_options options;
    weir_build_fn *build;
    void *build_arg;
    weir_promise *promise;
    weir_task begin;
    local_knock knock;
    local_channel *offered; /* held, from the listener's NOTICE_MET on until it is taken */
    weir_timer timeout;
    unsigned timeout_ms;
    bool failed; /* of its own, not because someone closed it */
    char name[];
} client;

static client *client_of(local_channel *local) {
    return WEIR_CONTAINER(local, client, local);
}

static void give_up(client *self, weir_status why) {
    if (!channel_is_open(&self->local.channel)) return;
    self->failed = true;
    channel_abort_now(&self->local.channel, why);
}

static void on_timeout(weir_timer *timer) {
    give_up(timer->arg, WEIR_E_TIMEOUT);
}

static void settle(client *self, weir_status status) {
    weir_promise *promise = self->promise;
    self->promise = NULL;
    weir_timer_stop(&self->timeout, self->local.channel.loop);
    if (promise != NULL) {
        weir_promise_complete(promise, status);
    } else if (self->failed) {
        weir_ctx_fire_error(&self->local.channel.pipeline.ends,
                            &(weir_error){.status = status, .what = "connect"});
    }
    self->failed = false;
}

void local_connect_closed(local_channel *local) {
    settle(client_of(local), local->channel.cause);
}

void local_connect_answered(local_channel *local, bool met) {
    client *self = client_of(local);
    local_channel *peer = self->offered;
    self->offered = NULL;
    if (!met) {
        give_up(self, -ECONNREFUSED);
    } else if (!channel_is_open(&local->channel)) {
        local_tell(peer, NOTICE_RESET);
        weir_channel_release(&peer->channel);
    } else {
        local->peer = peer;
        settle(self, WEIR_OK);
        if (channel_is_open(&local->channel)) channel_wire_active(&local->channel);
    }
}

/* ---- the listener's side ---- */

static client *who_knocks(local_knock *knock) {
    return WEIR_CONTAINER(knock, client, knock);
}

void local_refuse(local_knock *knock) {
    weir_channel *channel = &who_knocks(knock)->local.channel;
    local_tell(local_of(channel), NOTICE_REFUSED);
    weir_channel_release(channel); /* the knock's */
}

/* What the knock holds becomes the new end's hold on its peer. */
weir_channel *local_accept(local_knock *knock, const weir_channel_options *options, channel_owner *owner) {
    client *self = who_knocks(knock);
    weir_loop *loop = knock->listener->loop;
    local_channel *made = weir_alloc_zeroed(loop->alloc, 1, sizeof *made);
    if (made == NULL) {
        local_refuse(knock);
        return NULL;
    }
    local_channel_init(made, loop, options, owner);
    made->peer = &self->local;
    weir_channel_retain(&made->channel);
    self->offered = made;
    if (!local_tell(&self->local, NOTICE_MET)) { /* its loop is no more */
        weir_channel_release(&made->channel);
        local_tell(made, NOTICE_RESET);
    }
    return &made->channel;
}

/* ---- beginning ---- */

static void begin(weir_task *task) {
    client *self = WEIR_CONTAINER(task, client, begin);
    weir_channel *channel = &self->local.channel;
    if (channel_open(channel, self->build, self->build_arg) != WEIR_OK) {
        self->failed = true;
        return;
    }
    if (!channel_is_open(channel)) return;
    weir_timer_start(&self->timeout, channel->loop, self->timeout_ms);
    weir_channel_retain(channel);
    weir_status status = local_knock_at(self->name, &self->knock);
    if (status == WEIR_OK) return;
    give_up(self, status);
    weir_channel_release(channel);
}

weir_channel *local_connect(const weir_client_options *options, const weir_channel_options *resolved_options,
                            weir_promise *promise) {
    weir_loop *loop = options->loop;
    const char *name = local_name_of(options->host);
    size_t n = strlen(name) + 1;
    client *self = weir_alloc_zeroed(loop->alloc, 1, sizeof *self + n);
    if (self == NULL) {
        promise_complete_anywhere(promise, WEIR_E_NO_MEMORY);
        return NULL;
    }
    self->options = *resolved_options;
    self->build = options->build;
    self->build_arg = options->build_arg;
    self->timeout_ms = options->connect_timeout_ms;
    self->promise = promise;
    memcpy(self->name, name, n);
    weir_timer_init(&self->timeout, on_timeout, self);
    local_channel_init(&self->local, loop, &self->options, NULL);
    self->local.is_client = true;
    weir_channel *channel = weir_channel_retain(&self->local.channel);
    self->begin.run = begin;
    weir_status status = loop_post_own(loop, &self->begin);
    if (status == WEIR_OK) return channel;
    weir_channel_release(channel);
    weir_channel_release(channel);
    promise_complete_anywhere(promise, status);
    return NULL;
}
