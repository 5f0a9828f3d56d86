/* net_signals.c - SIGINT and SIGTERM, and more if asked, as a call on the loop. */
#include <signal.h>

#include "uv/uv_internal.h"

enum {
    SIGNALS = 4,
    STOPPING = 2 /* the first of them */
};

struct net_signals {
    uv_signal_t handles[SIGNALS];
    weir_loop *loop;
    int open;
    net_signal_fn *fn;
    void *arg;
};

static void on_signal(uv_signal_t *handle, int number) {
    net_signals *self = handle->data;
    loop_wake_up(self->loop);
    loop_note_event(self->loop, 0);
    self->fn(self->arg, number);
}

net_signals *net_signals_open(weir_loop *loop, bool more, net_signal_fn *fn, void *arg) {
    static const int numbers[SIGNALS] = {SIGINT, SIGTERM, SIGHUP, SIGUSR2};
    net_signals *self = weir_alloc_zeroed(loop->alloc, 1, sizeof *self);
    if (self == NULL) return NULL;
    self->loop = loop;
    self->fn = fn;
    self->arg = arg;
    for (int i = 0; i < (more ? SIGNALS : STOPPING); i++) {
        uv_signal_init(driver_of(loop)->uv, &self->handles[i]);
        self->handles[i].data = self;
        self->open++;
        if (uv_has_host(driver_of(loop))) uv_unref((uv_handle_t *)&self->handles[i]);
        uv_signal_start(&self->handles[i], on_signal, numbers[i]);
    }
    driver_of(loop)->uv_waits = true;
    return self;
}

static void on_closed(uv_handle_t *handle) {
    net_signals *self = handle->data;
    if (--self->open == 0) {
        driver_of(self->loop)->handles--;
        weir_alloc_release(self->loop->alloc, self);
    }
}

void net_signals_close(net_signals *signals) {
    driver_of(signals->loop)->handles++; /* so that a loop that is being freed waits for it */
    for (int i = 0, open = signals->open; i < open; i++)
        uv_close((uv_handle_t *)&signals->handles[i], on_closed);
    driver_of(signals->loop)->uv_waits = true;
}
