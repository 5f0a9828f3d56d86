/* loop_poll_test.c - a weir loop inside a program that polls by itself. */
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <weir/testing.h>

#include "wires.h"

/* What the program's own poll has seen and done. */
typedef struct host {
    weir_loop *loop;
    unsigned turns, idle_turns; /* idle: nothing came of it */
} host;

static const weir_loop_options plain = {.trim_idle_ms = WEIR_LOOP_NEVER};

static void host_begin(host *self, const weir_loop_options *options) {
    *self = (host){.loop = weir_loop_new(options)};
    require(self->loop != NULL);
    expect_eq(weir_loop_timeout(self->loop), 0); /* before its first turn it wants one */
    expect(weir_loop_turn(self->loop));
    expect(weir_loop_is_current(self->loop));
}

static uint64_t done_by(const weir_loop *loop) {
    weir_loop_stats stats;
    weir_loop_get_stats(loop, &stats);
    return stats.events + stats.tasks + stats.timers + stats.jobs;
}

/* One round of the host: sleeps as long as it may, and turns only when there is a reason. */
static void host_round(host *self) {
    struct pollfd polled = {.fd = weir_loop_backend_fd(self->loop), .events = POLLIN};
    int timeout = weir_loop_timeout(self->loop);
    int ready = poll(&polled, 1, timeout < 0 || timeout > 10000 ? 10000 : timeout);
    require(ready > 0 || timeout >= 0); /* else ten seconds without any sign of life */
    uint64_t before = done_by(self->loop);
    expect(weir_loop_turn(self->loop));
    self->turns++;
    if (done_by(self->loop) == before) self->idle_turns++;
}

/* No turn is owed. A timer that was stopped may still wake it once. */
static bool is_quiet(weir_loop *loop) {
    struct pollfd polled = {.fd = weir_loop_backend_fd(loop), .events = POLLIN};
    return weir_loop_timeout(loop) != 0 && poll(&polled, 1, 0) == 0;
}

static void host_until_quiet(host *self) {
    for (int i = 0; i < 100 && !is_quiet(self->loop); i++) host_round(self);
    expect(is_quiet(self->loop));
}

/* ---- channels ---- */

static void echo_read(weir_ctx *ctx, weir_obj *msg) {
    weir_ctx_write(ctx, msg, NULL);
}

static const weir_handler echo = {.name = "echo", .read = echo_read};

static weir_status build_echo(weir_pipeline *pipeline, void *arg) {
    (void)arg;
    return weir_pipeline_add_last(pipeline, &echo, NULL);
}

static void note_connected(void *arg, weir_status status) {
    expect_status(status, WEIR_OK);
    *(bool *)arg = true;
}

/* A client channel on the host's loop, and the far socket. */
static weir_channel *connect_echo(host *self, int *far) {
    unsigned port;
    bool connected = false;
    int listener = plain_listen(&port, 1);
    weir_promise *promise = weir_promise_new(self->loop);
    weir_promise_listen(promise, note_connected, &connected);
    weir_channel *channel = weir_client_connect(
        &(weir_client_options){.loop = self->loop, .host = "127.0.0.1", .port = port, .build = build_echo},
        promise);
    while (!connected) host_round(self);
    *far = accept(listener, NULL, NULL);
    close(listener);
    require(*far >= 0);
    return channel;
}

static void echo_times(host *self, int far, unsigned times) {
    for (unsigned i = 0; i < times; i++) {
        unsigned char byte = (unsigned char)i, back = 0;
        require(send(far, &byte, 1, 0) == 1);
        while (recv(far, &back, 1, MSG_DONTWAIT) != 1) host_round(self);
        require(back == byte);
    }
}

WEIR_TEST(loop_poll, echoes_a_byte_in_the_turn_that_reads_it) {
    host self;
    int far;
    host_begin(&self, &plain);
    weir_channel *channel = connect_echo(&self, &far);
    host_until_quiet(&self);
    self.turns = 0;
    echo_times(&self, far, 500);
    expect_eq(self.turns, 500);
    expect(is_quiet(self.loop)); /* and no turn is owed */
    weir_loop_free(self.loop);
    expect(!weir_channel_is_active(channel));
    weir_channel_release(channel);
    close(far);
}

WEIR_TEST(loop_poll, owes_a_turn_for_what_is_written_between_two_turns) {
    host self;
    int far;
    char got[5];
    host_begin(&self, &plain);
    weir_channel *channel = connect_echo(&self, &far);
    host_until_quiet(&self);
    weir_buf *buf = weir_buf_new(5);
    weir_buf_write_str(buf, "hello");
    weir_channel_write(channel, buf, NULL);
    expect_eq(weir_loop_timeout(self.loop), 0);
    expect(weir_loop_turn(self.loop));
    expect_eq(recv(far, got, sizeof got, MSG_WAITALL), 5);
    weir_loop_free(self.loop);
    weir_channel_release(channel);
    close(far);
}

static uint64_t clock_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* The host does something else, and then lets it read again. */
WEIR_TEST(loop_poll, counts_no_pause_between_two_turns_as_reading) {
    host self;
    int far;
    host_begin(&self, &plain);
    weir_channel *channel = connect_echo(&self, &far);
    weir_channel_set_reading(channel, false);
    host_until_quiet(&self);
    uint64_t before = weir_channel_reading_ms(channel);
    wait_ms(50);
    uint64_t resumed = clock_ms();
    weir_channel_set_reading(channel, true);
    expect(weir_loop_turn(self.loop));
    expect(weir_channel_reading_ms(channel) - before <= clock_ms() - resumed + 1);
    weir_loop_free(self.loop);
    weir_channel_release(channel);
    close(far);
}

/* ---- tasks and timers ---- */

enum {
    POSTS = 5000,
    TIMERS = 1000
};

static void count(void *arg) {
    ++*(unsigned *)arg;
}

typedef struct poster {
    weir_loop *loop;
    unsigned *ran;
} poster;

static void *post_all(void *arg) {
    poster *self = arg;
    for (unsigned i = 0; i < POSTS; i++) expect_status(weir_loop_post(self->loop, count, self->ran), WEIR_OK);
    return NULL;
}

WEIR_TEST(loop_poll, is_woken_by_posts_of_another_thread) {
    host self;
    unsigned ran = 0;
    pthread_t thread;
    host_begin(&self, &plain);
    poster other = {self.loop, &ran};
    require(pthread_create(&thread, NULL, post_all, &other) == 0);
    while (ran < POSTS) host_round(&self);
    pthread_join(thread, NULL);
    host_until_quiet(&self);
    expect(weir_loop_post(self.loop, count, &ran) == WEIR_OK); /* from its own thread, between turns */
    expect_eq(weir_loop_timeout(self.loop), 0);
    expect(weir_loop_turn(self.loop));
    expect_eq(ran, POSTS + 1);
    weir_loop_free(self.loop);
}

typedef struct alarms {
    weir_timer timers[TIMERS];
    uint64_t started, early;
    weir_loop *loop;
    unsigned fired;
} alarms;

static void on_alarm(weir_timer *timer) {
    alarms *self = timer->arg;
    if (weir_loop_now(self->loop) < timer->due) self->early++;
    self->fired++;
}

WEIR_TEST(loop_poll, fires_a_thousand_timers_and_turns_only_when_something_is_due) {
    static alarms all;
    host self;
    host_begin(&self, &plain);
    all = (alarms){.loop = self.loop};
    for (unsigned i = 0; i < TIMERS; i++) {
        weir_timer_init(&all.timers[i], on_alarm, &all);
        weir_timer_start(&all.timers[i], self.loop, 1 + i * 7 % 400);
    }
    while (all.fired < TIMERS) host_round(&self);
    expect_eq(all.early, 0);
    expect(self.turns <= 420);
    expect(self.idle_turns <= 20); /* where the wheel moves timers down */
    expect_eq(weir_loop_timeout(self.loop), -1);
    expect(is_quiet(self.loop));
    weir_loop_free(self.loop);
}

WEIR_TEST(loop_poll, counts_a_delay_from_now_also_between_turns) {
    host self;
    static alarms all;
    host_begin(&self, &plain);
    all = (alarms){.loop = self.loop};
    weir_timer_init(&all.timers[0], on_alarm, &all);
    uint64_t before = weir_loop_now(self.loop);
    wait_ms(50); /* the host does something else */
    weir_timer_start(&all.timers[0], self.loop, 10);
    expect(all.timers[0].due >= before + 50 + 10 - 1); /* both clocks cut to a millisecond */
    while (all.fired == 0) host_round(&self);
    weir_loop_free(self.loop);
}

WEIR_TEST(loop_poll, tells_the_time_also_between_turns) {
    host self;
    host_begin(&self, &plain);
    uint64_t before = weir_loop_now(self.loop);
    wait_ms(50);
    expect(weir_loop_now(self.loop) >= before + 50 - 1); /* both are cut to a millisecond */
    weir_loop_free(self.loop);
}

WEIR_TEST(loop_poll, says_that_it_was_stopped) {
    host self;
    host_begin(&self, &plain);
    weir_loop_stop(self.loop);
    expect(!weir_loop_turn(self.loop));
    weir_loop_free(self.loop);
}

static void turn_inside(void *arg) {
    weir_loop_turn(arg);
}

static void run_inside(void *arg) {
    weir_loop_run(arg);
}

static void free_inside(void *arg) {
    weir_loop_free(arg);
}

static void turn_with(weir_task_fn *fn) {
    weir_loop *loop = weir_loop_new(NULL);
    weir_loop_post(loop, fn, loop);
    weir_loop_turn(loop);
}

WEIR_TEST(loop_poll, stops_the_program_when_a_turn_is_taken_inside_of_a_turn) {
    expect_abort(turn_with(turn_inside), "weir_loop_turn inside of a callback");
    expect_abort(turn_with(run_inside), "weir_loop_run inside of a callback");
    expect_abort(turn_with(free_inside), "weir_loop_free inside of a callback");
}

static void *turn_elsewhere(void *arg) {
    weir_loop_turn(arg);
    return NULL;
}

static void turn_in_two_threads(void) {
    pthread_t thread;
    weir_loop *loop = weir_loop_new(NULL);
    weir_loop_turn(loop);
    pthread_create(&thread, NULL, turn_elsewhere, loop);
    pthread_join(thread, NULL);
}

WEIR_TEST(loop_poll, stops_the_program_when_another_thread_takes_a_turn) {
    expect_abort(turn_in_two_threads(), "outside the thread of its loop");
}
