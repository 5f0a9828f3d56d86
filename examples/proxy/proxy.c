/* proxy.c - a TCP relay: each connection is joined to one of its own to the target. */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>

#include "common/serve.h"

typedef struct proxy {
    weir_client_options to;
    weir_idle_options idle;
    _Atomic uint64_t to_target, to_client, reads, spliced; /* sums over all connections, from any loop */
    _Atomic uint64_t reached;                              /* times the target was connected to */
    _Atomic uint64_t most_held; /* bytes that one direction of one connection has had queued */
} proxy;

/* ---- counting: a handler in front of the relay on both sides ---- */

static void note_held(weir_ctx *ctx) {
    proxy *self = weir_ctx_state(ctx);
    uint64_t held = weir_channel_pending_bytes(weir_ctx_channel(ctx)), most = atomic_load(&self->most_held);
    while (held > most && !atomic_compare_exchange_weak(&self->most_held, &most, held)) {
    }
    weir_ctx_flush(ctx);
}

static void add_up(weir_ctx *ctx, bool is_target) {
    proxy *self = weir_ctx_state(ctx);
    weir_channel_stats stats;
    weir_channel_get_stats(weir_ctx_channel(ctx), &stats);
    atomic_fetch_add(is_target ? &self->to_target : &self->to_client, stats.bytes_written);
    atomic_fetch_add(&self->reads, stats.reads);
    atomic_fetch_add(&self->spliced, stats.spliced_reads);
}

static void add_client(weir_ctx *ctx) {
    add_up(ctx, false);
}

static void add_target(weir_ctx *ctx) {
    add_up(ctx, true);
}

static void note_reached(weir_ctx *ctx) {
    proxy *self = weir_ctx_state(ctx);
    atomic_fetch_add(&self->reached, 1);
    weir_ctx_fire_active(ctx);
}

static const weir_handler client_counter = {.name = "counter", .flush = note_held, .removed = add_client};
static const weir_handler target_counter = {
    .name = "counter", .flush = note_held, .active = note_reached, .removed = add_target};

/* ---- joining ---- */

static weir_status build_target(weir_pipeline *pipeline, void *arg) {
    return weir_pipeline_add_first(pipeline, &target_counter, arg);
}

/* What a client sends before the target is there waits in the target's queue, up to its watermark. */
static weir_status build_client(weir_pipeline *pipeline, void *arg) {
    proxy *self = arg;
    weir_channel *client = weir_pipeline_channel(pipeline);
    weir_client_options to = self->to;
    to.loop = weir_channel_loop(client);
    weir_status status = weir_idle_handler_add(pipeline, &self->idle);
    if (status == WEIR_OK) status = weir_pipeline_add_last(pipeline, &client_counter, self);
    if (status != WEIR_OK) return status;
    weir_channel *target = weir_client_connect(&to, NULL);
    if (target == NULL) return WEIR_E_NO_MEMORY;
    status = weir_relay_pair(client, target);
    if (status != WEIR_OK) weir_channel_abort(target, status);
    weir_channel_release(target);
    return status;
}

static void print_totals(void *arg) {
    proxy *self = arg;
    printf("%" PRIu64 " bytes to the target, %" PRIu64 " to clients; target reached %" PRIu64 " times\n",
           self->to_target, self->to_client, self->reached);
    printf("%" PRIu64 " reads, %" PRIu64 " of them spliced; one direction held %" PRIu64 " bytes at most\n",
           self->reads, self->spliced, self->most_held);
}

int main(int argc, char **argv) {
    args_server at = {.host = "127.0.0.1", .port = 7030};
    const char *target = NULL;
    char host[256];
    unsigned idle_seconds = 300, connect_ms = 10000, pipe_kib = 0;
    static proxy self;
    weir_channel_options channel = {.read_while_unwritable =
                                        true}; /* or one direction would stop the other */
    args_parse(&argc, argv, "Relays every connection to a target, both ways.", "",
               (args_option[]){
                   ARGS_SERVER(at),
                   {"--to", "HOST:PORT", "the target; needed", .text = &target},
                   {"--splice", NULL, "keep floods out of user space", .flag = &channel.read_by_splice},
                   {"--pipe", "KIB", "size of the pipes for that; 0: 256", .number = &pipe_kib, .max = 65536},
                   {"--idle", "SECONDS", "close a connection after that long without a byte; 0: never",
                    .number = &idle_seconds, .max = 4000000},
                   {"--connect-timeout", "MS", "give up on the target after that long", .number = &connect_ms,
                    .min = 1, .max = 3600000},
                   {0}});
    if (target == NULL) complain_usage("needed: --to HOST:PORT; --help says more");
    channel.read_pipe_size = (size_t)pipe_kib * 1024;
    self.idle = (weir_idle_options){.all_ms = UINT64_C(1000) * idle_seconds, .close = true};
    self.to = (weir_client_options){.host = host,
                                    .build = build_target,
                                    .build_arg = &self,
                                    .channel = channel,
                                    .connect_timeout_ms = connect_ms};
    if (weir_addr_split(target, host, sizeof host, &self.to.port) != WEIR_OK)
        complain_usage("'%s' is not HOST:PORT", target);
    weir_server_options options = {.build = build_client, .build_arg = &self, .channel = channel};
    return serve(&at, options, print_totals, &self);
}
