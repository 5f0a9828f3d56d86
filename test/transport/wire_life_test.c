/* wire_life_test.c - every way in which a connection that stands can end, over every wire, as one trail.
 *
 * The trail holds the events and promises in the order in which they were told, so what is missing, doubled or out of
 * its place shows. Most ways begin with a channel whose peer takes nothing, so that a write is certainly queued.
 */
#include <stdio.h>
#include <string.h>

#include <weir/testing.h>

#include "witness.h"

typedef struct ending {
    wire_end wire;
    witness self;
    trail trail;
} ending;

/* The close has a deadline that it meets only when the test waits for it. */
static const weir_channel_options soon = {.close_timeout_ms = 30};

static void open_ending(ending *self, wire_kind kind, const weir_channel_options *options) {
    self->trail.length = 0;
    self->self = (witness){.actor = {.name = "h", .trail = &self->trail}};
    open_with(&self->wire, kind, options, &self->self);
}

static weir_channel *channel_of_ending(ending *self) {
    return atomic_load(&self->wire.channel);
}

static weir_promise *promised(ending *self, const char *name) {
    return trail_promise(&self->trail, self->wire.loop, name);
}

static void stuff(void *arg) {
    ending *self = arg;
    big_write big = {.wire = &self->wire, .pieces = 200, .piece = 65536};
    write_big(&big);
    weir_channel_write(channel_of_ending(self), patterned(0, 5), promised(self, "write"));
    weir_channel_flush(channel_of_ending(self));
    self->trail.length = 0;
}

static void forget_beginning(void *arg) {
    ((ending *)arg)->trail.length = 0;
}

/* The peer takes nothing, and a write is queued. */
static void open_stuffed(ending *self, wire_kind kind, const weir_channel_options *options) {
    open_ending(self, kind, options);
    far_take(&self->wire, false);
    wire_do(&self->wire, stuff, self);
}

static void open_idle(ending *self, wire_kind kind) {
    open_ending(self, kind, NULL);
    wire_do(&self->wire, forget_beginning, self);
}

static bool is_over(void *arg) {
    return wire_until_gone(&((ending *)arg)->wire);
}

static void expect_end(ending *self, const char *expected) {
    expect(is_over(self));
    expect(trail_is(&self->trail, expected));
    shut_with(&self->wire, &self->self);
}

/* ---- things to do on the loop ---- */

static void do_close(void *arg) {
    weir_channel_close(channel_of_ending(arg), promised(arg, "close"));
}

static void do_shutdown(void *arg) {
    weir_channel_shutdown(channel_of_ending(arg), promised(arg, "shutdown"));
}

static void do_abort(void *arg) {
    weir_channel_abort(channel_of_ending(arg), WEIR_E_LIMIT);
}

static void do_write(void *arg) {
    weir_channel_write(channel_of_ending(arg), patterned(0, 5), promised(arg, "late"));
}

static bool has_time_passed(void *arg) {
    ending *self = arg;
    if (self->wire.embedded != NULL) weir_embedded_advance(self->wire.embedded, soon.close_timeout_ms);
    return is_over(self);
}

/* What a wire without resets makes of one while something is queued: a write fails, with one of two. */
static const char *reset_name(const ending *self) {
    const char *name = wire_traits_of[self->wire.kind].has_reset ? "ECONNRESET" : NULL;
    if (name == NULL) name = strstr(self->trail.text, "=EPIPE") != NULL ? "EPIPE" : "ECONNRESET";
    return name;
}

static void expect_reset(ending *self, const char *before, const char *promises) {
    char text[400];
    size_t n = 0;
    expect(is_over(self));
    const char *name = reset_name(self);
    n += (size_t)snprintf(text, sizeof text, "%sh.error\nh.close\nwrite=%s\n", before, name);
    if (strcmp(promises, "shutdown") == 0)
        n += (size_t)snprintf(text + n, sizeof text - n, "shutdown=%s\n", name);
    n += (size_t)snprintf(text + n, sizeof text - n, "h.inactive\nh.removed\n");
    if (strcmp(promises, "close") == 0) snprintf(text + n, sizeof text - n, "close=%s\n", name);
    expect_end(self, text);
}

/* ---- the ways ---- */

WEIR_TEST(wire_life, is_closed) {
    FOR_EACH_WIRE(kind) {
        ending end;
        open_idle(&end, kind);
        wire_do(&end.wire, do_close, &end);
        expect_end(&end, "h.close\nh.inactive\nh.removed\nclose=WEIR_OK\n");
    }
}

WEIR_TEST(wire_life, is_closed_with_data_queued_that_nobody_takes_in_time) {
    FOR_EACH_WIRE(kind) {
        ending end;
        open_stuffed(&end, kind, &soon);
        wire_do(&end.wire, do_close, &end);
        expect(has_time_passed(&end));
        expect_end(&end, "h.close\nwrite=WEIR_E_TIMEOUT\nh.inactive\nh.removed\nclose=WEIR_E_TIMEOUT\n");
    }
}

WEIR_TEST(wire_life, is_aborted) {
    FOR_EACH_WIRE(kind) {
        ending end;
        open_idle(&end, kind);
        wire_do(&end.wire, do_abort, &end);
        expect_end(&end, "h.abort\nh.inactive\nh.removed\n");
    }
}

WEIR_TEST(wire_life, is_aborted_with_data_queued) {
    FOR_EACH_WIRE(kind) {
        ending end;
        open_stuffed(&end, kind, NULL);
        wire_do(&end.wire, do_abort, &end);
        expect_end(&end, "h.abort\nwrite=WEIR_E_LIMIT\nh.inactive\nh.removed\n");
    }
}

WEIR_TEST(wire_life, is_aborted_while_it_closes) {
    FOR_EACH_WIRE(kind) {
        ending end;
        open_stuffed(&end, kind, NULL);
        wire_do(&end.wire, do_close, &end);
        wire_do(&end.wire, do_abort, &end);
        expect_end(&end, "h.close\nh.abort\nwrite=WEIR_E_LIMIT\nh.inactive\nh.removed\nclose=WEIR_E_LIMIT\n");
    }
}

WEIR_TEST(wire_life, is_aborted_while_its_direction_ends) {
    FOR_EACH_WIRE(kind) {
        ending end;
        open_stuffed(&end, kind, NULL);
        wire_do(&end.wire, do_shutdown, &end);
        wire_do(&end.wire, do_abort, &end);
        expect_end(&end, "h.shutdown\nh.abort\nwrite=WEIR_E_LIMIT\nshutdown=WEIR_E_LIMIT\nh.inactive\n"
                         "h.removed\n");
    }
}

WEIR_TEST(wire_life, is_reset_as_soon_as_it_is_active) {
    FOR_EACH_WIRE(kind) {
        ending end;
        if (!wire_traits_of[kind].has_reset) continue; /* an end like any */
        open_idle(&end, kind);
        far_reset(&end.wire);
        expect_end(&end, "h.error\nh.close\nh.inactive\nh.removed\n");
    }
}

WEIR_TEST(wire_life, is_reset_with_data_queued) {
    FOR_EACH_WIRE(kind) {
        ending end;
        open_stuffed(&end, kind, NULL);
        far_reset(&end.wire);
        expect_reset(&end, "", "");
    }
}

WEIR_TEST(wire_life, is_reset_while_its_direction_ends) {
    FOR_EACH_WIRE(kind) {
        ending end;
        open_stuffed(&end, kind, NULL);
        wire_do(&end.wire, do_shutdown, &end);
        far_reset(&end.wire);
        expect_reset(&end, "h.shutdown\n", "shutdown");
    }
}

WEIR_TEST(wire_life, is_reset_while_it_closes) {
    FOR_EACH_WIRE(kind) {
        ending end;
        open_stuffed(&end, kind, NULL);
        wire_do(&end.wire, do_close, &end);
        far_reset(&end.wire);
        expect_reset(&end, "h.close\n", "close");
    }
}

WEIR_TEST(wire_life, is_ended_by_the_peer_first) {
    FOR_EACH_WIRE(kind) {
        ending end;
        open_idle(&end, kind);
        far_finish(&end.wire);
        expect_end(&end, "h.event\nh.close\nh.inactive\nh.removed\n");
    }
}

WEIR_TEST(wire_life, is_ended_by_the_peer_first_and_then_by_us) {
    FOR_EACH_WIRE(kind) {
        ending end;
        open_idle(&end, kind);
        end.self.takes_events = true;
        far_finish(&end.wire);
        expect(wire_until(&end.wire, has_seen_event, &end.self));
        wire_do(&end.wire, do_shutdown, &end);
        expect_end(&end, "h.event\nh.shutdown\nshutdown=WEIR_OK\nh.inactive\nh.removed\n");
    }
}

WEIR_TEST(wire_life, is_ended_by_us_first_and_then_by_the_peer) {
    FOR_EACH_WIRE(kind) {
        ending end;
        open_idle(&end, kind);
        end.self.takes_events = true;
        wire_do(&end.wire, do_shutdown, &end);
        expect(far_sees_end(&end.wire));
        far_finish(&end.wire);
        expect_end(&end, "h.shutdown\nshutdown=WEIR_OK\nh.event\nh.inactive\nh.removed\n");
    }
}

WEIR_TEST(wire_life, refuses_writes_after_its_close) {
    FOR_EACH_WIRE(kind) {
        ending end;
        open_stuffed(&end, kind, NULL);
        wire_do(&end.wire, do_close, &end);
        wire_do(&end.wire, do_write, &end);
        wire_do(&end.wire, do_abort, &end);
        expect(is_over(&end));
        wire_do(&end.wire, do_write, &end);
        expect_end(&end, "h.close\nh.write\nlate=WEIR_E_CLOSED\nh.abort\nwrite=WEIR_E_LIMIT\nh.inactive\n"
                         "h.removed\nclose=WEIR_E_LIMIT\nlate=WEIR_E_CLOSED\n");
    }
}

WEIR_TEST(wire_life, ends_with_its_loop) {
    FOR_EACH_WIRE(kind) {
        ending end;
        open_stuffed(&end, kind, NULL);
        if (end.wire.server != NULL) { /* which ends its connections before the loops: server_stop_test.c */
            shut_with(&end.wire, &end.self);
            continue;
        }
        wire_stop_loops(&end.wire);
        const char *cause = kind == WIRE_EMBEDDED ? "WEIR_E_CLOSED" : "WEIR_E_STOPPED";
        char text[200];
        snprintf(text, sizeof text, "write=%s\nh.inactive\nh.removed\n", cause);
        expect(trail_is(&end.trail, text));
        weir_buf_release(end.self.read);
    }
}

/* ---- inside every callback, with the last reference of the user's let go of ---- */

static void fire_it(void *arg) {
    ending *self = arg;
    fire_through(weir_channel_pipeline(channel_of_ending(self)), self->self.actor.when);
}

static bool was_removed(void *arg) {
    return ((ending *)arg)->self.actor.seen[ACTOR_REMOVED] > 0;
}

static void do_in_slot(wire_kind kind, actor_slot slot, actor_fn *act) {
    ending end;
    open_idle(&end, kind);
    weir_test_context("%s %s", wire_traits_of[kind].name, actor_slot_names[slot]);
    end.self.takes_events = true;
    end.self.actor = (actor){.name = "h", .act = act, .when = slot, .arg = &end};
    wire_do(&end.wire, fire_it, &end);
    expect(wire_until(&end.wire, was_removed, &end));
    wire_free(&end.wire);
    expect(end.self.actor.act == NULL);
    expect_eq(end.self.actor.seen[ACTOR_REMOVED], 1);
    weir_buf_release(end.self.read);
}

static void let_go(actor *self) {
    ending *end = self->arg;
    self->act = NULL;
    weir_channel_release(channel_of_ending(end));
}

static void close_and_let_go(actor *self, weir_ctx *ctx, actor_slot slot) {
    (void)slot;
    self->act = NULL; /* closing in close would never end */
    weir_ctx_close(ctx, NULL);
    let_go(self);
}

static void abort_and_let_go(actor *self, weir_ctx *ctx, actor_slot slot) {
    (void)slot;
    self->act = NULL;
    weir_ctx_abort(ctx, WEIR_E_LIMIT);
    let_go(self);
}

static void leave_and_abort(actor *self, weir_ctx *ctx, actor_slot slot) {
    (void)slot;
    weir_channel *channel = weir_ctx_channel(ctx);
    weir_pipeline_remove(ctx);
    weir_channel_abort(channel, WEIR_E_LIMIT);
    let_go(self);
}

static void in_every_callback(actor_fn *act) {
    FOR_EACH_WIRE(kind) {
        for (actor_slot slot = ACTOR_ACTIVE; slot < ACTOR_EVENTS; slot++) do_in_slot(kind, slot, act);
    }
}

WEIR_TEST(wire_life, may_be_closed_and_let_go_of_in_every_callback) {
    in_every_callback(close_and_let_go);
}

WEIR_TEST(wire_life, may_be_aborted_and_let_go_of_in_every_callback) {
    in_every_callback(abort_and_let_go);
}

WEIR_TEST(wire_life, may_be_aborted_and_let_go_of_by_a_handler_that_leaves_in_every_callback) {
    in_every_callback(leave_and_abort);
}
