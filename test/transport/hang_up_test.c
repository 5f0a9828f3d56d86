/* hang_up_test.c - ends of a connection that epoll reports again and again, and the time after a sleep. */
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <weir/testing.h>

#include "actor.h"
#include "wires.h"

static double cpu_seconds(void) {
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

/* True when the process sleeps through the next moment; a spinning loop gets a share of any machine. */
static bool is_at_rest(void) {
    double before = cpu_seconds();
    wait_ms(300);
    return cpu_seconds() - before < 0.03;
}

static bool has_seen_event(void *arg) {
    return ((actor *)arg)->seen[ACTOR_EVENT] > 0;
}

static void shut_channel(void *arg) {
    weir_channel_shutdown(atomic_load(&((wire_end *)arg)->channel), NULL);
}

WEIR_TEST(hang_up, does_not_spin_when_both_ends_have_ended_and_nothing_is_read) {
    wire_end wire;
    actor h = {.name = "h", .keeps = true};
    wire_open(&wire, WIRE_ACCEPTED, &(weir_channel_options){.manual_read = true}, build_with_actor, &h);
    far_send(&wire, "unread", 6);
    far_finish(&wire);
    expect(wire_until(&wire, has_seen_event, &h));
    expect(is_at_rest());
    wire_do(&wire, shut_channel, &wire); /* now the socket has hung up */
    expect(is_at_rest());
    expect(weir_channel_is_active(atomic_load(&wire.channel)));
    weir_channel_set_reading(atomic_load(&wire.channel), true);
    expect(wire_until_gone(&wire));
    expect_eq(h.seen[ACTOR_READ], 1);
    wire_shut(&wire);
}

WEIR_TEST(hang_up, does_not_spin_while_a_handler_holds_on_after_the_peers_end) {
    wire_end wire;
    actor h = {.name = "h", .keeps = true};
    wire_open(&wire, WIRE_ACCEPTED, NULL, build_with_actor, &h);
    far_finish(&wire);
    expect(wire_until(&wire, has_seen_event, &h));
    expect(is_at_rest());
    expect_eq(h.seen[ACTOR_EVENT], 1);
    far_reset(&wire);
    expect(wire_until_gone(&wire));
    expect_eq(h.seen[ACTOR_ERROR], 1);
    wire_shut(&wire);
}

WEIR_TEST(hang_up, does_not_spin_on_urgent_data) {
    wire_end wire;
    actor h = {.name = "h", .keeps = true};
    wire_open(&wire, WIRE_ACCEPTED, &(weir_channel_options){.manual_read = true}, build_with_actor, &h);
    expect_eq(send(wire.far, "!", 1, MSG_OOB), 1);
    far_finish(&wire);
    expect(wire_until(&wire, has_seen_event, &h));
    expect(is_at_rest());
    wire_shut(&wire);
}

/* ---- the time in a callback ---- */

typedef struct late {
    weir_timer timer;
    uint64_t started_at, fired_at;
    atomic_bool fired;
} late;

static uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void note_time_fired(weir_timer *timer) {
    late *self = timer->arg;
    self->fired_at = now_ms();
    atomic_store(&self->fired, true);
}

static void start_timer(actor *self, weir_ctx *ctx, actor_slot slot) {
    late *it = self->arg;
    (void)slot;
    it->started_at = now_ms();
    weir_timer_start(&it->timer, weir_ctx_loop(ctx), 150);
}

WEIR_TEST(hang_up, does_not_shorten_a_timer_that_is_started_when_the_loop_wakes_from_a_long_sleep) {
    wire_end wire;
    late it = {.started_at = 0};
    actor h = {.name = "h", .keeps = true, .act = start_timer, .when = ACTOR_READ, .arg = &it};
    weir_timer_init(&it.timer, note_time_fired, &it);
    wire_open(&wire, WIRE_ACCEPTED, NULL, build_with_actor, &h);
    wait_ms(300);
    far_send(&wire, "x", 1);
    for (int i = 0; i < 10000 && !atomic_load(&it.fired); i++) wait_ms(1);
    expect(it.fired_at + 1 >= it.started_at + 150);
    wire_shut(&wire);
}
