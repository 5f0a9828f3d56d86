/* serve.c - the life of an example server, from its listening line to its leak report. */
#include "common/serve.h"

#include <inttypes.h>
#include <stdio.h>

static void print_connections(const weir_server *server) {
    weir_server_stats stats;
    weir_server_get_stats(server, &stats);
    printf("%" PRIu64 " connections", stats.accepted);
    if (stats.refused != 0) printf(", %" PRIu64 " refused", stats.refused);
    if (stats.aborted != 0) printf(", %" PRIu64 " cut at the end", stats.aborted);
    putchar('\n');
}

int serve(const args_server *at, weir_server_options options, serve_totals_fn *totals, void *arg) {
    options.host = at->host;
    options.port = at->port;
    options.loops = weir_loop_group_new(at->loops);
    options.stop_on_signals = true;
    weir_server *server = NULL;
    weir_status status = weir_server_start(&server, &options);
    if (status == WEIR_OK) {
        char where[WEIR_ADDR_TEXT];
        printf("listening on %s\n", weir_addr_format(weir_server_addr(server), where));
        fflush(stdout);
        weir_server_wait(server);
        print_connections(server);
        totals(arg);
    } else {
        complain("cannot listen on %s:%u: %s", at->host, at->port, weir_status_text(status));
    }
    weir_server_free(server);
    weir_loop_group_free(options.loops);
    return status == WEIR_OK && weir_leak_report(stderr) == 0 ? 0 : 1;
}
