/* wire_only_sent_test.c - regions that are only sent: said to the socket in the order of the stream. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/testing.h>

#include "wires.h"

/* Says its bytes to the socket with `said` in front, which no reader of them would do. */
static ssize_t say(weir_region *region, uint64_t at, size_t n, int fd) {
    char bytes[32] = "said ";
    (void)region, (void)at;
    memset(bytes + 5, '*', n - 5);
    ssize_t sent = write(fd, bytes, n);
    return sent >= 0 ? sent : -errno;
}

static ssize_t read_refused(weir_region *region, uint64_t at, void *dst, size_t n, bool may_wait) {
    (void)region, (void)at, (void)dst, (void)n, (void)may_wait;
    return -EOPNOTSUPP;
}

static void free_said(weir_region *region) {
    free(region);
}

static weir_region *said(size_t n) {
    static const weir_region_ops ops = {
        .name = "said",
        .read = read_refused,
        .send = say,
        .never_waits = true,
        .only_sent = true,
        .free = free_said,
    };
    weir_region *region = malloc(sizeof *region);
    require(region != NULL);
    weir_region_init(region, &ops, n);
    return region;
}

static weir_buf *text(const char *words) {
    weir_buf *buf = weir_buf_new(strlen(words));
    require(buf != NULL);
    weir_buf_write_str(buf, words);
    return buf;
}

/* Messages that are written in one turn. */
typedef struct list {
    wire_end wire;
    void *messages[6];
    weir_channel_stats stats;
} list;

static void write_all(void *arg) {
    list *self = arg;
    weir_channel *channel = atomic_load(&self->wire.channel);
    for (size_t i = 0; self->messages[i] != NULL; i++) weir_channel_write(channel, self->messages[i], NULL);
}

static void get_stats(void *arg) {
    list *self = arg;
    weir_channel_get_stats(atomic_load(&self->wire.channel), &self->stats);
}

static void expect_sent(list *self, const char *words) {
    char got[64] = "";
    wire_do(&self->wire, write_all, self);
    expect_eq(far_receive(&self->wire, got, strlen(words)), strlen(words));
    expect_str(got, words);
    wire_do(&self->wire, get_stats, self);
}

WEIR_TEST(wire_only_sent, is_said_between_its_neighbours_however_small) {
    FOR_EACH_SOCKET(kind) {
        list all = {.messages = {text("head"), said(7), text("tail"), said(5), text("end")}};
        wire_open(&all.wire, kind, &(weir_channel_options){.region_copy = true}, NULL, NULL);
        expect_sent(&all, "headsaid **tailsaid end");
        expect_eq(all.stats.sendfile_calls, 0);
        expect_eq(all.stats.writev_calls, 5);
        expect_eq(all.stats.copied_bytes, 0);
        wire_shut(&all.wire);
    }
}

WEIR_TEST(wire_only_sent, is_said_whole_though_the_turn_has_less_left) {
    list all = {.messages = {said(12), said(7), text("end")}};
    wire_open(&all.wire, WIRE_ACCEPTED,
              &(weir_channel_options){.region_join_max = SIZE_MAX, .region_bytes_per_turn = 10}, NULL, NULL);
    expect_sent(&all, "said *******said **end");
    wire_shut(&all.wire);
}
