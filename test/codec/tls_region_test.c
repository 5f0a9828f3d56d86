/* tls_region_test.c - regions and large bufs through TLS: in chunks, in order, within bounds, and their failures. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <weir/core/alloc.h>
#include <weir/core/log.h>

#include "codec/tls_talk.h"

/* A region of the pattern, which may be shorter than it says, or cold at first. */
typedef struct pattern_region {
    weir_region region;
    uint64_t there;
    bool is_cold;
    unsigned reads;
} pattern_region;

static ssize_t read_pattern(weir_region *region, uint64_t at, void *dst, size_t n, bool may_wait) {
    pattern_region *self = WEIR_CONTAINER(region, pattern_region, region);
    uint8_t *to = dst;
    if (self->is_cold && !may_wait) return -EAGAIN;
    if (at >= self->there) return 0;
    if (n > self->there - at) n = (size_t)(self->there - at);
    for (size_t i = 0; i < n; i++) to[i] = (uint8_t)((at + i) * 7 + (at + i) / 251);
    self->reads++;
    return (ssize_t)n;
}

static void free_pattern(weir_region *region) {
    weir_alloc_release(NULL, WEIR_CONTAINER(region, pattern_region, region));
}

static const weir_region_ops pattern_ops = {.name = "pattern", .read = read_pattern, .free = free_pattern};

static pattern_region *new_pattern(uint64_t length) {
    pattern_region *self = weir_alloc_zeroed(NULL, 1, sizeof *self);
    require(self != NULL);
    self->there = length;
    weir_region_init(&self->region, &pattern_ops, length);
    return self;
}

WEIR_TEST(tls_region, carries_regions_of_any_length_between_their_neighbours) {
    tls_talk talk;
    tls_talk_begin(&talk, NULL, NULL);
    tls_talk_meet(&talk);
    const uint64_t lengths[] = {0, 1, 1369, 16384, 65535, 65536, 65537, 131072, 300001, 3 << 20};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        tls_result head, body, tail;
        tls_end_write(&talk.server, tls_text("<"), tls_watch(&talk.server, &head));
        tls_end_write(&talk.server, new_pattern(lengths[i]), tls_watch(&talk.server, &body));
        tls_end_write(&talk.server, tls_text(">"), tls_watch(&talk.server, &tail));
        tls_talk_carry(&talk);
        expect(head.times == 1 && body.times == 1 && tail.times == 1);
        expect(head.status == WEIR_OK && body.status == WEIR_OK && tail.status == WEIR_OK);
        uint8_t mark = 0;
        expect(weir_buf_read_u8(talk.client.read, &mark) && mark == '<');
        weir_buf *body_read = weir_buf_read_slice(talk.client.read, (size_t)lengths[i]);
        expect(tls_is_pattern(body_read, (size_t)lengths[i]));
        weir_buf_release(body_read);
        expect(weir_buf_read_u8(talk.client.read, &mark) && mark == '>');
        expect_eq(weir_buf_readable(talk.client.read), 0);
        weir_buf_clear(talk.client.read);
    }
    weir_tls_stats stats;
    expect(weir_tls_get_stats(weir_embedded_pipeline(talk.server.embedded), &stats));
    expect_eq(stats.region_read_bytes,
              1 + 1369 + 16384 + 65535 + 65536 + 65537 + 131072 + 300001 + (3 << 20));
    tls_talk_end(&talk);
}

WEIR_TEST(tls_region, encrypts_only_as_fast_as_the_peer_reads) {
    tls_talk talk;
    tls_result region_sent, buf_sent;
    tls_talk_begin(&talk, NULL, NULL);
    tls_talk_meet(&talk);
    weir_embedded_stall(talk.server.embedded, true);
    tls_end_write(&talk.server, new_pattern(4 << 20), tls_watch(&talk.server, &region_sent));
    tls_end_write(&talk.server, tls_pattern(1 << 20), tls_watch(&talk.server, &buf_sent));
    weir_channel_flush(talk.server.channel);
    weir_embedded_run(talk.server.embedded);
    weir_tls_stats stats;
    expect(weir_tls_get_stats(weir_embedded_pipeline(talk.server.embedded), &stats));
    expect(stats.plain_written <= 2 * 65536);
    uint64_t pending = weir_channel_pending_bytes(talk.server.channel);
    expect(pending >= 5u << 20 && pending < (5u << 20) + 4000);
    expect(!weir_channel_is_writable(talk.server.channel));
    weir_embedded_stall(talk.server.embedded, false);
    expect(region_sent.status == WEIR_OK && buf_sent.status == WEIR_OK);
    tls_talk_carry(&talk);
    weir_buf *region_read = weir_buf_read_slice(talk.client.read, 4 << 20);
    expect(tls_is_pattern(region_read, 4 << 20));
    weir_buf_release(region_read);
    expect(tls_is_pattern(talk.client.read, 1 << 20));
    expect_eq(weir_channel_pending_bytes(talk.server.channel), 0);
    tls_talk_end(&talk);
}

WEIR_TEST(tls_region, waits_for_a_cold_source_off_the_loop) {
    tls_talk talk;
    tls_result sent;
    tls_talk_begin(&talk, NULL, NULL);
    tls_talk_meet(&talk);
    pattern_region *cold = new_pattern(200000);
    cold->is_cold = true;
    tls_end_write(&talk.server, cold, tls_watch(&talk.server, &sent));
    tls_end_say(&talk.server, "!");
    tls_talk_carry(&talk);
    expect_status(sent.status, WEIR_OK);
    weir_buf *body = weir_buf_read_slice(talk.client.read, 200000);
    expect(tls_is_pattern(body, 200000));
    weir_buf_release(body);
    expect(tls_end_heard(&talk.client, "!"));
    tls_talk_end(&talk);
}

WEIR_TEST(tls_region, aborts_when_the_source_is_shorter_than_promised) {
    tls_talk talk;
    tls_result sent, behind;
    weir_log_set_level(WEIR_LOG_OFF);
    tls_talk_begin(&talk, NULL, NULL);
    tls_talk_meet(&talk);
    pattern_region *cut = new_pattern(300000);
    cut->there = 100000;
    tls_end_write(&talk.server, cut, tls_watch(&talk.server, &sent));
    tls_end_write(&talk.server, tls_text("!"), tls_watch(&talk.server, &behind));
    weir_embedded_run(talk.server.embedded);
    expect_status(sent.status, WEIR_E_TRUNCATED);
    expect_status(behind.status, WEIR_E_TRUNCATED);
    expect_eq(sent.times + behind.times, 2);
    expect_status(weir_embedded_aborted(talk.server.embedded), WEIR_E_TRUNCATED);
    tls_talk_carry(&talk);
    expect(tls_end_saw(&talk.server, "inactive"));
    tls_talk_end(&talk);
}

WEIR_TEST(tls_region, fails_what_waits_when_the_connection_breaks) {
    tls_talk talk;
    tls_result sent, behind;
    weir_log_set_level(WEIR_LOG_OFF);
    tls_talk_begin(&talk, NULL, NULL);
    tls_talk_meet(&talk);
    weir_embedded_stall(talk.server.embedded, true);
    tls_end_write(&talk.server, new_pattern(1 << 20), tls_watch(&talk.server, &sent));
    tls_end_write(&talk.server, tls_pattern(100), tls_watch(&talk.server, &behind));
    weir_embedded_break(talk.server.embedded, -ECONNRESET);
    expect_status(sent.status, -ECONNRESET);
    expect_status(behind.status, -ECONNRESET);
    expect_eq(sent.times + behind.times, 2);
    expect(tls_end_saw(&talk.server, "error ECONNRESET inactive"));
    tls_talk_end(&talk);
}

WEIR_TEST(tls_region, closes_after_all_of_it_or_when_nothing_leaves_any_more) {
    tls_talk talk;
    tls_result sent, closed;
    weir_log_set_level(WEIR_LOG_OFF);
    tls_talk_begin(&talk, NULL, NULL);
    tls_talk_meet(&talk);
    tls_end_write(&talk.server, new_pattern(1 << 20), tls_watch(&talk.server, &sent));
    weir_channel_close(talk.server.channel, tls_watch(&talk.server, &closed));
    tls_talk_carry(&talk);
    expect(tls_is_pattern(talk.client.read, 1 << 20));
    expect(sent.status == WEIR_OK && closed.status == WEIR_OK);
    tls_talk_close(&talk);
    tls_talk_meet(&talk);
    weir_embedded_stall(talk.server.embedded, true);
    tls_end_write(&talk.server, new_pattern(1 << 20), tls_watch(&talk.server, &sent));
    weir_channel_close(talk.server.channel, tls_watch(&talk.server, &closed));
    weir_embedded_advance(talk.server.embedded, 30000);
    expect_eq(closed.times, 0);
    weir_embedded_advance(talk.server.embedded, 30000);
    expect_status(sent.status, WEIR_E_TIMEOUT);
    expect_status(closed.status, WEIR_E_TIMEOUT);
    tls_talk_end(&talk);
}

WEIR_TEST(tls_region, of_a_file_comes_whole) {
    tls_talk talk;
    tls_result sent;
    tls_talk_begin(&talk, NULL, NULL);
    tls_talk_meet(&talk);
    FILE *file = tmpfile();
    require(file != NULL);
    weir_buf *bytes = tls_pattern(500000);
    expect_eq(fwrite(bytes->rp, 1, 500000, file), 500000);
    fflush(file);
    weir_buf_release(bytes);
    tls_end_write(&talk.server, weir_region_file(fileno(file), false, 0, 500000),
                  tls_watch(&talk.server, &sent));
    tls_talk_carry(&talk);
    expect_status(sent.status, WEIR_OK);
    expect(tls_is_pattern(talk.client.read, 500000));
    fclose(file);
    tls_talk_end(&talk);
}
