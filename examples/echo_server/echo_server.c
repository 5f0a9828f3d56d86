/* Echo server: everything a client sends comes straight back. */
#include <stdio.h>

#include <weir/transport.h>

#include "common/args.h"

static void echo_read(weir_ctx *ctx, weir_obj *msg) {
    weir_ctx_write(ctx, msg, NULL); /* write takes msg: nothing to copy, nothing to release */
}

static void echo_read_complete(weir_ctx *ctx) {
    weir_ctx_flush(ctx); /* one writev for the whole burst */
}

static const weir_handler echo = {.name = "echo", .read = echo_read, .read_complete = echo_read_complete};

static weir_status build(weir_pipeline *pipeline, void *arg) {
    (void)arg;
    return weir_pipeline_add_last(pipeline, &echo, NULL); /* NULL: it remembers nothing */
}

int main(int argc, char **argv) {
    args_server at = {.host = "127.0.0.1", .port = 7007};
    args_parse(&argc, argv, "Sends everything a client sends straight back.", "",
               (args_option[]){ARGS_SERVER(at), {0}});

    /* A thread and a listening socket each, but the first loop runs in this thread, while it waits. */
    weir_loop_group *loops =
        weir_loop_group_new_with(&(weir_loop_group_options){.count = at.loops, .first_on_caller = true});
    weir_server_options options = {
        .loops = loops, .host = at.host, .port = at.port, .build = build, .stop_on_signals = true};
    weir_server *server = NULL;
    weir_status status = weir_server_start(&server, &options);
    if (status != WEIR_OK) {
        complain("cannot listen on %s:%u: %s", at.host, at.port, weir_status_text(status));
    } else {
        char where[WEIR_ADDR_TEXT];
        printf("listening on %s\n", weir_addr_format(weir_server_addr(server), where));
        fflush(stdout);
        weir_server_wait(server); /* until SIGINT or SIGTERM */
        weir_server_stats totals;
        weir_server_get_stats(server, &totals);
        printf("%llu connections\n", (unsigned long long)totals.accepted);
    }
    weir_server_free(server);
    weir_loop_group_free(loops);
    return weir_leak_report(stderr) == 0 && status == WEIR_OK ? 0 : 1;
}
