/* loop_host_test.c - a weir loop that lives on the host's own uv_loop_t. */
#include <signal.h>
#include <uv.h>

#include <weir/testing.h>
#include <weir/transport.h>

#include "actor.h"

static void count(void *arg) {
    ++*(int *)arg;
}

static void count_timer(weir_timer *timer) {
    ++*(int *)timer->arg;
}

static void on_host_timer(uv_timer_t *timer) {
    ++*(int *)timer->data;
}

WEIR_TEST(loop_host, runs_tasks_and_timers_in_the_hosts_run) {
    uv_loop_t host;
    require(uv_loop_init(&host) == 0);
    weir_loop *loop = weir_loop_new(&(weir_loop_options){.host = &host});
    require(loop != NULL);
    expect(weir_loop_is_current(loop));
    int tasks = 0, timers = 0, hosts = 0;
    weir_timer timer;
    weir_timer_init(&timer, count_timer, &timers);
    uv_update_time(&host);
    weir_timer_start(&timer, loop, 20);
    uv_timer_t hosts_own;
    uv_timer_init(&host, &hosts_own);
    hosts_own.data = &hosts;
    uv_timer_start(&hosts_own, on_host_timer, 100, 0);
    expect_status(weir_loop_post(loop, count, &tasks), WEIR_OK);
    uv_run(&host, UV_RUN_DEFAULT); /* ends with the host's last handle: weir's own keep nothing alive */
    expect_eq(hosts, 1);
    expect_eq(tasks, 1);
    expect_eq(timers, 1);
    weir_loop_free(loop);
    uv_close((uv_handle_t *)&hosts_own, NULL);
    uv_run(&host, UV_RUN_DEFAULT);
    expect_eq(uv_loop_close(&host), 0);
}

static void stop_host(uv_timer_t *timer) {
    uv_stop(timer->loop);
}

static void stop_host_by_timer(weir_timer *timer) {
    uv_stop(timer->arg);
}

/* Nothing else happens on it: the second timer, which is due first, must wake it by itself. */
WEIR_TEST(loop_host, is_woken_by_the_earliest_of_its_timers) {
    uv_loop_t host;
    uv_timer_t patience;
    weir_timer late, soon;
    require(uv_loop_init(&host) == 0);
    weir_loop *loop = weir_loop_new(&(weir_loop_options){.host = &host});
    weir_timer_init(&late, stop_host_by_timer, &host);
    weir_timer_init(&soon, stop_host_by_timer, &host);
    weir_timer_start(&late, loop, 3600000);
    weir_timer_start(&soon, loop, 5);
    uv_timer_init(&host, &patience);
    uv_timer_start(&patience, stop_host, 20000, 0);
    uv_run(&host, UV_RUN_DEFAULT);
    expect(!weir_timer_is_running(&soon));
    expect(weir_timer_is_running(&late));
    weir_timer_stop(&late, loop);
    weir_loop_free(loop);
    uv_close((uv_handle_t *)&patience, NULL);
    uv_run(&host, UV_RUN_DEFAULT);
    expect_eq(uv_loop_close(&host), 0);
}

WEIR_TEST(loop_host, keeps_the_signal_of_a_broken_pipe_away_from_the_host) {
    uv_loop_t host;
    sigset_t blocked;
    require(uv_loop_init(&host) == 0);
    weir_loop *loop = weir_loop_new(&(weir_loop_options){.host = &host});
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    expect_eq(sigismember(&blocked, SIGPIPE), 1); /* sendfile has no flag for it */
    weir_loop_free(loop);
    expect_eq(uv_loop_close(&host), 0);
}

static void run_hosted(void) {
    uv_loop_t host;
    uv_loop_init(&host);
    weir_loop_run(weir_loop_new(&(weir_loop_options){.host = &host}));
}

WEIR_TEST(loop_host, stops_the_program_when_it_is_run_as_a_loop_of_its_own) {
    expect_abort(run_hosted(), "lives on its host's");
}

static void close_client(void *arg, weir_status status) {
    expect_status(status, WEIR_OK);
    *(bool *)arg = true;
}

WEIR_TEST(loop_host, carries_channels_and_ends_them_when_it_is_freed) {
    weir_loop_group *group = weir_loop_group_new(1);
    actor server_side = {.name = "server"}, client_side = {.name = "client"};
    weir_server *server;
    require(weir_server_start(&server, &(weir_server_options){.loops = group,
                                                              .build = build_with_actor,
                                                              .build_arg = &server_side}) == WEIR_OK);
    uv_loop_t host;
    require(uv_loop_init(&host) == 0);
    weir_loop *loop = weir_loop_new(&(weir_loop_options){.host = &host});
    bool connected = false;
    weir_promise *promise = weir_promise_new(loop);
    weir_promise_listen(promise, close_client, &connected);
    weir_channel *channel =
        weir_client_connect(&(weir_client_options){.loop = loop,
                                                   .host = "127.0.0.1",
                                                   .port = weir_addr_port(weir_server_addr(server)),
                                                   .build = build_with_actor,
                                                   .build_arg = &client_side},
                            promise);
    for (int i = 0; i < 1000 && !connected; i++) uv_run(&host, UV_RUN_ONCE);
    expect(connected);
    expect(weir_channel_is_active(channel));
    weir_loop_free(loop);
    expect_eq(client_side.seen[ACTOR_INACTIVE], 1);
    expect_eq(client_side.seen[ACTOR_REMOVED], 1);
    weir_channel_release(channel);
    uv_run(&host, UV_RUN_DEFAULT);
    expect_eq(uv_loop_close(&host), 0);
    weir_server_free(server);
    weir_loop_group_free(group);
}
