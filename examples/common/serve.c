/* serve.c - the life of an example server, from its listening line to its leak report. */
#include "common/serve.h"

#include <inttypes.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "common/confine.h"
#include "common/upgrade.h"

enum {
    SOCKETS_MAX = 60
};

/* What signals ask for takes its time (files, a new process), so a thread does it that serves nobody. None before that:
 * with one loop the process has one thread, which system calls are cheaper for. */
struct errands {
    weir_server *server;
    serve_reload_fn *reload;
    void *arg;
    sem_t asked;
    atomic_bool wants_reload, wants_upgrade, is_over;
    bool has_runner; /* the first signal starts it */
    pthread_t runner;
    /* Connections are built when root's rights are gone, none before. */
    weir_build_fn *build;
    void *build_arg;
    atomic_bool is_confined;
};

/* ---- errands ---- */

static void load_again(struct errands *self) {
    bool done = self->reload == NULL || self->reload(self->arg);
    if (!done) return;
    printf(self->reload == NULL ? "nothing to load again\n" : "loaded again\n");
    fflush(stdout);
}

static void upgrade(struct errands *self) {
    int fds[SOCKETS_MAX];
    size_t count;
    weir_status status = weir_server_listen_fds(self->server, fds, SOCKETS_MAX, &count);
    if (status != WEIR_OK) {
        complain("nothing to hand over: %s", weir_status_text(status));
    } else if (upgrade_start(fds, count)) {
        weir_server_stop(self->server);
    }
}

static void *run_errands(void *arg) {
    struct errands *self = arg;
    while (!atomic_load(&self->is_over)) {
        if (sem_wait(&self->asked) != 0) continue;
        if (atomic_exchange(&self->wants_reload, false)) load_again(self);
        if (atomic_exchange(&self->wants_upgrade, false)) upgrade(self);
    }
    return NULL;
}

/* On the first loop, so in this thread. */
static void on_signal(weir_server *server, int number, void *arg) {
    struct errands *self = arg;
    (void)server;
    if (atomic_load(&self->is_over)) return;
    atomic_store(number == SIGHUP ? &self->wants_reload : &self->wants_upgrade, true);
    sem_post(&self->asked);
    if (!self->has_runner) self->has_runner = pthread_create(&self->runner, NULL, run_errands, self) == 0;
}

/* ---- rights ---- */

static weir_status build_confined(weir_pipeline *pipeline, void *arg) {
    struct errands *self = arg;
    while (!atomic_load(&self->is_confined)) usleep(100);
    return self->build(pipeline, self->build_arg);
}

/* The port may need root, the rest must not have it: the loops run already, so no connection gets further than its
 * building until then. */
static void wait_for_confinement(struct errands *self, weir_server_options *options) {
    self->build = options->build;
    self->build_arg = options->build_arg;
    options->build = build_confined;
    options->build_arg = self;
}

/* ---- serving ---- */

static void print_connections(const weir_server *server) {
    weir_server_stats stats;
    weir_server_get_stats(server, &stats);
    printf("%" PRIu64 " connections", stats.accepted);
    if (stats.refused != 0) printf(", %" PRIu64 " refused", stats.refused);
    if (stats.aborted != 0) printf(", %" PRIu64 " cut at the end", stats.aborted);
    putchar('\n');
}

static void serve_until_stopped(struct errands *self) {
    char where[WEIR_ADDR_TEXT];
    printf("listening on %s\n", weir_addr_format(weir_server_addr(self->server), where));
    fflush(stdout);
    upgrade_ready();
    weir_server_wait(self->server);
    atomic_store(&self->is_over, true);
    sem_post(&self->asked);
    if (self->has_runner) pthread_join(self->runner, NULL);
}

static weir_status start(struct errands *self, const args_server *at, weir_server_options *options) {
    int fds[SOCKETS_MAX];
    size_t count;
    weir_status status = weir_listen_fds(NULL, fds, SOCKETS_MAX, &count);
    if (status != WEIR_OK) return status;
    options->listen_fds = fds;
    options->listen_fd_count = count;
    options->host = at->host;
    options->port = at->port;
    options->loops =
        weir_loop_group_new_with(&(weir_loop_group_options){.count = at->loops, .first_on_caller = true});
    options->stop_on_signals = true;
    options->on_signal = on_signal;
    options->on_signal_arg = self;
    if (at->user != NULL) wait_for_confinement(self, options);
    return weir_server_start(&self->server, options);
}

int serve_reloading(const args_server *at, weir_server_options options, serve_totals_fn *totals,
                    serve_reload_fn *reload, void *arg) {
    struct errands self = {.reload = reload, .arg = arg};
    sem_init(&self.asked, 0, 0);
    upgrade_prepare();
    weir_status status = start(&self, at, &options);
    if (status != WEIR_OK) {
        complain("cannot listen on %s:%u: %s", at->host, at->port, weir_status_text(status));
    } else if (confine_drop(at) != 0) {
        _exit(1); /* with root's rights nothing more is done */
    } else {
        atomic_store(&self.is_confined, true);
        serve_until_stopped(&self);
        print_connections(self.server);
        totals(arg);
    }
    weir_server_free(self.server);
    weir_loop_group_free(options.loops);
    sem_destroy(&self.asked);
    return status == WEIR_OK && weir_leak_report(stderr) == 0 ? 0 : 1;
}

int serve(const args_server *at, weir_server_options options, serve_totals_fn *totals, void *arg) {
    return serve_reloading(at, options, totals, NULL, arg);
}
