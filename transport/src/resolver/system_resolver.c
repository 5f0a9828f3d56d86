/* system_resolver.c - getaddrinfo on the thread pool: few at a time, shared by all who ask, remembered if wanted.
 *
 *     lookup:  WAITING -> RUNNING -> KNOWN (in the cache) -> freed
 *
 * A call that runs cannot be called back. Nobody may be left to hear it: then its answer is only remembered or freed,
 * and it keeps its resolver's memory until then.
 */
#include "resolver/system_resolver.h"

#include <errno.h>
#include <string.h>

#include "loop/loop_internal.h"
#include "resolver/resolution.h"

typedef enum lookup_state {
    LOOKUP_WAITING,
    LOOKUP_RUNNING,
    LOOKUP_KNOWN
} lookup_state;

typedef struct system_resolver {
    weir_resolver resolver; /* first */
    weir_loop *loop;
    const system_names *names;
    weir_system_resolver_options options;
    weir_list waiting, running, known; /* of lookups, oldest first */
    unsigned waiting_count, running_count, known_count;
    bool freed; /* the memory goes with the last that runs */
} system_resolver;

typedef struct lookup {
    weir_list link;
    weir_list waiters;
    system_resolver *owner;
    lookup_state state;
    int family;
    uint64_t expires;
    int failed, system_error;
    struct addrinfo *found;
    char host[];
} lookup;

static system_resolver *resolver_from(weir_resolver *resolver) {
    return WEIR_CONTAINER(resolver, system_resolver, resolver);
}

static lookup *lookup_at(weir_list *link) {
    return WEIR_CONTAINER(link, lookup, link);
}

/* Takes: self, out of any list. */
static void free_lookup(lookup *self) {
    if (self->found != NULL) self->owner->names->free(self->found);
    weir_alloc_release(self->owner->loop->alloc, self);
}

static void free_known(system_resolver *self, lookup *known) {
    weir_list_remove(&known->link);
    self->known_count--;
    free_lookup(known);
}

/* ---- answers ---- */

static size_t copy_addrs(const struct addrinfo *found, weir_addr addrs[MOST_ADDRS]) {
    size_t count = 0;
    for (; found != NULL && count < MOST_ADDRS; found = found->ai_next) {
        if (found->ai_family != AF_INET && found->ai_family != AF_INET6) continue;
        weir_addr *addr = &addrs[count++];
        *addr = (weir_addr){.len = found->ai_addrlen};
        memcpy(addr->as.room, found->ai_addr, found->ai_addrlen);
    }
    return count;
}

static weir_status status_of(const lookup *self) {
    if (self->failed == 0) return WEIR_OK;
    if (self->failed == EAI_MEMORY) return WEIR_E_NO_MEMORY;
    if (self->failed == EAI_SYSTEM) return weir_status_from_errno(self->system_error);
    return WEIR_E_RESOLVE;
}

static void answer(weir_resolution *to, const lookup *from) {
    weir_addr addrs[MOST_ADDRS];
    weir_resolution_complete(to, status_of(from), addrs, copy_addrs(from->found, addrs));
}

static void answer_all(lookup *self) {
    for (weir_list *link = weir_list_pop_front(&self->waiters); link != NULL;
         link = weir_list_pop_front(&self->waiters)) {
        answer(WEIR_CONTAINER(link, weir_resolution, waiter), self);
    }
}

static void fail_all(lookup *self, weir_status status) {
    for (weir_list *link = weir_list_pop_front(&self->waiters); link != NULL;
         link = weir_list_pop_front(&self->waiters)) {
        weir_resolution_complete(WEIR_CONTAINER(link, weir_resolution, waiter), status, NULL, 0);
    }
}

/* ---- the calls ---- */

static void ask_system(void *arg) {
    lookup *self = arg;
    struct addrinfo hints = {
        .ai_family = self->family, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    self->failed = self->owner->names->ask(self->host, NULL, &hints, &self->found);
    self->system_error = errno;
}

static void run_more(system_resolver *self);

/* Takes: done. */
static void remember_or_free(system_resolver *self, lookup *done) {
    if (self->freed || self->options.cache_ms == 0 || done->found == NULL) {
        free_lookup(done);
        return;
    }
    done->state = LOOKUP_KNOWN;
    done->expires = weir_loop_now(self->loop) + self->options.cache_ms;
    weir_list_push_back(&self->known, &done->link);
    if (++self->known_count > self->options.cache_names) free_known(self, lookup_at(self->known.next));
}

static void free_if_quiet(system_resolver *self) {
    if (self->freed && self->running_count == 0) weir_alloc_release(self->loop->alloc, self);
}

static void system_answered(void *arg, weir_status status) {
    lookup *self = arg;
    system_resolver *owner = self->owner;
    weir_list_remove(&self->link);
    owner->running_count--;
    if (status == WEIR_OK) {
        answer_all(self);
    } else {
        fail_all(self, status);
    }
    remember_or_free(owner, self);
    if (!owner->freed) run_more(owner);
    free_if_quiet(owner);
}

/* The one that waits longest gets its turn, as long as there are turns. */
static void run_more(system_resolver *self) {
    while (self->running_count < self->options.max_running) {
        weir_list *link = weir_list_pop_front(&self->waiting);
        if (link == NULL) return;
        lookup *next = lookup_at(link);
        self->waiting_count--;
        weir_status status = weir_loop_offload(self->loop, ask_system, system_answered, next);
        if (status != WEIR_OK) {
            fail_all(next, status);
            free_lookup(next);
            continue;
        }
        next->state = LOOKUP_RUNNING;
        weir_list_push_back(&self->running, &next->link);
        self->running_count++;
    }
}

/* ---- being asked ---- */

static lookup *find_in(weir_list *list, const char *host, int family) {
    for (weir_list *link = list->next; link != list; link = link->next) {
        lookup *found = lookup_at(link);
        if (found->family == family && strcmp(found->host, host) == 0) return found;
    }
    return NULL;
}

/* The cache is in the order in which it grows old. */
static void drop_expired(system_resolver *self) {
    uint64_t now = weir_loop_now(self->loop);
    while (!weir_list_is_empty(&self->known) && lookup_at(self->known.next)->expires <= now) {
        free_known(self, lookup_at(self->known.next));
    }
}

static lookup *find_lookup(system_resolver *self, const char *host, int family) {
    drop_expired(self);
    lookup *found = find_in(&self->known, host, family);
    if (found == NULL) found = find_in(&self->running, host, family);
    if (found == NULL) found = find_in(&self->waiting, host, family);
    return found;
}

static weir_status new_lookup(system_resolver *self, const char *host, int family, lookup **out) {
    if (self->running_count >= self->options.max_running &&
        self->waiting_count >= self->options.max_waiting) {
        return WEIR_E_LIMIT;
    }
    size_t len = strlen(host);
    lookup *made = weir_alloc_zeroed(self->loop->alloc, 1, sizeof *made + len + 1);
    if (made == NULL) return WEIR_E_NO_MEMORY;
    made->owner = self;
    made->family = family;
    memcpy(made->host, host, len);
    weir_list_init(&made->waiters);
    weir_list_init(&made->link);
    weir_list_push_back(&self->waiting, &made->link);
    self->waiting_count++;
    *out = made;
    return WEIR_OK;
}

static int family_of(weir_family family) {
    if (family == WEIR_FAMILY_V6_ONLY) return AF_INET6;
    if (family == WEIR_FAMILY_V4_ONLY) return AF_INET;
    return AF_UNSPEC;
}

static weir_status start(weir_resolver *resolver, weir_resolution *resolution) {
    system_resolver *self = resolver_from(resolver);
    WEIR_CHECK(resolution->loop == self->loop, "a system resolver was asked from another loop than its own");
    int family = family_of(resolution->family);
    lookup *found = find_lookup(self, resolution->host, family);
    if (found != NULL && found->state == LOOKUP_KNOWN) {
        answer(resolution, found);
        return WEIR_OK;
    }
    if (found == NULL) {
        weir_status status = new_lookup(self, resolution->host, family, &found);
        if (status != WEIR_OK) return status;
    }
    resolution->slot = found;
    weir_list_push_back(&found->waiters, &resolution->waiter);
    run_more(self);
    return WEIR_OK;
}

static void cancel(weir_resolver *resolver, weir_resolution *resolution) {
    system_resolver *self = resolver_from(resolver);
    lookup *from = resolution->slot;
    weir_list_remove(&resolution->waiter);
    if (from->state != LOOKUP_WAITING || !weir_list_is_empty(&from->waiters)) return;
    weir_list_remove(&from->link);
    self->waiting_count--;
    free_lookup(from);
}

static const weir_resolver_ops system_ops = {.name = "system", .start = start, .cancel = cancel};

/* ---- life ---- */

#define DEFAULT_TO(field, value)                                                                             \
    if (self->options.field == 0) self->options.field = (value)

weir_resolver *system_resolver_new_with(weir_loop *loop, const weir_system_resolver_options *options,
                                        const system_names *names) {
    system_resolver *self = weir_alloc_zeroed(loop->alloc, 1, sizeof *self);
    if (self == NULL) return NULL;
    self->resolver.ops = &system_ops;
    self->loop = loop;
    self->names = names;
    if (options != NULL) self->options = *options;
    DEFAULT_TO(max_running, 2);
    DEFAULT_TO(max_waiting, 1024);
    DEFAULT_TO(cache_names, 64);
    weir_list_init(&self->waiting);
    weir_list_init(&self->running);
    weir_list_init(&self->known);
    return &self->resolver;
}

weir_resolver *weir_system_resolver_new(weir_loop *loop, const weir_system_resolver_options *options) {
    static const system_names names = {.ask = getaddrinfo, .free = freeaddrinfo};
    return system_resolver_new_with(loop, options, &names);
}

weir_resolver *resolver_of_loop(weir_loop *loop) {
    if (loop->resolver == NULL) loop->resolver = weir_system_resolver_new(loop, NULL);
    return loop->resolver;
}

void weir_system_resolver_free(weir_resolver *resolver) {
    if (resolver == NULL) return;
    system_resolver *self = resolver_from(resolver);
    loop_check_current(self->loop, __func__);
    self->freed = true;
    for (weir_list *link = self->running.next; link != &self->running; link = link->next) {
        fail_all(lookup_at(link), WEIR_E_CANCELED);
    }
    for (weir_list *link = weir_list_pop_front(&self->waiting); link != NULL;
         link = weir_list_pop_front(&self->waiting)) {
        fail_all(lookup_at(link), WEIR_E_CANCELED);
        free_lookup(lookup_at(link));
    }
    while (!weir_list_is_empty(&self->known)) free_known(self, lookup_at(self->known.next));
    free_if_quiet(self);
}
