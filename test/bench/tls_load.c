/* tls_load.c - load for an HTTPS server of files, by OpenSSL itself, and what it cost that server.
 *
 *     bench_tls_load ADDRESS:PORT --path PATH --verify FILE --pid SERVER [--cipher SUITE]
 *                    --milliseconds N [--resume 1] [--threads N] | --requests N | --idle CONNECTIONS
 *
 * --milliseconds: a connection for each request, handshakes full or with --resume 1 all resumed. --requests: one after the
 * other on one connection. --idle: so many connections, one request on each, and then the server's memory. Every byte of every
 * body is compared with FILE. One line of name=value pairs comes out; server_ns is the CPU time of process --pid, resident
 * and own what each idle connection added to its memory. TLS 1.3, X25519.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/answer.h"
#include "common/loopback.h"
#include "common/meter.h"
#include "common/options.h"

enum {
    THREADS_MAX = 64,
    CHUNK = 64 << 10
};

static uint64_t milliseconds, requests, idle, resume, threads = 4, server, deadline;
static const char *where, *path, *verify, *cipher = "TLS_AES_128_GCM_SHA256";
static answer_format format = {.http = true};
static char request[512];
static atomic_uint_fast64_t handshakes;

/* One thread, or one connection. */
typedef struct client {
    SSL_CTX *context;
    SSL *ssl;
    SSL_SESSION *session; /* the newest the server has given, or NULL */
    pthread_t thread;
} client;

static _Noreturn void refuse(const char *what) {
    fprintf(stderr, "%s: ", what);
    ERR_print_errors_fp(stderr);
    answer_refuse(what);
}

static int keep_session(SSL *ssl, SSL_SESSION *session) {
    client *self = SSL_get_app_data(ssl);
    SSL_SESSION_free(self->session);
    self->session = session;
    return 1;
}

static void open_context(client *self) {
    self->context = SSL_CTX_new(TLS_client_method());
    if (self->context == NULL || SSL_CTX_set_min_proto_version(self->context, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_ciphersuites(self->context, cipher) != 1 ||
        SSL_CTX_set1_groups_list(self->context, "X25519") != 1)
        refuse("no context");
    SSL_CTX_set_mode(self->context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(self->context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(self->context, keep_session);
}

static void shake_hands(client *self) {
    int fd = loopback_connect(where);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    self->ssl = SSL_new(self->context);
    if (self->ssl == NULL || SSL_set_fd(self->ssl, fd) != 1) refuse("no connection");
    SSL_set_app_data(self->ssl, self);
    bool resumes = resume != 0 && self->session != NULL;
    if (resumes) SSL_set_session(self->ssl, self->session);
    if (SSL_connect(self->ssl) != 1) refuse("a handshake failed");
    if (SSL_session_reused(self->ssl) != resumes) refuse("a handshake was not of the kind that was wanted");
}

static void fetch(client *self) {
    static _Thread_local uint8_t bytes[CHUNK];
    answer reply = {0};
    if (SSL_write(self->ssl, request, (int)strlen(request)) <= 0) refuse("a request was not taken");
    for (uint64_t ended = 0; ended == 0;) {
        size_t got;
        if (SSL_read_ex(self->ssl, bytes, sizeof bytes, &got) != 1) refuse("an answer ended early");
        ended = answer_take(&reply, &format, bytes, got);
    }
}

static void hang_up(client *self) {
    SSL_shutdown(self->ssl);
    close(SSL_get_fd(self->ssl));
    SSL_free(self->ssl);
}

static void one_visit(client *self) {
    shake_hands(self);
    fetch(self);
    hang_up(self);
}

static void *visit(void *arg) {
    client *self = arg;
    while (meter_now() < deadline) {
        one_visit(self);
        atomic_fetch_add(&handshakes, 1);
    }
    return NULL;
}

static void measure_visits(void) {
    static client clients[THREADS_MAX];
    if (threads > THREADS_MAX) answer_refuse("too many threads");
    for (uint64_t i = 0; i < threads; i++) {
        open_context(&clients[i]);
        one_visit(&clients[i]); /* to have a session, and to warm up */
    }
    uint64_t start = meter_now(), cpu = meter_cpu(server);
    deadline = start + milliseconds * 1000000;
    for (uint64_t i = 0; i < threads; i++)
        if (pthread_create(&clients[i].thread, NULL, visit, &clients[i]) != 0) die("no thread");
    for (uint64_t i = 0; i < threads; i++) pthread_join(clients[i].thread, NULL);
    printf("handshakes=%" PRIuFAST64 " ns=%" PRIu64 " server_ns=%" PRIu64 "\n", handshakes,
           meter_now() - start, meter_cpu(server) - cpu);
}

static void measure_bodies(void) {
    client self = {0};
    open_context(&self);
    shake_hands(&self);
    uint64_t start = meter_now(), cpu = meter_cpu(server);
    for (uint64_t i = 0; i < requests; i++) fetch(&self);
    uint64_t ns = meter_now() - start;
    printf("bytes=%" PRIu64 " ns=%" PRIu64 " server_ns=%" PRIu64 "\n", requests * format.size, ns,
           meter_cpu(server) - cpu);
    hang_up(&self);
}

static int64_t each(uint64_t before, uint64_t after) {
    return ((int64_t)after - (int64_t)before) / (int64_t)idle;
}

/* The first pays for what is made once. */
static void measure_idle(void) {
    client first = {0}, *clients = calloc(idle, sizeof *clients);
    if (clients == NULL) die("out of memory");
    open_context(&first);
    one_visit(&first);
    uint64_t resident = meter_memory(server, "Rss"), own = meter_memory(server, "Private_Dirty");
    for (uint64_t i = 0; i < idle; i++) {
        clients[i].context = first.context;
        shake_hands(&clients[i]);
        fetch(&clients[i]);
    }
    printf("connections=%" PRIu64 " begin=%" PRIu64 " resident=%" PRId64 " own=%" PRId64 "\n", idle, resident,
           each(resident, meter_memory(server, "Rss")), each(own, meter_memory(server, "Private_Dirty")));
    for (uint64_t i = 0; i < idle; i++) hang_up(&clients[i]);
    free(clients);
}

static void map_truth(void) {
    struct stat stat;
    int fd = verify == NULL ? -1 : open(verify, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &stat) != 0) die("--verify");
    format.size = (uint64_t)stat.st_size;
    void *map = mmap(NULL, format.size, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) die(verify);
    format.truth = map;
}

int main(int argc, char **argv) {
    where = options_read(argc, argv,
                         (option[]){{"--milliseconds", .number = &milliseconds},
                                    {"--requests", .number = &requests},
                                    {"--idle", .number = &idle},
                                    {"--resume", .number = &resume},
                                    {"--threads", .number = &threads},
                                    {"--pid", .number = &server},
                                    {"--path", .text = &path},
                                    {"--verify", .text = &verify},
                                    {"--cipher", .text = &cipher},
                                    {0}});
    if (where == NULL || path == NULL || (milliseconds != 0) + (requests != 0) + (idle != 0) != 1)
        answer_refuse(
            "needed: ADDRESS:PORT, --path, --verify, and one of --milliseconds, --requests, --idle");
    loopback_raise_limit();
    map_truth();
    snprintf(request, sizeof request, "GET /%s HTTP/1.1\r\nHost: %s\r\n\r\n", path, where);
    if (milliseconds != 0) measure_visits();
    if (requests != 0) measure_bodies();
    if (idle != 0) measure_idle();
    return 0;
}
