/* idle_connection_test.c - what a connection costs that does nothing: see docs/decisions/0030-idle-connections.md.
 *
 * The bounds are the bytes asked for on x86-64. Whoever needs more of every connection says why, and for what.
 */
#include <unistd.h>

#include <weir/testing.h>

#include "house.h"

enum {
    BEFORE = 8, /* what a loop needs once is there then */
    MORE = 64,
    PLACE = 56,  /* of a handler in a pipeline */
    SOCKET = 376 /* a channel and its socket */
};

static atomic_size_t active;

/* The last thing that happens to a connection here: nothing is read. */
static void count_active(weir_ctx *ctx) {
    (void)ctx;
    atomic_fetch_add(&active, 1);
}

static const weir_handler last = {.name = "last", .active = count_active};

static weir_status build_one(weir_pipeline *pipeline, void *arg) {
    (void)arg;
    return weir_pipeline_add_last(pipeline, &last, NULL);
}

static weir_status build_three(weir_pipeline *pipeline, void *arg) {
    weir_status status =
        weir_idle_handler_add(pipeline, &(weir_idle_options){.read_ms = 600000, .close = true});
    if (status == WEIR_OK) status = weir_log_handler_add(pipeline, WEIR_LOG_DEBUG, false);
    return status != WEIR_OK ? status : build_one(pipeline, arg);
}

static void call_often(unsigned port, int *fds, size_t n) {
    size_t wanted = atomic_load(&active) + n;
    for (size_t i = 0; i < n; i++) fds[i] = plain_connect(port);
    for (int i = 0; i < 10000 && atomic_load(&active) != wanted; i++) wait_ms(1);
    require(atomic_load(&active) == wanted);
}

static size_t bytes_of_one(weir_build_fn *build) {
    int fds[BEFORE + MORE];
    weir_loop_group *group = weir_loop_group_new(1);
    weir_server *server;
    weir_leak_track(false); /* its records are not the server's */
    require(weir_server_start(&server, &(weir_server_options){.loops = group,
                                                              .build = build,
                                                              .channel.manual_read = true}) == WEIR_OK);
    unsigned port = weir_addr_port(weir_server_addr(server));
    call_often(port, fds, BEFORE);
    size_t before = weir_test_alloc()->live_bytes;
    call_often(port, fds + BEFORE, MORE);
    size_t after = weir_test_alloc()->live_bytes;
    for (size_t i = 0; i < BEFORE + MORE; i++) close(fds[i]);
    weir_server_free(server);
    weir_loop_group_free(group);
    return (after - before) / MORE;
}

WEIR_TEST(idle_connection, takes_no_more_than_its_channel_and_its_handler) {
    size_t bytes = bytes_of_one(build_one);
    expect(bytes > 0);
    expect(bytes <= SOCKET + PLACE);
}

WEIR_TEST(idle_connection, takes_no_more_than_its_channel_and_three_handlers_of_which_one_remembers) {
    enum {
        IDLE = 88 /* the state of the idle handler */
    };
    expect(bytes_of_one(build_three) <= SOCKET + 3 * PLACE + IDLE);
}
