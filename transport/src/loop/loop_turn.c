/* loop_turn.c - from waking to sleeping: what a turn took, and what a long sleep is good for.
 *
 * The clock is read twice a turn, never for an event.
 */
#include <inttypes.h>

#include <weir/core/log.h>

#include "loop/loop_internal.h"

/* A loop that is always slow says so once in so long. */
#define TELL_AGAIN_MS 1000

_Thread_local loop_thread loop_this_thread;

const loop_place loop_place_event = {"taking an event"}, loop_place_task = {"a posted task"},
                 loop_place_timer = {"a timer"}, loop_place_promise = {"a promise's listener"},
                 loop_place_job = {"the end of offloaded work"},
                 loop_place_sending = {"sending what was written"},
                 loop_place_yield = {"going on after a yield"};

/* An embedded loop's clock is set by hand, and it is always awake. */
void loop_refresh(weir_loop *loop) {
    loop->now = loop_clock_ns() / LOOP_NS_A_MS;
}

WEIR_HOT void loop_begin_turn(weir_loop *loop) {
    loop->turn_began = loop_clock_ns();
    loop->now = loop->turn_began / LOOP_NS_A_MS;
    atomic_store_explicit(&loop->awake, true, memory_order_relaxed);
}

static void note_slow_turn(weir_loop *loop, uint64_t now_ms, uint64_t took_ms) {
    loop_count(&loop->counts.slow_turns);
    if (loop->slow_told != 0 && now_ms - loop->slow_told < TELL_AGAIN_MS) return;
    loop->slow_told = now_ms;
    weir_log(WEIR_LOG_INFO, "loop", "\"%s\" took %" PRIu64 " ms for one turn", loop->name, took_ms);
}

WEIR_HOT void loop_rest(weir_loop *loop) {
    loop_counts *counts = &loop->counts;
    uint64_t now = loop_clock_ns(), took = now - loop->turn_began;
    loop_count(&counts->turns);
    loop_add(&counts->busy_ns, took);
    loop_count(&counts->turn_us[loop_bucket(took / 1000)]);
    if (took > loop_counted(&counts->longest_turn_ns))
        atomic_store_explicit(&counts->longest_turn_ns, took, memory_order_relaxed);
    if (took >= (uint64_t)loop->slow_callback_ms * LOOP_NS_A_MS && loop->slow_callback_ms != WEIR_LOOP_NEVER)
        note_slow_turn(loop, now / LOOP_NS_A_MS, took / LOOP_NS_A_MS);
    atomic_store_explicit(&loop->awake, false, memory_order_relaxed);
}

/* ---- idle trimming ---- */

/* Timers do not count: a beat alone takes no bufs. */
static uint64_t activity(const weir_loop *loop) {
    return loop_counted(&loop->counts.events) + loop_counted(&loop->counts.tasks);
}

static void on_quiet(weir_timer *timer) {
    weir_loop *loop = timer->arg;
    if (activity(loop) != loop->quiet_since) return; /* the end of the turn starts it again */
    weir_pool_trim(loop->pool);
    loop_count(&loop->counts.trims);
}

void loop_init_quiet(weir_loop *loop) {
    weir_timer_init(&loop->quiet, on_quiet, loop);
}

WEIR_HOT void loop_watch_for_quiet(weir_loop *loop) {
    if (weir_timer_is_running(&loop->quiet) || loop->trim_idle_ms == WEIR_LOOP_NEVER) return;
    uint64_t now = activity(loop);
    if (now == loop->quiet_since) return;
    loop->quiet_since = now;
    weir_timer_start(&loop->quiet, loop, loop->trim_idle_ms);
}
