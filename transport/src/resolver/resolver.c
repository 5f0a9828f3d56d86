/* resolver.c - requests for addresses: what needs no resolver, what takes too long, and the one answer.
 *
 * An answer is told by a posted task, so `done` never runs inside weir_resolve nor inside a resolver.
 * Timeout, cancel and the end of the loop tell at once; a task that is under way then only frees.
 */
#include <netinet/in.h>
#include <string.h>

#include "loop/loop_internal.h"
#include "resolver/resolution.h"

#define DEFAULT_TIMEOUT_MS 10000

static void free_resolution(weir_resolution *self) {
    weir_alloc_release(self->loop->alloc, self->addrs);
    weir_alloc_release(self->loop->alloc, self);
}

/* Takes: self. */
static void tell(weir_resolution *self, weir_status status) {
    self->told = true;
    weir_list_remove(&self->link);
    weir_timer_stop(&self->timeout, self->loop);
    if (self->asked) self->resolver->ops->cancel(self->resolver, self);
    self->asked = false;
    bool keep = self->posted;
    size_t count = status == WEIR_OK ? self->count : 0;
    self->done(self->arg, status, count > 0 ? self->addrs : NULL, count);
    if (!keep) free_resolution(self);
}

static void tell_answer(weir_task *task) {
    weir_resolution *self = WEIR_CONTAINER(task, weir_resolution, task);
    self->posted = false;
    if (self->told) {
        free_resolution(self);
    } else {
        tell(self, self->status);
    }
}

static void on_timeout(weir_timer *timer) {
    weir_resolution *self = timer->arg;
    tell(self, self->answered ? self->status : (weir_status)WEIR_E_TIMEOUT);
}

void weir_resolution_cancel(weir_resolution *resolution) {
    if (resolution != NULL) tell(resolution, WEIR_E_CANCELED);
}

void resolutions_stop(weir_loop *loop) {
    weir_list all; /* who asks again when told waits for the loop to be freed */
    weir_list_init(&all);
    weir_list_splice(&all, &loop->resolutions);
    for (weir_list *link = weir_list_pop_front(&all); link != NULL; link = weir_list_pop_front(&all)) {
        tell(WEIR_CONTAINER(link, weir_resolution, link), WEIR_E_STOPPED);
    }
}

/* ---- answers ---- */

static bool is_of(const weir_addr *addr, int family) {
    return addr->as.sa.sa_family == family;
}

static bool is_wanted(const weir_addr *addr, weir_family family) {
    if (family == WEIR_FAMILY_V6_ONLY) return !is_of(addr, AF_INET);
    if (family == WEIR_FAMILY_V4_ONLY) return !is_of(addr, AF_INET6);
    return true;
}

/* Whether it belongs into the first half of the answer. */
static bool is_preferred(const weir_addr *addr, weir_family family) {
    if (family == WEIR_FAMILY_V6_FIRST) return is_of(addr, AF_INET6);
    if (family == WEIR_FAMILY_V4_FIRST) return is_of(addr, AF_INET);
    return true;
}

static void fill_in_port(weir_addr *addr, unsigned port) {
    in_port_t in_order = htons((in_port_t)port);
    if (weir_addr_port(addr) != 0) return;
    if (is_of(addr, AF_INET)) {
        memcpy(addr->as.room + offsetof(struct sockaddr_in, sin_port), &in_order, sizeof in_order);
    } else if (is_of(addr, AF_INET6)) {
        memcpy(addr->as.room + offsetof(struct sockaddr_in6, sin6_port), &in_order, sizeof in_order);
    }
}

static void keep_half(weir_resolution *self, const weir_addr *addrs, size_t count, bool preferred) {
    for (size_t i = 0; i < count && self->count < MOST_ADDRS; i++) {
        const weir_addr *addr = &addrs[i];
        if (!is_wanted(addr, self->family) || is_preferred(addr, self->family) != preferred) continue;
        weir_addr *kept = &self->addrs[self->count++];
        *kept = *addr;
        fill_in_port(kept, self->port);
    }
}

static weir_status keep(weir_resolution *self, const weir_addr *addrs, size_t count) {
    if (count == 0) return WEIR_E_RESOLVE;
    size_t room = count < MOST_ADDRS ? count : MOST_ADDRS;
    self->addrs = weir_alloc_acquire(self->loop->alloc, room * sizeof *addrs);
    if (self->addrs == NULL) return WEIR_E_NO_MEMORY;
    keep_half(self, addrs, count, true);
    keep_half(self, addrs, count, false);
    return self->count > 0 ? WEIR_OK : (weir_status)WEIR_E_RESOLVE;
}

void weir_resolution_complete(weir_resolution *resolution, weir_status status, const weir_addr *addrs,
                              size_t count) {
    weir_loop *loop = resolution->loop;
    loop_check_current(loop, __func__);
    WEIR_CHECK(!resolution->answered, "a resolution was completed twice");
    resolution->asked = false;
    resolution->answered = true;
    resolution->status = status == WEIR_OK ? keep(resolution, addrs, count) : status;
    resolution->posted = weir_loop_post_task(loop, &resolution->task) == WEIR_OK;
    if (resolution->posted) {
        weir_timer_stop(&resolution->timeout, loop);
    } else {
        weir_timer_start(&resolution->timeout, loop, 0); /* the only other way to be called later */
    }
}

/* ---- asking ---- */

static weir_resolution *new_resolution(const weir_resolve_options *options, weir_resolved_fn *done,
                                       void *arg) {
    size_t len = strlen(options->host);
    weir_loop *loop = options->loop;
    weir_resolution *self = weir_alloc_zeroed(loop->alloc, 1, sizeof *self + len + 1);
    if (self == NULL) return NULL;
    self->loop = loop;
    self->done = done;
    self->arg = arg;
    self->family = options->family;
    self->port = options->port;
    self->task.run = tell_answer;
    weir_list_init(&self->link);
    weir_list_init(&self->waiter);
    weir_timer_init(&self->timeout, on_timeout, self);
    memcpy(self->host, options->host, len);
    return self;
}

static void ask(weir_resolution *self, weir_resolver *resolver) {
    weir_addr addr;
    if (weir_addr_parse(&addr, self->host, self->port) == WEIR_OK) {
        weir_resolution_complete(self, WEIR_OK, &addr, 1);
        return;
    }
    if (strncmp(self->host, "unix:", 5) == 0) { /* too long, or empty: no name to look up */
        weir_resolution_complete(self, WEIR_E_INVALID, NULL, 0);
        return;
    }
    if (resolver == NULL) resolver = resolver_of_loop(self->loop);
    if (resolver == NULL) {
        weir_resolution_complete(self, WEIR_E_NO_MEMORY, NULL, 0);
        return;
    }
    self->resolver = resolver;
    self->asked = true;
    weir_status status = resolver->ops->start(resolver, self);
    if (status != WEIR_OK) weir_resolution_complete(self, status, NULL, 0);
}

weir_status weir_resolve(weir_resolution **out, const weir_resolve_options *options, weir_resolved_fn *done,
                         void *arg) {
    weir_resolution *nowhere;
    if (out == NULL) out = &nowhere;
    *out = NULL;
    if (options->loop == NULL || options->host == NULL || options->host[0] == '\0' ||
        strlen(options->host) > LONGEST_HOST || options->port > UINT16_MAX) {
        return WEIR_E_INVALID;
    }
    loop_check_current(options->loop, __func__);
    if (loop_is_closed(options->loop)) return WEIR_E_STOPPED;
    weir_resolution *self = new_resolution(options, done, arg);
    if (self == NULL) return WEIR_E_NO_MEMORY;
    *out = self;
    weir_list_push_back(&self->loop->resolutions, &self->link);
    weir_timer_start(&self->timeout, self->loop,
                     options->timeout_ms != 0 ? options->timeout_ms : DEFAULT_TIMEOUT_MS);
    ask(self, options->resolver);
    return WEIR_OK;
}

/* ---- what a resolver may look at ---- */

const char *weir_resolution_host(const weir_resolution *resolution) {
    return resolution->host;
}

weir_family weir_resolution_family(const weir_resolution *resolution) {
    return resolution->family;
}

weir_loop *weir_resolution_loop(const weir_resolution *resolution) {
    return resolution->loop;
}

void **weir_resolution_slot(weir_resolution *resolution) {
    return &resolution->slot;
}
