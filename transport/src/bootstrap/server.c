/* server.c - what a program calls: start, stop, wait, free. What happens meanwhile is its parts' affair
 * (server_internal.h). */
#include "bootstrap/server_internal.h"
#include "loop/deadline.h"

#define DEFAULT_BACKLOG 511
#define DEFAULT_STOP_TIMEOUT_MS 10000

static void check_outside_loops(const weir_server *server, const char *function) {
    for (size_t i = 0; i < server->count; i++) {
        WEIR_CHECK(!weir_loop_is_current(server->parts[i].loop), "%s was called on a loop of its server",
                   function);
    }
}

/* ---- waiting ---- */

/* Of the loops only the first one may have to be run by who waits. */
int server_await_change(weir_server *server, const struct timespec *deadline) {
    return loop_wait(server->parts[0].loop, &server->lock, &server->changed, deadline);
}

void server_tell_change(weir_server *server) {
    loop_tell_waiters(server->parts[0].loop, &server->changed);
}

/* ---- starting ---- */

static weir_server *new_server(const weir_server_options *options) {
    size_t count = weir_loop_group_count(options->loops);
    weir_server *server = weir_alloc_zeroed(NULL, 1, sizeof *server + count * sizeof(server_part));
    if (server == NULL) return NULL;
    server->options = *options;
    if (server->options.listen.backlog == 0) server->options.listen.backlog = DEFAULT_BACKLOG;
    if (server->options.stop_timeout_ms == 0) server->options.stop_timeout_ms = DEFAULT_STOP_TIMEOUT_MS;
    rate_limit_init(&server->accept_rate, options->accepts_per_second, options->accept_burst);
    server->count = server->starting = server->running = count;
    atomic_init(&server->accepting, count);
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->changed, NULL);
    for (size_t i = 0; i < count; i++) {
        server_part_init(&server->parts[i], server, weir_loop_group_at(options->loops, i));
    }
    return server;
}

static void delete_server(weir_server *server) {
    server_close_sockets(server);
    pthread_cond_destroy(&server->changed);
    pthread_mutex_destroy(&server->lock);
    weir_alloc_release(NULL, server);
}

static void start_part(weir_server *server, size_t i) {
    server_part_post(&server->parts[i], &server->parts[i].step_task, server_part_start);
}

static void wait_for_starts(weir_server *server, size_t left) {
    pthread_mutex_lock(&server->lock);
    while (server->starting > left) pthread_cond_wait(&server->changed, &server->lock);
    pthread_mutex_unlock(&server->lock);
}

/* The first comes last: run by the caller it must not serve before the caller has its server. */
static weir_status start_parts(weir_server *server) {
    check_outside_loops(server, "weir_server_start");
    for (size_t i = 1; i < server->count; i++) start_part(server, i);
    wait_for_starts(server, 1);
    start_part(server, 0);
    pthread_mutex_lock(&server->lock);
    while (server->starting > 0) server_await_change(server, NULL);
    pthread_mutex_unlock(&server->lock);
    return server->start_status;
}

static weir_status check_options(const weir_server_options *options, weir_channel_options *channel) {
    if (options->loops == NULL) return WEIR_E_NO_MEMORY;
    if (options->build == NULL || (options->addresses == NULL && options->address_count > 0))
        return WEIR_E_INVALID;
    return channel_options_resolve(&options->channel, channel);
}

weir_status weir_server_start(weir_server **out, const weir_server_options *options) {
    weir_channel_options channel;
    *out = NULL;
    weir_status status = check_options(options, &channel);
    weir_server *server = status == WEIR_OK ? new_server(options) : NULL;
    if (server == NULL) {
        server_drop_inherited(options);
        return status != WEIR_OK ? status : (weir_status)WEIR_E_NO_MEMORY;
    }
    server->channel = channel;
    status = server_open_sockets(server);
    if (status != WEIR_OK) {
        delete_server(server);
        return status;
    }
    status = start_parts(server);
    if (status == WEIR_OK) {
        *out = server;
    } else {
        weir_server_free(server);
    }
    return status;
}

/* ---- stopping ---- */

void weir_server_stop(weir_server *server) {
    if (atomic_exchange(&server->stop_asked, true)) return;
    size_t count = server->count; /* when the last part is told the server may go */
    for (size_t i = 0; i < count; i++) {
        server_part_post(&server->parts[i], &server->parts[i].step_task, server_part_close);
    }
}

void weir_server_pause(weir_server *server) {
    atomic_store(&server->paused, true);
}

void weir_server_resume(weir_server *server) {
    atomic_store(&server->paused, false);
    for (size_t i = 0; i < server->count; i++) server_part_resume(&server->parts[i]);
}

bool weir_server_wait_for(weir_server *server, unsigned timeout_ms) {
    check_outside_loops(server, __func__);
    struct timespec deadline = deadline_in(timeout_ms);
    int timed_out = 0;
    pthread_mutex_lock(&server->lock);
    while (server->running > 0 && timed_out == 0) {
        timed_out = server_await_change(server, &deadline);
    }
    bool over = server->running == 0;
    pthread_mutex_unlock(&server->lock);
    return over;
}

weir_status weir_server_wait(weir_server *server) {
    check_outside_loops(server, __func__);
    pthread_mutex_lock(&server->lock);
    while (server->running > 0) server_await_change(server, NULL);
    bool all_ended = server->report.cut == 0;
    pthread_mutex_unlock(&server->lock);
    return all_ended ? WEIR_OK : (weir_status)WEIR_E_TIMEOUT;
}

void weir_server_free(weir_server *server) {
    if (server == NULL) return;
    weir_server_stop(server);
    weir_server_wait(server);
    server_close_signals(server);
    weir_server_wait(server); /* for what a last signal may have begun */
    delete_server(server);
}

/* ---- looking ---- */

const weir_addr *weir_server_addr(const weir_server *server) {
    return weir_server_addr_at(server, 0);
}

const weir_addr *weir_server_addr_at(const weir_server *server, size_t i) {
    return i < server->addr_count ? &server->addrs[i] : NULL;
}

void weir_server_get_report(weir_server *server, weir_server_report *out) {
    pthread_mutex_lock(&server->lock);
    *out = server->report;
    if (server->running == 0) out->ended = out->open - out->cut;
    pthread_mutex_unlock(&server->lock);
}

void weir_server_get_stats(const weir_server *server, weir_server_stats *out) {
    *out = (weir_server_stats){.aborted = atomic_load(&server->aborted)};
    for (size_t i = 0; i < server->count; i++) {
        const server_part *part = &server->parts[i];
        out->accepted += atomic_load(&part->accepted);
        out->open += atomic_load(&part->open);
        out->refused += atomic_load(&part->refused);
        out->accept_errors += atomic_load(&part->accept_errors);
        out->handed_over += atomic_load(&part->handed_over);
    }
}
