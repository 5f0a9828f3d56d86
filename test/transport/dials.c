/* dials.c - see dials.h. */
#include "dials.h"

#include <string.h>

#include <weir/testing.h>

#include "actor.h"

static dials *current;

bool dials_begin(dials *self) {
    memset(self, 0, sizeof *self);
    self->embedded = weir_embedded_new(NULL, NULL, NULL);
    if (self->embedded == NULL) return false;
    self->loop = weir_embedded_loop(self->embedded);
    current = self;
    return true;
}

void dials_end(dials *self) {
    for (size_t i = 0; i < self->count; i++) {
        if (self->all[i].promise != NULL) dial_fail(self, i, WEIR_E_STOPPED);
        weir_embedded_free(self->all[i].embedded);
    }
    weir_embedded_free(self->embedded);
    current = NULL;
}

weir_channel *dial_connect(const weir_client_options *options, weir_promise *promise) {
    dials *self = current;
    dial *made = &self->all[self->count];
    require(self->count < MOST_DIALS);
    *made = (dial){.options = *options};
    weir_status status = self->refuses;
    if (status == WEIR_OK) made->embedded = weir_embedded_new(NULL, NULL, NULL);
    if (made->embedded == NULL) {
        weir_promise_complete(promise, status != WEIR_OK ? status : (weir_status)WEIR_E_NO_MEMORY);
        return NULL;
    }
    self->count++;
    made->channel = weir_embedded_channel(made->embedded);
    made->promise = promise;
    return weir_channel_retain(made->channel);
}

void dial_succeed(dials *self, size_t i) {
    dial *at = &self->all[i];
    weir_promise *promise = at->promise;
    at->promise = NULL;
    require(promise != NULL);
    weir_pipeline *pipeline = weir_embedded_pipeline(at->embedded);
    weir_status status = at->options.build(pipeline, at->options.build_arg);
    weir_promise_complete(promise, status);
    if (status == WEIR_OK) {
        fire_through(pipeline, ACTOR_ACTIVE);
    } else {
        weir_channel_abort(at->channel, status);
    }
    dials_run(self);
}

void dial_fail(dials *self, size_t i, weir_status why) {
    dial *at = &self->all[i];
    weir_promise *promise = at->promise;
    at->promise = NULL;
    weir_promise_complete(promise, why);
    weir_channel_abort(at->channel, why);
    dials_run(self);
}

void dial_end(dials *self, size_t i) {
    weir_embedded_feed_end(self->all[i].embedded);
    dials_run(self);
}

void dial_break(dials *self, size_t i, weir_status why) {
    weir_embedded_break(self->all[i].embedded, why);
    dials_run(self);
}

bool dial_is_open(const dials *self, size_t i) {
    return weir_embedded_is_open(self->all[i].embedded);
}

/* A channel that is closed while it is being connected fails to connect. */
static void run_dials(dials *self) {
    for (size_t i = 0; i < self->count; i++) {
        weir_embedded_run(self->all[i].embedded);
        weir_promise *promise = self->all[i].promise;
        if (promise == NULL || dial_is_open(self, i)) continue;
        self->all[i].promise = NULL;
        weir_promise_complete(promise, WEIR_E_CANCELED);
    }
}

void dials_run(dials *self) {
    for (int round = 0; round < 3; round++) {
        run_dials(self);
        weir_embedded_run(self->embedded);
    }
}

void dials_advance(dials *self, uint64_t ms) {
    weir_embedded_advance(self->embedded, ms);
    dials_run(self);
}
