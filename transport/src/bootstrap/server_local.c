/* server_local.c - connections from inside the process. There is no backlog for them to wait in: a server that takes none
 * just now refuses them. */
#include "bootstrap/server_internal.h"

static bool may_enter(server_part *part) {
    weir_server *server = part->server;
    if (atomic_load(&server->paused) || rate_limit_take(&server->accept_rate, weir_loop_now(part->loop)) != 0)
        return false;
    if (server_enter(server)) return true;
    rate_limit_give_back(&server->accept_rate);
    return false;
}

static void knocked(local_listener *listener, local_knock *knock) {
    server_part *part = WEIR_CONTAINER(listener, server_part, local);
    if (!may_enter(part)) {
        atomic_fetch_add(&part->refused, 1);
        local_refuse(knock);
        return;
    }
    atomic_fetch_add(&part->open, 1);
    server_part_serve(part, local_accept(knock, &part->server->channel, &part->owner));
}

static void closed(local_listener *listener) {
    server_part *part = WEIR_CONTAINER(listener, server_part, local);
    part->listening--;
    server_part_leave_if_quiet(part);
}

void server_part_listen_local(server_part *part) {
    part->local = (local_listener){.loop = part->loop, .knocked = knocked, .closed = closed};
    part->listening++;
    local_listener_open(&part->local, part->server->name);
}

void server_part_stop_listening_local(server_part *part) {
    if (part->local.loop != NULL && !part->local.closing) local_listener_close(&part->local);
}
