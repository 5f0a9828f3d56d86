/* UDP echo server: every datagram goes back to where it came from. */
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <weir/transport.h>

#include "common/args.h"

static _Atomic uint64_t received, receive_calls, sent, send_calls, lost;

static void echo_read(weir_ctx *ctx, weir_obj *msg) {
    weir_ctx_write(ctx, msg, NULL); /* a datagram that was read says where it is to go back to */
}

static void echo_read_complete(weir_ctx *ctx) {
    weir_ctx_flush(ctx); /* one sendmmsg for the whole burst */
}

static void echo_error(weir_ctx *ctx, const weir_error *error) {
    (void)ctx;
    (void)error; /* one that could not be sent: UDP loses some */
}

static void echo_inactive(weir_ctx *ctx) {
    weir_datagram_stats stats;
    weir_datagram_get_stats(weir_ctx_channel(ctx), &stats);
    atomic_fetch_add(&received, stats.received);
    atomic_fetch_add(&receive_calls, stats.receive_calls);
    atomic_fetch_add(&sent, stats.sent);
    atomic_fetch_add(&send_calls, stats.send_calls);
    atomic_fetch_add(&lost, stats.truncated + stats.dropped + stats.overflowed + stats.send_failed);
}

static const weir_handler echo = {.name = "echo",
                                  .read = echo_read,
                                  .read_complete = echo_read_complete,
                                  .error = echo_error,
                                  .inactive = echo_inactive};

static weir_status build(weir_pipeline *pipeline, void *arg) {
    (void)arg;
    return weir_pipeline_add_last(pipeline, &echo, NULL);
}

/* Opens one channel and waits until it is. Later ones go to the port that the first one got. */
static weir_status open_one(weir_channel **out, weir_datagram_options *options) {
    weir_promise *promise = weir_promise_new(options->loop);
    *out = weir_datagram_open(options, weir_promise_retain(promise));
    weir_status status = promise != NULL ? weir_promise_wait(promise, -1) : WEIR_E_NO_MEMORY;
    weir_promise_release(promise);
    if (status != WEIR_OK || options->port != 0) return status;
    weir_addr addr;
    weir_channel_local_addr(*out, &addr);
    options->port = weir_addr_port(&addr);
    return WEIR_OK;
}

static void print_address(const weir_channel *channel) {
    weir_addr addr;
    char where[WEIR_ADDR_TEXT];
    weir_channel_local_addr(channel, &addr);
    printf("listening on %s\n", weir_addr_format(&addr, where));
    fflush(stdout);
}

static weir_loop *first;

static void on_signal(int number) {
    (void)number;
    weir_loop_stop(first); /* NOLINT(bugprone-signal-handler): it may, see loop.h */
}

/* One channel on each loop, all on one port: the kernel spreads the senders over them. */
static weir_status serve_until_signal(weir_loop_group *loops, weir_datagram_options options) {
    size_t count = weir_loop_group_count(loops);
    weir_channel *channels[1024] = {NULL};
    weir_status status = WEIR_OK;
    options.reuse_port = count > 1;
    for (size_t i = 0; i < count && status == WEIR_OK; i++) {
        options.loop = weir_loop_group_at(loops, i);
        status = open_one(&channels[i], &options);
    }
    if (status == WEIR_OK) {
        first = weir_loop_group_at(loops, 0);
        signal(SIGINT, on_signal);
        signal(SIGTERM, on_signal);
        print_address(channels[0]);
        weir_loop_run(first);
        signal(SIGINT, SIG_DFL); /* `first` will be gone */
        signal(SIGTERM, SIG_DFL);
    }
    for (size_t i = 0; i < count; i++) weir_channel_release(channels[i]);
    return status;
}

int main(int argc, char **argv) {
    args_server at = {.host = "127.0.0.1", .port = 7007, .loops = 1};
    uint64_t max_size = 0;
    weir_datagram_options options = {.build = build};
    args_parse(&argc, argv, "Sends every UDP datagram back to where it came from.", "",
               (args_option[]){
                   ARGS_SERVER(at),
                   {"--max-size", "BYTES", "longest datagram; default 2K", .size = &max_size, .min = 1,
                    .max = WEIR_DATAGRAM_MAX},
                   {"--gro", NULL, "let the kernel hand over runs of datagrams as one", .flag = &options.gro},
                   {0}});
    options.host = at.host;
    options.port = at.port;
    options.max_size = max_size;
    weir_loop_group *loops =
        weir_loop_group_new_with(&(weir_loop_group_options){.count = at.loops, .first_on_caller = true});
    weir_status status = loops != NULL ? serve_until_signal(loops, options) : WEIR_E_NO_MEMORY;
    if (status != WEIR_OK) complain("cannot listen on %s:%u: %s", at.host, at.port, weir_status_text(status));
    weir_loop_group_free(loops);
    if (status == WEIR_OK) {
        printf("%" PRIu64 " datagrams in %" PRIu64 " calls, %" PRIu64 " back in %" PRIu64 ", %" PRIu64
               " lost here\n",
               received, receive_calls, sent, send_calls, lost);
    }
    return weir_leak_report(stderr) == 0 && status == WEIR_OK ? 0 : 1;
}
