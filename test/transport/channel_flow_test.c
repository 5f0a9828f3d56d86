/* channel_flow_test.c - what is written when, when it is too much, and when is read. */
#include <string.h>

#include <weir/testing.h>

#include "channel/channel_internal.h"
#include "life.h"

static const weir_channel_options small = {.low_water = 100, .high_water = 300, .write_cap = 1000};

/* ---- writes that are refused ---- */

WEIR_TEST(channel_flow, fails_the_promise_of_a_message_that_could_not_be_made) {
    life l;
    life_begin(&l, NULL);
    weir_channel_write(l.channel, NULL, life_promise(&l, "a"));
    expect(trail_is(&l.trail, "a=WEIR_E_NO_MEMORY\n"));
    expect(weir_channel_is_active(l.channel));
    life_end(&l);
}

WEIR_TEST(channel_flow, fails_the_promise_of_a_buf_that_failed) {
    life l;
    life_begin(&l, NULL);
    weir_buf *buf = weir_buf_new_limited(4, 4);
    weir_buf_write_str(buf, "too long");
    weir_channel_write(l.channel, buf, life_promise(&l, "a"));
    expect(trail_is(&l.trail, "h.write\na=WEIR_E_FULL\n"));
    weir_embedded_run(l.embedded);
    expect(weir_embedded_take(l.embedded) == NULL);
    life_end(&l);
}

WEIR_TEST(channel_flow, tells_a_failure_nobody_listens_to_as_one_error) {
    life l;
    life_begin(&l, NULL);
    l.h.keeps = true;
    weir_channel_write(l.channel, NULL, NULL);
    expect(trail_is(&l.trail, "h.error\n"));
    life_end(&l);
    life_begin(&l, NULL);
    weir_channel_write(l.channel, NULL, NULL);
    weir_channel_write(l.channel, NULL, NULL);
    weir_embedded_run(l.embedded);
    expect(trail_is(&l.trail, "h.error\nh.close\nh.inactive\nh.removed\n"));
    life_end(&l);
}

WEIR_TEST(channel_flow, refuses_writes_beyond_the_hard_cap) {
    life l;
    life_begin(&l, &small);
    weir_embedded_stall(l.embedded, true);
    life_write(&l, 1000 - OUTBOUND_OVERHEAD, "a");
    l.trail.length = 0;
    life_write(&l, 1, "b");
    expect(trail_is(&l.trail, "h.write\nb=WEIR_E_BACKPRESSURE\n"));
    weir_embedded_stall(l.embedded, false);
    l.trail.length = 0;
    life_write(&l, 1, "c");
    weir_embedded_run(l.embedded);
    expect(trail_is(&l.trail, "h.write\nc=WEIR_OK\n"));
    life_end(&l);
}

/* ---- watermarks ---- */

WEIR_TEST(channel_flow, says_exactly_how_many_bytes_keep_it_writable) {
    life l;
    life_begin(&l, &small);
    weir_embedded_stall(l.embedded, true);
    expect_eq(weir_channel_bytes_before_unwritable(l.channel), 300 - OUTBOUND_OVERHEAD);
    life_write(&l, 10, NULL);
    size_t left = weir_channel_bytes_before_unwritable(l.channel);
    expect_eq(left, 300 - 10 - 2 * OUTBOUND_OVERHEAD);
    life_write(&l, left, NULL);
    expect(weir_channel_is_writable(l.channel));
    expect_eq(weir_channel_bytes_before_unwritable(l.channel), 0);
    expect_eq(weir_channel_pending_bytes(l.channel), 300);
    life_write(&l, 0, NULL);
    expect(!weir_channel_is_writable(l.channel));
    expect_eq(l.h.seen[ACTOR_WRITABLE_CHANGED], 1);
    life_end(&l);
}

/* Each message leaves alone: its promise asks how things stand. */
typedef struct look {
    weir_channel *channel;
    trail *trail;
} look;

static void look_at_writable(void *arg, weir_status status) {
    look *self = arg;
    (void)status;
    trail_add(self->trail, "%llu", (unsigned long long)self->channel->queue.pending);
}

WEIR_TEST(channel_flow, tells_writable_changes_on_transitions_only) {
    life l;
    life_begin(&l, &small);
    look look_arg = {l.channel, &l.trail};
    weir_embedded_stall(l.embedded, true);
    for (int i = 0; i < 5; i++) {
        weir_promise *promise = weir_promise_new(weir_embedded_loop(l.embedded));
        weir_promise_listen(promise, look_at_writable, &look_arg);
        weir_channel_write(l.channel, life_bytes(36), promise);
    }
    expect(trail_is(&l.trail, "h.write\nh.write\nh.write\nh.write\nh.writable_changed\nh.write\n"));
    weir_embedded_stall(l.embedded, false);
    expect(trail_is(&l.trail, "400\n300\n200\n100\n0\nh.writable_changed\n"));
    expect(weir_channel_is_writable(l.channel));
    life_end(&l);
}

static void write_while_writable(actor *self, weir_ctx *ctx, actor_slot slot) {
    weir_channel *channel = weir_ctx_channel(ctx);
    (void)slot;
    while (weir_channel_is_writable(channel) && *(int *)self->arg > 0) {
        --*(int *)self->arg;
        weir_channel_write(channel, life_bytes(50), NULL);
    }
}

WEIR_TEST(channel_flow, lets_a_producer_run_from_one_writable_change_to_the_next) {
    life l;
    life_begin(&l, &small);
    int left = 1000;
    l.trail.length = 0;
    l.h.trail = NULL;
    l.h.act = write_while_writable;
    l.h.when = ACTOR_WRITABLE_CHANGED;
    l.h.arg = &left;
    weir_embedded_stall(l.embedded, true);
    life_write(&l, 300, NULL);
    size_t bytes = 0;
    for (int i = 0; i < 2000 && (left > 0 || i < 1); i++) {
        weir_embedded_stall(l.embedded, false);
        weir_embedded_stall(l.embedded, true);
        expect(weir_channel_pending_bytes(l.channel) <= 500);
    }
    weir_embedded_stall(l.embedded, false);
    weir_buf *out = weir_embedded_take_all(l.embedded);
    bytes = weir_buf_readable(out);
    weir_buf_release(out);
    expect_eq(left, 0);
    expect_eq(bytes, 300 + 1000 * 50);
    life_end(&l);
}

WEIR_TEST(channel_flow, pauses_reading_while_unwritable) {
    life l;
    life_begin(&l, &small);
    weir_embedded_stall(l.embedded, true);
    life_write(&l, 400, NULL);
    l.trail.length = 0;
    weir_embedded_feed_bytes(l.embedded, "x", 1);
    expect(trail_is(&l.trail, ""));
    weir_embedded_stall(l.embedded, false);
    expect(trail_is(&l.trail, "h.writable_changed\nh.read\nh.read_complete\n"));
    life_end(&l);
}

WEIR_TEST(channel_flow, reads_while_unwritable_when_told_to) {
    life l;
    weir_channel_options options = small;
    options.read_while_unwritable = true;
    life_begin(&l, &options);
    weir_embedded_stall(l.embedded, true);
    life_write(&l, 400, NULL);
    l.trail.length = 0;
    weir_embedded_feed_bytes(l.embedded, "x", 1);
    expect(trail_is(&l.trail, "h.read\nh.read_complete\n"));
    life_end(&l);
}

/* ---- reading ---- */

WEIR_TEST(channel_flow, reads_one_burst_a_pull_when_reading_is_manual) {
    life l;
    life_begin(&l, &(weir_channel_options){.manual_read = true});
    weir_embedded_feed_bytes(l.embedded, "x", 1);
    weir_embedded_feed_bytes(l.embedded, "y", 1);
    expect(trail_is(&l.trail, ""));
    weir_channel_pull(l.channel);
    weir_channel_pull(l.channel);
    weir_embedded_run(l.embedded);
    expect(trail_is(&l.trail, "h.pull\nh.pull\nh.read\nh.read_complete\n"));
    weir_channel_pull(l.channel);
    weir_embedded_run(l.embedded);
    weir_channel_pull(l.channel);
    weir_embedded_run(l.embedded);
    expect(trail_is(&l.trail, "h.pull\nh.read\nh.read_complete\nh.pull\n"));
    weir_embedded_feed_bytes(l.embedded, "z", 1);
    expect(trail_is(&l.trail, "h.read\nh.read_complete\n"));
    life_end(&l);
}

static void pull_again(actor *self, weir_ctx *ctx, actor_slot slot) {
    (void)self;
    (void)slot;
    weir_ctx_pull(ctx);
}

WEIR_TEST(channel_flow, reads_on_when_each_burst_ends_with_a_pull) {
    life l;
    life_begin(&l, &(weir_channel_options){.manual_read = true});
    l.h.act = pull_again;
    l.h.when = ACTOR_READ_COMPLETE;
    for (int i = 0; i < 5; i++) weir_embedded_feed_bytes(l.embedded, "x", 1);
    weir_channel_pull(l.channel);
    weir_embedded_run(l.embedded);
    expect_eq(l.h.seen[ACTOR_READ], 5);
    life_end(&l);
}

WEIR_TEST(channel_flow, pauses_and_resumes_reading_and_still_serves_a_pull) {
    life l;
    life_begin(&l, NULL);
    weir_channel_set_reading(l.channel, false);
    for (int i = 0; i < 3; i++) weir_embedded_feed_bytes(l.embedded, "x", 1);
    expect_eq(l.h.seen[ACTOR_READ], 0);
    weir_channel_pull(l.channel);
    weir_embedded_run(l.embedded);
    expect_eq(l.h.seen[ACTOR_READ], 1);
    weir_channel_set_reading(l.channel, true);
    weir_embedded_run(l.embedded);
    expect_eq(l.h.seen[ACTOR_READ], 3);
    life_end(&l);
}

WEIR_TEST(channel_flow, tells_once_that_the_peer_is_ending_while_nothing_is_read) {
    life l;
    life_begin(&l, &(weir_channel_options){.manual_read = true});
    weir_embedded_feed_end(l.embedded);
    weir_embedded_run(l.embedded);
    expect(trail_is(&l.trail, "h.event\n"));
    expect(weir_channel_is_active(l.channel));
    weir_channel_pull(l.channel);
    weir_embedded_run(l.embedded);
    expect(trail_is(&l.trail, "h.pull\nh.event\nh.close\nh.inactive\nh.removed\n"));
    life_end(&l);
}

/* ---- flushing ---- */

WEIR_TEST(channel_flow, sends_what_is_written_at_the_end_of_the_turn_without_a_flush) {
    life l;
    life_begin(&l, NULL);
    life_write(&l, 1, "a");
    life_write(&l, 1, "b");
    expect(trail_is(&l.trail, "h.write\nh.write\n"));
    expect_eq(weir_channel_pending_bytes(l.channel), 2 + 2 * OUTBOUND_OVERHEAD);
    weir_embedded_run(l.embedded);
    expect(trail_is(&l.trail, "a=WEIR_OK\nb=WEIR_OK\n"));
    expect_eq(weir_channel_pending_bytes(l.channel), 0);
    life_end(&l);
}

WEIR_TEST(channel_flow, sends_at_once_what_is_flushed) {
    life l;
    life_begin(&l, NULL);
    life_write(&l, 1, "a");
    weir_channel_flush(l.channel);
    life_write(&l, 1, "b");
    expect(trail_is(&l.trail, "h.write\nh.flush\na=WEIR_OK\nh.write\n"));
    weir_embedded_run(l.embedded);
    life_end(&l);
}

static void write_again(void *arg, weir_status status) {
    life *self = arg;
    (void)status;
    if (self->h.seen[ACTOR_WRITE] >= 50) return;
    weir_promise *promise = weir_promise_new(weir_embedded_loop(self->embedded));
    weir_promise_listen(promise, write_again, self);
    weir_channel_write(self->channel, life_bytes(1), promise);
    weir_channel_flush(self->channel);
}

WEIR_TEST(channel_flow, may_be_written_to_and_flushed_inside_a_writes_promise) {
    life l;
    life_begin(&l, NULL);
    write_again(&l, WEIR_OK);
    weir_embedded_run(l.embedded);
    expect_eq(l.h.seen[ACTOR_WRITE], 50);
    weir_buf *out = weir_embedded_take_all(l.embedded);
    expect_eq(weir_buf_readable(out), 50);
    weir_buf_release(out);
    life_end(&l);
}

static ssize_t read_dots(weir_region *region, uint64_t at, void *dst, size_t n, bool may_wait) {
    (void)region;
    (void)at;
    (void)may_wait;
    memset(dst, '.', n);
    return (ssize_t)n;
}

static void free_dots(weir_region *region) {
    weir_alloc_release(NULL, region);
}

static weir_region *dots(uint64_t n) {
    static const weir_region_ops ops = {.name = "dots", .read = read_dots, .free = free_dots};
    weir_region *region = weir_alloc_acquire(NULL, sizeof *region);
    require(region != NULL);
    weir_region_init(region, &ops, n);
    return region;
}

WEIR_TEST(channel_flow, keeps_the_order_of_bufs_and_regions_and_completes_empty_ones) {
    life l;
    life_begin(&l, NULL);
    weir_channel_write(l.channel, dots(0), life_promise(&l, "r0"));
    weir_channel_write(l.channel, weir_buf_empty(), life_promise(&l, "b0"));
    life_write(&l, 2, "b2");
    weir_channel_write(l.channel, dots(3), life_promise(&l, "r3"));
    life_write(&l, 1, "b1");
    l.trail.length = 0;
    weir_embedded_run(l.embedded);
    expect(trail_is(&l.trail, "r0=WEIR_OK\nb0=WEIR_OK\nb2=WEIR_OK\nr3=WEIR_OK\nb1=WEIR_OK\n"));
    weir_buf *out = weir_embedded_take_all(l.embedded);
    expect_bytes(weir_buf_peek(out), "xx...x");
    weir_buf_release(out);
    life_end(&l);
}

WEIR_TEST(channel_flow, refuses_a_flood_of_regions_by_what_their_entries_cost) {
    life l;
    life_begin(&l, &small);
    weir_embedded_stall(l.embedded, true);
    for (int i = 0; i < 1000 / OUTBOUND_OVERHEAD; i++) weir_channel_write(l.channel, dots(500), NULL);
    l.trail.length = 0;
    weir_channel_write(l.channel, dots(500), life_promise(&l, "r"));
    expect(trail_is(&l.trail, "h.write\nr=WEIR_E_BACKPRESSURE\n"));
    life_end(&l);
}

WEIR_TEST(channel_flow, counts_what_passed) {
    life l;
    life_begin(&l, NULL);
    weir_channel_stats stats;
    life_write(&l, 7, NULL);
    life_write(&l, 3, NULL);
    weir_embedded_feed_bytes(l.embedded, "four", 4);
    weir_channel_get_stats(l.channel, &stats);
    expect_eq(stats.messages_written, 2);
    expect_eq(stats.bytes_written, 10);
    expect_eq(stats.reads, 1);
    expect_eq(stats.bytes_read, 4);
    life_end(&l);
}

/* ---- a handler that gathers ---- */

typedef struct gatherer {
    weir_buf *kept;
    unsigned flushes;
    bool swallows; /* the flush */
} gatherer;

static void keep_write(weir_ctx *ctx, weir_obj *msg, weir_promise *promise) {
    gatherer *self = weir_ctx_state(ctx);
    if (self->kept == NULL) {
        self->kept = weir_buf_new(0);
        weir_ctx_flush_later(ctx);
    }
    weir_buf *buf = weir_buf_from(msg);
    weir_buf_write_buf(self->kept, buf, weir_buf_readable(buf));
    weir_buf_release(buf);
    weir_promise_complete(promise, WEIR_OK);
}

static void send_kept(weir_ctx *ctx) {
    gatherer *self = weir_ctx_state(ctx);
    self->flushes++;
    if (self->kept != NULL) weir_ctx_write(ctx, self->kept, NULL);
    self->kept = NULL;
    if (!self->swallows) weir_ctx_flush(ctx);
}

static const weir_handler gathering = {.name = "gatherer", .write = keep_write, .flush = send_kept};

static weir_status build_with_gatherer(weir_pipeline *pipeline, void *arg) {
    return weir_pipeline_add_last(pipeline, &gathering, arg);
}

WEIR_TEST(channel_flow, ends_the_turn_of_a_handler_that_gathers_with_a_flush_through_the_pipeline) {
    for (int swallows = 0; swallows < 2; swallows++) {
        gatherer self = {.swallows = swallows == 1};
        weir_embedded *embedded = weir_embedded_new(NULL, build_with_gatherer, &self);
        require(embedded != NULL);
        weir_channel *channel = weir_embedded_channel(embedded);
        for (int i = 0; i < 3; i++) weir_channel_write(channel, life_bytes(10), NULL);
        expect_eq(self.flushes, 0);
        weir_obj *sent = weir_embedded_take(embedded);
        require(sent != NULL);
        expect_eq(weir_obj_size(sent), 30);
        weir_obj_release(sent);
        expect(weir_embedded_take(embedded) == NULL);
        expect_eq(self.flushes, 1);
        weir_embedded_run(embedded);
        expect_eq(self.flushes, 1);
        weir_embedded_free(embedded);
    }
}

static void keep_ctx(weir_ctx *ctx) {
    *(weir_ctx **)weir_ctx_state(ctx) = ctx;
}

static const weir_handler nearer_the_wire = {.name = "nearer", .added = keep_ctx};

WEIR_TEST(channel_flow, owes_that_flush_also_when_one_that_began_nearer_the_wire_has_passed) {
    gatherer self = {0};
    weir_ctx *nearer = NULL;
    weir_embedded *embedded = weir_embedded_new(NULL, build_with_gatherer, &self);
    require(embedded != NULL);
    weir_channel *channel = weir_embedded_channel(embedded);
    require(weir_pipeline_add_first(weir_channel_pipeline(channel), &nearer_the_wire, &nearer) == WEIR_OK);
    weir_channel_write(channel, life_bytes(10), NULL);
    weir_ctx_flush(nearer);
    expect_eq(self.flushes, 0);
    weir_obj *sent = weir_embedded_take(embedded);
    require(sent != NULL);
    expect_eq(weir_obj_size(sent), 10);
    weir_obj_release(sent);
    expect_eq(self.flushes, 1);
    weir_embedded_free(embedded);
}
