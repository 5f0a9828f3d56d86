/* connection_pool_test.c - leases, limits and deadlines on a clock that moves by hand; health over sockets. */
#include "bootstrap/watch.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weir/testing.h>

#include "actor.h"
#include "dials.h"
#include "wires.h"

enum {
    MOST_CALLERS = 16
};

typedef struct scene scene;

typedef struct caller {
    scene *scene;
    unsigned told;
    weir_status status;
    weir_channel *channel; /* leased */
    unsigned turn;         /* how many were told before */
} caller;

struct scene {
    dials dials;
    weir_connection_pool_options options;
    weir_connection_pool *pool;
    caller callers[MOST_CALLERS];
    unsigned told;
    void (*act)(scene *self); /* when a caller is told */
};

static void note(void *arg, weir_status status, weir_channel *channel) {
    caller *self = arg;
    self->told++;
    self->status = status;
    self->channel = channel;
    self->turn = self->scene->told++;
    expect_eq(channel != NULL, status == WEIR_OK);
    if (channel != NULL) expect(weir_channel_is_active(channel));
    if (self->scene->act != NULL) self->scene->act(self->scene);
}

static void prepare(scene *self) {
    memset(self, 0, sizeof *self);
    require(dials_begin(&self->dials));
    for (int i = 0; i < MOST_CALLERS; i++) self->callers[i].scene = self;
    self->options.client = (weir_client_options){.loop = self->dials.loop, .host = "somewhere", .port = 1};
}

static void start(scene *self) {
    self->pool = connection_pool_new_with(&self->options, dial_connect);
    require(self->pool != NULL);
}

static void begin(scene *self) {
    prepare(self);
    start(self);
}

static void finish(scene *self) {
    weir_connection_pool_free(self->pool);
    dials_run(&self->dials);
    for (int i = 0; i < MOST_CALLERS; i++) weir_connection_pool_release(self->callers[i].channel);
    dials_run(&self->dials);
    for (size_t i = 0; i < self->dials.count; i++) expect(!dial_is_open(&self->dials, i));
    dials_end(&self->dials);
}

static weir_status ask(scene *self, int i) {
    unsigned told = self->callers[i].told;
    weir_status status = weir_connection_pool_acquire(self->pool, note, &self->callers[i]);
    expect_eq(self->callers[i].told, told); /* not from inside */
    return status;
}

/* Asks, and lets the dial that this begins succeed. */
static caller *lease_new(scene *self, int i) {
    size_t next = self->dials.count;
    expect_status(ask(self, i), WEIR_OK);
    dials_run(&self->dials);
    require(self->dials.count == next + 1);
    dial_succeed(&self->dials, next);
    require(self->callers[i].channel != NULL);
    return &self->callers[i];
}

static caller *lease(scene *self, int i) {
    expect_status(ask(self, i), WEIR_OK);
    dials_run(&self->dials);
    return &self->callers[i];
}

static void give_back(scene *self, int i) {
    weir_channel *channel = self->callers[i].channel;
    self->callers[i].channel = NULL;
    weir_connection_pool_release(channel);
    dials_run(&self->dials);
}

static weir_connection_pool_stats stats_of(scene *self) {
    weir_connection_pool_stats stats;
    weir_connection_pool_get_stats(self->pool, &stats);
    return stats;
}

static void expect_counts(scene *self, unsigned connecting, unsigned idle, unsigned leased,
                          unsigned waiting) {
    weir_connection_pool_stats stats = stats_of(self);
    expect_eq(stats.connecting, connecting);
    expect_eq(stats.idle, idle);
    expect_eq(stats.leased, leased);
    expect_eq(stats.waiting, waiting);
}

WEIR_TEST(connection_pool, connects_for_who_asks_and_uses_what_is_given_back) {
    scene s;
    begin(&s);
    expect_status(ask(&s, 0), WEIR_OK);
    dials_run(&s.dials);
    expect_counts(&s, 1, 0, 0, 1);
    expect_eq(stats_of(&s).open, 1);
    dial_succeed(&s.dials, 0);
    expect_status(s.callers[0].status, WEIR_OK);
    expect(s.callers[0].channel == s.dials.all[0].channel);
    expect_counts(&s, 0, 0, 1, 0);
    give_back(&s, 0);
    expect_counts(&s, 0, 1, 0, 0);
    expect(lease(&s, 1)->channel == s.dials.all[0].channel);
    expect_counts(&s, 0, 0, 1, 0);
    expect_eq(stats_of(&s).created, 1);
    expect_eq(stats_of(&s).reused, 1);
    expect_eq(s.dials.count, 1);
    finish(&s);
    expect_eq(s.callers[0].told + s.callers[1].told, 2);
}

WEIR_TEST(connection_pool, leases_the_last_released_first) {
    scene s;
    begin(&s);
    for (int i = 0; i < 3; i++) lease_new(&s, i);
    weir_channel *last = s.callers[0].channel;
    give_back(&s, 1);
    give_back(&s, 2);
    give_back(&s, 0);
    expect(lease(&s, 3)->channel == last);
    finish(&s);
}

WEIR_TEST(connection_pool, opens_no_more_than_allowed_and_serves_callers_in_their_order) {
    scene s;
    prepare(&s);
    s.options.max_connections = 2;
    start(&s);
    for (int i = 0; i < 5; i++) expect_status(ask(&s, i), WEIR_OK);
    dials_run(&s.dials);
    expect_eq(s.dials.count, 2);
    expect_counts(&s, 2, 0, 0, 5);
    dial_succeed(&s.dials, 1);
    dial_succeed(&s.dials, 0);
    expect_counts(&s, 0, 0, 2, 3);
    give_back(&s, 0);
    give_back(&s, 1);
    give_back(&s, 2);
    for (int i = 0; i < 5; i++) {
        expect_status(s.callers[i].status, WEIR_OK);
        expect_eq(s.callers[i].told, 1);
        expect_eq(s.callers[i].turn, i);
    }
    expect_eq(s.dials.count, 2);
    finish(&s);
}

WEIR_TEST(connection_pool, needs_no_second_connection_for_who_was_served_by_a_release) {
    scene s;
    begin(&s);
    lease_new(&s, 0);
    expect_status(ask(&s, 1), WEIR_OK);
    dials_run(&s.dials);
    expect_eq(s.dials.count, 2);
    give_back(&s, 0);
    expect_status(s.callers[1].status, WEIR_OK);
    dial_succeed(&s.dials, 1); /* stays idle */
    expect_counts(&s, 0, 1, 1, 0);
    finish(&s);
}

WEIR_TEST(connection_pool, refuses_more_callers_than_may_wait) {
    scene s;
    prepare(&s);
    s.options.max_waiting = 2;
    start(&s);
    expect_status(ask(&s, 0), WEIR_OK);
    expect_status(ask(&s, 1), WEIR_OK);
    expect_status(ask(&s, 2), WEIR_E_LIMIT);
    finish(&s);
    expect_eq(s.callers[2].told, 0);
}

WEIR_TEST(connection_pool, lets_nobody_wait_longer_than_allowed) {
    scene s;
    prepare(&s);
    s.options.acquire_timeout_ms = 500;
    start(&s);
    expect_status(ask(&s, 0), WEIR_OK);
    dials_advance(&s.dials, 499);
    expect_eq(s.callers[0].told, 0);
    dials_advance(&s.dials, 1);
    expect_status(s.callers[0].status, WEIR_E_TIMEOUT);
    expect_eq(stats_of(&s).timeouts, 1);
    dial_succeed(&s.dials, 0); /* late, and kept for the next */
    expect_counts(&s, 0, 1, 0, 0);
    expect_status(lease(&s, 1)->status, WEIR_OK);
    finish(&s);
}

WEIR_TEST(connection_pool, tells_a_failed_attempt_to_the_caller_that_waits_longest) {
    scene s;
    prepare(&s);
    s.options.max_connections = 1;
    start(&s);
    for (int i = 0; i < 3; i++) ask(&s, i);
    dials_run(&s.dials);
    dial_fail(&s.dials, 0, -ECONNREFUSED);
    expect_status(s.callers[0].status, -ECONNREFUSED);
    expect_eq(s.callers[1].told, 0);
    expect_eq(s.dials.count, 2); /* for the next caller */
    dial_succeed(&s.dials, 1);
    expect_status(s.callers[1].status, WEIR_OK);
    expect_eq(stats_of(&s).connect_failures, 1);
    expect_eq(stats_of(&s).open, 1);
    finish(&s);
    expect_status(s.callers[2].status, WEIR_E_CLOSED);
}

WEIR_TEST(connection_pool, tells_each_caller_when_connecting_cannot_even_begin) {
    scene s;
    begin(&s);
    s.dials.refuses = WEIR_E_INVALID;
    for (int i = 0; i < 3; i++) ask(&s, i);
    dials_run(&s.dials);
    for (int i = 0; i < 3; i++) expect_status(s.callers[i].status, WEIR_E_INVALID);
    expect_eq(stats_of(&s).open, 0);
    finish(&s);
}

static weir_status refuse_to_build(weir_pipeline *pipeline, void *arg) {
    (void)pipeline;
    (void)arg;
    return WEIR_E_LIMIT;
}

WEIR_TEST(connection_pool, tells_that_a_pipeline_could_not_be_built) {
    scene s;
    prepare(&s);
    s.options.client.build = refuse_to_build;
    start(&s);
    ask(&s, 0);
    dials_run(&s.dials);
    dial_succeed(&s.dials, 0);
    expect_eq(s.callers[0].told, 1);
    expect_status(s.callers[0].status, WEIR_E_LIMIT);
    finish(&s);
}

static void close_at_once(actor *self, weir_ctx *ctx, actor_slot slot) {
    (void)self;
    (void)slot;
    weir_ctx_close(ctx, NULL);
}

WEIR_TEST(connection_pool, fails_who_waits_for_a_connection_that_its_own_handlers_close) {
    scene s;
    actor h = {.name = "h", .act = close_at_once, .when = ACTOR_ACTIVE};
    prepare(&s);
    s.options.client.build = build_with_actor;
    s.options.client.build_arg = &h;
    s.options.max_connections = 1;
    start(&s);
    ask(&s, 0);
    dials_run(&s.dials);
    dial_succeed(&s.dials, 0);
    expect_status(s.callers[0].status, WEIR_E_CLOSED);
    expect_eq(s.dials.count, 1);
    finish(&s);
}

/* ---- idle ---- */

WEIR_TEST(connection_pool, closes_what_was_idle_for_too_long) {
    scene s;
    prepare(&s);
    s.options.idle_timeout_ms = 1000;
    start(&s);
    lease_new(&s, 0);
    lease_new(&s, 1);
    give_back(&s, 0);
    dials_advance(&s.dials, 400);
    give_back(&s, 1);
    dials_advance(&s.dials, 599);
    expect_counts(&s, 0, 2, 0, 0);
    dials_advance(&s.dials, 1);
    expect_counts(&s, 0, 1, 0, 0);
    expect(!dial_is_open(&s.dials, 0) && dial_is_open(&s.dials, 1));
    dials_advance(&s.dials, 400);
    expect_counts(&s, 0, 0, 0, 0);
    expect_eq(stats_of(&s).open, 0);
    lease_new(&s, 2); /* and the clock starts again with the next */
    give_back(&s, 2);
    dials_advance(&s.dials, 999);
    expect_counts(&s, 0, 1, 0, 0);
    dials_advance(&s.dials, 1);
    expect_counts(&s, 0, 0, 0, 0);
    finish(&s);
}

WEIR_TEST(connection_pool, keeps_no_more_idle_ones_than_allowed) {
    scene s;
    prepare(&s);
    s.options.max_idle = 1;
    start(&s);
    for (int i = 0; i < 3; i++) lease_new(&s, i);
    for (int i = 0; i < 3; i++) give_back(&s, i);
    expect_counts(&s, 0, 1, 0, 0);
    expect_eq(stats_of(&s).open, 1);
    expect(dial_is_open(&s.dials, 0) && !dial_is_open(&s.dials, 1) && !dial_is_open(&s.dials, 2));
    finish(&s);
}

WEIR_TEST(connection_pool, forgets_an_idle_connection_that_ends) {
    scene s;
    begin(&s);
    lease_new(&s, 0);
    lease_new(&s, 1);
    give_back(&s, 0);
    give_back(&s, 1);
    dial_end(&s.dials, 1);
    expect_counts(&s, 0, 1, 0, 0);
    dial_break(&s.dials, 0, -ECONNRESET);
    expect_counts(&s, 0, 0, 0, 0);
    expect_eq(stats_of(&s).open, 0);
    expect_eq(stats_of(&s).health_failures, 0);
    finish(&s);
}

/* ---- leased ---- */

WEIR_TEST(connection_pool, lets_go_of_a_leased_connection_that_ended) {
    scene s;
    prepare(&s);
    s.options.max_connections = 1;
    start(&s);
    lease_new(&s, 0);
    ask(&s, 1);
    dials_run(&s.dials);
    dial_break(&s.dials, 0, -ECONNRESET);
    expect_counts(&s, 1, 0, 0, 1); /* there is room for another */
    give_back(&s, 0);
    expect_counts(&s, 1, 0, 0, 1);
    dial_succeed(&s.dials, 1);
    expect_status(s.callers[1].status, WEIR_OK);
    finish(&s);
}

WEIR_TEST(connection_pool, does_not_keep_a_connection_that_is_released_while_it_closes) {
    scene s;
    begin(&s);
    lease_new(&s, 0);
    weir_embedded_stall(s.dials.all[0].embedded, true);
    weir_buf *buf = weir_buf_new(4);
    weir_buf_write_u32(buf, 1);
    weir_channel_write(s.callers[0].channel, buf, NULL);
    weir_channel_close(s.callers[0].channel, NULL); /* it still has something to send */
    give_back(&s, 0);
    expect_counts(&s, 0, 0, 0, 0);
    expect_eq(stats_of(&s).open, 1);
    weir_embedded_stall(s.dials.all[0].embedded, false);
    dials_run(&s.dials);
    expect_eq(stats_of(&s).open, 0);
    finish(&s);
}

WEIR_TEST(connection_pool, does_not_lease_what_received_something_while_it_was_idle) {
    scene s;
    begin(&s);
    lease_new(&s, 0);
    weir_embedded_feed_bytes(s.dials.all[0].embedded, "answer", 6); /* leased: as it should */
    give_back(&s, 0);
    lease(&s, 1);
    expect(s.callers[1].channel == s.dials.all[0].channel);
    give_back(&s, 1);
    weir_embedded_feed_bytes(s.dials.all[0].embedded, "what?", 5);
    ask(&s, 2);
    dials_run(&s.dials);
    expect_eq(stats_of(&s).health_failures, 1);
    expect(!dial_is_open(&s.dials, 0));
    expect_eq(s.dials.count, 2);
    dial_succeed(&s.dials, 1);
    expect_status(s.callers[2].status, WEIR_OK);
    finish(&s);
}

WEIR_TEST(connection_pool, takes_a_greeting_for_no_fault_of_a_new_connection) {
    scene s;
    begin(&s);
    ask(&s, 0);
    dials_run(&s.dials);
    weir_connection_pool_cancel(s.pool, note, &s.callers[0]);
    dial_succeed(&s.dials, 0);
    weir_embedded_feed_bytes(s.dials.all[0].embedded, "220 hello", 9);
    expect_status(lease(&s, 1)->status, WEIR_OK);
    expect(s.callers[1].channel == s.dials.all[0].channel);
    finish(&s);
}

static bool is_odd(void *arg, weir_channel *channel) {
    scene *s = arg;
    s->told++;
    return channel == s->dials.all[1].channel;
}

WEIR_TEST(connection_pool, asks_its_user_whether_a_connection_is_healthy) {
    scene s;
    prepare(&s);
    s.options.is_healthy = is_odd;
    s.options.arg = &s;
    start(&s);
    for (int i = 0; i < 3; i++) lease_new(&s, i);
    for (int i = 0; i < 3; i++) give_back(&s, i);
    expect(lease(&s, 4)->channel == s.dials.all[1].channel);
    expect_eq(stats_of(&s).health_failures, 1);
    expect_eq(stats_of(&s).idle, 1);
    finish(&s);
}

static bool free_pool_and_like_it(void *arg, weir_channel *channel) {
    scene *s = arg;
    (void)channel;
    weir_connection_pool_free(s->pool);
    s->pool = NULL;
    return true;
}

WEIR_TEST(connection_pool, may_be_freed_by_a_health_check) {
    scene s;
    prepare(&s);
    s.options.is_healthy = free_pool_and_like_it;
    s.options.arg = &s;
    start(&s);
    lease_new(&s, 0);
    give_back(&s, 0);
    lease(&s, 1);
    expect_status(s.callers[1].status, WEIR_E_CLOSED);
    finish(&s);
}

/* ---- canceling and freeing ---- */

WEIR_TEST(connection_pool, tells_who_no_longer_wants_to_wait) {
    scene s;
    begin(&s);
    ask(&s, 0);
    ask(&s, 1);
    expect(weir_connection_pool_cancel(s.pool, note, &s.callers[0]));
    expect_status(s.callers[0].status, WEIR_E_CANCELED);
    expect(!weir_connection_pool_cancel(s.pool, note, &s.callers[0]));
    expect_eq(s.callers[0].told, 1);
    expect_eq(s.callers[1].told, 0);
    finish(&s);
}

WEIR_TEST(connection_pool, closes_cancels_and_tells_when_it_is_freed_but_leaves_what_is_leased) {
    scene s;
    prepare(&s);
    s.options.max_connections = 3;
    start(&s);
    lease_new(&s, 0);
    lease_new(&s, 1);
    ask(&s, 2);
    ask(&s, 3);
    dials_run(&s.dials);
    weir_connection_pool_cancel(s.pool, note, &s.callers[2]);
    give_back(&s, 1);
    give_back(&s, 3);
    ask(&s, 4);
    ask(&s, 5);
    dials_run(&s.dials);
    give_back(&s, 4);
    ask(&s, 6);
    ask(&s, 7);
    weir_connection_pool_free(s.pool);
    s.pool = NULL;
    dials_run(&s.dials);
    for (int i = 6; i < 8; i++) expect_status(s.callers[i].status, WEIR_E_CLOSED);
    expect(dial_is_open(&s.dials, 0));
    expect(weir_channel_is_active(s.callers[0].channel));
    expect(!dial_is_open(&s.dials, 2)); /* was being connected */
    give_back(&s, 0);
    expect(!dial_is_open(&s.dials, 0));
    finish(&s);
}

static void free_pool(scene *self) {
    self->act = NULL;
    weir_connection_pool_free(self->pool);
    self->pool = NULL;
}

static void ask_once_more(scene *self) {
    self->act = NULL;
    weir_status status = weir_connection_pool_acquire(self->pool, note, &self->callers[9]);
    expect(status == WEIR_OK || status == WEIR_E_CLOSED);
}

WEIR_TEST(connection_pool, may_be_freed_by_whom_it_tells_something) {
    for (int way = 0; way < 4; way++) {
        scene s;
        weir_test_context("way %d", way);
        prepare(&s);
        s.options.acquire_timeout_ms = 100;
        start(&s);
        ask(&s, 0);
        ask(&s, 1);
        dials_run(&s.dials);
        s.act = free_pool;
        if (way == 0) dial_succeed(&s.dials, 0);
        if (way == 1) dial_fail(&s.dials, 0, -ECONNREFUSED);
        if (way == 2) dials_advance(&s.dials, 100);
        if (way == 3) weir_connection_pool_cancel(s.pool, note, &s.callers[0]);
        expect(s.pool == NULL);
        expect_eq(s.callers[0].told, 1);
        expect_eq(s.callers[1].told, 1);
        expect_status(s.callers[1].status, way == 2 ? s.callers[1].status : (weir_status)WEIR_E_CLOSED);
        finish(&s);
    }
}

WEIR_TEST(connection_pool, may_be_asked_by_whom_it_tells_something) {
    scene s;
    begin(&s);
    ask(&s, 0);
    s.act = ask_once_more;
    dials_run(&s.dials);
    dial_succeed(&s.dials, 0);
    expect_eq(s.callers[0].told, 1);
    expect_eq(stats_of(&s).waiting, 1);
    dial_succeed(&s.dials, 1);
    expect_eq(s.callers[9].told, 1);
    ask(&s, 1);
    s.act = ask_once_more; /* told that the pool is freed, it asks again */
    finish(&s);
    expect_status(s.callers[1].status, WEIR_E_CLOSED);
    expect_eq(s.callers[9].told, 1);
}

WEIR_TEST(connection_pool, stops_who_releases_twice_or_what_is_not_from_a_pool) {
    scene s;
    begin(&s);
    lease_new(&s, 0);
    expect_abort(
        {
            weir_connection_pool_release(weir_channel_retain(s.callers[0].channel));
            weir_connection_pool_release(s.callers[0].channel);
        },
        "released twice");
    finish(&s);
}

WEIR_TEST(connection_pool, is_nothing_without_a_loop) {
    expect(weir_connection_pool_new(&(weir_connection_pool_options){.client = {.host = "a", .port = 1}}) ==
           NULL);
    weir_connection_pool_free(NULL);
    weir_connection_pool_release(NULL);
}

/* ---- memory ---- */

static bool live(void *arg) {
    scene s;
    (void)arg;
    memset(&s, 0, sizeof s);
    if (!dials_begin(&s.dials)) return false;
    for (int i = 0; i < MOST_CALLERS; i++) s.callers[i].scene = &s;
    weir_connection_pool_options options = {.client = {.loop = s.dials.loop, .host = "somewhere", .port = 1},
                                            .acquire_timeout_ms = 100};
    s.pool = connection_pool_new_with(&options, dial_connect);
    if (s.pool == NULL) {
        dials_end(&s.dials);
        return false;
    }
    unsigned begun = 0;
    for (int i = 0; i < 2; i++) {
        begun += weir_connection_pool_acquire(s.pool, note, &s.callers[i]) == WEIR_OK;
        dials_run(&s.dials);
        if (s.dials.count > 0 && s.dials.all[s.dials.count - 1].promise != NULL)
            dial_succeed(&s.dials, s.dials.count - 1);
        dials_advance(&s.dials, 100);
        give_back(&s, i);
    }
    expect_eq(s.told, begun);
    bool good = begun == 2 && s.callers[0].status == WEIR_OK && s.callers[1].status == WEIR_OK;
    finish(&s);
    return good;
}

WEIR_TEST(connection_pool, may_run_out_of_memory_anywhere) {
    expect(weir_oom_sweep(live, NULL) > 8);
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

WEIR_TEST(connection_pool, does_not_lease_a_socket_with_unread_bytes_or_an_end) {
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

WEIR_TEST(connection_pool, may_be_freed_after_its_loop_was_stopped) {
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
