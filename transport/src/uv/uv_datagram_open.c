/* uv_datagram_open.c - resolve, bind, connect: the beginning of a datagram channel.
 *
 *     weir_datagram_open -> begin (on the loop) -> [resolve on the pool] -> open_socket -> opened
 *                                                 any failure -> give_up
 *
 * The channel exists from the call on; it has no socket until there is an address.
 */
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
        weir_ctx_fire_error(&self->uv.channel.pipeline.head, &(weir_error){.status = status, .what = "open"});
    }
}

static void end_unopened(weir_task *task) {
    uv_datagram *self = WEIR_CONTAINER(task, uv_datagram, task);
    uv_datagram_settle(self, self->uv.channel.cause);
    channel_wire_closed(&self->uv.channel);
}

void uv_datagram_close_unopened(uv_datagram *self) {
    self->task.run = end_unopened;
    if (weir_loop_post_task(self->uv.channel.loop, &self->task) != WEIR_OK) end_unopened(&self->task);
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
    if (status == WEIR_OK) status = uv_channel_attach(&self->uv, fd);
    if (status != WEIR_OK) {
        give_up(self, status);
        return;
    }
    self->stats.gro = gro;
    self->buffer_size = gro ? UINT16_MAX : self->plan.options.max_size;
    if (self->plan.remote.len != 0) channel_note_remote(&self->uv.channel, &self->plan.remote.as.sa);
    opened(self);
}

static void resolve(void *arg) {
    uv_datagram *self = arg;
    self->resolved = datagram_plan_resolve(&self->plan);
}

static void resolved(void *arg, weir_status status) {
    uv_datagram *self = arg;
    if (status == WEIR_OK) status = self->resolved;
    if (status != WEIR_OK) {
        give_up(self, status);
    } else if (channel_is_open(&self->uv.channel)) {
        open_socket(self);
    }
    weir_channel_release(&self->uv.channel);
}

static void resolve_on_pool(uv_datagram *self) {
    weir_channel_retain(&self->uv.channel);
    weir_status status = weir_loop_offload(self->uv.channel.loop, resolve, resolved, self);
    if (status == WEIR_OK) return;
    give_up(self, status);
    weir_channel_release(&self->uv.channel);
}

static void begin(weir_task *task) {
    uv_datagram *self = WEIR_CONTAINER(task, uv_datagram, task);
    weir_channel *channel = &self->uv.channel;
    if (channel_open(channel, self->plan.options.build, self->plan.options.build_arg) != WEIR_OK) {
        self->failed = true;
    } else if (!channel_is_open(channel)) {
        return;
    } else if (datagram_plan_is_numeric(&self->plan)) {
        open_socket(self);
    } else {
        resolve_on_pool(self);
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
    self->uv.fd = -1;
    self->uv.is_datagram = true;
    self->uv.peer_ending = true; /* there is no end to wait for */
    weir_list_init(&self->uv.rearm);
    channel_init(&self->uv.channel, options->loop, &uv_datagram_wire, &self->options, NULL);
    self->task.run = begin;
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
    status = weir_loop_post_task(options->loop, &self->task);
    if (status == WEIR_OK) return channel;
    weir_channel_release(channel);
    weir_channel_release(channel);
    promise_complete_anywhere(promise, status);
    return NULL;
}
