/* local_test.c - connections inside the process: what is theirs alone. What they share with other wires is in
 * wire_*_test.c. Most of it on an embedded loop, whose turns and clock move by hand. */
#include <errno.h>
#include <string.h>

#include <weir/core/log.h>
#include <weir/testing.h>

#include "actor.h"
#include "wires.h"

/* ---- a pair on a loop that moves by hand ---- */

typedef struct couple {
    weir_embedded *embedded;
    weir_loop *loop;
    trail trail;
    actor a, b;
    weir_channel *at_a, *at_b;
} couple;

static void marry_with(couple *self, const weir_channel_options *for_a, const weir_channel_options *for_b) {
    memset(self, 0, sizeof *self);
    self->embedded = weir_embedded_new(NULL, NULL, NULL);
    require(self->embedded != NULL);
    self->loop = weir_embedded_loop(self->embedded);
    self->a = (actor){.name = "a", .trail = &self->trail};
    self->b = (actor){.name = "b", .trail = &self->trail};
    weir_local_end a = {.loop = self->loop, .build = build_with_actor, .build_arg = &self->a};
    weir_local_end b = {.loop = self->loop, .build = build_with_actor, .build_arg = &self->b};
    if (for_a != NULL) a.channel = *for_a;
    if (for_b != NULL) b.channel = *for_b;
    expect_status(weir_local_pair(&a, &b, &self->at_a, &self->at_b), WEIR_OK);
    weir_embedded_run(self->embedded);
    expect(trail_is(&self->trail, "a.added\na.active\nb.added\nb.active\n"));
}

static void marry(couple *self) {
    marry_with(self, NULL, NULL);
}

static void part(couple *self) {
    weir_embedded_free(self->embedded);
    expect(!weir_channel_is_active(self->at_a) && !weir_channel_is_active(self->at_b));
    weir_channel_release(self->at_a);
    weir_channel_release(self->at_b);
}

static weir_buf *some(size_t n) {
    weir_buf *buf = weir_buf_new(n);
    weir_buf_write_fill(buf, 'x', n);
    return buf;
}

static void write_promised(couple *self, weir_channel *channel, size_t n, const char *name) {
    weir_channel_write(channel, some(n), trail_promise(&self->trail, self->loop, name));
}

static void run(couple *self) {
    weir_embedded_run(self->embedded);
}

/* ---- messages ---- */

typedef struct pile {
    weir_obj *messages[64];
    unsigned count;
} pile;

static void keep_message(weir_ctx *ctx, weir_obj *msg) {
    pile *self = weir_ctx_state(ctx);
    require(self->count < 64);
    self->messages[self->count++] = msg;
}

static const weir_handler keeper = {.name = "keeper", .read = keep_message};

static void keep_at(weir_channel *channel, pile *self) {
    require(weir_pipeline_add_last(weir_channel_pipeline(channel), &keeper, self) == WEIR_OK);
}

static weir_event thing = WEIR_EVENT_CONSTANT("thing");

WEIR_TEST(local, reads_the_very_objects_that_were_written_in_their_order_whatever_they_are) {
    couple pair;
    pile got = {.count = 0};
    marry(&pair);
    keep_at(pair.at_b, &got);
    weir_buf *buf = some(100);
    weir_buf_skip(buf, 10);
    uint8_t *bytes = buf->rp;
    weir_buf *empty = some(0);
    weir_channel_write(pair.at_a, buf, NULL);
    weir_channel_write(pair.at_a, &thing.obj, NULL);
    weir_channel_write(pair.at_a, empty, NULL);
    run(&pair);
    require(got.count == 3);
    expect(got.messages[0] == &buf->obj);
    expect(buf->rp == bytes && weir_buf_readable(buf) == 90);
    expect(weir_obj_is_unshared(buf));
    expect(got.messages[1] == &thing.obj);
    expect(got.messages[2] == &empty->obj);
    weir_buf_release(buf);
    weir_buf_release(empty);
    part(&pair);
}

WEIR_TEST(local, ends_a_burst_after_a_batch) {
    couple pair;
    marry(&pair);
    pair.b.keeps = true;
    for (int i = 0; i < 40; i++) weir_channel_write(pair.at_a, some(1), NULL);
    run(&pair);
    expect_eq(pair.b.seen[ACTOR_READ], 40);
    expect_eq(pair.b.seen[ACTOR_READ_COMPLETE], 3);
    part(&pair);
}

WEIR_TEST(local, counts_what_passed) {
    couple pair;
    weir_channel_stats stats;
    marry(&pair);
    pair.b.keeps = true;
    for (int i = 0; i < 3; i++) weir_channel_write(pair.at_a, some(7), NULL);
    run(&pair);
    weir_channel_get_stats(pair.at_a, &stats);
    expect_eq(stats.bytes_written, 21);
    expect_eq(stats.messages_written, 3);
    weir_channel_get_stats(pair.at_b, &stats);
    expect_eq(stats.bytes_read, 21);
    expect_eq(stats.reads, 3);
    expect_eq(weir_channel_fd(pair.at_a), -1);
    part(&pair);
}

/* ---- flow ---- */

WEIR_TEST(local, keeps_messages_with_the_writer_until_the_reader_takes_them) {
    couple pair;
    marry_with(&pair, &(weir_channel_options){.high_water = 5000, .low_water = 2000},
               &(weir_channel_options){.manual_read = true});
    pair.b.keeps = true;
    for (int i = 0; i < 40; i++) weir_channel_write(pair.at_a, some(1000), NULL);
    run(&pair);
    expect_eq(pair.b.seen[ACTOR_READ], 0);
    expect_eq(weir_channel_pending_bytes(pair.at_a), 40 * (1000 + 64));
    expect(!weir_channel_is_writable(pair.at_a));
    weir_channel_pull(pair.at_b);
    run(&pair);
    expect_eq(pair.b.seen[ACTOR_READ], 16);
    expect_eq(pair.b.seen[ACTOR_READ_COMPLETE], 1);
    expect_eq(weir_channel_pending_bytes(pair.at_a), 24 * (1000 + 64));
    weir_channel_set_reading(pair.at_b, true);
    run(&pair);
    expect_eq(pair.b.seen[ACTOR_READ], 40);
    expect(weir_channel_is_writable(pair.at_a));
    expect_eq(pair.a.seen[ACTOR_WRITABLE_CHANGED], 2);
    part(&pair);
}

static void pause_reading(actor *self, weir_ctx *ctx, actor_slot slot) {
    (void)self;
    (void)slot;
    weir_channel_set_reading(weir_ctx_channel(ctx), false);
}

WEIR_TEST(local, hands_nothing_on_after_a_pause_inside_a_read) {
    couple pair;
    marry(&pair);
    pair.b.keeps = true;
    pair.b.act = pause_reading;
    pair.b.when = ACTOR_READ;
    for (int i = 0; i < 5; i++) weir_channel_write(pair.at_a, some(1), NULL);
    run(&pair);
    expect_eq(pair.b.seen[ACTOR_READ], 1);
    for (unsigned i = 2; i <= 5; i++) {
        weir_channel_set_reading(pair.at_b, true);
        run(&pair);
        expect_eq(pair.b.seen[ACTOR_READ], i);
    }
    part(&pair);
}

WEIR_TEST(local, refuses_writes_beyond_the_cap) {
    couple pair;
    marry_with(&pair, &(weir_channel_options){.write_cap = 1000, .high_water = 500, .low_water = 100},
               &(weir_channel_options){.manual_read = true});
    write_promised(&pair, pair.at_a, 600, "first");
    write_promised(&pair, pair.at_a, 600, "second");
    run(&pair);
    expect(trail_is(&pair.trail, "a.write\na.writable_changed\na.write\nsecond=WEIR_E_BACKPRESSURE\n"));
    expect_eq(weir_channel_pending_bytes(pair.at_a), 664);
    part(&pair);
}

static unsigned depth, deepest;

static void answer(weir_ctx *ctx, weir_obj *msg) {
    unsigned *left = weir_ctx_state(ctx);
    depth++;
    deepest = depth > deepest ? depth : deepest;
    if (*left > 0) {
        --*left;
        weir_ctx_write_flush(ctx, msg, NULL);
    } else {
        weir_obj_release(msg);
    }
    depth--;
}

static const weir_handler answerer = {.name = "answerer", .read = answer};

WEIR_TEST(local, never_goes_deeper_while_its_ends_answer_each_other) {
    couple pair;
    unsigned left = 20000;
    depth = deepest = 0;
    marry(&pair);
    require(weir_pipeline_add_last(weir_channel_pipeline(pair.at_a), &answerer, &left) == WEIR_OK);
    require(weir_pipeline_add_last(weir_channel_pipeline(pair.at_b), &answerer, &left) == WEIR_OK);
    pair.a.trail = pair.b.trail = NULL;
    weir_channel_write(pair.at_a, some(1), NULL);
    for (int i = 0; i < 10 && left > 0; i++) run(&pair);
    expect_eq(left, 0);
    expect_eq(deepest, 1);
    part(&pair);
}

/* ---- ends ---- */

WEIR_TEST(local, tells_each_end_once_and_in_order_when_one_closes_with_data_queued) {
    couple pair;
    marry(&pair);
    pair.b.keeps = false;
    write_promised(&pair, pair.at_a, 10, "write");
    weir_channel_close(pair.at_a, trail_promise(&pair.trail, pair.loop, "close"));
    run(&pair);
    expect(trail_is(&pair.trail,
                    "a.write\na.close\nwrite=WEIR_OK\nb.read\nb.read_complete\nb.event\nb.close\n"
                    "a.inactive\na.removed\nclose=WEIR_OK\nb.inactive\nb.removed\n"));
    part(&pair);
}

WEIR_TEST(local, tells_the_reader_that_an_end_follows_while_it_reads_nothing) {
    couple pair;
    marry_with(&pair, NULL, &(weir_channel_options){.manual_read = true});
    pair.b.keeps = true;
    for (int i = 0; i < 20; i++) weir_channel_write(pair.at_a, some(1), NULL);
    weir_channel_close(pair.at_a, NULL);
    run(&pair);
    expect_eq(pair.b.seen[ACTOR_EVENT], 1); /* peer_ending */
    expect_eq(pair.b.seen[ACTOR_READ], 0);
    expect(weir_channel_is_active(pair.at_a)); /* it waits for its reader */
    weir_channel_set_reading(pair.at_b, true);
    run(&pair);
    expect_eq(pair.b.seen[ACTOR_READ], 20);
    expect_eq(pair.b.seen[ACTOR_EVENT], 3); /* and reading_on, and peer_closed */
    expect(!weir_channel_is_active(pair.at_a));
    part(&pair);
}

WEIR_TEST(local, resets_a_close_whose_reader_takes_nothing_in_time) {
    couple pair;
    marry_with(&pair, &(weir_channel_options){.close_timeout_ms = 100},
               &(weir_channel_options){.manual_read = true});
    pair.b.keeps = true;
    write_promised(&pair, pair.at_a, 10, "write");
    weir_channel_close(pair.at_a, trail_promise(&pair.trail, pair.loop, "close"));
    run(&pair);
    expect(trail_is(&pair.trail, "a.write\na.close\nb.event\n"));
    weir_embedded_advance(pair.embedded, 99);
    expect(trail_is(&pair.trail, ""));
    weir_embedded_advance(pair.embedded, 1);
    expect(trail_is(&pair.trail,
                    "b.error\nwrite=WEIR_E_TIMEOUT\na.inactive\na.removed\nclose=WEIR_E_TIMEOUT\n"
                    "b.inactive\nb.removed\n"));
    expect_eq(pair.b.seen[ACTOR_INACTIVE], 1);
    part(&pair);
}

WEIR_TEST(local, shows_an_abort_as_a_reset_and_drops_what_was_not_read) {
    couple pair;
    marry_with(&pair, NULL, &(weir_channel_options){.manual_read = true});
    pair.b.keeps = true;
    weir_channel_write(pair.at_b, some(1), NULL);
    weir_channel_write(pair.at_a, some(1), NULL);
    run(&pair);
    weir_channel_abort(pair.at_a, WEIR_E_LIMIT);
    run(&pair);
    expect_eq(pair.b.seen[ACTOR_ERROR], 1);
    expect_eq(pair.b.seen[ACTOR_READ], 0);
    expect_eq(pair.b.seen[ACTOR_INACTIVE], 1);
    part(&pair);
}

static void take_event(actor *self, weir_ctx *ctx, actor_slot slot) {
    (void)ctx;
    (void)slot;
    self->keeps = true;
}

WEIR_TEST(local, breaks_a_write_to_a_peer_that_has_gone) {
    couple pair;
    marry(&pair);
    pair.b.act = take_event;
    pair.b.when = ACTOR_EVENT; /* it holds on after the peer's end */
    weir_channel_close(pair.at_a, NULL);
    run(&pair);
    expect(weir_channel_is_active(pair.at_b));
    pair.trail.length = 0;
    write_promised(&pair, pair.at_b, 1, "late");
    run(&pair);
    expect(trail_is(&pair.trail, "b.write\nb.error\nlate=EPIPE\nb.inactive\nb.removed\n"));
    part(&pair);
}

static void abort_it(void *arg, weir_status status) {
    (void)status;
    weir_channel_abort(arg, WEIR_E_LIMIT);
}

WEIR_TEST(local, may_be_aborted_in_the_promise_of_a_message_that_just_left) {
    couple pair;
    marry(&pair);
    weir_promise *promise = weir_promise_new(pair.loop);
    weir_promise_listen(promise, abort_it, pair.at_a);
    pair.b.keeps = true;
    weir_channel_write(pair.at_a, some(1), promise);
    for (int i = 0; i < 20; i++) weir_channel_write(pair.at_a, some(1), NULL);
    run(&pair);
    expect_eq(pair.a.seen[ACTOR_INACTIVE], 1);
    expect_eq(pair.b.seen[ACTOR_INACTIVE], 1);
    expect_eq(pair.b.seen[ACTOR_READ], 0);
    part(&pair);
}

static weir_status refuse_build(weir_pipeline *pipeline, void *arg) {
    (void)pipeline;
    (void)arg;
    return WEIR_E_LIMIT;
}

WEIR_TEST(local, resets_an_end_whose_other_end_cannot_be_built) {
    weir_embedded *e = weir_embedded_new(NULL, NULL, NULL);
    actor h = {.name = "h", .keeps = true};
    weir_channel *one, *other;
    weir_local_end bad = {.loop = weir_embedded_loop(e), .build = refuse_build};
    weir_local_end good = {.loop = weir_embedded_loop(e), .build = build_with_actor, .build_arg = &h};
    expect_status(weir_local_pair(&bad, &good, &one, &other), WEIR_OK);
    weir_embedded_run(e);
    expect_eq(h.seen[ACTOR_ERROR], 1);
    expect_eq(h.seen[ACTOR_INACTIVE], 1);
    expect_eq(h.seen[ACTOR_REMOVED], 1);
    weir_channel_release(one);
    weir_channel_release(other);
    weir_embedded_free(e);
}

/* ---- what cannot be ---- */

WEIR_TEST(local, refuses_options_that_make_no_sense) {
    weir_embedded *e = weir_embedded_new(NULL, NULL, NULL);
    weir_channel *one, *other;
    weir_local_end good = {.loop = weir_embedded_loop(e)};
    weir_local_end none = {.loop = NULL};
    weir_local_end mad = {.loop = good.loop, .channel = {.low_water = 10, .high_water = 5}};
    expect_status(weir_local_pair(&none, &good, &one, &other), WEIR_E_INVALID);
    expect(one == NULL && other == NULL);
    expect_status(weir_local_pair(&good, &mad, &one, &other), WEIR_E_INVALID);
    expect(one == NULL && other == NULL);
    weir_embedded_free(e);
}

static bool live_by_hand(void *arg) {
    (void)arg;
    weir_embedded *e = weir_embedded_new(NULL, NULL, NULL);
    if (e == NULL) return false;
    actor h = {.name = "h", .keeps = true}, g = h;
    weir_channel *one, *other;
    weir_local_end a = {.loop = weir_embedded_loop(e), .build = build_with_actor, .build_arg = &h};
    weir_local_end b = {.loop = weir_embedded_loop(e), .build = build_with_actor, .build_arg = &g};
    bool good = weir_local_pair(&a, &b, &one, &other) == WEIR_OK;
    if (good) {
        weir_embedded_run(e);
        for (int i = 0; i < 20; i++) weir_channel_write(one, weir_buf_new(10), NULL);
        weir_channel_shutdown(one, NULL);
        weir_embedded_run(e);
        weir_channel_close(other, NULL);
        weir_embedded_run(e);
    }
    good = good && g.seen[ACTOR_READ] == 20 && h.seen[ACTOR_INACTIVE] == 1;
    weir_channel_release(one);
    weir_channel_release(other);
    weir_embedded_free(e);
    return good;
}

static void drop_line(void *arg, weir_log_level level, const char *subject, const char *line) {
    (void)arg;
    (void)level;
    (void)subject;
    (void)line;
}

WEIR_TEST(local, may_run_out_of_memory_anywhere) {
    weir_log_set_sink(drop_line, NULL);
    expect(weir_oom_sweep(live_by_hand, NULL) > 5);
    weir_log_set_sink(NULL, NULL);
}

static atomic_bool saw_end;

static void note_end(actor *self, weir_ctx *ctx, actor_slot slot) {
    (void)self;
    (void)ctx;
    (void)slot;
    atomic_store(&saw_end, true);
}

WEIR_TEST(local, resets_an_end_whose_other_ends_loop_runs_no_more) {
    weir_loop_group *group = weir_loop_group_new(1);
    weir_embedded *e = weir_embedded_new(NULL, NULL, NULL);
    weir_channel *held = weir_channel_retain(weir_embedded_channel(e));
    weir_loop *dead = weir_embedded_loop(e); /* its memory stays while the channel does */
    weir_embedded_free(e);
    actor h = {.name = "h", .keeps = true, .act = note_end, .when = ACTOR_REMOVED};
    weir_channel *one, *other;
    weir_local_end living = {
        .loop = weir_loop_group_at(group, 0), .build = build_with_actor, .build_arg = &h};
    weir_local_end ended = {.loop = dead};
    expect_status(weir_local_pair(&ended, &living, &one, &other), WEIR_E_STOPPED);
    expect_status(weir_local_pair(&living, &ended, &one, &other), WEIR_E_STOPPED);
    expect(one == NULL && other == NULL);
    for (int i = 0; i < 10000 && !atomic_load(&saw_end); i++) wait_ms(1);
    weir_loop_group_free(group);
    expect_eq(h.seen[ACTOR_ERROR], 1);
    expect_eq(h.seen[ACTOR_INACTIVE], 1);
    weir_channel_release(held);
}
