/* websocket_ping_test.c - pings of both ends: answered, too many of them, and who does not answer. */
#include <weir/buffer.h>
#include <weir/testing.h>

#include "websocket_talk.h"

/* A server whose handshake is done. */
typedef struct end {
    weir_websocket_options options;
    weir_embedded *channel;
    weir_buf *log;
} end;

static weir_status build(weir_pipeline *pipeline, void *arg) {
    end *self = arg;
    weir_status status = weir_websocket_add(pipeline, WEIR_WEBSOCKET_SERVER, &self->options, NULL, NULL);
    return status != WEIR_OK ? status : weir_pipeline_add_last(pipeline, &talk_listener, self->log);
}

static void open_end(end *self) {
    self->log = weir_buf_new(0);
    self->channel = weir_embedded_new(NULL, build, self);
    require(self->log != NULL && self->channel != NULL);
}

static void close_end(end *self) {
    weir_embedded_free(self->channel);
    weir_buf_release(self->log);
}

static weir_channel *channel_of(end *self) {
    return weir_embedded_channel(self->channel);
}

static void say(end *self, const char *text) {
    weir_buf *payload = weir_buf_new(strlen(text));
    if (payload != NULL) weir_buf_write_str(payload, text);
    weir_channel_write(channel_of(self), weir_websocket_message_new(WEIR_WEBSOCKET_TEXT, payload), NULL);
    weir_embedded_run(self->channel);
}

static void expect_pinged(end *self) {
    weir_buf *out = weir_embedded_take_all(self->channel);
    expect_bytes(weir_buf_peek(out), "\x89\x00");
    weir_buf_release(out);
}

WEIR_TEST(websocket_ping, answers_pings_and_stops_a_flood_of_them) {
    end self = {.options.control_per_second = 3};
    open_end(&self);
    for (int i = 0; i < 3; i++) weir_embedded_feed(self.channel, talk_text(WEIR_WEBSOCKET_CLIENT, 0x89, "p"));
    weir_buf *out = weir_embedded_take_all(self.channel);
    expect_bytes(weir_buf_peek(out), "\x8a\x01p\x8a\x01p\x8a\x01p");
    weir_buf_release(out);
    weir_embedded_advance(self.channel, 1000);
    weir_embedded_feed(self.channel, talk_text(WEIR_WEBSOCKET_CLIENT, 0x89, "q"));
    expect_str(talk_heard(self.log), "");
    for (int i = 0; i < 3; i++) weir_embedded_feed(self.channel, talk_text(WEIR_WEBSOCKET_CLIENT, 0x8a, ""));
    expect_str(talk_heard(self.log), "closed 1008 unclean \"\": too many control frames\n");
    weir_embedded_feed(self.channel, talk_text(WEIR_WEBSOCKET_CLIENT, 0x83, "no such opcode"));
    expect_str(talk_heard(self.log), "");
    close_end(&self);
}

WEIR_TEST(websocket_ping, pings_a_silent_peer_and_aborts_when_it_is_dead) {
    end self = {.options = {.ping_interval_ms = 1000, .ping_timeout_ms = 300}};
    open_end(&self);
    weir_embedded_advance(self.channel, 1000);
    expect_pinged(&self);
    weir_embedded_feed(self.channel, talk_text(WEIR_WEBSOCKET_CLIENT, 0x8a, ""));
    weir_embedded_advance(self.channel, 300);
    expect(weir_embedded_is_open(self.channel));
    weir_embedded_advance(self.channel, 1000); /* a ping, and nothing */
    weir_embedded_advance(self.channel, 299);
    expect(weir_embedded_is_open(self.channel));
    weir_embedded_advance(self.channel, 1);
    expect_str(talk_heard(self.log), "closed 1006 unclean \"\": no answer to a ping\ninactive\n");
    expect_status(weir_embedded_aborted(self.channel), WEIR_E_TIMEOUT);
    close_end(&self);
}

static void expect_dead(end *self) {
    expect_str(talk_heard(self->log), "closed 1006 unclean \"\": no answer to a ping\ninactive\n");
    expect_status(weir_embedded_aborted(self->channel), WEIR_E_TIMEOUT);
    close_end(self);
}

WEIR_TEST(websocket_ping, gives_up_nobody_whose_answer_it_does_not_read) {
    end self = {.options = {.ping_interval_ms = 1000, .ping_timeout_ms = 300}};
    open_end(&self);
    weir_embedded_advance(self.channel, 1000); /* a ping */
    weir_channel_set_reading(channel_of(&self), false);
    weir_embedded_advance(self.channel, 60300);
    expect(weir_embedded_is_open(self.channel));
    weir_channel_set_reading(channel_of(&self), true);
    weir_embedded_advance(self.channel, 1000); /* a ping that may be answered */
    expect(weir_embedded_is_open(self.channel));
    weir_embedded_advance(self.channel, 300);
    expect_dead(&self);
}

WEIR_TEST(websocket_ping, gives_up_nobody_who_takes_what_waits) {
    end self = {.options = {.ping_interval_ms = 1000, .ping_timeout_ms = 300}};
    open_end(&self);
    weir_embedded_stall(self.channel, true);
    say(&self, "one");
    weir_embedded_advance(self.channel, 1000); /* a ping, behind it */
    for (int i = 0; i < 5; i++) {
        weir_embedded_stall(self.channel, false);
        weir_embedded_run(self.channel);
        weir_embedded_stall(self.channel, true);
        say(&self, "more");
        weir_embedded_advance(self.channel, 1000);
        expect(weir_embedded_is_open(self.channel));
    }
    weir_embedded_advance(self.channel, 1600); /* and takes nothing any more */
    expect_dead(&self);
}
