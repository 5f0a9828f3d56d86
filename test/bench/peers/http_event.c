/* http_event.c - /plaintext by libevent's evhttp, in one thread and without locks. */
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>

#include "common/loopback.h"
#include "common/options.h"

static const char hello[] = "Hello, World!";

static void answer(struct evhttp_request *request, void *arg) {
    (void)arg;
    evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type", "text/plain");
    evhttp_add_header(evhttp_request_get_output_headers(request), "Server", "libevent");
    evbuffer_add_reference(evhttp_request_get_output_buffer(request), hello, sizeof hello - 1, NULL, NULL);
    evhttp_send_reply(request, HTTP_OK, "OK", NULL);
}

int main(int argc, char **argv) {
    uint64_t port = 0;
    options_read(argc, argv, (option[]){{"--port", .number = &port}, {0}});
    loopback_raise_limit();
    struct event_config *config = event_config_new();
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    struct event_base *base = event_base_new_with_config(config);
    struct evhttp *server = base != NULL ? evhttp_new(base) : NULL;
    if (server == NULL || evhttp_accept_socket(server, loopback_listen(port)) != 0) die("evhttp");
    evhttp_set_cb(server, "/plaintext", answer, NULL);
    return event_base_dispatch(base);
}
