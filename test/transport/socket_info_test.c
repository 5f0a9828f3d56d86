/* socket_info_test.c - who is at the other end of a unix socket, and how a TCP connection does. */
#include <string.h>
#include <unistd.h>

#include <weir/testing.h>

#include "wires.h"

typedef struct inquiry {
    weir_channel *channel;
    weir_promise *done;
    weir_status credentials_status, tcp_status;
    weir_peer_credentials credentials;
    weir_tcp_info tcp;
} inquiry;

static void inquire(void *arg) {
    inquiry *self = arg;
    self->credentials_status = weir_channel_peer_credentials(self->channel, &self->credentials);
    self->tcp_status = weir_channel_tcp_info(self->channel, &self->tcp);
}

static void inquire_and_tell(void *arg) {
    inquiry *self = arg;
    inquire(self);
    weir_promise_complete(self->done, WEIR_OK);
}

WEIR_TEST(socket_info, knows_the_process_at_the_other_end_of_a_unix_socket) {
    int ends[2];
    weir_loop_group *group = weir_loop_group_new(1);
    weir_loop *loop = weir_loop_group_at(group, 0);
    require(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    inquiry self = {.channel = weir_channel_adopt(loop, ends[0], NULL, NULL, NULL, NULL)};
    require(self.channel != NULL);
    self.done = weir_promise_new(loop);
    weir_promise *done = weir_promise_retain(self.done);
    require(weir_loop_post(loop, inquire_and_tell, &self) == WEIR_OK);
    expect_status(weir_promise_wait(done, 10000), WEIR_OK);
    weir_promise_release(done);
    expect_status(self.credentials_status, WEIR_OK);
    expect_eq(self.credentials.pid, getpid());
    expect_eq(self.credentials.uid, geteuid());
    expect_eq(self.credentials.gid, getegid());
    expect_status(self.tcp_status, WEIR_E_UNSUPPORTED);
    weir_loop_group_free(group);
    weir_channel_release(self.channel);
    close(ends[1]);
}

WEIR_TEST(socket_info, knows_how_a_tcp_connection_does) {
    wire_end wire;
    char bytes[1000];
    weir_buf *buf = weir_buf_new(sizeof bytes);
    wire_open(&wire, WIRE_ACCEPTED, NULL, NULL, NULL);
    weir_buf_write_fill(buf, 'x', sizeof bytes);
    wire_write(&wire, buf, NULL);
    expect_eq(far_receive(&wire, bytes, sizeof bytes), sizeof bytes);
    inquiry self = {.channel = atomic_load(&wire.channel)};
    for (int i = 0; i < 10000 && self.tcp.bytes_acked < sizeof bytes; i++) {
        wire_do(&wire, inquire, &self);
        wait_ms(1);
    }
    expect_status(self.tcp_status, WEIR_OK);
    expect_eq(self.tcp.bytes_acked, sizeof bytes);
    expect_eq(self.tcp.unsent_bytes, 0);
    expect(self.tcp.rtt_us > 0 && self.tcp.congestion_window > 0 && self.tcp.segment_size > 0);
    expect_status(self.credentials_status, WEIR_E_UNSUPPORTED);
    wire_shut(&wire);
}

WEIR_TEST(socket_info, is_refused_without_a_socket_and_after_the_end) {
    weir_embedded *embedded = weir_embedded_new(NULL, NULL, NULL);
    require(embedded != NULL);
    inquiry self = {.channel = weir_embedded_channel(embedded)};
    inquire(&self);
    expect_status(self.credentials_status, WEIR_E_UNSUPPORTED);
    expect_status(self.tcp_status, WEIR_E_UNSUPPORTED);
    weir_channel_abort(self.channel, WEIR_E_CANCELED);
    inquire(&self);
    expect_status(self.credentials_status, WEIR_E_CLOSED);
    expect_status(self.tcp_status, WEIR_E_CLOSED);
    weir_embedded_free(embedded);
}
