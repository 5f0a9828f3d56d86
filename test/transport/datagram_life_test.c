/* datagram_life_test.c - how datagram channels and their messages begin and end. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <weir/testing.h>

#include "datagrams.h"

static uint8_t room[1000];

/* ---- beginning ---- */

WEIR_TEST(datagram, says_why_it_did_not_open) {
    weir_addr taken;
    int other = plain_udp("127.0.0.1", &taken);
    struct {
        weir_datagram_options options;
        weir_status expected;
    } tries[] = {
        {{.port = weir_addr_port(&taken)}, -EADDRINUSE},
        {{.host = "203.0.113.1"}, -EADDRNOTAVAIL},
        {{.host = "no.such.host.invalid"}, WEIR_E_RESOLVE},
        {{.port = 65536}, WEIR_E_INVALID},
        {{.remote_port = 5}, WEIR_E_INVALID},
        {{.max_size = WEIR_DATAGRAM_MAX + 1}, WEIR_E_INVALID},
        {{.batch = 65}, WEIR_E_INVALID},
        {{.ttl = 256}, WEIR_E_INVALID},
        {{.host = "unix:@weir-datagram-test"}, WEIR_E_UNSUPPORTED},
        {{.join = &(weir_multicast){.group = "127.0.0.1"}, .join_count = 1}, WEIR_E_INVALID},
        {{.join = &(weir_multicast){.group = "239.1.2.3", .interface = "nosuch0"}, .join_count = 1}, -ENODEV},
        {{.channel = {.low_water = 10, .high_water = 5}}, WEIR_E_INVALID},
    };
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
        datagrams d = {0};
        datagrams_open(&d, tries[i].options, false);
        if (!expect_status(d.opened, tries[i].expected)) fprintf(stderr, "  of try %zu\n", i);
        datagrams_shut(&d);
        expect_eq(d.errors, 0);
    }
    close(other);
}

WEIR_TEST(datagram, opens_by_name) {
    datagrams d = {.echoes = true};
    datagrams_open(&d, (weir_datagram_options){.host = "localhost"}, false);
    expect_status(d.opened, WEIR_OK);
    datagrams_shut(&d);
}

/* Written before the channel is open; what came of opening it. */
static weir_status send_at_once(const char *host, const char *far_host, const weir_addr *addr, int far) {
    weir_loop_group *group = weir_loop_group_new(1);
    weir_loop *loop = weir_loop_group_at(group, 0);
    weir_datagram_options options = {
        .loop = loop, .host = host, .remote_host = far_host, .remote_port = weir_addr_port(addr)};
    weir_promise *opened = weir_promise_new(loop);
    weir_channel *channel = weir_datagram_open(&options, weir_promise_retain(opened));
    weir_channel_write(channel, datagrams_fill('a', 7), NULL);
    weir_status status = datagrams_wait_for(opened);
    if (status == WEIR_OK) {
        weir_addr peer;
        expect_eq(plain_receive(far, room, sizeof room, 10000), 7);
        weir_channel_remote_addr(channel, &peer);
        expect(weir_addr_equal(&peer, addr));
    }
    weir_channel_release(channel);
    weir_loop_group_free(group);
    return status;
}

WEIR_TEST(datagram, sends_what_was_written_before_it_was_open_to_an_address_or_a_name) {
    weir_addr addr;
    int far = plain_udp("127.0.0.1", &addr);
    expect_status(send_at_once(NULL, "127.0.0.1", &addr, far), WEIR_OK);
    expect_status(send_at_once("127.0.0.1", "localhost", &addr, far), WEIR_OK);
    expect(send_at_once(NULL, "no-such-host.invalid", &addr, far) != WEIR_OK);
    close(far);
}

WEIR_TEST(datagram, may_be_closed_before_it_is_open) {
    static const char *const hosts[] = {"127.0.0.1", "localhost"};
    for (int i = 0; i < 20; i++) {
        weir_loop_group *group = weir_loop_group_new(1);
        weir_loop *loop = weir_loop_group_at(group, 0);
        weir_promise *opened = weir_promise_new(loop), *closed = weir_promise_new(loop);
        weir_datagram_options options = {.loop = loop, .host = hosts[i % 2]};
        weir_channel *channel = weir_datagram_open(&options, weir_promise_retain(opened));
        weir_channel_close(channel, weir_promise_retain(closed));
        expect(weir_promise_wait(closed, 10000) != WEIR_E_TIMEOUT);
        expect(weir_promise_is_done(opened));
        weir_promise_release(closed);
        weir_promise_release(opened);
        weir_channel_release(channel);
        weir_loop_group_free(group);
    }
}

typedef struct hasty {
    weir_datagram_options options;
    weir_promise *opened, *closed;
    weir_channel *channel;
} hasty;

static void open_and_close(void *arg) {
    hasty *self = arg;
    self->channel = weir_datagram_open(&self->options, weir_promise_retain(self->opened));
    require(self->channel != NULL);
    weir_channel_close(self->channel, weir_promise_retain(self->closed));
    weir_channel_abort(self->channel, -EPROTO);
}

WEIR_TEST(datagram, may_be_ended_in_the_callback_that_opens_it) {
    static const char *const hosts[] = {"127.0.0.1", "localhost"};
    for (int i = 0; i < 2; i++) {
        weir_loop_group *group = weir_loop_group_new(1);
        weir_loop *loop = weir_loop_group_at(group, 0);
        hasty self = {.options = {.loop = loop, .host = hosts[i]},
                      .opened = weir_promise_new(loop),
                      .closed = weir_promise_new(loop)};
        require(weir_loop_post(loop, open_and_close, &self) == WEIR_OK);
        expect_status(weir_promise_wait(self.closed, 10000), WEIR_E_CANCELED);
        expect(weir_promise_is_done(self.opened));
        expect_status(weir_promise_status(self.opened), WEIR_E_CANCELED);
        weir_promise_release(self.closed);
        weir_promise_release(self.opened);
        weir_channel_release(self.channel);
        weir_loop_group_free(group);
    }
}

WEIR_TEST(datagram, shares_a_port_only_when_all_agree) {
    datagrams one = {0}, two = {0}, three = {0};
    datagrams_open(&one, (weir_datagram_options){.reuse_port = true}, false);
    datagrams_open(&two, (weir_datagram_options){.reuse_port = true, .port = one.port}, false);
    datagrams_open(&three, (weir_datagram_options){.port = one.port}, false);
    expect_status(two.opened, WEIR_OK);
    expect_status(three.opened, -EADDRINUSE);
    datagrams_shut(&one);
    datagrams_shut(&two);
    datagrams_shut(&three);
}

/* ---- ending ---- */

static void write_and_close(datagrams *self) {
    for (int i = 0; i < 50; i++) weir_channel_write(self->channel, datagrams_fill('a', 10), NULL);
    weir_channel_close(self->channel, NULL);
}

WEIR_TEST(datagram, sends_what_is_queued_before_it_closes) {
    datagrams d = {.takes_errors = true};
    datagrams_open(&d, (weir_datagram_options){0}, true);
    datagrams_do(&d, write_and_close);
    for (int i = 0; i < 50; i++) expect_eq(plain_receive(d.far, room, sizeof room, 10000), 10);
    expect(wire_until_gone(&d.wire));
    expect_status(datagrams_write_out(&d, datagrams_fill('a', 1)), WEIR_E_CLOSED);
    datagrams_shut(&d);
    expect_eq(d.errors, 0);
}

static weir_promise *unsent[3];

static void write_and_abort(datagrams *self) {
    for (int i = 0; i < 3; i++)
        weir_channel_write(self->channel, datagrams_fill('a', 10), weir_promise_retain(unsent[i]));
    weir_channel_abort(self->channel, WEIR_E_LIMIT);
}

WEIR_TEST(datagram, fails_what_is_queued_when_it_is_aborted) {
    datagrams d = {.takes_errors = true};
    datagrams_open(&d, (weir_datagram_options){0}, true);
    for (int i = 0; i < 3; i++) unsent[i] = weir_promise_new(d.wire.loop);
    datagrams_do(&d, write_and_abort);
    for (int i = 0; i < 3; i++) expect_status(datagrams_wait_for(unsent[i]), WEIR_E_LIMIT);
    datagrams_shut(&d);
    expect_eq(d.errors, 0);
}

static void shut_down(datagrams *self) {
    weir_channel_shutdown(self->channel, NULL);
}

WEIR_TEST(datagram, reads_on_after_a_shutdown_and_writes_no_more) {
    datagrams d = {0};
    datagrams_open(&d, (weir_datagram_options){0}, true);
    datagrams_do(&d, shut_down);
    expect_status(datagrams_write_out(&d, datagrams_fill('a', 1)), WEIR_E_CLOSED);
    expect_eq(send(d.far, "x", 1, 0), 1);
    expect(datagrams_until_read(&d, 1));
    datagrams_shut(&d);
}

static void send_burst(datagrams *self) {
    for (int i = 0; i < 40; i++) expect_eq(send(self->far, "x", 1, 0), 1);
}

WEIR_TEST(datagram, delivers_nothing_after_a_close) {
    datagrams d = {.closes_at_once = true};
    datagrams_open(&d, (weir_datagram_options){0}, false);
    datagrams_do(&d, send_burst);
    expect(wire_until_gone(&d.wire));
    datagrams_shut(&d);
    expect_eq(d.reads, 1);
}

WEIR_TEST(datagram, may_outlive_its_loop) {
    datagrams d = {.keeps = true};
    datagrams_open(&d, (weir_datagram_options){0}, false);
    datagrams_do(&d, send_burst);
    expect(datagrams_until_read(&d, 40));
    weir_datagram_release(d.kept[--d.kept_count]); /* from another thread */
    weir_datagram *extra = weir_datagram_retain(d.kept[0]);
    weir_datagram_release(extra);
    datagrams_shut(&d);
    for (unsigned i = 0; i < d.kept_count; i++) expect_bytes(weir_buf_peek(d.kept[i]->content), "x");
    datagrams_release_kept(&d);
}

WEIR_TEST(datagram, released_after_its_embedded_loop_is_not_kept) {
    weir_embedded *embedded = weir_embedded_new(NULL, NULL, NULL);
    weir_loop *loop = weir_embedded_loop(embedded);
    weir_datagram_release(weir_datagram_new(loop, datagrams_fill('a', 1), NULL));
    weir_datagram *datagram = weir_datagram_new(loop, datagrams_fill('b', 2), NULL);
    expect(weir_datagram_new(loop, NULL, NULL) == NULL);
    weir_embedded_free(embedded);
    expect_eq(weir_obj_size(&datagram->obj), 2);
    weir_datagram_release(datagram);
}
