/* examples_test.c - every example begins with too little memory, each time a little later: it works all the same, or it
 * says in words what it lacks and ends with a failure. It never crashes and never hangs.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <weir/testing.h>

#include "integration/place.h"
#include "integration/program.h"

enum {
    MOST_ALLOCATIONS = 100, /* of what does more, its start is among them */
    AT_ONCE = 20,
    PATIENCE_MS = 15000
};

typedef struct example {
    const char *name;
    const char *arguments[6];
    bool serves; /* it prints where it listens, and is ended then */
} example;

static void wait_a_little(void) {
    nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
}

static void start(struct program *program, const example *self) {
    const char *const *a = self->arguments;
    program_start(program, self->name, a[0], a[1], a[2], a[3], a[4], a[5], (char *)NULL);
}

/* True once it serves; false when it has ended, or does neither. */
static bool is_serving(struct program *self) {
    for (int i = 0; i < PATIENCE_MS * 2; i++) {
        if (strstr(program_out(self), "listening on ") != NULL) return true;
        siginfo_t ended = {0};
        if (waitid(P_PID, (id_t)self->pid, &ended, WEXITED | WNOHANG | WNOWAIT) != 0 || ended.si_pid != 0)
            return false;
        wait_a_little();
    }
    return false;
}

/* ---- memory ---- */

static char count_path[32];
static long *count;

static void share_count(void) {
    snprintf(count_path, sizeof count_path, "/tmp/weir-count-XXXXXX");
    int fd = mkstemp(count_path);
    require(fd >= 0 && ftruncate(fd, sizeof *count) == 0);
    count = mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    require(count != MAP_FAILED);
    close(fd);
    setenv("WEIR_FAIL_COUNT", count_path, 1);
    setenv("LD_PRELOAD", WEIR_SHORT_MEMORY, 1);
    setenv("WEIR_LEAK_TRACK", "0", 1); /* it remembers in memory of its own */
}

static void fail(const char *how, long n) {
    char text[24];
    snprintf(text, sizeof text, "%ld", n);
    unsetenv("WEIR_FAIL_AT");
    unsetenv("WEIR_FAIL_FROM");
    if (how != NULL) setenv(how, text, 1);
}

/* How many allocations its start makes: all of a client's, and a server's until it listens. */
static long allocations_of(const example *self) {
    struct program program;
    *count = 0;
    fail(NULL, 0);
    start(&program, self);
    if (self->serves) {
        require(is_serving(&program));
        long many = *count;
        expect_eq(program_stop(&program), 0);
        program_end(&program);
        return many;
    }
    expect_eq(program_wait(&program, PATIENCE_MS), 0);
    program_end(&program);
    return *count;
}

static void expect_told(const example *self, struct program *program, const char *how, long n) {
    int code =
        self->serves && is_serving(program) ? program_stop(program) : program_wait(program, PATIENCE_MS);
    weir_test_context("%s with %s=%ld", self->name, how, n);
    expect(code >= 0 && code <= 2); /* not killed: neither by a signal nor for want of an end */
    char begins[64];
    snprintf(begins, sizeof begins, "%s: ", self->name);
    if (code > 0) expect(strstr(program_err(program), begins) != NULL);
    program_end(program);
}

static void begin_short_of(const example *self, const char *how, long many) {
    static struct program programs[AT_ONCE];
    for (long n = 0; n < many; n += AT_ONCE) {
        long batch = many - n < AT_ONCE ? many - n : AT_ONCE;
        for (long i = 0; i < batch; i++) {
            fail(how, n + i);
            start(&programs[i], self);
        }
        for (long i = 0; i < batch; i++) expect_told(self, &programs[i], how, n + i);
    }
}

static void sweep(const example *self) {
    share_count();
    long many = allocations_of(self);
    printf("%s: %ld allocations\n", self->name, many);
    require(many > 0);
    if (many > MOST_ALLOCATIONS) many = MOST_ALLOCATIONS;
    begin_short_of(self, "WEIR_FAIL_AT", many);
    begin_short_of(self, "WEIR_FAIL_FROM", many);
    munmap(count, sizeof *count);
    unlink(count_path);
    unsetenv("LD_PRELOAD");
}

#define SERVER_WITH(what, name, ...)                                                                         \
    WEIR_TEST(examples, name##what##_begins_with_little_memory) {                                            \
        sweep(&(example){#name, {"--port", "0", __VA_ARGS__}, true});                                        \
    }
#define SERVER(name, ...) SERVER_WITH(, name, __VA_ARGS__)

SERVER(discard, "--loops", "1")
SERVER(echo_server, "--loops", "2")
SERVER(udp_echo, "--loops", "1")
SERVER(http_hello, "--loops", "1")
SERVER(websocket_echo, "--loops", "1")
SERVER(websocket_chat, "--loops", "1")
SERVER(file_server, "--root", "/tmp")
SERVER(http_file_server, "--root", "/tmp")
SERVER(proxy, "--to", "127.0.0.1:1")
SERVER(tls_echo, "--loops", "1")
SERVER_WITH(_with_deflate, websocket_echo, "--loops", "1", "--deflate")
SERVER_WITH(_over_tls, websocket_chat, "--loops", "1", "--tls-self-signed")
SERVER_WITH(_over_tls, http_file_server, "--root", "/tmp", "--tls-self-signed", "--compress")

/* ---- clients, each with a server that has enough ---- */

static void with_server(const example *server, example client) {
    struct program program;
    char target[600];
    start(&program, server);
    unsigned port = program_port(&program);
    const char *form = client.arguments[0];
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%u", port);
    const char *mark = strchr(form, '@');
    snprintf(target, sizeof target, "%.*s%s%s", (int)(mark - form), form, address, mark + 1);
    client.arguments[0] = target;
    sweep(&client);
    program_stop(&program);
    program_end(&program);
}

WEIR_TEST(examples, echo_client_begins_with_little_memory) {
    with_server(&(example){"echo_server", {"--port", "0"}, true},
                (example){"echo_client", {"@", "--connections=1", "--seconds=1", "--loops=1"}, false});
}

WEIR_TEST(examples, file_client_begins_with_little_memory) {
    struct place place;
    place_open(&place);
    place_write(&place, "some", 3000);
    with_server(&(example){"file_server", {"--port", "0", "--root", place.folder}, true},
                (example){"file_client", {"@", "some", "-o", "/dev/shm"}, false});
    unlink("/dev/shm/some");
    place_close(&place);
}

WEIR_TEST(examples, weir_get_begins_with_little_memory) {
    with_server(&(example){"http_hello", {"--port", "0"}, true},
                (example){"weir_get", {"http://@/plaintext", "-o", "/dev/null"}, false});
}

WEIR_TEST(examples, weir_get_over_tls_begins_with_little_memory) {
    struct place place;
    place_open(&place);
    place_write(&place, "some", 3000);
    with_server(
        &(example){"http_file_server", {"--port", "0", "--root", place.folder, "--tls-self-signed"}, true},
        (example){"weir_get", {"https://@/some", "-o", "/dev/null", "--insecure"}, false});
    place_close(&place);
}

WEIR_TEST(examples, zero_copy_tour_begins_with_little_memory) {
    sweep(&(example){"zero_copy_tour", {"--size=1", "--rounds=1"}, false});
}
