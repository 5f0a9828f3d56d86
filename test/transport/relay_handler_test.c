/* relay_handler_test.c - two channels joined, with plain sockets at both far ends, copying and splicing. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weir/testing.h>

#include "seed.h"
#include "wires.h"

#define IN_BOTH_MODES(splice) for (int splice = 0; splice < 2; splice++)

/* client <-> (accepted | connected) <-> target: both far sockets are the test's. */
typedef struct joint {
    weir_loop_group *group;
    weir_server *server;
    weir_channel_options options;
    unsigned target_port;
    int listener, client, target;
    _Atomic(weir_channel *) one, other; /* held */
    weir_status paired;
    _Atomic uint64_t most_held, spliced; /* bytes in one queue; reads of channels that are gone */
} joint;

static void note_held(weir_ctx *ctx) {
    joint *self = weir_ctx_state(ctx);
    uint64_t held = weir_channel_pending_bytes(weir_ctx_channel(ctx));
    if (held > atomic_load(&self->most_held)) atomic_store(&self->most_held, held);
    weir_ctx_flush(ctx);
}

static void add_up(weir_ctx *ctx) {
    joint *self = weir_ctx_state(ctx);
    weir_channel_stats stats;
    weir_channel_get_stats(weir_ctx_channel(ctx), &stats);
    atomic_fetch_add(&self->spliced, stats.spliced_reads);
}

static const weir_handler meter = {.name = "meter", .flush = note_held, .removed = add_up};

static weir_status build_pair(weir_pipeline *pipeline, void *arg) {
    joint *self = arg;
    weir_channel *one = weir_pipeline_channel(pipeline);
    weir_client_options to = {.loop = weir_channel_loop(one),
                              .host = "127.0.0.1",
                              .port = self->target_port,
                              .channel = self->options};
    weir_channel *other = weir_client_connect(&to, NULL);
    require(other != NULL);
    require(weir_pipeline_add_last(pipeline, &meter, self) == WEIR_OK);
    require(weir_pipeline_add_last(weir_channel_pipeline(other), &meter, self) == WEIR_OK);
    self->paired = weir_relay_pair(one, other);
    atomic_store(&self->other, other);
    atomic_store(&self->one, weir_channel_retain(one));
    return self->paired;
}

static void start_joint(joint *self, bool splice) {
    memset(self, 0, sizeof *self);
    weir_test_context("%s", splice ? "splicing" : "copying");
    weir_log_set_level(WEIR_LOG_ERROR);
    self->options = (weir_channel_options){.read_by_splice = splice, .read_while_unwritable = true};
    self->listener = plain_listen(&self->target_port, 1);
    self->client = self->target = -1;
}

static void connect_joint(joint *self) {
    self->group = weir_loop_group_new(1);
    weir_server_options options = {
        .loops = self->group, .build = build_pair, .build_arg = self, .channel = self->options};
    require(weir_server_start(&self->server, &options) == WEIR_OK);
    self->client = plain_connect(weir_addr_port(weir_server_addr(self->server)));
    require(self->client >= 0);
}

static void accept_target(joint *self) {
    self->target = accept(self->listener, NULL, NULL);
    require(self->target >= 0);
    struct timeval patience = {10, 0};
    setsockopt(self->target, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(self->target, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

static void open_joint(joint *self, bool splice) {
    start_joint(self, splice);
    connect_joint(self);
    accept_target(self);
}

static bool until_both_are_gone(joint *self) {
    weir_loop *loop = weir_loop_group_at(self->group, 0);
    for (int i = 0; i < 10000 && (atomic_load(&self->one) == NULL || weir_loop_channels(loop) > 0); i++)
        wait_ms(1);
    return weir_loop_channels(loop) == 0;
}

static void close_joint(joint *self) {
    if (self->client >= 0) close(self->client);
    if (self->target >= 0) close(self->target);
    close(self->listener);
    weir_server_free(self->server);
    weir_loop_group_free(self->group);
    weir_channel_release(atomic_load(&self->one));
    weir_channel_release(atomic_load(&self->other));
}

static uint8_t byte_at(uint64_t i) {
    return (uint8_t)(i * UINT64_C(2654435761) >> 13);
}

/* ---- one stream: written by one thread, read by another ---- */

typedef struct stream {
    int from, to;
    size_t size, received;
    uint64_t seed;
    bool right, ended;
} stream;

static void *write_stream(void *arg) {
    stream *self = arg;
    uint8_t *bytes = malloc(self->size);
    uint64_t random = self->seed;
    require(bytes != NULL);
    for (size_t i = 0; i < self->size; i++) bytes[i] = byte_at(i);
    for (size_t at = 0; at < self->size;) {
        size_t n = (size_t)seed_below(&random, 100000) + 1, left = self->size - at;
        ssize_t put = send(self->from, bytes + at, n < left ? n : left, MSG_NOSIGNAL);
        if (put <= 0) break;
        at += (size_t)put;
    }
    shutdown(self->from, SHUT_WR);
    free(bytes);
    return NULL;
}

static void *read_stream(void *arg) {
    static _Thread_local uint8_t got[100000];
    stream *self = arg;
    ssize_t n;
    self->right = true;
    while ((n = recv(self->to, got, sizeof got, 0)) > 0) {
        for (ssize_t i = 0; i < n; i++) {
            if (got[i] != byte_at(self->received + (size_t)i)) self->right = false;
        }
        self->received += (size_t)n;
    }
    self->ended = n == 0;
    return NULL;
}

static void expect_whole(const stream *self) {
    expect_eq(self->received, self->size);
    expect(self->right);
    expect(self->ended);
}

WEIR_TEST(relay_handler, both_directions_arrive_whole_at_once_and_both_channels_end) {
    uint64_t seed = seed_start();
    IN_BOTH_MODES(splice) {
        joint self;
        pthread_t threads[4];
        open_joint(&self, splice);
        stream there = {.from = self.client, .to = self.target, .size = 5000000, .seed = seed};
        stream back = {.from = self.target, .to = self.client, .size = 3333333, .seed = seed + 1};
        pthread_create(&threads[0], NULL, write_stream, &there);
        pthread_create(&threads[1], NULL, write_stream, &back);
        pthread_create(&threads[2], NULL, read_stream, &there);
        pthread_create(&threads[3], NULL, read_stream, &back);
        for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
        expect_whole(&there);
        expect_whole(&back);
        expect(until_both_are_gone(&self));
        expect_eq(atomic_load(&self.spliced) > 0, splice);
        close_joint(&self);
    }
}

WEIR_TEST(relay_handler, a_direction_goes_on_while_the_other_is_stuck) {
    IN_BOTH_MODES(splice) {
        joint self;
        pthread_t threads[3];
        open_joint(&self, splice);
        stream stuck = {.from = self.target, .to = self.client, .size = 32 << 20, .seed = 1};
        stream there = {.from = self.client, .to = self.target, .size = 8 << 20, .seed = 2};
        pthread_create(&threads[0], NULL, write_stream, &stuck); /* the client does not read yet */
        pthread_create(&threads[1], NULL, write_stream, &there);
        pthread_create(&threads[2], NULL, read_stream, &there);
        pthread_join(threads[1], NULL);
        pthread_join(threads[2], NULL);
        expect_whole(&there);
        read_stream(&stuck);
        expect_whole(&stuck);
        pthread_join(threads[0], NULL);
        expect(until_both_are_gone(&self));
        close_joint(&self);
    }
}

/* ---- a fast producer and a stalled consumer ---- */

static uint64_t fill_until_stuck(int fd) {
    static uint8_t bytes[64 * 1024];
    uint64_t sent = 0;
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    for (int idle = 0; idle < 30 && sent < (UINT64_C(1) << 30);) {
        for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = byte_at(sent + i);
        ssize_t put = send(fd, bytes, sizeof bytes, MSG_NOSIGNAL);
        if (put > 0) {
            sent += (uint64_t)put;
            idle = 0;
        } else {
            idle++;
            wait_ms(10);
        }
    }
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    return sent;
}

static void stall(bool splice, bool to_client) {
    joint self;
    open_joint(&self, splice);
    int producer = to_client ? self.target : self.client, consumer = to_client ? self.client : self.target;
    uint64_t sent = fill_until_stuck(producer);
    weir_pool_stats pool;
    weir_pool_get_stats(weir_loop_group_pool(self.group), &pool);
    /* The high watermark, and the read that crossed it: 64 KiB, or a pipe of 256 KiB. */
    uint64_t bound = 64 * 1024 + (splice ? 256 : 64) * 1024 + 1024;
    expect(atomic_load(&self.most_held) > 64 * 1024);
    expect(atomic_load(&self.most_held) <= bound);
    expect(pool.active <= bound + 80 * 1024);
    expect(sent > bound);
    shutdown(producer, SHUT_WR);
    stream rest = {.to = consumer, .size = sent};
    read_stream(&rest);
    expect_whole(&rest);
    close_joint(&self);
}

WEIR_TEST(relay_handler, holds_a_bounded_amount_for_a_consumer_that_stalls_in_either_direction) {
    IN_BOTH_MODES(splice) {
        stall(splice, false);
        stall(splice, true);
    }
}

WEIR_TEST(relay_handler, holds_a_bounded_amount_while_it_is_not_connected) {
    IN_BOTH_MODES(splice) {
        joint self;
        start_joint(&self, splice);
        unsigned port = self.target_port;
        int plug[64]; /* fill the backlog, so that connecting takes its time */
        size_t plugs = 0;
        for (; plugs < 64; plugs++) {
            plug[plugs] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
            weir_addr at;
            require(weir_addr_parse(&at, "127.0.0.1", port) == WEIR_OK);
            struct pollfd one = {.fd = plug[plugs], .events = POLLOUT};
            if (connect(plug[plugs], &at.as.sa, at.len) != 0 && poll(&one, 1, 200) == 0) break;
        }
        require(plugs < 64);
        connect_joint(&self);
        uint64_t sent = fill_until_stuck(self.client);
        expect(!weir_channel_is_active(atomic_load(&self.other)));
        expect(weir_channel_pending_bytes(atomic_load(&self.other)) <= (64 + 256 + 1) * 1024);
        expect(sent > (64 + 256 + 1) * 1024);
        for (size_t i = 0; i <= plugs; i++) close(plug[i]);
        for (size_t i = 0; i < plugs; i++) close(accept(self.listener, NULL, NULL));
        accept_target(&self);
        shutdown(self.client, SHUT_WR);
        stream rest = {.to = self.target, .size = sent};
        read_stream(&rest);
        expect_whole(&rest);
        close_joint(&self);
    }
}

/* ---- ends ---- */

static void expect_reset(int fd) {
    char byte;
    ssize_t got;
    while ((got = recv(fd, &byte, 1, 0)) > 0) {
    }
    expect(got == -1 && errno == ECONNRESET);
}

static void expect_text(int fd, const char *words, size_t n) {
    char got[16] = "";
    expect_eq(recv(fd, got, n, MSG_WAITALL), n);
    expect_str(got, words);
}

static void half_close(bool splice, bool to_client) {
    joint self;
    open_joint(&self, splice);
    int first = to_client ? self.target : self.client, second = to_client ? self.client : self.target;
    char none;
    require(send(first, "question", 8, 0) == 8);
    shutdown(first, SHUT_WR);
    expect_text(second, "question", 8);
    expect_eq(recv(second, &none, 1, 0), 0); /* the end behind the bytes, and the way back is open */
    require(send(second, "answer", 6, 0) == 6);
    expect_text(first, "answer", 6);
    shutdown(second, SHUT_WR);
    expect_eq(recv(first, &none, 1, 0), 0);
    expect(until_both_are_gone(&self));
    close_joint(&self);
}

WEIR_TEST(relay_handler, passes_on_the_end_of_one_stream_and_keeps_the_other) {
    IN_BOTH_MODES(splice) {
        half_close(splice, false);
        half_close(splice, true);
    }
}

static void reset(bool splice, bool to_client, bool busy) {
    joint self;
    open_joint(&self, splice);
    int *first = to_client ? &self.target : &self.client, *second = to_client ? &self.client : &self.target;
    require(send(*first, "x", 1, 0) == 1);
    expect_text(*second, "x", 1);
    if (busy) (void)fill_until_stuck(*second);
    plain_reset(*first);
    *first = -1;
    expect_reset(*second);
    expect(until_both_are_gone(&self));
    close_joint(&self);
}

WEIR_TEST(relay_handler, passes_on_a_reset_also_of_a_side_that_was_stuck) {
    IN_BOTH_MODES(splice) {
        reset(splice, false, false);
        reset(splice, true, false);
        reset(splice, false, true);
        reset(splice, true, true);
    }
}

WEIR_TEST(relay_handler, resets_the_client_when_the_target_refuses) {
    joint self;
    start_joint(&self, false);
    close(self.listener);
    self.listener = -1;
    connect_joint(&self);
    expect_reset(self.client);
    expect(until_both_are_gone(&self));
    close_joint(&self);
}

static void close_one(void *arg) {
    weir_channel_close(arg, NULL);
}

static void abort_one(void *arg) {
    weir_channel_abort(arg, WEIR_E_CANCELED);
}

static void remove_relay(void *arg) {
    weir_pipeline_remove(weir_pipeline_find(weir_channel_pipeline(arg), &weir_relay_handler));
}

/* `act` on the accepted channel; how the target sees it. */
static void end_one(weir_task_fn *act, bool orderly) {
    joint self;
    open_joint(&self, false);
    require(send(self.client, "x", 1, 0) == 1);
    expect_text(self.target, "x", 1);
    require(weir_loop_post(weir_loop_group_at(self.group, 0), act, atomic_load(&self.one)) == WEIR_OK);
    char none;
    if (orderly) {
        expect_eq(recv(self.target, &none, 1, 0), 0);
    } else {
        expect_reset(self.target);
    }
    shutdown(self.client, SHUT_WR); /* one that lost its handler goes by its peer's end */
    expect(until_both_are_gone(&self));
    close_joint(&self);
}

WEIR_TEST(relay_handler, ends_the_other_side_as_the_one_is_ended) {
    end_one(close_one, true);
    end_one(abort_one, false);
    end_one(remove_relay, true);
}

WEIR_TEST(relay_handler, refuses_channels_that_would_stop_each_other) {
    joint self;
    start_joint(&self, false);
    weir_log_set_level(WEIR_LOG_OFF);
    self.options.read_while_unwritable = false;
    connect_joint(&self);
    char none;
    expect(recv(self.client, &none, 1, 0) <= 0);
    expect_status(self.paired, WEIR_E_INVALID);
    weir_channel_abort(atomic_load(&self.other), WEIR_E_CANCELED);
    expect(until_both_are_gone(&self));
    close_joint(&self);
}
