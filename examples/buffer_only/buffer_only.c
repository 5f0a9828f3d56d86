/* A line server on weir::buffer alone: plain poll(2), no event loop, no thread, no libuv.
 *
 * Each line comes back behind "you said: ". No byte is copied in user space: reads append pooled bufs to
 * a composite, a line is a slice of it, an answer is a constant and that slice.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weir/buffer.h>

#include "common/args.h"

enum {
    CLIENTS = 64,
    LIMIT = 64 << 10, /* of a line, and of what waits for a client that does not read */
};

static struct client {
    weir_buf *in, *out; /* bytes that are no whole line yet, answers that the socket did not take yet */
    bool ended;         /* the peer sends no more: gone when `out` is empty */
} clients[CLIENTS];
static struct pollfd polls[CLIENTS + 1]; /* fd -1: no client; the last one listens */
static unsigned long long lines;
static volatile sig_atomic_t stopped;

static void on_signal(int number) {
    stopped = number;
}

static void drop_client(int i) {
    if (polls[i].fd < 0) return;
    close(polls[i].fd);
    polls[i].fd = -1;
    weir_buf_release(clients[i].in);
    weir_buf_release(clients[i].out);
}

static void accept_client(void) {
    int fd = accept4(polls[CLIENTS].fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), i = 0;
    if (fd < 0) return;
    while (i < CLIENTS - 1 && polls[i].fd >= 0) i++;
    drop_client(i); /* when all places are taken the last one is given away */
    polls[i] = (struct pollfd){.fd = fd, .events = POLLIN};
    clients[i] = (struct client){weir_buf_composite_new(), weir_buf_composite_new(), false};
    if (clients[i].in == NULL || clients[i].out == NULL) drop_client(i);
}

/* Moves whole lines from `in` to `out`. Failures stick to `out`, so that one look at the end is enough. */
static weir_status answer_lines(struct client *client) {
    for (size_t end; (end = weir_buf_find(client->in, 0, '\n')) != WEIR_NOT_FOUND; lines++) {
        weir_buf *line = weir_buf_read_slice(client->in, end + 1);
        weir_buf_composite_append(client->out, weir_buf_wrap_const("you said: ", 10));
        if (weir_buf_composite_append(client->out, line) != WEIR_OK) break; /* out of memory */
    }
    weir_buf_composite_drop_read(client->in);
    return weir_buf_readable(client->in) > LIMIT ? WEIR_E_FRAME_TOO_LONG : weir_buf_status(client->out);
}

/* What poll said about client `i`; anything but WEIR_OK ends it. */
static weir_status serve_client(int i, weir_pool *pool) {
    struct client *client = &clients[i];
    weir_status status = WEIR_OK;
    if ((polls[i].events & POLLIN) != 0) {
        weir_buf *buf = weir_pool_get(pool, 4096);
        ssize_t got = buf == NULL ? WEIR_E_NO_MEMORY : weir_buf_read_fd(buf, polls[i].fd, 4096);
        client->ended = got == 0;
        if (weir_buf_composite_append(client->in, buf) != WEIR_OK) return WEIR_E_NO_MEMORY;
        status = got < 0 && got != -EAGAIN ? (weir_status)got : answer_lines(client);
    }
    ssize_t sent = status == WEIR_OK ? weir_buf_write_fd(client->out, polls[i].fd) : status;
    if (sent < 0 && sent != -EAGAIN) return (weir_status)sent;
    weir_buf_composite_drop_read(client->out);
    size_t queued = weir_buf_readable(client->out);
    if (client->ended && queued == 0) return WEIR_E_CLOSED;
    polls[i].events = (short)((!client->ended && queued < LIMIT ? POLLIN : 0) | (queued > 0 ? POLLOUT : 0));
    return WEIR_OK;
}

static bool start_listening(const char *host, unsigned port) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    socklen_t length = sizeof at;
    if (inet_pton(AF_INET, host, &at.sin_addr) != 1) complain_usage("'%s' is not an IPv4 address", host);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    polls[CLIENTS] = (struct pollfd){.fd = fd, .events = POLLIN};
    if (bind(fd, (struct sockaddr *)&at, length) != 0 || listen(fd, CLIENTS) != 0) return false;
    getsockname(fd, (struct sockaddr *)&at, &length);
    return printf("listening on %s:%u\n", host, ntohs(at.sin_port)) > 0 && fflush(stdout) == 0;
}

int main(int argc, char **argv) {
    const char *host = "127.0.0.1";
    unsigned port = 7011;
    args_parse(&argc, argv, "Answers lines, by the buffer module and poll(2) alone.", "",
               (args_option[]){{"--host", "ADDRESS", "IPv4 address to listen on", .text = &host},
                               {"--port", "PORT", "0: a free one", .number = &port, .max = 65535},
                               {0}});
    signal(SIGPIPE, SIG_IGN), signal(SIGINT, on_signal), signal(SIGTERM, on_signal);
    for (int i = 0; i < CLIENTS; i++) polls[i].fd = -1;
    weir_pool *pool = weir_pool_new(NULL);
    if (pool == NULL || !start_listening(host, port))
        return complain("port %u: %s", port, weir_status_text(-errno));
    while (!stopped) {
        if (poll(polls, CLIENTS + 1, 200) <= 0) continue; /* a signal just before it waits for the timeout */
        for (int i = 0; i < CLIENTS; i++)
            if (polls[i].revents != 0 && serve_client(i, pool) != WEIR_OK) drop_client(i);
        if (polls[CLIENTS].revents != 0) accept_client();
    }
    for (int i = 0; i < CLIENTS; i++) drop_client(i);
    printf("%llu lines\n", lines);
    close(polls[CLIENTS].fd);
    weir_pool_free(pool);
    return weir_leak_report(stderr) == 0 ? 0 : 1;
}
