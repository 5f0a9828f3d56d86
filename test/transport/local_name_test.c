/* local_name_test.c - servers and clients that meet on "local:NAME", over loops with threads of their own. */
#include <errno.h>
#include <string.h>

#include <weir/core/log.h>
#include <weir/testing.h>

#include "actor.h"
#include "wires.h"

enum {
    PATIENCE_MS = 10000
};

static void echo_read(weir_ctx *ctx, weir_obj *msg) {
    weir_ctx_write(ctx, msg, NULL);
}

static const weir_handler echo = {.name = "echo", .read = echo_read};

static weir_status build_echo(weir_pipeline *pipeline, void *arg) {
    (void)arg;
    return weir_pipeline_add_last(pipeline, &echo, NULL);
}

static weir_status build_none(weir_pipeline *pipeline, void *arg) {
    (void)pipeline;
    (void)arg;
    return WEIR_E_LIMIT;
}

/* What a client has seen; written on its loop. */
typedef struct seen {
    atomic_uint bytes, errors, ended;
} seen;

static void note_read(weir_ctx *ctx, weir_obj *msg) {
    seen *self = weir_ctx_state(ctx);
    atomic_fetch_add(&self->bytes, (unsigned)weir_obj_size(msg));
    weir_obj_release(msg);
}

static void note_error(weir_ctx *ctx, const weir_error *error) {
    (void)error;
    atomic_fetch_add(&((seen *)weir_ctx_state(ctx))->errors, 1);
}

static void note_removed(weir_ctx *ctx) {
    atomic_fetch_add(&((seen *)weir_ctx_state(ctx))->ended, 1);
}

static const weir_handler noter = {
    .name = "noter", .removed = note_removed, .read = note_read, .error = note_error};

static weir_status build_noter(weir_pipeline *pipeline, void *arg) {
    return weir_pipeline_add_last(pipeline, &noter, arg);
}

static bool comes_to(atomic_uint *value, unsigned wanted) {
    for (int i = 0; i < PATIENCE_MS && atomic_load(value) != wanted; i++) wait_ms(1);
    return atomic_load(value) == wanted;
}

typedef struct house {
    weir_loop_group *servers, *clients;
    weir_server *server;
    seen seen;
} house;

static void open_house(house *self, unsigned loops, weir_server_options options) {
    *self = (house){.servers = weir_loop_group_new(loops), .clients = weir_loop_group_new(1)};
    options.loops = self->servers;
    options.host = "local:house";
    if (options.build == NULL) options.build = build_echo;
    require(weir_server_start(&self->server, &options) == WEIR_OK);
}

static void close_house(house *self) {
    weir_server_free(self->server);
    weir_loop_group_free(self->clients);
    weir_loop_group_free(self->servers);
}

/* It writes ahead of what it reads: if it paused reading for that, while the echo is paused too, both would wait. */
static weir_channel *visit(house *self, const char *host, weir_status *status) {
    weir_loop *loop = weir_loop_group_at(self->clients, 0);
    weir_client_options options = {
        .loop = loop, .host = host, .build = build_noter, .build_arg = &self->seen};
    options.channel.read_while_unwritable = true;
    weir_promise *connected = weir_promise_new(loop);
    weir_channel *channel = weir_client_connect(&options, weir_promise_retain(connected));
    *status = weir_promise_wait(connected, PATIENCE_MS);
    weir_promise_release(connected);
    return channel;
}

static weir_buf *hello(void) {
    weir_buf *buf = weir_buf_new(0);
    if (buf != NULL) weir_buf_write_str(buf, "hello");
    return buf;
}

WEIR_TEST(local_name, is_connected_to_and_answers_from_another_loop) {
    house h;
    weir_status status;
    open_house(&h, 1, (weir_server_options){0});
    weir_channel *channel = visit(&h, "local:house", &status);
    expect_status(status, WEIR_OK);
    for (int i = 0; i < 100; i++) weir_channel_write(channel, hello(), NULL);
    expect(comes_to(&h.seen.bytes, 500));
    weir_channel_close(channel, NULL);
    expect(comes_to(&h.seen.ended, 1));
    expect_eq(atomic_load(&h.seen.errors), 0);
    weir_channel_release(channel);
    close_house(&h);
}

WEIR_TEST(local_name, that_nobody_has_refuses) {
    house h;
    weir_status status;
    open_house(&h, 1, (weir_server_options){0});
    weir_channel_release(visit(&h, "local:home", &status));
    expect_status(status, -ECONNREFUSED);
    weir_channel_release(visit(&h, "local:", &status));
    expect_status(status, -ECONNREFUSED);
    weir_server_stop(h.server);
    weir_server_wait(h.server);
    weir_channel_release(visit(&h, "local:house", &status));
    expect_status(status, -ECONNREFUSED);
    expect(comes_to(&h.seen.ended, 3));
    close_house(&h);
}

WEIR_TEST(local_name, belongs_to_one_server_at_a_time) {
    house h;
    weir_server *second;
    open_house(&h, 1, (weir_server_options){0});
    weir_server_options options = {.loops = h.servers, .build = build_echo, .host = "local:house"};
    expect_status(weir_server_start(&second, &options), -EADDRINUSE);
    weir_server_free(h.server);
    h.server = NULL;
    expect_status(weir_server_start(&second, &options), WEIR_OK);
    weir_server_free(second);
    options.host = "local:";
    expect_status(weir_server_start(&second, &options), WEIR_E_INVALID);
    close_house(&h);
}

WEIR_TEST(local_name, gives_connections_to_its_loops_in_turn) {
    house h;
    weir_status status;
    weir_channel *channels[6];
    open_house(&h, 3, (weir_server_options){0});
    for (int i = 0; i < 6; i++) channels[i] = visit(&h, "local:house", &status);
    for (int i = 0; i < 6; i++) weir_channel_write(channels[i], hello(), NULL);
    expect(comes_to(&h.seen.bytes, 30));
    for (size_t i = 0; i < 3; i++) expect_eq(weir_loop_channels(weir_loop_group_at(h.servers, i)), 2);
    for (int i = 0; i < 6; i++) weir_channel_release(channels[i]);
    close_house(&h);
    expect_eq(atomic_load(&h.seen.ended), 6);
}

WEIR_TEST(local_name, refuses_connections_over_the_servers_limit) {
    house h;
    weir_status status;
    weir_server_stats stats;
    open_house(&h, 1, (weir_server_options){.max_connections = 1});
    weir_channel *first = visit(&h, "local:house", &status);
    expect_status(status, WEIR_OK);
    weir_channel_release(visit(&h, "local:house", &status));
    expect_status(status, -ECONNREFUSED);
    weir_server_get_stats(h.server, &stats);
    expect_eq(stats.accepted, 1);
    expect_eq(stats.refused, 1);
    weir_channel_release(first);
    close_house(&h);
}

static void drop_line(void *arg, weir_log_level level, const char *subject, const char *line) {
    (void)arg;
    (void)level;
    (void)subject;
    (void)line;
}

WEIR_TEST(local_name, resets_a_connection_whose_pipeline_cannot_be_built) {
    house h;
    weir_status status;
    weir_log_set_sink(drop_line, NULL);
    open_house(&h, 1, (weir_server_options){.build = build_none});
    weir_channel *channel = visit(&h, "local:house", &status);
    expect_status(status, WEIR_OK);
    expect(comes_to(&h.seen.ended, 1));
    expect_eq(atomic_load(&h.seen.errors), 1);
    weir_channel_release(channel);
    close_house(&h);
    weir_log_set_sink(NULL, NULL);
}

WEIR_TEST(local_name, lets_its_server_stop_gracefully) {
    house h;
    weir_status status;
    open_house(&h, 2, (weir_server_options){0});
    weir_channel *channel = visit(&h, "local:house", &status);
    expect_status(status, WEIR_OK);
    weir_server_stop(h.server);
    expect_status(weir_server_wait(h.server), WEIR_OK);
    expect(comes_to(&h.seen.ended, 1));
    expect_eq(atomic_load(&h.seen.errors), 0);
    weir_channel_release(channel);
    close_house(&h);
}

/* ---- a server whose loop does not come to answer ---- */

static atomic_bool holding, let_go;

static void hold_loop(void *arg) {
    (void)arg;
    atomic_store(&holding, true);
    for (int i = 0; i < PATIENCE_MS && !atomic_load(&let_go); i++) wait_ms(1);
}

static void hold(house *self) {
    atomic_store(&holding, false);
    atomic_store(&let_go, false);
    require(weir_loop_post(weir_loop_group_at(self->servers, 0), hold_loop, NULL) == WEIR_OK);
    while (!atomic_load(&holding)) wait_ms(1);
}

WEIR_TEST(local_name, that_does_not_answer_in_time_is_given_up) {
    house h;
    open_house(&h, 1, (weir_server_options){0});
    hold(&h);
    weir_loop *loop = weir_loop_group_at(h.clients, 0);
    weir_client_options options = {.loop = loop,
                                   .host = "local:house",
                                   .build = build_noter,
                                   .build_arg = &h.seen,
                                   .connect_timeout_ms = 20};
    weir_promise *connected = weir_promise_new(loop);
    weir_channel *channel = weir_client_connect(&options, weir_promise_retain(connected));
    expect_status(weir_promise_wait(connected, PATIENCE_MS), WEIR_E_TIMEOUT);
    weir_promise_release(connected);
    weir_channel_release(channel);
    expect(comes_to(&h.seen.ended, 1));
    atomic_store(&let_go, true); /* now the server meets a client that has gone */
    close_house(&h);
}

WEIR_TEST(local_name, may_be_left_while_it_is_connected_to) {
    house h;
    open_house(&h, 1, (weir_server_options){0});
    weir_log_set_sink(drop_line, NULL);
    for (unsigned i = 1; i <= 200; i++) {
        weir_loop *loop = weir_loop_group_at(h.clients, 0);
        weir_client_options options = {
            .loop = loop, .host = "local:house", .build = build_noter, .build_arg = &h.seen};
        weir_channel *channel = weir_client_connect(&options, NULL);
        if (i % 3 != 0) wait_ms(0);
        weir_channel_close(channel, NULL);
        weir_channel_release(channel);
        if (i % 50 == 0) expect(comes_to(&h.seen.ended, i));
    }
    close_house(&h);
    weir_log_set_sink(NULL, NULL);
}

WEIR_TEST(local_name, ends_every_connection_when_the_loops_of_one_side_stop) {
    house h;
    weir_status status;
    weir_channel *channels[20];
    weir_log_set_sink(drop_line, NULL);
    open_house(&h, 2, (weir_server_options){0});
    for (int i = 0; i < 20; i++) channels[i] = visit(&h, "local:house", &status);
    for (int i = 0; i < 20; i++) weir_channel_write(channels[i], hello(), NULL);
    weir_loop_group_free(h.clients);
    h.clients = NULL;
    expect_eq(atomic_load(&h.seen.ended), 20);
    for (int i = 0; i < PATIENCE_MS; i++) {
        weir_server_stats stats;
        weir_server_get_stats(h.server, &stats);
        if (stats.open == 0) break;
        wait_ms(1);
    }
    weir_server_stats stats;
    weir_server_get_stats(h.server, &stats);
    expect_eq(stats.open, 0);
    for (int i = 0; i < 20; i++) weir_channel_release(channels[i]);
    close_house(&h);
    weir_log_set_sink(NULL, NULL);
}

static bool talk(void *arg) {
    house h;
    (void)arg;
    h = (house){.servers = weir_loop_group_new(1), .clients = weir_loop_group_new(1)};
    weir_server_options options = {.loops = h.servers, .host = "local:house", .build = build_echo};
    bool good = h.servers != NULL && h.clients != NULL && weir_server_start(&h.server, &options) == WEIR_OK;
    if (good) {
        weir_loop *loop = weir_loop_group_at(h.clients, 0);
        weir_client_options with = {
            .loop = loop, .host = "local:house", .build = build_noter, .build_arg = &h.seen};
        weir_promise *written = weir_promise_new(loop);
        weir_channel *channel = weir_client_connect(&with, NULL);
        good = channel != NULL && written != NULL;
        if (good) weir_channel_write(channel, hello(), weir_promise_retain(written));
        good = good && weir_promise_wait(written, PATIENCE_MS) == WEIR_OK;
        while (good && atomic_load(&h.seen.bytes) == 0 && atomic_load(&h.seen.ended) == 0) wait_ms(1);
        weir_promise_release(written);
        good = good && atomic_load(&h.seen.bytes) == 5;
        if (channel != NULL) weir_channel_abort(channel, WEIR_E_CANCELED);
        weir_channel_release(channel);
    }
    weir_loop_group_free(h.clients);
    weir_server_free(h.server);
    weir_loop_group_free(h.servers);
    return good;
}

WEIR_TEST(local_name, may_run_out_of_memory_on_both_sides) {
    weir_log_set_sink(drop_line, NULL);
    expect(weir_oom_sweep(talk, NULL) > 10);
    weir_log_set_sink(NULL, NULL);
}

/* ---- much, from one thread to another ---- */

WEIR_TEST(local_name, keeps_the_order_of_many_messages_between_two_threads) {
    enum {
        TOTAL = 20000
    };
    house h;
    weir_status status;
    open_house(&h, 1, (weir_server_options){0});
    weir_channel *channel = visit(&h, "local:house", &status);
    for (unsigned i = 0; i < TOTAL; i++) {
        for (int j = 0; j < PATIENCE_MS && weir_channel_pending_bytes(channel) > 30000; j++) wait_ms(1);
        weir_channel_write(channel, hello(), NULL);
    }
    expect(comes_to(&h.seen.bytes, TOTAL * 5));
    weir_channel_release(channel);
    close_house(&h);
}
