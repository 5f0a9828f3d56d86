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

/* ---- that does something with its loop when it goes ---- */

static weir_status refusal;

static void no_work(void *arg) {
    (void)arg;
}

static void no_answer(void *arg, weir_status status) {
    (void)arg;
    (void)status;
}

static void offload_at_last(void *value) {
    refusal = weir_loop_offload(value, no_work, no_answer, NULL);
}

static void turn_at_last(void *value) {
    weir_loop_turn(value);
}

enum {
    CHAIN = 20
};

/* Each completes the next one: some are posted, so as not to nest too deep. */
typedef struct chain {
    weir_promise *links[CHAIN + 1];
    unsigned told;
} chain;

static void complete_next(void *arg, weir_status status) {
    chain *self = arg;
    weir_promise_complete(self->links[++self->told], status);
}

static void complete_at_last(void *value) {
    chain *self = value;
    weir_promise_complete(self->links[0], WEIR_OK);
}

static const weir_attribute_key offloader_key = {"offloader", offload_at_last};
static const weir_attribute_key turner_key = {"turner", turn_at_last};
static const weir_attribute_key completer_key = {"completer", complete_at_last};

static void free_loop_with(const weir_attribute_key *key) {
    weir_loop *loop = weir_loop_new(NULL);
    weir_loop_turn(loop);
    expect_eq(weir_loop_set_attribute(loop, key, loop), WEIR_OK);
    weir_loop_free(loop);
}

WEIR_TEST(attribute, of_a_loop_begins_no_job_that_the_loop_would_not_see_the_end_of) {
    free_loop_with(&offloader_key);
    expect_status(refusal, WEIR_E_STOPPED);
}

WEIR_TEST(attribute, of_a_loop_takes_no_turn_of_the_loop_that_is_freed) {
    expect_abort(free_loop_with(&turner_key), "weir_loop_turn inside of a callback");
}

static void begin_chain(chain *self, weir_loop *loop) {
    for (int i = 0; i < CHAIN; i++) {
        self->links[i] = weir_promise_new(loop);
        expect_status(weir_promise_listen(self->links[i], complete_next, self), WEIR_OK);
    }
    expect_eq(weir_loop_set_attribute(loop, &completer_key, self), WEIR_OK);
}

WEIR_TEST(attribute, of_a_loop_leaves_no_task_behind) {
    chain real = {.told = 0}, embedded = {.told = 0};
    weir_loop *loop = weir_loop_new(NULL);
    weir_loop_turn(loop);
    begin_chain(&real, loop);
    weir_loop_free(loop);
    expect_eq(real.told, CHAIN);
    weir_embedded *by_hand = weir_embedded_new(NULL, NULL, NULL);
    begin_chain(&embedded, weir_channel_loop(weir_embedded_channel(by_hand)));
    weir_embedded_free(by_hand);
    expect_eq(embedded.told, CHAIN);
}
