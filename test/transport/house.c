/* house.c - see house.h. */
#include "house.h"

#include <string.h>
#include <sys/socket.h>

#include <weir/testing.h>

static void echo_active(weir_ctx *ctx) {
    atomic_fetch_add(&((echo *)weir_ctx_state(ctx))->opened, 1);
    weir_ctx_fire_active(ctx);
}

static void echo_read(weir_ctx *ctx, weir_obj *msg) {
    weir_ctx_write(ctx, msg, NULL);
}

static void echo_event(weir_ctx *ctx, weir_obj *event) {
    echo *self = weir_ctx_state(ctx);
    bool keeps = event == &weir_event_stopping.obj && atomic_load(&self->ignores_stopping);
    if (event == &weir_event_stopping.obj) atomic_fetch_add(&self->stopping, 1);
    if (keeps) {
        weir_obj_release(event);
    } else {
        weir_ctx_fire_event(ctx, event);
    }
}

static void echo_inactive(weir_ctx *ctx) {
    atomic_fetch_add(&((echo *)weir_ctx_state(ctx))->closed, 1);
    weir_ctx_fire_inactive(ctx);
}

static const weir_handler echo_handler = {
    .name = "echo", .active = echo_active, .read = echo_read, .event = echo_event, .inactive = echo_inactive};

weir_status build_echo(weir_pipeline *pipeline, void *arg) {
    echo *self = arg;
    if (atomic_load(&self->refuses)) return WEIR_E_LIMIT;
    return weir_pipeline_add_last(pipeline, &echo_handler, self);
}

void open_house(house *self, unsigned loops, weir_server_options options) {
    open_house_on(self, weir_loop_group_new(loops), options);
}

void open_house_on(house *self, weir_loop_group *group, weir_server_options options) {
    memset(self, 0, sizeof *self);
    self->group = group;
    options.loops = self->group;
    options.build = build_echo;
    options.build_arg = &self->echo;
    require(weir_server_start(&self->server, &options) == WEIR_OK);
    self->port = weir_addr_port(weir_server_addr(self->server));
    require(self->port != 0);
}

void shut_house(house *self) {
    weir_server_free(self->server);
    weir_loop_group_free(self->group);
    expect_eq(atomic_load(&self->echo.opened), atomic_load(&self->echo.closed));
}

weir_server_stats stats_of(const house *self) {
    weir_server_stats stats;
    weir_server_get_stats(self->server, &stats);
    return stats;
}

bool have_open(const house *self, uint64_t n) {
    for (int i = 0; i < 10000 && stats_of(self).open != n; i++) wait_ms(1);
    return stats_of(self).open == n;
}

bool answers(int fd) {
    char byte = 0;
    return send(fd, "x", 1, MSG_NOSIGNAL) == 1 && recv(fd, &byte, 1, 0) == 1 && byte == 'x';
}

bool has_ended(int fd) {
    char byte;
    return recv(fd, &byte, 1, 0) <= 0;
}
