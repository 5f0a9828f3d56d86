/* system_resolver_test.c - getaddrinfo on the pool, played by calls that end when the test says so. */
#include "resolver/system_resolver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <weir/testing.h>

#include "wires.h"

/* ---- a system that answers when told ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned inside, allowed, ended, freed;
static char order[200];
static int outcome;

/* Each call takes one permit; its answer is 10.0.0.N for the N-th. */
static int ask_slowly(const char *host, const char *service, const struct addrinfo *hints,
                      struct addrinfo **found) {
    (void)service;
    pthread_mutex_lock(&lock);
    inside++;
    strcat(order, host);
    pthread_cond_broadcast(&changed);
    while (allowed == 0) pthread_cond_wait(&changed, &lock);
    allowed--;
    inside--;
    unsigned number = ++ended;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    *found = NULL;
    if (outcome != 0) {
        errno = EMFILE;
        return outcome;
    }
    struct addrinfo *made = calloc(1, sizeof *made + sizeof(struct sockaddr_in));
    struct sockaddr_in *addr = (struct sockaddr_in *)(void *)(made + 1);
    addr->sin_family = AF_INET;
    addr->sin_addr.s_addr = htonl(0x0A000000u + number);
    made->ai_family = hints->ai_family == AF_UNSPEC ? AF_INET : hints->ai_family;
    made->ai_addr = (struct sockaddr *)(void *)addr;
    made->ai_addrlen = sizeof *addr;
    *found = made;
    return 0;
}

static void free_answer(struct addrinfo *found) {
    free(found);
    freed++;
}

static const system_names slow_names = {.ask = ask_slowly, .free = free_answer};

static void allow(unsigned count) {
    pthread_mutex_lock(&lock);
    allowed += count;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

/* Until so many calls have ended and so many are under way. */
static void wait_until_calls(unsigned over, unsigned running) {
    pthread_mutex_lock(&lock);
    while (ended < over || inside < running) pthread_cond_wait(&changed, &lock);
    expect_eq(ended, over);
    expect_eq(inside, running);
    pthread_mutex_unlock(&lock);
}

static void wait_until_inside(unsigned running) {
    wait_until_calls(0, running);
}

/* ---- requests, made on the loop of a thread of its own ---- */

enum {
    MOST = 8
};

typedef struct request {
    struct scene *scene;
    const char *host;
    weir_family family;
    unsigned timeout_ms;
    weir_resolution *resolution;
    weir_promise *told; /* with the status */
    unsigned last_byte; /* of the address */
} request;

typedef struct scene {
    weir_loop_group *group;
    weir_loop *loop;
    weir_resolver *resolver;
    weir_system_resolver_options options;
    request requests[MOST];
} scene;

/* fn(arg) on the loop; returns when that has run. */
typedef struct errand {
    weir_task_fn *fn;
    void *arg;
    weir_promise *done;
} errand;

static void run_errand(void *arg) {
    errand *self = arg;
    self->fn(self->arg);
    weir_promise_complete(weir_promise_retain(self->done), WEIR_OK);
}

static void on_loop(scene *s, weir_task_fn *fn, void *arg) {
    errand e = {fn, arg, weir_promise_new(s->loop)};
    require(weir_loop_post(s->loop, run_errand, &e) == WEIR_OK);
    expect_status(weir_promise_wait(e.done, 10000), WEIR_OK);
    weir_promise_release(e.done);
}

static void make_resolver(void *arg) {
    scene *s = arg;
    s->resolver = system_resolver_new_with(s->loop, &s->options, &slow_names);
}

static void free_resolver(void *arg) {
    scene *s = arg;
    weir_system_resolver_free(s->resolver);
    s->resolver = NULL;
}

static void begin(scene *s, weir_system_resolver_options options) {
    memset(s, 0, sizeof *s);
    inside = allowed = ended = freed = 0;
    order[0] = '\0';
    outcome = 0;
    s->group = weir_loop_group_new(1);
    s->loop = weir_loop_group_at(s->group, 0);
    s->options = options;
    on_loop(s, make_resolver, s);
    require(s->resolver != NULL);
}

static void finish(scene *s) {
    on_loop(s, free_resolver, s);
    weir_loop_group_free(s->group);
    for (int i = 0; i < MOST; i++) {
        if (s->requests[i].told != NULL) expect(weir_promise_is_done(s->requests[i].told));
        weir_promise_release(s->requests[i].told);
    }
    expect_eq(freed, outcome == 0 ? ended : 0);
}

static void hear(void *arg, weir_status status, const weir_addr *addrs, size_t count) {
    request *self = arg;
    struct sockaddr_in addr;
    if (count > 0) {
        memcpy(&addr, addrs[0].as.room, sizeof addr);
        self->last_byte = ntohl(addr.sin_addr.s_addr) & 0xFF;
        expect_eq(weir_addr_port(&addrs[0]), 7);
    }
    expect(weir_promise_complete(weir_promise_retain(self->told), status));
}

static void start(void *arg) {
    request *self = arg;
    weir_resolve_options options = {.loop = self->scene->loop,
                                    .host = self->host,
                                    .port = 7,
                                    .family = self->family,
                                    .timeout_ms = self->timeout_ms,
                                    .resolver = self->scene->resolver};
    expect_status(weir_resolve(&self->resolution, &options, hear, self), WEIR_OK);
}

static request *prepare(scene *s, int i, const char *host) {
    request *self = &s->requests[i];
    *self = (request){.scene = s, .host = host, .told = weir_promise_new(s->loop), .timeout_ms = 60000};
    return self;
}

static request *ask(scene *s, int i, const char *host) {
    request *self = prepare(s, i, host);
    on_loop(s, start, self);
    return self;
}

static void cancel(void *arg) {
    weir_resolution_cancel(((request *)arg)->resolution);
}

static weir_status result(const request *self) {
    return weir_promise_wait(self->told, 10000);
}

WEIR_TEST(system_resolver, asks_for_two_names_at_once_and_the_others_in_their_order) {
    scene s;
    begin(&s, (weir_system_resolver_options){0});
    for (int i = 0; i < 5; i++) ask(&s, i, (const char *[]){"a", "b", "c", "d", "e"}[i]);
    wait_until_inside(2);
    for (int i = 0; i < 3; i++) {
        allow(1);
        wait_until_calls((unsigned)i + 1, 2); /* so the next begins before another may */
    }
    allow(2);
    for (int i = 0; i < 5; i++) expect_status(result(&s.requests[i]), WEIR_OK);
    expect(strlen(order) == 5 && strcmp(order + 2, "cde") == 0);
    finish(&s);
}

WEIR_TEST(system_resolver, asks_once_for_all_who_want_the_same_name) {
    scene s;
    begin(&s, (weir_system_resolver_options){.max_running = 1});
    ask(&s, 0, "a");
    ask(&s, 1, "a");
    ask(&s, 2, "b");
    ask(&s, 3, "b");
    request *other = prepare(&s, 4, "a");
    other->family = WEIR_FAMILY_V4_ONLY;
    on_loop(&s, start, other);
    allow(3);
    for (int i = 0; i < 5; i++) expect_status(result(&s.requests[i]), WEIR_OK);
    expect_str(order, "aba");
    expect_eq(s.requests[0].last_byte, 1);
    expect_eq(s.requests[1].last_byte, 1);
    expect_eq(s.requests[3].last_byte, 2);
    finish(&s);
}

WEIR_TEST(system_resolver, tells_a_timeout_while_the_call_still_runs) {
    scene s;
    begin(&s, (weir_system_resolver_options){.max_running = 1});
    request *late = prepare(&s, 0, "a");
    late->timeout_ms = 5;
    on_loop(&s, start, late);
    wait_until_inside(1);
    expect_status(result(late), WEIR_E_TIMEOUT);
    wait_until_inside(1);
    ask(&s, 1, "a"); /* shares the call that runs */
    allow(1);
    expect_status(result(&s.requests[1]), WEIR_OK);
    expect_str(order, "a");
    finish(&s);
}

WEIR_TEST(system_resolver, forgets_the_call_of_a_canceled_request) {
    scene s;
    begin(&s, (weir_system_resolver_options){.max_running = 1});
    ask(&s, 0, "a");
    ask(&s, 1, "b");
    wait_until_inside(1);
    on_loop(&s, cancel, &s.requests[0]); /* runs: it will end for nobody */
    on_loop(&s, cancel, &s.requests[1]); /* waits: it is never asked */
    expect_status(result(&s.requests[0]), WEIR_E_CANCELED);
    expect_status(result(&s.requests[1]), WEIR_E_CANCELED);
    ask(&s, 2, "c");
    allow(2);
    expect_status(result(&s.requests[2]), WEIR_OK);
    expect_str(order, "ac");
    finish(&s);
}

WEIR_TEST(system_resolver, keeps_a_waiting_name_while_one_of_several_wants_it) {
    scene s;
    begin(&s, (weir_system_resolver_options){.max_running = 1});
    ask(&s, 0, "a");
    ask(&s, 1, "b");
    ask(&s, 2, "b");
    on_loop(&s, cancel, &s.requests[1]);
    allow(2);
    expect_status(result(&s.requests[1]), WEIR_E_CANCELED);
    expect_status(result(&s.requests[2]), WEIR_OK);
    finish(&s);
}

WEIR_TEST(system_resolver, refuses_more_waiting_names_than_allowed) {
    scene s;
    begin(&s, (weir_system_resolver_options){.max_running = 1, .max_waiting = 1});
    ask(&s, 0, "a");
    ask(&s, 1, "b");
    ask(&s, 2, "c");
    ask(&s, 3, "b"); /* waits already */
    expect_status(result(&s.requests[2]), WEIR_E_LIMIT);
    allow(2);
    expect_status(result(&s.requests[3]), WEIR_OK);
    finish(&s);
}

WEIR_TEST(system_resolver, asks_again_for_what_it_may_not_remember) {
    scene s;
    begin(&s, (weir_system_resolver_options){0});
    allow(2);
    expect_status(result(ask(&s, 0, "a")), WEIR_OK);
    expect_status(result(ask(&s, 1, "a")), WEIR_OK);
    expect_str(order, "aa");
    finish(&s);
}

WEIR_TEST(system_resolver, remembers_as_many_names_as_allowed_the_oldest_goes) {
    scene s;
    begin(&s, (weir_system_resolver_options){.cache_ms = 3600000, .cache_names = 2});
    allow(10);
    expect_status(result(ask(&s, 0, "a")), WEIR_OK);
    expect_status(result(ask(&s, 1, "b")), WEIR_OK);
    expect_status(result(ask(&s, 2, "a")), WEIR_OK);
    expect_str(order, "ab");
    expect_eq(s.requests[2].last_byte, 1);
    expect_status(result(ask(&s, 3, "c")), WEIR_OK);
    expect_status(result(ask(&s, 4, "b")), WEIR_OK);
    expect_str(order, "abc");
    expect_status(result(ask(&s, 5, "a")), WEIR_OK);
    expect_str(order, "abca");
    finish(&s);
}

WEIR_TEST(system_resolver, does_not_remember_failures_and_tells_the_systems_own) {
    static const int outcomes[] = {EAI_NONAME, EAI_AGAIN, EAI_MEMORY, EAI_SYSTEM};
    static const weir_status statuses[] = {WEIR_E_RESOLVE, WEIR_E_RESOLVE, WEIR_E_NO_MEMORY, -EMFILE};
    for (int i = 0; i < 4; i++) {
        scene s;
        begin(&s, (weir_system_resolver_options){.cache_ms = 3600000});
        outcome = outcomes[i];
        allow(2);
        expect_status(result(ask(&s, 0, "a")), statuses[i]);
        expect_status(result(ask(&s, 1, "a")), statuses[i]);
        expect_str(order, "aa");
        finish(&s);
    }
}

WEIR_TEST(system_resolver, may_be_freed_while_calls_run_and_names_wait) {
    scene s;
    begin(&s, (weir_system_resolver_options){.max_running = 1});
    ask(&s, 0, "a");
    ask(&s, 1, "b");
    wait_until_inside(1);
    on_loop(&s, free_resolver, &s);
    expect_status(result(&s.requests[0]), WEIR_E_CANCELED);
    expect_status(result(&s.requests[1]), WEIR_E_CANCELED);
    allow(1);
    finish(&s);
    expect_str(order, "a");
}

/* ---- on a clock that moves by hand the work is done on the spot ---- */

static void count_told(void *arg, weir_status status, const weir_addr *addrs, size_t count) {
    (void)addrs;
    expect_status(status, WEIR_OK);
    expect_eq(count, 1);
    ++*(unsigned *)arg;
}

WEIR_TEST(system_resolver, forgets_an_answer_when_it_is_too_old) {
    unsigned told = 0;
    inside = ended = freed = 0;
    outcome = 0;
    order[0] = '\0';
    allowed = 10;
    weir_embedded *embedded = weir_embedded_new(NULL, NULL, NULL);
    weir_loop *loop = weir_embedded_loop(embedded);
    weir_resolver *resolver =
        system_resolver_new_with(loop, &(weir_system_resolver_options){.cache_ms = 1000}, &slow_names);
    weir_resolve_options options = {.loop = loop, .host = "a", .port = 7, .resolver = resolver};
    for (int i = 0; i < 2; i++) {
        weir_resolve(NULL, &options, count_told, &told);
        weir_embedded_advance(embedded, 999);
        weir_resolve(NULL, &options, count_told, &told);
        weir_embedded_run(embedded);
        expect_eq(ended, i + 1);
        weir_embedded_advance(embedded, 1);
    }
    expect_eq(told, 4);
    weir_system_resolver_free(resolver);
    weir_embedded_free(embedded);
    expect_eq(freed, 2);
}
