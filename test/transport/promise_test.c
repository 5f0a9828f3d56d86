/* promise_test.c - told once, on its loop, to everyone who listens; waited for from elsewhere. */
#include <pthread.h>
#include <time.h>

#include <weir/testing.h>
#include <weir/transport.h>

#include "actor.h"
#include "loop/promise_internal.h"

typedef struct told {
    int times;
    weir_status status;
} told;

static void tell(void *arg, weir_status status) {
    told *self = arg;
    self->times++;
    self->status = status;
}

/* A loop of this thread, and its end. */
static weir_embedded *embedded(void) {
    weir_embedded *self = weir_embedded_new(NULL, NULL, NULL);
    require(self != NULL);
    return self;
}

WEIR_TEST(promise, completes_once_and_the_first_status_counts) {
    weir_embedded *e = embedded();
    weir_promise *promise = weir_promise_new(weir_embedded_loop(e));
    told heard = {0};
    weir_promise_listen(promise, tell, &heard);
    expect(!weir_promise_is_done(promise));
    expect_status(weir_promise_status(promise), WEIR_OK);
    expect(weir_promise_complete(weir_promise_retain(promise), WEIR_E_TIMEOUT));
    expect(!weir_promise_complete(weir_promise_retain(promise), WEIR_OK));
    expect_eq(heard.times, 1);
    expect_status(heard.status, WEIR_E_TIMEOUT);
    expect(weir_promise_is_done(promise));
    expect_status(weir_promise_status(promise), WEIR_E_TIMEOUT);
    weir_promise_release(promise);
    weir_embedded_free(e);
}

WEIR_TEST(promise, of_nobody_is_allowed_everywhere) {
    expect(!weir_promise_complete(NULL, WEIR_OK));
    weir_promise_release(NULL);
    expect(weir_promise_retain(NULL) == NULL);
}

WEIR_TEST(promise, tells_many_listeners_in_order_and_late_ones_at_once) {
    weir_embedded *e = embedded();
    weir_promise *promise = weir_promise_new(weir_embedded_loop(e));
    told heard[100] = {{0}};
    for (int i = 0; i < 100; i++) expect_status(weir_promise_listen(promise, tell, &heard[i]), WEIR_OK);
    weir_promise_complete(weir_promise_retain(promise), -5);
    for (int i = 0; i < 100; i++) expect_eq(heard[i].times, 1);
    weir_promise_listen(promise, tell, &heard[7]);
    expect_eq(heard[7].times, 2);
    expect_eq(heard[7].status, -5);
    weir_promise_release(promise);
    weir_embedded_free(e);
}

static void complete_next(void *arg, weir_status status) {
    weir_promise_complete(arg, status);
}

/* Each listener completes the next: without a bound a chain like this would eat the stack. */
WEIR_TEST(promise, survives_a_chain_of_a_hundred_thousand_completions) {
    enum {
        LENGTH = 100000
    };
    weir_embedded *e = embedded();
    told last = {0};
    weir_promise *next = weir_promise_new(weir_embedded_loop(e));
    weir_promise_listen(next, tell, &last);
    for (int i = 0; i < LENGTH; i++) {
        weir_promise *promise = weir_promise_new(weir_embedded_loop(e));
        weir_promise_listen(promise, complete_next, next);
        next = promise;
    }
    weir_promise_complete(next, -7);
    for (int i = 0; i < 100 && last.times == 0; i++) weir_embedded_run(e);
    expect_eq(last.times, 1);
    expect_eq(last.status, -7);
    weir_embedded_free(e);
}

WEIR_TEST(promise, fails_to_listen_twice_without_memory_and_stays_whole) {
    weir_embedded *e = embedded();
    weir_promise *promise = weir_promise_new(weir_embedded_loop(e));
    told heard = {0};
    expect_status(weir_promise_listen(promise, tell, &heard), WEIR_OK);
    weir_tracking_alloc_fail_from(weir_test_alloc(), 0);
    expect_status(weir_promise_listen(promise, tell, &heard), WEIR_E_NO_MEMORY);
    expect(weir_promise_new(weir_embedded_loop(e)) == NULL);
    weir_tracking_alloc_fail_never(weir_test_alloc());
    weir_promise_complete(promise, WEIR_OK);
    expect_eq(heard.times, 1);
    weir_embedded_free(e);
}

/* ---- other threads ---- */

static void complete_late(void *arg) {
    struct timespec moment = {0, 30 * 1000000};
    nanosleep(&moment, NULL);
    weir_promise_complete(arg, -11);
}

WEIR_TEST(promise, is_waited_for_from_another_thread) {
    weir_loop_group *group = weir_loop_group_new(1);
    weir_loop *loop = weir_loop_group_at(group, 0);
    weir_promise *promise = weir_promise_new(loop);
    expect_status(weir_promise_wait(promise, 0), WEIR_E_TIMEOUT);
    expect_status(weir_promise_wait(promise, 10), WEIR_E_TIMEOUT);
    expect_status(weir_loop_post(loop, complete_late, weir_promise_retain(promise)), WEIR_OK);
    expect_eq(weir_promise_wait(promise, 10000), -11);
    expect_eq(weir_promise_wait(promise, -1), -11);
    weir_promise_release(promise);
    weir_loop_group_free(group);
}

typedef struct waiter {
    pthread_t thread;
    weir_promise *promise;
    weir_status status;
} waiter;

static void *wait_long(void *arg) {
    waiter *self = arg;
    self->status = weir_promise_wait(self->promise, 20000);
    weir_promise_release(self->promise);
    return NULL;
}

WEIR_TEST(promise, wakes_every_thread_that_waits) {
    weir_loop_group *group = weir_loop_group_new(1);
    weir_loop *loop = weir_loop_group_at(group, 0);
    weir_promise *promise = weir_promise_new(loop);
    waiter waiters[4];
    for (int i = 0; i < 4; i++) {
        waiters[i].promise = weir_promise_retain(promise);
        require(pthread_create(&waiters[i].thread, NULL, wait_long, &waiters[i]) == 0);
    }
    weir_loop_post(loop, complete_late, promise);
    for (int i = 0; i < 4; i++) {
        pthread_join(waiters[i].thread, NULL);
        expect_eq(waiters[i].status, -11);
    }
    weir_loop_group_free(group);
}

WEIR_TEST(promise, stops_the_program_when_waited_for_on_its_own_loop) {
    weir_embedded *e = embedded();
    weir_promise *promise = weir_promise_new(weir_embedded_loop(e));
    expect_abort(weir_promise_wait(promise, 1), "waited for on its own loop");
    loop_set_thread(weir_embedded_loop(e), NULL);
    expect_abort(weir_promise_complete(promise, WEIR_OK), "outside the thread of its loop");
    loop_set_thread(weir_embedded_loop(e), &loop_this_thread);
    weir_promise_release(promise);
    weir_embedded_free(e);
}

/* A channel outlives its loop when someone holds it; what is asked of it then is answered there and then. */
static void nothing(void *arg) {
    (void)arg;
}

WEIR_TEST(promise, is_told_on_its_loop_even_when_that_takes_no_more_posts) {
    weir_loop *loop = weir_loop_new(&(weir_loop_options){.max_tasks = 1});
    weir_promise *promise = weir_promise_new(loop);
    told heard = {0};
    weir_promise_listen(promise, tell, &heard);
    expect_status(weir_loop_post(loop, nothing, NULL), WEIR_OK);
    expect_status(weir_loop_post(loop, nothing, NULL), WEIR_E_LIMIT);
    promise_complete_anywhere(promise, WEIR_E_TIMEOUT);
    expect_eq(heard.times, 0); /* this is not its loop's thread */
    weir_loop_free(loop);      /* now it is */
    expect_eq(heard.times, 1);
    expect_status(heard.status, WEIR_E_TIMEOUT);
}

WEIR_TEST(promise, completes_where_it_is_when_the_loop_has_stopped) {
    weir_loop *loop = weir_loop_new(NULL);
    require(loop != NULL);
    weir_promise *promise = weir_promise_new(loop);
    weir_promise *connected = weir_promise_new(loop);
    weir_channel *channel = weir_client_connect(
        &(weir_client_options){.loop = loop, .host = "127.0.0.1", .port = 1}, weir_promise_retain(connected));
    require(channel != NULL);
    weir_loop_free(loop);
    expect(weir_promise_is_done(connected));
    expect(weir_promise_status(connected) != WEIR_OK);
    told heard = {0};
    weir_promise_listen(promise, tell, &heard);
    weir_channel_write(channel, weir_buf_new(16), weir_promise_retain(promise));
    expect_eq(heard.times, 1);
    expect_status(heard.status, WEIR_E_CLOSED);
    weir_promise *closed = weir_promise_new(loop);
    weir_channel_close(channel, weir_promise_retain(closed));
    expect_status(weir_promise_wait(closed, 0), WEIR_E_STOPPED);
    weir_promise_release(closed);
    weir_promise_release(promise);
    weir_promise_release(connected);
    weir_channel_release(channel);
}

WEIR_TEST(promise, joined_to_another_completes_after_it_and_as_it_does) {
    weir_embedded *e = embedded();
    weir_promise *place = NULL;
    told heard[3] = {{0}};
    for (int i = 0; i < 3; i++) {
        weir_promise *promise = weir_promise_new(weir_embedded_loop(e));
        weir_promise_listen(promise, tell, &heard[i]);
        weir_promise_join(&place, promise);
        weir_promise_join(&place, NULL);
    }
    expect_eq(heard[0].times + heard[1].times + heard[2].times, 0);
    weir_promise_complete(place, WEIR_E_TIMEOUT);
    for (int i = 0; i < 3; i++) {
        expect_eq(heard[i].times, 1);
        expect_status(heard[i].status, WEIR_E_TIMEOUT);
    }
    weir_embedded_free(e);
}
