/* echo_load.c - load for an echo server, and what it cost that server. Every byte is compared.
 *
 *     bench_echo_load ADDRESS:PORT [--connections N] [--size BYTES] [--depth N] [--pid SERVER]
 *                     [--messages N | --milliseconds N] [--warm N] [--rate N]
 *
 * Each connection keeps `depth` messages on their way. With --messages so many are sent in all, the same
 * number on each connection; else for so many milliseconds. The first --warm messages of each connection
 * are not measured. One line of name=value pairs comes out; server_ns is the CPU time of process --pid, p50 to
 * p999 are how long a message was on its way, in ns.
 *
 * With --rate so many messages a second fall due, each on the next connection, whether or not the answers keep up, and
 * a message is on its way from the moment it was due: what a slow server keeps waiting counts as waiting. `depth` is
 * then the most a connection may owe.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "common/echo_stream.h"
#include "common/histogram.h"
#include "common/loopback.h"
#include "common/meter.h"
#include "common/options.h"
#include "common/pattern.h"

enum {
    EVENTS = 1024,
    SILENCE_MS = 20000
};

typedef struct connection {
    echo_stream stream; /* first: events name it */
    uint64_t limit;     /* bytes to send before it is done with this phase */
    uint64_t stamped;   /* messages whose times of sending are noted */
    uint64_t *times;    /* of the last `depth` messages */
} connection;

static uint64_t connections = 1, size = 64, depth = 1, messages, milliseconds, warm = 16, rate, server;
static connection *all;
static int poll_fd;
static histogram waits;

/* Messages that have begun when so many bytes are on their way. */
static void stamp(connection *self, uint64_t bytes, uint64_t now) {
    while (rate == 0 && self->stamped * size < bytes) self->times[self->stamped++ % depth] = now;
}

static void send_allowed(connection *self, uint64_t now) {
    echo_stream *stream = &self->stream;
    uint64_t window = (stream->received / size + depth) * size;
    uint64_t end = window < self->limit ? window : self->limit;
    while (stream->sent < end) {
        uint64_t chunk = stream->sent + ECHO_STREAM_CHUNK;
        stamp(self, chunk < end ? chunk : end, now);
        if (!echo_stream_send(stream, end)) return;
    }
}

static void receive_all(connection *self, uint64_t now) {
    uint64_t before = self->stream.received / size;
    echo_stream_receive(&self->stream);
    for (; before < self->stream.received / size; before++) {
        histogram_note(&waits, now - self->times[before % depth]);
    }
}

static bool is_done(const connection *self) {
    return self->stream.received >= self->limit;
}

/* Reads and writes what is ready. Answers how many connections came to their ends by it. */
static uint64_t attend(int timeout) {
    struct epoll_event events[EVENTS];
    uint64_t ended = 0;
    int n = epoll_wait(poll_fd, events, EVENTS, timeout);
    if (n == 0 && timeout != 0) die("nothing came back for 20 s");
    for (int i = 0; i < n; i++) {
        connection *self = events[i].data.ptr;
        if (rate == 0 && is_done(self)) continue;
        uint64_t now = meter_now();
        receive_all(self, now);
        send_allowed(self, now);
        ended += is_done(self);
    }
    return ended;
}

/* Until every connection has its last message back; from `deadline` on no new one is begun. */
static void run(uint64_t limit, uint64_t deadline) {
    uint64_t running = connections;
    for (uint64_t i = 0; i < connections; i++) {
        all[i].limit = limit;
        send_allowed(&all[i], meter_now());
    }
    for (bool stopping = false; running > 0;) {
        if (!stopping && meter_now() >= deadline) {
            stopping = true;
            for (uint64_t i = 0; i < connections; i++) {
                all[i].limit = (all[i].stream.sent + size - 1) / size * size;
                if (is_done(&all[i])) running--;
            }
            continue;
        }
        running -= attend(SILENCE_MS);
    }
}

/* The message that fell due at `due`. */
static void owe(connection *self, uint64_t due) {
    if (self->stamped - self->stream.received / size == depth)
        die("the server is too far behind: a lower --rate is needed");
    self->times[self->stamped++ % depth] = due;
    self->limit = self->stamped * size;
    send_allowed(self, due);
}

/* Never sleeps, so that no message is late for the load's own reasons. */
static void run_paced(uint64_t start, uint64_t deadline) {
    uint64_t owed = 0, answered = waits.count;
    for (uint64_t now = start; now < deadline; now = meter_now()) {
        for (; start + owed * 1000000000u / rate <= now; owed++) {
            owe(&all[owed % connections], start + owed * 1000000000u / rate);
        }
        attend(0);
    }
    while (waits.count < answered + owed) {
        if (meter_now() > deadline + (uint64_t)SILENCE_MS * 1000000) die("the last answers did not come");
        attend(0);
    }
}

static void connect_all(const char *where) {
    all = calloc(connections, sizeof *all);
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (all == NULL || poll_fd < 0) die("out of memory or descriptors");
    for (uint64_t i = 0; i < connections; i++) {
        echo_stream_open(&all[i].stream, where, i, poll_fd);
        all[i].times = calloc(depth, sizeof *all[i].times);
        if (all[i].times == NULL) die("out of memory");
    }
}

static uint64_t received_by_all(void) {
    uint64_t sum = 0;
    for (uint64_t i = 0; i < connections; i++) sum += all[i].stream.received;
    return sum;
}

static void warm_up(void) {
    uint64_t paced = rate;
    rate = 0;
    if (warm > 0) run(warm * size, UINT64_MAX);
    rate = paced;
    histogram_clear(&waits);
}

int main(int argc, char **argv) {
    const option table[] = {{"--connections", .number = &connections},
                            {"--size", .number = &size},
                            {"--depth", .number = &depth},
                            {"--messages", .number = &messages},
                            {"--warm", .number = &warm},
                            {"--milliseconds", .number = &milliseconds},
                            {"--rate", .number = &rate},
                            {"--pid", .number = &server},
                            {0}};
    const char *where = options_read(argc, argv, table);
    if (connections == 0 || size == 0 || depth == 0 || (messages == 0) == (milliseconds == 0) ||
        (rate != 0 && milliseconds == 0)) {
        fprintf(stderr,
                "bench_echo_load: needed: --messages or --milliseconds (with --rate that), and nothing 0\n");
        return 2;
    }
    loopback_raise_limit();
    pattern_init();
    connect_all(where);
    warm_up();

    uint64_t before = received_by_all();
    uint64_t server_cpu = server != 0 ? meter_cpu(server) : 0, cpu = meter_cpu(0), start = meter_now();
    uint64_t limit = messages != 0 ? (warm + messages / connections) * size : UINT64_MAX / size * size;
    uint64_t deadline = milliseconds != 0 ? start + milliseconds * 1000000 : UINT64_MAX;
    if (rate != 0) {
        run_paced(start, deadline);
    } else {
        run(limit, deadline);
    }
    uint64_t ns = meter_now() - start;
    cpu = meter_cpu(0) - cpu;
    server_cpu = server != 0 ? meter_cpu(server) - server_cpu : 0;

    uint64_t bytes = received_by_all() - before;
    printf("messages=%" PRIu64 " bytes=%" PRIu64 " ns=%" PRIu64 " load_ns=%" PRIu64 " server_ns=%" PRIu64,
           bytes / size, bytes, ns, cpu, server_cpu);
    histogram_print(&waits);
    putchar('\n');
    return 0;
}
