/* length_prepender_test.c - lengths in front of messages, without touching the messages. */
#include <stdlib.h>
#include <unistd.h>

#include <weir/buffer.h>
#include <weir/codec/length_prepender.h>
#include <weir/core/log.h>
#include <weir/testing.h>
#include <weir/testing/recorder.h>
#include <weir/transport/channel.h>
#include <weir/transport/ctx.h>
#include <weir/transport/embedded.h>
#include <weir/transport/event.h>
#include <weir/transport/promise.h>
#include <weir/transport/region.h>

typedef struct rig {
    weir_embedded *embedded;
    weir_recorder *outer, *recorder; /* outward and inward of the prepender */
    weir_length_prefix_options options;
} rig;

static weir_status build(weir_pipeline *pipeline, void *arg) {
    rig *self = arg;
    weir_status status = weir_recorder_add_passing(self->outer, pipeline);
    if (status == WEIR_OK) status = weir_length_prepender_add(pipeline, &self->options);
    if (status == WEIR_OK) status = weir_recorder_add(self->recorder, pipeline);
    return status;
}

static bool open_rig(rig *self, const weir_channel_options *options) {
    if (self->options.length_field_length == 0) self->options.length_field_length = 2;
    self->outer = weir_recorder_new();
    self->recorder = weir_recorder_new();
    self->embedded = weir_embedded_new(options, build, self);
    weir_recorder_clear(self->outer);
    weir_recorder_clear(self->recorder);
    return self->embedded != NULL;
}

static void close_rig(rig *self) {
    weir_embedded_free(self->embedded);
    weir_recorder_free(self->outer);
    weir_recorder_free(self->recorder);
}

static void note_status(void *out, weir_status status) {
    *(weir_status *)out = status;
}

/* Writes and tells how that went; 1 while it has not. */
static void write_message(rig *self, void *msg, weir_status *result) {
    *result = 1;
    weir_promise *promise = weir_promise_new(weir_embedded_loop(self->embedded));
    require(promise != NULL);
    require(weir_promise_listen(promise, note_status, result) == WEIR_OK);
    weir_channel_write(weir_embedded_channel(self->embedded), msg, promise);
    weir_embedded_run(self->embedded);
}

static weir_buf *text(const char *chars, size_t headroom) {
    weir_buf *buf = weir_buf_new(64);
    require(buf != NULL);
    weir_buf_reserve_headroom(buf, headroom);
    weir_buf_write_str(buf, chars);
    return buf;
}

static weir_buf *filled(size_t n) {
    weir_buf *buf = text("", 0);
    weir_buf_write_fill(buf, 'x', n);
    return buf;
}

static weir_buf *take(rig *self) {
    weir_obj *taken = weir_embedded_take(self->embedded);
    weir_buf *buf = taken == NULL ? NULL : weir_buf_from(taken);
    require(buf != NULL);
    return buf;
}

/* ---- bufs ---- */

WEIR_TEST(length_prepender, uses_the_headroom_of_a_buf_that_is_not_shared) {
    rig self = {0};
    weir_status status;
    require(open_rig(&self, NULL));
    weir_buf *buf = text("hello", 2);
    const uint8_t *bytes = buf->rp;
    write_message(&self, buf, &status);
    expect_status(status, WEIR_OK);
    weir_buf *sent = take(&self);
    expect(sent == buf);
    expect(sent->rp == bytes - 2);
    expect(weir_buf_equal_bytes(sent, weir_bytes_of("\0\5hello", 7)));
    weir_buf_release(sent);
    close_rig(&self);
}

/* One message of two parts, whose second is the bytes that were written. */
static void expect_joined(rig *self, const uint8_t *bytes) {
    weir_buf *sent = take(self);
    expect(weir_buf_equal_bytes(sent, weir_bytes_of("\0\5hello", 7)));
    require(weir_buf_is_composite(sent) && weir_buf_composite_count(sent) == 2);
    expect(weir_buf_composite_part(sent, 1, NULL).ptr == bytes);
    expect(weir_embedded_take(self->embedded) == NULL);
    weir_buf_release(sent);
}

WEIR_TEST(length_prepender, joins_without_copying_where_there_is_no_headroom) {
    rig self = {0};
    weir_status status;
    require(open_rig(&self, NULL));
    weir_buf *buf = text("hello", 1);
    const uint8_t *bytes = buf->rp;
    write_message(&self, buf, &status);
    expect_status(status, WEIR_OK);
    expect_joined(&self, bytes);
    close_rig(&self);
}

WEIR_TEST(length_prepender, leaves_the_headroom_of_a_shared_buf_alone) {
    rig self = {0};
    weir_status status;
    require(open_rig(&self, NULL));
    weir_buf *buf = text("xyhello", 0);
    weir_buf_skip(buf, 2);
    for (int i = 0; i < 2; i++) {
        write_message(&self, weir_buf_retain(buf), &status);
        expect_status(status, WEIR_OK);
        expect_joined(&self, buf->rp);
    }
    weir_buf *view = weir_buf_duplicate(buf); /* its memory is shared, it is not */
    write_message(&self, view, &status);
    expect_joined(&self, buf->rp);
    expect(memcmp(buf->base, "xyhello", 7) == 0);
    expect_eq(weir_buf_reader_index(buf), 2);
    weir_buf_release(buf);
    close_rig(&self);
}

WEIR_TEST(length_prepender, leaves_read_only_bytes_alone) {
    rig self = {0};
    weir_status status;
    require(open_rig(&self, NULL));
    static const char bytes[] = "xyhello";
    weir_buf *buf = weir_buf_wrap_const(bytes, 7);
    require(buf != NULL);
    weir_buf_skip(buf, 2);
    write_message(&self, buf, &status);
    expect_joined(&self, (const uint8_t *)bytes + 2);
    close_rig(&self);
}

WEIR_TEST(length_prepender, measures_a_composite) {
    rig self = {0};
    weir_status status;
    require(open_rig(&self, NULL));
    weir_buf *all = weir_buf_composite_new();
    expect_status(weir_buf_composite_append(all, text("x", 8)), WEIR_OK);
    expect_status(weir_buf_composite_append(all, text("yhe", 8)), WEIR_OK);
    expect_status(weir_buf_composite_append(all, text("llo", 8)), WEIR_OK);
    expect(weir_buf_skip(all, 2)); /* what was read is headroom, in two parts */
    write_message(&self, all, &status);
    expect_status(status, WEIR_OK);
    weir_buf *sent = take(&self);
    expect(weir_buf_equal_bytes(sent, weir_bytes_of("\0\5hello", 7)));
    weir_buf_release(sent);
    close_rig(&self);
}

WEIR_TEST(length_prepender, writes_what_its_options_say) {
    rig self = {.options = {.length_field_length = 4, .includes_length = true, .little_endian = true}};
    weir_status status;
    require(open_rig(&self, NULL));
    write_message(&self, text("hello", 8), &status);
    write_message(&self, text("", 0), &status);
    weir_buf *all = weir_embedded_take_all(self.embedded);
    expect(weir_buf_equal_bytes(all, weir_bytes_of("\x09\0\0\0hello\4\0\0\0", 13)));
    weir_buf_release(all);
    close_rig(&self);
}

/* ---- what does not fit ---- */

WEIR_TEST(length_prepender, fails_a_message_whose_length_does_not_fit) {
    rig self = {.options.length_field_length = 1};
    weir_status status;
    require(open_rig(&self, NULL));
    weir_buf *big = filled(256);
    write_message(&self, weir_buf_retain(big), &status);
    expect_status(status, WEIR_E_FRAME_TOO_LONG);
    weir_channel_write(weir_embedded_channel(self.embedded), big, NULL);
    weir_embedded_run(self.embedded);
    expect_eq(weir_recorder_count(self.recorder, "error WEIR_E_FRAME_TOO_LONG"), 1);
    expect_eq(weir_recorder_count(self.outer, "write"), 0);
    close_rig(&self);
}

WEIR_TEST(length_prepender, leaves_a_buf_that_failed_to_the_channel) {
    rig self = {0};
    weir_status status;
    require(open_rig(&self, NULL));
    weir_buf *failed = text("half a mess", 8);
    weir_buf_fail(failed, WEIR_E_FULL);
    write_message(&self, failed, &status);
    expect_status(status, WEIR_E_FULL);
    expect(weir_embedded_take(self.embedded) == NULL);
    close_rig(&self);
}

WEIR_TEST(length_prepender, refuses_a_frame_whole_when_too_much_is_queued) {
    rig self = {0};
    weir_status first, second;
    require(open_rig(&self, &(weir_channel_options){.low_water = 1, .high_water = 1, .write_cap = 300}));
    weir_embedded_stall(self.embedded, true);
    write_message(&self, filled(100), &first);
    write_message(&self, filled(250), &second); /* its length alone would still fit */
    expect_status(first, 1);
    expect_status(second, WEIR_E_BACKPRESSURE);
    weir_embedded_stall(self.embedded, false);
    expect_status(first, WEIR_OK);
    weir_buf *all = weir_embedded_take_all(self.embedded);
    require(all != NULL);
    expect_eq(weir_buf_readable(all), 102);
    weir_buf_release(all);
    close_rig(&self);
}

WEIR_TEST(length_prepender, lets_other_objects_pass) {
    static weir_event object = WEIR_EVENT_CONSTANT("object");
    rig self = {0};
    weir_status status;
    require(open_rig(&self, NULL));
    write_message(&self, &object, &status);
    expect_status(status, WEIR_OK);
    expect(weir_embedded_take(self.embedded) == &object.obj);
    close_rig(&self);
}

/* ---- regions ---- */

static weir_region *region_of(const char *bytes) {
    char path[] = "/tmp/weir_length_prepender_XXXXXX";
    int fd = mkstemp(path);
    require(fd >= 0);
    unlink(path);
    require(write(fd, bytes, strlen(bytes)) == (ssize_t)strlen(bytes));
    weir_region *region = weir_region_file(fd, true, 0, strlen(bytes));
    require(region != NULL);
    return region;
}

WEIR_TEST(length_prepender, puts_a_length_in_front_of_a_region) {
    rig self = {0};
    weir_status status;
    require(open_rig(&self, NULL));
    write_message(&self, region_of("hello"), &status);
    expect_status(status, WEIR_OK);
    weir_channel_write(weir_embedded_channel(self.embedded), region_of("again"), NULL);
    weir_embedded_run(self.embedded);
    expect(weir_recorder_saw(self.outer, "write 2 \"\\x00\\x05\"\nwrite region 5\nwrite 2 \"\\x00\\x05\"\n"
                                         "write region 5\n"));
    weir_buf *all = weir_embedded_take_all(self.embedded);
    expect(weir_buf_equal_bytes(all, weir_bytes_of("\0\5hello\0\5again", 14)));
    weir_buf_release(all);
    close_rig(&self);
}

/* Refuses every region, as a channel that is full would. */
static void refuse_regions(weir_ctx *ctx, weir_obj *msg, weir_promise *promise) {
    if (weir_region_from(msg) == NULL) {
        weir_ctx_write(ctx, msg, promise);
        return;
    }
    weir_obj_release(msg);
    weir_promise_complete(promise, WEIR_E_BACKPRESSURE);
}

static const weir_handler full = {.name = "full", .write = refuse_regions};

WEIR_TEST(length_prepender, aborts_the_channel_when_a_promised_region_is_refused) {
    for (int with_promise = 0; with_promise < 2; with_promise++) {
        weir_test_context("with promise %d", with_promise);
        rig self = {0};
        weir_status status = WEIR_E_BACKPRESSURE;
        require(open_rig(&self, NULL));
        require(weir_pipeline_add_first(weir_embedded_pipeline(self.embedded), &full, NULL) == WEIR_OK);
        if (with_promise) {
            write_message(&self, region_of("hello"), &status);
        } else {
            weir_channel_write(weir_embedded_channel(self.embedded), region_of("hello"), NULL);
        }
        weir_embedded_run(self.embedded);
        expect_status(status, WEIR_E_BACKPRESSURE);
        expect_status(weir_embedded_aborted(self.embedded), WEIR_E_BACKPRESSURE);
        close_rig(&self);
    }
}

/* ---- making one ---- */

WEIR_TEST(length_prepender, is_not_built_with_another_width) {
    rig self = {.options.length_field_length = 5};
    expect(!open_rig(&self, NULL));
    close_rig(&self);
}

static bool converse(void *with_region) {
    rig self = {0};
    size_t sent = 0;
    if (open_rig(&self, NULL)) {
        weir_channel *channel = weir_embedded_channel(self.embedded);
        weir_buf *buf = weir_buf_new(8);
        if (buf != NULL) weir_buf_write_str(buf, "hello");
        weir_channel_write(channel, buf, NULL);
        if (with_region != NULL) {
            weir_channel_write(channel, weir_region_retain(with_region), NULL);
        }
        weir_embedded_run(self.embedded);
        weir_obj *taken;
        while ((taken = weir_embedded_take(self.embedded)) != NULL) {
            sent += weir_obj_size(taken);
            weir_obj_release(taken);
        }
    }
    close_rig(&self);
    return sent == (with_region != NULL ? 14 : 7);
}

WEIR_TEST(length_prepender, survives_every_failing_allocation) {
    weir_log_set_level(WEIR_LOG_OFF);
    expect(weir_oom_sweep(converse, NULL) > 0);
    weir_region *region = region_of("hello");
    expect(weir_oom_sweep(converse, region) > 0);
    weir_region_release(region);
}
