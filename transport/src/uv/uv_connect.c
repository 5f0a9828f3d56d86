/* uv_connect.c - resolve, connect, give up after a while: the beginning of a client's channel.
 *
 *     net_connect -> begin (on the loop) -> [weir_resolve] -> uv_race -> won -> connected
 *                            any failure or the timeout -> give_up
 *
 * The channel exists from the call on; it has no socket until one is connected. What only the beginning needs is
 * freed with it.
 */
#include <string.h>
#include <sys/socket.h>

#include "loop/promise_internal.h"
#include "uv/uv_opening.h"
#include "uv/uv_race.h"

typedef struct client client;

/* What is under way until the channel is connected or gone. */
typedef struct beginning {
    client *client;
    weir_build_fn *build;
    void *build_arg;
    weir_promise *promise;
    uv_opening opening;
    weir_timer timeout;
    unsigned timeout_ms;
    unsigned port;
    weir_addr addr; /* of a host that needs no resolver */
    weir_resolver *resolver;
    weir_family family;
    weir_resolution *resolution;
    uv_race *race;
    uv_race_options race_options;
    bool failed; /* of its own, not because someone closed it */
    char host[];
} beginning;

struct client {
    uv_channel uv; /* first: it is freed through it */
    weir_channel_options options;
    beginning *beginning;
};

static client *client_of(uv_channel *self) {
    return WEIR_CONTAINER(self, client, uv);
}

static weir_channel *channel_from(const beginning *self) {
    return &self->client->uv.channel;
}

static void give_up(beginning *self, weir_status why) {
    weir_channel *channel = channel_from(self);
    if (!channel_is_open(channel)) return;
    self->failed = true;
    channel_abort_now(channel, why);
}

static void on_timeout(weir_timer *timer) {
    give_up(timer->arg, WEIR_E_TIMEOUT);
}

/* Takes: self. */
static void settle(beginning *self, weir_status status) {
    weir_channel *channel = channel_from(self);
    weir_promise *promise = self->promise;
    bool failed = self->failed;
    self->client->beginning = NULL;
    weir_timer_stop(&self->timeout, channel->loop);
    weir_alloc_release(channel->loop->alloc, self);
    if (promise != NULL) {
        weir_promise_complete(promise, status);
    } else if (failed) {
        weir_ctx_fire_error(&channel->pipeline.ends, &(weir_error){.status = status, .what = "connect"});
    }
}

void uv_connect_closed(uv_channel *self) {
    beginning *unsettled = client_of(self)->beginning;
    if (unsettled != NULL) settle(unsettled, self->channel.cause);
}

/* ---- the end of one that never had a socket ---- */

void uv_connect_close_unopened(uv_channel *self) {
    beginning *begun = client_of(self)->beginning;
    weir_resolution *resolution = begun->resolution;
    uv_race *race = begun->race;
    begun->resolution = NULL;
    begun->race = NULL;
    weir_resolution_cancel(resolution);
    if (race != NULL) uv_race_cancel(race);
    uv_opening_close(&begun->opening);
}

/* ---- connecting ---- */

static void won(void *arg, int fd, const weir_addr *to) {
    beginning *self = arg;
    uv_channel *uv = &self->client->uv;
    self->race = NULL;
    uv_channel_attach(uv, fd);
    channel_note_remote(&uv->channel, &to->as.sa);
    settle(self, WEIR_OK);
    if (!channel_is_open(&uv->channel)) return;
    channel_wire_active(&uv->channel);
    uv_channel_arm(uv);
}

static void lost(void *arg, weir_status why) {
    beginning *self = arg;
    self->race = NULL;
    give_up(self, why);
}

static const uv_race_events race_events = {.won = won, .lost = lost};

static void connect_to(beginning *self, const weir_addr *addrs, size_t count) {
    self->race = uv_race_new(channel_from(self)->loop, addrs, count, &self->race_options, &race_events, self);
    if (self->race != NULL) {
        uv_race_start(self->race);
    } else {
        give_up(self, WEIR_E_NO_MEMORY);
    }
}

static void resolved(void *arg, weir_status status, const weir_addr *addrs, size_t count) {
    beginning *self = arg;
    self->resolution = NULL;
    if (!channel_is_open(channel_from(self))) return;
    if (status == WEIR_OK) {
        connect_to(self, addrs, count);
    } else {
        give_up(self, status);
    }
}

static void resolve(beginning *self) {
    weir_resolve_options options = {.loop = channel_from(self)->loop,
                                    .host = self->host,
                                    .port = self->port,
                                    .family = self->family,
                                    .timeout_ms = self->timeout_ms,
                                    .resolver = self->resolver};
    weir_status status = weir_resolve(&self->resolution, &options, resolved, self);
    if (status != WEIR_OK) give_up(self, status);
}

/* ---- beginning ---- */

static void look_for(beginning *self) {
    weir_timer_start(&self->timeout, channel_from(self)->loop, self->timeout_ms);
    if (self->addr.len != 0) {
        connect_to(self, &self->addr, 1);
    } else {
        resolve(self);
    }
}

static void begin(uv_channel *uv) {
    beginning *self = client_of(uv)->beginning;
    self->failed = channel_open(&uv->channel, self->build, self->build_arg) != WEIR_OK;
    if (channel_is_open(&uv->channel)) look_for(self);
}

static weir_status copy_options(beginning *self, const weir_client_options *options) {
    self->build = options->build;
    self->build_arg = options->build_arg;
    self->port = options->port;
    self->timeout_ms = options->connect_timeout_ms;
    self->resolver = options->resolver;
    self->family = options->family;
    self->race_options = (uv_race_options){.channel = &self->client->options,
                                           .local_port = options->local_port,
                                           .delay_ms = options->attempt_delay_ms,
                                           .most = options->max_addresses};
    memcpy(self->host, options->host, strlen(options->host));
    weir_addr_parse(&self->addr, self->host, self->port); /* what it cannot is resolved later */
    if (options->local_host == NULL) return WEIR_OK;
    return weir_addr_parse(&self->race_options.local, options->local_host, options->local_port);
}

static weir_status new_client(client **out, const weir_client_options *options,
                              const weir_channel_options *resolved_options) {
    weir_alloc *alloc = options->loop->alloc;
    client *self = weir_alloc_zeroed(alloc, 1, sizeof *self);
    beginning *begun = weir_alloc_zeroed(alloc, 1, sizeof *begun + strlen(options->host) + 1);
    weir_status status = WEIR_E_NO_MEMORY;
    if (self != NULL && begun != NULL) {
        begun->client = self;
        self->beginning = begun;
        self->options = *resolved_options;
        status = copy_options(begun, options);
    }
    if (status == WEIR_OK) {
        *out = self;
        return WEIR_OK;
    }
    weir_alloc_release(alloc, begun);
    weir_alloc_release(alloc, self);
    return status;
}

weir_channel *net_connect(const weir_client_options *options, const weir_channel_options *resolved_options,
                          weir_promise *promise) {
    weir_loop *loop = options->loop;
    client *self;
    weir_status status = new_client(&self, options, resolved_options);
    if (status != WEIR_OK) {
        promise_complete_anywhere(promise, status);
        return NULL;
    }
    beginning *begun = self->beginning;
    begun->promise = promise;
    begun->opening = (uv_opening){.begin = begin, .settle = uv_connect_closed};
    weir_timer_init(&begun->timeout, on_timeout, begun);
    uv_channel_init(&self->uv, loop, begun->addr.as.sa.sa_family, &self->options, NULL);
    self->uv.is_client = true;
    weir_channel *channel = weir_channel_retain(&self->uv.channel);
    status = uv_opening_post(&begun->opening, &self->uv);
    if (status == WEIR_OK) return channel;
    weir_alloc_release(loop->alloc, begun);
    weir_channel_release(channel);
    weir_channel_release(channel);
    promise_complete_anywhere(promise, status);
    return NULL;
}
