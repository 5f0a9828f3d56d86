/* pipe_region_test.c - read_by_splice: floods arrive as regions, and everything else is as it was. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weir/testing.h>

#include "actor.h"
#include "open_fds.h"
#include "wires.h"

enum {
    FLOOD = 4 << 20
};

static const weir_channel_options by_splice = {.read_by_splice = true};

static uint8_t byte_at(uint64_t i) {
    return (uint8_t)(i * UINT64_C(2654435761) >> 13);
}

static uint8_t *noise(size_t n) {
    uint8_t *bytes = malloc(n);
    require(bytes != NULL);
    for (size_t i = 0; i < n; i++) bytes[i] = byte_at(i);
    return bytes;
}

/* With those that libuv opens once for a process. */
static int fds_at_rest(void) {
    weir_loop_free(weir_loop_new(NULL));
    return open_fds();
}

/* Takes every message and does one thing with it; notes what came. */
typedef struct sink {
    wire_end wire;
    void (*take)(struct sink *self, weir_ctx *ctx, weir_obj *msg); /* Takes: msg */
    atomic_size_t bytes, regions;
    atomic_bool ended, failed;
    bool right;
    weir_status error;
    weir_region *kept;
    weir_channel_stats stats;
} sink;

static void sink_read(weir_ctx *ctx, weir_obj *msg) {
    sink *self = weir_ctx_state(ctx);
    if (weir_region_from(msg) != NULL) atomic_fetch_add(&self->regions, 1);
    self->take(self, ctx, msg);
}

static void sink_event(weir_ctx *ctx, weir_obj *event) {
    sink *self = weir_ctx_state(ctx);
    if (event == &weir_event_peer_closed.obj) atomic_store(&self->ended, true);
    weir_obj_release(event);
}

static void sink_error(weir_ctx *ctx, const weir_error *error) {
    sink *self = weir_ctx_state(ctx);
    self->error = error->status;
    atomic_store(&self->failed, true);
}

static const weir_handler sink_handler = {
    .name = "sink", .read = sink_read, .event = sink_event, .error = sink_error};

static weir_status build_sink(weir_pipeline *pipeline, void *arg) {
    return weir_pipeline_add_last(pipeline, &sink_handler, arg);
}

static void note_bytes(sink *self, const uint8_t *bytes, size_t n) {
    size_t at = atomic_load(&self->bytes);
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] != byte_at(at + i)) self->right = false;
    }
    atomic_store(&self->bytes, at + n);
}

static void look_at(sink *self, weir_ctx *ctx, weir_obj *msg) {
    static _Thread_local uint8_t got[300 * 1024];
    weir_region *region = weir_region_from(msg);
    (void)ctx;
    if (region == NULL) {
        const weir_buf *buf = weir_buf_from(msg);
        note_bytes(self, buf->rp, weir_buf_readable(buf));
    } else {
        require(region->length <= sizeof got);
        expect_status(weir_region_read(region, 0, got, (size_t)region->length), WEIR_OK);
        note_bytes(self, got, (size_t)region->length);
    }
    weir_obj_release(msg);
}

static void echo(sink *self, weir_ctx *ctx, weir_obj *msg) {
    atomic_fetch_add(&self->bytes, weir_obj_size(msg));
    weir_ctx_write(ctx, msg, NULL);
}

static void drop(sink *self, weir_ctx *ctx, weir_obj *msg) {
    (void)ctx;
    size_t n = weir_obj_size(msg);
    weir_obj_release(msg);
    atomic_fetch_add(&self->bytes, n);
}

static void open_sink(sink *self, wire_kind kind, void (*take)(sink *, weir_ctx *, weir_obj *)) {
    *self = (sink){.take = take, .right = true};
    wire_open(&self->wire, kind, &by_splice, build_sink, self);
}

static void get_stats(void *arg) {
    sink *self = arg;
    weir_channel_get_stats(atomic_load(&self->wire.channel), &self->stats);
}

static bool has_all(void *arg) {
    return atomic_load(&((sink *)arg)->bytes) == FLOOD;
}

static bool has_ended(void *arg) {
    return atomic_load(&((sink *)arg)->ended);
}

WEIR_TEST(pipe_region, a_flood_arrives_as_regions_in_order_and_whole) {
    uint8_t *bytes = noise(FLOOD);
    FOR_EACH_SOCKET(kind) {
        sink self;
        open_sink(&self, kind, look_at);
        far_send(&self.wire, bytes, FLOOD);
        far_finish(&self.wire);
        expect(wire_until(&self.wire, has_ended, &self));
        expect_eq(atomic_load(&self.bytes), FLOOD);
        expect(self.right);
        wire_do(&self.wire, get_stats, &self);
        expect(atomic_load(&self.regions) > 0);
        expect_eq(self.stats.spliced_reads, atomic_load(&self.regions));
        expect(self.stats.spliced_reads < self.stats.reads); /* the first reads were small */
        expect_eq(self.stats.bytes_read, FLOOD);
        wire_shut(&self.wire);
    }
    free(bytes);
}

/* ---- sent on ---- */

typedef struct far_reader {
    wire_end *wire;
    uint8_t *got;
    size_t received;
} far_reader;

static void *receive(void *arg) {
    far_reader *self = arg;
    self->received = far_receive(self->wire, self->got, FLOOD);
    return NULL;
}

WEIR_TEST(pipe_region, sent_on_it_goes_without_user_space) {
    uint8_t *bytes = noise(FLOOD);
    FOR_EACH_SOCKET(kind) {
        sink self;
        far_reader reader = {.wire = &self.wire, .got = calloc(1, FLOOD)};
        pthread_t thread;
        open_sink(&self, kind, echo);
        require(pthread_create(&thread, NULL, receive, &reader) == 0);
        far_send(&self.wire, bytes, FLOOD);
        pthread_join(thread, NULL);
        expect_eq(reader.received, FLOOD);
        expect(memcmp(reader.got, bytes, FLOOD) == 0);
        wire_do(&self.wire, get_stats, &self);
        expect(self.stats.sendfile_bytes > 0);
        expect_eq(self.stats.bytes_written, FLOOD);
        wire_shut(&self.wire);
        free(reader.got);
    }
    free(bytes);
}

WEIR_TEST(pipe_region, small_messages_are_bufs) {
    sink self;
    char ball[64] = "small", back[64];
    open_sink(&self, WIRE_ACCEPTED, echo);
    for (int i = 0; i < 200; i++) {
        far_send(&self.wire, ball, sizeof ball);
        require(far_receive(&self.wire, back, sizeof back) == sizeof back);
    }
    wire_do(&self.wire, get_stats, &self);
    expect_eq(self.stats.spliced_reads, 0);
    wire_shut(&self.wire);
}

/* ---- taken once and in order ---- */

static void take_apart(sink *self, weir_ctx *ctx, weir_obj *msg) {
    weir_region *region = weir_region_from(msg);
    uint8_t got[100];
    if (region == NULL || atomic_load(&self->regions) > 1 || region->length < 300) {
        drop(self, ctx, msg);
        return;
    }
    uint64_t from = atomic_load(&self->bytes);
    expect_status(weir_region_read(region, 1, got, 1), -ESPIPE);
    expect_status(weir_region_read(region, 0, got, 100), WEIR_OK);
    expect_eq(got[99], byte_at(from + 99));
    expect_status(weir_region_read(region, 0, got, 100), -ESPIPE);
    weir_region *second = weir_region_slice(region, 100, 100), *third = weir_region_slice(region, 200, 100);
    expect(second->ops->never_waits && second->ops->send != NULL);
    expect_status(weir_region_read(third, 0, got, 100), -ESPIPE);
    expect_status(weir_region_read(second, 0, got, 100), WEIR_OK);
    expect_eq(got[0], byte_at(from + 100));
    expect_status(weir_region_read(third, 0, got, 100), WEIR_OK);
    expect_eq(got[99], byte_at(from + 299));
    weir_region_release(second);
    weir_region_release(third);
    drop(self, ctx, msg);
}

WEIR_TEST(pipe_region, can_be_taken_once_and_in_order_also_in_slices) {
    sink self;
    uint8_t *bytes = noise(FLOOD);
    open_sink(&self, WIRE_ACCEPTED, take_apart);
    far_send(&self.wire, bytes, FLOOD);
    expect(wire_until(&self.wire, has_all, &self));
    expect(atomic_load(&self.regions) > 1);
    wire_shut(&self.wire);
    free(bytes);
}

static void echo_slices(sink *self, weir_ctx *ctx, weir_obj *msg) {
    weir_region *region = weir_region_from(msg);
    atomic_fetch_add(&self->bytes, weir_obj_size(msg));
    if (region == NULL || region->length < 2) {
        weir_ctx_write(ctx, msg, NULL);
        return;
    }
    uint64_t middle = region->length / 3;
    weir_ctx_write(ctx, weir_region_slice(region, 0, 1), NULL); /* a byte asked about would be a byte lost */
    weir_ctx_write(ctx, weir_region_slice(region, 1, middle - 1), NULL);
    weir_ctx_write(ctx, weir_region_slice(region, middle, region->length - middle), NULL);
    weir_region_release(region);
}

WEIR_TEST(pipe_region, may_be_written_in_slices) {
    sink self;
    far_reader reader = {.wire = &self.wire, .got = calloc(1, FLOOD)};
    weir_channel_options options = {.read_by_splice = true};
    pthread_t thread;
    uint8_t *bytes = noise(FLOOD);
    for (int joined = 0; joined < 2; joined++) {
        if (joined == 0) options.region_join_max = SIZE_MAX; /* none: each slice is spliced */
        if (joined == 1) options.region_join_max = 0;
        self = (sink){.take = echo_slices, .right = true};
        wire_open(&self.wire, WIRE_ACCEPTED, &options, build_sink, &self);
        require(pthread_create(&thread, NULL, receive, &reader) == 0);
        far_send(&self.wire, bytes, FLOOD);
        pthread_join(thread, NULL);
        expect_eq(reader.received, FLOOD);
        expect(memcmp(reader.got, bytes, FLOOD) == 0);
        expect(atomic_load(&self.regions) > 0);
        wire_shut(&self.wire);
    }
    free(reader.got);
    free(bytes);
}

/* ---- descriptors ---- */

static void keep_last(sink *self, weir_ctx *ctx, weir_obj *msg) {
    weir_region *region = weir_region_from(msg);
    if (region != NULL) {
        weir_region_release(self->kept);
        self->kept = weir_region_retain(region);
    }
    drop(self, ctx, msg);
}

WEIR_TEST(pipe_region, dropped_unread_leaves_no_descriptor_open) {
    uint8_t *bytes = noise(FLOOD);
    int before = fds_at_rest();
    FOR_EACH_SOCKET(kind) {
        sink self;
        open_sink(&self, kind, drop);
        far_send(&self.wire, bytes, FLOOD);
        expect(wire_until(&self.wire, has_all, &self));
        expect(atomic_load(&self.regions) > 0);
        wire_shut(&self.wire);
        expect_eq(fds_at_rest(), before);
    }
    free(bytes);
}

WEIR_TEST(pipe_region, may_be_released_anywhere_even_after_its_loop) {
    sink self;
    uint8_t *bytes = noise(FLOOD);
    int before = fds_at_rest();
    open_sink(&self, WIRE_ACCEPTED, keep_last);
    far_send(&self.wire, bytes, FLOOD);
    expect(wire_until(&self.wire, has_all, &self));
    wire_shut(&self.wire);
    require(self.kept != NULL);
    expect(fds_at_rest() >= before + 2);
    uint8_t first;
    expect_status(weir_region_read(self.kept, 0, &first, 1), WEIR_OK);
    expect_eq(first, byte_at(FLOOD - self.kept->length));
    weir_region_release(self.kept);
    expect_eq(fds_at_rest(), before);
    free(bytes);
}

WEIR_TEST(pipe_region, unsent_at_an_abort_is_closed) {
    sink self;
    uint8_t *bytes = noise(FLOOD);
    int before = fds_at_rest();
    open_sink(&self, WIRE_ACCEPTED, echo);
    far_take(&self.wire, false);
    struct timeval soon = {0, 200000};
    setsockopt(self.wire.far, SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof soon);
    for (int i = 0; i < 50 && send(self.wire.far, bytes, FLOOD, MSG_NOSIGNAL) > 0; i++) {
    }
    expect(atomic_load(&self.regions) > 0);
    expect(weir_channel_pending_bytes(atomic_load(&self.wire.channel)) > 0);
    far_reset(&self.wire);
    expect(wire_until_gone(&self.wire));
    wire_shut(&self.wire);
    expect_eq(fds_at_rest(), before);
    free(bytes);
}

WEIR_TEST(pipe_region, without_descriptors_left_bytes_come_as_bufs) {
    sink self;
    struct rlimit all, none;
    uint8_t *bytes = noise(FLOOD);
    open_sink(&self, WIRE_ACCEPTED, look_at);
    require(getrlimit(RLIMIT_NOFILE, &all) == 0);
    none = all;
    none.rlim_cur = 3; /* what is open stays open */
    require(setrlimit(RLIMIT_NOFILE, &none) == 0);
    far_send(&self.wire, bytes, FLOOD);
    far_finish(&self.wire);
    bool ended = wire_until(&self.wire, has_ended, &self);
    require(setrlimit(RLIMIT_NOFILE, &all) == 0);
    expect(ended && self.right);
    expect_eq(atomic_load(&self.bytes), FLOOD);
    wire_do(&self.wire, get_stats, &self);
    expect_eq(self.stats.spliced_reads, 0);
    wire_shut(&self.wire);
    free(bytes);
}

/* ---- ends ---- */

static void pause_once(sink *self, weir_ctx *ctx, weir_obj *msg) {
    if (weir_region_from(msg) != NULL && atomic_load(&self->regions) == 1)
        weir_channel_set_reading(weir_ctx_channel(ctx), false);
    look_at(self, ctx, msg);
}

static bool has_region(void *arg) {
    return atomic_load(&((sink *)arg)->regions) > 0;
}

static void resume(void *arg) {
    weir_channel_set_reading(atomic_load(&((sink *)arg)->wire.channel), true);
}

static void *send_flood(void *arg) {
    sink *self = arg;
    uint8_t *bytes = noise(FLOOD);
    far_send(&self->wire, bytes, FLOOD);
    far_finish(&self->wire);
    free(bytes);
    return NULL;
}

WEIR_TEST(pipe_region, a_pause_in_a_burst_ends_it_and_nothing_is_lost) {
    sink self;
    pthread_t thread;
    open_sink(&self, WIRE_ACCEPTED, pause_once);
    require(pthread_create(&thread, NULL, send_flood, &self) == 0);
    expect(wire_until(&self.wire, has_region, &self));
    size_t paused_at = atomic_load(&self.bytes);
    wait_ms(50);
    expect(atomic_load(&self.bytes) <= paused_at + 256 * 1024);
    expect_eq(atomic_load(&self.regions), 1);
    wire_do(&self.wire, resume, &self);
    expect(wire_until(&self.wire, has_ended, &self));
    pthread_join(thread, NULL);
    expect_eq(atomic_load(&self.bytes), FLOOD);
    expect(self.right);
    wire_shut(&self.wire);
}

static bool has_failed(void *arg) {
    return atomic_load(&((sink *)arg)->failed);
}

WEIR_TEST(pipe_region, a_reset_in_a_flood_is_told_as_for_any_reader) {
    FOR_EACH_SOCKET(kind) {
        sink self;
        uint8_t *bytes = noise(FLOOD);
        open_sink(&self, kind, drop);
        far_send(&self.wire, bytes, FLOOD);
        far_reset(&self.wire);
        if (wire_traits_of[kind].has_reset) {
            expect(wire_until(&self.wire, has_failed, &self));
            expect_status(self.error, -ECONNRESET);
            expect(wire_until_gone(&self.wire));
        }
        wire_shut(&self.wire);
        free(bytes);
    }
}
