/* outbound_queue_test.c - what waits, how much of it, and in which order it is told that it has left. */
#include <weir/testing.h>

#include "actor.h"
#include "channel/outbound_queue.h"

typedef struct fixture {
    weir_embedded *embedded; /* only for its loop */
    weir_loop *loop;
    outbound_queue queue;
    trail trail;
} fixture;

static void set_up(fixture *self) {
    *self = (fixture){.embedded = weir_embedded_new(NULL, NULL, NULL)};
    require(self->embedded != NULL);
    self->loop = weir_embedded_loop(self->embedded);
}

static void tear_down(fixture *self) {
    outbound_queue_fail(&self->queue, self->loop, WEIR_E_CANCELED);
    expect_eq(self->queue.pending, 0);
    expect_eq(outbound_queue_memory(&self->queue), 0);
    weir_embedded_free(self->embedded);
}

static void push(fixture *self, size_t size, const char *name) {
    weir_buf *buf = weir_buf_new(size);
    weir_buf_write_fill(buf, 'x', size);
    weir_promise *promise = name != NULL ? trail_promise(&self->trail, self->loop, name) : NULL;
    require(outbound_queue_push(&self->queue, self->loop, &buf->obj, promise, size));
}

WEIR_TEST(outbound_queue, counts_bytes_and_a_fixed_cost_for_each_message) {
    fixture f;
    set_up(&f);
    push(&f, 100, NULL);
    push(&f, 0, NULL);
    expect_eq(f.queue.pending, 100 + 2 * OUTBOUND_OVERHEAD);
    expect_eq(outbound_queue_memory(&f.queue), 100 + 2 * OUTBOUND_OVERHEAD);
    outbound_queue_flush(&f.queue);
    outbound_queue_advance(&f.queue, f.loop, 40);
    expect_eq(f.queue.pending, 60 + 2 * OUTBOUND_OVERHEAD);
    outbound_queue_advance(&f.queue, f.loop, 60);
    expect_eq(f.queue.pending, 0);
    tear_down(&f);
}

WEIR_TEST(outbound_queue, counts_the_bytes_of_a_region_as_pending_but_not_as_memory) {
    fixture f;
    set_up(&f);
    weir_region *region = weir_region_file(0, false, 0, 1000000);
    require(outbound_queue_push(&f.queue, f.loop, &region->obj, NULL, 1000000));
    expect_eq(f.queue.pending, 1000000 + OUTBOUND_OVERHEAD);
    expect_eq(outbound_queue_memory(&f.queue), OUTBOUND_OVERHEAD);
    outbound_queue_flush(&f.queue);
    outbound_queue_advance(&f.queue, f.loop, 999999);
    expect_eq(f.queue.pending, 1 + OUTBOUND_OVERHEAD);
    expect_eq(outbound_queue_memory(&f.queue), OUTBOUND_OVERHEAD);
    tear_down(&f);
}

WEIR_TEST(outbound_queue, completes_promises_in_order_once_the_last_byte_is_out) {
    fixture f;
    set_up(&f);
    push(&f, 10, "a");
    push(&f, 0, "b");
    push(&f, 10, "c");
    push(&f, 0, "d");
    outbound_queue_flush(&f.queue);
    outbound_queue_advance(&f.queue, f.loop, 9);
    expect(trail_is(&f.trail, ""));
    outbound_queue_advance(&f.queue, f.loop, 1);
    expect(trail_is(&f.trail, "a=WEIR_OK\nb=WEIR_OK\n"));
    outbound_queue_advance(&f.queue, f.loop, 10);
    expect(trail_is(&f.trail, "c=WEIR_OK\nd=WEIR_OK\n"));
    expect(f.queue.head == NULL && f.queue.last == NULL);
    tear_down(&f);
}

WEIR_TEST(outbound_queue, completes_empty_messages_without_any_byte) {
    fixture f;
    set_up(&f);
    push(&f, 0, "a");
    push(&f, 0, "b");
    push(&f, 5, "c");
    outbound_queue_flush(&f.queue);
    outbound_queue_advance(&f.queue, f.loop, 0);
    expect(trail_is(&f.trail, "a=WEIR_OK\nb=WEIR_OK\n"));
    tear_down(&f);
    expect(trail_is(&f.trail, "c=WEIR_E_CANCELED\n"));
}

WEIR_TEST(outbound_queue, keeps_what_is_not_flushed_behind_a_mark) {
    fixture f;
    set_up(&f);
    push(&f, 1, "a");
    expect(outbound_queue_front(&f.queue) == NULL);
    outbound_queue_flush(&f.queue);
    push(&f, 0, "b");
    push(&f, 1, "c");
    expect(outbound_queue_front(&f.queue) == f.queue.head);
    outbound_queue_advance(&f.queue, f.loop, 1);
    expect(trail_is(&f.trail, "a=WEIR_OK\n"));
    expect(outbound_queue_front(&f.queue) == NULL);
    expect(f.queue.head != NULL);
    outbound_queue_flush(&f.queue);
    outbound_queue_advance(&f.queue, f.loop, 1);
    expect(trail_is(&f.trail, "b=WEIR_OK\nc=WEIR_OK\n"));
    tear_down(&f);
}

WEIR_TEST(outbound_queue, leaves_the_indices_of_a_message_alone) {
    fixture f;
    set_up(&f);
    weir_buf *buf = weir_buf_new(100);
    weir_buf_write_fill(buf, 'x', 100);
    require(outbound_queue_push(&f.queue, f.loop, &weir_buf_retain(buf)->obj, NULL, 100));
    require(outbound_queue_push(&f.queue, f.loop, &weir_buf_retain(buf)->obj, NULL, 100));
    outbound_queue_flush(&f.queue);
    outbound_queue_advance(&f.queue, f.loop, 150);
    expect_eq(f.queue.head->sent, 50);
    expect_eq(weir_buf_readable(buf), 100);
    tear_down(&f);
    expect(weir_buf_is_unshared(buf));
    weir_buf_release(buf);
}

WEIR_TEST(outbound_queue, fails_everything_with_one_cause) {
    fixture f;
    set_up(&f);
    push(&f, 1, "a");
    outbound_queue_flush(&f.queue);
    push(&f, 1, "b");
    outbound_queue_fail(&f.queue, f.loop, WEIR_E_TIMEOUT);
    expect(trail_is(&f.trail, "a=WEIR_E_TIMEOUT\nb=WEIR_E_TIMEOUT\n"));
    tear_down(&f);
}

/* ---- in a promise's listener the queue is whole already ---- */

typedef struct reentry {
    fixture *f;
    uint64_t pending;
} reentry;

static void push_more(void *arg, weir_status status) {
    reentry *self = arg;
    (void)status;
    self->pending = self->f->queue.pending;
    push(self->f, 7, "late");
}

WEIR_TEST(outbound_queue, may_be_pushed_to_while_a_promise_completes) {
    fixture f;
    set_up(&f);
    reentry reentry_arg = {.f = &f};
    weir_buf *buf = weir_buf_new(3);
    weir_buf_write_fill(buf, 'x', 3);
    weir_promise *promise = weir_promise_new(f.loop);
    weir_promise_listen(promise, push_more, &reentry_arg);
    require(outbound_queue_push(&f.queue, f.loop, &buf->obj, promise, 3));
    outbound_queue_flush(&f.queue);
    outbound_queue_advance(&f.queue, f.loop, 3);
    expect_eq(reentry_arg.pending, 0);
    expect_eq(f.queue.pending, 7 + OUTBOUND_OVERHEAD);
    expect(outbound_queue_front(&f.queue) == NULL);
    tear_down(&f);
}

WEIR_TEST(outbound_queue, uses_entries_again_and_asks_for_no_memory) {
    fixture f;
    set_up(&f);
    weir_buf *buf = weir_buf_new(1);
    weir_buf_write_fill(buf, 'x', 1);
    for (int i = 0; i < 10; i++) {
        require(outbound_queue_push(&f.queue, f.loop, &weir_buf_retain(buf)->obj, NULL, 1));
    }
    outbound_queue_fail(&f.queue, f.loop, WEIR_E_CANCELED);
    weir_tracking_alloc_fail_never(weir_test_alloc());
    for (int round = 0; round < 100; round++) {
        for (int i = 0; i < 10; i++) {
            require(outbound_queue_push(&f.queue, f.loop, &weir_buf_retain(buf)->obj, NULL, 1));
        }
        outbound_queue_flush(&f.queue);
        outbound_queue_advance(&f.queue, f.loop, 10);
    }
    expect_eq(weir_tracking_alloc_calls(weir_test_alloc()), 0);
    weir_buf_release(buf);
    tear_down(&f);
}

typedef struct progress {
    int times;
    uint64_t done, total;
} progress;

static void note_progress(void *arg, uint64_t done, uint64_t total) {
    progress *self = arg;
    expect(done > self->done && done < total);
    *self = (progress){self->times + 1, done, total};
}

WEIR_TEST(outbound_queue, tells_how_far_a_message_is_until_it_is_out) {
    fixture f;
    progress seen = {0};
    set_up(&f);
    weir_buf *buf = weir_buf_new(100);
    weir_buf_write_fill(buf, 'x', 100);
    weir_promise *promise = trail_promise(&f.trail, f.loop, "w");
    weir_promise_on_progress(promise, note_progress, &seen);
    require(outbound_queue_push(&f.queue, f.loop, &buf->obj, promise, 100));
    push(&f, 10, NULL);
    outbound_queue_flush(&f.queue);
    outbound_queue_advance(&f.queue, f.loop, 40);
    expect_eq(seen.done, 40);
    expect_eq(seen.total, 100);
    outbound_queue_advance(&f.queue, f.loop, 59);
    expect_eq(seen.done, 99);
    expect(trail_is(&f.trail, ""));
    outbound_queue_advance(&f.queue, f.loop, 1 + 5);
    expect(trail_is(&f.trail, "w=WEIR_OK\n"));
    expect_eq(seen.times, 2);
    tear_down(&f);
}

static void end_the_queue(void *arg, uint64_t done, uint64_t total) {
    fixture *f = arg;
    expect_eq(done, 1);
    expect_eq(total, 100);
    outbound_queue_fail(&f->queue, f->loop, WEIR_E_CLOSED);
}

WEIR_TEST(outbound_queue, may_be_ended_by_who_hears_how_far_it_is) {
    fixture f;
    set_up(&f);
    push(&f, 100, "w");
    weir_promise_on_progress(f.queue.head->promise, end_the_queue, &f);
    outbound_queue_flush(&f.queue);
    outbound_queue_advance(&f.queue, f.loop, 1);
    expect(trail_is(&f.trail, "w=WEIR_E_CLOSED\n"));
    expect_eq(f.queue.pending, 0);
    tear_down(&f);
}
