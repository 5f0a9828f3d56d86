/* idle_server.c - an echo server with the three handlers a real one has: idle timeouts, a log, the protocol.
 * What a connection costs that does nothing is measured on it by bench_idle_load.
 *
 *     bench_idle_server [--port N]
 */
#include <stdio.h>

#include <weir/transport.h>

#include "common/loopback.h"
#include "common/options.h"

static void echo_read(weir_ctx *ctx, weir_obj *msg) {
    weir_ctx_write(ctx, msg, NULL);
}

static const weir_handler echo = {.name = "echo", .read = echo_read};

static weir_status build(weir_pipeline *pipeline, void *arg) {
    (void)arg;
    weir_status status =
        weir_idle_handler_add(pipeline, &(weir_idle_options){.read_ms = 600000, .close = true});
    if (status == WEIR_OK) status = weir_log_handler_add(pipeline, WEIR_LOG_DEBUG, false);
    return status == WEIR_OK ? weir_pipeline_add_last(pipeline, &echo, NULL) : status;
}

int main(int argc, char **argv) {
    uint64_t port = 0;
    options_read(argc, argv, (option[]){{"--port", .number = &port}, {0}});
    loopback_raise_limit();
    weir_loop_group *loops = weir_loop_group_new(1);
    weir_server *server = NULL;
    weir_status status = weir_server_start(&server, &(weir_server_options){.loops = loops,
                                                                           .port = (unsigned)port,
                                                                           .build = build,
                                                                           .listen.backlog = 4096,
                                                                           .stop_on_signals = true});
    if (status == WEIR_OK) {
        char where[WEIR_ADDR_TEXT];
        printf("listening on %s\n", weir_addr_format(weir_server_addr(server), where));
        fflush(stdout);
        weir_server_wait(server);
    } else {
        fprintf(stderr, "bench_idle_server: %s\n", weir_status_text(status));
    }
    weir_server_free(server);
    weir_loop_group_free(loops);
    return status == WEIR_OK ? 0 : 1;
}
