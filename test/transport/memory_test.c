/* memory_test.c - whole lives with each allocation failing in turn: no crash, no leak, no endless wait. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <weir/core/log.h>
#include <weir/testing.h>

#include "wires.h"

static void drop_line(void *arg, weir_log_level level, const char *subject, const char *line) {
    (void)arg;
    (void)level;
    (void)subject;
    (void)line;
}

/* ---- embedded ---- */

static void echo_read(weir_ctx *ctx, weir_obj *msg) {
    weir_ctx_write(ctx, msg, NULL);
}

static const weir_handler echo_handler = {.name = "echo", .read = echo_read};

static weir_status build_all(weir_pipeline *pipeline, void *arg) {
    (void)arg;
    weir_status status = weir_pipeline_add_last(pipeline, &echo_handler, NULL);
    if (status == WEIR_OK) status = weir_log_handler_add(pipeline, WEIR_LOG_WARN, true);
    weir_idle_options idle = {.all_ms = 1000};
    return status != WEIR_OK ? status : weir_idle_handler_add(pipeline, &idle);
}

static void count_ok(void *arg, weir_status status) {
    if (status == WEIR_OK) ++*(int *)arg;
}

static bool write_and_hear(weir_embedded *e, void *msg) {
    int left = 0;
    weir_promise *promise = weir_promise_new(weir_embedded_loop(e));
    if (promise != NULL && weir_promise_listen(promise, count_ok, &left) != WEIR_OK) return false;
    weir_channel_write(weir_embedded_channel(e), msg, promise);
    weir_embedded_run(e);
    return left == 1;
}

static bool take(weir_embedded *e, size_t expected) {
    weir_buf *out = weir_embedded_take_all(e);
    bool all = out != NULL && weir_buf_readable(out) == expected;
    weir_buf_release(out);
    return all;
}

static bool live_embedded(void *arg) {
    (void)arg;
    weir_embedded *e = weir_embedded_new(NULL, build_all, NULL);
    if (e == NULL) return false;
    bool good = weir_embedded_feed_bytes(e, "hello", 5) == WEIR_OK && take(e, 5);
    weir_buf *buf = weir_buf_new(100);
    if (buf != NULL) weir_buf_write_fill(buf, 'x', 100);
    good = write_and_hear(e, buf) && good;
    weir_region *region = weir_region_file(open("/dev/zero", O_RDONLY | O_CLOEXEC), true, 0, 300);
    weir_region *part = region != NULL ? weir_region_slice(region, 100, 100) : NULL;
    weir_region_release(region);
    good = write_and_hear(e, part) && good;
    good = take(e, 200) && good;
    weir_embedded_advance(e, 2500);
    weir_promise *closed = weir_promise_new(weir_embedded_loop(e));
    weir_channel_close(weir_embedded_channel(e), closed);
    weir_channel_close(weir_embedded_channel(e), weir_promise_new(weir_embedded_loop(e)));
    weir_embedded_run(e);
    good = good && !weir_embedded_is_open(e);
    weir_embedded_free(e);
    return good && closed != NULL;
}

WEIR_TEST(memory, may_run_out_anywhere_in_the_life_of_an_embedded_channel) {
    weir_log_set_sink(drop_line, NULL);
    expect(weir_oom_sweep(live_embedded, NULL) > 10);
    weir_log_set_sink(NULL, NULL);
}

/* ---- server and client ---- */

typedef struct talk {
    atomic_bool heard, ended;
} talk;

static void ask(weir_ctx *ctx) {
    weir_buf *buf = weir_ctx_get_buf(ctx, 4);
    if (buf != NULL) weir_buf_write_str(buf, "ping");
    weir_ctx_write(ctx, buf, NULL);
}

static void hear(weir_ctx *ctx, weir_obj *msg) {
    talk *self = weir_ctx_state(ctx);
    if (weir_obj_size(msg) == 4) atomic_store(&self->heard, true);
    weir_obj_release(msg);
}

static void note_end(weir_ctx *ctx) {
    atomic_store(&((talk *)weir_ctx_state(ctx))->ended, true);
}

static const weir_handler talker = {.name = "talker", .active = ask, .read = hear, .inactive = note_end};

static weir_status build_talker(weir_pipeline *pipeline, void *arg) {
    return weir_pipeline_add_last(pipeline, &talker, arg);
}

static bool talk_over(talk *self, weir_loop *loop, unsigned port) {
    weir_promise *connected = weir_promise_new(loop);
    weir_client_options options = {
        .loop = loop, .host = "127.0.0.1", .port = port, .build = build_talker, .build_arg = self};
    weir_channel *channel = weir_client_connect(&options, weir_promise_retain(connected));
    bool stands = connected != NULL && weir_promise_wait(connected, 10000) == WEIR_OK;
    for (int i = 0; stands && i < 20000 && !atomic_load(&self->heard) && !atomic_load(&self->ended); i++)
        wait_ms(1);
    if (stands) expect(atomic_load(&self->heard) || atomic_load(&self->ended));
    if (channel != NULL) weir_channel_abort(channel, WEIR_E_CANCELED);
    weir_channel_release(channel);
    weir_promise_release(connected);
    return atomic_load(&self->heard);
}

/* `arg`: on how many loops; the second one is handed the second connection. */
static bool live_on_sockets(void *arg) {
    unsigned loops = *(unsigned *)arg;
    bool good = false;
    talk talks[2] = {{false, false}, {false, false}}; /* until the loops are gone */
    weir_loop_group *servers = weir_loop_group_new(loops), *clients = weir_loop_group_new(1);
    weir_server *server = NULL;
    weir_server_options options = {
        .loops = servers, .build = build_all, .stop_timeout_ms = 2000, .accept = WEIR_ACCEPT_HANDOVER};
    if (servers != NULL && clients != NULL && weir_server_start(&server, &options) == WEIR_OK) {
        unsigned port = weir_addr_port(weir_server_addr(server));
        good = true;
        for (unsigned i = 0; i < loops; i++)
            good = talk_over(&talks[i], weir_loop_group_at(clients, 0), port) && good;
    }
    weir_loop_group_free(clients);
    weir_server_free(server);
    weir_loop_group_free(servers);
    return good;
}

WEIR_TEST(memory, may_run_out_anywhere_in_the_life_of_a_server_and_a_client) {
    weir_log_set_sink(drop_line, NULL);
    for (unsigned loops = 1; loops <= 2; loops++) expect(weir_oom_sweep(live_on_sockets, &loops) > 20);
    weir_log_set_sink(NULL, NULL);
}
