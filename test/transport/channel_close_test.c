/* channel_close_test.c - a close that has to wait for what was written, and one that has not. */
#include <weir/testing.h>

#include "life.h"

WEIR_TEST(channel_close, closes_after_what_was_written_has_left) {
    life l;
    life_begin(&l, NULL);
    life_write(&l, 5, "a");
    weir_channel_close(l.channel, life_promise(&l, "close"));
    weir_embedded_run(l.embedded);
    expect(trail_is(&l.trail, "h.write\nh.close\na=WEIR_OK\nh.inactive\nh.removed\nclose=WEIR_OK\n"));
    expect(!weir_embedded_is_open(l.embedded));
    expect(weir_embedded_is_shut(l.embedded));
    expect_status(weir_embedded_aborted(l.embedded), WEIR_OK);
    weir_buf *out = weir_embedded_take_all(l.embedded);
    expect_eq(weir_buf_readable(out), 5);
    weir_buf_release(out);
    life_end(&l);
}

WEIR_TEST(channel_close, waits_with_closing_for_a_peer_that_is_slow) {
    life l;
    life_begin(&l, NULL);
    weir_embedded_stall(l.embedded, true);
    life_write(&l, 5, "a");
    life_write(&l, 5, "b");
    weir_channel_close(l.channel, life_promise(&l, "close"));
    weir_embedded_advance(l.embedded, 29000);
    expect(trail_is(&l.trail, "h.write\nh.write\nh.close\n"));
    expect(weir_channel_is_active(l.channel));
    weir_embedded_stall(l.embedded, false);
    expect(trail_is(&l.trail, "a=WEIR_OK\nb=WEIR_OK\nh.inactive\nh.removed\nclose=WEIR_OK\n"));
    life_end(&l);
}

WEIR_TEST(channel_close, aborts_a_close_that_makes_no_progress_in_time) {
    life l;
    life_begin(&l, &(weir_channel_options){.close_timeout_ms = 500});
    weir_embedded_stall(l.embedded, true);
    life_write(&l, 5, "a");
    weir_channel_close(l.channel, life_promise(&l, "close"));
    weir_embedded_advance(l.embedded, 499);
    expect(trail_is(&l.trail, "h.write\nh.close\n"));
    weir_embedded_advance(l.embedded, 1);
    expect(trail_is(&l.trail, "a=WEIR_E_TIMEOUT\nh.inactive\nh.removed\nclose=WEIR_E_TIMEOUT\n"));
    expect_status(weir_embedded_aborted(l.embedded), WEIR_E_TIMEOUT);
    life_end(&l);
}

WEIR_TEST(channel_close, closes_without_memory_when_nothing_is_queued) {
    life l;
    life_begin(&l, NULL);
    weir_promise *promise = life_promise(&l, "close");
    weir_tracking_alloc_fail_from(weir_test_alloc(), 0);
    weir_channel_close(l.channel, promise);
    weir_tracking_alloc_fail_never(weir_test_alloc());
    weir_embedded_run(l.embedded);
    expect(trail_is(&l.trail, "h.close\nh.inactive\nh.removed\nclose=WEIR_OK\n"));
    life_end(&l);
}

WEIR_TEST(channel_close, aborts_a_close_that_has_to_wait_without_memory_for_its_deadline) {
    life l;
    life_begin(&l, NULL);
    weir_embedded_stall(l.embedded, true);
    life_write(&l, 5, "a");
    weir_promise *promise = life_promise(&l, "close");
    weir_tracking_alloc_fail_from(weir_test_alloc(), 0);
    weir_channel_close(l.channel, promise);
    weir_tracking_alloc_fail_never(weir_test_alloc());
    weir_embedded_run(l.embedded);
    expect(trail_is(&l.trail,
                    "h.write\nh.close\na=WEIR_E_NO_MEMORY\nh.inactive\nh.removed\nclose=WEIR_E_NO_MEMORY\n"));
    expect_status(weir_embedded_aborted(l.embedded), WEIR_E_NO_MEMORY);
    life_end(&l);
}
