/* callers.c - see callers.h. */
#include "callers.h"

#include <string.h>

#include <weir/testing.h>

void hear_pool(void *arg, weir_status status, weir_channel *channel) {
    caller *self = arg;
    self->told++;
    self->status = status;
    self->channel = channel;
    self->turn = self->scene->told++;
    expect_eq(channel != NULL, status == WEIR_OK);
    if (channel != NULL) expect(weir_channel_is_active(channel));
    if (self->scene->act != NULL) self->scene->act(self->scene);
}

bool scene_prepare(scene *self) {
    memset(self, 0, sizeof *self);
    for (int i = 0; i < MOST_CALLERS; i++) self->callers[i].scene = self;
    if (!dials_begin(&self->dials)) return false;
    self->options.client = (weir_client_options){.loop = self->dials.loop, .host = "somewhere", .port = 1};
    return true;
}

bool scene_start(scene *self) {
    self->pool = connection_pool_new_with(&self->options, dial_connect);
    if (self->pool == NULL) dials_end(&self->dials);
    return self->pool != NULL;
}

void scene_begin(scene *self) {
    require(scene_prepare(self));
    require(scene_start(self));
}

void scene_finish(scene *self) {
    weir_connection_pool_free(self->pool);
    dials_run(&self->dials);
    for (int i = 0; i < MOST_CALLERS; i++) weir_connection_pool_release(self->callers[i].channel);
    dials_run(&self->dials);
    for (size_t i = 0; i < self->dials.count; i++) expect(!dial_is_open(&self->dials, i));
    dials_end(&self->dials);
}

weir_status scene_ask(scene *self, int i) {
    unsigned told = self->callers[i].told;
    weir_status status = weir_connection_pool_acquire(self->pool, hear_pool, &self->callers[i]);
    expect_eq(self->callers[i].told, told); /* not from inside */
    return status;
}

/* Asks, and lets the dial that this begins succeed. */
caller *scene_lease_new(scene *self, int i) {
    size_t next = self->dials.count;
    expect_status(scene_ask(self, i), WEIR_OK);
    dials_run(&self->dials);
    require(self->dials.count == next + 1);
    dial_succeed(&self->dials, next);
    require(self->callers[i].channel != NULL);
    return &self->callers[i];
}

caller *scene_lease(scene *self, int i) {
    expect_status(scene_ask(self, i), WEIR_OK);
    dials_run(&self->dials);
    return &self->callers[i];
}

void scene_give_back(scene *self, int i) {
    weir_channel *channel = self->callers[i].channel;
    self->callers[i].channel = NULL;
    weir_connection_pool_release(channel);
    dials_run(&self->dials);
}

weir_connection_pool_stats scene_stats(scene *self) {
    weir_connection_pool_stats stats;
    weir_connection_pool_get_stats(self->pool, &stats);
    return stats;
}

void scene_expect(scene *self, unsigned connecting, unsigned idle, unsigned leased, unsigned waiting) {
    weir_connection_pool_stats stats = scene_stats(self);
    expect_eq(stats.connecting, connecting);
    expect_eq(stats.idle, idle);
    expect_eq(stats.leased, leased);
    expect_eq(stats.waiting, waiting);
}
