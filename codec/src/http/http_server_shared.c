/* http_server_shared.c - options that are the same, kept once a loop, and parsers to be lent. */
#include "http/http_server_shared.h"

#include <limits.h>

#include <weir/core/alloc.h>
#include <weir/transport/attribute.h>
#include <weir/transport/loop.h>

static void free_loop(void *value) {
    http_loop *self = value;
    for (size_t i = 0; i < HTTP_SHARED_KNOWN; i++) http_shared_release(self->known[i]);
    while (self->spare != NULL) {
        http_reading *reading = self->spare;
        self->spare = reading->next;
        http_shared_free_reading(reading);
    }
    weir_alloc_release(NULL, self);
}

static const weir_attribute_key loop_key = {.name = "http_server", .free = free_loop};

static http_loop *state_of(weir_loop *loop) {
    http_loop *self = weir_loop_attribute(loop, &loop_key);
    if (self != NULL) return self;
    self = weir_alloc_zeroed(NULL, 1, sizeof *self);
    if (self == NULL || weir_loop_set_attribute(loop, &loop_key, self) != WEIR_OK) return NULL;
    return self;
}

/* ---- options ---- */

static unsigned or_default(unsigned value, unsigned usual) {
    return value == 0 ? usual : value;
}

static weir_http_server_options filled_in(const weir_http_server_options *options) {
    weir_http_server_options all = *options;
    all.head_timeout_ms = or_default(all.head_timeout_ms, 10 * 1000);
    all.idle_timeout_ms = or_default(all.idle_timeout_ms, 60 * 1000);
    all.linger_ms = or_default(all.linger_ms, 5 * 1000);
    all.body_rate = or_default(all.body_rate, 128);
    all.requests_max = or_default(all.requests_max, UINT_MAX);
    if (all.drain_max == 0) all.drain_max = 64 * 1024;
    return all;
}

static bool are_same_limits(const weir_http_limits *a, const weir_http_limits *b) {
    return a->line == b->line && a->fields == b->fields && a->field_count == b->field_count &&
           a->chunk_line == b->chunk_line && a->chunk_extensions == b->chunk_extensions &&
           a->trailers == b->trailers && a->body == b->body;
}

static bool are_same(const weir_http_server_options *a, const weir_http_server_options *b) {
    return a->head_timeout_ms == b->head_timeout_ms && a->idle_timeout_ms == b->idle_timeout_ms &&
           a->stopping_idle_ms == b->stopping_idle_ms && a->body_rate == b->body_rate &&
           a->linger_ms == b->linger_ms && a->requests_max == b->requests_max &&
           a->drain_max == b->drain_max && a->server_name == b->server_name && a->no_date == b->no_date &&
           a->manual_continue == b->manual_continue && a->refusal == b->refusal &&
           a->refusal_arg == b->refusal_arg && are_same_limits(&a->limits, &b->limits);
}

/* Where the name lay there may be another one now. */
static bool is_for(const http_shared *self, const weir_http_server_options *options, weir_bytes name) {
    return self != NULL && are_same(&self->options, options) && self->server_name.len == name.len;
}

/* ---- life ---- */

static http_shared *make(http_loop *state, weir_loop *loop, const weir_http_server_options *options,
                         weir_bytes name) {
    http_shared *self = weir_alloc_zeroed(NULL, 1, sizeof *self);
    if (self == NULL) return NULL;
    self->options = *options;
    self->server_name = name;
    self->pool = weir_loop_pool(loop);
    self->loop = state;
    self->number = ++state->numbers;
    self->references = 1;
    return self;
}

/* In place of one that came long ago. Takes: shared. */
static void remember(http_loop *self, http_shared *shared) {
    http_shared_release(self->known[self->next]);
    self->known[self->next] = shared;
    self->next = (self->next + 1) % HTTP_SHARED_KNOWN;
}

static http_shared *retain(http_shared *self) {
    self->references++;
    return self;
}

http_shared *http_shared_get(weir_loop *loop, const weir_http_server_options *options) {
    http_loop *state = state_of(loop);
    if (state == NULL) return NULL;
    weir_http_server_options wanted = filled_in(options);
    weir_bytes name = weir_bytes_str(options->server_name);
    for (size_t i = 0; i < HTTP_SHARED_KNOWN; i++) {
        if (is_for(state->known[i], &wanted, name)) return retain(state->known[i]);
    }
    http_shared *made = make(state, loop, &wanted, name);
    if (made != NULL) remember(state, retain(made));
    return made;
}

void http_shared_release(http_shared *self) {
    if (self != NULL && --self->references == 0) weir_alloc_release(NULL, self);
}

/* ---- parsers ---- */

/* One that has other limits becomes one of ours. */
http_reading *http_shared_make_reading(const http_shared *self) {
    http_loop *loop = self->loop;
    http_reading *reading = loop->spare;
    if (reading != NULL) {
        loop->spare = reading->next;
    } else {
        reading = weir_alloc_acquire(NULL, sizeof *reading);
        if (reading == NULL) return NULL;
        loop->readings++;
    }
    weir_http_parser_init(&reading->parser, WEIR_HTTP_REQUESTS, &self->options.limits);
    reading->parser.pool = self->pool;
    reading->options = self->number;
    return reading;
}

void http_shared_free_reading(http_reading *reading) {
    weir_http_parser_clear(&reading->parser);
    weir_alloc_release(NULL, reading);
}
