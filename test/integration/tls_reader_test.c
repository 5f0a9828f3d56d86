/* tls_reader_test.c - readers of files over TLS that stop, go on, or are gone, and what that costs the server. */
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weir/testing.h>

#include "tls_place.h"

enum {
    READERS = 8,
    BIG = 64 << 20, /* each: what a server that reads ahead would hold */
    HELD_MOST = 32 << 20
};

struct reader {
    SSL_CTX *context;
    SSL *ssl;
    int fd;
};

/* Whom it talks to is others' to check. */
static void connect_to(struct reader *self, unsigned port) {
    self->context = SSL_CTX_new(TLS_client_method());
    self->ssl = SSL_new(self->context);
    self->fd = dial(port);
    SSL_set_fd(self->ssl, self->fd);
    require(SSL_connect(self->ssl) == 1);
}

static void ask(struct reader *self, const char *name) {
    char request[200];
    int n = snprintf(request, sizeof request, "GET /%s HTTP/1.1\r\nHost: a\r\n\r\n", name);
    require(SSL_write(self->ssl, request, n) == n);
}

static void receive(struct reader *self, void *to, size_t n) {
    for (size_t got = 0, more; got < n; got += more)
        require(SSL_read_ex(self->ssl, (char *)to + got, n - got, &more) == 1);
}

static void receive_head(struct reader *self) {
    char end[4] = "";
    while (memcmp(end, "\r\n\r\n", 4) != 0) {
        memmove(end, end + 1, 3);
        receive(self, end + 3, 1);
    }
}

/* The rest of the body, compared with the file from `at` on. */
static void expect_rest(struct reader *self, FILE *file, size_t at, size_t size) {
    static char came[1 << 16], truth[1 << 16];
    require(fseek(file, (long)at, SEEK_SET) == 0);
    for (size_t n; at < size; at += n) {
        n = size - at < sizeof came ? size - at : sizeof came;
        receive(self, came, n);
        require(fread(truth, 1, n, file) == n && memcmp(came, truth, n) == 0);
    }
}

static void close_reader(struct reader *self, bool by_reset) {
    struct linger linger = {.l_onoff = 1};
    if (by_reset) setsockopt(self->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    if (!by_reset) SSL_shutdown(self->ssl);
    close(self->fd);
    SSL_free(self->ssl);
    SSL_CTX_free(self->context);
}

/* Its own memory: pages of files that it maps are the page cache's. */
static long resident(const struct program *program) {
    char line[200] = "";
    long kib = 0;
    snprintf(line, sizeof line, "/proc/%d/status", (int)program->pid);
    FILE *file = fopen(line, "r");
    require(file != NULL);
    while (fgets(line, sizeof line, file) != NULL) sscanf(line, "RssAnon: %ld", &kib);
    fclose(file);
    return kib * 1024;
}

/* Until nothing more is sent: the memory stays the same for a while. */
static long resident_at_rest(const struct program *program) {
    long before = 0, now = resident(program);
    for (int i = 0; i < 200 && before != now; i++) {
        usleep(100000);
        before = now;
        now = resident(program);
    }
    return now;
}

WEIR_TEST(tls_reader, that_stops_is_not_read_ahead_for) {
    static char some[100000];
    struct tls_place place;
    struct reader readers[READERS];
    tls_place_open(&place);
    require(setenv("WEIR_LEAK_TRACK", "0", 1) == 0); /* or what it notes is measured */
    tls_place_serve_files(&place);
    place_write(&place.place, "big", BIG);
    FILE *file = fopen(place_path(&place.place, "big"), "r");
    require(file != NULL);
    long before = resident(&place.server);
    for (int i = 0; i < READERS; i++) {
        connect_to(&readers[i], place.port);
        ask(&readers[i], "big");
        receive_head(&readers[i]);
        receive(&readers[i], some, sizeof some);
    }
    long held = resident_at_rest(&place.server) - before;
    weir_test_context("%ld KiB", held >> 10);
    expect(held < HELD_MOST);
    expect_rest(&readers[0], file, sizeof some, BIG);
    for (int i = 0; i < READERS; i++) close_reader(&readers[i], i % 2 == 1);
    fclose(file);
    tls_place_close(&place);
}

WEIR_TEST(tls_reader, that_is_reset_in_the_middle_leaves_the_others_alone) {
    enum {
        SIZE = 5 << 20
    };
    static char some[SIZE];
    struct tls_place place;
    struct reader gone, stays;
    tls_place_open(&place);
    tls_place_serve_files(&place);
    place_write(&place.place, "page", SIZE);
    FILE *file = fopen(place_path(&place.place, "page"), "r");
    require(file != NULL);
    connect_to(&stays, place.port);
    ask(&stays, "page");
    receive_head(&stays);
    for (size_t at = 0; at < SIZE; at += SIZE / 7) {
        connect_to(&gone, place.port);
        ask(&gone, "page");
        receive_head(&gone);
        receive(&gone, some, at);
        close_reader(&gone, true);
    }
    expect_rest(&stays, file, 0, SIZE);
    ask(&stays, "page");
    receive_head(&stays);
    expect_rest(&stays, file, 0, SIZE);
    close_reader(&stays, false);
    fclose(file);
    tls_place_close(&place);
}

/* ---- gone without a close_notify ---- */

/* Ends what it sends, as TCP does, and waits for the server's end. */
static void cut(struct reader *self) {
    char drop[1000];
    shutdown(self->fd, SHUT_WR);
    while (recv(self->fd, drop, sizeof drop, 0) > 0) continue;
    close(self->fd);
    SSL_free(self->ssl);
    SSL_CTX_free(self->context);
}

/* RFC 9112 9.8: in the middle of a request something was lost, and that is said; between requests nothing was. */
WEIR_TEST(tls_reader, that_is_cut_is_complained_of_only_inside_of_a_request) {
    enum {
        SIZE = 1000
    };
    struct tls_place place;
    struct reader reader;
    tls_place_open(&place);
    tls_place_serve_files(&place);
    place_write(&place.place, "page", SIZE);
    FILE *file = fopen(place_path(&place.place, "page"), "r");
    require(file != NULL);
    connect_to(&reader, place.port);
    cut(&reader);
    connect_to(&reader, place.port);
    ask(&reader, "page");
    receive_head(&reader);
    expect_rest(&reader, file, 0, SIZE);
    cut(&reader);
    expect_str(program_err(&place.server), "");
    connect_to(&reader, place.port);
    require(SSL_write(reader.ssl, "GET /pa", 7) == 7);
    cut(&reader);
    expect(program_complains(&place.server, "close_notify"));
    fclose(file);
    tls_place_close(&place);
}
