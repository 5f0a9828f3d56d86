/* server_part.c - one loop's part of a server: starting to listen, and stopping in two steps. */
#include <weir/core/log.h>
#include <weir/transport/event.h>

#include "bootstrap/server_internal.h"

void server_part_post(server_part *part, weir_task *task, void (*run)(weir_task *task)) {
    task->run = run;
    weir_status status = loop_post_own(part->loop, task);
    WEIR_CHECK(status == WEIR_OK, "a server was used after its loops were freed");
}

void server_hold(weir_server *server) {
    pthread_mutex_lock(&server->lock);
    server->running++;
    pthread_mutex_unlock(&server->lock);
}

void server_leave(weir_server *server) {
    pthread_mutex_lock(&server->lock);
    server->running--;
    server_tell_change(server);
    pthread_mutex_unlock(&server->lock);
}

void server_part_leave_if_quiet(server_part *part) {
    if (!part->stopping || part->listening > 0 || atomic_load(&part->open) != 0) return;
    part->stopping = false;
    weir_timer_stop(&part->deadline, part->loop);
    server_leave(part->server);
}

void server_part_channel_gone(channel_owner *owner, weir_channel *channel) {
    server_part *part = WEIR_CONTAINER(owner, server_part, owner);
    (void)channel;
    atomic_fetch_sub(&part->open, 1);
    server_give_place(part->server);
    server_part_leave_if_quiet(part);
}

/* ---- starting ---- */

void server_part_start(weir_task *step_task) {
    server_part *part = WEIR_CONTAINER(step_task, server_part, step_task);
    weir_server *server = part->server;
    weir_status status = server_part_listen(part);
    if (status == WEIR_OK && part == &server->parts[0] && server->options.stop_on_signals) {
        status = server_open_signals(server);
    }
    atomic_store(&part->has_started, true);
    pthread_mutex_lock(&server->lock);
    if (status != WEIR_OK) server->start_status = status;
    server->starting--;
    server_tell_change(server);
    pthread_mutex_unlock(&server->lock);
}

/* ---- stopping ---- */

/* Calls `each` for the channels of this part; it may end them. */
static void for_channels(server_part *part, void (*each)(server_part *, weir_channel *)) {
    weir_list *end = &part->loop->channels;
    for (weir_list *link = end->next, *next; link != end; link = next) {
        weir_channel *channel = WEIR_CONTAINER(link, weir_channel, siblings);
        next = link->next;
        if (channel->owner == &part->owner) each(part, channel);
    }
}

static void tell_stopping(server_part *part, weir_channel *channel) {
    (void)part;
    if (channel_is_open(channel)) channel_fire_event(channel, &weir_event_stopping.obj);
}

static void cut(server_part *part, weir_channel *channel) {
    weir_server *server = part->server;
    if (!channel_is_open(channel)) return;
    weir_server_cut entry = {.id = channel->id, .pending_bytes = weir_channel_pending_bytes(channel)};
    weir_channel_remote_addr(channel, &entry.remote);
    pthread_mutex_lock(&server->lock);
    weir_server_report *report = &server->report;
    if (report->cut < WEIR_SERVER_CUTS_LISTED) report->cuts[report->cut] = entry;
    report->cut++;
    report->pending_bytes += entry.pending_bytes;
    pthread_mutex_unlock(&server->lock);
    atomic_fetch_add(&server->aborted, 1);
    channel_abort_now(channel, WEIR_E_STOPPED);
}

static void on_deadline(weir_timer *timer) {
    server_part *part = timer->arg;
    for_channels(part, cut);
}

/* Asked for before step 2 it is done there. */
void server_part_cut(weir_task *cut_task) {
    server_part *part = WEIR_CONTAINER(cut_task, server_part, cut_task);
    if (part->stopping) for_channels(part, cut);
    server_leave(part->server);
}

static void stop(weir_task *step_task) {
    server_part *part = WEIR_CONTAINER(step_task, server_part, step_task);
    weir_server *server = part->server;
    loop_refresh(part->loop); /* times that begin here are not to lose what this turn took already */
    part->stopping = true;
    pthread_mutex_lock(&server->lock);
    server->report.open += atomic_load(&part->open);
    pthread_mutex_unlock(&server->lock);
    weir_timer_start(&part->deadline, part->loop, server->options.stop_timeout_ms);
    for_channels(part, tell_stopping);
    if (atomic_load(&server->cut_asked)) for_channels(part, cut);
    server_part_leave_if_quiet(part);
}

void server_part_close(weir_task *step_task) {
    server_part *part = WEIR_CONTAINER(step_task, server_part, step_task);
    weir_server *server = part->server;
    server_part_stop_listening(part);
    if (atomic_fetch_sub(&server->accepting, 1) > 1) return;
    for (size_t i = 0, count = server->count; i < count; i++) {
        server_part_post(&server->parts[i], &server->parts[i].step_task, stop);
    }
}

void server_part_init(server_part *part, weir_server *server, weir_loop *loop) {
    part->owner.gone = server_part_channel_gone;
    part->server = server;
    part->loop = loop;
    weir_timer_init(&part->deadline, on_deadline, part);
}
