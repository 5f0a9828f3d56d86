/* server_test.c - listening, being full, stopping gracefully or not. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <weir/core/log.h>
#include <weir/testing.h>

#include "house.h"

WEIR_TEST(server, serves_connections_on_all_of_its_loops) {
    enum {
        MANY = 64
    };
    house h;
    int fds[MANY];
    open_house(&h, 3, (weir_server_options){0});
    for (int i = 0; i < MANY; i++) fds[i] = plain_connect(h.port);
    for (int i = 0; i < MANY; i++) expect(answers(fds[i]));
    expect(have_open(&h, MANY));
    expect_eq(stats_of(&h).accepted, MANY);
    for (size_t i = 0; i < 3; i++) expect(weir_loop_channels(weir_loop_group_at(h.group, i)) > 0);
    for (int i = 0; i < MANY; i++) close(fds[i]);
    expect(have_open(&h, 0));
    shut_house(&h);
}

WEIR_TEST(server, listens_on_ipv6_where_there_is_any) {
    weir_loop_group *group = weir_loop_group_new(1);
    echo echo_arg = {0};
    weir_server *server;
    weir_status status = weir_server_start(
        &server,
        &(weir_server_options){.loops = group, .host = "::1", .build = build_echo, .build_arg = &echo_arg});
    if (status == WEIR_OK) {
        weir_promise *promise = weir_promise_new(weir_loop_group_at(group, 0));
        weir_channel_release(
            weir_client_connect(&(weir_client_options){.loop = weir_loop_group_at(group, 0),
                                                       .host = "::1",
                                                       .port = weir_addr_port(weir_server_addr(server))},
                                weir_promise_retain(promise)));
        expect_status(weir_promise_wait(promise, 10000), WEIR_OK);
        weir_promise_release(promise);
        weir_server_free(server);
    } else {
        expect(status == -EADDRNOTAVAIL || status == -EAFNOSUPPORT);
        expect(server == NULL);
    }
    weir_loop_group_free(group);
}

/* ---- failing to start ---- */

static weir_status try_to_start(weir_loop_group *group, const char *host, unsigned port) {
    static echo echo_arg;
    weir_server *server = (weir_server *)(uintptr_t)1;
    weir_status status = weir_server_start(
        &server,
        &(weir_server_options){
            .loops = group, .host = host, .port = port, .build = build_echo, .build_arg = &echo_arg});
    if (status != WEIR_OK) expect(server == NULL);
    if (status == WEIR_OK) weir_server_free(server);
    return status;
}

WEIR_TEST(server, is_told_that_its_port_is_taken_also_with_several_loops) {
    for (unsigned loops = 1; loops <= 3; loops++) {
        house h;
        open_house(&h, loops, (weir_server_options){0});
        expect_status(try_to_start(h.group, "127.0.0.1", h.port), -EADDRINUSE);
        weir_loop_group *other = weir_loop_group_new(loops == 1 ? 2 : 1);
        expect_status(try_to_start(other, "127.0.0.1", h.port), -EADDRINUSE);
        unsigned port = h.port;
        shut_house(&h);
        expect_status(try_to_start(other, "127.0.0.1", port), WEIR_OK);
        weir_loop_group_free(other);
    }
}

WEIR_TEST(server, refuses_options_that_make_no_sense) {
    weir_loop_group *group = weir_loop_group_new(1);
    weir_server *server;
    expect_status(weir_server_start(&server, &(weir_server_options){.build = build_echo}), WEIR_E_NO_MEMORY);
    expect_status(weir_server_start(&server, &(weir_server_options){.loops = group}), WEIR_E_INVALID);
    expect_status(weir_server_start(&server, &(weir_server_options){.loops = group,
                                                                    .build = build_echo,
                                                                    .channel.low_water = SIZE_MAX}),
                  WEIR_E_INVALID);
    expect(server == NULL);
    expect_status(try_to_start(group, "no such host", 0), WEIR_E_RESOLVE);
    expect_status(try_to_start(group, "127.0.0.1", 65536), WEIR_E_INVALID);
    expect_status(try_to_start(group, "192.0.2.1", 0), -EADDRNOTAVAIL);
    weir_server_free(NULL);
    weir_loop_group_free(group);
}

/* ---- too many ---- */

WEIR_TEST(server, closes_connections_over_its_limit_and_counts_them) {
    house h;
    open_house(&h, 1, (weir_server_options){.max_connections = 2});
    int a = plain_connect(h.port), b = plain_connect(h.port);
    expect(answers(a) && answers(b));
    int c = plain_connect(h.port);
    expect(has_ended(c));
    expect_eq(stats_of(&h).refused, 1);
    expect_eq(stats_of(&h).open, 2);
    close(a);
    expect(have_open(&h, 1));
    int d = plain_connect(h.port);
    expect(answers(d));
    close(b);
    close(c);
    close(d);
    shut_house(&h);
}

WEIR_TEST(server, keeps_its_limit_over_several_loops_that_accept_at_once) {
    enum {
        MANY = 40
    };
    house h;
    int fds[MANY];
    open_house(&h, 3, (weir_server_options){.max_connections = 5});
    for (int i = 0; i < MANY; i++) fds[i] = plain_connect(h.port);
    for (int i = 0; i < 3000 && stats_of(&h).refused + stats_of(&h).open < MANY; i++) wait_ms(10);
    expect_eq(stats_of(&h).refused, MANY - 5);
    expect_eq(stats_of(&h).open, 5);
    for (int i = 0; i < MANY; i++) close(fds[i]);
    shut_house(&h);
}

WEIR_TEST(server, closes_and_counts_connections_whose_pipeline_cannot_be_built) {
    house h;
    open_house(&h, 1, (weir_server_options){0});
    atomic_store(&h.echo.refuses, true);
    int a = plain_connect(h.port);
    expect(has_ended(a));
    expect(have_open(&h, 0));
    expect_eq(stats_of(&h).refused, 1);
    atomic_store(&h.echo.refuses, false);
    int b = plain_connect(h.port);
    expect(answers(b));
    close(a);
    close(b);
    shut_house(&h);
}

static uint64_t turns_of(const house *h) {
    weir_loop_stats stats;
    weir_loop_group_get_stats(h->group, &stats);
    return stats.turns;
}

/* True when the loops sleep through the next moment, but for timers; one that spins takes thousands of turns. */
static bool is_at_rest(const house *h) {
    uint64_t before = turns_of(h);
    wait_ms(300);
    return turns_of(h) - before < 100;
}

/* Without a place it stays in the backlog: the peer is connected and hears nothing yet. */
static bool hears_nothing(int fd) {
    char byte;
    return recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == EAGAIN;
}

WEIR_TEST(server, lets_connections_over_its_limit_wait_until_one_has_ended) {
    enum {
        MANY = 30
    };
    for (unsigned loops = 1; loops <= 3; loops += 2) {
        house h;
        int fds[MANY];
        open_house(&h, loops, (weir_server_options){.max_connections = 2, .max_connections_wait = true});
        for (int i = 0; i < MANY; i++) {
            fds[i] = plain_connect(h.port);
            expect(send(fds[i], "x", 1, MSG_NOSIGNAL) == 1);
        }
        expect(have_open(&h, 2));
        expect(is_at_rest(&h));
        int heard = 0;
        for (int i = 0; i < MANY; i++) heard += !hears_nothing(fds[i]);
        expect_eq(heard, 2);
        for (int left = MANY; left > 0; left--) { /* whoever is served leaves: all get their turn */
            struct pollfd served[MANY];
            for (int i = 0; i < MANY; i++) served[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
            require(poll(served, MANY, 10000) > 0);
            for (int i = 0; i < MANY; i++) {
                if (served[i].revents == 0) continue;
                close(fds[i]);
                fds[i] = -1;
                break;
            }
            expect(stats_of(&h).open <= 2);
        }
        expect(have_open(&h, 0));
        expect_eq(stats_of(&h).accepted, MANY);
        expect_eq(stats_of(&h).refused, 0);
        shut_house(&h);
    }
}

static uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* No more than the burst and one for each second that has passed, however long the test took. */
WEIR_TEST(server, accepts_no_faster_than_its_rate_over_all_loops) {
    enum {
        MANY = 12
    };
    house h;
    int fds[MANY];
    open_house(&h, 3, (weir_server_options){.accepts_per_second = 1, .accept_burst = 5});
    uint64_t began = now_ms();
    for (int i = 0; i < MANY; i++) fds[i] = plain_connect(h.port);
    for (int i = 0; i < 10000 && stats_of(&h).accepted < 5; i++) wait_ms(1);
    expect(is_at_rest(&h));
    uint64_t accepted = stats_of(&h).accepted;
    expect(accepted >= 5 && accepted <= 6 + (now_ms() - began) / 1000);
    expect_eq(stats_of(&h).refused, 0);
    for (int i = 0; i < MANY; i++) close(fds[i]);
    shut_house(&h);
}

WEIR_TEST(server, accepts_all_in_the_end_when_its_rate_is_exceeded) {
    enum {
        MANY = 20
    };
    house h;
    int fds[MANY];
    open_house(&h, 2, (weir_server_options){.accepts_per_second = 200, .accept_burst = 1});
    for (int i = 0; i < MANY; i++) fds[i] = plain_connect(h.port);
    for (int i = 0; i < MANY; i++) expect(answers(fds[i]));
    expect_eq(stats_of(&h).accepted, MANY);
    for (int i = 0; i < MANY; i++) close(fds[i]);
    shut_house(&h);
}

WEIR_TEST(server, accepts_nobody_while_it_is_paused_and_serves_on) {
    house h;
    open_house(&h, 2, (weir_server_options){0});
    int early = plain_connect(h.port);
    expect(answers(early));
    for (int i = 0; i < 3; i++) {
        weir_server_pause(h.server);
        int late = plain_connect(h.port);
        expect(send(late, "x", 1, MSG_NOSIGNAL) == 1);
        wait_ms(50);
        expect(hears_nothing(late));
        expect(answers(early));
        weir_server_resume(h.server);
        char byte = 0;
        expect_eq(recv(late, &byte, 1, 0), 1);
        close(late);
    }
    expect_eq(stats_of(&h).accepted, 4);
    weir_server_pause(h.server);
    close(early);
    shut_house(&h); /* also while paused */
}

static void count_warning(void *arg, weir_log_level level, const char *subject, const char *line) {
    if (level >= WEIR_LOG_WARN && strcmp(subject, "server") == 0 && strstr(line, "accept") != NULL)
        atomic_fetch_add((atomic_int *)arg, 1);
}

/* Fills the table of descriptors but for one, which a connect of ours takes; the accept then has none. */
static int fill_descriptors(int *fillers, int most) {
    int count = 0;
    while (count < most && (fillers[count] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0) count++;
    return count;
}

/* Two episodes: the second needs the spare descriptor that the first one gave up. */
WEIR_TEST(server, serves_on_after_it_ran_out_of_descriptors_and_does_not_spin_meanwhile) {
    enum {
        MOST = 256
    };
    house h;
    struct rlimit before, few;
    int fillers[MOST];
    atomic_int lines = 0;
    weir_log_set_sink(count_warning, &lines);
    open_house(&h, 1, (weir_server_options){0});
    int early = plain_connect(h.port);
    expect(answers(early));
    require(getrlimit(RLIMIT_NOFILE, &before) == 0);
    few = before;
    few.rlim_cur = 128;
    require(setrlimit(RLIMIT_NOFILE, &few) == 0);
    for (int episode = 1; episode <= 2; episode++) {
        uint64_t errors = stats_of(&h).accept_errors, refused = stats_of(&h).refused;
        int count = fill_descriptors(fillers, MOST);
        require(count > 0 && count < MOST);
        close(fillers[--count]);
        int turned_away = plain_connect(h.port); /* the kernel connects it, nobody can accept it */
        require(turned_away >= 0);
        expect(has_ended(turned_away));
        expect(is_at_rest(&h));
        for (int i = 0; i < 10000 && stats_of(&h).refused == refused; i++) wait_ms(1);
        expect(stats_of(&h).accept_errors > errors);
        expect(stats_of(&h).accept_errors < errors + 50);
        expect_eq(stats_of(&h).refused, refused + 1);
        expect(answers(early));
        while (count > 0) close(fillers[--count]);
        close(turned_away);
        int late = plain_connect(h.port);
        expect(answers(late));
        close(late);
        expect(have_open(&h, 1));
        expect_eq(atomic_load(&lines), episode);
    }
    setrlimit(RLIMIT_NOFILE, &before);
    close(early);
    shut_house(&h);
    weir_log_set_sink(NULL, NULL);
}

/* ---- stopping ---- */

WEIR_TEST(server, stops_at_once_when_nobody_is_connected) {
    house h;
    open_house(&h, 2, (weir_server_options){0});
    weir_server_stop(h.server);
    weir_server_stop(h.server);
    expect_status(weir_server_wait(h.server), WEIR_OK);
    expect_status(weir_server_wait(h.server), WEIR_OK);
    expect_eq(plain_connect(h.port), -1);
    shut_house(&h);
}

WEIR_TEST(server, is_freed_without_stop_and_wait) {
    house h;
    open_house(&h, 2, (weir_server_options){0});
    int fd = plain_connect(h.port);
    expect(answers(fd));
    shut_house(&h);
    expect(has_ended(fd));
    close(fd);
}

WEIR_TEST(server, tells_idle_connections_that_it_stops_and_closes_them) {
    house h;
    int fds[10];
    open_house(&h, 2, (weir_server_options){0});
    for (int i = 0; i < 10; i++) {
        fds[i] = plain_connect(h.port);
        expect(answers(fds[i]));
    }
    weir_server_stop(h.server);
    expect_status(weir_server_wait(h.server), WEIR_OK);
    expect_eq(atomic_load(&h.echo.stopping), 10);
    expect_eq(stats_of(&h).aborted, 0);
    expect_eq(stats_of(&h).open, 0);
    for (int i = 0; i < 10; i++) {
        char byte;
        expect_eq(recv(fds[i], &byte, 1, 0), 0); /* in order, not by a reset */
        close(fds[i]);
    }
    shut_house(&h);
}

WEIR_TEST(server, lets_busy_connections_finish) {
    house h;
    open_house(&h, 1, (weir_server_options){0});
    atomic_store(&h.echo.ignores_stopping, true);
    int fd = plain_connect(h.port);
    expect(answers(fd));
    weir_server_stop(h.server);
    for (int i = 0; i < 10000 && atomic_load(&h.echo.stopping) == 0; i++) wait_ms(1);
    expect_eq(plain_connect(h.port), -1);
    expect(answers(fd));
    close(fd);
    expect_status(weir_server_wait(h.server), WEIR_OK);
    shut_house(&h);
}

WEIR_TEST(server, cuts_what_is_left_at_its_deadline_and_counts_it) {
    house h;
    open_house(&h, 2, (weir_server_options){.stop_timeout_ms = 100});
    atomic_store(&h.echo.ignores_stopping, true);
    int a = plain_connect(h.port), b = plain_connect(h.port);
    expect(answers(a) && answers(b));
    weir_server_stop(h.server);
    expect_status(weir_server_wait(h.server), WEIR_E_TIMEOUT);
    expect_eq(stats_of(&h).aborted, 2);
    char byte;
    expect_eq(recv(a, &byte, 1, 0), -1);
    expect_eq(errno, ECONNRESET);
    close(a);
    close(b);
    shut_house(&h);
}

static void stop_server(void *arg) {
    weir_server_stop(arg);
}

WEIR_TEST(server, may_be_stopped_from_one_of_its_loops) {
    house h;
    open_house(&h, 2, (weir_server_options){0});
    expect_status(weir_loop_post(weir_loop_group_at(h.group, 1), stop_server, h.server), WEIR_OK);
    expect_status(weir_server_wait(h.server), WEIR_OK);
    shut_house(&h);
}

WEIR_TEST(server, stops_at_a_signal_when_told_to) {
    house h;
    open_house(&h, 2, (weir_server_options){.stop_on_signals = true});
    int fd = plain_connect(h.port);
    expect(answers(fd));
    kill(getpid(), SIGTERM);
    expect_status(weir_server_wait(h.server), WEIR_OK);
    close(fd);
    shut_house(&h);
}

WEIR_TEST(server, cuts_what_is_left_at_a_second_signal_and_survives_a_third) {
    house h;
    open_house(&h, 2, (weir_server_options){.stop_on_signals = true, .stop_timeout_ms = 60000});
    atomic_store(&h.echo.ignores_stopping, true);
    int fd = plain_connect(h.port);
    expect(answers(fd));
    kill(getpid(), SIGTERM);
    for (int i = 0; i < 10000 && atomic_load(&h.echo.stopping) == 0; i++) wait_ms(1);
    expect(answers(fd));
    kill(getpid(), SIGTERM);
    expect_status(weir_server_wait(h.server), WEIR_E_TIMEOUT);
    expect_eq(stats_of(&h).aborted, 1);
    kill(getpid(), SIGTERM);
    close(fd);
    shut_house(&h);
}

static void note_signal(weir_server *server, int number, void *arg) {
    atomic_int *noted = arg;
    expect(server != NULL);
    atomic_fetch_add(noted, number);
}

WEIR_TEST(server, tells_of_the_signals_that_do_not_stop_it) {
    house h;
    atomic_int noted = 0;
    open_house(
        &h, 2,
        (weir_server_options){.stop_on_signals = true, .on_signal = note_signal, .on_signal_arg = &noted});
    int fd = plain_connect(h.port);
    kill(getpid(), SIGHUP);
    for (int i = 0; i < 10000 && atomic_load(&noted) != SIGHUP; i++) wait_ms(1);
    expect_eq(atomic_load(&noted), SIGHUP);
    kill(getpid(), SIGUSR2);
    for (int i = 0; i < 10000 && atomic_load(&noted) == SIGHUP; i++) wait_ms(1);
    expect_eq(atomic_load(&noted), SIGHUP + SIGUSR2);
    expect(answers(fd));
    close(fd);
    kill(getpid(), SIGTERM);
    expect_status(weir_server_wait(h.server), WEIR_OK);
    shut_house(&h);
}

static void wait_for_server(void *arg) {
    weir_server_wait(arg);
}

static void wait_on_own_loop(void) {
    house h;
    open_house(&h, 1, (weir_server_options){0});
    weir_loop_post(weir_loop_group_at(h.group, 0), wait_for_server, h.server);
    weir_server_wait(h.server);
}

WEIR_TEST(server, stops_the_program_when_waited_for_on_its_own_loop) {
    expect_abort(wait_on_own_loop(), "on a loop of its server");
}

WEIR_TEST(server, starts_and_stops_many_times_on_the_same_loops) {
    weir_loop_group *group = weir_loop_group_new(2);
    for (int i = 0; i < 50; i++) expect_status(try_to_start(group, "127.0.0.1", 0), WEIR_OK);
    weir_loop_group_free(group);
}
