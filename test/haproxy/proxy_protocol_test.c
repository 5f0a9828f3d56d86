/* proxy_protocol_test.c - a real HAProxy in front of a weir server, with both versions of the header. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <netinet/in.h>
#include <weir/buffer.h>
#include <weir/codec/proxy_protocol.h>
#include <weir/core/log.h>
#include <weir/testing.h>
#include <weir/transport/channel.h>
#include <weir/transport/ctx.h>
#include <weir/transport/server.h>

enum {
    PATIENCE_S = 20
};

/* ---- the server: says who calls, and counts health checks ---- */

static atomic_uint checks;

static void count_checks(weir_ctx *ctx) {
    const weir_proxy_header *header = weir_proxy_protocol_header(weir_ctx_channel(ctx));
    if (header != NULL && header->is_local) atomic_fetch_add(&checks, 1);
    weir_ctx_fire_active(ctx);
}

static void answer(weir_ctx *ctx, weir_obj *msg) {
    weir_addr addr;
    char text[WEIR_ADDR_TEXT];
    weir_obj_release(msg);
    weir_proxy_protocol_remote_addr(weir_ctx_channel(ctx), &addr);
    weir_buf *out = weir_ctx_get_buf(ctx, WEIR_ADDR_TEXT);
    if (out == NULL) return;
    weir_buf_printf(out, "v%u %s\n", weir_proxy_protocol_header(weir_ctx_channel(ctx))->version,
                    weir_addr_format(&addr, text));
    weir_ctx_write(ctx, &out->obj, NULL);
}

static const weir_handler answerer = {.name = "answerer", .active = count_checks, .read = answer};

static weir_status build(weir_pipeline *pipeline, void *options) {
    weir_status status = weir_proxy_protocol_add(pipeline, options);
    return status == WEIR_OK ? weir_pipeline_add_last(pipeline, &answerer, NULL) : status;
}

/* ---- HAProxy, with listening sockets made here: no port has to be guessed ---- */

typedef struct front {
    int listeners[2]; /* version 1, version 2 */
    struct sockaddr_in addrs[2];
    char settings[64];
    pid_t pid;
} front;

static int listen_here(struct sockaddr_in *addr) {
    socklen_t len = sizeof *addr;
    *addr = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0); /* and not close-on-exec */
    require(fd >= 0 && bind(fd, (struct sockaddr *)addr, len) == 0 && listen(fd, 64) == 0);
    require(getsockname(fd, (struct sockaddr *)addr, &len) == 0);
    return fd;
}

static void write_settings(front *self, unsigned port) {
    snprintf(self->settings, sizeof self->settings, "/tmp/weir_haproxy_XXXXXX");
    int fd = mkstemp(self->settings);
    require(fd >= 0);
    dprintf(
        fd,
        "global\n  nbthread 1\n  maxconn 64\ndefaults\n  mode tcp\n  timeout connect 5s\n  timeout client 30s\n"
        "  timeout server 30s\n");
    for (int i = 0; i < 2; i++) {
        dprintf(
            fd,
            "listen v%d\n  bind fd@%d\n  server weir 127.0.0.1:%u %s check inter 100ms check-send-proxy\n",
            i + 1, self->listeners[i], port, i == 0 ? "send-proxy" : "send-proxy-v2");
    }
    close(fd);
}

static void start(front *self, unsigned port) {
    for (int i = 0; i < 2; i++) self->listeners[i] = listen_here(&self->addrs[i]);
    write_settings(self, port);
    self->pid = fork();
    if (self->pid == 0) {
        execl(WEIR_HAPROXY, "haproxy", "-q", "-db", "-f", self->settings, (char *)NULL);
        _exit(127);
    }
    require(self->pid > 0);
}

static void stop(front *self) {
    kill(self->pid, SIGKILL);
    require(waitpid(self->pid, NULL, 0) == self->pid);
    unlink(self->settings);
    for (int i = 0; i < 2; i++) close(self->listeners[i]);
}

/* ---- a client with an address of its own ---- */

static int call(const struct sockaddr_in *to, struct sockaddr_in *from) {
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    socklen_t len = sizeof *from;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    *from = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 8)};
    require(fd >= 0 && bind(fd, (struct sockaddr *)from, len) == 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    require(connect(fd, (const struct sockaddr *)to, sizeof *to) == 0);
    require(getsockname(fd, (struct sockaddr *)from, &len) == 0);
    return fd;
}

/* A line, or less when the other side is gone. */
static void ask(int fd, char *line, size_t room) {
    size_t got = 0;
    require(send(fd, "?", 1, MSG_NOSIGNAL) == 1);
    while (got < room - 1 && memchr(line, '\n', got) == NULL) {
        ssize_t n = recv(fd, line + got, room - 1 - got, 0);
        if (n <= 0) break;
        got += (size_t)n;
    }
    line[got] = '\0';
}

/* HAProxy takes calls once a check has found the server up; until then it hangs up. */
static void expect_named(const front *balancer, unsigned version) {
    char line[WEIR_ADDR_TEXT + 8] = "", expected[64];
    struct sockaddr_in from;
    for (int tries = 0; tries < 100 && line[0] == '\0'; tries++) {
        if (tries > 0) poll(NULL, 0, 50);
        int fd = call(&balancer->addrs[version - 1], &from);
        ask(fd, line, sizeof line);
        close(fd);
    }
    snprintf(expected, sizeof expected, "v%u 127.0.0.9:%u\n", version, (unsigned)ntohs(from.sin_port));
    expect_str(line, expected);
}

WEIR_TEST(proxy_protocol, learns_from_haproxy_who_calls_and_what_is_a_health_check) {
    static const char *const rules[] = {"allow 127.0.0.0/8", "deny all"};
    weir_proxy_protocol_options options = {0};
    weir_ip_filter *trusted;
    weir_server *server;
    front balancer;
    weir_log_set_level(WEIR_LOG_OFF);
    require(weir_ip_filter_new(&trusted, rules, 2, NULL) == WEIR_OK);
    options.trusted = trusted;
    weir_loop_group *loops = weir_loop_group_new(1);
    require(weir_server_start(&server, &(weir_server_options){.loops = loops,
                                                              .build = build,
                                                              .build_arg = &options,
                                                              .stop_timeout_ms = 1000}) == WEIR_OK);
    start(&balancer, weir_addr_port(weir_server_addr(server)));
    expect_named(&balancer, 1);
    expect_named(&balancer, 2);
    for (int waited = 0; atomic_load(&checks) == 0 && waited < PATIENCE_S * 100; waited++) poll(NULL, 0, 10);
    expect(atomic_load(&checks) > 0);
    stop(&balancer);
    weir_server_free(server);
    weir_loop_group_free(loops);
    weir_ip_filter_release(trusted);
}
