/* echo_test.c - an echo server on real sockets against clients of every temper. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <weir/testing.h>
#include <weir/transport.h>

#include "crowd.h"
#include "place.h"

static void echo_read(weir_ctx *ctx, weir_obj *msg) {
    weir_ctx_write(ctx, msg, NULL);
}

static void echo_read_complete(weir_ctx *ctx) {
    weir_ctx_flush(ctx);
}

static const weir_handler echo = {.name = "echo", .read = echo_read, .read_complete = echo_read_complete};

static weir_status build(weir_pipeline *pipeline, void *arg) {
    (void)arg;
    return weir_pipeline_add_last(pipeline, &echo, NULL);
}

typedef struct echo_server {
    weir_loop_group *loops;
    weir_server *server;
    unsigned port;
} echo_server;

static void start(echo_server *self, unsigned loops) {
    self->loops = weir_loop_group_new(loops);
    weir_server_options options = {.loops = self->loops, .build = build, .stop_timeout_ms = 2000};
    require(weir_server_start(&self->server, &options) == WEIR_OK);
    self->port = weir_addr_port(weir_server_addr(self->server));
}

static void stop(echo_server *self) {
    weir_server_stop(self->server);
    weir_server_wait(self->server);
    weir_server_free(self->server);
    weir_loop_group_free(self->loops);
}

static void pause_ms(long ms) {
    struct timespec span = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&span, NULL);
}

/* Waits until the server has no connection, up to thirty seconds. */
static uint64_t open_at_last(const echo_server *self) {
    weir_server_stats stats;
    for (int i = 0; i < 3000; i++) {
        weir_server_get_stats(self->server, &stats);
        if (stats.open == 0) break;
        pause_ms(10);
    }
    return stats.open;
}

static uint64_t seed(void) {
    const char *given = getenv("WEIR_SEED");
    uint64_t value = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    printf("WEIR_SEED=%llu\n", (unsigned long long)value);
    return value;
}

enum {
    CROWD = 500
};

/* Mostly small, some middling, four of 8 MiB. */
static void draw_sizes(size_t *sizes, uint64_t *state) {
    for (size_t i = 0; i < CROWD; i++) {
        unsigned bits = (unsigned)(crowd_random(state) % 18);
        sizes[i] = 1 + (size_t)(crowd_random(state) & ((UINT64_C(1) << bits) - 1));
    }
    for (size_t i = 0; i < 4; i++) sizes[crowd_random(state) % CROWD] = 8 * 1024 * 1024;
}

static void echo_to_a_crowd(unsigned loops) {
    echo_server server;
    size_t sizes[CROWD];
    uint64_t state = seed() | 1;
    start(&server, loops);
    draw_sizes(sizes, &state);
    crowd_result result = crowd_run(server.port, CROWD, sizes, state, 60);
    expect_eq(result.complete, CROWD);
    expect_eq(result.wrong, 0);
    expect_eq(result.received, result.sent);
    expect_eq(open_at_last(&server), 0);
    stop(&server);
}

WEIR_TEST(echo, random_sizes_from_1_byte_to_8_MiB_come_back_to_500_half_closing_clients) {
    echo_to_a_crowd(1);
}

WEIR_TEST(echo, four_loops_share_the_crowd) {
    echo_to_a_crowd(4);
}

/* ---- resets ---- */

static void send_and_reset(unsigned port, size_t bytes) {
    char noise[4096] = {0};
    struct linger now = {1, 0};
    int fd = dial(port);
    require(fd >= 0);
    if (bytes > 0) expect(send(fd, noise, bytes, MSG_NOSIGNAL) > 0);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
}

WEIR_TEST(echo, two_hundred_resets_harm_nobody_else) {
    echo_server server;
    uint64_t state = seed() | 1;
    weir_log_set_level(WEIR_LOG_ERROR);
    start(&server, 2);
    for (int i = 0; i < 200; i++) send_and_reset(server.port, crowd_random(&state) % 4096);
    char reply[16];
    expect_eq(converse(dial(server.port), "still here", 10, reply, sizeof reply - 1), 10);
    expect_str(reply, "still here");
    expect_eq(open_at_last(&server), 0);
    stop(&server);
}

/* ---- a client that does not read ---- */

static uint64_t live_bytes(const echo_server *self) {
    weir_pool_stats stats;
    weir_pool_get_stats(weir_loop_group_pool(self->loops), &stats);
    return stats.active;
}

/* The reply may be here before the server has let go of its buf. */
static uint64_t live_bytes_at_rest(const echo_server *self) {
    for (int i = 0; i < 1000 && live_bytes(self) != 0; i++) pause_ms(10);
    return live_bytes(self);
}

/* Sends until nothing more is taken for 300 ms; how much was. */
static uint64_t send_until_stuck(int fd) {
    static uint8_t noise[64 * 1024];
    uint64_t sent = 0;
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    for (int idle = 0; idle < 30 && sent < (UINT64_C(1) << 30);) {
        for (size_t i = 0; i < sizeof noise; i++) noise[i] = crowd_byte(7, sent + i);
        ssize_t taken = send(fd, noise, sizeof noise, MSG_NOSIGNAL);
        if (taken > 0) {
            sent += (uint64_t)taken;
            idle = 0;
        } else {
            idle++;
            pause_ms(10);
        }
    }
    return sent;
}

static uint64_t read_to_the_end(int fd, bool *right) {
    static uint8_t back[64 * 1024];
    uint64_t received = 0;
    *right = true;
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    for (ssize_t got = 1; got > 0;) {
        got = recv(fd, back, sizeof back, 0);
        for (ssize_t i = 0; i < got; i++) {
            if (back[i] != crowd_byte(7, received + (uint64_t)i)) *right = false;
        }
        if (got > 0) received += (uint64_t)got;
    }
    return received;
}

WEIR_TEST(echo, a_client_that_stops_reading_costs_a_bounded_amount_of_memory) {
    echo_server server;
    start(&server, 1);
    int fd = dial(server.port);
    uint64_t sent = send_until_stuck(fd);
    /* The high watermark, and what one burst of reads may still bring: 16 reads of 64 KiB. */
    expect(sent > 64 * 1024);
    expect(live_bytes(&server) <= 64 * 1024 + 17 * 80 * 1024);
    shutdown(fd, SHUT_WR);
    bool right;
    expect_eq(read_to_the_end(fd, &right), sent);
    expect(right);
    close(fd);
    expect_eq(open_at_last(&server), 0);
    expect_eq(live_bytes_at_rest(&server), 0);
    stop(&server);
}

/* ---- what a message costs ---- */

static void ping(int fd, int times) {
    char ball[64] = "a message of sixty-four bytes", back[64];
    for (int i = 0; i < times; i++) {
        require(send(fd, ball, sizeof ball, MSG_NOSIGNAL) == sizeof ball);
        require(recv(fd, back, sizeof back, MSG_WAITALL) == sizeof back);
    }
}

WEIR_TEST(echo, a_message_allocates_nothing_and_an_idle_connection_holds_no_buf) {
    enum {
        IDLE = 50
    };
    echo_server server;
    int fds[IDLE];
    weir_leak_track(false); /* it would keep released bufs aside, so that none is used again */
    start(&server, 1);
    for (int i = 0; i < IDLE; i++) {
        fds[i] = dial(server.port);
        require(fds[i] >= 0);
        ping(fds[i], 10);
    }
    weir_pool_stats before, after;
    weir_pool *pool = weir_loop_group_pool(server.loops);
    weir_pool_get_stats(pool, &before);
    uint64_t calls = weir_tracking_alloc_calls(weir_test_alloc());
    ping(fds[0], 2000);
    expect_eq(weir_tracking_alloc_calls(weir_test_alloc()) - calls, 0);
    weir_pool_get_stats(pool, &after);
    expect(after.gets - before.gets >= 2000);
    expect_eq(after.refills - before.refills, 0);
    expect_eq(live_bytes_at_rest(&server), 0);
    for (int i = 0; i < IDLE; i++) close(fds[i]);
    expect_eq(open_at_last(&server), 0);
    stop(&server);
}

/* ---- the end of the server ---- */

WEIR_TEST(echo, a_stop_under_load_ends_every_connection_and_leaks_nothing) {
    echo_server server;
    int fds[100];
    start(&server, 4);
    for (int i = 0; i < 100; i++) {
        fds[i] = dial(server.port);
        require(fds[i] >= 0);
        ping(fds[i], 1);
    }
    (void)send_until_stuck(fds[0]); /* one that will have to be cut */
    stop(&server);
    char byte;
    for (int i = 1; i < 100; i++) expect_eq(recv(fds[i], &byte, 1, 0), 0);
    for (int i = 0; i < 100; i++) close(fds[i]);
}
