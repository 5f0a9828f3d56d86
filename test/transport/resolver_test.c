/* resolver_test.c - requests for names, on a clock that moves by hand. */
#include <errno.h>
#include <string.h>

#include <weir/core/log.h>
#include <weir/testing.h>

#include "loop/loop_internal.h"
#include "names.h"

typedef struct answer {
    unsigned told;
    weir_status status;
    size_t count;
    char text[3000]; /* the addresses, a space behind each */
} answer;

static void hear(void *arg, weir_status status, const weir_addr *addrs, size_t count) {
    answer *self = arg;
    char one[WEIR_ADDR_TEXT];
    self->told++;
    self->status = status;
    self->count = count;
    self->text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        strcat(self->text, weir_addr_format(&addrs[i], one));
        strcat(self->text, " ");
    }
}

typedef struct scene {
    weir_embedded *embedded;
    weir_loop *loop;
    fixed_names names;
    weir_resolve_options options;
    answer answer;
    weir_resolution *resolution;
} scene;

static void begin(scene *self, const char *host) {
    memset(self, 0, sizeof *self);
    self->embedded = weir_embedded_new(NULL, NULL, NULL);
    require(self->embedded != NULL);
    self->loop = weir_embedded_loop(self->embedded);
    self->names.resolver.ops = &fixed_names_ops;
    self->options = (weir_resolve_options){
        .loop = self->loop, .host = host, .port = 80, .resolver = &self->names.resolver};
}

static void ask(scene *self) {
    expect_status(weir_resolve(&self->resolution, &self->options, hear, &self->answer), WEIR_OK);
    expect_eq(self->answer.told, 0);
}

WEIR_TEST(resolver, answers_numeric_hosts_in_the_next_turn_without_asking_anyone) {
    static const char *const hosts[] = {"127.0.0.1", "::1", "[::1]", "unix:/run/x", "unix:@x"};
    static const char *const answers[] = {"127.0.0.1:80 ", "[::1]:80 ", "[::1]:80 ", "unix:/run/x ",
                                          "unix:@x "};
    for (int i = 0; i < 5; i++) {
        scene s;
        begin(&s, hosts[i]);
        ask(&s);
        weir_embedded_run(s.embedded);
        expect_eq(s.answer.told, 1);
        expect_status(s.answer.status, WEIR_OK);
        expect_str(s.answer.text, answers[i]);
        expect_eq(s.names.asked, 0);
        weir_embedded_free(s.embedded);
    }
}

WEIR_TEST(resolver, does_not_ask_for_a_unix_name_that_is_wrong) {
    scene s;
    begin(&s, "unix:");
    ask(&s);
    weir_embedded_run(s.embedded);
    expect_status(s.answer.status, WEIR_E_INVALID);
    expect_eq(s.names.asked, 0);
    weir_embedded_free(s.embedded);
}

WEIR_TEST(resolver, asks_a_resolver_of_the_users_for_names_and_fills_in_the_port) {
    scene s;
    begin(&s, "somewhere");
    fixed_names_add(&s.names, "10.0.0.1", 0);
    fixed_names_add(&s.names, "::2", 0);
    fixed_names_add(&s.names, "10.0.0.3", 8080);
    ask(&s);
    weir_embedded_run(s.embedded);
    expect_str(s.answer.text, "10.0.0.1:80 [::2]:80 10.0.0.3:8080 ");
    expect_eq(s.names.asked, 1);
    weir_embedded_free(s.embedded);
}

WEIR_TEST(resolver, sorts_and_cuts_to_the_family_that_is_asked_for) {
    static const struct {
        weir_family family;
        const char *text;
    } cases[] = {
        {WEIR_FAMILY_ANY, "10.0.0.1:80 [::2]:80 10.0.0.3:80 [::4]:80 "},
        {WEIR_FAMILY_V6_FIRST, "[::2]:80 [::4]:80 10.0.0.1:80 10.0.0.3:80 "},
        {WEIR_FAMILY_V4_FIRST, "10.0.0.1:80 10.0.0.3:80 [::2]:80 [::4]:80 "},
        {WEIR_FAMILY_V6_ONLY, "[::2]:80 [::4]:80 "},
        {WEIR_FAMILY_V4_ONLY, "10.0.0.1:80 10.0.0.3:80 "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        scene s;
        begin(&s, "somewhere");
        fixed_names_add(&s.names, "10.0.0.1", 0);
        fixed_names_add(&s.names, "::2", 0);
        fixed_names_add(&s.names, "10.0.0.3", 0);
        fixed_names_add(&s.names, "::4", 0);
        s.options.family = cases[i].family;
        ask(&s);
        weir_embedded_run(s.embedded);
        expect_str(s.answer.text, cases[i].text);
        weir_embedded_free(s.embedded);
    }
}

WEIR_TEST(resolver, tells_that_there_is_no_address_of_the_family) {
    scene s;
    begin(&s, "somewhere");
    fixed_names_add(&s.names, "10.0.0.1", 0);
    s.options.family = WEIR_FAMILY_V6_ONLY;
    ask(&s);
    weir_embedded_run(s.embedded);
    expect_status(s.answer.status, WEIR_E_RESOLVE);
    s.answer.told = 0;
    s.options.host = "127.0.0.1";
    ask(&s);
    weir_embedded_run(s.embedded);
    expect_status(s.answer.status, WEIR_E_RESOLVE);
    weir_embedded_free(s.embedded);
}

WEIR_TEST(resolver, keeps_64_addresses_of_more) {
    scene s;
    static weir_addr many[100];
    begin(&s, "somewhere");
    s.names.holds = true;
    ask(&s);
    for (int i = 0; i < 100; i++) weir_addr_parse(&many[i], "10.0.0.1", 0);
    weir_resolution_complete(s.resolution, WEIR_OK, many, 100);
    weir_embedded_run(s.embedded);
    expect_eq(s.answer.told, 1);
    expect_eq(s.answer.count, 64);
    weir_embedded_free(s.embedded);
}

WEIR_TEST(resolver, passes_on_why_a_resolver_failed) {
    scene s;
    begin(&s, "nowhere");
    s.names.status = -EIO;
    ask(&s);
    weir_embedded_run(s.embedded);
    expect_status(s.answer.status, -EIO);
    expect_eq(s.answer.count, 0);
    weir_embedded_free(s.embedded);
}

WEIR_TEST(resolver, waits_no_longer_than_its_timeout) {
    scene s;
    begin(&s, "somewhere");
    s.names.holds = true;
    s.options.timeout_ms = 500;
    ask(&s);
    weir_embedded_advance(s.embedded, 499);
    expect_eq(s.answer.told, 0);
    weir_embedded_advance(s.embedded, 1);
    expect_eq(s.answer.told, 1);
    expect_status(s.answer.status, WEIR_E_TIMEOUT);
    expect_eq(s.names.canceled, 1);
    weir_embedded_free(s.embedded);
}

WEIR_TEST(resolver, waits_ten_seconds_unless_told_otherwise) {
    scene s;
    begin(&s, "somewhere");
    s.names.holds = true;
    ask(&s);
    weir_embedded_advance(s.embedded, 9999);
    expect_eq(s.answer.told, 0);
    weir_embedded_advance(s.embedded, 1);
    expect_eq(s.answer.told, 1);
    weir_embedded_free(s.embedded);
}

WEIR_TEST(resolver, tells_a_canceled_request_at_once_and_once) {
    for (int answered = 0; answered < 2; answered++) {
        scene s;
        begin(&s, "somewhere");
        fixed_names_add(&s.names, "10.0.0.1", 0);
        s.names.holds = answered == 0;
        ask(&s);
        weir_resolution_cancel(s.resolution);
        expect_eq(s.answer.told, 1);
        expect_status(s.answer.status, WEIR_E_CANCELED);
        expect_eq(s.names.canceled, answered == 0);
        weir_embedded_advance(s.embedded, 20000);
        expect_eq(s.answer.told, 1);
        weir_embedded_free(s.embedded);
    }
    weir_resolution_cancel(NULL);
}

WEIR_TEST(resolver, tells_who_still_waits_when_the_loop_ends) {
    scene s;
    begin(&s, "somewhere");
    s.names.holds = true;
    ask(&s);
    weir_embedded_free(s.embedded);
    expect_eq(s.answer.told, 1);
    expect_status(s.answer.status, WEIR_E_STOPPED);
    expect_eq(s.names.canceled, 1);
}

static void ask_again(void *arg, weir_status status, const weir_addr *addrs, size_t count) {
    scene *s = arg;
    hear(&s->answer, status, addrs, count);
    expect_status(weir_resolve(NULL, &s->options, ask_again, s), WEIR_E_STOPPED);
}

WEIR_TEST(resolver, is_not_asked_again_and_again_by_who_is_told_of_the_loops_end) {
    scene s;
    begin(&s, "somewhere");
    s.names.holds = true;
    expect_status(weir_resolve(NULL, &s.options, ask_again, &s), WEIR_OK);
    weir_embedded_free(s.embedded);
    expect_eq(s.answer.told, 1);
}

typedef struct last_will {
    weir_task task;
    weir_loop *loop;
    fixed_names names;
    unsigned ran;
} last_will;

static void count_run(weir_task *task) {
    WEIR_CONTAINER(task, last_will, task)->ran++;
}

static void post_own(void *arg, weir_status status, const weir_addr *addrs, size_t count) {
    last_will *self = arg;
    (void)status, (void)addrs, (void)count;
    expect_status(weir_loop_post_task(self->loop, &self->task), WEIR_E_STOPPED);
    expect_status(loop_post_own(self->loop, &self->task), WEIR_OK);
}

static void ask_and_wait(void *arg) {
    last_will *self = arg;
    weir_resolve_options options = {.loop = self->loop, .host = "name", .resolver = &self->names.resolver};
    expect_status(weir_resolve(NULL, &options, post_own, self), WEIR_OK);
}

/* Nobody else may post by then; what weir itself posts on the loop's thread is not forgotten. */
WEIR_TEST(resolver, may_end_what_posts_a_last_task_while_its_loop_is_freed) {
    for (int by_hand = 0; by_hand < 2; by_hand++) {
        weir_embedded *e = by_hand ? weir_embedded_new(NULL, NULL, NULL) : NULL;
        weir_loop *loop = by_hand ? weir_embedded_loop(e) : weir_loop_new(NULL);
        last_will will = {.task.run = count_run, .loop = loop};
        will.names = (fixed_names){.resolver.ops = &fixed_names_ops, .holds = true};
        expect_status(weir_loop_post(loop, ask_and_wait, &will), WEIR_OK);
        if (by_hand) {
            weir_embedded_run(e);
            weir_embedded_free(e);
        } else {
            weir_loop_turn(loop);
            weir_loop_free(loop);
        }
        expect_eq(will.ran, 1);
    }
}

WEIR_TEST(resolver, refuses_options_that_make_no_sense) {
    static char long_host[300];
    memset(long_host, 'a', sizeof long_host - 1);
    static const char *const hosts[] = {NULL, "", long_host, "somewhere"};
    for (int i = 0; i < 4; i++) {
        scene s;
        begin(&s, hosts[i]);
        if (i == 3) s.options.port = 65536;
        expect_status(weir_resolve(&s.resolution, &s.options, hear, &s.answer), WEIR_E_INVALID);
        expect(s.resolution == NULL);
        weir_embedded_free(s.embedded);
        expect_eq(s.answer.told, 0);
    }
}

WEIR_TEST(resolver, must_not_complete_twice) {
    scene s;
    begin(&s, "somewhere");
    s.names.holds = true;
    ask(&s);
    expect_abort(
        {
            weir_resolution_complete(s.resolution, -EIO, NULL, 0);
            weir_resolution_complete(s.resolution, -EIO, NULL, 0);
        },
        "completed twice");
    weir_embedded_free(s.embedded);
}

static weir_status look_around(weir_resolver *resolver, weir_resolution *resolution) {
    (void)resolver;
    expect_str(weir_resolution_host(resolution), "somewhere");
    expect_eq(weir_resolution_family(resolution), WEIR_FAMILY_V4_ONLY);
    expect(weir_loop_is_current(weir_resolution_loop(resolution)));
    void **slot = weir_resolution_slot(resolution);
    expect(*slot == NULL);
    *slot = resolver;
    expect(*weir_resolution_slot(resolution) == resolver);
    return WEIR_E_LIMIT;
}

WEIR_TEST(resolver, may_look_at_what_is_asked_and_refuse) {
    static const weir_resolver_ops ops = {.name = "curious", .start = look_around};
    weir_resolver curious = {&ops};
    scene s;
    begin(&s, "somewhere");
    s.options.resolver = &curious;
    s.options.family = WEIR_FAMILY_V4_ONLY;
    ask(&s);
    weir_embedded_run(s.embedded);
    expect_eq(s.answer.told, 1);
    expect_status(s.answer.status, WEIR_E_LIMIT);
    weir_embedded_free(s.embedded);
}

static bool live(void *arg) {
    (void)arg;
    weir_embedded *embedded = weir_embedded_new(NULL, NULL, NULL);
    if (embedded == NULL) return false;
    answer heard[2] = {{0}};
    unsigned begun = 0;
    weir_resolve_options options = {.loop = weir_embedded_loop(embedded), .host = "::1", .port = 1};
    begun += weir_resolve(NULL, &options, hear, &heard[0]) == WEIR_OK;
    options.host = "localhost";
    options.family = WEIR_FAMILY_V4_ONLY;
    begun += weir_resolve(NULL, &options, hear, &heard[1]) == WEIR_OK;
    weir_embedded_run(embedded);
    expect_eq(heard[0].told + heard[1].told, begun);
    weir_embedded_free(embedded);
    return begun == 2 && heard[0].status == WEIR_OK && heard[1].status == WEIR_OK;
}

static void drop_line(void *arg, weir_log_level level, const char *subject, const char *line) {
    (void)arg;
    (void)level;
    (void)subject;
    (void)line;
}

WEIR_TEST(resolver, may_run_out_of_memory_anywhere) {
    weir_log_set_sink(drop_line, NULL);
    expect(weir_oom_sweep(live, NULL) > 5);
    weir_log_set_sink(NULL, NULL);
}
