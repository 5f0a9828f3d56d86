/* happy_eyeballs_test.c - several addresses: in which order, how many, which failure is told, and nothing left open.
 *
 * What is tried is read from the client's debug lines. The addresses are all of the loopback: ports that refuse,
 * a listener whose full queue answers nothing, and one that accepts.
 */
#include "uv/uv_race.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weir/core/log.h>
#include <weir/testing.h>

#include "actor.h"
#include "holes.h"
#include "names.h"
#include "open_fds.h"
#include "wires.h"

/* ---- the debug lines, as "PORT " for each attempt ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char tried[1000];

static void note_attempt(void *arg, weir_log_level level, const char *subject, const char *text) {
    (void)arg;
    (void)level;
    if (strcmp(subject, "client") != 0 || strncmp(text, "trying ", 7) != 0) return;
    pthread_mutex_lock(&lock);
    strcat(tried, text + 7);
    strcat(tried, " ");
    pthread_mutex_unlock(&lock);
}

static bool has_tried(const char *expected) {
    pthread_mutex_lock(&lock);
    bool same = strcmp(tried, expected) == 0;
    pthread_mutex_unlock(&lock);
    return same;
}

static void expect_tried(const char *expected) {
    if (!expect(has_tried(expected))) expect_str(tried, expected);
}

/* ---- one connecting client ---- */

typedef struct attempt {
    weir_loop_group *group;
    weir_loop *loop;
    fixed_names names;
    actor h;
    weir_client_options options;
    weir_promise *promise;
    weir_channel *channel;
    int fds; /* open before it began to connect */
} attempt;

static void prepare(attempt *self) {
    memset(self, 0, sizeof *self);
    tried[0] = '\0';
    weir_log_set_sink(note_attempt, NULL);
    weir_log_set_level(WEIR_LOG_DEBUG);
    self->group = weir_loop_group_new(1);
    self->loop = weir_loop_group_at(self->group, 0);
    self->h = (actor){.name = "h", .keeps = true};
    self->names.resolver.ops = &fixed_names_ops;
    self->options = (weir_client_options){.loop = self->loop,
                                          .host = "somewhere",
                                          .port = 1,
                                          .resolver = &self->names.resolver,
                                          .build = build_with_actor,
                                          .build_arg = &self->h,
                                          .attempt_delay_ms = 60000};
    self->fds = open_fds();
}

static void start(attempt *self) {
    self->promise = weir_promise_new(self->loop);
    self->channel = weir_client_connect(&self->options, weir_promise_retain(self->promise));
    require(self->channel != NULL);
}

static weir_status result(attempt *self) {
    return weir_promise_wait(self->promise, 20000);
}

static void finish(attempt *self) {
    weir_promise *closed = weir_promise_new(self->loop);
    weir_channel_close(self->channel, weir_promise_retain(closed));
    weir_promise_wait(closed, 10000);
    weir_promise_release(closed);
    expect_eq(open_fds(), self->fds);
    weir_loop_group_free(self->group);
    expect(weir_promise_is_done(self->promise));
    weir_promise_release(self->promise);
    weir_channel_release(self->channel);
    weir_log_set_sink(NULL, NULL);
    weir_log_set_level(WEIR_LOG_WARN);
}

static bool wait_until_tried(const char *expected) {
    for (int i = 0; i < 10000 && !has_tried(expected); i++) wait_ms(1);
    return has_tried(expected);
}

static char *list(char text[300], unsigned a, unsigned b, unsigned c) {
    const unsigned ports[] = {a, b, c};
    size_t at = 0;
    text[0] = '\0';
    for (int i = 0; i < 3 && ports[i] != 0; i++)
        at += (size_t)snprintf(text + at, 300 - at, "127.0.0.1:%u ", ports[i]);
    return text;
}

/* ---- the order ---- */

WEIR_TEST(happy_eyeballs, takes_families_in_turn) {
    static const struct {
        const char *given, *expected;
    } cases[] = {
        {"6", "6"},       {"4", "4"},         {"64", "64"},       {"46", "46"},   {"6644", "6464"},
        {"4466", "4646"}, {"66644", "64646"}, {"44446", "46444"}, {"666", "666"}, {"466664", "464666"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        weir_addr addrs[8];
        char order[9] = "";
        unsigned last[2] = {0, 0};
        size_t count = strlen(cases[i].given);
        weir_test_context("%s", cases[i].given);
        for (size_t k = 0; k < count; k++)
            weir_addr_parse(&addrs[k], cases[i].given[k] == '6' ? "::1" : "127.0.0.1", (unsigned)k + 1);
        uv_race_interleave(addrs, count);
        for (size_t k = 0; k < count; k++) {
            bool six = addrs[k].as.sa.sa_family == AF_INET6;
            order[k] = six ? '6' : '4';
            expect(weir_addr_port(&addrs[k]) > last[six]); /* within a family as they came */
            last[six] = weir_addr_port(&addrs[k]);
        }
        expect_str(order, cases[i].expected);
    }
}

WEIR_TEST(happy_eyeballs, tries_the_next_at_once_when_one_fails) {
    unsigned refusing, other, port;
    int first = refusing_port(&refusing), second = refusing_port(&other), listener = plain_listen(&port, 4);
    attempt a;
    char text[300];
    prepare(&a);
    fixed_names_add(&a.names, "127.0.0.1", refusing);
    fixed_names_add(&a.names, "127.0.0.1", other);
    fixed_names_add(&a.names, "127.0.0.1", port);
    start(&a); /* a minute is between attempts that hang */
    expect_status(result(&a), WEIR_OK);
    expect_tried(list(text, refusing, other, port));
    weir_addr remote;
    weir_channel_remote_addr(a.channel, &remote);
    expect_eq(weir_addr_port(&remote), port);
    finish(&a);
    expect_eq(a.h.seen[ACTOR_ACTIVE], 1);
    expect_eq(a.h.seen[ACTOR_ERROR], 0);
    close(first);
    close(second);
    close(listener);
}

WEIR_TEST(happy_eyeballs, tries_the_next_beside_one_that_hangs_and_closes_what_lost) {
    black_hole hole;
    unsigned port;
    int listener = plain_listen(&port, 4);
    attempt a;
    char text[300];
    dig(&hole);
    prepare(&a);
    fixed_names_add(&a.names, "127.0.0.1", hole.port);
    fixed_names_add(&a.names, "127.0.0.1", port);
    a.options.attempt_delay_ms = 10;
    start(&a);
    expect_status(result(&a), WEIR_OK);
    expect_tried(list(text, hole.port, port, 0));
    int far = accept(listener, NULL, NULL);
    expect(far >= 0);
    close(far);
    expect(wait_until_tried(list(text, hole.port, port, 0)));
    finish(&a);
    expect_eq(a.h.seen[ACTOR_ACTIVE], 1);
    close(listener);
    fill_in(&hole);
}

WEIR_TEST(happy_eyeballs, waits_for_the_delay_before_it_tries_the_next) {
    black_hole hole;
    unsigned port;
    int listener = plain_listen(&port, 4);
    attempt a;
    char text[300];
    dig(&hole);
    prepare(&a);
    fixed_names_add(&a.names, "127.0.0.1", hole.port);
    fixed_names_add(&a.names, "127.0.0.1", port);
    a.options.connect_timeout_ms = 100; /* the delay is a minute */
    start(&a);
    expect_status(result(&a), WEIR_E_TIMEOUT);
    expect_tried(list(text, hole.port, 0, 0));
    finish(&a);
    expect_eq(a.h.seen[ACTOR_ACTIVE], 0);
    close(listener);
    fill_in(&hole);
}

WEIR_TEST(happy_eyeballs, goes_on_waiting_for_one_that_hangs_when_the_others_have_failed) {
    black_hole hole;
    unsigned refusing;
    int fd = refusing_port(&refusing);
    attempt a;
    char text[300];
    dig(&hole);
    prepare(&a);
    fixed_names_add(&a.names, "127.0.0.1", hole.port);
    fixed_names_add(&a.names, "127.0.0.1", refusing);
    a.options.attempt_delay_ms = 10;
    a.options.connect_timeout_ms = 500;
    start(&a);
    expect_status(result(&a), WEIR_E_TIMEOUT);
    expect_tried(list(text, hole.port, refusing, 0));
    finish(&a);
    close(fd);
    fill_in(&hole);
}

WEIR_TEST(happy_eyeballs, tries_no_more_addresses_than_allowed) {
    unsigned first, second, port;
    int one = refusing_port(&first), two = refusing_port(&second), listener = plain_listen(&port, 4);
    attempt a;
    char text[300];
    prepare(&a);
    fixed_names_add(&a.names, "127.0.0.1", first);
    fixed_names_add(&a.names, "127.0.0.1", second);
    fixed_names_add(&a.names, "127.0.0.1", port);
    a.options.max_addresses = 2;
    start(&a);
    expect_status(result(&a), -ECONNREFUSED);
    expect_tried(list(text, first, second, 0));
    finish(&a);
    close(one);
    close(two);
    close(listener);
}

WEIR_TEST(happy_eyeballs, reaches_a_server_of_one_family_behind_addresses_of_the_other) {
    unsigned port;
    int listener = plain_listen(&port, 4);
    attempt a;
    prepare(&a);
    fixed_names_add(&a.names, "::1", port); /* nobody there */
    fixed_names_add(&a.names, "::1", port);
    fixed_names_add(&a.names, "127.0.0.1", port);
    start(&a);
    expect_status(result(&a), WEIR_OK);
    char text[300];
    snprintf(text, sizeof text, "[::1]:%u 127.0.0.1:%u ", port, port);
    expect_tried(text);
    finish(&a);
    close(listener);
}

/* ---- failures ---- */

/* From 127.0.0.1 there is no way to ::1, whether this host has IPv6 or not. */
static weir_status fail_with(const char *first, const char *second, const char *third, unsigned refusing) {
    const char *hosts[] = {first, second, third};
    attempt a;
    prepare(&a);
    for (int i = 0; i < 3 && hosts[i] != NULL; i++) fixed_names_add(&a.names, hosts[i], refusing);
    a.options.local_host = "127.0.0.1";
    start(&a);
    weir_status status = result(&a);
    finish(&a);
    expect_eq(a.h.seen[ACTOR_REMOVED], 1);
    expect_eq(a.h.seen[ACTOR_ACTIVE], 0);
    return status;
}

WEIR_TEST(happy_eyeballs, tells_the_first_failure_that_says_more_than_that_there_is_no_way) {
    unsigned refusing;
    int fd = refusing_port(&refusing);
    expect_status(fail_with("::1", "127.0.0.1", NULL, refusing), -ECONNREFUSED);
    expect_status(fail_with("127.0.0.1", "::1", NULL, refusing), -ECONNREFUSED);
    expect_status(fail_with("::1", "::1", NULL, refusing), -EAFNOSUPPORT);
    /* a broadcast address is another failure than a refusing port: the first of them is told */
    weir_status broadcast = fail_with("255.255.255.255", NULL, NULL, refusing);
    if (broadcast != -ENETUNREACH) {
        expect_status(fail_with("255.255.255.255", "127.0.0.1", NULL, refusing), broadcast);
        expect_status(fail_with("127.0.0.1", "255.255.255.255", NULL, refusing), -ECONNREFUSED);
    }
    close(fd);
}

WEIR_TEST(happy_eyeballs, keeps_what_is_written_before_it_knows_where_to) {
    unsigned refusing, port;
    int fd = refusing_port(&refusing), listener = plain_listen(&port, 4);
    attempt a;
    char got[6] = "";
    prepare(&a);
    fixed_names_add(&a.names, "127.0.0.1", refusing);
    fixed_names_add(&a.names, "127.0.0.1", port);
    start(&a);
    weir_buf *hello = weir_buf_new(5);
    weir_buf_write_str(hello, "hello");
    weir_channel_write(a.channel, hello, NULL);
    weir_channel_flush(a.channel);
    int far = accept(listener, NULL, NULL);
    expect_eq(recv(far, got, 5, MSG_WAITALL), 5);
    expect_str(got, "hello");
    close(far);
    finish(&a);
    close(fd);
    close(listener);
}

/* ---- giving up, at each stage ---- */

static void close_and_expect_canceled(attempt *a) {
    weir_promise *closed = weir_promise_new(a->loop);
    weir_channel_close(a->channel, weir_promise_retain(closed));
    expect_status(result(a), WEIR_E_CANCELED);
    expect_status(weir_promise_wait(closed, 10000), WEIR_E_CANCELED);
    weir_promise_release(closed);
    finish(a);
    expect_eq(a->h.seen[ACTOR_ACTIVE], 0);
    expect_eq(a->h.seen[ACTOR_INACTIVE], 0);
    expect_eq(a->h.seen[ACTOR_REMOVED], 1);
}

WEIR_TEST(happy_eyeballs, may_be_closed_while_a_name_is_looked_up) {
    attempt a;
    prepare(&a);
    a.names.holds = true;
    start(&a);
    close_and_expect_canceled(&a);
    expect_eq(a.names.asked, 1);
    expect_eq(a.names.canceled, 1);
}

WEIR_TEST(happy_eyeballs, may_be_closed_while_one_attempt_hangs_and_the_next_waits_for_its_turn) {
    black_hole hole;
    attempt a;
    char text[300];
    dig(&hole);
    prepare(&a);
    fixed_names_add(&a.names, "127.0.0.1", hole.port);
    fixed_names_add(&a.names, "127.0.0.1", hole.port);
    start(&a);
    expect(wait_until_tried(list(text, hole.port, 0, 0)));
    close_and_expect_canceled(&a);
    fill_in(&hole);
}

WEIR_TEST(happy_eyeballs, may_be_closed_while_all_attempts_hang) {
    black_hole hole;
    attempt a;
    char text[300];
    dig(&hole);
    prepare(&a);
    for (int i = 0; i < 3; i++) fixed_names_add(&a.names, "127.0.0.1", hole.port);
    a.options.attempt_delay_ms = 10;
    start(&a);
    expect(wait_until_tried(list(text, hole.port, hole.port, hole.port)));
    close_and_expect_canceled(&a);
    fill_in(&hole);
}

WEIR_TEST(happy_eyeballs, lets_a_loop_end_at_each_stage) {
    black_hole hole;
    dig(&hole);
    for (int stage = 0; stage < 2; stage++) {
        attempt a;
        char text[300];
        prepare(&a);
        a.names.holds = stage == 0;
        fixed_names_add(&a.names, "127.0.0.1", hole.port);
        start(&a);
        if (stage == 1) expect(wait_until_tried(list(text, hole.port, 0, 0)));
        weir_loop_group_free(a.group);
        expect_status(weir_promise_status(a.promise), WEIR_E_STOPPED);
        weir_promise_release(a.promise);
        weir_channel_release(a.channel);
        weir_log_set_sink(NULL, NULL);
        weir_log_set_level(WEIR_LOG_WARN);
    }
    fill_in(&hole);
}

/* ---- our end ---- */

WEIR_TEST(happy_eyeballs, connects_from_the_address_and_port_it_is_told) {
    unsigned port, local;
    int listener = plain_listen(&port, 4);
    close(refusing_port(&local)); /* free now */
    attempt a;
    weir_addr here;
    char text[WEIR_ADDR_TEXT], expected[WEIR_ADDR_TEXT];
    prepare(&a);
    fixed_names_add(&a.names, "127.0.0.1", port);
    a.options.local_host = "127.0.0.2";
    start(&a);
    require(result(&a) == WEIR_OK);
    weir_channel_local_addr(a.channel, &here);
    expect(strncmp(weir_addr_format(&here, text), "127.0.0.2:", 10) == 0);
    finish(&a);
    prepare(&a);
    fixed_names_add(&a.names, "127.0.0.1", port);
    a.options.local_port = local;
    start(&a);
    require(result(&a) == WEIR_OK);
    weir_channel_local_addr(a.channel, &here);
    snprintf(expected, sizeof expected, "127.0.0.1:%u", local);
    expect_str(weir_addr_format(&here, text), expected);
    finish(&a);
    close(listener);
}

WEIR_TEST(happy_eyeballs, is_told_that_it_cannot_connect_from_there) {
    attempt a;
    unsigned port;
    int listener = plain_listen(&port, 4);
    prepare(&a);
    fixed_names_add(&a.names, "127.0.0.1", port);
    a.options.local_host = "203.0.113.7"; /* for documentation: nobody has it */
    start(&a);
    expect_status(result(&a), -EADDRNOTAVAIL);
    finish(&a);
    prepare(&a);
    a.options.local_host = "not numeric";
    a.promise = weir_promise_new(a.loop);
    a.channel = weir_client_connect(&a.options, weir_promise_retain(a.promise));
    expect(a.channel == NULL);
    expect_status(result(&a), WEIR_E_INVALID);
    weir_loop_group_free(a.group);
    weir_promise_release(a.promise);
    weir_log_set_sink(NULL, NULL);
    weir_log_set_level(WEIR_LOG_WARN);
    close(listener);
}

/* ---- memory ---- */

static bool connect_once(void *arg) {
    unsigned *port = arg;
    fixed_names names = {.resolver.ops = &fixed_names_ops};
    weir_addr_parse(&names.addrs[names.count++], "127.0.0.1", port[0]);
    weir_addr_parse(&names.addrs[names.count++], "127.0.0.1", port[1]);
    weir_loop_group *group = weir_loop_group_new(1);
    if (group == NULL) return false;
    weir_loop *loop = weir_loop_group_at(group, 0);
    weir_promise *promise = weir_promise_new(loop);
    weir_client_options options = {.loop = loop, .host = "somewhere", .port = 1, .resolver = &names.resolver};
    weir_channel *channel = weir_client_connect(&options, weir_promise_retain(promise));
    bool good = promise != NULL && weir_promise_wait(promise, 10000) == WEIR_OK;
    weir_loop_group_free(group);
    weir_channel_release(channel);
    weir_promise_release(promise);
    return good;
}

static void drop_line(void *arg, weir_log_level level, const char *subject, const char *line) {
    (void)arg;
    (void)level;
    (void)subject;
    (void)line;
}

WEIR_TEST(happy_eyeballs, may_run_out_of_memory_anywhere) {
    unsigned ports[2];
    int fd = refusing_port(&ports[0]), listener = plain_listen(&ports[1], 100);
    weir_log_set_sink(drop_line, NULL);
    expect(connect_once(ports)); /* libuv opens a pipe for signals with its first loop, for good */
    int before = open_fds();
    expect(weir_oom_sweep(connect_once, ports) > 10);
    expect_eq(open_fds(), before);
    weir_log_set_sink(NULL, NULL);
    close(fd);
    close(listener);
}
