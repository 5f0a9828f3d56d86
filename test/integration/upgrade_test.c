/* upgrade_test.c - servers that are stopped, reloaded and replaced while they are called, and nobody notices.
 *
 * A process that takes over is a child of the one before: this one adopts it when that one ends.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <weir/testing.h>

#include "place.h"
#include "program.h"

static void sleep_ms(long ms) {
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* ---- load: each request is answered, whoever answers ---- */

enum {
    KEEPING = 4, /* callers that stay connected for as long as they are let */
    CALLERS = 7, /* the others connect for each request */
    RESTARTS = 10
};

struct caller {
    pthread_t thread;
    unsigned port;
    bool keeps;
    SSL_CTX *tls; /* NULL: without */
    atomic_bool *is_over;
    atomic_ulong answered, connections;
    _Atomic(const char *) failed; /* what, or NULL */
};

/* One connection, with or without TLS. */
struct line {
    int fd;
    SSL *ssl;
};

static bool line_open(struct line *self, const struct caller *caller) {
    self->fd = dial(caller->port);
    self->ssl = NULL;
    if (caller->tls == NULL) return true;
    self->ssl = SSL_new(caller->tls);
    return self->ssl != NULL && SSL_set_fd(self->ssl, self->fd) == 1 && SSL_connect(self->ssl) == 1;
}

static bool line_send(struct line *self, const char *text) {
    int n = (int)strlen(text);
    return self->ssl != NULL ? SSL_write(self->ssl, text, n) == n
                             : send(self->fd, text, (size_t)n, MSG_NOSIGNAL) == n;
}

static ssize_t line_receive(struct line *self, char *to, size_t n) {
    return self->ssl != NULL ? SSL_read(self->ssl, to, (int)n) : recv(self->fd, to, n, 0);
}

static void line_close(struct line *self) {
    if (self->ssl != NULL) SSL_shutdown(self->ssl);
    SSL_free(self->ssl);
    close(self->fd);
}

/* One answer with the length that /plaintext has; whether more may follow is in `closes`. */
static bool read_answer(struct line *line, bool *closes) {
    char text[1024];
    size_t n = 0;
    for (;;) {
        ssize_t got = line_receive(line, text + n, sizeof text - 1 - n);
        if (got <= 0) return false;
        n += (size_t)got;
        text[n] = '\0';
        const char *body = strstr(text, "\r\n\r\n");
        if (body == NULL || strlen(body) < 4 + 13) continue;
        *closes = strstr(text, "Connection: close\r\n") != NULL;
        return strncmp(text, "HTTP/1.1 200 OK\r\n", 17) == 0 && strcmp(body + 4, "Hello, World!") == 0;
    }
}

static const char *ask(struct caller *self, struct line *line, bool *closes) {
    const char *request = self->keeps ? "GET /plaintext HTTP/1.1\r\nHost: a\r\n\r\n"
                                      : "GET /plaintext HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    if (!line_send(line, request)) return "a request not sent";
    if (!read_answer(line, closes)) return "a request not answered";
    self->answered++;
    return NULL;
}

static void *call(void *arg) {
    struct caller *self = arg;
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE); /* a write that fails tells of itself */
    pthread_sigmask(SIG_BLOCK, &pipe, NULL);
    while (!atomic_load(self->is_over) && self->failed == NULL) {
        struct line line;
        bool closes = false;
        self->connections++;
        if (!line_open(&line, self)) self->failed = "no handshake";
        while (self->failed == NULL && !closes && !atomic_load(self->is_over)) {
            self->failed = ask(self, &line, &closes);
        }
        line_close(&line);
    }
    return NULL;
}

static void begin_calls(struct caller *callers, unsigned port, SSL_CTX *context, atomic_bool *is_over) {
    for (int i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){.port = port, .keeps = i < KEEPING, .tls = context, .is_over = is_over};
        require(pthread_create(&callers[i].thread, NULL, call, &callers[i]) == 0);
    }
}

static void end_calls(struct caller *callers, atomic_bool *is_over) {
    atomic_store(is_over, true);
    for (int i = 0; i < CALLERS; i++) {
        pthread_join(callers[i].thread, NULL);
        weir_test_context("caller %d: %lu answers on %lu connections, %s", i, callers[i].answered,
                          callers[i].connections, callers[i].failed == NULL ? "all" : callers[i].failed);
        expect(callers[i].failed == NULL);
        expect(callers[i].answered > RESTARTS);
        expect(callers[i].connections > RESTARTS); /* those that stay had to move each time */
    }
}

/* Those who stay are with the nth server, and were answered: so that each of them moves each time. */
static void wait_for_callers(struct caller *callers, unsigned long nth) {
    for (int i = 0; i < KEEPING; i++) {
        unsigned long before = callers[i].answered;
        for (int waited = 0; waited < 30000 && callers[i].failed == NULL; waited += 2) {
            if (callers[i].connections >= nth && callers[i].answered > before) break;
            sleep_ms(2);
        }
    }
}

/* ---- replacing ---- */

/* The process that the `nth` "handed over" line names, waited for; 0: none. */
static pid_t successor(struct program *server, int nth) {
    for (int waited = 0; waited < 30000; waited += 5) {
        const char *at = program_out(server);
        for (int i = 0; i <= nth && at != NULL; i++) {
            at = strstr(at, "handed over to process ");
            if (at != NULL) at += strlen("handed over to process ");
        }
        if (at != NULL && strchr(at, '\n') != NULL) return (pid_t)strtol(at, NULL, 10);
        sleep_ms(5);
    }
    return 0;
}

/* Afterwards `server` is the new process. */
static void replace(struct program *server, int nth) {
    program_signal(server, SIGUSR2);
    pid_t next = successor(server, nth);
    weir_test_context("restart %d: %s", nth, program_err(server));
    require(next > 0);
    expect_eq(program_wait(server, 30000), 0);
    server->pid = next;
}

static void replace_under_load(const char *loops, SSL_CTX *context) {
    struct program server;
    struct caller callers[CALLERS];
    atomic_bool is_over = false;
    require(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
    program_start(&server, "http_hello", "--port", "0", "--loops", loops,
                  context != NULL ? "--tls-self-signed" : NULL, NULL);
    unsigned port = program_port(&server);
    begin_calls(callers, port, context, &is_over);
    for (int i = 0; i < RESTARTS; i++) {
        wait_for_callers(callers, (unsigned long)i + 1);
        replace(&server, i);
    }
    end_calls(callers, &is_over);
    expect_eq(program_stop(&server), 0);
    expect(strstr(program_err(&server), "anitizer") == NULL);
    program_end(&server);
}

WEIR_TEST(upgrade, fails_no_request_through_ten_restarts) {
    replace_under_load("1", NULL);
}

/* Then each loop has a listening socket and a backlog of its own. */
WEIR_TEST(upgrade, fails_no_request_of_several_listening_sockets) {
    replace_under_load("3", NULL);
}

/* A connection that waits in the backlog begins its handshake with whoever accepts it. */
WEIR_TEST(upgrade, fails_no_request_and_no_handshake_under_tls) {
    SSL_CTX *context = SSL_CTX_new(TLS_client_method()); /* whom it talks to is others' to check */
    require(context != NULL);
    replace_under_load("2", context);
    SSL_CTX_free(context);
}

WEIR_TEST(upgrade, goes_on_when_the_new_process_does_not_come_to_serve) {
    struct program server;
    struct place place;
    char log[300];
    place_open(&place);
    snprintf(log, sizeof log, "%s", place_path(&place, "logs/access"));
    place_write(&place, "logs/access", 0);
    program_start(&server, "http_file_server", "--port", "0", "--root", place.folder, "--log", log, NULL);
    unsigned port = program_port(&server);
    char command[700];
    snprintf(command, sizeof command, "mv '%s/logs' '%s/elsewhere'", place.folder, place.folder);
    expect_eq(system(command), 0); /* so that it cannot be opened again */
    program_signal(&server, SIGUSR2);
    expect(program_complains(&server, "the new process does not serve: this one goes on"));
    char reply[4096], request[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    expect(converse(dial(port), request, strlen(request), reply, sizeof reply) > 0);
    expect_eq(program_stop(&server), 0);
    program_end(&server);
    place_close(&place);
}

WEIR_TEST(upgrade, tells_the_service_manager_who_serves) {
    struct place place;
    struct program server;
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    char text[100] = "", expected[100];
    place_open(&place);
    snprintf(at.sun_path, sizeof at.sun_path, "%s", place_path(&place, "notify"));
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    require(bind(fd, (struct sockaddr *)(void *)&at, sizeof at) == 0);
    struct timeval patience = {.tv_sec = 10};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setenv("NOTIFY_SOCKET", at.sun_path, 1);
    program_start(&server, "http_hello", "--port", "0", "--loops", "1", NULL);
    unsetenv("NOTIFY_SOCKET");
    expect(recv(fd, text, sizeof text - 1, 0) > 0);
    snprintf(expected, sizeof expected, "READY=1\nMAINPID=%ld", (long)server.pid);
    expect_str(text, expected);
    expect_eq(program_stop(&server), 0);
    program_end(&server);
    close(fd);
    place_close(&place);
}

/* ---- stopping ---- */

enum {
    BIG = 8 << 20,
    READERS = 8
};

/* Waits until nobody listens there. */
static bool comes_to_refuse(unsigned port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int waited = 0; waited < 10000; waited += 5) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        bool connected = connect(fd, (struct sockaddr *)(void *)&to, sizeof to) == 0;
        close(fd);
        if (!connected) return true;
        sleep_ms(5);
    }
    return false;
}

/* Reads to the end; answers how many bytes came, -1 after a reset. */
static ssize_t read_to_end(int fd) {
    static char drop[65536];
    ssize_t n, all = 0;
    while ((n = recv(fd, drop, sizeof drop, 0)) > 0) all += n;
    return n < 0 ? -1 : all;
}

WEIR_TEST(upgrade, answers_what_is_under_way_when_it_is_told_to_stop) {
    struct place place;
    struct program server;
    int fds[READERS];
    char first[256], request[] = "GET /big HTTP/1.1\r\nHost: a\r\n\r\n";
    place_open(&place);
    place_write(&place, "big", BIG);
    program_start(&server, "http_file_server", "--port", "0", "--loops", "2", "--root", place.folder, NULL);
    unsigned port = program_port(&server);
    for (int i = 0; i < READERS; i++) {
        fds[i] = dial(port);
        require(fds[i] >= 0);
        expect_eq(send(fds[i], request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
        expect_eq(recv(fds[i], first, sizeof first, MSG_WAITALL), (ssize_t)sizeof first);
    }
    program_signal(&server, SIGTERM);
    expect(comes_to_refuse(port));
    for (int i = 0; i < READERS; i++) {
        expect(read_to_end(fds[i]) + (ssize_t)sizeof first > BIG);
        close(fds[i]);
    }
    expect_eq(program_wait(&server, 20000), 0);
    expect(strstr(program_out(&server), "cut at the end") == NULL);
    program_end(&server);
    place_close(&place);
}

/* ---- loading again ---- */

static void run_in(struct place *place, const char *command) {
    char line[2048];
    snprintf(line, sizeof line, "cd '%s' && %s", place->folder, command);
    weir_test_context("%s", line);
    require(system(line) == 0);
}

/* A certificate of that name, in the place of the one before. */
static void certify(struct place *place, const char *name) {
    char line[1024];
    snprintf(line, sizeof line,
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=%s "
             "-keyout key.new -out cert.new 2>/dev/null && mv key.new key.pem && mv cert.new cert.pem",
             name);
    run_in(place, line);
}

static bool presents(struct place *place, unsigned port, const char *name) {
    char line[1024];
    snprintf(line, sizeof line,
             "cd '%s' && timeout 20 openssl s_client -connect 127.0.0.1:%u </dev/null 2>/dev/null | "
             "openssl x509 -noout -subject | grep -q 'CN = %s$'",
             place->folder, port, name);
    return system(line) == 0;
}

static bool says_often(struct program *server, const char *words, int times) {
    for (int waited = 0; waited < 10000; waited += 5) {
        int found = 0;
        for (const char *at = program_out(server); (at = strstr(at, words)) != NULL; at++) found++;
        if (found >= times) return true;
        sleep_ms(5);
    }
    return false;
}

static void load_again(const char *option) {
    struct place place;
    struct program server;
    char cert[100], key[100], log[100], root[100];
    place_open(&place);
    run_in(&place, "mkdir root tls logs");
    certify(&place, "first");
    snprintf(cert, sizeof cert, "%s/cert.pem", place.folder);
    snprintf(key, sizeof key, "%s/key.pem", place.folder);
    snprintf(log, sizeof log, "%s/logs/access", place.folder);
    snprintf(root, sizeof root, "%s/root", place.folder);
    program_start(&server, "http_file_server", "--port", "0", "--root", root, "--tls-cert", cert, "--tls-key",
                  key, "--log", log, option, NULL);
    unsigned port = program_port(&server);
    expect(presents(&place, port, "first"));
    certify(&place, "second");
    run_in(&place, "mv logs/access logs/access.1");
    program_signal(&server, SIGHUP);
    expect(says_often(&server, "loaded again\n", 1));
    expect(presents(&place, port, "second"));
    expect_eq(place_size(&place, "logs/access"), 0);
    run_in(&place, "echo broken >cert.pem");
    program_signal(&server, SIGHUP);
    expect(program_complains(&server, "the certificate stays as it was: "));
    expect(presents(&place, port, "second"));
    expect_eq(program_stop(&server), 0);
    program_end(&server);
    place_close(&place);
}

WEIR_TEST(upgrade, loads_certificates_and_opens_the_log_again) {
    load_again(NULL);
}

WEIR_TEST(upgrade, loads_again_what_is_outside_of_its_root_from_within_the_sandbox) {
    setenv("ASAN_OPTIONS", "detect_leaks=0", 1); /* which looks into the process from another */
    load_again("--sandbox");
}
