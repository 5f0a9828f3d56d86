/* timers_event.c - libevent's timers, as rows: no locks, and the clock is read once a turn (EVENT_BASE_FLAG_NO_CACHE_TIME
 * is not set). */
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>

static struct event_base *base;
static struct event *timers;

static void fired(evutil_socket_t fd, short what, void *arg) {
    (void)fd, (void)what, (void)arg;
}

static void make_timers(size_t count) {
    struct event_config *config = event_config_new();
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    base = event_base_new_with_config(config);
    event_config_free(config);
    timers = calloc(count, sizeof *timers);
    if (base == NULL || timers == NULL) abort();
    for (size_t i = 0; i < count; i++) evtimer_assign(&timers[i], base, fired, NULL);
}

static void free_timers(size_t count) {
    (void)count;
    event_base_free(base);
    free(timers);
}

static inline void start_timer(size_t i, unsigned ms) {
    struct timeval delay = {.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};
    evtimer_add(&timers[i], &delay);
}

static inline void stop_timer(size_t i) {
    evtimer_del(&timers[i]);
}

static void run_due(unsigned ms) {
    (void)ms;
    event_base_loop(base, EVLOOP_NONBLOCK);
}

#include "common/timer_rows.h"

static const bench_row rows[] = {TIMER_ROWS, {0}};

int main(int argc, char **argv) {
    return bench_rows(rows, argc, argv);
}
