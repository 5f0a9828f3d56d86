/* channel_calls_test.c - the calls that any thread may make, made from other threads. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <weir/core/log.h>
#include <weir/testing.h>

#include "actor.h"
#include "life.h"
#include "loop/loop_internal.h"
#include "wires.h"

enum {
    WRITERS = 4,
    RECORDS = 3000,
    RECORD = 16
};

typedef struct writer {
    pthread_t thread;
    weir_channel *channel;
    unsigned number;
    atomic_uint *completed;
} writer;

static void count_completed(void *arg, weir_status status) {
    if (status == WEIR_OK) atomic_fetch_add((atomic_uint *)arg, 1);
}

/* Each record: who, and its number, so that the reader can check the order of each writer. */
static void *write_records(void *arg) {
    writer *self = arg;
    for (unsigned i = 0; i < RECORDS; i++) {
        weir_buf *buf = weir_buf_new(RECORD);
        weir_buf_write_u32(buf, self->number);
        weir_buf_write_u32(buf, i);
        weir_buf_write_fill(buf, 0, RECORD - 8);
        weir_promise *promise = weir_promise_new(weir_channel_loop(self->channel));
        weir_promise_listen(promise, count_completed, self->completed);
        while (!weir_channel_is_writable(self->channel)) sched_yield();
        weir_channel_write(self->channel, buf, promise);
        if (i % 64 == 0) weir_channel_flush(self->channel);
    }
    return NULL;
}

static void check_records(weir_buf *all) {
    uint32_t next[WRITERS] = {0};
    uint32_t who, number;
    while (weir_buf_read_u32(all, &who) && weir_buf_read_u32(all, &number)) {
        require(who < WRITERS);
        if (number != next[who]) {
            expect_eq(number, next[who]);
            return;
        }
        next[who]++;
        weir_buf_skip(all, RECORD - 8);
    }
    for (int i = 0; i < WRITERS; i++) expect_eq(next[i], RECORDS);
}

static bool all_completed(void *arg) {
    return atomic_load((atomic_uint *)arg) == WRITERS * RECORDS;
}

WEIR_TEST(channel_calls, writes_from_several_threads_keep_the_order_of_each) {
    wire_end wire;
    writer writers[WRITERS];
    atomic_uint completed = 0;
    wire_open(&wire, WIRE_ACCEPTED, NULL, NULL, NULL);
    for (unsigned i = 0; i < WRITERS; i++) {
        writers[i] = (writer){.channel = atomic_load(&wire.channel), .number = i, .completed = &completed};
        require(pthread_create(&writers[i].thread, NULL, write_records, &writers[i]) == 0);
    }
    weir_buf *all = weir_buf_new(WRITERS * RECORDS * RECORD);
    uint8_t *room = weir_buf_reserve(all, WRITERS * RECORDS * RECORD);
    size_t got = far_receive(&wire, room, WRITERS * RECORDS * RECORD);
    weir_buf_commit(all, got);
    for (unsigned i = 0; i < WRITERS; i++) pthread_join(writers[i].thread, NULL);
    check_records(all);
    weir_buf_release(all);
    expect(wire_until(&wire, all_completed, &completed));
    wire_shut(&wire);
}

/* The loop is held up, so nothing that is posted arrives; the channel knows of it all the same. */
typedef struct hold {
    atomic_bool held, go;
} hold;

static void hold_up(void *arg) {
    hold *self = arg;
    atomic_store(&self->held, true);
    for (int i = 0; i < 10000 && !atomic_load(&self->go); i++) wait_ms(1);
}

static void hold_loop(hold *self, weir_loop *loop) {
    memset(self, 0, sizeof *self);
    require(weir_loop_post(loop, hold_up, self) == WEIR_OK);
    while (!atomic_load(&self->held)) wait_ms(1);
}

static weir_buf *bytes(size_t n) {
    weir_buf *buf = weir_buf_new(n);
    weir_buf_write_fill(buf, 'x', n);
    return buf;
}

WEIR_TEST(channel_calls, count_the_bytes_of_a_write_before_it_has_arrived) {
    wire_end wire;
    hold held;
    wire_open(&wire, WIRE_ACCEPTED, &(weir_channel_options){.high_water = 40000}, NULL, NULL);
    weir_channel *channel = atomic_load(&wire.channel);
    hold_loop(&held, wire.loop);
    weir_channel_write(channel, bytes(30000), NULL);
    expect(weir_channel_is_writable(channel));
    expect_eq(weir_channel_pending_bytes(channel), 30000 + 64); /* what it costs to wait */
    weir_channel_write(channel, bytes(30000), NULL);
    expect(!weir_channel_is_writable(channel));
    expect_eq(weir_channel_bytes_before_unwritable(channel), 0);
    atomic_store(&held.go, true);
    static uint8_t got[60000];
    expect_eq(far_receive(&wire, got, sizeof got), sizeof got);
    wire_shut(&wire);
}

WEIR_TEST(channel_calls, refuse_a_write_beyond_the_cap_before_it_is_posted) {
    wire_end wire;
    hold held;
    actor h = {.name = "h", .keeps = true};
    weir_channel_options options = {.low_water = 10, .high_water = 20, .write_cap = 50000};
    wire_open(&wire, WIRE_ACCEPTED, &options, build_with_actor, &h);
    weir_channel *channel = atomic_load(&wire.channel);
    weir_promise *promise = weir_promise_new(wire.loop);
    hold_loop(&held, wire.loop);
    weir_channel_write(channel, bytes(40000), NULL);
    weir_channel_write(channel, bytes(40000), weir_promise_retain(promise));
    weir_channel_write(channel, bytes(40000), NULL);
    expect_eq(weir_channel_pending_bytes(channel), 40000 + 64);
    atomic_store(&held.go, true);
    expect_status(weir_promise_wait(promise, 10000), WEIR_E_BACKPRESSURE);
    weir_promise_release(promise);
    static uint8_t got[40000];
    expect_eq(far_receive(&wire, got, sizeof got), sizeof got);
    wire_shut(&wire);
    expect_eq(h.seen[ACTOR_ERROR], 1); /* the refused one without a promise */
}

typedef struct producer {
    life *life;
    int left;
} producer;

static void produce(actor *self, weir_ctx *ctx, actor_slot slot) {
    producer *me = self->arg;
    (void)ctx, (void)slot;
    while (weir_channel_is_writable(me->life->channel) && me->left > 0) {
        me->left--;
        life_write(me->life, 50, NULL);
    }
}

/* What it posted and the queue together would be too much, but the queue is gone when that arrives. */
WEIR_TEST(channel_calls, stop_no_producer_on_the_loop_that_nothing_would_wake) {
    life l;
    life_begin(&l, &(weir_channel_options){.low_water = 100, .high_water = 400});
    producer me = {&l, 20};
    l.h = (actor){.act = produce, .arg = &me, .when = ACTOR_WRITABLE_CHANGED};
    loop_set_thread(weir_embedded_loop(l.embedded), NULL);
    weir_channel_write(l.channel, bytes(200), NULL);
    expect_eq(weir_channel_bytes_before_unwritable(l.channel), 400 - 200 - 2 * 64);
    loop_set_thread(weir_embedded_loop(l.embedded), &loop_this_thread);
    life_write(&l, 100, NULL);
    produce(&l.h, NULL, ACTOR_WRITABLE_CHANGED);
    weir_channel_flush(l.channel);
    weir_embedded_run(l.embedded);
    expect_eq(me.left, 0);
    life_end(&l);
}

WEIR_TEST(channel_calls, reach_the_handlers_from_any_thread) {
    wire_end wire;
    actor h = {.name = "h", .keeps = true};
    wire_open(&wire, WIRE_CONNECTED, &(weir_channel_options){.manual_read = true}, build_with_actor, &h);
    weir_channel *channel = atomic_load(&wire.channel);
    weir_channel_fire_event(channel, &weir_event_stopping.obj);
    weir_channel_pull(channel);
    weir_channel_flush(channel);
    weir_channel_set_reading(channel, false);
    weir_promise *shut = weir_promise_new(wire.loop), *closed = weir_promise_new(wire.loop);
    weir_channel_shutdown(channel, weir_promise_retain(shut));
    expect_status(weir_promise_wait(shut, 10000), WEIR_OK);
    weir_channel_close(channel, weir_promise_retain(closed));
    expect_status(weir_promise_wait(closed, 10000), WEIR_OK);
    weir_channel_abort(channel, WEIR_E_LIMIT);
    weir_promise_release(shut);
    weir_promise_release(closed);
    wire_shut(&wire);
    expect_eq(h.seen[ACTOR_EVENT], 1);
    expect_eq(h.seen[ACTOR_PULL], 1);
    expect_eq(h.seen[ACTOR_FLUSH], 1);
    expect_eq(h.seen[ACTOR_SHUTDOWN], 1);
    expect_eq(h.seen[ACTOR_CLOSE], 1);
}

/* ---- calls that cannot be posted ---- */

/* As from another thread, by hand: in nobody's hands the loop has every call posted. */
static void write_from_outside(life *one, size_t n, weir_promise *promise) {
    weir_loop *loop = weir_embedded_loop(one->embedded);
    loop_set_thread(loop, NULL);
    weir_channel_write(one->channel, bytes(n), promise);
    loop_set_thread(loop, &loop_this_thread);
}

typedef struct last_error {
    weir_status status;
    const char *what;
} last_error;

static void note_error(weir_ctx *ctx, const weir_error *error) {
    last_error *self = weir_ctx_state(ctx);
    *self = (last_error){error->status, error->what};
    weir_ctx_fire_error(ctx, error);
}

static const weir_handler error_noter = {.name = "error_noter", .error = note_error};

static void begin_unpostable(life *one, last_error *error) {
    life_begin(one, NULL);
    *error = (last_error){0};
    one->h.keeps = true;
    require(weir_pipeline_add_first(weir_channel_pipeline(one->channel), &error_noter, error) == WEIR_OK);
}

WEIR_TEST(channel_calls, that_nobody_listens_to_and_have_no_room_become_one_error) {
    life one;
    last_error error;
    begin_unpostable(&one, &error);
    weir_loop *loop = weir_embedded_loop(one.embedded);
    loop->max_tasks = 1;
    for (int i = 0; i < 4; i++) write_from_outside(&one, 5, NULL);
    expect_eq(weir_channel_pending_bytes(one.channel), 5 + 64);
    weir_embedded_run(one.embedded);
    expect_eq(one.h.seen[ACTOR_WRITE], 1);
    expect_eq(one.h.seen[ACTOR_ERROR], 1);
    expect_status(error.status, WEIR_E_LIMIT);
    expect_str(error.what, "posted call");
    loop->max_tasks = 0;
    loop_set_thread(loop, NULL);
    weir_channel_close(one.channel, NULL); /* not lost in silence either, and told anew */
    loop_set_thread(loop, &loop_this_thread);
    weir_embedded_run(one.embedded);
    expect_eq(one.h.seen[ACTOR_CLOSE], 0);
    expect_eq(one.h.seen[ACTOR_ERROR], 2);
    weir_embedded_run(one.embedded);
    expect_eq(one.h.seen[ACTOR_ERROR], 2);
    life_end(&one);
}

WEIR_TEST(channel_calls, that_nobody_listens_to_and_find_no_memory_become_one_error) {
    life one;
    last_error error;
    begin_unpostable(&one, &error);
    weir_loop *loop = weir_embedded_loop(one.embedded);
    weir_tracking_alloc none;
    weir_alloc *alloc = loop->alloc;
    weir_tracking_alloc_init(&none);
    weir_tracking_alloc_fail_from(&none, 0);
    loop->alloc = &none.base;
    write_from_outside(&one, 5, NULL);
    loop->alloc = alloc;
    weir_tracking_alloc_clear(&none);
    weir_embedded_run(one.embedded);
    expect_eq(one.h.seen[ACTOR_ERROR], 1);
    expect_status(error.status, WEIR_E_NO_MEMORY);
    expect_eq(weir_channel_pending_bytes(one.channel), 0);
    life_end(&one);
}

WEIR_TEST(channel_calls, that_cannot_be_posted_complete_their_promise_on_the_loop) {
    life one;
    last_error error;
    begin_unpostable(&one, &error);
    weir_embedded_loop(one.embedded)->max_tasks = 0;
    write_from_outside(&one, 5, life_promise(&one, "write"));
    expect(trail_is(&one.trail, ""));
    weir_embedded_run(one.embedded);
    expect(trail_is(&one.trail, "write=WEIR_E_LIMIT\n"));
    expect_eq(one.h.seen[ACTOR_ERROR], 0);
    life_end(&one);
}

/* Its loop is held up, and looks for lost calls before it opens the channel. */
WEIR_TEST(channel_calls, that_cannot_be_posted_to_a_channel_that_begins_are_told_when_it_has) {
    weir_loop_group *group =
        weir_loop_group_new_with(&(weir_loop_group_options){.count = 1, .loop = {.max_tasks = 3}});
    weir_loop *loop = weir_loop_group_at(group, 0);
    hold held;
    actor h[4];
    weir_channel *channels[4];
    for (int i = 0; i < 4; i++) h[i] = (actor){.name = "h", .keeps = true};
    hold_loop(&held, loop);
    for (int i = 0; i < 4; i += 2) {
        weir_local_end a = {.loop = loop, .build = build_with_actor, .build_arg = &h[i]}, b = a;
        b.build_arg = &h[i + 1];
        require(weir_local_pair(&a, &b, &channels[i], &channels[i + 1]) == WEIR_OK);
        for (int n = 0; n < 12; n++) weir_channel_write(channels[i], bytes(1), NULL);
    }
    atomic_store(&held.go, true);
    weir_loop_group_free(group); /* runs all that was posted */
    for (int i = 0; i < 4; i++) {
        expect_eq(h[i].seen[ACTOR_ERROR], i % 2 == 0);
        expect_eq(h[i].seen[ACTOR_REMOVED], 1);
        weir_channel_release(channels[i]);
    }
    expect_eq(h[0].seen[ACTOR_WRITE], 1); /* beside the two ends, which begin */
}

static void count_line(void *arg, weir_log_level level, const char *subject, const char *line) {
    (void)subject;
    unsigned *lines = arg;
    if (level == WEIR_LOG_WARN && strstr(line, "came too late") != NULL) ++*lines;
}

WEIR_TEST(channel_calls, that_come_after_the_end_of_the_loop_are_logged_once) {
    life one;
    last_error error;
    unsigned lines = 0;
    begin_unpostable(&one, &error);
    weir_log_set_sink(count_line, &lines);
    loop_close_queues(weir_embedded_loop(one.embedded));
    for (int i = 0; i < 3; i++) write_from_outside(&one, 5, NULL);
    expect_eq(lines, 1);
    life_end(&one);
    expect_eq(lines, 1);
    weir_log_set_sink(NULL, NULL);
}

/* ---- calls against the end ---- */

typedef struct caller {
    pthread_t thread;
    weir_channel *channel; /* held */
    unsigned completed, made;
} caller;

static void count_one(void *arg, weir_status status) {
    (void)status;
    __atomic_fetch_add((unsigned *)arg, 1, __ATOMIC_RELAXED);
}

static void *call_until_gone(void *arg) {
    caller *self = arg;
    for (int i = 0; i < 400; i++) {
        weir_promise *promise = weir_promise_new(weir_channel_loop(self->channel));
        weir_promise_listen(promise, count_one, &self->completed);
        self->made++;
        switch (i % 4) {
        case 0: weir_channel_flush(self->channel); /* fall through */
        case 1: weir_channel_write(self->channel, bytes(10), promise); break;
        case 2: weir_channel_set_reading(self->channel, i % 8 == 2); /* fall through */
        default: weir_channel_write(self->channel, bytes(1), promise);
        }
        weir_channel_fire_event(self->channel, &weir_event_peer_ending.obj);
    }
    weir_channel_release(self->channel);
    return NULL;
}

WEIR_TEST(channel_calls, complete_every_promise_while_the_channel_and_its_loop_end) {
    for (int round = 0; round < 15; round++) {
        wire_end wire;
        caller callers[3];
        wire_open(&wire, WIRE_CONNECTED, NULL, NULL, NULL);
        for (int i = 0; i < 3; i++) {
            callers[i] = (caller){.channel = weir_channel_retain(atomic_load(&wire.channel))};
            require(pthread_create(&callers[i].thread, NULL, call_until_gone, &callers[i]) == 0);
        }
        if (round % 3 == 1) weir_channel_close(atomic_load(&wire.channel), NULL);
        wire_shut(&wire); /* aborts, and frees the loop under the callers */
        for (int i = 0; i < 3; i++) {
            pthread_join(callers[i].thread, NULL);
            expect_eq(callers[i].completed, callers[i].made);
        }
    }
}
