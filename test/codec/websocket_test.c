/* websocket_test.c - both ends against each other over embedded channels, from the handshake to the end. */
#include <weir/buffer.h>
#include <weir/codec/http_server.h>
#include <weir/codec/websocket_client.h>
#include <weir/codec/websocket_server.h>
#include <weir/core/log.h>
#include <weir/testing.h>
#include <weir/testing/decoder_check.h>
#include <weir/testing/recorder.h>
#include <weir/transport/event.h>
#include <weir/transport/promise.h>

#include "websocket_talk.h"

typedef struct end {
    weir_embedded *channel;
    weir_buf *log;
} end;

typedef struct pair {
    weir_websocket_server_options server_options;
    weir_websocket_client_options client_options;
    bool echoes; /* the server sends back what comes */
    end server, client;
} pair;

static void echo_read(weir_ctx *ctx, weir_obj *msg) {
    weir_ctx_write(ctx, msg, NULL);
}

static const weir_handler echo = {.name = "echo", .read = echo_read};

static weir_status build_server(weir_pipeline *pipeline, void *of) {
    pair *self = of;
    weir_status status = weir_http_server_add(pipeline, &(weir_http_server_options){.no_date = true});
    if (status == WEIR_OK) status = weir_websocket_server_add(pipeline, &self->server_options);
    if (status == WEIR_OK && self->echoes) status = weir_pipeline_add_last(pipeline, &echo, NULL);
    return status != WEIR_OK ? status : weir_pipeline_add_last(pipeline, &talk_listener, self->server.log);
}

static weir_status build_client(weir_pipeline *pipeline, void *of) {
    pair *self = of;
    if (self->client_options.host == NULL) self->client_options.host = "a.example";
    weir_status status = weir_websocket_client_add(pipeline, &self->client_options);
    return status != WEIR_OK ? status : weir_pipeline_add_last(pipeline, &talk_listener, self->client.log);
}

static void exchange(pair *self) {
    talk_exchange(self->client.channel, self->server.channel);
}

static bool open_pair(pair *self) {
    self->server.log = weir_buf_new(0);
    self->client.log = weir_buf_new(0);
    if (self->server.log == NULL || self->client.log == NULL) return false;
    self->server.channel = weir_embedded_new(NULL, build_server, self);
    self->client.channel = weir_embedded_new(NULL, build_client, self);
    bool is_open = self->server.channel != NULL && self->client.channel != NULL;
    if (is_open) exchange(self);
    return is_open;
}

static void close_pair(pair *self) {
    weir_embedded_free(self->client.channel);
    weir_embedded_free(self->server.channel);
    weir_buf_release(self->client.log);
    weir_buf_release(self->server.log);
}

static void open_quietly(pair *self) {
    require(open_pair(self));
    expect_str(talk_heard(self->server.log), "opened -\n");
    expect_str(talk_heard(self->client.log), "opened -\n");
}

static weir_channel *channel_of(end *self) {
    return weir_embedded_channel(self->channel);
}

static void say(end *self, weir_websocket_opcode opcode, const char *text) {
    weir_buf *payload = weir_buf_new(strlen(text));
    if (payload != NULL) weir_buf_write_str(payload, text);
    weir_channel_write(channel_of(self), weir_websocket_message_new(opcode, payload), NULL);
    weir_embedded_run(self->channel);
}

/* ---- messages ---- */

WEIR_TEST(websocket, carries_messages_both_ways) {
    pair self = {0};
    open_quietly(&self);
    say(&self.client, WEIR_WEBSOCKET_TEXT, "to the server");
    say(&self.server, WEIR_WEBSOCKET_BINARY, "to the client");
    say(&self.server, WEIR_WEBSOCKET_TEXT, "");
    exchange(&self);
    expect_str(talk_heard(self.server.log), "text 13 \"to the server\"\n");
    expect_str(talk_heard(self.client.log), "binary 13 \"to the client\"\ntext 0 \"\"\n");
    close_pair(&self);
}

WEIR_TEST(websocket, echoes_a_message_with_its_header_in_the_headroom_it_came_with) {
    pair self = {.echoes = true};
    open_quietly(&self);
    weir_embedded_feed(self.server.channel, talk_text(WEIR_WEBSOCKET_CLIENT, 0x81, "Hello"));
    weir_buf *out = weir_buf_from(weir_embedded_take(self.server.channel));
    require(out != NULL);
    expect(!weir_buf_is_composite(out));
    expect_bytes(weir_buf_peek(out), "\x81\x05Hello");
    weir_buf_release(out);
    close_pair(&self);
}

WEIR_TEST(websocket, sends_a_bare_buf_as_a_binary_message_and_one_prepared_message_to_both) {
    pair self = {0};
    open_quietly(&self);
    weir_buf *bytes = weir_buf_new(8);
    weir_buf_write_str(bytes, "bytes");
    weir_channel_write(channel_of(&self.client), bytes, NULL);
    weir_buf *news = weir_buf_new(8);
    weir_buf_write_str(news, "news");
    weir_websocket_prepared *all = weir_websocket_prepared_new(WEIR_WEBSOCKET_TEXT, news);
    weir_channel_write(channel_of(&self.client), weir_obj_retain(all), NULL);
    weir_channel_write(channel_of(&self.server), weir_obj_retain(all), NULL);
    weir_channel_write(channel_of(&self.server), all, NULL);
    weir_embedded_run(self.client.channel);
    weir_embedded_run(self.server.channel);
    exchange(&self);
    expect_str(talk_heard(self.server.log), "binary 5 \"bytes\"\ntext 4 \"news\"\n");
    expect_str(talk_heard(self.client.log), "text 4 \"news\"\ntext 4 \"news\"\n");
    close_pair(&self);
}

WEIR_TEST(websocket, cuts_long_messages_into_fragments_when_asked) {
    pair self = {.client_options.websocket.fragment = 4, .server_options.websocket.limits.frame = 4};
    open_quietly(&self);
    say(&self.client, WEIR_WEBSOCKET_TEXT, "0123456789");
    exchange(&self);
    expect_str(talk_heard(self.server.log), "text 10 \"0123456789\"\n");
    close_pair(&self);
}

/* What the client has written is carried over by hand. */
static void expect_compressed(pair *self) {
    weir_buf *out = weir_embedded_take_all(self->client.channel);
    expect(weir_buf_readable(out) < 46);
    expect_eq(*out->rp, 0xc1);
    weir_embedded_feed(self->server.channel, out);
}

WEIR_TEST(websocket, compresses_what_is_worth_it_with_and_without_context) {
    for (int mode = 0; mode < 8; mode++) {
        weir_websocket_deflate_options deflate = {.on = true,
                                                  .own_no_takeover = (mode & 1) != 0,
                                                  .peer_no_takeover = (mode & 2) != 0,
                                                  .release = (mode & 4) != 0,
                                                  .threshold = 16,
                                                  .own_window_bits = 9 + (unsigned)mode % 7};
        pair self = {.server_options.handshake.deflate = deflate,
                     .client_options.handshake.deflate = deflate};
        require(open_pair(&self));
        expect_str(talk_heard(self.server.log), "opened - compressed\n");
        for (int i = 0; i < 3; i++) {
            say(&self.client, WEIR_WEBSOCKET_TEXT, "the same words, the same words, the same words");
            expect_compressed(&self);
            say(&self.server, WEIR_WEBSOCKET_BINARY, "other words, other words, other words, other wo");
            say(&self.server, WEIR_WEBSOCKET_TEXT, "short");
            exchange(&self);
            expect_str(talk_heard(self.server.log),
                       "text 46 \"the same words, the same words, the same\"...\n");
        }
        const char *heard = talk_heard(self.client.log);
        const char *line = "binary 47 \"other words, other words, other words, o\"...\ntext 5 \"short\"\n";
        char expected[600];
        snprintf(expected, sizeof expected, "opened - compressed\n%s%s%s", line, line, line);
        expect_str(heard, expected);
        close_pair(&self);
    }
}

/* ---- the handshake ---- */

static const char *ask(weir_websocket_server_options options, const char *request, char *answer,
                       size_t room) {
    pair self = {.server_options = options};
    require(open_pair(&self));
    weir_embedded_free(self.server.channel);
    self.server.channel = weir_embedded_new(NULL, build_server, &self);
    weir_embedded_feed_bytes(self.server.channel, request, strlen(request));
    weir_buf *all = weir_embedded_take_all(self.server.channel);
    size_t n = weir_buf_readable(all) < room ? weir_buf_readable(all) : room - 1;
    weir_buf_read_bytes(all, answer, n);
    answer[n] = '\0';
    weir_buf_release(all);
    close_pair(&self);
    return answer;
}

#define ASK(version, key, more)                                                                                   \
    "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n" \
    "Sec-WebSocket-Key: " key "\r\nSec-WebSocket-Version: " version "\r\n" more "\r\n"
#define RFC_KEY "dGhlIHNhbXBsZSBub25jZQ=="

WEIR_TEST(websocket, answers_the_handshake_of_the_rfc) {
    static const char *const protocols[] = {"superchat", "chat", NULL};
    char answer[1000];
    ask((weir_websocket_server_options){.path = "/chat", .handshake.protocols = protocols},
        ASK("13", RFC_KEY, "Origin: http://example.com\r\nSec-WebSocket-Protocol: chat, superchat\r\n"),
        answer, sizeof answer);
    expect(strncmp(answer, "HTTP/1.1 101 Switching Protocols\r\n", 34) == 0);
    expect(strstr(answer, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n") != NULL);
    expect(strstr(answer, "Sec-WebSocket-Protocol: superchat\r\n") != NULL);
    expect(strstr(answer, "Upgrade: websocket\r\n") != NULL);
    expect(strstr(answer, "Connection: Upgrade\r\n") != NULL);
    expect(strstr(answer, "Content-Length") == NULL && strstr(answer, "Transfer-Encoding") == NULL);
}

WEIR_TEST(websocket, agrees_on_the_subprotocol_that_the_server_wants_most) {
    static const char *const asked[] = {"v1.chat", "v2.chat", NULL};
    static const char *const known[] = {"v3.chat", "v2.chat", "v1.chat", NULL};
    pair self = {.client_options.handshake = {.protocols = asked, .protocol_needed = true},
                 .server_options.handshake.protocols = known};
    require(open_pair(&self));
    expect_str(talk_heard(self.server.log), "opened v2.chat\n");
    expect_str(talk_heard(self.client.log), "opened v2.chat\n");
    close_pair(&self);

    static const char *const other[] = {"other", NULL};
    self = (pair){.client_options.handshake = {.protocols = asked, .protocol_needed = true},
                  .server_options.handshake.protocols = other};
    require(open_pair(&self));
    const char *heard = talk_heard(self.client.log), *told = "error WEIR_E_INVALID Sec-WebSocket-Protocol\n";
    expect(strncmp(heard, told, strlen(told)) == 0);
    close_pair(&self);
}

/* What others hold as well is sent as it is, and stays as it was for them. */
WEIR_TEST(websocket, sends_one_message_to_both) {
    pair self = {0};
    open_quietly(&self);
    weir_buf *payload = weir_buf_new(8);
    weir_buf_write_str(payload, "news");
    weir_websocket_message *message = weir_websocket_message_new(WEIR_WEBSOCKET_TEXT, payload);
    weir_channel_write(channel_of(&self.client), weir_obj_retain(message), NULL);
    weir_channel_write(channel_of(&self.server), weir_obj_retain(message), NULL);
    weir_embedded_run(self.client.channel);
    weir_embedded_run(self.server.channel);
    exchange(&self);
    expect_bytes(weir_buf_peek(message->payload), "news");
    weir_obj_release(message);
    expect_str(talk_heard(self.server.log), "text 4 \"news\"\n");
    expect_str(talk_heard(self.client.log), "text 4 \"news\"\n");
    close_pair(&self);
}

static void expect_refusal(weir_websocket_server_options options, const char *request, const char *line,
                           const char *field) {
    char answer[1000];
    ask(options, request, answer, sizeof answer);
    weir_test_context("%s", request);
    expect(strncmp(answer, line, strlen(line)) == 0);
    if (field != NULL) expect(strstr(answer, field) != NULL);
}

WEIR_TEST(websocket, refuses_handshakes_that_break_a_rule) {
    static const char *const origins[] = {"https://ours.example", NULL};
    weir_websocket_server_options any = {0}, ours = {.handshake.origins = origins},
                                  strict = {.handshake = {.origins = origins, .origin_needed = true}};
    expect_refusal(any, ASK("12", RFC_KEY, ""), "HTTP/1.1 426 ", "Sec-WebSocket-Version: 13\r\n");
    expect_refusal(any, ASK("13", "short", ""), "HTTP/1.1 400 ", NULL);
    expect_refusal(any, ASK("13", "dGhlIHNhbXBsZSBub25jZ!==", ""), "HTTP/1.1 400 ", NULL);
    expect_refusal(any, ASK("13", "dGhlIHNhbXBsZSBub25jZR==", ""), "HTTP/1.1 400 ", NULL);
    expect_refusal(any, ASK("13", RFC_KEY, "Sec-WebSocket-Key: " RFC_KEY "\r\n"), "HTTP/1.1 400 ", NULL);
    expect_refusal(any, "POST / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
                   "HTTP/1.1 405 ", "Allow: GET\r\n");
    expect_refusal(ours, ASK("13", RFC_KEY, "Origin: https://theirs.example\r\n"), "HTTP/1.1 403 ", NULL);
    expect_refusal(ours, ASK("13", RFC_KEY, "Origin: https://ours.example\r\n"), "HTTP/1.1 101 ", NULL);
    expect_refusal(ours, ASK("13", RFC_KEY, ""), "HTTP/1.1 101 ", NULL);
    expect_refusal(strict, ASK("13", RFC_KEY, ""), "HTTP/1.1 403 ", NULL);
    static const char *const protocols[] = {"chat", NULL};
    weir_websocket_server_options picky = {.handshake = {.protocols = protocols, .protocol_needed = true}};
    expect_refusal(picky, ASK("13", RFC_KEY, "Sec-WebSocket-Protocol: other\r\n"), "HTTP/1.1 400 ", NULL);
}

/* ---- the closing ---- */

WEIR_TEST(websocket, closes_from_either_end_with_the_code_and_reason_told) {
    for (int server = 0; server < 2; server++) {
        pair self = {0};
        open_quietly(&self);
        end *closer = server == 1 ? &self.server : &self.client;
        end *other = server == 1 ? &self.client : &self.server;
        weir_channel_write(channel_of(closer), weir_websocket_close_message(4001, "enough"), NULL);
        say(closer, WEIR_WEBSOCKET_TEXT, "too late");
        exchange(&self);
        expect_str(talk_heard(other->log), "closed 4001 \"enough\"\ninactive\n");
        expect_str(talk_heard(closer->log),
                   "error WEIR_E_CLOSED websocket write\nclosed 4001 \"\"\ninactive\n");
        close_pair(&self);
    }
}

WEIR_TEST(websocket, turns_a_close_of_the_channel_into_the_handshake) {
    pair self = {0};
    open_quietly(&self);
    weir_promise *first = weir_promise_new(weir_embedded_loop(self.server.channel));
    weir_promise *second = weir_promise_new(weir_embedded_loop(self.server.channel));
    weir_channel_close(channel_of(&self.server), weir_promise_retain(first));
    weir_channel_close(channel_of(&self.server), weir_promise_retain(second));
    expect(weir_embedded_is_open(self.server.channel) && !weir_promise_is_done(first));
    exchange(&self);
    expect_str(talk_heard(self.client.log), "closed 1000 \"\"\ninactive\n");
    expect_str(talk_heard(self.server.log), "closed 1000 \"\"\ninactive\n");
    expect(weir_promise_is_done(first) && weir_promise_is_done(second));
    weir_promise_release(first);
    weir_promise_release(second);
    close_pair(&self);
}

WEIR_TEST(websocket, says_going_away_when_the_server_stops) {
    pair self = {0};
    open_quietly(&self);
    weir_channel_fire_event(channel_of(&self.server), &weir_event_stopping.obj);
    weir_embedded_run(self.server.channel);
    exchange(&self);
    expect_str(talk_heard(self.client.log), "closed 1001 \"\"\ninactive\n");
    close_pair(&self);
}

WEIR_TEST(websocket, does_not_wait_for_ever_for_a_close) {
    pair self = {.server_options.websocket.close_timeout_ms = 700};
    open_quietly(&self);
    weir_channel_close(channel_of(&self.server), NULL);
    weir_embedded_advance(self.server.channel, 699);
    expect(weir_embedded_is_open(self.server.channel));
    weir_embedded_advance(self.server.channel, 1);
    expect_str(talk_heard(self.server.log), "closed 1006 unclean \"\": no answer to a close\ninactive\n");
    close_pair(&self);
}

WEIR_TEST(websocket, tells_a_connection_that_ended_without_a_word) {
    pair self = {0};
    open_quietly(&self);
    weir_embedded_feed_end(self.server.channel);
    expect_str(talk_heard(self.server.log), "closed 1006 unclean \"\"\ninactive\n");
    weir_embedded_break(self.client.channel, -104);
    expect_str(talk_heard(self.client.log), "error ECONNRESET wire\nclosed 1006 unclean \"\"\ninactive\n");
    close_pair(&self);
}

static void leaver_event(weir_ctx *ctx, weir_obj *event) {
    weir_ctx *at = weir_pipeline_find_name(weir_ctx_pipeline(ctx), "websocket");
    if (weir_websocket_closed_from(event) != NULL && at != NULL) weir_pipeline_remove(at);
    weir_ctx_fire_event(ctx, event);
}

static const weir_handler leaver = {.name = "leaver", .event = leaver_event};

WEIR_TEST(websocket, passes_the_end_on_though_it_is_removed_when_it_tells_of_it) {
    pair self = {0};
    open_quietly(&self);
    weir_pipeline *pipeline = weir_channel_pipeline(channel_of(&self.server));
    expect_status(weir_pipeline_add_last(pipeline, &leaver, NULL), WEIR_OK);
    weir_embedded_feed_end(self.server.channel);
    expect_str(talk_heard(self.server.log), "closed 1006 unclean \"\"\ninactive\n");
    expect(!weir_embedded_is_open(self.server.channel));
    close_pair(&self);
}

/* Our side ends with the answer; the peer's may go on until it has read that. */
static void expect_violation(weir_buf *frame, const char *heard, const char *answer, size_t n) {
    pair self = {.server_options.websocket = {.limits.message = 100, .control_per_second = 3}};
    open_quietly(&self);
    weir_embedded_feed(self.server.channel, frame);
    expect_str(talk_heard(self.server.log), heard);
    weir_buf *out = weir_embedded_take_all(self.server.channel);
    expect_same_bytes(weir_buf_peek(out), weir_bytes_of(answer, n));
    weir_buf_release(out);
    expect(weir_embedded_is_shut(self.server.channel) && weir_embedded_is_open(self.server.channel));
    weir_embedded_feed(self.server.channel, talk_text(WEIR_WEBSOCKET_CLIENT, 0x89, "are you there?"));
    weir_embedded_feed(self.server.channel, talk_text(WEIR_WEBSOCKET_CLIENT, 0x83, "wrong again"));
    expect(weir_embedded_take(self.server.channel) == NULL);
    weir_embedded_feed_end(self.server.channel);
    expect(!weir_embedded_is_open(self.server.channel));
    expect_str(talk_heard(self.server.log), "inactive\n");
    close_pair(&self);
}
#define EXPECT_VIOLATION(frame, heard, answer) expect_violation(frame, heard, answer, sizeof(answer) - 1)

WEIR_TEST(websocket, answers_a_violation_with_its_code_and_the_end) {
    weir_websocket_role client = WEIR_WEBSOCKET_CLIENT;
    EXPECT_VIOLATION(talk_text(client, 0x83, "x"), "closed 1002 unclean \"\": opcode of a frame\n",
                     "\x88\x13\x03\xeaopcode of a frame");
    EXPECT_VIOLATION(talk_text(client, 0x81, "\xff"), "closed 1007 unclean \"\": text is no UTF-8\n",
                     "\x88\x12\x03\xeftext is no UTF-8");
    EXPECT_VIOLATION(talk_text(client, 0x88, "\x03\xed"), "closed 1002 unclean \"\": close code\n",
                     "\x88\x0c\x03\xea"
                     "close code");
    EXPECT_VIOLATION(talk_text(client, 0x88, "\x03"), "closed 1002 unclean \"\": close frame of one byte\n",
                     "\x88\x19\x03\xea"
                     "close frame of one byte");
    char big[101] = {0};
    EXPECT_VIOLATION(talk_frame(client, 0x82, weir_bytes_of(big, sizeof big)),
                     "closed 1009 unclean \"\": frame length\n",
                     "\x88\x0e\x03\xf1"
                     "frame length");
}

WEIR_TEST(websocket, does_not_wait_for_ever_for_the_end_of_who_broke_a_rule) {
    pair self = {.server_options.websocket.close_timeout_ms = 700};
    open_quietly(&self);
    weir_embedded_feed(self.server.channel, talk_text(WEIR_WEBSOCKET_CLIENT, 0x83, "x"));
    expect_str(talk_heard(self.server.log), "closed 1002 unclean \"\": opcode of a frame\n");
    weir_embedded_advance(self.server.channel, 699);
    expect(weir_embedded_is_open(self.server.channel));
    weir_embedded_advance(self.server.channel, 1);
    expect_str(talk_heard(self.server.log), "inactive\n");
    close_pair(&self);
}

/* ---- cuts, and too little memory ---- */

static void on_closed(weir_ctx *ctx, weir_obj *event) {
    weir_obj_release(event);
    (void)ctx;
}

static void give_payload(weir_ctx *ctx, weir_obj *msg) {
    weir_websocket_message *message = weir_websocket_message_from(msg);
    weir_ctx_fire_read(ctx, (weir_obj *)weir_buf_retain(message->payload));
    weir_obj_release(msg);
}

static const weir_handler opener = {.name = "opener", .read = give_payload, .event = on_closed};

/* What is read only is copied to be unmasked; the check does not want its own bytes changed. */
static void forbid_writing(weir_ctx *ctx, weir_obj *msg) {
    if (weir_buf_from(msg) != NULL) weir_buf_set_read_only(weir_buf_from(msg));
    weir_ctx_fire_read(ctx, msg);
}

static const weir_handler forbidder = {.name = "forbidder", .read = forbid_writing};

static weir_status build_for_check(weir_pipeline *pipeline, void *role) {
    weir_pipeline_add_last(pipeline, &forbidder, NULL);
    weir_status status = weir_websocket_add(pipeline, *(weir_websocket_role *)role, NULL, NULL, NULL);
    return status != WEIR_OK ? status : weir_pipeline_add_last(pipeline, &opener, NULL);
}

static void expect_same_however_cut(weir_websocket_role sender) {
    weir_buf *input = weir_buf_new(0);
    static char big[700];
    memset(big, 'v', sizeof big);
    weir_buf *frames[] = {talk_text(sender, 0x81, "one"),
                          talk_frame(sender, 0x02, weir_bytes_of(big, sizeof big)),
                          talk_text(sender, 0x00, "two"),
                          talk_frame(sender, 0x80, weir_bytes_of(big, 300)),
                          talk_text(sender, 0x81, "\xc3\xa4\xe2\x82\xac"),
                          talk_frame(sender, 0x81, weir_bytes_of(big, 126))};
    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
        weir_buf_write_buf(input, frames[i], weir_buf_readable(frames[i]));
        weir_buf_release(frames[i]);
    }
    weir_websocket_role reader =
        sender == WEIR_WEBSOCKET_CLIENT ? WEIR_WEBSOCKET_SERVER : WEIR_WEBSOCKET_CLIENT;
    expect(weir_decoder_check_run(&(weir_decoder_check){
        .build = build_for_check, .arg = &reader, .input = weir_buf_peek(input), .random_runs = 30}));
    weir_buf_release(input);
}

WEIR_TEST(websocket, hears_the_same_however_the_stream_is_cut) {
    expect_same_however_cut(WEIR_WEBSOCKET_CLIENT);
    expect_same_however_cut(WEIR_WEBSOCKET_SERVER);
}

static bool converse(void *options) {
    pair self = *(pair *)options;
    bool all = open_pair(&self);
    if (all) {
        say(&self.client, WEIR_WEBSOCKET_TEXT, "a text of some length, a text of some length, a text");
        exchange(&self);
        weir_embedded_feed(self.server.channel,
                           talk_frame(WEIR_WEBSOCKET_CLIENT, 0x01, weir_bytes_str("frag")));
        weir_channel_close(channel_of(&self.client), NULL);
        exchange(&self);
        weir_buf_write_u8(self.client.log, 0);
        all = weir_buf_status(self.client.log) == WEIR_OK &&
              strstr((const char *)weir_buf_peek(self.client.log).ptr, "text 52 ") != NULL;
    }
    close_pair(&self);
    return all;
}

WEIR_TEST(websocket, survives_every_failing_allocation) {
    weir_log_set_level(WEIR_LOG_OFF);
    pair plain = {.echoes = true};
    expect(weir_oom_sweep(converse, &plain) > 0);
}
