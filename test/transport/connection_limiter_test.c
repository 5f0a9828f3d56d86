/* connection_limiter_test.c - so many for each address, counted in and out over real connections. */
#include <arpa/inet.h>
#include <errno.h>
#include <unistd.h>

#include <weir/testing.h>
#include <weir/transport.h>

#include "wires.h"

typedef struct limited {
    weir_loop_group *loops;
    weir_server *server;
    weir_connection_limiter *limiter;
} limited;

static weir_status build(weir_pipeline *pipeline, void *arg) {
    limited *self = arg;
    weir_status status = weir_connection_limiter_admit(self->limiter, pipeline);
    return status != WEIR_OK ? status : weir_connection_limiter_admit(self->limiter, pipeline);
}

static void begin(limited *self, weir_connection_limiter_options options) {
    self->limiter = weir_connection_limiter_new(&options);
    self->loops = weir_loop_group_new(2);
    weir_server_options server = {.loops = self->loops, .build = build, .build_arg = self};
    require(self->limiter != NULL && weir_server_start(&self->server, &server) == WEIR_OK);
}

static weir_connection_limiter_stats stats_of(limited *self) {
    weir_connection_limiter_stats stats;
    weir_connection_limiter_get_stats(self->limiter, &stats);
    return stats;
}

static bool until_counted(limited *self, uint64_t connections, uint64_t refused) {
    for (int i = 0; i < 1000; i++) {
        weir_connection_limiter_stats stats = stats_of(self);
        if (stats.connections == connections && stats.refused == refused) return true;
        wait_ms(10);
    }
    return false;
}

static void end(limited *self) {
    weir_server_free(self->server);
    expect_eq(stats_of(self).connections, 0);
    expect_eq(stats_of(self).addresses, 0);
    weir_loop_group_free(self->loops);
    weir_connection_limiter_release(self->limiter);
}

/* A connection from 127.0.0.`last`. */
static int connect_from(limited *self, unsigned last) {
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000000 | last)};
    const weir_addr *to = weir_server_addr(self->server);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    require(bind(fd, (struct sockaddr *)&from, sizeof from) == 0);
    require(connect(fd, &to->as.sa, to->len) == 0);
    return fd;
}

WEIR_TEST(connection_limiter, counts_each_address_for_itself) {
    limited t;
    begin(&t, (weir_connection_limiter_options){.per_address = 2});
    int fds[] = {connect_from(&t, 1), connect_from(&t, 1), connect_from(&t, 2)};
    expect(until_counted(&t, 3, 0));
    expect_eq(stats_of(&t).addresses, 2);
    int refused = connect_from(&t, 1);
    expect(until_counted(&t, 3, 1));
    char byte;
    expect(read(refused, &byte, 1) <= 0);
    close(fds[0]);
    expect(until_counted(&t, 2, 1));
    int again = connect_from(&t, 1);
    expect(until_counted(&t, 3, 1));
    close(fds[2]);
    expect(until_counted(&t, 2, 1));
    expect_eq(stats_of(&t).addresses, 1);
    close(fds[1]);
    close(again);
    close(refused);
    end(&t);
}

WEIR_TEST(connection_limiter, counts_a_prefix_as_one_address) {
    limited t;
    begin(&t, (weir_connection_limiter_options){.per_address = 2, .v4_prefix = 30});
    int fds[] = {connect_from(&t, 4), connect_from(&t, 7), connect_from(&t, 8)};
    expect(until_counted(&t, 3, 0));
    int refused = connect_from(&t, 5);
    expect(until_counted(&t, 3, 1));
    for (int i = 0; i < 3; i++) close(fds[i]);
    close(refused);
    end(&t);
}

WEIR_TEST(connection_limiter, remembers_no_more_addresses_than_it_may) {
    limited t;
    begin(&t, (weir_connection_limiter_options){.most_addresses = 2});
    int fds[] = {connect_from(&t, 1), connect_from(&t, 2), connect_from(&t, 2)};
    expect(until_counted(&t, 3, 0));
    int refused = connect_from(&t, 3);
    expect(until_counted(&t, 3, 1));
    for (int i = 0; i < 3; i++) close(fds[i]);
    close(refused);
    end(&t);
}

WEIR_TEST(connection_limiter, does_not_count_who_has_no_address) {
    weir_connection_limiter *limiter = weir_connection_limiter_new(NULL);
    weir_embedded *embedded = weir_embedded_new(NULL, NULL, NULL);
    expect_eq(weir_connection_limiter_admit(limiter, weir_embedded_pipeline(embedded)), WEIR_OK);
    weir_connection_limiter_stats stats;
    weir_connection_limiter_get_stats(limiter, &stats);
    expect_eq(stats.connections, 0);
    weir_embedded_free(embedded);
    weir_connection_limiter_release(limiter);
}

WEIR_TEST(connection_limiter, refuses_prefixes_longer_than_an_address) {
    expect(weir_connection_limiter_new(&(weir_connection_limiter_options){.v4_prefix = 33}) == NULL);
    expect(weir_connection_limiter_new(&(weir_connection_limiter_options){.v6_prefix = 129}) == NULL);
}
