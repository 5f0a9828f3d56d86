/* stream_test.c - streams of every kind in a storm of failing calls. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weir/testing.h>

#include "storm.h"
#include "transport/names.h"

enum {
    USUAL_FAULTS = 8000
};

static void run(const session_kind *kinds, size_t count) {
    storm it = {.begin_one = session_begin, .kinds = kinds, .kind_count = count};
    storm_run(&it, fault_goal(USUAL_FAULTS));
}

static weir_channel *connect_to(storm *self, session *one, const weir_server *server, weir_promise *promise) {
    weir_client_options options = storm_client(self, one);
    options.port = weir_addr_port(weir_server_addr(server));
    return weir_client_connect(&options, promise);
}

static weir_channel *to_echo(storm *self, session *one, weir_promise *promise) {
    return connect_to(self, one, self->echo, promise);
}

static weir_channel *to_file(storm *self, session *one, weir_promise *promise) {
    return connect_to(self, one, self->file, promise);
}

static weir_channel *to_relay(storm *self, session *one, weir_promise *promise) {
    return connect_to(self, one, self->relay, promise);
}

static weir_channel *to_unix(storm *self, session *one, weir_promise *promise) {
    weir_client_options options = storm_client(self, one);
    char name[WEIR_ADDR_TEXT];
    options.host = weir_addr_format(weir_server_addr(self->echo_unix), name);
    return weir_client_connect(&options, promise);
}

/* Both ends of a pair of sockets that were made elsewhere. */
static weir_channel *adopted(storm *self, session *one, weir_promise *promise) {
    int ends[2];
    require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    weir_channel_options options = {.read_while_unwritable = true};
    weir_channel_options far_options = {.receive_fds = 1}; /* which reads by recvmsg */
    weir_channel *far = weir_channel_adopt(self->loop, ends[1], &far_options, storm_build_echo, self, NULL);
    if (far == NULL) self->server_failures++; /* that one was told, by the answer */
    weir_channel_release(far);
    return weir_channel_adopt(self->loop, ends[0], &options, session_build, one, promise);
}

static const session_kind stream_kinds[] = {
    {.name = "tcp", .most = 200000, .connect = to_echo},
    {.name = "unix", .most = 200000, .connect = to_unix},
    {.name = "adopted", .most = 100000, .connect = adopted},
};

WEIR_TEST(stream, bytes_come_in_order_or_a_failure_is_told) {
    run(stream_kinds, sizeof stream_kinds / sizeof stream_kinds[0]);
}

static const session_kind file_kinds[] = {
    {.name = "file", .asks_for_file = true, .most = 600000, .connect = to_file}};

WEIR_TEST(stream, pieces_of_a_file_come_whole_or_a_failure_is_told) {
    run(file_kinds, 1);
}

static const session_kind relay_kinds[] = {{.name = "relay", .most = 600000, .connect = to_relay}};

WEIR_TEST(stream, a_relay_that_splices_passes_on_all_or_a_failure) {
    run(relay_kinds, 1);
}

/* ---- beginning ---- */

/* The first two of the three refuse. */
static weir_channel *to_several(storm *self, session *one, weir_promise *promise) {
    static fixed_names names;
    names = (fixed_names){.resolver.ops = &fixed_names_ops};
    fixed_names_add(&names, "127.0.0.1", 1);
    fixed_names_add(&names, "127.0.0.2", 1);
    fixed_names_add(&names, "127.0.0.1", weir_addr_port(weir_server_addr(self->echo)));
    weir_client_options options = storm_client(self, one);
    options.host = "several";
    options.port = 1; /* each address brings its own */
    options.resolver = &names.resolver;
    options.attempt_delay_ms = 10;
    return weir_client_connect(&options, promise);
}

static weir_channel *to_localhost(storm *self, session *one, weir_promise *promise) {
    weir_client_options options = storm_client(self, one);
    options.host = "localhost";
    options.port = weir_addr_port(weir_server_addr(self->echo));
    return weir_client_connect(&options, promise);
}

static const session_kind beginning_kinds[] = {
    {.name = "several", .most = 2000, .connect = to_several},
    {.name = "localhost", .most = 2000, .connect = to_localhost},
    {.name = "tcp", .most = 2000, .connect = to_echo},
    {.name = "unix", .most = 2000, .connect = to_unix},
};

WEIR_TEST(stream, short_connections_begin_and_end_or_a_failure_is_told) {
    run(beginning_kinds, sizeof beginning_kinds / sizeof beginning_kinds[0]);
}
