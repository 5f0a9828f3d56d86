/* reconnect.c - one connection after the other, with capped exponential waits under full jitter.
 *
 * Its user may stop or free it in any event, so after each one it is looked at again; the memory goes when no event
 * and no connection stands on it any more.
 */
#include <weir/transport/reconnect.h>

#include <time.h>

#include "bootstrap/watch.h"
#include "loop/loop_internal.h"

struct weir_reconnect {
    watch watch;
    watch_target target;
    weir_reconnect_options options;
    watch_connect_fn *connect;
    weir_timer timer; /* until the next attempt */
    uint64_t random;
    uint64_t up_since;
    unsigned failures;
    unsigned busy; /* calls of ours under way */
    bool trying;   /* an attempt or a connection is there: `over` will follow */
    bool up;
    bool stopped, stop_told, freed;
};

static void enter(weir_reconnect *self) {
    self->busy++;
}

static void leave(weir_reconnect *self) {
    if (--self->busy > 0 || !self->freed || self->trying) return;
    watch_target_clear(&self->target);
    weir_alloc_release(self->target.options.loop->alloc, self);
}

static void tell(weir_reconnect *self, weir_reconnect_event event) {
    event.failures = self->failures;
    if (!self->freed && self->options.on_event != NULL)
        self->options.on_event(self->options.arg, self, &event);
}

static void tell_stopped(weir_reconnect *self, weir_status cause) {
    self->stopped = true;
    if (self->stop_told) return;
    self->stop_told = true;
    tell(self, (weir_reconnect_event){.state = WEIR_RECONNECT_STOPPED, .cause = cause});
}

/* ---- waiting ---- */

/* splitmix64 */
static uint64_t next_random(uint64_t *state) {
    uint64_t x = *state += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
    return x ^ x >> 31;
}

static unsigned cap_of(const weir_reconnect *self) {
    uint64_t cap = self->options.min_delay_ms;
    for (unsigned i = 1; i < self->failures && cap < self->options.max_delay_ms; i++) cap *= 2;
    return cap < self->options.max_delay_ms ? (unsigned)cap : self->options.max_delay_ms;
}

static void wait_a_while(weir_reconnect *self, weir_status cause) {
    unsigned wait_ms = (unsigned)(next_random(&self->random) % ((uint64_t)cap_of(self) + 1));
    weir_timer_start(&self->timer, self->target.options.loop, wait_ms);
    tell(self, (weir_reconnect_event){.state = WEIR_RECONNECT_WAITING, .cause = cause, .wait_ms = wait_ms});
}

/* ---- a connection ---- */

static weir_reconnect *keeper_of(watch *self) {
    return WEIR_CONTAINER(self, weir_reconnect, watch);
}

static void on_up(watch *watched) {
    weir_reconnect *self = keeper_of(watched);
    self->up = true;
    self->up_since = weir_loop_now(self->target.options.loop);
    enter(self);
    tell(self, (weir_reconnect_event){.state = WEIR_RECONNECT_UP, .channel = watched->channel});
    leave(self);
}

static bool can_be_mended(weir_status cause) {
    return cause != WEIR_E_INVALID && cause != WEIR_E_STOPPED;
}

static void note_result(weir_reconnect *self) {
    uint64_t now = weir_loop_now(self->target.options.loop);
    bool was_stable = self->up && now - self->up_since >= self->options.stable_ms;
    self->failures = was_stable ? 0 : self->failures + 1;
    self->up = false;
}

static void on_over(watch *watched, weir_status cause) {
    weir_reconnect *self = keeper_of(watched);
    self->trying = false;
    enter(self);
    note_result(self);
    tell(self, (weir_reconnect_event){.state = WEIR_RECONNECT_DOWN, .cause = cause});
    bool too_often = self->options.max_failures != 0 && self->failures >= self->options.max_failures;
    if (self->stopped || too_often || !can_be_mended(cause)) {
        tell_stopped(self, cause);
    } else {
        wait_a_while(self, cause);
    }
    leave(self);
}

static const watch_events connection_events = {.up = on_up, .over = on_over};

static void try_now(weir_timer *timer) {
    weir_reconnect *self = timer->arg;
    enter(self);
    tell(self, (weir_reconnect_event){.state = WEIR_RECONNECT_CONNECTING});
    if (!self->stopped) {
        self->trying = true;
        watch_connect(&self->watch, &connection_events, self->connect, &self->target);
    }
    leave(self);
}

/* ---- life ---- */

#define DEFAULT_TO(field, value)                                                                             \
    if (self->options.field == 0) self->options.field = (value)

static uint64_t some_seed(const void *self) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_nsec ^ (uint64_t)now.tv_sec << 20 ^ (uint64_t)(uintptr_t)self;
}

weir_reconnect *reconnect_new_with(const weir_reconnect_options *options, watch_connect_fn *connect) {
    weir_loop *loop = options->client.loop;
    if (loop == NULL) return NULL;
    loop_check_current(loop, "weir_reconnect_new");
    weir_reconnect *self = weir_alloc_zeroed(loop->alloc, 1, sizeof *self);
    if (self == NULL || !watch_target_init(&self->target, &options->client)) {
        weir_alloc_release(loop->alloc, self);
        return NULL;
    }
    self->options = *options;
    self->connect = connect;
    DEFAULT_TO(min_delay_ms, 100);
    DEFAULT_TO(max_delay_ms, 30000);
    DEFAULT_TO(stable_ms, 10000);
    self->random = options->seed != 0 ? options->seed : some_seed(self);
    weir_timer_init(&self->timer, try_now, self);
    weir_timer_start(&self->timer, loop, 0);
    return self;
}

weir_reconnect *weir_reconnect_new(const weir_reconnect_options *options) {
    return reconnect_new_with(options, weir_client_connect);
}

static void stop(weir_reconnect *self) {
    weir_loop *loop = self->target.options.loop;
    weir_channel *channel = self->watch.channel;
    self->stopped = true;
    weir_timer_stop(&self->timer, loop);
    if (!self->trying) {
        tell_stopped(self, WEIR_E_CANCELED);
    } else if (channel != NULL) {
        weir_channel_close(channel, NULL);
    }
}

void weir_reconnect_stop(weir_reconnect *reconnect) {
    loop_check_current(reconnect->target.options.loop, __func__);
    if (reconnect->stopped) return;
    enter(reconnect);
    stop(reconnect);
    leave(reconnect);
}

void weir_reconnect_free(weir_reconnect *reconnect) {
    if (reconnect == NULL) return;
    loop_check_current(reconnect->target.options.loop, __func__);
    enter(reconnect);
    reconnect->freed = true;
    stop(reconnect);
    leave(reconnect);
}

weir_channel *weir_reconnect_channel(const weir_reconnect *reconnect) {
    return reconnect->up ? reconnect->watch.channel : NULL;
}
