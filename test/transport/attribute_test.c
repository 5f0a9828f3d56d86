/* attribute_test.c - values that stay with a channel and go with it. */
#include <weir/testing.h>

#include "life.h"

static trail *freed;

static void note_free(void *value) {
    trail_add(freed, "free %s", (const char *)value);
}

static const weir_attribute_key name_key = {.name = "name", .free = note_free};
static const weir_attribute_key twin_key = {.name = "name", .free = note_free};
static const weir_attribute_key plain_key = {.name = "plain"};

static void begin(life *self) {
    life_begin(self, NULL);
    freed = &self->trail;
}

WEIR_TEST(attribute, is_found_by_the_address_of_its_key) {
    life t;
    begin(&t);
    expect(weir_channel_attribute(t.channel, &name_key) == NULL);
    expect_eq(weir_channel_set_attribute(t.channel, &name_key, "ann"), WEIR_OK);
    expect_eq(weir_channel_set_attribute(t.channel, &plain_key, &t), WEIR_OK);
    expect_str(weir_channel_attribute(t.channel, &name_key), "ann");
    expect(weir_channel_attribute(t.channel, &plain_key) == &t);
    expect(weir_channel_attribute(t.channel, &twin_key) == NULL);
    life_end(&t);
}

WEIR_TEST(attribute, frees_what_is_replaced_or_removed_and_only_that) {
    life t;
    begin(&t);
    char ann[] = "ann", bob[] = "bob";
    weir_channel_set_attribute(t.channel, &name_key, ann);
    weir_channel_set_attribute(t.channel, &twin_key, "twin");
    weir_channel_set_attribute(t.channel, &name_key, ann);
    expect(trail_is(&t.trail, ""));
    weir_channel_set_attribute(t.channel, &name_key, bob);
    expect(trail_is(&t.trail, "free ann\n"));
    expect_eq(weir_channel_set_attribute(t.channel, &name_key, NULL), WEIR_OK);
    expect(trail_is(&t.trail, "free bob\n"));
    expect_eq(weir_channel_set_attribute(t.channel, &name_key, NULL), WEIR_OK);
    expect(trail_is(&t.trail, ""));
    expect_str(weir_channel_attribute(t.channel, &twin_key), "twin");
    life_end(&t);
}

static void look_when_removed(actor *self, weir_ctx *ctx, actor_slot slot) {
    (void)slot;
    const char *name = weir_channel_attribute(weir_ctx_channel(ctx), &name_key);
    trail_add(self->trail, "still %s", name);
}

WEIR_TEST(attribute, outlives_every_handler_and_goes_with_the_channel) {
    life t;
    begin(&t);
    t.h.act = look_when_removed;
    t.h.when = ACTOR_REMOVED;
    weir_channel_set_attribute(t.channel, &name_key, "ann");
    weir_channel *channel = weir_channel_retain(t.channel);
    weir_channel_close(channel, NULL);
    weir_embedded_run(t.embedded);
    const char *told = t.trail.text + (t.trail.length - strlen("h.removed\nstill ann\nfree ann\n"));
    expect_str(told, "h.removed\nstill ann\nfree ann\n");
    trail_is(&t.trail, t.trail.text);
    expect_eq(weir_channel_set_attribute(channel, &name_key, "late"), WEIR_E_CLOSED);
    expect(trail_is(&t.trail, "free late\n"));
    expect(weir_channel_attribute(channel, &name_key) == NULL);
    weir_channel_release(channel);
    life_end(&t);
}

static bool set_in_embedded(void *arg) {
    (void)arg;
    trail told = {0};
    freed = &told;
    weir_embedded *embedded = weir_embedded_new(NULL, NULL, NULL);
    if (embedded == NULL) return false;
    weir_status status = weir_channel_set_attribute(weir_embedded_channel(embedded), &name_key, "ann");
    weir_embedded_free(embedded);
    expect_str(told.text, "free ann\n");
    return status == WEIR_OK;
}

WEIR_TEST(attribute, frees_the_value_also_when_memory_runs_out) {
    weir_oom_sweep(set_in_embedded, NULL);
}

/* ---- of a loop ---- */

WEIR_TEST(attribute, of_a_loop_is_found_by_all_its_channels_and_goes_with_the_loop) {
    life t;
    begin(&t);
    weir_loop *loop = weir_channel_loop(t.channel);
    char ann[] = "ann", bob[] = "bob";
    expect(weir_loop_attribute(loop, &name_key) == NULL);
    expect_eq(weir_loop_set_attribute(loop, &name_key, ann), WEIR_OK);
    expect_eq(weir_loop_set_attribute(loop, &twin_key, "twin"), WEIR_OK);
    expect_str(weir_loop_attribute(loop, &name_key), "ann");
    expect(weir_channel_attribute(t.channel, &name_key) == NULL);
    expect_eq(weir_loop_set_attribute(loop, &name_key, bob), WEIR_OK);
    expect(trail_is(&t.trail, "free ann\n"));
    expect_eq(weir_loop_set_attribute(loop, &name_key, NULL), WEIR_OK);
    expect(trail_is(&t.trail, "free bob\n"));
    weir_channel_close(t.channel, NULL);
    weir_embedded_run(t.embedded);
    expect(strstr(t.trail.text, "twin") == NULL);
    expect_str(weir_loop_attribute(loop, &twin_key), "twin");
    trail_is(&t.trail, t.trail.text);
    trail kept = {0};
    freed = &kept;
    life_end(&t);
    expect_str(kept.text, "free twin\n");
}

static bool set_in_loop(void *arg) {
    (void)arg;
    trail told = {0};
    freed = &told;
    weir_loop *loop = weir_loop_new(NULL);
    if (loop == NULL) return false;
    while (!weir_loop_is_current(loop)) weir_loop_turn(loop); /* which makes it this thread's */
    weir_status status = weir_loop_set_attribute(loop, &name_key, "ann");
    weir_loop_free(loop);
    expect_str(told.text, "free ann\n");
    return status == WEIR_OK;
}

WEIR_TEST(attribute, of_a_loop_is_freed_also_when_memory_runs_out) {
    weir_log_set_level(WEIR_LOG_OFF);
    expect(weir_oom_sweep(set_in_loop, NULL) > 0);
}
