/* idle_handler_test.c - told when nothing happens, on a clock that moves by hand. */
#include <weir/testing.h>

#include "actor.h"

/* Writes down the name of each event. */
static void note_event(weir_ctx *ctx, weir_obj *event) {
    const weir_event *named = WEIR_CONTAINER(event, weir_event, obj);
    trail_add(weir_ctx_state(ctx), "%llu %s", (unsigned long long)weir_loop_now(weir_ctx_loop(ctx)),
              named->name);
    weir_ctx_fire_event(ctx, event);
}

static void note_inactive(weir_ctx *ctx) {
    trail_add(weir_ctx_state(ctx), "%llu inactive", (unsigned long long)weir_loop_now(weir_ctx_loop(ctx)));
}

static const weir_handler listener = {.name = "listener", .event = note_event, .inactive = note_inactive};

typedef struct idle_test {
    weir_idle_options options;
    trail trail;
    weir_embedded *embedded;
} idle_test;

static weir_status build(weir_pipeline *pipeline, void *arg) {
    idle_test *self = arg;
    weir_status status = weir_pipeline_add_last(pipeline, &listener, &self->trail);
    return status != WEIR_OK ? status : weir_idle_handler_add(pipeline, &self->options);
}

static void begin(idle_test *self, weir_idle_options options) {
    *self = (idle_test){.options = options};
    self->embedded = weir_embedded_new(NULL, build, self);
    require(self->embedded != NULL);
    expect_str(
        weir_ctx_handler(weir_pipeline_find(weir_embedded_pipeline(self->embedded), &weir_idle_handler))
            ->name,
        "idle");
}

static void end(idle_test *self) {
    weir_embedded_free(self->embedded);
}

static void write_one(idle_test *self) {
    weir_buf *buf = weir_buf_new(1);
    weir_buf_write_fill(buf, 'x', 1);
    weir_channel_write(weir_embedded_channel(self->embedded), buf, NULL);
    weir_embedded_run(self->embedded);
}

WEIR_TEST(idle_handler, tells_that_nothing_was_read_again_and_again) {
    idle_test t;
    begin(&t, (weir_idle_options){.read_ms = 100});
    weir_embedded_advance(t.embedded, 99);
    expect(trail_is(&t.trail, ""));
    weir_embedded_advance(t.embedded, 1);
    expect(trail_is(&t.trail, "100 idle_read\n"));
    weir_embedded_advance(t.embedded, 250);
    expect(trail_is(&t.trail, "200 idle_read\n300 idle_read\n"));
    end(&t);
}

WEIR_TEST(idle_handler, counts_from_the_last_read) {
    idle_test t;
    begin(&t, (weir_idle_options){.read_ms = 100});
    weir_embedded_advance(t.embedded, 60);
    weir_embedded_feed_bytes(t.embedded, "x", 1);
    weir_embedded_advance(t.embedded, 60);
    weir_embedded_feed_bytes(t.embedded, "x", 1);
    write_one(&t);
    weir_embedded_advance(t.embedded, 99);
    expect(trail_is(&t.trail, ""));
    weir_embedded_advance(t.embedded, 1);
    expect(trail_is(&t.trail, "220 idle_read\n"));
    end(&t);
}

WEIR_TEST(idle_handler, tells_writing_and_both_apart) {
    idle_test t;
    begin(&t, (weir_idle_options){.write_ms = 100, .all_ms = 150});
    weir_embedded_advance(t.embedded, 90);
    weir_embedded_feed_bytes(t.embedded, "x", 1);
    weir_embedded_advance(t.embedded, 20);
    expect(trail_is(&t.trail, "100 idle_write\n"));
    weir_embedded_advance(t.embedded, 60);
    write_one(&t);
    expect(trail_is(&t.trail, ""));
    weir_embedded_advance(t.embedded, 150);
    expect(trail_is(&t.trail, "270 idle_write\n320 idle_all\n"));
    end(&t);
}

WEIR_TEST(idle_handler, closes_when_told_to) {
    idle_test t;
    begin(&t, (weir_idle_options){.all_ms = 100, .close = true});
    weir_embedded_advance(t.embedded, 50);
    write_one(&t);
    weir_embedded_advance(t.embedded, 1000);
    expect(trail_is(&t.trail, "150 inactive\n"));
    expect(!weir_embedded_is_open(t.embedded));
    end(&t);
}

WEIR_TEST(idle_handler, is_silent_about_what_was_not_asked_for) {
    idle_test t;
    begin(&t, (weir_idle_options){0});
    weir_embedded_advance(t.embedded, 10000000);
    expect(trail_is(&t.trail, ""));
    end(&t);
}

WEIR_TEST(idle_handler, stops_its_clock_when_it_is_removed) {
    idle_test t;
    begin(&t, (weir_idle_options){.read_ms = 100});
    weir_pipeline_remove(weir_pipeline_find(weir_embedded_pipeline(t.embedded), &weir_idle_handler));
    weir_embedded_advance(t.embedded, 1000);
    expect(trail_is(&t.trail, ""));
    end(&t);
}

static void remove_idle_handler(weir_ctx *ctx, weir_obj *event) {
    weir_ctx *idle = weir_pipeline_find(weir_ctx_pipeline(ctx), &weir_idle_handler);
    ++*(int *)weir_ctx_state(ctx);
    weir_obj_release(event);
    if (idle != NULL) weir_pipeline_remove(idle);
}

static const weir_handler remover = {.name = "remover", .event = remove_idle_handler};

WEIR_TEST(idle_handler, may_be_removed_by_whoever_it_tells) {
    int told = 0;
    weir_embedded *e = weir_embedded_new(NULL, NULL, NULL);
    weir_pipeline_add_last(weir_embedded_pipeline(e), &remover, &told);
    weir_idle_options options = {.read_ms = 50, .write_ms = 50, .all_ms = 50};
    expect_status(weir_idle_handler_add(weir_embedded_pipeline(e), &options), WEIR_OK);
    weir_embedded_advance(e, 500);
    expect_eq(told, 1);
    weir_embedded_free(e);
}

WEIR_TEST(idle_handler, needs_memory) {
    weir_embedded *e = weir_embedded_new(NULL, NULL, NULL);
    weir_idle_options options = {.read_ms = 50};
    for (uint64_t n = 0; n < 2; n++) {
        weir_tracking_alloc_fail_nth(weir_test_alloc(), n);
        expect_status(weir_idle_handler_add(weir_embedded_pipeline(e), &options), WEIR_E_NO_MEMORY);
        weir_tracking_alloc_fail_never(weir_test_alloc());
    }
    weir_embedded_advance(e, 500);
    weir_embedded_free(e);
}
