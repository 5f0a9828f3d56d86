/* pipeline_test.c - the chain: who sees what, in which order, also while it is being changed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/testing.h>

#include "actor.h"
#include "channel/channel_internal.h"

typedef struct chain {
    weir_embedded *embedded;
    weir_pipeline *pipeline;
    trail trail;
    actor a, b, c, extra;
} chain;

static void make(chain *self) {
    memset(self, 0, sizeof *self);
    self->embedded = weir_embedded_new(NULL, NULL, NULL);
    require(self->embedded != NULL);
    self->pipeline = weir_embedded_pipeline(self->embedded);
    self->a = (actor){.name = "a", .trail = &self->trail};
    self->b = (actor){.name = "b", .trail = &self->trail};
    self->c = (actor){.name = "c", .trail = &self->trail};
    self->extra = (actor){.name = "extra", .trail = &self->trail};
}

/* a, b and c in this order, as if they had been there for long. */
static void make_three(chain *self) {
    make(self);
    actor_add(&self->a, self->pipeline);
    actor_add(&self->b, self->pipeline);
    actor_add(&self->c, self->pipeline);
    self->trail.length = 0;
}

static void unmake(chain *self) {
    weir_embedded_free(self->embedded);
}

static weir_ctx *place_of(chain *self, actor *one) {
    for (weir_ctx *ctx = self->pipeline->ends.next; ctx != &self->pipeline->ends; ctx = ctx->next) {
        if (ctx->state == one) return ctx;
    }
    return NULL;
}

/* "a.read b.read c.read" for inbound events, the other way for outbound ones. */
static void expect_walk(chain *self, actor_slot slot, const char *order) {
    char expected[200] = "";
    weir_test_context("%s", actor_slot_names[slot]);
    size_t n = strlen(order);
    for (size_t i = 0; i < n; i++) {
        char name = order[actor_slot_is_inbound(slot) ? i : n - 1 - i];
        snprintf(expected + strlen(expected), sizeof expected - strlen(expected), "%c.%s\n", name,
                 actor_slot_names[slot]);
    }
    expect(trail_is(&self->trail, expected));
}

WEIR_TEST(pipeline, carries_inbound_events_to_the_tail_and_outbound_ones_to_the_head) {
    for (actor_slot slot = 0; slot < ACTOR_EVENTS; slot++) {
        chain list;
        make_three(&list);
        list.c.keeps = slot == ACTOR_ERROR; /* the tail would close */
        fire_through(list.pipeline, slot);
        expect_walk(&list, slot, "abc");
        unmake(&list);
    }
}

WEIR_TEST(pipeline, passes_by_handlers_without_the_slot) {
    for (actor_slot slot = 0; slot < ACTOR_EVENTS; slot++) {
        chain list;
        make(&list);
        weir_pipeline_add_last(list.pipeline, &mute_handler, &list.extra);
        actor_add(&list.a, list.pipeline);
        weir_pipeline_add_last(list.pipeline, &mute_handler, &list.extra);
        weir_pipeline_add_last(list.pipeline, &mute_handler, &list.extra);
        actor_add(&list.b, list.pipeline);
        weir_pipeline_add_last(list.pipeline, &mute_handler, &list.extra);
        list.trail.length = 0;
        list.b.keeps = slot == ACTOR_ERROR; /* the tail would close */
        fire_through(list.pipeline, slot);
        expect_walk(&list, slot, "ab");
        unmake(&list);
    }
}

WEIR_TEST(pipeline, tells_where_a_write_from_a_place_goes) {
    chain list;
    make(&list);
    actor_add(&list.a, list.pipeline);
    weir_pipeline_add_last(list.pipeline, &mute_handler, &list.extra);
    actor_add(&list.b, list.pipeline);
    weir_ctx *a = place_of(&list, &list.a);
    expect(weir_ctx_writes_to(place_of(&list, &list.b)) == a);
    expect(weir_ctx_writes_to(place_of(&list, &list.extra)) == a);
    expect(weir_ctx_writes_to(a) == &list.pipeline->ends);
    expect(weir_ctx_is_wire(weir_ctx_writes_to(a)));
    expect(!weir_ctx_is_wire(a));
    unmake(&list);
}

WEIR_TEST(pipeline, is_built_at_both_ends_and_next_to_any_handler) {
    chain list;
    make(&list);
    actor_add(&list.b, list.pipeline);
    expect_status(weir_pipeline_add_first(list.pipeline, &actor_handler, &list.a), WEIR_OK);
    expect_status(weir_pipeline_add_after(place_of(&list, &list.b), &actor_handler, &list.c), WEIR_OK);
    expect_status(weir_pipeline_add_before(place_of(&list, &list.b), &actor_handler, &list.extra), WEIR_OK);
    expect(trail_is(&list.trail, "b.added\na.added\nc.added\nextra.added\n"));
    fire_through(list.pipeline, ACTOR_READ_COMPLETE);
    expect(trail_is(&list.trail, "a.read_complete\nextra.read_complete\nb.read_complete\nc.read_complete\n"));
    unmake(&list);
}

WEIR_TEST(pipeline, replaces_a_handler_in_its_place) {
    chain list;
    make_three(&list);
    expect_status(weir_pipeline_replace(place_of(&list, &list.b), &actor_handler, &list.extra), WEIR_OK);
    expect(trail_is(&list.trail, "extra.added\nb.removed\n"));
    fire_through(list.pipeline, ACTOR_READ_COMPLETE);
    expect(trail_is(&list.trail, "a.read_complete\nextra.read_complete\nc.read_complete\n"));
    fire_through(list.pipeline, ACTOR_FLUSH);
    expect(trail_is(&list.trail, "c.flush\nextra.flush\na.flush\n"));
    unmake(&list);
}

WEIR_TEST(pipeline, finds_the_first_of_a_table_or_a_name) {
    chain list;
    make_three(&list);
    weir_pipeline_add_last(list.pipeline, &mute_handler, &list.extra);
    expect(weir_pipeline_find(list.pipeline, &actor_handler) == place_of(&list, &list.a));
    expect(weir_pipeline_find_name(list.pipeline, "actor") == place_of(&list, &list.a));
    expect(weir_pipeline_find_name(list.pipeline, "mute") == place_of(&list, &list.extra));
    expect(weir_pipeline_find(list.pipeline, &weir_log_handler) == NULL);
    expect(weir_pipeline_find_name(list.pipeline, "ends") == NULL);
    weir_ctx *ctx = weir_pipeline_find(list.pipeline, &mute_handler);
    expect(weir_ctx_state(ctx) == &list.extra);
    expect(weir_ctx_handler(ctx) == &mute_handler);
    expect(weir_ctx_pipeline(ctx) == list.pipeline);
    expect(weir_ctx_channel(ctx) == weir_embedded_channel(list.embedded));
    expect(weir_ctx_loop(ctx) == weir_embedded_loop(list.embedded));
    expect(weir_pipeline_channel(list.pipeline) == weir_embedded_channel(list.embedded));
    unmake(&list);
}

WEIR_TEST(pipeline, is_shown_a_line_a_handler) {
    static const weir_handler reader = {.name = "reader", .read = NULL, .inactive = NULL};
    chain list;
    make(&list);
    weir_pipeline_add_last(list.pipeline, &reader, NULL);
    actor_add(&list.a, list.pipeline);
    char *text;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    weir_pipeline_dump(list.pipeline, out);
    fclose(out);
    expect_str(text, " 1 reader              \n"
                     " 2 actor                active read read_complete event writable_changed error inactive"
                     " write flush pull shutdown close abort\n");
    free(text);
    unmake(&list);
}

WEIR_TEST(pipeline, removes_from_tail_to_head_at_the_end_each_once) {
    chain list;
    make_three(&list);
    weir_pipeline_remove(place_of(&list, &list.b));
    expect(trail_is(&list.trail, "b.removed\n"));
    unmake(&list);
    expect(trail_is(&list.trail, "a.inactive\nc.inactive\nc.removed\na.removed\n"));
    expect_eq(list.b.seen[ACTOR_REMOVED], 1);
}

WEIR_TEST(pipeline, removes_once_however_often_it_is_asked) {
    chain list;
    make_three(&list);
    weir_ctx *ctx = place_of(&list, &list.b);
    weir_pipeline_remove(ctx);
    weir_pipeline_remove(ctx); /* valid until the turn ends */
    expect(trail_is(&list.trail, "b.removed\n"));
    unmake(&list);
    expect_eq(list.b.seen[ACTOR_REMOVED], 1);
}

/* ---- inside every callback ---- */

static void remove_itself(actor *self, weir_ctx *ctx, actor_slot slot) {
    (void)self;
    (void)slot;
    weir_pipeline_remove(ctx);
}

WEIR_TEST(pipeline, lets_a_handler_remove_itself_in_any_callback) {
    for (actor_slot slot = 0; slot < ACTOR_EVENTS; slot++) {
        chain list;
        make_three(&list);
        weir_test_context("%s", actor_slot_names[slot]);
        list.b.act = remove_itself;
        list.b.when = slot;
        list.c.keeps = slot == ACTOR_ERROR;
        fire_through(list.pipeline, slot);
        weir_embedded_run(list.embedded);
        expect_eq(list.a.seen[slot], 1);
        expect_eq(list.b.seen[slot], 1);
        expect_eq(list.c.seen[slot], 1);
        expect_eq(list.b.seen[ACTOR_REMOVED], 1);
        expect(place_of(&list, &list.b) == NULL);
        unmake(&list);
        expect_eq(list.a.seen[ACTOR_REMOVED] + list.b.seen[ACTOR_REMOVED] + list.c.seen[ACTOR_REMOVED], 3);
    }
}

static void remove_both_neighbours(actor *self, weir_ctx *ctx, actor_slot slot) {
    chain *all = self->arg;
    (void)ctx;
    (void)slot;
    if (place_of(all, &all->a) != NULL) weir_pipeline_remove(place_of(all, &all->a));
    if (place_of(all, &all->c) != NULL) weir_pipeline_remove(place_of(all, &all->c));
}

WEIR_TEST(pipeline, lets_a_handler_remove_the_next_one_in_any_callback) {
    for (actor_slot slot = 0; slot < ACTOR_EVENTS; slot++) {
        chain list;
        make_three(&list);
        weir_test_context("%s", actor_slot_names[slot]);
        list.b.act = remove_both_neighbours;
        list.b.when = slot;
        list.b.arg = &list;
        bool inbound = actor_slot_is_inbound(slot);
        fire_through(list.pipeline, slot);
        expect_eq(list.a.seen[slot], inbound ? 1 : 0);
        expect_eq(list.b.seen[slot], 1);
        expect_eq(list.c.seen[slot], inbound ? 0 : 1);
        expect_eq(list.a.seen[ACTOR_REMOVED] + list.c.seen[ACTOR_REMOVED], 2);
        unmake(&list);
    }
}

static void remove_all(actor *self, weir_ctx *ctx, actor_slot slot) {
    remove_both_neighbours(self, ctx, slot);
    weir_pipeline_remove(ctx);
}

WEIR_TEST(pipeline, lets_a_handler_remove_all_and_itself_in_any_callback) {
    for (actor_slot slot = 0; slot < ACTOR_EVENTS; slot++) {
        chain list;
        make_three(&list);
        weir_test_context("%s", actor_slot_names[slot]);
        list.b.act = remove_all;
        list.b.when = slot;
        list.b.arg = &list;
        fire_through(list.pipeline, slot);
        weir_embedded_run(list.embedded);
        expect(list.pipeline->ends.next == &list.pipeline->ends);
        expect_eq(list.a.seen[slot] + list.b.seen[slot] + list.c.seen[slot], 2);
        unmake(&list);
        expect_eq(list.b.seen[ACTOR_REMOVED], 1);
    }
}

static void replace_itself(actor *self, weir_ctx *ctx, actor_slot slot) {
    chain *all = self->arg;
    (void)slot;
    expect_status(weir_pipeline_replace(ctx, &actor_handler, &all->extra), WEIR_OK);
}

/* What the old handler passes on goes to those it stood between: the event was seen at this place already. */
WEIR_TEST(pipeline, lets_a_handler_replace_itself_in_any_callback) {
    for (actor_slot slot = 0; slot < ACTOR_EVENTS; slot++) {
        chain list;
        make_three(&list);
        weir_test_context("%s", actor_slot_names[slot]);
        list.b.act = replace_itself;
        list.b.when = slot;
        list.b.arg = &list;
        list.c.keeps = slot == ACTOR_ERROR;
        fire_through(list.pipeline, slot);
        weir_embedded_run(list.embedded);
        expect_eq(list.a.seen[slot], 1);
        expect_eq(list.b.seen[slot], 1);
        expect_eq(list.c.seen[slot], 1);
        expect_eq(list.extra.seen[slot], 0);
        expect_eq(list.b.seen[ACTOR_REMOVED], 1);
        unmake(&list);
        expect_eq(list.extra.seen[ACTOR_REMOVED], 1);
    }
}

static void hand_on_the_rest(actor *self, weir_ctx *ctx, actor_slot slot) {
    (void)self;
    if (slot == ACTOR_READ) replace_itself(self, ctx, slot);
    if (slot == ACTOR_REMOVED) weir_ctx_fire_read(ctx, &weir_buf_new(0)->obj);
}

WEIR_TEST(pipeline, gives_what_a_replaced_handler_has_left_to_its_replacement) {
    chain list;
    make_three(&list);
    list.b.act = hand_on_the_rest;
    list.b.when = ACTOR_SLOTS;
    list.b.arg = &list;
    fire_through(list.pipeline, ACTOR_READ);
    expect_eq(list.extra.seen[ACTOR_READ], 1); /* the rest */
    expect_eq(list.c.seen[ACTOR_READ], 2);     /* that and the message under way */
    list.b.act = NULL;
    unmake(&list);
}

static void add_around(actor *self, weir_ctx *ctx, actor_slot slot) {
    chain *all = self->arg;
    weir_status status = actor_slot_is_inbound(slot)
                             ? weir_pipeline_add_after(ctx, &actor_handler, &all->extra)
                             : weir_pipeline_add_before(ctx, &actor_handler, &all->extra);
    expect_status(status, WEIR_OK);
}

WEIR_TEST(pipeline, shows_an_event_under_way_to_a_handler_that_is_added_in_front_of_it) {
    for (actor_slot slot = 0; slot < ACTOR_EVENTS; slot++) {
        chain list;
        make_three(&list);
        weir_test_context("%s", actor_slot_names[slot]);
        list.b.act = add_around;
        list.b.when = slot;
        list.b.arg = &list;
        list.c.keeps = slot == ACTOR_ERROR;
        fire_through(list.pipeline, slot);
        list.b.act = NULL;
        expect_eq(list.extra.seen[slot], 1);
        expect_eq(list.a.seen[slot] + list.b.seen[slot] + list.c.seen[slot], 3);
        unmake(&list);
        expect_eq(list.extra.seen[ACTOR_REMOVED], 1);
    }
}

WEIR_TEST(pipeline, lets_a_handler_remove_itself_as_soon_as_it_is_added) {
    chain list;
    make_three(&list);
    list.extra.act = remove_itself;
    list.extra.when = ACTOR_ADDED;
    expect_status(weir_pipeline_add_last(list.pipeline, &actor_handler, &list.extra), WEIR_OK);
    expect(trail_is(&list.trail, "extra.added\nextra.removed\n"));
    fire_through(list.pipeline, ACTOR_READ_COMPLETE);
    expect_walk(&list, ACTOR_READ_COMPLETE, "abc");
    unmake(&list);
}

/* ---- what cannot be ---- */

WEIR_TEST(pipeline, adds_nothing_without_memory_and_leaves_the_state_to_its_owner) {
    chain list;
    make_three(&list);
    weir_tracking_alloc_fail_from(weir_test_alloc(), 0);
    expect_status(weir_pipeline_add_last(list.pipeline, &actor_handler, &list.extra), WEIR_E_NO_MEMORY);
    expect_status(weir_pipeline_replace(place_of(&list, &list.b), &actor_handler, &list.extra),
                  WEIR_E_NO_MEMORY);
    weir_tracking_alloc_fail_never(weir_test_alloc());
    expect(trail_is(&list.trail, ""));
    expect(place_of(&list, &list.b) != NULL);
    unmake(&list);
    expect_eq(list.extra.seen[ACTOR_REMOVED], 0);
}

WEIR_TEST(pipeline, adds_nothing_to_a_channel_that_is_gone) {
    chain list;
    make(&list);
    weir_channel *channel = weir_channel_retain(weir_embedded_channel(list.embedded));
    weir_channel_abort(channel, WEIR_E_CANCELED);
    weir_embedded_run(list.embedded);
    expect_status(weir_pipeline_add_last(list.pipeline, &actor_handler, &list.a), WEIR_E_CLOSED);
    expect_eq(list.a.seen[ACTOR_ADDED], 0);
    unmake(&list);
    weir_channel_release(channel);
}

WEIR_TEST(pipeline, stops_the_program_when_used_from_another_thread) {
    chain list;
    make_three(&list);
    weir_loop *loop = weir_embedded_loop(list.embedded);
    weir_ctx *ctx = place_of(&list, &list.b);
    static const char outside[] = "outside the thread of its loop";
    loop_set_thread(loop, NULL); /* so this thread is any other */
    expect_abort(weir_pipeline_add_last(list.pipeline, &mute_handler, NULL), "outside the thread");
    expect_abort(weir_pipeline_add_first(list.pipeline, &mute_handler, NULL), "outside the thread");
    expect_abort(weir_pipeline_add_before(ctx, &mute_handler, NULL), "outside the thread");
    expect_abort(weir_pipeline_remove(ctx), outside);
    expect_abort(weir_pipeline_replace(ctx, &mute_handler, NULL), outside);
    expect_abort(weir_pipeline_find(list.pipeline, &mute_handler), outside);
    expect_abort(weir_pipeline_find_name(list.pipeline, "mute"), outside);
    expect_abort(weir_pipeline_dump(list.pipeline, stdout), outside);
    expect_abort(weir_ctx_write(ctx, NULL, NULL), outside);
    expect_abort(weir_ctx_flush(ctx), outside);
    expect_abort(weir_ctx_pull(ctx), outside);
    expect_abort(weir_ctx_shutdown(ctx, NULL), outside);
    expect_abort(weir_ctx_close(ctx, NULL), outside);
    expect_abort(weir_ctx_abort(ctx, WEIR_OK), outside);
    loop_set_thread(loop, &loop_this_thread);
    unmake(&list);
}

WEIR_TEST(pipeline, stops_the_program_when_something_is_added_next_to_a_removed_handler) {
    chain list;
    make_three(&list);
    weir_ctx *ctx = place_of(&list, &list.b);
    weir_pipeline_remove(ctx);
    expect_abort(weir_pipeline_add_after(ctx, &mute_handler, NULL), "not in the pipeline any more");
    expect_abort(weir_pipeline_add_before(ctx, &mute_handler, NULL), "not in the pipeline any more");
    expect_abort(weir_pipeline_replace(ctx, &mute_handler, NULL), "not in the pipeline any more");
    unmake(&list);
}
