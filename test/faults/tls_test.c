/* tls_test.c - TLS in a storm of failing calls: streams, regions and HTTP, and ALPN that picks who speaks. */
#include <weir/codec/http_server.h>
#include <weir/testing.h>

#include "storm_tls.h"
#include "visitor.h"

enum {
    USUAL_FAULTS = 6000
};

/* ---- the server ---- */

static weir_status add_site(weir_pipeline *pipeline, void *arg) {
    weir_status status = weir_http_server_add(pipeline, NULL);
    return status == WEIR_OK ? visitor_site_add(pipeline, arg) : status;
}

static weir_status build_server(weir_pipeline *pipeline, void *arg) {
    static weir_tls_alpn speakers[] = {
        {"echo", storm_add_echo, NULL}, {"file", storm_add_file, NULL}, {"http/1.1", add_site, NULL}};
    for (int i = 0; i < 3; i++) speakers[i].build_arg = arg;
    weir_status status = storm_tls_add_server(pipeline, arg);
    return status == WEIR_OK ? weir_tls_alpn_add(pipeline, speakers, 3) : status;
}

static void run(storm it) {
    it.build_own = build_server;
    storm_tls_open();
    storm_run(&it, fault_goal(USUAL_FAULTS));
    storm_tls_close();
}

/* ---- streams ---- */

static weir_status build_session(weir_pipeline *pipeline, session *one, storm_protocol protocol) {
    weir_status status = storm_tls_add_client(pipeline, session_storm(one), protocol);
    return status == WEIR_OK ? session_build(pipeline, one) : status;
}

static weir_status build_echo(weir_pipeline *pipeline, void *arg) {
    return build_session(pipeline, arg, STORM_ECHO);
}

static weir_status build_file(weir_pipeline *pipeline, void *arg) {
    return build_session(pipeline, arg, STORM_FILE);
}

static weir_channel *connect_with(storm *self, session *one, weir_build_fn *build, weir_promise *promise) {
    weir_client_options options = storm_client(self, one);
    options.port = weir_addr_port(weir_server_addr(self->own));
    options.build = build;
    return weir_client_connect(&options, promise);
}

static weir_channel *to_echo(storm *self, session *one, weir_promise *promise) {
    return connect_with(self, one, build_echo, promise);
}

static weir_channel *to_file(storm *self, session *one, weir_promise *promise) {
    return connect_with(self, one, build_file, promise);
}

static const session_kind echo_kinds[] = {{.name = "tls", .most = 200000, .connect = to_echo}};

WEIR_TEST(tls, bytes_come_in_order_or_a_failure_is_told) {
    run((storm){.begin_one = session_begin, .kinds = echo_kinds, .kind_count = 1});
}

static const session_kind file_kinds[] = {
    {.name = "tls file", .asks_for_file = true, .most = 600000, .connect = to_file}};

WEIR_TEST(tls, pieces_of_a_file_come_whole_or_a_failure_is_told) {
    run((storm){.begin_one = session_begin, .kinds = file_kinds, .kind_count = 1});
}

/* ---- HTTP ---- */

static weir_status build_front(weir_pipeline *pipeline, void *arg) {
    return storm_tls_add_client(pipeline, arg, STORM_HTTP);
}

static void begin_visit(storm *world) {
    static const visitor_kind kind = {.name = "https", .build_front = build_front};
    visitor_begin(world, &kind);
}

WEIR_TEST(tls, an_answer_comes_whole_or_its_failure_is_told) {
    run((storm){.begin_one = begin_visit});
}
