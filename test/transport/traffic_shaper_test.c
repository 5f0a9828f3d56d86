/* traffic_shaper_test.c - bytes against time, on clocks that move by hand: exact, not nearly. */
#include <string.h>

#include <weir/testing.h>

#include "life.h"
#include "witness.h"

static const uint64_t RATE = 100000; /* a second */

static void begin(life *self, const weir_channel_options *options, const weir_traffic_options *own,
                  weir_traffic_limit *shared) {
    life_begin(self, options);
    self->h.trail = NULL;
    expect_eq(weir_traffic_shaper_add(weir_embedded_pipeline(self->embedded), own, shared), WEIR_OK);
}

static uint64_t written(const life *self) {
    weir_channel_stats stats;
    weir_channel_get_stats(self->channel, &stats);
    return stats.bytes_written;
}

static void write_pattern(life *self, size_t at, size_t n, const char *name) {
    weir_channel_write(self->channel, patterned(at, n), name != NULL ? life_promise(self, name) : NULL);
    weir_embedded_run(self->embedded);
}

static void expect_pattern_sent(life *self, size_t n) {
    weir_buf *all = weir_embedded_take_all(self->embedded);
    expect_eq(weir_buf_readable(all), n);
    expect_pattern(all->rp, weir_buf_readable(all));
    weir_buf_release(all);
}

/* `bytes` are what `ms` bring, within five in a hundred and one piece. */
static void expect_rate(uint64_t bytes, uint64_t rate, uint64_t ms) {
    uint64_t exact = rate * ms / 1000;
    expect(bytes <= exact + exact / 20 + rate / 10 + rate / 20);
    expect(bytes + exact / 20 + rate / 20 >= exact);
}

WEIR_TEST(traffic_shaper, lets_out_what_the_rate_allows_at_any_time) {
    life t;
    begin(&t, NULL, &(weir_traffic_options){.write_rate = RATE}, NULL);
    write_pattern(&t, 0, 1000000, "all");
    for (uint64_t ms = 0; ms < 9800; ms += 7) {
        expect_rate(written(&t), RATE, ms);
        weir_embedded_advance(t.embedded, 7);
    }
    expect(trail_is(&t.trail, ""));
    weir_embedded_advance(t.embedded, 300);
    expect(trail_is(&t.trail, "all=WEIR_OK\n"));
    expect_pattern_sent(&t, 1000000);
    life_end(&t);
}

WEIR_TEST(traffic_shaper, lets_small_messages_pass_while_the_rate_allows) {
    life t;
    weir_traffic_limit *shared = weir_traffic_limit_new(&(weir_traffic_options){.write_rate = RATE / 2});
    require(shared != NULL);
    begin(&t, NULL, &(weir_traffic_options){.write_rate = RATE}, shared);
    size_t at = 0;
    while (written(&t) == at && at < RATE) write_pattern(&t, at, 100, NULL), at += 100;
    expect_rate(written(&t), RATE / 2, 0); /* one burst of the tighter rate */
    expect(written(&t) >= 100);
    uint64_t first = written(&t);
    for (size_t end = at + 5000; at < end; at += 100) write_pattern(&t, at, 100, NULL);
    expect_eq(written(&t), first);
    weir_embedded_advance(t.embedded, 500);
    expect_eq(written(&t), at);
    expect_pattern_sent(&t, at);
    life_end(&t);
    weir_traffic_limit_release(shared);
}

WEIR_TEST(traffic_shaper, is_as_exact_at_rates_of_any_size) {
    static const uint64_t rates[] = {1000, 12345, 1000000, 50000000};
    for (size_t i = 0; i < 4; i++) {
        life t;
        begin(&t, &(weir_channel_options){.write_cap = 1 << 30},
              &(weir_traffic_options){.write_rate = rates[i]}, NULL);
        write_pattern(&t, 0, (size_t)rates[i] * 2, NULL);
        weir_embedded_advance(t.embedded, 1000);
        expect_rate(written(&t), rates[i], 1000);
        weir_embedded_advance(t.embedded, 1000);
        expect_pattern_sent(&t, (size_t)rates[i] * 2);
        life_end(&t);
    }
}

WEIR_TEST(traffic_shaper, saves_no_more_than_the_burst_in_a_pause) {
    life t;
    begin(&t, NULL, &(weir_traffic_options){.write_rate = RATE, .burst = 20000}, NULL);
    weir_embedded_advance(t.embedded, 60000);
    write_pattern(&t, 0, 200000, NULL);
    expect(written(&t) >= 20000 && written(&t) <= 20000 + RATE / 20);
    weir_embedded_advance(t.embedded, 1000);
    expect_rate(written(&t) - 20000, RATE, 1000);
    life_end(&t);
}

WEIR_TEST(traffic_shaper, shares_a_limit_among_channels) {
    weir_traffic_limit *limit = weir_traffic_limit_new(&(weir_traffic_options){.write_rate = RATE});
    life all[4];
    for (int i = 0; i < 4; i++) {
        begin(&all[i], NULL, NULL, limit);
        write_pattern(&all[i], 0, 1000000, NULL);
    }
    for (int ms = 0; ms < 5000; ms += 5) {
        for (int i = 0; i < 4; i++) weir_embedded_advance(all[(ms / 5 + i) % 4].embedded, 5);
    }
    uint64_t sum = 0;
    for (int i = 0; i < 4; i++) {
        sum += written(&all[i]);
        expect(written(&all[i]) >= RATE / 4); /* nobody starves: a twentieth of the whole at least */
    }
    expect_rate(sum, RATE, 5000);
    weir_traffic_limit_set(limit, &(weir_traffic_options){0});
    for (int i = 0; i < 4; i++) {
        weir_embedded_advance(all[i].embedded, 1000);
        expect_pattern_sent(&all[i], 1000000);
        life_end(&all[i]);
    }
    weir_traffic_limit_release(limit);
}

/* One that was set far too low, and is set right. */
WEIR_TEST(traffic_shaper, lets_all_notice_that_a_shared_limit_was_raised) {
    static const uint64_t rights[] = {0, 100000};
    for (int i = 0; i < 2; i++) {
        life t, other;
        weir_traffic_limit *limit =
            weir_traffic_limit_new(&(weir_traffic_options){.read_rate = 10, .write_rate = 1});
        begin(&t, NULL, NULL, limit);
        begin(&other, NULL, NULL, limit);
        write_pattern(&t, 0, 20000, NULL);
        write_pattern(&other, 0, 20000, NULL);
        weir_embedded_feed(t.embedded, life_bytes(50000)); /* for an hour and more */
        weir_embedded_advance(t.embedded, 3000);
        weir_embedded_advance(other.embedded, 3000);
        expect(!weir_channel_can_read(t.channel));
        expect(written(&t) + written(&other) < 200);
        weir_traffic_limit_set(limit,
                               &(weir_traffic_options){.read_rate = rights[i], .write_rate = rights[i]});
        weir_embedded_advance(t.embedded, 2000);
        weir_embedded_advance(other.embedded, 2000);
        expect(weir_channel_can_read(t.channel));
        expect_pattern_sent(&t, 20000);
        expect_pattern_sent(&other, 20000);
        life_end(&t);
        life_end(&other);
        weir_traffic_limit_release(limit);
    }
}

WEIR_TEST(traffic_shaper, keeps_to_the_rate_that_was_set_last) {
    life t;
    weir_traffic_limit *limit = weir_traffic_limit_new(&(weir_traffic_options){.write_rate = RATE});
    begin(&t, NULL, NULL, limit);
    write_pattern(&t, 0, 1000000, NULL);
    weir_embedded_advance(t.embedded, 1000);
    uint64_t before = written(&t);
    weir_traffic_limit_set(limit, &(weir_traffic_options){.write_rate = RATE / 10});
    weir_embedded_advance(t.embedded, 10000);
    expect_rate(written(&t) - before, RATE / 10, 10000);
    before = written(&t);
    weir_traffic_limit_set(limit, &(weir_traffic_options){.write_rate = RATE * 2});
    weir_embedded_advance(t.embedded, 2000);
    expect_rate(written(&t) - before, RATE * 2, 2000);
    weir_traffic_limit_release(limit);
    life_end(&t);
}

WEIR_TEST(traffic_shaper, obeys_the_tighter_of_two_limits) {
    weir_traffic_limit *limit = weir_traffic_limit_new(&(weir_traffic_options){.write_rate = RATE * 10});
    life t;
    begin(&t, NULL, &(weir_traffic_options){.write_rate = RATE}, limit);
    write_pattern(&t, 0, 500000, NULL);
    weir_embedded_advance(t.embedded, 2000);
    expect_rate(written(&t), RATE, 2000);
    weir_traffic_limit_set(limit, &(weir_traffic_options){.write_rate = RATE / 10});
    uint64_t before = written(&t);
    weir_embedded_advance(t.embedded, 5000);
    expect_rate(written(&t) - before - RATE / 20, RATE / 10, 5000); /* a piece was paid for before */
    life_end(&t);
    weir_traffic_limit_release(limit);
}

static uint64_t bytes_read(const life *self) {
    weir_channel_stats stats;
    weir_channel_get_stats(self->channel, &stats);
    return stats.bytes_read;
}

WEIR_TEST(traffic_shaper, reads_what_the_rate_allows) {
    life t;
    begin(&t, NULL, &(weir_traffic_options){.read_rate = RATE}, NULL);
    for (int i = 0; i < 2000; i++) weir_embedded_feed(t.embedded, life_bytes(1000));
    for (uint64_t ms = 0; ms < 15000; ms += 11) {
        expect_rate(bytes_read(&t), RATE, ms);
        weir_embedded_advance(t.embedded, 11);
    }
    weir_channel_set_reading(t.channel, false);
    uint64_t before = bytes_read(&t);
    weir_embedded_advance(t.embedded, 1000);
    expect_eq(bytes_read(&t), before); /* a pause of one's own stays one */
    life_end(&t);
}

WEIR_TEST(traffic_shaper, lets_all_be_read_once_it_is_removed) {
    life t;
    begin(&t, NULL, &(weir_traffic_options){.read_rate = RATE}, NULL);
    for (int i = 0; i < 100; i++) weir_embedded_feed(t.embedded, life_bytes(1000));
    expect(!weir_channel_can_read(t.channel));
    weir_pipeline *pipeline = weir_channel_pipeline(t.channel);
    weir_pipeline_remove(weir_pipeline_find(pipeline, &weir_traffic_shaper_handler));
    weir_embedded_run(t.embedded);
    expect(weir_channel_can_read(t.channel));
    expect_eq(bytes_read(&t), 100000);
    life_end(&t);
}

WEIR_TEST(traffic_shaper, tells_writers_that_they_are_too_fast) {
    life t;
    weir_channel_options options = {.low_water = 1000, .high_water = 5000, .write_cap = 20000};
    begin(&t, &options, &(weir_traffic_options){.write_rate = RATE}, NULL);
    write_pattern(&t, 0, 15000, NULL);
    uint64_t waiting = weir_channel_pending_bytes(t.channel);
    expect(waiting + written(&t) >= 15000 && waiting > 5000);
    expect(!weir_channel_is_writable(t.channel));
    write_pattern(&t, 0, 19000, "too much");
    expect(trail_is(&t.trail, "too much=WEIR_E_BACKPRESSURE\n"));
    weir_embedded_advance(t.embedded, 200);
    expect(weir_channel_is_writable(t.channel));
    expect_eq(weir_channel_pending_bytes(t.channel), 0);
    expect_eq(t.h.seen[ACTOR_WRITABLE_CHANGED], 2);
    life_end(&t);
}

WEIR_TEST(traffic_shaper, cuts_files_too_and_closes_behind_them) {
    life t;
    begin(&t, NULL, &(weir_traffic_options){.write_rate = RATE}, NULL);
    weir_region *whole = weir_region_buf(patterned(0, 60000));
    weir_channel_write(t.channel, weir_region_slice(whole, 10000, 50000), life_promise(&t, "file"));
    weir_region_release(whole);
    weir_channel_write(t.channel, weir_buf_new(0), life_promise(&t, "empty"));
    weir_channel_close(t.channel, life_promise(&t, "close"));
    weir_embedded_advance(t.embedded, 200);
    expect(trail_is(&t.trail, ""));
    expect(written(&t) > 20000 && written(&t) < 40000);
    weir_embedded_advance(t.embedded, 400);
    expect(trail_is(&t.trail, "file=WEIR_OK\nempty=WEIR_OK\nclose=WEIR_OK\n"));
    weir_buf *all = weir_embedded_take_all(t.embedded), *same = patterned(10000, 50000);
    expect_eq(weir_buf_readable(all), 50000);
    expect(weir_buf_equal(all, same));
    weir_buf_release(all);
    weir_buf_release(same);
    life_end(&t);
}

WEIR_TEST(traffic_shaper, lets_everything_out_when_it_is_removed) {
    life t;
    begin(&t, NULL, &(weir_traffic_options){.write_rate = RATE, .read_rate = 1}, NULL);
    write_pattern(&t, 0, 40000, "buf");
    weir_region *whole = weir_region_buf(patterned(40000, 60000));
    weir_channel_write(t.channel, whole, life_promise(&t, "file"));
    weir_embedded_feed(t.embedded, life_bytes(1000));
    weir_embedded_advance(t.embedded, 500);
    weir_pipeline *pipeline = weir_embedded_pipeline(t.embedded);
    weir_pipeline_remove(weir_pipeline_find(pipeline, &weir_traffic_shaper_handler));
    weir_embedded_run(t.embedded);
    expect(trail_is(&t.trail, "buf=WEIR_OK\nfile=WEIR_OK\n"));
    expect_pattern_sent(&t, 100000);
    uint64_t before = bytes_read(&t);
    weir_embedded_feed(t.embedded, life_bytes(1000));
    expect_eq(bytes_read(&t), before + 1000);
    life_end(&t);
}

WEIR_TEST(traffic_shaper, fails_what_waits_when_the_channel_breaks) {
    life t;
    begin(&t, NULL, &(weir_traffic_options){.write_rate = RATE}, NULL);
    write_pattern(&t, 0, 100000, "buf");
    weir_channel_shutdown(t.channel, life_promise(&t, "shutdown"));
    weir_embedded_break(t.embedded, WEIR_E_CANCELED);
    expect(trail_is(&t.trail, "buf=WEIR_E_CANCELED\nshutdown=WEIR_E_CANCELED\n"));
    life_end(&t);
}

static bool shape_one(void *arg) {
    (void)arg;
    weir_traffic_limit *limit = weir_traffic_limit_new(&(weir_traffic_options){.write_rate = 1000});
    weir_embedded *embedded = weir_embedded_new(NULL, NULL, NULL);
    bool ok = limit != NULL && embedded != NULL &&
              weir_traffic_shaper_add(weir_embedded_pipeline(embedded), NULL, limit) == WEIR_OK;
    weir_buf *buf = ok ? weir_buf_new(2000) : NULL;
    if (buf != NULL) {
        weir_buf_write_fill(buf, 'x', 2000);
        weir_channel_write(weir_embedded_channel(embedded), buf, NULL);
        weir_embedded_advance(embedded, 3000);
        ok = weir_embedded_is_open(embedded);
    }
    ok = ok && buf != NULL;
    weir_embedded_free(embedded);
    weir_traffic_limit_release(limit);
    return ok;
}

WEIR_TEST(traffic_shaper, loses_nothing_when_memory_runs_out) {
    weir_oom_sweep(shape_one, NULL);
}
