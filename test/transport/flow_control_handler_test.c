/* flow_control_handler_test.c - behind a handler that makes a message of every byte, one message for each pull. */
#include <weir/testing.h>

#include "actor.h"

typedef struct flow_test {
    weir_embedded *embedded;
    trail trail;
    unsigned pulls; /* that a message causes by itself, while it is delivered */
    bool remove;    /* the flow control, while a message is delivered */
} flow_test;

static void split(weir_ctx *ctx, weir_obj *msg) {
    weir_buf *buf = weir_buf_from(msg);
    while (weir_buf_is_readable(buf)) {
        weir_buf *byte = weir_buf_read_slice(buf, 1);
        if (byte == NULL) break;
        weir_ctx_fire_read(ctx, &byte->obj);
    }
    weir_buf_release(buf);
}

static const weir_handler splitter = {.name = "splitter", .read = split};

static void note_read(weir_ctx *ctx, weir_obj *msg) {
    flow_test *self = weir_ctx_state(ctx);
    uint8_t byte = 0;
    weir_buf_read_u8(weir_buf_from(msg), &byte);
    weir_obj_release(msg);
    trail_add(&self->trail, "%c", byte);
    if (self->remove) {
        self->remove = false;
        weir_pipeline_remove(weir_pipeline_find(weir_ctx_pipeline(ctx), &weir_flow_control_handler));
    }
    if (self->pulls == 0) return;
    self->pulls--;
    weir_ctx_pull(ctx);
}

static void note_read_complete(weir_ctx *ctx) {
    trail_add(&((flow_test *)weir_ctx_state(ctx))->trail, ".");
}

static void note_event(weir_ctx *ctx, weir_obj *event) {
    trail_add(&((flow_test *)weir_ctx_state(ctx))->trail, "%s", WEIR_CONTAINER(event, weir_event, obj)->name);
    weir_obj_release(event);
}

static const weir_handler reader = {
    .name = "reader", .read = note_read, .read_complete = note_read_complete, .event = note_event};

static weir_status build(weir_pipeline *pipeline, void *arg) {
    weir_status status = weir_pipeline_add_last(pipeline, &splitter, NULL);
    if (status == WEIR_OK) status = weir_flow_control_handler_add(pipeline);
    return status != WEIR_OK ? status : weir_pipeline_add_last(pipeline, &reader, arg);
}

static void begin(flow_test *self) {
    *self = (flow_test){0};
    weir_channel_options options = {.manual_read = true};
    self->embedded = weir_embedded_new(&options, build, self);
    require(self->embedded != NULL);
}

static void end(flow_test *self) {
    weir_embedded_free(self->embedded);
}

static void pull(flow_test *self) {
    weir_channel_pull(weir_embedded_channel(self->embedded));
    weir_embedded_run(self->embedded);
}

static void feed(flow_test *self, const char *text) {
    expect_eq(weir_embedded_feed_bytes(self->embedded, text, strlen(text)), WEIR_OK);
}

static size_t waiting(flow_test *self) {
    return weir_flow_control_handler_waiting(
        weir_pipeline_find(weir_embedded_pipeline(self->embedded), &weir_flow_control_handler));
}

WEIR_TEST(flow_control_handler, gives_one_message_for_each_pull) {
    flow_test t;
    begin(&t);
    feed(&t, "abc");
    expect(trail_is(&t.trail, ""));
    pull(&t);
    expect(trail_is(&t.trail, "a\n.\n"));
    expect_eq(waiting(&t), 2);
    pull(&t);
    pull(&t);
    expect(trail_is(&t.trail, "b\n.\nc\n.\n"));
    end(&t);
}

WEIR_TEST(flow_control_handler, asks_the_wire_when_nothing_waits) {
    flow_test t;
    begin(&t);
    pull(&t);
    feed(&t, "ab");
    expect(trail_is(&t.trail, "a\n.\n"));
    feed(&t, "c");
    pull(&t);
    expect(trail_is(&t.trail, "b\n.\n"));
    expect_eq(waiting(&t), 0);
    pull(&t);
    expect(trail_is(&t.trail, "c\n.\n"));
    end(&t);
}

WEIR_TEST(flow_control_handler, keeps_a_wish_until_a_message_comes) {
    flow_test t;
    begin(&t);
    pull(&t);
    feed(&t, "");
    feed(&t, "");
    expect(trail_is(&t.trail, ""));
    feed(&t, "a");
    expect(trail_is(&t.trail, "a\n.\n"));
    feed(&t, "b");
    expect(trail_is(&t.trail, ""));
    end(&t);
}

WEIR_TEST(flow_control_handler, serves_pulls_from_inside_a_message_one_after_the_other) {
    flow_test t;
    begin(&t);
    t.pulls = 3;
    feed(&t, "abc");
    feed(&t, "de");
    pull(&t);
    expect(trail_is(&t.trail, "a\n.\nb\n.\nc\n.\nd\n.\n"));
    expect_eq(waiting(&t), 1);
    end(&t);
}

WEIR_TEST(flow_control_handler, keeps_the_end_of_the_stream_behind_its_messages) {
    flow_test t;
    begin(&t);
    pull(&t);
    feed(&t, "ab");
    weir_embedded_feed_end(t.embedded);
    expect(trail_is(&t.trail, "a\n.\n"));
    pull(&t);
    expect(trail_is(&t.trail, "b\n.\npeer_ending\n"));
    pull(&t);
    expect(trail_is(&t.trail, "peer_closed\n"));
    end(&t);
}

WEIR_TEST(flow_control_handler, hands_on_what_waits_when_it_is_removed) {
    flow_test t;
    begin(&t);
    pull(&t);
    feed(&t, "abc");
    weir_pipeline_remove(weir_pipeline_find(weir_embedded_pipeline(t.embedded), &weir_flow_control_handler));
    expect(trail_is(&t.trail, "a\n.\nb\nc\n.\n"));
    end(&t);
    begin(&t);
    pull(&t);
    feed(&t, "abc");
    t.remove = true;
    t.trail.length = 0;
    pull(&t);
    expect(trail_is(&t.trail, "b\nc\n.\n.\n"));
    end(&t);
}

WEIR_TEST(flow_control_handler, releases_what_waits_when_the_channel_breaks) {
    flow_test t;
    begin(&t);
    pull(&t);
    feed(&t, "abc");
    t.trail.length = 0;
    weir_embedded_break(t.embedded, WEIR_E_CANCELED);
    expect(trail_is(&t.trail, ""));
    end(&t);
}

static bool hold_some(void *arg) {
    flow_test t = {0};
    weir_channel_options options = {.manual_read = true};
    (void)arg;
    t.embedded = weir_embedded_new(&options, build, &t);
    if (t.embedded == NULL) return false;
    weir_channel_pull(weir_embedded_channel(t.embedded));
    bool ok = weir_embedded_feed_bytes(t.embedded, "abc", 3) == WEIR_OK && weir_embedded_is_open(t.embedded);
    weir_embedded_free(t.embedded);
    return ok;
}

WEIR_TEST(flow_control_handler, loses_nothing_when_memory_runs_out) {
    weir_oom_sweep(hold_some, NULL);
}
