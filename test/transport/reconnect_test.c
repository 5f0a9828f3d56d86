/* reconnect_test.c - a connection that is kept up, on a clock that moves by hand; and once over sockets. */
#include "bootstrap/watch.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include <weir/testing.h>

#include "actor.h"
#include "dials.h"
#include "wires.h"

typedef struct scene scene;
struct scene {
    dials dials;
    weir_reconnect_options options;
    weir_reconnect *reconnect;
    trail trail;
    unsigned waits[100];
    size_t wait_count;
    weir_channel *up;
    /* in the event of this state: */
    int act_at;
    void (*act)(scene *self, weir_reconnect *reconnect);
};

static const char *const state_names[] = {"connecting", "up", "down", "waiting", "stopped"};

static void note(void *arg, weir_reconnect *reconnect, const weir_reconnect_event *event) {
    scene *self = arg;
    trail_add(&self->trail, "%s %s %u", state_names[event->state], weir_status_name(event->cause),
              event->failures);
    expect_eq(event->channel != NULL, event->state == WEIR_RECONNECT_UP);
    if (event->channel != NULL) {
        expect(event->channel == weir_reconnect_channel(reconnect));
        expect(weir_channel_is_active(event->channel));
    } else {
        expect(weir_reconnect_channel(reconnect) == NULL);
    }
    self->up = event->channel;
    if (event->state == WEIR_RECONNECT_WAITING && self->wait_count < 100)
        self->waits[self->wait_count++] = event->wait_ms;
    if (self->act != NULL && self->act_at == (int)event->state) self->act(self, reconnect);
}

static void prepare(scene *self) {
    memset(self, 0, sizeof *self);
    require(dials_begin(&self->dials));
    self->options = (weir_reconnect_options){
        .client = {.loop = self->dials.loop, .host = "somewhere", .port = 1, .local_host = "here"},
        .on_event = note,
        .arg = self,
        .seed = 1};
}

static void start(scene *self) {
    self->reconnect = reconnect_new_with(&self->options, dial_connect);
    require(self->reconnect != NULL);
}

static void begin(scene *self) {
    prepare(self);
    start(self);
    dials_advance(&self->dials, 1);
}

static void finish(scene *self) {
    weir_reconnect_free(self->reconnect);
    dials_run(&self->dials);
    dials_end(&self->dials);
}

/* The wait that was told last. */
static unsigned last_wait(const scene *self) {
    return self->waits[self->wait_count - 1];
}

static void wait_out(scene *self) {
    unsigned wait = last_wait(self) > 0 ? last_wait(self) : 1;
    dials_advance(&self->dials, wait);
}

WEIR_TEST(reconnect, tells_each_step_and_comes_back) {
    scene s;
    begin(&s);
    expect(trail_is(&s.trail, "connecting WEIR_OK 0\n"));
    expect_str(s.dials.all[0].options.host, "somewhere");
    expect_str(s.dials.all[0].options.local_host, "here");
    dial_succeed(&s.dials, 0);
    expect(trail_is(&s.trail, "up WEIR_OK 0\n"));
    expect(s.up == s.dials.all[0].channel);
    dial_break(&s.dials, 0, -ECONNRESET);
    expect(trail_is(&s.trail, "down ECONNRESET 1\nwaiting ECONNRESET 1\n"));
    wait_out(&s);
    expect(trail_is(&s.trail, "connecting WEIR_OK 1\n"));
    dial_fail(&s.dials, 1, -ECONNREFUSED);
    expect(trail_is(&s.trail, "down ECONNREFUSED 2\nwaiting ECONNREFUSED 2\n"));
    wait_out(&s);
    dial_succeed(&s.dials, 2);
    expect(trail_is(&s.trail, "connecting WEIR_OK 2\nup WEIR_OK 2\n"));
    dial_end(&s.dials, 2);
    expect(trail_is(&s.trail, "down WEIR_OK 3\nwaiting WEIR_OK 3\n"));
    finish(&s);
}

WEIR_TEST(reconnect, does_not_try_before_its_wait_is_over) {
    scene s;
    prepare(&s);
    s.options.min_delay_ms = 1000;
    start(&s);
    dials_advance(&s.dials, 1);
    dial_fail(&s.dials, 0, -ECONNREFUSED);
    require(last_wait(&s) > 1);
    dials_advance(&s.dials, last_wait(&s) - 1);
    expect_eq(s.dials.count, 1);
    dials_advance(&s.dials, 1);
    expect_eq(s.dials.count, 2);
    finish(&s);
}

/* Lets so many attempts fail, one after the other. */
static void fail_often(scene *s, size_t times) {
    for (size_t i = 0; i < times; i++) {
        dial_fail(&s->dials, s->dials.count - 1, -ECONNREFUSED);
        wait_out(s);
    }
}

WEIR_TEST(reconnect, doubles_the_cap_of_its_waits_up_to_the_highest) {
    unsigned highest[10] = {0};
    for (uint64_t seed = 1; seed <= 200; seed++) {
        static const unsigned caps[10] = {10, 20, 40, 80, 160, 320, 500, 500, 500, 500};
        scene s;
        prepare(&s);
        s.options.seed = seed;
        s.options.min_delay_ms = 10;
        s.options.max_delay_ms = 500;
        start(&s);
        dials_advance(&s.dials, 1);
        fail_often(&s, 10);
        for (int i = 0; i < 10; i++) {
            expect(s.waits[i] <= caps[i]);
            if (s.waits[i] > highest[i]) highest[i] = s.waits[i];
        }
        finish(&s);
    }
    expect(highest[0] > 8 && highest[1] > 16 && highest[3] > 64 && highest[6] > 400 && highest[9] > 400);
}

WEIR_TEST(reconnect, waits_as_its_seed_says) {
    scene s[3];
    for (int i = 0; i < 3; i++) {
        prepare(&s[i]);
        s[i].options.seed = i < 2 ? 7 : 8;
        start(&s[i]);
        dials_advance(&s[i].dials, 1);
        fail_often(&s[i], 8);
        finish(&s[i]);
    }
    expect(memcmp(s[0].waits, s[1].waits, sizeof s[0].waits) == 0);
    expect(memcmp(s[0].waits, s[2].waits, sizeof s[0].waits) != 0);
}

WEIR_TEST(reconnect, begins_anew_after_it_stayed_up_for_a_while) {
    static const uint64_t up_for[] = {999, 1000};
    static const char *const trails[] = {"down WEIR_OK 4\nwaiting WEIR_OK 4\n",
                                         "down WEIR_OK 0\nwaiting WEIR_OK 0\n"};
    for (int i = 0; i < 2; i++) {
        scene s;
        prepare(&s);
        s.options.stable_ms = 1000;
        start(&s);
        dials_advance(&s.dials, 1);
        fail_often(&s, 3);
        dial_succeed(&s.dials, 3);
        dials_advance(&s.dials, up_for[i]);
        s.trail.length = 0;
        s.trail.text[0] = '\0';
        dial_end(&s.dials, 3);
        expect(trail_is(&s.trail, trails[i]));
        if (i == 1) expect(last_wait(&s) <= 100);
        finish(&s);
    }
}

WEIR_TEST(reconnect, gives_up_after_so_many_failures_in_a_row) {
    scene s;
    prepare(&s);
    s.options.max_failures = 2;
    start(&s);
    dials_advance(&s.dials, 1);
    dial_fail(&s.dials, 0, -ECONNREFUSED);
    wait_out(&s);
    dial_fail(&s.dials, 1, -EHOSTUNREACH);
    expect(trail_is(&s.trail, "connecting WEIR_OK 0\ndown ECONNREFUSED 1\nwaiting ECONNREFUSED 1\n"
                              "connecting WEIR_OK 1\ndown EHOSTUNREACH 2\nstopped EHOSTUNREACH 2\n"));
    dials_advance(&s.dials, 1000000);
    weir_reconnect_stop(s.reconnect);
    expect(trail_is(&s.trail, ""));
    expect_eq(s.dials.count, 2);
    finish(&s);
    expect(trail_is(&s.trail, ""));
}

WEIR_TEST(reconnect, gives_up_at_once_when_no_attempt_can_help) {
    static const weir_status causes[] = {WEIR_E_INVALID, WEIR_E_STOPPED};
    for (int i = 0; i < 2; i++) {
        scene s;
        prepare(&s);
        s.dials.refuses = causes[i];
        start(&s);
        dials_advance(&s.dials, 1);
        expect(strstr(s.trail.text, "stopped") != NULL);
        dials_advance(&s.dials, 1000000);
        expect_eq(s.wait_count, 0);
        finish(&s);
    }
}

WEIR_TEST(reconnect, tries_again_when_connecting_could_not_even_begin) {
    scene s;
    prepare(&s);
    s.dials.refuses = WEIR_E_NO_MEMORY;
    start(&s);
    dials_advance(&s.dials, 1);
    expect(trail_is(&s.trail, "connecting WEIR_OK 0\ndown WEIR_E_NO_MEMORY 1\nwaiting WEIR_E_NO_MEMORY 1\n"));
    s.dials.refuses = WEIR_OK;
    wait_out(&s);
    expect_eq(s.dials.count, 1);
    finish(&s);
}

/* ---- stopping, in each state ---- */

WEIR_TEST(reconnect, may_be_stopped_before_it_began) {
    scene s;
    prepare(&s);
    start(&s);
    weir_reconnect_stop(s.reconnect);
    expect(trail_is(&s.trail, "stopped WEIR_E_CANCELED 0\n"));
    dials_advance(&s.dials, 1000);
    expect_eq(s.dials.count, 0);
    finish(&s);
}

WEIR_TEST(reconnect, may_be_stopped_while_it_connects) {
    scene s;
    begin(&s);
    trail_is(&s.trail, "connecting WEIR_OK 0\n");
    weir_reconnect_stop(s.reconnect);
    expect(trail_is(&s.trail, ""));
    dials_run(&s.dials);
    expect(trail_is(&s.trail, "down WEIR_E_CANCELED 1\nstopped WEIR_E_CANCELED 1\n"));
    expect(!dial_is_open(&s.dials, 0));
    dials_advance(&s.dials, 1000000);
    expect_eq(s.dials.count, 1);
    finish(&s);
}

WEIR_TEST(reconnect, may_be_stopped_while_it_is_up) {
    scene s;
    begin(&s);
    dial_succeed(&s.dials, 0);
    trail_is(&s.trail, "connecting WEIR_OK 0\nup WEIR_OK 0\n");
    weir_reconnect_stop(s.reconnect);
    weir_reconnect_stop(s.reconnect);
    dials_run(&s.dials);
    expect(trail_is(&s.trail, "down WEIR_OK 1\nstopped WEIR_OK 1\n"));
    expect(!dial_is_open(&s.dials, 0));
    expect_status(weir_embedded_aborted(s.dials.all[0].embedded), WEIR_OK); /* closed, not reset */
    finish(&s);
}

WEIR_TEST(reconnect, may_be_stopped_while_it_waits) {
    scene s;
    begin(&s);
    dial_fail(&s.dials, 0, -ECONNREFUSED);
    trail_is(&s.trail, "connecting WEIR_OK 0\ndown ECONNREFUSED 1\nwaiting ECONNREFUSED 1\n");
    weir_reconnect_stop(s.reconnect);
    expect(trail_is(&s.trail, "stopped WEIR_E_CANCELED 1\n"));
    dials_advance(&s.dials, 1000000);
    expect_eq(s.dials.count, 1);
    finish(&s);
}

static void stop_it(scene *self, weir_reconnect *reconnect) {
    (void)self;
    weir_reconnect_stop(reconnect);
}

static void free_it(scene *self, weir_reconnect *reconnect) {
    self->reconnect = NULL;
    self->act = NULL;
    weir_reconnect_free(reconnect);
}

WEIR_TEST(reconnect, may_be_stopped_or_freed_in_any_event) {
    static void (*const acts[])(scene *, weir_reconnect *) = {stop_it, free_it};
    for (int act = 0; act < 2; act++) {
        for (int state = WEIR_RECONNECT_CONNECTING; state <= WEIR_RECONNECT_STOPPED; state++) {
            scene s;
            weir_test_context("%s in %s", act == 0 ? "stopped" : "freed", state_names[state]);
            prepare(&s);
            s.act = acts[act];
            s.act_at = state;
            s.options.max_failures = state == WEIR_RECONNECT_STOPPED ? 1 : 0;
            start(&s);
            dials_advance(&s.dials, 1);
            expect_eq(s.dials.count, state != WEIR_RECONNECT_CONNECTING);
            if (s.dials.count > 0) dial_succeed(&s.dials, 0);
            if (s.dials.count > 0 && dial_is_open(&s.dials, 0)) dial_end(&s.dials, 0);
            const char *last = strstr(s.trail.text, "stopped");
            if (act == 0 || state == WEIR_RECONNECT_STOPPED) {
                expect(last != NULL && strchr(last, '\n')[1] == '\0');
            } else {
                expect(last == NULL);
            }
            size_t told = s.trail.length;
            dials_advance(&s.dials, 1000000);
            expect_eq(s.trail.length, told);
            expect(s.dials.count <= 1);
            finish(&s);
        }
    }
}

WEIR_TEST(reconnect, may_be_freed_while_it_connects_and_while_it_is_up) {
    for (int up = 0; up < 2; up++) {
        scene s;
        begin(&s);
        if (up) dial_succeed(&s.dials, 0);
        weir_reconnect_free(s.reconnect);
        s.reconnect = NULL;
        size_t told = s.trail.length;
        dials_run(&s.dials);
        expect(!dial_is_open(&s.dials, 0));
        expect_eq(s.trail.length, told);
        finish(&s);
    }
}

WEIR_TEST(reconnect, is_nothing_without_a_loop) {
    expect(weir_reconnect_new(&(weir_reconnect_options){.client = {.host = "a", .port = 1}}) == NULL);
    weir_reconnect_free(NULL);
}

WEIR_TEST(reconnect, lets_the_pipeline_be_built_by_its_user) {
    scene s;
    actor h = {.name = "h"};
    prepare(&s);
    s.options.client.build = build_with_actor;
    s.options.client.build_arg = &h;
    s.options.on_event = NULL;
    start(&s);
    dials_advance(&s.dials, 1);
    dial_succeed(&s.dials, 0);
    expect_eq(h.seen[ACTOR_ADDED], 1);
    expect_eq(h.seen[ACTOR_ACTIVE], 1);
    finish(&s);
    expect_eq(h.seen[ACTOR_REMOVED], 1);
}

/* ---- memory ---- */

static bool live(void *arg) {
    (void)arg;
    scene s;
    memset(&s, 0, sizeof s);
    if (!dials_begin(&s.dials)) return false;
    weir_reconnect_options options = {.client = {.loop = s.dials.loop, .host = "somewhere", .port = 1},
                                      .on_event = note,
                                      .arg = &s,
                                      .max_delay_ms = 1};
    s.reconnect = reconnect_new_with(&options, dial_connect);
    dials_advance(&s.dials, 1);
    if (s.dials.count == 1 && s.dials.all[0].promise != NULL) dial_succeed(&s.dials, 0);
    bool up = s.reconnect != NULL && weir_reconnect_channel(s.reconnect) != NULL;
    if (s.reconnect != NULL)
        finish(&s);
    else
        dials_end(&s.dials);
    return up;
}

WEIR_TEST(reconnect, may_run_out_of_memory_anywhere) {
    expect(weir_oom_sweep(live, NULL) > 5);
}

/* ---- over sockets ---- */

typedef struct real {
    weir_reconnect *reconnect;
    weir_loop *loop;
    weir_client_options client;
    atomic_uint ups, stops;
    _Atomic(weir_channel *) channel;
} real;

static void note_real(void *arg, weir_reconnect *reconnect, const weir_reconnect_event *event) {
    real *self = arg;
    (void)reconnect;
    if (event->state == WEIR_RECONNECT_UP) atomic_fetch_add(&self->ups, 1);
    if (event->state == WEIR_RECONNECT_STOPPED) atomic_fetch_add(&self->stops, 1);
}

static void start_real(void *arg) {
    real *self = arg;
    self->reconnect = weir_reconnect_new(&(weir_reconnect_options){
        .client = self->client, .on_event = note_real, .arg = self, .min_delay_ms = 1, .max_delay_ms = 5});
}

static void stop_real(void *arg) {
    weir_reconnect_stop(((real *)arg)->reconnect);
}

static void free_real(void *arg) {
    weir_reconnect_free(((real *)arg)->reconnect);
}

static bool reaches(atomic_uint *count, unsigned wanted) {
    for (int i = 0; i < 10000 && atomic_load(count) < wanted; i++) wait_ms(1);
    return atomic_load(count) == wanted;
}

WEIR_TEST(reconnect, comes_back_to_a_server_that_closes_and_ends_with_its_loop) {
    unsigned port;
    int listener = plain_listen(&port, 4);
    weir_loop_group *group = weir_loop_group_new(1);
    real r = {.loop = weir_loop_group_at(group, 0)};
    r.client = (weir_client_options){.loop = r.loop, .host = "127.0.0.1", .port = port};
    weir_loop_post(r.loop, start_real, &r);
    for (unsigned i = 1; i <= 3; i++) {
        int far = accept(listener, NULL, NULL);
        expect(far >= 0);
        expect(reaches(&r.ups, i));
        close(far);
    }
    close(listener);
    weir_loop_post(r.loop, stop_real, &r);
    expect(reaches(&r.stops, 1));
    weir_loop_post(r.loop, free_real, &r);
    weir_loop_group_free(group);
    expect_eq(atomic_load(&r.stops), 1);
}

WEIR_TEST(reconnect, stops_when_its_loop_does) {
    unsigned port;
    int listener = plain_listen(&port, 4);
    weir_loop_group *group = weir_loop_group_new(1);
    real r = {.loop = weir_loop_group_at(group, 0)};
    r.client = (weir_client_options){.loop = r.loop, .host = "127.0.0.1", .port = port};
    weir_loop_post(r.loop, start_real, &r);
    expect(reaches(&r.ups, 1));
    weir_loop_stop(r.loop);
    expect(reaches(&r.stops, 1));
    weir_loop_post(r.loop, free_real, &r); /* runs while the loop is freed */
    weir_loop_group_free(group);
    close(listener);
}
