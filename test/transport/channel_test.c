/* channel_test.c - the life of a channel: each way it can end, and that it is told once and in order. */
#include <errno.h>
#include <string.h>

#include <weir/testing.h>

#include "channel/channel_internal.h"
#include "life.h"

static const weir_channel_options small = {.low_water = 100, .high_water = 300, .write_cap = 1000};

/* ---- ways to end ---- */

WEIR_TEST(channel, aborts_at_once_and_fails_what_is_queued_with_the_cause) {
    life l;
    life_begin(&l, NULL);
    weir_embedded_stall(l.embedded, true);
    life_write(&l, 5, "a");
    weir_channel_flush(l.channel);
    life_write(&l, 5, "b");
    weir_channel_shutdown(l.channel, life_promise(&l, "shutdown"));
    weir_channel_close(l.channel, life_promise(&l, "close"));
    l.trail.length = 0;
    weir_channel_abort(l.channel, WEIR_E_LIMIT);
    weir_embedded_run(l.embedded);
    expect(trail_is(&l.trail, "h.abort\na=WEIR_E_LIMIT\nb=WEIR_E_LIMIT\nshutdown=WEIR_E_LIMIT\nh.inactive\n"
                              "h.removed\nclose=WEIR_E_LIMIT\n"));
    expect_status(weir_embedded_aborted(l.embedded), WEIR_E_LIMIT);
    expect(weir_embedded_take(l.embedded) == NULL);
    life_end(&l);
}

WEIR_TEST(channel, names_canceled_as_the_cause_of_an_abort_without_one) {
    life l;
    life_begin(&l, NULL);
    weir_channel_abort(l.channel, WEIR_OK);
    weir_embedded_run(l.embedded);
    expect_status(weir_embedded_aborted(l.embedded), WEIR_E_CANCELED);
    life_end(&l);
}

WEIR_TEST(channel, tells_a_broken_connection_as_an_error_and_then_ends) {
    life l;
    life_begin(&l, NULL);
    weir_embedded_stall(l.embedded, true);
    life_write(&l, 5, "a");
    l.trail.length = 0;
    weir_embedded_break(l.embedded, -ECONNRESET);
    expect(trail_is(&l.trail, "h.error\nh.close\na=ECONNRESET\nh.inactive\nh.removed\n"));
    life_end(&l);
}

static void abort_it(actor *self, weir_ctx *ctx, actor_slot slot) {
    (void)self;
    (void)slot;
    weir_channel_abort(weir_ctx_channel(ctx), WEIR_E_LIMIT);
}

WEIR_TEST(channel, keeps_the_first_cause_of_its_end) {
    life l;
    life_begin(&l, NULL);
    weir_embedded_stall(l.embedded, true);
    life_write(&l, 5, "a");
    weir_channel_close(l.channel, life_promise(&l, "close"));
    l.trail.length = 0;
    l.h.keeps = true;
    l.h.act = abort_it;
    l.h.when = ACTOR_ERROR;
    weir_embedded_break(l.embedded, -ETIMEDOUT);
    expect(trail_is(&l.trail, "h.error\nh.abort\na=ETIMEDOUT\nh.inactive\nh.removed\nclose=ETIMEDOUT\n"));
    life_end(&l);
}

/* ---- half closed ---- */

WEIR_TEST(channel, closes_by_itself_when_the_peer_has_ended_and_nobody_wants_to_go_on) {
    life l;
    life_begin(&l, NULL);
    weir_embedded_stall(l.embedded, true);
    life_write(&l, 5, "a");
    weir_embedded_feed_bytes(l.embedded, "last", 4);
    l.trail.length = 0;
    weir_embedded_feed_end(l.embedded);
    expect(trail_is(&l.trail, "h.event\nh.close\n"));
    weir_embedded_stall(l.embedded, false);
    expect(trail_is(&l.trail, "a=WEIR_OK\nh.inactive\nh.removed\n"));
    life_end(&l);
}

WEIR_TEST(channel, goes_on_writing_after_the_peers_end_when_a_handler_takes_the_event) {
    life l;
    life_begin(&l, NULL);
    l.h.keeps = true;
    weir_embedded_feed_end(l.embedded);
    weir_embedded_feed_end(l.embedded);
    expect(trail_is(&l.trail, "h.event\n"));
    expect_status(weir_embedded_feed_bytes(l.embedded, "x", 1), WEIR_E_CLOSED);
    life_write(&l, 5, "a");
    weir_embedded_run(l.embedded);
    expect(trail_is(&l.trail, "h.write\na=WEIR_OK\n"));
    expect(weir_channel_is_active(l.channel));
    weir_channel_shutdown(l.channel, life_promise(&l, "shutdown"));
    weir_embedded_run(l.embedded);
    expect(trail_is(&l.trail, "h.shutdown\nshutdown=WEIR_OK\nh.inactive\nh.removed\n"));
    expect_status(weir_embedded_aborted(l.embedded), WEIR_OK);
    life_end(&l);
}

WEIR_TEST(channel, goes_on_reading_after_its_own_end_until_the_peers) {
    life l;
    life_begin(&l, NULL);
    weir_embedded_stall(l.embedded, true);
    life_write(&l, 5, "a");
    weir_channel_shutdown(l.channel, life_promise(&l, "shutdown"));
    weir_embedded_run(l.embedded);
    expect(trail_is(&l.trail, "h.write\nh.shutdown\n"));
    expect(!weir_embedded_is_shut(l.embedded));
    weir_embedded_stall(l.embedded, false);
    expect(trail_is(&l.trail, "a=WEIR_OK\nshutdown=WEIR_OK\n"));
    expect(weir_embedded_is_shut(l.embedded));
    weir_embedded_feed_bytes(l.embedded, "x", 1);
    expect(trail_is(&l.trail, "h.read\nh.read_complete\n"));
    l.h.keeps = true;
    weir_embedded_feed_end(l.embedded);
    expect(trail_is(&l.trail, "h.event\nh.inactive\nh.removed\n"));
    life_end(&l);
}

WEIR_TEST(channel, reads_all_that_came_before_the_peers_end) {
    life l;
    life_begin(&l, &(weir_channel_options){.manual_read = true});
    weir_embedded_feed_bytes(l.embedded, "x", 1);
    weir_embedded_feed_bytes(l.embedded, "y", 1);
    weir_embedded_feed_end(l.embedded);
    expect(trail_is(&l.trail, "h.event\n")); /* peer_ending */
    expect(weir_channel_is_active(l.channel));
    weir_channel_set_reading(l.channel, true);
    expect(trail_is(&l.trail, "h.event\n")); /* reading_on */
    weir_embedded_run(l.embedded);
    expect(trail_is(&l.trail,
                    "h.read\nh.read_complete\nh.read\nh.read_complete\nh.event\nh.close\nh.inactive\n"
                    "h.removed\n"));
    life_end(&l);
}

/* ---- asked again, asked too late ---- */

WEIR_TEST(channel, closes_once_and_tells_all_who_asked) {
    life l;
    life_begin(&l, NULL);
    weir_channel_close(l.channel, life_promise(&l, "1"));
    weir_channel_close(l.channel, NULL);
    weir_channel_close(l.channel, life_promise(&l, "2"));
    weir_channel_shutdown(l.channel, life_promise(&l, "shutdown"));
    weir_embedded_run(l.embedded);
    weir_channel_close(l.channel, life_promise(&l, "3"));
    expect(trail_is(&l.trail, "h.close\nh.close\nh.close\nh.shutdown\nshutdown=WEIR_E_CLOSED\nh.inactive\n"
                              "h.removed\n1=WEIR_OK\n2=WEIR_OK\n3=WEIR_OK\n"));
    life_end(&l);
}

WEIR_TEST(channel, ends_its_stream_once_and_tells_all_who_asked) {
    life l;
    life_begin(&l, NULL);
    weir_embedded_stall(l.embedded, true);
    life_write(&l, 1, NULL);
    weir_channel_shutdown(l.channel, life_promise(&l, "1"));
    weir_channel_shutdown(l.channel, life_promise(&l, "2"));
    weir_embedded_stall(l.embedded, false);
    weir_channel_shutdown(l.channel, life_promise(&l, "3"));
    expect(
        trail_is(&l.trail, "h.write\nh.shutdown\nh.shutdown\n1=WEIR_OK\n2=WEIR_OK\nh.shutdown\n3=WEIR_OK\n"));
    life_write(&l, 1, "late");
    expect(trail_is(&l.trail, "h.write\nlate=WEIR_E_CLOSED\n"));
    life_end(&l);
}

WEIR_TEST(channel, ends_its_stream_well_when_a_close_that_sends_everything_overtakes_it) {
    life l;
    life_begin(&l, NULL);
    weir_embedded_stall(l.embedded, true);
    life_write(&l, 1, NULL);
    weir_channel_shutdown(l.channel, life_promise(&l, "shutdown"));
    weir_channel_close(l.channel, NULL);
    l.trail.length = 0;
    weir_embedded_stall(l.embedded, false);
    expect(trail_is(&l.trail, "shutdown=WEIR_OK\nh.inactive\nh.removed\n"));
    life_end(&l);
}

WEIR_TEST(channel, refuses_writes_from_the_close_on) {
    life l;
    life_begin(&l, NULL);
    weir_embedded_stall(l.embedded, true);
    life_write(&l, 1, NULL);
    weir_channel_close(l.channel, NULL);
    life_write(&l, 1, "a");
    expect(trail_is(&l.trail, "h.write\nh.close\nh.write\na=WEIR_E_CLOSED\n"));
    life_write(&l, 1, NULL);
    weir_embedded_stall(l.embedded, false);
    expect(trail_is(&l.trail, "h.write\nh.inactive\nh.removed\n"));
    life_write(&l, 1, "b");
    life_write(&l, 1, NULL);
    weir_channel_write(l.channel, NULL, life_promise(&l, "c"));
    expect(trail_is(&l.trail, "b=WEIR_E_CLOSED\nc=WEIR_E_NO_MEMORY\n"));
    weir_channel_flush(l.channel);
    weir_channel_pull(l.channel);
    weir_channel_set_reading(l.channel, true);
    weir_channel_abort(l.channel, WEIR_E_LIMIT);
    weir_channel_shutdown(l.channel, life_promise(&l, "d"));
    weir_channel_fire_event(l.channel, &weir_event_stopping.obj);
    weir_embedded_run(l.embedded);
    expect(trail_is(&l.trail, "d=WEIR_E_CLOSED\n"));
    expect(!weir_channel_is_writable(l.channel));
    life_end(&l);
}

WEIR_TEST(channel, answers_questions_after_its_end_for_whoever_holds_it) {
    life l;
    life_begin(&l, NULL);
    weir_channel *channel = weir_channel_retain(l.channel);
    uint64_t id = weir_channel_id(channel);
    weir_loop *loop = weir_channel_loop(channel);
    life_end(&l);
    weir_addr addr;
    weir_channel_stats stats;
    expect_eq(weir_channel_id(channel), id);
    expect(weir_channel_loop(channel) == loop);
    expect(!weir_channel_is_active(channel));
    expect(!weir_channel_is_writable(channel));
    expect_eq(weir_channel_bytes_before_unwritable(channel), 0);
    expect_eq(weir_channel_pending_bytes(channel), 0);
    expect_eq(weir_channel_fd(channel), -1);
    weir_channel_remote_addr(channel, &addr);
    expect_eq(addr.len, 0);
    weir_channel_get_stats(channel, &stats);
    expect_eq(stats.bytes_read, 0);
    weir_channel_release(channel);
    weir_channel_release(NULL);
}

WEIR_TEST(channel, has_a_number_of_its_own) {
    life one, other;
    life_begin(&one, NULL);
    life_begin(&other, NULL);
    expect(weir_channel_id(one.channel) != weir_channel_id(other.channel));
    life_end(&one);
    life_end(&other);
}

/* ---- at the beginning ---- */

static weir_status write_in_build(weir_pipeline *pipeline, void *arg) {
    weir_status status = build_with_actor(pipeline, arg);
    weir_channel_write(weir_pipeline_channel(pipeline), life_bytes(3), NULL);
    return status;
}

WEIR_TEST(channel, keeps_what_is_written_before_it_is_active) {
    actor h = {.name = "h"};
    weir_embedded *e = weir_embedded_new(NULL, write_in_build, &h);
    require(e != NULL);
    expect_eq(h.seen[ACTOR_ACTIVE], 1);
    weir_buf *out = weir_embedded_take_all(e);
    expect_eq(weir_buf_readable(out), 3);
    weir_buf_release(out);
    weir_embedded_free(e);
}

static weir_status close_in_build(weir_pipeline *pipeline, void *arg) {
    weir_status status = build_with_actor(pipeline, arg);
    weir_channel_close(weir_pipeline_channel(pipeline), NULL);
    return status;
}

WEIR_TEST(channel, that_is_closed_before_it_is_active_is_never_active) {
    actor h = {.name = "h"};
    weir_embedded *e = weir_embedded_new(NULL, close_in_build, &h);
    require(e != NULL);
    expect(!weir_embedded_is_open(e));
    expect_eq(h.seen[ACTOR_ACTIVE] + h.seen[ACTOR_INACTIVE], 0);
    expect_eq(h.seen[ACTOR_REMOVED], 1);
    weir_embedded_free(e);
}

static weir_status fail_in_build(weir_pipeline *pipeline, void *arg) {
    weir_status status = build_with_actor(pipeline, arg);
    return status == WEIR_OK ? WEIR_E_INVALID : status;
}

WEIR_TEST(channel, whose_pipeline_cannot_be_built_does_not_come_to_be) {
    actor h = {.name = "h"};
    expect(weir_embedded_new(NULL, fail_in_build, &h) == NULL);
    expect_eq(h.seen[ACTOR_ACTIVE] + h.seen[ACTOR_INACTIVE], 0);
    expect_eq(h.seen[ACTOR_REMOVED], 1);
}

/* ---- inside every callback ---- */

/* Makes each of the thirteen events happen at least once, if the channel lets it. */
static void live_fully(life *self) {
    weir_channel *channel = self->channel;
    weir_embedded_feed_bytes(self->embedded, "x", 1);
    weir_channel_fire_event(channel, &weir_event_peer_ending.obj);
    weir_channel_pull(channel);
    weir_embedded_stall(self->embedded, true);
    life_write(self, 400, "w");
    weir_channel_flush(channel);
    weir_embedded_stall(self->embedded, false);
    weir_embedded_feed_bytes(self->embedded, "y", 1);
    life_write(self, 10, NULL);
    weir_channel_shutdown(channel, NULL);
    weir_ctx_fail(&channel->pipeline.ends, WEIR_E_LIMIT, "test");
    weir_channel_close(channel, NULL);
    weir_channel_abort(channel, WEIR_E_LIMIT);
    weir_embedded_run(self->embedded);
}

typedef void act_of_slot(actor *self, weir_ctx *ctx, actor_slot slot);

static void live_and_act_in(actor_slot slot, act_of_slot *act) {
    life l = {.h = {.name = "h", .act = act, .when = slot}};
    weir_test_context("%s", actor_slot_names[slot]);
    l.embedded = weir_embedded_new(&small, build_with_actor, &l.h);
    require(l.embedded != NULL);
    l.channel = weir_embedded_channel(l.embedded);
    weir_channel *held = weir_channel_retain(l.channel);
    live_fully(&l);
    expect(l.h.seen[slot] > 0);
    weir_embedded_free(l.embedded);
    expect_eq(l.h.seen[ACTOR_ADDED], 1);
    expect_eq(l.h.seen[ACTOR_ACTIVE], slot == ACTOR_ADDED ? 0 : 1);
    expect_eq(l.h.seen[ACTOR_INACTIVE], l.h.seen[ACTOR_ACTIVE]);
    expect_eq(l.h.seen[ACTOR_REMOVED], 1);
    expect(weir_obj_is_unshared(held));
    weir_channel_release(held);
}

static void close_it(actor *self, weir_ctx *ctx, actor_slot slot) {
    (void)slot;
    self->act = NULL; /* closing in close would never end */
    weir_ctx_close(ctx, NULL);
    weir_channel_close(weir_ctx_channel(ctx), NULL);
}

WEIR_TEST(channel, may_be_closed_inside_every_callback) {
    for (actor_slot slot = 0; slot < ACTOR_SLOTS; slot++) live_and_act_in(slot, close_it);
}

static void abort_once(actor *self, weir_ctx *ctx, actor_slot slot) {
    (void)slot;
    self->act = NULL;
    weir_channel_abort(weir_ctx_channel(ctx), WEIR_E_TIMEOUT);
    weir_ctx_abort(ctx, WEIR_E_LIMIT);
}

WEIR_TEST(channel, may_be_aborted_inside_every_callback) {
    for (actor_slot slot = 0; slot < ACTOR_SLOTS; slot++) live_and_act_in(slot, abort_once);
}

static void write_and_flush(actor *self, weir_ctx *ctx, actor_slot slot) {
    (void)slot;
    actor_fn *act = self->act;
    self->act = NULL; /* once a callback */
    weir_ctx_write_flush(ctx, life_bytes(10), NULL);
    weir_channel_write(weir_ctx_channel(ctx), life_bytes(10), NULL);
    weir_channel_flush(weir_ctx_channel(ctx));
    self->act = act;
}

WEIR_TEST(channel, may_be_written_to_inside_every_callback) {
    for (actor_slot slot = 0; slot < ACTOR_EVENTS; slot++) live_and_act_in(slot, write_and_flush);
}

static void shut_it(actor *self, weir_ctx *ctx, actor_slot slot) {
    (void)slot;
    self->act = NULL;
    weir_ctx_shutdown(ctx, NULL);
}

WEIR_TEST(channel, may_end_its_stream_inside_every_callback) {
    for (actor_slot slot = 0; slot < ACTOR_EVENTS; slot++) live_and_act_in(slot, shut_it);
}

/* ---- events ---- */

static int own_events_alive;

static void free_own_event(weir_obj *obj) {
    (void)obj;
    own_events_alive--;
}

WEIR_TEST(channel, releases_an_event_of_ones_own_that_nobody_takes_or_that_comes_too_late) {
    static const weir_obj_type type = {.name = "own event", .free = free_own_event};
    weir_obj events[3];
    own_events_alive = 3;
    for (int i = 0; i < 3; i++) weir_obj_init(&events[i], &type);
    life l;
    life_begin(&l, NULL);
    weir_channel_fire_event(l.channel, &events[0]);
    expect_eq(own_events_alive, 2);
    l.h.keeps = true;
    weir_channel_fire_event(l.channel, &events[1]);
    expect_eq(own_events_alive, 1);
    weir_channel_abort(l.channel, WEIR_OK);
    weir_embedded_run(l.embedded);
    weir_channel_fire_event(l.channel, &events[2]);
    expect_eq(own_events_alive, 0);
    expect_eq(l.h.seen[ACTOR_EVENT], 2);
    life_end(&l);
}

WEIR_TEST(channel, closes_after_a_flush_when_nobody_takes_the_stopping_event) {
    life l;
    life_begin(&l, NULL);
    life_write(&l, 3, "a");
    weir_channel_fire_event(l.channel, &weir_event_stopping.obj);
    weir_embedded_run(l.embedded);
    expect(trail_is(&l.trail, "h.write\nh.event\nh.close\na=WEIR_OK\nh.inactive\nh.removed\n"));
    life_end(&l);
    life_begin(&l, NULL);
    l.h.keeps = true;
    weir_channel_fire_event(l.channel, &weir_event_stopping.obj);
    weir_embedded_run(l.embedded);
    expect(weir_channel_is_active(l.channel));
    life_end(&l);
}
