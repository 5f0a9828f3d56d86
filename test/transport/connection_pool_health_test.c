/* connection_pool_health_test.c - which connections a pool takes back and leases again: by hand, and over sockets. */
#include <errno.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weir/testing.h>

#include "callers.h"
#include "wires.h"

/* ---- leased ---- */

WEIR_TEST(connection_pool_health, lets_go_of_a_leased_connection_that_ended) {
    scene s;
    require(scene_prepare(&s));
    s.options.max_connections = 1;
    require(scene_start(&s));
    scene_lease_new(&s, 0);
    scene_ask(&s, 1);
    dials_run(&s.dials);
    dial_break(&s.dials, 0, -ECONNRESET);
    scene_expect(&s, 1, 0, 0, 1); /* there is room for another */
    scene_give_back(&s, 0);
    scene_expect(&s, 1, 0, 0, 1);
    dial_succeed(&s.dials, 1);
    expect_status(s.callers[1].status, WEIR_OK);
    scene_finish(&s);
}

WEIR_TEST(connection_pool_health, does_not_keep_a_connection_that_is_released_while_it_closes) {
    scene s;
    scene_begin(&s);
    scene_lease_new(&s, 0);
    weir_embedded_stall(s.dials.all[0].embedded, true);
    weir_buf *buf = weir_buf_new(4);
    weir_buf_write_u32(buf, 1);
    weir_channel_write(s.callers[0].channel, buf, NULL);
    weir_channel_close(s.callers[0].channel, NULL); /* it still has something to send */
    scene_give_back(&s, 0);
    scene_expect(&s, 0, 0, 0, 0);
    expect_eq(scene_stats(&s).open, 1);
    weir_embedded_stall(s.dials.all[0].embedded, false);
    dials_run(&s.dials);
    expect_eq(scene_stats(&s).open, 0);
    scene_finish(&s);
}

WEIR_TEST(connection_pool_health, does_not_lease_what_received_something_while_it_was_idle) {
    scene s;
    scene_begin(&s);
    scene_lease_new(&s, 0);
    weir_embedded_feed_bytes(s.dials.all[0].embedded, "answer", 6); /* leased: as it should */
    scene_give_back(&s, 0);
    scene_lease(&s, 1);
    expect(s.callers[1].channel == s.dials.all[0].channel);
    scene_give_back(&s, 1);
    weir_embedded_feed_bytes(s.dials.all[0].embedded, "what?", 5);
    scene_ask(&s, 2);
    dials_run(&s.dials);
    expect_eq(scene_stats(&s).health_failures, 1);
    expect(!dial_is_open(&s.dials, 0));
    expect_eq(s.dials.count, 2);
    dial_succeed(&s.dials, 1);
    expect_status(s.callers[2].status, WEIR_OK);
    scene_finish(&s);
}

WEIR_TEST(connection_pool_health, takes_a_greeting_for_no_fault_of_a_new_connection) {
    scene s;
    scene_begin(&s);
    scene_ask(&s, 0);
    dials_run(&s.dials);
    weir_connection_pool_cancel(s.pool, hear_pool, &s.callers[0]);
    dial_succeed(&s.dials, 0);
    weir_embedded_feed_bytes(s.dials.all[0].embedded, "220 hello", 9);
    expect_status(scene_lease(&s, 1)->status, WEIR_OK);
    expect(s.callers[1].channel == s.dials.all[0].channel);
    scene_finish(&s);
}

static bool is_odd(void *arg, weir_channel *channel) {
    scene *s = arg;
    s->told++;
    return channel == s->dials.all[1].channel;
}

WEIR_TEST(connection_pool_health, asks_its_user_whether_a_connection_is_healthy) {
    scene s;
    require(scene_prepare(&s));
    s.options.is_healthy = is_odd;
    s.options.arg = &s;
    require(scene_start(&s));
    for (int i = 0; i < 3; i++) scene_lease_new(&s, i);
    for (int i = 0; i < 3; i++) scene_give_back(&s, i);
    expect(scene_lease(&s, 4)->channel == s.dials.all[1].channel);
    expect_eq(scene_stats(&s).health_failures, 1);
    expect_eq(scene_stats(&s).idle, 1);
    scene_finish(&s);
}

static bool free_pool_and_like_it(void *arg, weir_channel *channel) {
    scene *s = arg;
    (void)channel;
    weir_connection_pool_free(s->pool);
    s->pool = NULL;
    return true;
}

WEIR_TEST(connection_pool_health, may_be_freed_by_a_health_check) {
    scene s;
    require(scene_prepare(&s));
    s.options.is_healthy = free_pool_and_like_it;
    s.options.arg = &s;
    require(scene_start(&s));
    scene_lease_new(&s, 0);
    scene_give_back(&s, 0);
    scene_lease(&s, 1);
    expect_status(s.callers[1].status, WEIR_E_CLOSED);
    scene_finish(&s);
}

/* ---- over sockets ---- */

typedef struct real {
    weir_loop *loop;
    unsigned port;
    weir_connection_pool *pool;
    _Atomic(weir_channel *) leased;
    atomic_uint told;
    weir_connection_pool_stats stats;
    weir_promise *done;
} real;

static void note_real(void *arg, weir_status status, weir_channel *channel) {
    real *self = arg;
    expect_status(status, WEIR_OK);
    atomic_store(&self->leased, channel);
    atomic_fetch_add(&self->told, 1);
}

static weir_status build_paused(weir_pipeline *pipeline, void *arg) {
    (void)arg;
    weir_channel_set_reading(weir_pipeline_channel(pipeline), false); /* so that nobody reads what comes */
    return WEIR_OK;
}

static void make_real(void *arg) {
    real *self = arg;
    self->pool = weir_connection_pool_new(&(weir_connection_pool_options){
        .client = {.loop = self->loop, .host = "127.0.0.1", .port = self->port, .build = build_paused}});
}

static void ask_real(void *arg) {
    real *self = arg;
    expect_status(weir_connection_pool_acquire(self->pool, note_real, self), WEIR_OK);
}

static void release_real(void *arg) {
    real *self = arg;
    weir_connection_pool_release(atomic_load(&self->leased));
}

static void look_real(void *arg) {
    real *self = arg;
    weir_connection_pool_get_stats(self->pool, &self->stats);
    weir_promise_complete(weir_promise_retain(self->done), WEIR_OK);
}

static void free_real(void *arg) {
    weir_connection_pool_free(((real *)arg)->pool);
}

static bool is_told(real *self, unsigned count) {
    for (int i = 0; i < 10000 && atomic_load(&self->told) < count; i++) wait_ms(1);
    return atomic_load(&self->told) == count;
}

static weir_connection_pool_stats look(real *self) {
    self->done = weir_promise_new(self->loop);
    weir_loop_post(self->loop, look_real, self);
    expect_status(weir_promise_wait(self->done, 10000), WEIR_OK);
    weir_promise_release(self->done);
    return self->stats;
}

WEIR_TEST(connection_pool_health, does_not_lease_a_socket_with_unread_bytes_or_an_end) {
    for (int ended = 0; ended < 3; ended++) { /* 0: nothing came, it is leased again */
        real r = {0};
        int listener = plain_listen(&r.port, 4);
        weir_loop_group *group = weir_loop_group_new(1);
        r.loop = weir_loop_group_at(group, 0);
        weir_loop_post(r.loop, make_real, &r);
        weir_loop_post(r.loop, ask_real, &r);
        expect(is_told(&r, 1));
        int far = accept(listener, NULL, NULL);
        weir_loop_post(r.loop, release_real, &r);
        expect_eq(look(&r).idle, 1);
        if (ended == 1) expect_eq(send(far, "x", 1, MSG_NOSIGNAL), 1);
        if (ended == 2) shutdown(far, SHUT_WR);
        weir_loop_post(r.loop, ask_real, &r); /* on the loopback it has arrived */
        expect(is_told(&r, 2));
        weir_connection_pool_stats stats = look(&r);
        expect_eq(stats.health_failures, ended != 0);
        expect_eq(stats.created, ended != 0 ? 2 : 1);
        expect_eq(stats.reused, ended == 0);
        weir_loop_post(r.loop, release_real, &r);
        weir_loop_post(r.loop, free_real, &r);
        weir_loop_group_free(group);
        close(far);
        close(listener);
    }
}

WEIR_TEST(connection_pool_health, may_be_freed_after_its_loop_was_stopped) {
    real r = {0};
    int listener = plain_listen(&r.port, 4);
    weir_loop_group *group = weir_loop_group_new(1);
    r.loop = weir_loop_group_at(group, 0);
    weir_loop_post(r.loop, make_real, &r);
    weir_loop_post(r.loop, ask_real, &r);
    expect(is_told(&r, 1));
    weir_loop_stop(r.loop);
    weir_loop_post(r.loop, release_real, &r);
    weir_loop_post(r.loop, free_real, &r); /* at the latest while the loop is freed */
    weir_loop_group_free(group);
    expect_eq(atomic_load(&r.told), 1);
    close(listener);
}
