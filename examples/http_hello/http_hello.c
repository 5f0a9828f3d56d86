/* The least a web server does: /plaintext and /json, as the TechEmpower benchmarks ask for them. */
#include <stdatomic.h>
#include <stdio.h>

#include <weir/codec/http_server.h>
#include <weir/transport.h>

#include "common/confine.h"
#include "common/serve.h"
#include "common/tls.h"

static atomic_ullong requests;
static weir_tls_context *tls; /* NULL: none */

/* A response with room for its fields, and a body of its own, both from the loop's pool. */
static void answer(weir_ctx *ctx, const char *type, weir_buf *body) {
    weir_http_response *response = weir_http_response_new_in(weir_loop_pool(weir_ctx_loop(ctx)), 200);
    if (response != NULL)
        weir_http_fields_add(&response->head.fields, WEIR_HTTP_CONTENT_TYPE, weir_bytes_str(type));
    weir_http_server_respond(ctx, response, body, NULL);
}

static void answer_plaintext(weir_ctx *ctx) {
    weir_buf *body = weir_ctx_get_buf(ctx, 64);
    if (body != NULL) weir_buf_write_str(body, "Hello, World!");
    answer(ctx, "text/plain", body);
}

static void answer_json(weir_ctx *ctx) {
    const char *message = "Hello, World!";
    weir_buf *body = weir_ctx_get_buf(ctx, 64);
    if (body != NULL) weir_buf_printf(body, "{\"message\":\"%s\"}", message);
    answer(ctx, "application/json", body);
}

/* Answered at the head: what is left of the request, if anything, the codec reads and drops. */
static void hello_read(weir_ctx *ctx, weir_obj *msg) {
    const weir_http_request *request = weir_http_request_from(msg);
    atomic_fetch_add_explicit(&requests, 1, memory_order_relaxed);
    if (request->method != WEIR_HTTP_METHOD_GET && request->method != WEIR_HTTP_METHOD_HEAD) {
        weir_http_server_respond_text(ctx, 405, NULL);
    } else if (weir_bytes_equal_str(request->path, "/plaintext")) {
        answer_plaintext(ctx);
    } else if (weir_bytes_equal_str(request->path, "/json")) {
        answer_json(ctx);
    } else {
        weir_http_server_respond_text(ctx, 404, NULL);
    }
    weir_obj_release(msg);
}

static const weir_handler hello = {.name = "hello", .read = hello_read};

static weir_status build(weir_pipeline *pipeline, void *arg) {
    weir_status status = tls_server_add(pipeline, tls);
    if (status == WEIR_OK) status = weir_http_server_add(pipeline, arg);
    return status != WEIR_OK ? status : weir_pipeline_add_last(pipeline, &hello, NULL);
}

static void print_totals(void *arg) {
    (void)arg;
    printf("%llu requests\n", atomic_load(&requests));
    weir_tls_context_release(tls);
}

static bool reload(void *arg) {
    return tls_server_reload(tls, arg) == 0;
}

int main(int argc, char **argv) {
    args_server at = {.host = "127.0.0.1", .port = 8080};
    args_tls secured = {0};
    args_parse(&argc, argv, "Says hello over HTTP: /plaintext and /json.", "",
               (args_option[]){ARGS_SERVER(at), ARGS_CONFINED(at), ARGS_TLS(secured), {0}});
    if (tls_server_context(&tls, &secured, at.host, "http/1.1") != 0) return 1;
    const confine_rule rules[] = {{.path = secured.cert, .beside = true},
                                  {.path = secured.key, .beside = true}};
    if (confine(&at, rules, 2) != 0) return 1;
    weir_http_server_options http = {.server_name = "weir", .stopping_idle_ms = 500};
    weir_server_options options = {.build = build, .build_arg = &http};
    return serve_reloading(&at, options, print_totals, reload, &secured);
}
