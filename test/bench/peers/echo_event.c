/* echo_event.c - the echo server of libevent's book: a bufferevent a connection, whose input buffer is moved to its
 * output buffer without a copy. No locks, as there is one thread. libevent 2.1 reads 4 KiB at a time, whatever is set. */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#include "common/loopback.h"
#include "common/options.h"

static void echo(struct bufferevent *peer, void *arg) {
    (void)arg;
    bufferevent_write_buffer(peer, bufferevent_get_input(peer));
}

static void ended(struct bufferevent *peer, short what, void *arg) {
    (void)what, (void)arg;
    bufferevent_free(peer);
}

static void accepted(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *addr, int len,
                     void *arg) {
    (void)addr, (void)len, (void)arg;
    loopback_set_no_delay((int)fd);
    struct bufferevent *peer =
        bufferevent_socket_new(evconnlistener_get_base(listener), fd, BEV_OPT_CLOSE_ON_FREE);
    if (peer == NULL) die("bufferevent_socket_new");
    bufferevent_setcb(peer, echo, NULL, ended, NULL);
    bufferevent_enable(peer, EV_READ | EV_WRITE);
}

int main(int argc, char **argv) {
    uint64_t port = 0;
    options_read(argc, argv, (option[]){{"--port", .number = &port}, {0}});
    loopback_raise_limit();
    struct event_config *config = event_config_new();
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    struct event_base *base = event_base_new_with_config(config);
    struct evconnlistener *listener = evconnlistener_new(
        base, accepted, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, loopback_listen(port));
    if (base == NULL || listener == NULL) die("libevent");
    return event_base_dispatch(base);
}
