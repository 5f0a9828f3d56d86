/* Discard server (RFC 863): reads everything, answers nothing, counts. The least a handler can do. */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>

#include "common/serve.h"

static void discard_read(weir_ctx *ctx, weir_obj *msg) {
    (void)ctx;
    weir_obj_release(msg); /* whoever is handed an object owns it */
}

/* Every channel counts what it read, so the totals need one atomic addition a connection, not one a read. */
static void discard_inactive(weir_ctx *ctx) {
    _Atomic uint64_t *bytes = weir_ctx_state(ctx);
    weir_channel_stats stats;
    weir_channel_get_stats(weir_ctx_channel(ctx), &stats);
    atomic_fetch_add(bytes, stats.bytes_read);
}

static const weir_handler discard = {.name = "discard", .read = discard_read, .inactive = discard_inactive};

static weir_status build(weir_pipeline *pipeline, void *arg) {
    return weir_pipeline_add_last(pipeline, &discard, arg);
}

static void print_totals(void *arg) {
    _Atomic uint64_t *bytes = arg;
    printf("%" PRIu64 " bytes discarded\n", atomic_load(bytes));
}

int main(int argc, char **argv) {
    args_server at = {.host = "127.0.0.1", .port = 7009};
    args_parse(&argc, argv, "Reads everything a client sends and throws it away.", "",
               (args_option[]){ARGS_SERVER(at), {0}});
    _Atomic uint64_t bytes = 0;
    return serve(&at, (weir_server_options){.build = build, .build_arg = &bytes}, print_totals, &bytes);
}
