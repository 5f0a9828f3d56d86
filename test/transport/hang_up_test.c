/* hang_up_test.c - ends of a connection that epoll reports again and again, and the time after a sleep. */
#include <sys/socket.h>
#include <time.h>

#include <weir/testing.h>

#include "actor.h"
#include "wires.h"

static uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint64_t turns_of(const wire_end *wire) {
    weir_loop_stats stats;
    weir_loop_get_stats(wire->loop, &stats);
    return stats.turns;
}

/* True when the loop sleeps through the next moment; one that spins takes thousands of turns. */
static bool is_at_rest(const wire_end *wire) {
    uint64_t before = turns_of(wire);
    wait_ms(300);
    return turns_of(wire) - before < 20;
}

static bool has_read(void *arg) {
    return ((actor *)arg)->seen[ACTOR_READ] > 0;
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
    expect(is_at_rest(&wire));
    wire_do(&wire, shut_channel, &wire); /* now the socket has hung up */
    expect(is_at_rest(&wire));
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
    expect(is_at_rest(&wire));
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
    expect(is_at_rest(&wire));
    wire_shut(&wire);
}

/* ---- the time in a callback ---- */

static void note_time(actor *self, weir_ctx *ctx, actor_slot slot) {
    (void)slot;
    *(uint64_t *)self->arg = weir_loop_now(weir_ctx_loop(ctx));
}

/* Else a timer that is started then would be shorter by the sleep. */
WEIR_TEST(hang_up, is_not_followed_by_an_old_time_when_the_loop_wakes_from_a_long_sleep) {
    wire_end wire;
    uint64_t read_at = 0;
    actor h = {.name = "h", .keeps = true, .act = note_time, .when = ACTOR_READ, .arg = &read_at};
    wire_open(&wire, WIRE_ACCEPTED, NULL, build_with_actor, &h);
    wait_ms(300);
    uint64_t sent_at = now_ms();
    far_send(&wire, "x", 1);
    expect(wire_until(&wire, has_read, &h));
    expect(read_at + 1 >= sent_at); /* both clocks cut to a millisecond */
    wire_shut(&wire);
}
