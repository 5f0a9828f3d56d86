/* datagram_test.c - datagram channels: what is read and written, and what fails. */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include <weir/testing.h>

#include "datagrams.h"

static uint8_t room[70000];

/* ---- both ways ---- */

static void expect_echo(datagrams *self, size_t n) {
    memset(room, 'x', n);
    expect_eq(send(self->far, room, n, 0), (ssize_t)n);
    memset(room, 0, n);
    expect_eq(plain_receive(self->far, room, sizeof room, 10000), (ssize_t)n);
    for (size_t i = 0; i < n; i++) {
        if (room[i] != 'x' && !expect(room[i] == 'x')) return;
    }
}

WEIR_TEST(datagram, carries_every_length_both_ways) {
    static const char *const hosts[] = {"127.0.0.1", "::1"};
    for (int i = 0; i < 2; i++) {
        datagrams d = {.echoes = true};
        datagrams_open(&d, (weir_datagram_options){.host = hosts[i], .max_size = WEIR_DATAGRAM_MAX}, false);
        expect_status(d.opened, WEIR_OK);
        expect_echo(&d, 0);
        expect_echo(&d, 1);
        expect_echo(&d, 1472);
        expect_echo(&d, 9000);
        expect_echo(&d, 65507);
        datagrams_shut(&d);
        expect_eq(d.errors, 0);
    }
}

WEIR_TEST(datagram, hears_ipv4_on_an_ipv6_address_unless_told_not_to) {
    datagrams d = {.echoes = true};
    datagrams_open(&d, (weir_datagram_options){.host = "::", .local_addr = true}, false);
    int v4 = plain_udp("127.0.0.1", NULL);
    weir_addr to;
    weir_addr_parse(&to, "127.0.0.1", d.port);
    expect_eq(connect(v4, &to.as.sa, to.len), 0);
    expect_eq(send(v4, "four", 4, 0), 4);
    expect_eq(plain_receive(v4, room, sizeof room, 10000), 4);
    expect_eq(send(d.far, "six", 3, 0), 3);
    expect_eq(plain_receive(d.far, room, sizeof room, 10000), 3);
    datagrams_shut(&d);

    datagrams only = {.echoes = true};
    datagrams_open(&only, (weir_datagram_options){.host = "::", .v6_only = true}, false);
    weir_addr_parse(&to, "127.0.0.1", only.port);
    expect_eq(connect(v4, &to.as.sa, to.len), 0);
    expect_eq(send(v4, "four", 4, 0), 4);
    expect_eq(send(only.far, "six", 3, 0), 3);
    expect_eq(plain_receive(only.far, room, sizeof room, 10000), 3);
    close(v4);
    datagrams_shut(&only);
    expect_eq(only.reads, 1);
}

WEIR_TEST(datagram, tells_from_whom_it_came) {
    datagrams d = {.keeps = true};
    datagrams_open(&d, (weir_datagram_options){0}, false);
    expect_eq(send(d.far, "hello", 5, 0), 5);
    expect(datagrams_until_read(&d, 1));
    datagrams_shut(&d);
    expect(weir_addr_equal(&d.kept[0]->remote, &d.far_addr));
    expect_eq(d.kept[0]->local.len, 0);
    weir_buf *content = weir_datagram_unwrap(d.kept[0]);
    expect_bytes(weir_buf_peek(content), "hello");
    weir_buf_release(content);
}

WEIR_TEST(datagram, answers_from_the_address_that_was_asked) {
    datagrams d = {.keeps = true};
    datagrams_open(&d, (weir_datagram_options){.host = "0.0.0.0", .local_addr = true}, false);
    weir_addr asked;
    weir_addr_parse(&asked, "127.0.0.2", d.port);
    expect_eq(connect(d.far, &asked.as.sa, asked.len), 0); /* from now on it hears nobody else */
    expect_eq(send(d.far, "who", 3, 0), 3);
    expect(datagrams_until_read(&d, 1));
    char text[WEIR_ADDR_TEXT];
    expect_str(weir_addr_format(&d.kept[0]->local, text), "127.0.0.2:0");
    expect_eq(d.kept[0]->interface, if_nametoindex("lo"));
    expect_status(datagrams_write_out(&d, weir_datagram_reply(d.kept[0], datagrams_fill('a', 2))), WEIR_OK);
    expect_eq(plain_receive(d.far, room, sizeof room, 10000), 2);
    datagrams_release_kept(&d);
    datagrams_shut(&d);
}

WEIR_TEST(datagram, carries_the_bits_of_congestion_both_ways) {
    static const char *const hosts[] = {"127.0.0.1", "::1"};
    for (int i = 0; i < 2; i++) {
        datagrams d = {.keeps = true};
        datagrams_open(
            &d, (weir_datagram_options){.host = hosts[i], .ecn = true, .channel = {.type_of_service = 0x20}},
            false);
        int level = i == 0 ? IPPROTO_IP : IPPROTO_IPV6, on = 1, ect = 1, got = -1;
        setsockopt(d.far, level, i == 0 ? IP_TOS : IPV6_TCLASS, &ect, sizeof ect);
        setsockopt(d.far, level, i == 0 ? IP_RECVTOS : IPV6_RECVTCLASS, &on, sizeof on);
        expect_eq(send(d.far, "q", 1, 0), 1);
        expect(datagrams_until_read(&d, 1));
        expect_eq(d.kept[0]->ecn, 1);
        weir_datagram *out = datagrams_to_far(&d, 'a', 1);
        out->ecn = 2;
        expect_status(datagrams_write_out(&d, out), WEIR_OK);
        char control[64];
        struct iovec iov = {room, sizeof room};
        struct msghdr header = {
            .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
        expect_eq(recvmsg(d.far, &header, 0), 1);
        struct cmsghdr *at = CMSG_FIRSTHDR(&header);
        require(at != NULL);
        if (i == 0) got = *CMSG_DATA(at);
        if (i == 1) memcpy(&got, CMSG_DATA(at), sizeof got);
        expect_eq(got, 0x22);
        datagrams_release_kept(&d);
        datagrams_shut(&d);
    }
}

/* ---- lengths ---- */

WEIR_TEST(datagram, drops_and_counts_what_is_too_long) {
    datagrams d = {.keeps = true};
    datagrams_open(&d, (weir_datagram_options){.max_size = 100}, false);
    expect_eq(send(d.far, room, 101, 0), 101);
    expect_eq(send(d.far, room, 100, 0), 100);
    expect(datagrams_until_read(&d, 1));
    expect_eq(datagrams_stats(&d).truncated, 1);
    expect_eq(datagrams_stats(&d).received, 1);
    expect_eq(weir_obj_size(&d.kept[0]->obj), 100);
    expect(!d.kept[0]->truncated);
    datagrams_release_kept(&d);
    datagrams_shut(&d);
}

WEIR_TEST(datagram, delivers_what_fits_of_a_longer_one_when_asked) {
    for (int gro = 0; gro < 2; gro++) {
        datagrams d = {.keeps = true};
        datagrams_open(&d, (weir_datagram_options){.max_size = 100, .keep_truncated = true, .gro = gro != 0},
                       false);
        expect_eq(send(d.far, room, 5000, 0), 5000);
        expect(datagrams_until_read(&d, 1));
        expect(d.kept[0]->truncated);
        expect_eq(weir_obj_size(&d.kept[0]->obj), 100);
        expect_eq(datagrams_stats(&d).truncated, 1);
        datagrams_release_kept(&d);
        datagrams_shut(&d);
    }
}

WEIR_TEST(datagram, does_not_let_a_short_one_hold_a_long_buf) {
    datagrams d = {.keeps = true};
    datagrams_open(&d, (weir_datagram_options){.max_size = WEIR_DATAGRAM_MAX}, false);
    expect_eq(send(d.far, room, 60, 0), 60);
    expect(datagrams_until_read(&d, 1));
    expect(weir_buf_capacity(d.kept[0]->content) < 1024);
    datagrams_release_kept(&d);
    datagrams_shut(&d);
}

/* ---- what cannot be sent ---- */

WEIR_TEST(datagram, sends_a_bare_buf_only_where_connected) {
    datagrams d = {.takes_errors = true};
    datagrams_open(&d, (weir_datagram_options){0}, true);
    expect_status(datagrams_write_out(&d, datagrams_fill('a', 10)), WEIR_OK);
    expect_eq(plain_receive(d.far, room, sizeof room, 10000), 10);
    datagrams_shut(&d);

    datagrams lone = {0};
    datagrams_open(&lone, (weir_datagram_options){0}, false);
    expect_status(datagrams_write_out(&lone, datagrams_fill('a', 10)), -EDESTADDRREQ);
    expect_status(datagrams_write_out(&lone, datagrams_to_far(&lone, 'a', 11)), WEIR_OK);
    expect_eq(plain_receive(lone.far, room, sizeof room, 10000), 11);
    expect_eq(datagrams_stats(&lone).send_failed, 1);
    datagrams_shut(&lone);
}

WEIR_TEST(datagram, fails_alone_and_the_next_go_on) {
    datagrams d = {.takes_errors = true};
    datagrams_open(&d, (weir_datagram_options){0}, true);
    weir_promise *promises[5];
    for (int i = 0; i < 5; i++) promises[i] = weir_promise_new(d.wire.loop);
    weir_buf *broken = weir_buf_new_limited(4, 4);
    weir_buf_write_str(broken, "too long");
    weir_region *region = weir_region_file(open("/dev/zero", O_RDONLY | O_CLOEXEC), true, 0, 300);
    void *msgs[] = {datagrams_fill('a', 1), datagrams_fill('b', 66000), region,
                    weir_datagram_new(d.wire.loop, broken, NULL), datagrams_fill('c', 2)};
    static const weir_status ends[] = {WEIR_OK, -EMSGSIZE, WEIR_E_UNSUPPORTED, WEIR_E_FULL, WEIR_OK};
    for (int i = 0; i < 5; i++) weir_channel_write(d.channel, msgs[i], weir_promise_retain(promises[i]));
    for (int i = 0; i < 5; i++) expect_status(datagrams_wait_for(promises[i]), ends[i]);
    expect_eq(plain_receive(d.far, room, sizeof room, 10000), 1);
    expect_eq(plain_receive(d.far, room, sizeof room, 10000), 2);
    datagrams_shut(&d);
    expect_eq(d.errors, 0);
}

static bool has_error(datagrams *self) {
    return self->errors > 0;
}

WEIR_TEST(datagram, tells_a_failure_nobody_listens_to_and_stays_open) {
    datagrams d = {.takes_errors = false, .echoes = true};
    datagrams_open(&d, (weir_datagram_options){0}, true);
    weir_channel_write(d.channel, datagrams_fill('b', 66000), NULL);
    expect(datagrams_until(&d, has_error));
    expect_echo(&d, 5);
    datagrams_shut(&d);
    expect_eq(d.errors, 1);
    expect_status(d.error, -EMSGSIZE);
}

WEIR_TEST(datagram, hears_of_a_refusal_and_stays_open) {
    datagrams d = {.takes_errors = false};
    datagrams_open(&d, (weir_datagram_options){0}, true);
    close(d.far); /* the host is there, its port is not: ICMP says so */
    expect_status(datagrams_write_out(&d, datagrams_fill('a', 1)), WEIR_OK);
    expect(datagrams_until(&d, has_error));
    expect_status(d.error, -ECONNREFUSED);
    d.far = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    expect_eq(bind(d.far, &d.far_addr.as.sa, d.far_addr.len), 0);
    expect_status(datagrams_write_out(&d, datagrams_fill('a', 3)), WEIR_OK);
    expect_eq(plain_receive(d.far, room, sizeof room, 10000), 3);
    datagrams_shut(&d);
}

static weir_promise *second;

static void write_twice(datagrams *self) {
    weir_channel_write(self->channel, datagrams_fill('a', 1), NULL);
    weir_channel_flush(self->channel); /* refused before the next one leaves */
    weir_channel_write(self->channel, datagrams_fill('b', 1), weir_promise_retain(second));
    weir_channel_flush(self->channel);
}

WEIR_TEST(datagram, fails_none_for_the_refusal_of_another) {
    datagrams d = {.takes_errors = true};
    datagrams_open(&d, (weir_datagram_options){0}, true);
    close(d.far);
    second = weir_promise_new(d.wire.loop);
    datagrams_do(&d, write_twice);
    expect_status(datagrams_wait_for(second), WEIR_OK);
    expect(datagrams_until(&d, has_error));
    expect_status(d.error, -ECONNREFUSED);
    expect_eq(datagrams_stats(&d).send_failed, 0);
    d.far = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    datagrams_shut(&d);
}

static void stop_reading(datagrams *self) {
    weir_channel_set_reading(self->channel, false);
}

static void start_reading(datagrams *self) {
    weir_channel_set_reading(self->channel, true);
}

WEIR_TEST(datagram, hears_of_a_refusal_while_reading_is_paused) {
    datagrams d = {.takes_errors = true};
    datagrams_open(&d, (weir_datagram_options){0}, true);
    datagrams_do(&d, stop_reading);
    close(d.far);
    expect_status(datagrams_write_out(&d, datagrams_fill('a', 1)), WEIR_OK);
    expect(datagrams_until(&d, has_error));
    datagrams_do(&d, start_reading);
    d.far = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    datagrams_shut(&d);
    expect_eq(d.errors, 1);
}

WEIR_TEST(datagram, keeps_to_the_cap_of_its_channel) {
    datagrams d = {0};
    datagrams_open(
        &d, (weir_datagram_options){.channel = {.low_water = 1, .high_water = 1000, .write_cap = 5000}},
        true);
    expect_status(datagrams_write_out(&d, weir_datagram_new(d.wire.loop, datagrams_fill('a', 6000), NULL)),
                  WEIR_E_BACKPRESSURE);
    expect_status(datagrams_write_out(&d, weir_datagram_new(d.wire.loop, datagrams_fill('a', 4000), NULL)),
                  WEIR_OK);
    expect_status(datagrams_write_out(&d, NULL), WEIR_E_NO_MEMORY);
    datagrams_shut(&d);
}

WEIR_TEST(datagram, is_nothing_a_stream_takes) {
    wire_end wire;
    wire_open(&wire, WIRE_CONNECTED, NULL, NULL, NULL);
    weir_promise *promise = weir_promise_new(wire.loop);
    wire_write(&wire, weir_datagram_new(wire.loop, datagrams_fill('a', 1), NULL),
               weir_promise_retain(promise));
    expect_status(datagrams_wait_for(promise), WEIR_E_UNSUPPORTED);
    wire_shut(&wire);
}

/* ---- reading by hand ---- */

static void pull(datagrams *self) {
    weir_channel_pull(self->channel);
}

WEIR_TEST(datagram, is_read_by_hand_one_burst_a_pull) {
    datagrams d = {0};
    datagrams_open(&d,
                   (weir_datagram_options){.channel = {.manual_read = true, .reads_per_turn = 1}, .batch = 1},
                   false);
    for (int i = 0; i < 3; i++) expect_eq(send(d.far, "x", 1, 0), 1);
    wait_ms(20);
    expect(datagrams_until_read(&d, 0));
    for (unsigned i = 1; i <= 3; i++) {
        datagrams_do(&d, pull);
        expect(datagrams_until_read(&d, i));
    }
    datagrams_shut(&d);
    expect_eq(d.read_completes, 3);
}

static void write_over_the_watermark(datagrams *self) {
    weir_channel_write(self->channel, datagrams_fill('w', 300), NULL);
    weir_channel_set_reading(self->channel, true);
    expect(!weir_channel_is_writable(self->channel));
}

WEIR_TEST(datagram, becomes_writable_again_when_its_queue_is_out) {
    datagrams d = {.echoes = true};
    datagrams_open(&d, (weir_datagram_options){.channel = {.low_water = 100, .high_water = 200}}, true);
    datagrams_do(&d, write_over_the_watermark);
    expect_eq(plain_receive(d.far, room, sizeof room, 10000), 300);
    expect_echo(&d, 10);
    expect(weir_channel_is_writable(d.channel));
    datagrams_shut(&d);
}
