/* Echo over TLS: what echo_server does, with one more handler in front. */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>

#include <weir/transport.h>

#include "common/serve.h"
#include "common/tls.h"

static atomic_ullong bytes;

static void echo_active(weir_ctx *ctx) {
    weir_tls_info info;
    if (weir_tls_get_info(weir_ctx_pipeline(ctx), &info)) {
        printf("%s, %s, %s%s%s%s\n", info.version, info.cipher, info.resumed ? "resumed" : "full handshake",
               info.server_name[0] != '\0' ? ", asked for " : "", info.server_name,
               info.has_peer_cert ? ", with a certificate" : "");
        fflush(stdout);
    }
    weir_ctx_fire_active(ctx);
}

static void echo_read(weir_ctx *ctx, weir_obj *msg) {
    atomic_fetch_add_explicit(&bytes, weir_buf_readable(weir_buf_from(msg)), memory_order_relaxed);
    weir_ctx_write(ctx, msg, NULL);
}

static void echo_read_complete(weir_ctx *ctx) {
    weir_ctx_flush(ctx);
}

static const weir_handler echo = {
    .name = "echo", .active = echo_active, .read = echo_read, .read_complete = echo_read_complete};

static weir_status build(weir_pipeline *pipeline, void *context) {
    weir_status status = tls_server_add(pipeline, context);
    return status == WEIR_OK ? weir_pipeline_add_last(pipeline, &echo, NULL) : status;
}

static void print_totals(void *context) {
    weir_tls_context_stats stats;
    weir_tls_context_get_stats(context, &stats);
    printf("%" PRIu64 " handshakes, %" PRIu64 " of them resumed, %" PRIu64 " failed; %llu bytes\n",
           stats.handshakes, stats.resumed, stats.failures, atomic_load(&bytes));
    weir_tls_context_release(context);
}

int main(int argc, char **argv) {
    args_server at = {.host = "127.0.0.1", .port = 7443};
    args_tls tls = {0};
    weir_tls_context *context = NULL;
    args_parse(&argc, argv, "Sends everything a client sends straight back, over TLS.", "",
               (args_option[]){ARGS_SERVER(at), ARGS_TLS(tls), {0}});
    if (tls.cert == NULL) tls.self_signed = true;
    if (tls_server_context(&context, &tls, at.host, NULL) != 0) return 1;
    return serve(&at, (weir_server_options){.build = build, .build_arg = context}, print_totals, context);
}
