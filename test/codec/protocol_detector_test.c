/* protocol_detector_test.c - first bytes to protocols, pure and in a pipeline. */
#include <weir/buffer.h>
#include <weir/codec/protocol_detector.h>
#include <weir/core/log.h>
#include <weir/testing.h>
#include <weir/testing/recorder.h>
#include <weir/transport/channel.h>
#include <weir/transport/embedded.h>

#define LITERAL(text) weir_bytes_of(text, sizeof(text) - 1)

/* The answer for the whole, and MORE for everything shorter. */
static bool decides(weir_protocol_fn *is, weir_bytes start, weir_protocol_answer answer) {
    for (size_t n = 0; n < start.len; n++) {
        if (is(NULL, weir_bytes_of(start.ptr, n)) != WEIR_PROTOCOL_MORE) return false;
    }
    return is(NULL, start) == answer;
}

WEIR_TEST(protocol_detector, knows_how_protocols_begin) {
    expect(decides(weir_protocol_is_tls, LITERAL("\x16\x03\x01\x02\x00\x01"), WEIR_PROTOCOL_YES));
    expect(decides(weir_protocol_is_tls, LITERAL("\x16\x03\x01\x02\x00\x02"), WEIR_PROTOCOL_NO));
    expect(decides(weir_protocol_is_tls, LITERAL("\x16\x02"), WEIR_PROTOCOL_NO));
    expect(decides(weir_protocol_is_http1, LITERAL("GET /"), WEIR_PROTOCOL_YES));
    expect(decides(weir_protocol_is_http1, LITERAL("PROPFIND *"), WEIR_PROTOCOL_YES));
    expect(decides(weir_protocol_is_http1, LITERAL("GET\r"), WEIR_PROTOCOL_NO));
    expect(decides(weir_protocol_is_http1, LITERAL("GET  "), WEIR_PROTOCOL_NO));
    expect(decides(weir_protocol_is_http1, LITERAL("PRI * HTTP/2.0"), WEIR_PROTOCOL_NO));
    expect(decides(weir_protocol_is_http1, LITERAL("ABCDEFGHIJKLMNOPQRSTUVWXY"), WEIR_PROTOCOL_NO));
    expect(decides(weir_protocol_is_http2, LITERAL("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), WEIR_PROTOCOL_YES));
    expect(decides(weir_protocol_is_http2, LITERAL("PRI * HTTP/1"), WEIR_PROTOCOL_NO));
    expect(decides(weir_protocol_is_proxy, LITERAL("PROXY "), WEIR_PROTOCOL_YES));
    expect(decides(weir_protocol_is_proxy, LITERAL("\r\n\r\n\0\r\nQUIT\n"), WEIR_PROTOCOL_YES));
    expect(decides(weir_protocol_is_resp, LITERAL("*3"), WEIR_PROTOCOL_YES));
    expect(decides(weir_protocol_is_resp, LITERAL("+"), WEIR_PROTOCOL_NO));
}

static weir_status build_found(weir_pipeline *pipeline, void *recorder) {
    return weir_recorder_add(recorder, pipeline);
}

static weir_status refuse_to_build(weir_pipeline *pipeline, void *arg) {
    (void)pipeline, (void)arg;
    return WEIR_E_LIMIT;
}

typedef struct rig {
    weir_embedded *embedded;
    weir_recorder *outer, *resp, *http, *last;
    weir_protocol protocols[4];
    weir_protocol_detector_options options;
} rig;

static weir_status build(weir_pipeline *pipeline, void *arg) {
    rig *self = arg;
    weir_status status = weir_recorder_add_passing(self->outer, pipeline);
    return status == WEIR_OK ? weir_protocol_detector_add(pipeline, &self->options) : status;
}

/* "GETAWAY", http/1, RESP, a build that fails. */
static bool set_up(rig *self, const weir_channel_options *channel) {
    static const weir_bytes getaway = {(const uint8_t *)"GETAWAY", 7}, broken = {(const uint8_t *)"!", 1};
    *self = (rig){.outer = weir_recorder_new(),
                  .resp = weir_recorder_new(),
                  .http = weir_recorder_new(),
                  .last = weir_recorder_new()};
    self->protocols[0] =
        (weir_protocol){"getaway", weir_protocol_is_prefix, &getaway, build_found, self->last};
    self->protocols[1] = (weir_protocol){"http/1", weir_protocol_is_http1, NULL, build_found, self->http};
    self->protocols[2] = (weir_protocol){"resp", weir_protocol_is_resp, NULL, build_found, self->resp};
    self->protocols[3] = (weir_protocol){"broken", weir_protocol_is_prefix, &broken, refuse_to_build, NULL};
    self->options = (weir_protocol_detector_options){.protocols = self->protocols, .count = 4};
    self->embedded = weir_embedded_new(channel, build, self);
    weir_recorder_clear(self->outer);
    return self->embedded != NULL;
}

static void tear_down(rig *self) {
    weir_embedded_free(self->embedded);
    weir_recorder_free(self->outer);
    weir_recorder_free(self->resp);
    weir_recorder_free(self->http);
    weir_recorder_free(self->last);
}

static void feed(rig *self, const char *text) {
    (void)weir_embedded_feed_bytes(self->embedded, text, strlen(text));
}

WEIR_TEST(protocol_detector, makes_way_for_the_first_that_says_yes_and_loses_no_byte) {
    rig self;
    require(set_up(&self, NULL));
    feed(&self, "GET");
    expect(weir_recorder_saw(self.http, ""));
    feed(&self, " /x");
    expect_eq(weir_recorder_count(self.http, "active"), 1);
    expect_eq(weir_recorder_count(self.http, "read 6 \"GET /x\""), 1);
    expect(weir_pipeline_find(weir_embedded_pipeline(self.embedded), &weir_protocol_detector) == NULL);
    feed(&self, " more");
    expect_eq(weir_recorder_count(self.http, "read 5 \" more\""), 1);
    weir_embedded_feed_end(self.embedded);
    expect_eq(weir_recorder_count(self.http, "inactive"), 1);
    expect(weir_recorder_saw(self.resp, ""));
    tear_down(&self);
}

WEIR_TEST(protocol_detector, refuses_what_is_no_protocol) {
    rig self;
    require(set_up(&self, NULL));
    weir_log_set_level(WEIR_LOG_OFF);
    feed(&self, "\x16\x03");
    expect(!weir_embedded_is_open(self.embedded));
    tear_down(&self);

    require(set_up(&self, NULL));
    feed(&self, "!");
    expect_status(weir_embedded_aborted(self.embedded), WEIR_E_LIMIT);
    tear_down(&self);
}

WEIR_TEST(protocol_detector, waits_no_longer_than_it_may) {
    rig self;
    require(set_up(&self, NULL));
    weir_log_set_level(WEIR_LOG_OFF);
    feed(&self, "GE");
    weir_embedded_advance(self.embedded, 9999);
    expect(weir_embedded_is_open(self.embedded));
    weir_embedded_advance(self.embedded, 2);
    expect(!weir_embedded_is_open(self.embedded));
    tear_down(&self);

    require(set_up(&self, NULL));
    feed(&self, "*1");
    weir_embedded_advance(self.embedded, 20000);
    expect(weir_embedded_is_open(self.embedded)); /* what it found has time limits of its own */
    tear_down(&self);
}

/* What could still have become longer is decided by what is there when no more comes. */
WEIR_TEST(protocol_detector, decides_by_what_there_is_when_the_peer_ends) {
    static const weir_bytes get = {(const uint8_t *)"GET", 3};
    rig self;
    require(set_up(&self, NULL));
    self.protocols[1].is = weir_protocol_is_prefix, self.protocols[1].arg = &get;
    feed(&self, "GET"); /* or GETAWAY */
    expect(weir_recorder_saw(self.http, ""));
    weir_embedded_feed_end(self.embedded);
    expect_eq(weir_recorder_count(self.http, "read 3 \"GET\""), 1);
    expect_eq(weir_recorder_count(self.http, "inactive"), 1);
    expect(weir_recorder_saw(self.last, ""));
    tear_down(&self);

    require(set_up(&self, NULL));
    require(weir_recorder_add(self.last, weir_embedded_pipeline(self.embedded)) == WEIR_OK);
    feed(&self, "GE");
    weir_embedded_feed_end(self.embedded);
    expect_eq(weir_recorder_count(self.last, "error WEIR_E_FRAME_CORRUPT"), 1);
    tear_down(&self);

    require(set_up(&self, NULL));
    require(weir_recorder_add(self.last, weir_embedded_pipeline(self.embedded)) == WEIR_OK);
    weir_embedded_feed_end(self.embedded); /* who says nothing says nothing wrong */
    expect_eq(weir_recorder_count(self.last, "error WEIR_E_FRAME_CORRUPT"), 0);
    expect_eq(weir_recorder_count(self.last, "event peer_closed"), 1);
    tear_down(&self);
}

WEIR_TEST(protocol_detector, pulls_where_reading_is_manual) {
    rig self;
    require(set_up(&self, &(weir_channel_options){.manual_read = true}));
    weir_embedded_run(self.embedded);
    feed(&self, "*");
    feed(&self, "1");
    expect_eq(weir_recorder_count(self.resp, "read 2 \"*1\""), 1);
    tear_down(&self);
}

WEIR_TEST(protocol_detector, is_not_made_of_nonsense) {
    rig self = {.outer = weir_recorder_new()};
    expect(weir_embedded_new(NULL, build, &self) == NULL);
    weir_recorder_free(self.outer);
}

static bool converse(void *arg) {
    (void)arg;
    rig self;
    bool is_whole = set_up(&self, NULL);
    if (is_whole) {
        feed(&self, "G");
        feed(&self, "ET /");
        is_whole = weir_recorder_count(self.http, "read 5") == 1;
    }
    tear_down(&self);
    return is_whole;
}

WEIR_TEST(protocol_detector, survives_every_failing_allocation) {
    weir_log_set_level(WEIR_LOG_OFF);
    expect(weir_oom_sweep(converse, NULL) > 0);
}
