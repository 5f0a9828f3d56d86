/* ip_filter_test.c - rules in order, prefixes to the bit, and nobody is told about a connection that was refused. */
#include <errno.h>
#include <unistd.h>

#include <weir/testing.h>
#include <weir/transport.h>

#include "wires.h"

static bool allows(const weir_ip_filter *filter, const char *host) {
    weir_addr addr;
    require(weir_addr_parse(&addr, host, 1) == WEIR_OK);
    return weir_ip_filter_allows(filter, &addr);
}

#define FILTER(...)                                                                                          \
    new_filter((const char *const[]){__VA_ARGS__},                                                           \
               sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static weir_ip_filter *new_filter(const char *const *rules, size_t count) {
    weir_ip_filter *filter;
    size_t wrong = 999;
    expect_eq(weir_ip_filter_new(&filter, rules, count, &wrong), WEIR_OK);
    expect_eq(wrong, 999);
    return filter;
}

WEIR_TEST(ip_filter, takes_the_first_rule_that_matches) {
    weir_ip_filter *filter =
        FILTER("deny 10.1.0.0/16", "allow 10.0.0.0/8", "allow 2001:db8::/32", "deny all");
    expect(allows(filter, "10.0.0.1"));
    expect(allows(filter, "10.2.3.4"));
    expect(!allows(filter, "10.1.255.255"));
    expect(!allows(filter, "11.0.0.1"));
    expect(allows(filter, "2001:db8:ffff::1"));
    expect(!allows(filter, "2001:db9::1"));
    weir_ip_filter_release(filter);
}

WEIR_TEST(ip_filter, allows_what_no_rule_speaks_of) {
    weir_ip_filter *filter = FILTER("deny 192.168.1.7");
    weir_addr none = {0};
    expect(allows(filter, "192.168.1.6"));
    expect(!allows(filter, "192.168.1.7"));
    expect(allows(filter, "::1"));
    expect(weir_ip_filter_allows(filter, &none));
    weir_ip_filter_release(filter);
}

WEIR_TEST(ip_filter, compares_prefixes_of_every_length_to_the_bit) {
    for (unsigned bits = 0; bits <= 32; bits++) {
        char rule[64], inside[32], outside[32];
        uint32_t base = 0xA5C3E187, flipped = bits == 0 ? base : base ^ (UINT32_C(1) << (32 - bits));
        uint32_t last = bits == 32 ? base : base | (UINT32_MAX >> bits);
        snprintf(rule, sizeof rule, "deny %u.%u.%u.%u/%u", base >> 24, base >> 16 & 255, base >> 8 & 255,
                 base & 255, bits);
        snprintf(inside, sizeof inside, "%u.%u.%u.%u", last >> 24, last >> 16 & 255, last >> 8 & 255,
                 last & 255);
        snprintf(outside, sizeof outside, "%u.%u.%u.%u", flipped >> 24, flipped >> 16 & 255,
                 flipped >> 8 & 255, flipped & 255);
        weir_ip_filter *filter = FILTER(rule);
        expect(!allows(filter, inside));
        expect_eq(allows(filter, outside), bits != 0);
        expect(allows(filter, "a5c3:e187::")); /* an IPv4 rule is not about IPv6 */
        weir_ip_filter_release(filter);
    }
}

WEIR_TEST(ip_filter, knows_an_ipv4_address_in_ipv6_clothes) {
    weir_ip_filter *filter = FILTER("deny 127.0.0.0/8", "deny fe80::/10");
    expect(!allows(filter, "::ffff:127.1.2.3"));
    expect(allows(filter, "::ffff:128.1.2.3"));
    expect(!allows(filter, "febf::1"));
    expect(allows(filter, "fec0::1"));
    weir_ip_filter_release(filter);
}

WEIR_TEST(ip_filter, says_which_rule_makes_no_sense) {
    static const char *const nonsense[] = {
        "",
        "allow",
        "permit all",
        "allow 10.0.0.0/33",
        "allow ::/129",
        "allow 10.0.0/8",
        "allow 10.0.0.0/",
        "allow 10.0.0.0/-1",
        "allow 10.0.0.0/8/8",
        "deny example.org",
        "deny 1234567890123456789012345678901234567890123456789012345678901234567"};
    for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++) {
        const char *const rules[] = {"allow all", nonsense[i]};
        weir_ip_filter *filter = (weir_ip_filter *)1;
        size_t wrong = 999;
        expect_eq(weir_ip_filter_new(&filter, rules, 2, &wrong), WEIR_E_INVALID);
        expect(filter == NULL);
        expect_eq(wrong, 1);
        expect_eq(weir_ip_filter_new(&filter, rules, 2, NULL), WEIR_E_INVALID);
    }
}

typedef struct guarded {
    weir_ip_filter *filter;
    atomic_uint active;
} guarded;

static void count_active(weir_ctx *ctx) {
    atomic_fetch_add(&((guarded *)weir_ctx_state(ctx))->active, 1);
    weir_ctx_fire_active(ctx);
}

static weir_status build_guarded(weir_pipeline *pipeline, void *arg) {
    static const weir_handler counter = {.name = "counter", .active = count_active};
    guarded *self = arg;
    weir_status status = weir_ip_filter_admit(self->filter, pipeline);
    return status != WEIR_OK ? status : weir_pipeline_add_last(pipeline, &counter, self);
}

static uint64_t refused_by(weir_server *server) {
    weir_server_stats stats;
    weir_server_get_stats(server, &stats);
    return stats.refused;
}

WEIR_TEST(ip_filter, keeps_a_connection_from_every_handler) {
    guarded t = {.filter = FILTER("deny 127.0.0.0/8")};
    weir_loop_group *loops = weir_loop_group_new(1);
    weir_server *server;
    weir_server_options options = {.loops = loops, .build = build_guarded, .build_arg = &t};
    require(weir_server_start(&server, &options) == WEIR_OK);
    int fd = plain_connect(weir_addr_port(weir_server_addr(server)));
    char byte;
    expect(read(fd, &byte, 1) <= 0);
    close(fd);
    for (int i = 0; i < 1000 && refused_by(server) == 0; i++) wait_ms(10);
    expect_eq(refused_by(server), 1);
    weir_server_free(server);
    weir_loop_group_free(loops);
    expect_eq(atomic_load(&t.active), 0);
    weir_ip_filter_release(t.filter);
}
