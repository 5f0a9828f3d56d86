/* uv_datagram_open.c - resolve, bind, connect: the beginning of a datagram channel.
 *
 *     weir_datagram_open -> begin (on the loop) -> [weir_resolve: the peer, then our end] -> open_socket -> opened
 *                                                 any failure -> give_up
 *
 * The channel exists from the call on; it has no socket until there is an address.
 */
#include <weir/transport/resolver.h>

#include "loop/promise_internal.h"
#include "uv/uv_datagram.h"

static void give_up(uv_datagram *self, weir_status why) {
    if (!channel_is_open(&self->uv.channel)) return;
    self->failed = true;
    channel_abort_now(&self->uv.channel, why);
}

void uv_datagram_settle(uv_datagram *self, weir_status status) {
    weir_promise *promise = self->promise;
    bool failed = self->failed;
    self->promise = NULL;
    self->failed = false;
    if (promise != NULL) {
        weir_promise_complete(promise, status);
    } else if (failed) {
        weir_ctx_fire_error(&self->uv.channel.pipeline.ends, &(weir_error){.status = status, .what = "open"});
    }
}

static void settle_unopened(uv_channel *uv) {
    uv_datagram_settle(uv_datagram_of(uv), uv->channel.cause);
}

void uv_datagram_close_unopened(uv_datagram *self) {
    weir_resolution *resolution = self->resolution;
    self->resolution = NULL;
    weir_resolution_cancel(resolution);
    uv_opening_close(&self->opening);
}

static void opened(uv_datagram *self) {
    uv_datagram_settle(self, WEIR_OK);
    if (!channel_is_open(&self->uv.channel)) return;
    channel_wire_active(&self->uv.channel);
    uv_channel_arm(&self->uv);
}

static void open_socket(uv_datagram *self) {
    int fd;
    bool gro;
    weir_status status = datagram_socket_open(&fd, &self->plan, &gro);
    if (status != WEIR_OK) {
        give_up(self, status);
        return;
    }
    uv_channel_attach(&self->uv, fd);
    self->stats.gro = gro;
    self->buffer_size = gro ? UINT16_MAX : self->plan.options.max_size;
    if (self->plan.remote.len != 0) channel_note_remote(&self->uv.channel, &self->plan.remote.as.sa);
    opened(self);
}

/* ---- names ---- */

static void look_up(uv_datagram *self, const char *host, unsigned port, weir_resolved_fn *done) {
    weir_resolve_options options = {.loop = self->uv.channel.loop, .host = host, .port = port};
    weir_status status = weir_resolve(&self->resolution, &options, done, self);
    if (status != WEIR_OK) give_up(self, status);
}

/* False when that is the end of it. */
static bool note_address(uv_datagram *self, weir_addr *out, weir_status status, const weir_addr *addrs) {
    self->resolution = NULL;
    if (status == WEIR_OK) *out = addrs[0];
    if (status != WEIR_OK) give_up(self, status);
    return channel_is_open(&self->uv.channel);
}

static void local_resolved(void *arg, weir_status status, const weir_addr *addrs, size_t count) {
    uv_datagram *self = arg;
    (void)count;
    if (note_address(self, &self->plan.local, status, addrs)) open_socket(self);
}

static void look_up_local(uv_datagram *self) {
    look_up(self, datagram_plan_host(&self->plan), self->plan.options.port, local_resolved);
}

static void remote_resolved(void *arg, weir_status status, const weir_addr *addrs, size_t count) {
    uv_datagram *self = arg;
    (void)count;
    if (note_address(self, &self->plan.remote, status, addrs)) look_up_local(self);
}

static void begin(uv_channel *uv) {
    uv_datagram *self = uv_datagram_of(uv);
    const datagram_plan *plan = &self->plan;
    self->failed = channel_open(&uv->channel, plan->options.build, plan->options.build_arg) != WEIR_OK;
    if (!channel_is_open(&uv->channel)) return;
    if (datagram_plan_is_numeric(&self->plan)) {
        open_socket(self);
    } else if (plan->remote_host[0] != '\0') {
        look_up(self, plan->remote_host, plan->options.remote_port, remote_resolved);
    } else {
        look_up_local(self);
    }
}

static void on_retry(weir_timer *timer) {
    uv_datagram *self = timer->arg;
    self->retrying = false;
    channel_wire_drained(&self->uv.channel);
}

static weir_status make(uv_datagram **out, const weir_datagram_options *options) {
    size_t joins = options->join_count <= DATAGRAM_MOST_JOINS ? options->join_count : 0;
    size_t size = sizeof(uv_datagram) + joins * sizeof(datagram_membership);
    *out = options->loop != NULL ? weir_alloc_zeroed(options->loop->alloc, 1, size) : NULL;
    uv_datagram *self = *out;
    if (self == NULL) return options->loop != NULL ? WEIR_E_NO_MEMORY : WEIR_E_INVALID;
    weir_status status = channel_options_resolve(&options->channel, &self->options);
    if (status == WEIR_OK)
        status = datagram_plan_init(&self->plan, options, (datagram_membership *)(void *)(self + 1));
    return status;
}

static void init(uv_datagram *self, const weir_datagram_options *options, weir_promise *promise) {
    self->promise = promise;
    self->expected = 1;
    self->run_segment = options->no_gso ? 0 : DATAGRAM_RUN;
    weir_timer_init(&self->retry, on_retry, self);
    uv_watch_init(&self->uv.watch, -1, NULL);
    self->uv.is_datagram = true;
    self->uv.peer_ending = true; /* there is no end to wait for */
    channel_init(&self->uv.channel, options->loop, &uv_datagram_wire, &self->options, NULL);
    self->opening = (uv_opening){.begin = begin, .settle = settle_unopened};
}

weir_channel *weir_datagram_open(const weir_datagram_options *options, weir_promise *promise) {
    uv_datagram *self;
    weir_status status = make(&self, options);
    if (status != WEIR_OK) {
        if (self != NULL) weir_alloc_release(options->loop->alloc, self);
        promise_complete_anywhere(promise, status);
        return NULL;
    }
    init(self, options, promise);
    weir_channel *channel = weir_channel_retain(&self->uv.channel);
    status = uv_opening_post(&self->opening, &self->uv);
    if (status == WEIR_OK) return channel;
    weir_channel_release(channel);
    weir_channel_release(channel);
    promise_complete_anywhere(promise, status);
    return NULL;
}
