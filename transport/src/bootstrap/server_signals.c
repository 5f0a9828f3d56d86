/* server_signals.c - SIGINT and SIGTERM stop the server, others are told to its program; they are its own from start to
 * free. */
#include <signal.h>

#include "bootstrap/server_internal.h"

/* The first signal stops gracefully, the second cuts what is left, more do nothing. */
static void stop_or_cut(weir_server *server) {
    if (!atomic_load(&server->stop_asked)) {
        weir_server_stop(server);
    } else if (!atomic_exchange(&server->cut_asked, true)) {
        for (size_t i = 0; i < server->count; i++) {
            server_hold(server);
            server_part_post(&server->parts[i], &server->parts[i].cut_task, server_part_cut);
        }
    }
}

static void on_signal(void *arg, int number) {
    weir_server *server = arg;
    if (number == SIGINT || number == SIGTERM) {
        stop_or_cut(server);
    } else {
        server->options.on_signal(server, number, server->options.on_signal_arg);
    }
}

weir_status server_open_signals(weir_server *server) {
    server->signals =
        net_signals_open(server->parts[0].loop, server->options.on_signal != NULL, on_signal, server);
    return server->signals != NULL ? WEIR_OK : (weir_status)WEIR_E_NO_MEMORY;
}

static void close_signals(weir_task *task) {
    weir_server *server = WEIR_CONTAINER(task, weir_server, signals_task);
    net_signals_close(server->signals);
    pthread_mutex_lock(&server->lock);
    server->signals = NULL;
    server_tell_change(server);
    pthread_mutex_unlock(&server->lock);
}

/* Only now: a signal between the last connection and here must not end the process. */
void server_close_signals(weir_server *server) {
    if (server->signals == NULL) return;
    server_part_post(&server->parts[0], &server->signals_task, close_signals);
    pthread_mutex_lock(&server->lock);
    while (server->signals != NULL) server_await_change(server, NULL);
    pthread_mutex_unlock(&server->lock);
}
