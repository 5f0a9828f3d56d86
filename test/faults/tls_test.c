/* tls_test.c - TLS in a storm of failing calls: streams, regions and HTTP, ALPN that picks who speaks, a relay in between
 * that splices, and TLS that begins in the middle of a connection.
 */
#include <stdlib.h>

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
    if (it.build_own == NULL) it.build_own = build_server;
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

static weir_channel *connect_with(const weir_server *server, storm *self, session *one, weir_build_fn *build,
                                  weir_promise *promise) {
    weir_client_options options = storm_client(self, one);
    options.port = weir_addr_port(weir_server_addr(server));
    options.build = build;
    return weir_client_connect(&options, promise);
}

static weir_channel *to_echo(storm *self, session *one, weir_promise *promise) {
    return connect_with(self->own, self, one, build_echo, promise);
}

static weir_channel *to_file(storm *self, session *one, weir_promise *promise) {
    return connect_with(self->own, self, one, build_file, promise);
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

/* ---- through a relay, which takes records for any bytes ---- */

static weir_channel *to_relay(storm *self, session *one, weir_promise *promise) {
    return connect_with(self->relay, self, one, build_echo, promise);
}

static const session_kind relay_kinds[] = {{.name = "tls by a relay", .most = 600000, .connect = to_relay}};

WEIR_TEST(tls, bytes_that_are_spliced_come_in_order_or_a_failure_is_told) {
    run((storm){.begin_one = session_begin, .kinds = relay_kinds, .kind_count = 1});
}

/* ---- STARTTLS: a byte asks for it, a byte allows it ---- */

enum {
    ASKS = '?',
    ALLOWS = '!'
};

static bool takes_byte(weir_obj *msg, uint8_t byte) {
    const weir_buf *buf = weir_buf_from(msg);
    bool is_right = buf != NULL && weir_buf_readable(buf) == 1 && weir_buf_peek(buf).ptr[0] == byte;
    weir_obj_release(msg);
    return is_right;
}

static void write_byte(weir_ctx *ctx, uint8_t byte) {
    weir_buf *buf = weir_ctx_get_buf(ctx, 1);
    require(buf != NULL);
    weir_buf_write_u8(buf, byte);
    weir_ctx_write(ctx, buf, NULL);
}

static void allow(weir_ctx *ctx, weir_obj *msg) {
    storm *world = weir_ctx_state(ctx);
    if (!takes_byte(msg, ASKS)) storm_fail(world, "starttls: what nobody asked");
    write_byte(ctx, ALLOWS);
    if (storm_tls_start_server(weir_ctx_pipeline(ctx), world) != WEIR_OK ||
        storm_add_echo(weir_ctx_pipeline(ctx), world) != WEIR_OK)
        weir_ctx_abort(ctx, WEIR_E_CANCELED);
    weir_pipeline_remove(ctx);
}

static const weir_handler allower = {.name = "allower", .read = allow};

static weir_status build_allower(weir_pipeline *pipeline, void *arg) {
    weir_status status = storm_account(pipeline, arg);
    return status == WEIR_OK ? weir_pipeline_add_last(pipeline, &allower, arg) : status;
}

/* In front of the session, which begins when TLS does. */
typedef struct starter {
    session *session;
    bool ready, failed;
} starter;

static void starter_active(weir_ctx *ctx) {
    write_byte(ctx, ASKS);
}

static void starter_read(weir_ctx *ctx, weir_obj *msg) {
    const starter *self = weir_ctx_state(ctx);
    storm *world = session_storm(self->session);
    if (self->ready) {
        weir_ctx_fire_read(ctx, msg);
        return;
    }
    if (!takes_byte(msg, ALLOWS)) storm_fail(world, "starttls: not the byte that allows it");
    if (storm_tls_start_client(weir_ctx_pipeline(ctx), world) != WEIR_OK)
        weir_ctx_abort(ctx, WEIR_E_CANCELED);
}

static void starter_event(weir_ctx *ctx, weir_obj *event) {
    starter *self = weir_ctx_state(ctx);
    weir_ctx_fire_event(ctx, event);
    if (event != &weir_tls_event_ready.obj) return;
    self->ready = true;
    weir_ctx_fire_active(ctx);
}

static void starter_error(weir_ctx *ctx, const weir_error *error) {
    ((starter *)weir_ctx_state(ctx))->failed = true;
    weir_ctx_fire_error(ctx, error);
}

static void starter_inactive(weir_ctx *ctx) {
    const starter *self = weir_ctx_state(ctx);
    if (self->ready) {
        weir_ctx_fire_inactive(ctx);
    } else if (!self->failed) {
        session_ended_early(self->session);
    }
}

static void starter_removed(weir_ctx *ctx) {
    free(weir_ctx_state(ctx));
}

static const weir_handler starter_handler = {.name = "starter",
                                             .removed = starter_removed,
                                             .active = starter_active,
                                             .inactive = starter_inactive,
                                             .read = starter_read,
                                             .event = starter_event,
                                             .error = starter_error};

static weir_status build_starter(weir_pipeline *pipeline, void *arg) {
    starter *self = calloc(1, sizeof *self);
    require(self != NULL);
    self->session = arg;
    weir_status status = weir_pipeline_add_last(pipeline, &starter_handler, self);
    if (status != WEIR_OK) free(self);
    return status == WEIR_OK ? session_build(pipeline, arg) : status;
}

static weir_channel *to_allower(storm *self, session *one, weir_promise *promise) {
    return connect_with(self->own, self, one, build_starter, promise);
}

static const session_kind starttls_kinds[] = {{.name = "starttls", .most = 200000, .connect = to_allower}};

WEIR_TEST(tls, bytes_behind_starttls_come_in_order_or_a_failure_is_told) {
    run((storm){
        .begin_one = session_begin, .kinds = starttls_kinds, .kind_count = 1, .build_own = build_allower});
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
