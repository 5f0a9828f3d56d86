/* datagram_multicast_test.c - groups on the loopback interface: joined, left, by source, sent to. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <weir/testing.h>

#include "datagrams.h"

static const weir_multicast v4_group = {.group = "239.255.77.1", .interface = "lo"};
static const weir_multicast v6_group = {.group = "ff11::4d01", .interface = "lo"};

/* Channels on the same port: a member hears what the other one sends to the group. */
typedef struct crowd {
    datagrams member, sender;
    weir_addr group;
} crowd;

static void open_crowd(crowd *self, const weir_multicast *join, const char *any) {
    memset(self, 0, sizeof *self);
    self->member.keeps = true;
    datagrams_open(&self->member,
                   (weir_datagram_options){.host = any, .join = join, .join_count = 1, .local_addr = true},
                   false);
    require(self->member.opened == WEIR_OK);
    datagrams_open(&self->sender, (weir_datagram_options){.multicast_interface = "lo", .multicast_ttl = 1},
                   false);
    require(self->sender.opened == WEIR_OK);
    require(weir_addr_parse(&self->group, join->group, self->member.port) == WEIR_OK);
}

static void shut_crowd(crowd *self) {
    datagrams_shut(&self->member);
    datagrams_release_kept(&self->member);
    datagrams_shut(&self->sender);
}

static weir_status send_to_group(crowd *self, char byte) {
    weir_promise *promise = weir_promise_new(self->sender.wire.loop);
    weir_channel_write(self->sender.channel,
                       weir_datagram_new(self->sender.wire.loop, datagrams_fill(byte, 1), &self->group),
                       weir_promise_retain(promise));
    weir_status status = weir_promise_wait(promise, 10000);
    weir_promise_release(promise);
    return status;
}

/* What the loopback has accepted is in the member's socket, or nowhere: a byte sent straight to it comes after. */
static void send_marker(crowd *self) {
    expect_eq(send(self->member.far, ".", 1, 0), 1);
}

static void expect_heard(crowd *self, const char *bytes) {
    size_t n = strlen(bytes);
    expect(datagrams_until_read(&self->member, (unsigned)n));
    for (size_t i = 0; i < n; i++) {
        weir_bytes content = weir_buf_peek(self->member.kept[i]->content);
        expect(content.len == 1 && content.ptr[0] == (uint8_t)bytes[i]);
    }
}

WEIR_TEST(datagram_multicast, is_heard_by_members) {
    crowd c;
    open_crowd(&c, &v4_group, "0.0.0.0");
    expect_status(send_to_group(&c, 'a'), WEIR_OK);
    send_marker(&c);
    expect_heard(&c, "a.");
    weir_addr to = c.member.kept[0]->local, group;
    weir_addr_parse(&group, v4_group.group, 0);
    expect(weir_addr_equal(&to, &group));
    shut_crowd(&c);
}

/* The loopback interface has no route for IPv6 groups, so that nothing can be sent there: the kernel's list tells. */
static bool is_member_by_v6(void) {
    char line[200];
    bool found = false;
    FILE *groups = fopen("/proc/net/igmp6", "r");
    require(groups != NULL);
    while (fgets(line, sizeof line, groups) != NULL) {
        if (strstr(line, " lo ") != NULL && strstr(line, "ff110000000000000000000000004d01") != NULL)
            found = true;
    }
    fclose(groups);
    return found;
}

WEIR_TEST(datagram_multicast, is_joined_by_ipv6_and_left_at_the_end) {
    datagrams d = {0};
    expect(!is_member_by_v6());
    datagrams_open(&d, (weir_datagram_options){.host = "::", .join = &v6_group, .join_count = 1}, false);
    expect_status(d.opened, WEIR_OK);
    expect(is_member_by_v6());
    datagrams_shut(&d);
    expect(!is_member_by_v6());
}

WEIR_TEST(datagram_multicast, is_answered_from_an_address_that_is_not_the_group) {
    crowd c;
    open_crowd(&c, &v4_group, "0.0.0.0");
    c.sender.keeps = true;
    expect_status(send_to_group(&c, 'q'), WEIR_OK);
    expect(datagrams_until_read(&c.member, 1));
    weir_channel_write(c.member.channel, weir_datagram_reply(c.member.kept[0], datagrams_fill('a', 1)), NULL);
    expect(datagrams_until_read(&c.sender, 1));
    expect_eq(weir_addr_port(&c.sender.kept[0]->remote), c.member.port);
    shut_crowd(&c);
    datagrams_release_kept(&c.sender);
}

static weir_status changed;
static weir_multicast change;

static void leave(datagrams *self) {
    changed = weir_datagram_leave(self->channel, &change);
}

static void join(datagrams *self) {
    changed = weir_datagram_join(self->channel, &change);
}

WEIR_TEST(datagram_multicast, is_not_heard_after_leaving) {
    crowd c;
    open_crowd(&c, &v4_group, "0.0.0.0");
    change = v4_group;
    datagrams_do(&c.member, leave);
    expect_status(changed, WEIR_OK);
    expect_status(send_to_group(&c, 'b'), WEIR_OK);
    send_marker(&c);
    expect_heard(&c, ".");
    datagrams_do(&c.member, leave);
    expect_status(changed, -EADDRNOTAVAIL);
    datagrams_do(&c.member, join);
    expect_status(changed, WEIR_OK);
    datagrams_do(&c.member, join);
    expect_status(changed, -EADDRINUSE);
    expect_status(send_to_group(&c, 'c'), WEIR_OK);
    expect_heard(&c, ".c");
    shut_crowd(&c);
}

WEIR_TEST(datagram_multicast, may_be_heard_from_one_source_only) {
    static const weir_multicast from_us = {.group = "232.1.2.3", .source = "127.0.0.1", .interface = "lo"};
    static const weir_multicast from_others = {
        .group = "232.1.2.3", .source = "127.0.0.9", .interface = "lo"};
    crowd c;
    open_crowd(&c, &from_us, "0.0.0.0");
    expect_status(send_to_group(&c, 'a'), WEIR_OK);
    send_marker(&c);
    expect_heard(&c, "a.");
    shut_crowd(&c);
    open_crowd(&c, &from_others, "0.0.0.0");
    expect_status(send_to_group(&c, 'a'), WEIR_OK);
    send_marker(&c);
    expect_heard(&c, ".");
    shut_crowd(&c);
}

WEIR_TEST(datagram_multicast, of_groups_that_others_joined_is_not_heard) {
    crowd c;
    datagrams stranger = {0};
    open_crowd(&c, &v4_group, "0.0.0.0");
    datagrams_open(&stranger, (weir_datagram_options){.host = "0.0.0.0"}, false);
    weir_addr_parse(&c.group, v4_group.group, stranger.port);
    expect_status(send_to_group(&c, 'a'), WEIR_OK);
    expect_eq(send(stranger.far, ".", 1, 0), 1);
    expect(datagrams_until_read(&stranger, 1));
    datagrams_shut(&stranger);
    shut_crowd(&c);
}

WEIR_TEST(datagram_multicast, may_be_kept_from_this_host) {
    crowd c;
    open_crowd(&c, &v4_group, "0.0.0.0");
    datagrams quiet = {0};
    datagrams_open(&quiet, (weir_datagram_options){.multicast_interface = "lo", .multicast_no_loop = true},
                   false);
    weir_promise *promise = weir_promise_new(quiet.wire.loop);
    weir_channel_write(quiet.channel, weir_datagram_new(quiet.wire.loop, datagrams_fill('q', 1), &c.group),
                       weir_promise_retain(promise));
    weir_status status = weir_promise_wait(promise, 10000);
    weir_promise_release(promise);
    expect_status(status, WEIR_OK);
    int loops = -1;
    socklen_t len = sizeof loops;
    expect_eq(getsockopt(weir_channel_fd(quiet.channel), IPPROTO_IP, IP_MULTICAST_LOOP, &loops, &len), 0);
    expect_eq(loops, 0);
    datagrams_shut(&quiet);
    shut_crowd(&c);
}

WEIR_TEST(datagram_multicast, needs_a_group_and_a_source_of_its_family) {
    static const weir_multicast bad[] = {
        {.group = NULL},
        {.group = "10.0.0.1"},
        {.group = "2001:db8::1"},
        {.group = "name"},
        {.group = "239.1.1.1", .source = "::1"},
        {.group = "239.1.1.1", .interface = "0"},
    };
    datagrams d = {0};
    datagrams_open(&d, (weir_datagram_options){0}, false);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        change = bad[i];
        datagrams_do(&d, join);
        expect_status(changed, WEIR_E_INVALID);
    }
    change = (weir_multicast){.group = "239.1.1.1", .interface = "1"};
    datagrams_do(&d, join);
    expect_status(changed, WEIR_OK);
    datagrams_shut(&d);
}
