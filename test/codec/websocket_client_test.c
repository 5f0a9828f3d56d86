/* websocket_client_test.c - when the client asks, and what it makes of answers that are none. */
#include <weir/buffer.h>
#include <weir/codec/websocket_client.h>
#include <weir/testing.h>

#include "websocket_talk.h"

typedef struct asker {
    weir_embedded *channel;
    weir_buf *log;
} asker;

static weir_status build_client(weir_pipeline *pipeline, void *of) {
    asker *self = of;
    weir_status status =
        weir_websocket_client_add(pipeline, &(weir_websocket_client_options){.host = "a.example"});
    return status != WEIR_OK ? status : weir_pipeline_add_last(pipeline, &talk_listener, self->log);
}

static void close_asker(asker *self) {
    weir_embedded_free(self->channel);
    weir_buf_release(self->log);
}

static const char *answer_of_client(const char *response, asker *self) {
    self->log = weir_buf_new(0);
    self->channel = weir_embedded_new(NULL, build_client, self);
    weir_buf_release(weir_embedded_take_all(self->channel));
    weir_embedded_feed_bytes(self->channel, response, strlen(response));
    return talk_heard(self->log);
}

WEIR_TEST(websocket_client, gives_up_on_answers_that_are_not_right) {
    static const struct {
        const char *response, *heard;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "error WEIR_E_INVALID status is not 101\n"},
        {"HTTP/1.1 101 S\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", "error WEIR_E_INVALID Upgrade\n"},
        {"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n",
         "error WEIR_E_INVALID Sec-WebSocket-Accept\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        asker self = {0};
        const char *heard = answer_of_client(cases[i].response, &self);
        expect(strncmp(heard, cases[i].heard, strlen(cases[i].heard)) == 0);
        expect(!weir_embedded_is_open(self.channel));
        close_asker(&self);
    }
    asker slow = {0};
    answer_of_client("HTTP/1.1 101", &slow);
    weir_embedded_advance(slow.channel, 10000);
    expect_str(talk_heard(slow.log), "error WEIR_E_TIMEOUT websocket handshake\ninactive\n");
    close_asker(&slow);
}

WEIR_TEST(websocket_client, tells_of_a_server_that_ends_without_an_answer) {
    asker self = {0};
    answer_of_client("HTTP/1.1 101", &self);
    weir_embedded_feed_end(self.channel);
    expect_str(talk_heard(self.log), "error WEIR_E_EOF websocket handshake\ninactive\n");
    close_asker(&self);
}

static void expect_one_request(weir_embedded *channel) {
    weir_embedded_run(channel);
    weir_buf *sent = weir_embedded_take_all(channel);
    weir_buf_write_u8(sent, 0);
    const char *text = (const char *)weir_buf_peek(sent).ptr, *first = "GET / HTTP/1.1\r\n";
    expect(strstr(text, first) == text && strstr(text + 1, first) == NULL);
    weir_buf_release(sent);
}

static void switcher_active(weir_ctx *ctx) {
    expect_status(build_client(weir_ctx_pipeline(ctx), weir_ctx_state(ctx)), WEIR_OK);
    weir_ctx_fire_active(ctx);
}

static const weir_handler switcher = {.name = "switcher", .active = switcher_active};

static weir_status build_switcher(weir_pipeline *pipeline, void *of) {
    return weir_pipeline_add_last(pipeline, &switcher, of);
}

WEIR_TEST(websocket_client, asks_once_where_the_channel_is_active_already) {
    asker self = {0};
    self.log = weir_buf_new(0);
    weir_embedded *late = weir_embedded_new(NULL, NULL, NULL);
    self.channel = weir_embedded_new(NULL, build_switcher, &self);
    require(self.log != NULL && late != NULL && self.channel != NULL);
    expect_status(build_client(weir_channel_pipeline(weir_embedded_channel(late)), &self), WEIR_OK);
    expect_one_request(late);
    expect_one_request(self.channel);
    weir_embedded_free(late);
    close_asker(&self);
}
