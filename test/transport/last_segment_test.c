/* last_segment_test.c - the last bytes before an end of ours leave in one segment with it: counted where they arrive. */
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <weir/testing.h>

#include "witness.h"

static unsigned segments_in(int fd) {
    struct tcp_info info = {0};
    socklen_t len = sizeof info;
    require(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0);
    return info.tcpi_segs_in;
}

typedef struct ending {
    weir_channel *channel;
    unsigned bufs;
    bool flushes, only_ours;
} ending;

static void write_and_end(void *arg) {
    ending *self = arg;
    for (unsigned i = 0; i < self->bufs; i++) {
        weir_channel_write(self->channel, patterned(100 * i, 100), NULL);
    }
    if (self->flushes) weir_channel_flush(self->channel);
    if (self->only_ours) {
        weir_channel_shutdown(self->channel, NULL);
    } else {
        weir_channel_close(self->channel, NULL);
    }
}

/* How many segments brought the far end 100 bytes a buf and the end. */
static unsigned segments_of(wire_kind kind, ending with) {
    wire_end wire;
    witness self = {.actor = {.name = "h"}};
    uint8_t bytes[300];
    open_with(&wire, kind, NULL, &self);
    with.channel = atomic_load(&wire.channel);
    unsigned before = segments_in(wire.far);
    wire_do(&wire, write_and_end, &with);
    expect_eq(far_receive(&wire, bytes, 100 * with.bufs), 100 * with.bufs);
    expect_pattern(bytes, 100 * with.bufs);
    expect(far_sees_end(&wire));
    unsigned count = segments_in(wire.far) - before;
    far_finish(&wire);
    expect(wire_until_gone(&wire));
    shut_with(&wire, &self);
    return count;
}

WEIR_TEST(last_segment, carries_the_last_bytes_and_the_end) {
    static const wire_kind over_tcp[] = {WIRE_ACCEPTED, WIRE_CONNECTED};
    for (size_t i = 0; i < 2; i++) {
        for (unsigned bufs = 1; bufs <= 3; bufs++) {
            weir_test_context("wire %zu, %u bufs", i, bufs);
            expect_eq(segments_of(over_tcp[i], (ending){.bufs = bufs}), 1);
            expect_eq(segments_of(over_tcp[i], (ending){.bufs = bufs, .only_ours = true}), 1);
        }
    }
}

WEIR_TEST(last_segment, does_not_wait_for_an_end_that_nobody_has_asked_for_yet) {
    expect_eq(segments_of(WIRE_ACCEPTED, (ending){.bufs = 2, .flushes = true}), 2);
}
