/* soak_load.c - thousands of connections to all servers at once, churning, each byte of each answer compared.
 *
 *     soak_load --connections N --seconds S --root DIR --echo HOST:PORT --file .. --http .. --websocket .. --tls .. --https ..
 *
 * One thread on epoll. Those who are slow have ticks instead of events. When time is up nothing begins any more, and what
 * is under way is given --patience seconds. --calm 1 leaves out all but those who are measured. A line for each server is printed at the end: key=value, for a program to read.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "common/loopback.h"
#include "common/meter.h"
#include "common/options.h"
#include "soak_talk.h"

enum {
    EVENTS = 512,
    TICK_MS = 20,
    BEGUN_A_TICK = 40
};

static struct soak {
    const char *where[SOAK_SERVERS];
    soak_shape shapes[SOAK_SERVERS][SOAK_SHAPES];
    soak_totals totals[SOAK_SERVERS];
    histogram latency;
    SSL_CTX *tls;
    soak_talk *talks;
    uint64_t connections, seed, tick, open, most_open;
    uint64_t patience; /* seconds */
    uint64_t calm;     /* not 0: all are */
    int epoll;
} soak = {.connections = 2000, .patience = 60, .seed = 88172645463325252u};

static uint64_t below(uint64_t n) {
    return soak_random(&soak.seed) % n;
}

static soak_temper pick_temper(void) {
    if (soak.calm != 0) return SOAK_calm;
    uint64_t dice = below(100);
    return dice < 60   ? SOAK_calm
           : dice < 68 ? SOAK_greedy
           : dice < 76 ? SOAK_slow_reader
           : dice < 84 ? SOAK_slow_writer
           : dice < 93 ? SOAK_resetter
                       : SOAK_half_open;
}

/* Resetters of TLS have units that fit one record: the first byte back means that all of it was read. */
static const soak_shape *pick_shape(soak_server server, soak_temper temper) {
    for (;;) {
        const soak_shape *shape = &soak.shapes[server][below(SOAK_SHAPES)];
        if (server != SOAK_TLS || temper != SOAK_resetter || shape->out.unit.length <= 4096) return shape;
    }
}

static void begin(soak_talk *talk) {
    soak_server server;
    do server = (soak_server)below(SOAK_SERVERS);
    while (soak.where[server] == NULL);
    soak_temper temper = pick_temper();
    soak_talk_begin(talk, pick_shape(server, temper), &soak.totals[server], temper, soak.where[server],
                    server >= SOAK_TLS ? soak.tls : NULL, soak.tick);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = talk};
    if (!soak_talk_is_slow(talk) && epoll_ctl(soak.epoll, EPOLL_CTL_ADD, talk->fd, &event) != 0)
        die("epoll_ctl");
    if (++soak.open > soak.most_open) soak.most_open = soak.open;
}

static void fill_up(void) {
    unsigned begun = 0;
    for (uint64_t i = 0; i < soak.connections && begun < BEGUN_A_TICK; i++) {
        if (soak.talks[i].fd >= 0) continue;
        begin(&soak.talks[i]);
        begun++;
    }
}

static void tick_all(void) {
    soak.tick++;
    for (uint64_t i = 0; i < soak.connections; i++) {
        soak_talk *talk = &soak.talks[i];
        if (talk->fd >= 0 && !soak_talk_tick(talk, soak.tick, &soak.latency)) soak.open--;
    }
}

static void wait_until(uint64_t when) {
    struct epoll_event events[EVENTS];
    uint64_t now = meter_now();
    do {
        int ms = now < when ? (int)((when - now) / 1000000 + 1) : 0;
        int n = epoll_wait(soak.epoll, events, EVENTS, ms);
        for (int i = 0; i < n; i++) {
            soak_talk *talk = events[i].data.ptr;
            if (talk->fd >= 0 && !soak_talk_go_on(talk, &soak.latency)) soak.open--;
        }
        now = meter_now();
    } while (now < when);
}

static void run(uint64_t seconds) {
    uint64_t next = meter_now(), over = next + seconds * 1000000000u,
             give_up = over + soak.patience * 1000000000u;
    while (next < over || (soak.open > 0 && next < give_up)) {
        if (next < over) fill_up();
        tick_all();
        next += TICK_MS * 1000000u;
        uint64_t now = meter_now();
        if (next < now) next = now; /* the machine is slow: fewer ticks, not a burst of them */
        wait_until(next);
    }
    for (uint64_t i = 0; i < soak.connections; i++) {
        if (soak.talks[i].fd >= 0) soak_talk_leave(&soak.talks[i]);
    }
}

static void print_totals(void) {
#define SOAK_NAME(name) #name,
    static const char *const tempers[] = {SOAK_TEMPERS(SOAK_NAME)};
#undef SOAK_NAME
    for (int i = 0; i < SOAK_SERVERS; i++) {
        const soak_totals *of = &soak.totals[i];
        if (soak.where[i] == NULL) continue;
        printf("server=%s connections=%" PRIu64 " units=%" PRIu64 " handshakes=%" PRIu64 " bytes_out=%" PRIu64
               " bytes_in=%" PRIu64 " whole=%" PRIu64 " corrupt=%" PRIu64 " cut=%" PRIu64 " left=%" PRIu64,
               soak_server_names[i], of->begun, of->units, of->handshakes, of->bytes_out, of->bytes_in,
               of->whole, of->corrupt, of->cut, of->left);
        for (int k = 0; k < SOAK_TEMPER_COUNT; k++) printf(" %s=%" PRIu64, tempers[k], of->by_temper[k]);
        putchar('\n');
    }
    printf("most_open=%" PRIu64, soak.most_open);
    histogram_print(&soak.latency);
    putchar('\n');
}

static void make_tls(void) {
    soak.tls = SSL_CTX_new(TLS_client_method());
    if (soak.tls == NULL) die("SSL_CTX_new");
    SSL_CTX_set_verify(soak.tls, SSL_VERIFY_NONE, NULL); /* the certificate was made a moment ago */
    SSL_CTX_set_mode(soak.tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

int main(int argc, char **argv) {
    uint64_t seconds = 60;
    const char *root = NULL;
    options_read(argc, argv,
                 (option[]){{"--connections", .number = &soak.connections},
                            {"--seconds", .number = &seconds},
                            {"--seed", .number = &soak.seed},
                            {"--root", .text = &root},
                            {"--patience", .number = &soak.patience},
                            {"--calm", .number = &soak.calm},
                            {"--echo", .text = &soak.where[SOAK_ECHO]},
                            {"--file", .text = &soak.where[SOAK_FILE]},
                            {"--http", .text = &soak.where[SOAK_HTTP]},
                            {"--websocket", .text = &soak.where[SOAK_WEBSOCKET]},
                            {"--tls", .text = &soak.where[SOAK_TLS]},
                            {"--https", .text = &soak.where[SOAK_HTTPS]},
                            {0}});
    loopback_raise_limit();
    make_tls();
    for (int i = 0; i < SOAK_SERVERS; i++) {
        if (soak.where[i] == NULL) continue;
        soak.totals[i].begun =
            soak_shapes_make(soak.shapes[i], (soak_server)i, soak.where[i], root, soak.tls);
        if (i == SOAK_HTTP || i == SOAK_HTTPS) soak.totals[i].units = soak.totals[i].begun;
    }
    soak.epoll = epoll_create1(EPOLL_CLOEXEC);
    soak.talks = calloc(soak.connections, sizeof *soak.talks);
    if (soak.epoll < 0 || soak.talks == NULL) die("no room");
    for (uint64_t i = 0; i < soak.connections; i++) soak.talks[i].fd = -1;
    run(seconds);
    print_totals();
    return 0;
}
