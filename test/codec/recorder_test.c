/* recorder_test.c - what a recorder writes down, and what it passes on. */
#include <errno.h>

#include <weir/buffer.h>
#include <weir/testing.h>
#include <weir/testing/recorder.h>
#include <weir/transport/channel.h>
#include <weir/transport/embedded.h>
#include <weir/transport/event.h>

static weir_status build(weir_pipeline *pipeline, void *recorder) {
    return weir_recorder_add(recorder, pipeline);
}

static weir_status build_passing(weir_pipeline *pipeline, void *recorder) {
    return weir_recorder_add_passing(recorder, pipeline);
}

WEIR_TEST(recorder, writes_down_what_comes_in) {
    weir_recorder *recorder = weir_recorder_new();
    weir_embedded *embedded = weir_embedded_new(NULL, build, recorder);
    require(embedded != NULL);
    expect_status(weir_embedded_feed_bytes(embedded, "a\"\\\r\n\t\0\xff", 8), WEIR_OK);
    expect_status(weir_embedded_feed(embedded, &weir_event_stopping), WEIR_OK);
    weir_channel_fire_event(weir_embedded_channel(embedded), &weir_event_peer_ending.obj);
    weir_embedded_break(embedded, -ECONNRESET);
    weir_embedded_free(embedded);
    expect(weir_recorder_saw(recorder, "active\nread 8 \"a\\\"\\\\\\r\\n\\t\\x00\\xff\"\nread_complete\n"
                                       "read event\nread_complete\nevent peer_ending\n"
                                       "error ECONNRESET actual=0 maximum=0 offset=0\ninactive\nremoved\n"));
    weir_recorder_free(recorder);
}

WEIR_TEST(recorder, writes_down_what_goes_out) {
    weir_recorder *recorder = weir_recorder_new();
    weir_embedded *embedded = weir_embedded_new(NULL, build, recorder);
    require(embedded != NULL);
    weir_channel *channel = weir_embedded_channel(embedded);
    weir_recorder_clear(recorder);
    weir_buf *buf = weir_buf_new(2);
    weir_buf_write_str(buf, "OK");
    weir_channel_write(channel, buf, NULL);
    weir_channel_flush(channel);
    weir_channel_pull(channel);
    weir_channel_shutdown(channel, NULL);
    weir_channel_close(channel, NULL);
    weir_channel_abort(channel, -EPIPE);
    expect_eq(weir_recorder_count(recorder, "write"), 1);
    expect(weir_recorder_saw(recorder, "write 2 \"OK\"\nflush\npull\nshutdown\nclose\nabort EPIPE\n"));
    weir_embedded_free(embedded);
    weir_recorder_free(recorder);
}

WEIR_TEST(recorder, tells_long_messages_apart_by_a_hash) {
    weir_recorder *recorder = weir_recorder_new();
    weir_embedded *embedded = weir_embedded_new(NULL, build, recorder);
    require(embedded != NULL);
    char bytes[100];
    memset(bytes, 'x', sizeof bytes);
    weir_recorder_clear(recorder);
    expect_status(weir_embedded_feed_bytes(embedded, bytes, sizeof bytes), WEIR_OK);
    char first[400];
    snprintf(first, sizeof first, "%s", weir_recorder_log(recorder));
    weir_recorder_clear(recorder);
    bytes[99] = 'y';
    expect_status(weir_embedded_feed_bytes(embedded, bytes, sizeof bytes), WEIR_OK);
    expect_eq(strncmp(weir_recorder_log(recorder), first, 60), 0);
    expect(strcmp(weir_recorder_log(recorder), first) != 0);
    weir_embedded_free(embedded);
    weir_recorder_free(recorder);
}

WEIR_TEST(recorder, keeps_errors_at_the_end_of_a_pipeline_and_passes_them_on_elsewhere) {
    for (int passing = 0; passing < 2; passing++) {
        weir_test_context("passing %d", passing);
        weir_recorder *recorder = weir_recorder_new();
        weir_recorder *behind = weir_recorder_new();
        weir_embedded *embedded = weir_embedded_new(NULL, passing ? build_passing : build, recorder);
        require(embedded != NULL);
        expect_status(weir_recorder_add(behind, weir_embedded_pipeline(embedded)), WEIR_OK);
        expect_status(weir_embedded_feed_bytes(embedded, "a", 1), WEIR_OK);
        weir_embedded_break(embedded, -ECONNRESET);
        weir_embedded_free(embedded);
        expect_eq(weir_recorder_count(recorder, "read 1"), 1);
        expect_eq(weir_recorder_count(recorder, "error"), 1);
        expect_eq(weir_recorder_count(behind, "read 1"), (size_t)passing);
        expect_eq(weir_recorder_count(behind, "error"), (size_t)passing);
        weir_recorder_free(recorder);
        weir_recorder_free(behind);
    }
}

WEIR_TEST(recorder, says_when_the_log_is_not_what_was_expected_and_forgets_it) {
    weir_recorder *recorder = weir_recorder_new();
    weir_recorder_note(recorder, "step %d", 1);
    expect(!weir_recorder_saw(recorder, "step 2\n"));
    expect(weir_recorder_saw(recorder, ""));
    weir_recorder_free(recorder);
}
