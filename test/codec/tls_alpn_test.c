/* tls_alpn_test.c - pipelines that are built late: by ALPN, by STARTTLS, by the first bytes. */
#include <string.h>

#include <weir/codec/line_decoder.h>
#include <weir/codec/protocol_detector.h>
#include <weir/core/log.h>

#include "codec/tls_talk.h"

/* ---- ALPN ---- */

static const char *const h2_first[] = {"h2", "http/1.1"};
static const char *const http_only[] = {"http/1.1"};
static const char *const others[] = {"gopher"};
static const char *built;

static weir_status build_h2(weir_pipeline *pipeline, void *arg) {
    built = "h2";
    return tls_end_build_handler(pipeline, arg);
}

static weir_status build_http(weir_pipeline *pipeline, void *arg) {
    built = "http/1.1";
    return tls_end_build_handler(pipeline, arg);
}

static weir_status build_nothing(weir_pipeline *pipeline, void *arg) {
    (void)pipeline, (void)arg;
    return WEIR_E_LIMIT;
}

static weir_tls_alpn table[3];

static weir_status build_by_alpn(weir_pipeline *pipeline, void *arg) {
    tls_end *self = arg;
    table[0] = (weir_tls_alpn){"h2", build_h2, self};
    table[1] = (weir_tls_alpn){"http/1.1", build_http, self};
    table[2] = (weir_tls_alpn){"gopher", build_nothing, self};
    weir_status status = weir_tls_handler_add(pipeline, self->context, &self->options);
    return status != WEIR_OK ? status : weir_tls_alpn_add(pipeline, table, 3);
}

static void begin_alpn(tls_talk *talk, const char *const *client, size_t count) {
    weir_tls_options ours = {.alpn = client, .alpn_count = count};
    weir_tls_options theirs = {.alpn = h2_first, .alpn_count = 2};
    if (client == others) theirs = ours;
    weir_log_set_level(WEIR_LOG_OFF);
    tls_talk_begin(talk, &ours, &theirs);
    talk->server.build = build_by_alpn;
    built = "";
    tls_talk_open(talk);
    tls_talk_carry(talk);
}

WEIR_TEST(tls_alpn, builds_the_rest_by_what_was_agreed_on) {
    tls_talk talk;
    begin_alpn(&talk, h2_first, 2);
    expect_str(built, "h2");
    expect(tls_end_saw(&talk.server, "active ready"));
    tls_end_say(&talk.client, "to h2");
    tls_talk_carry(&talk);
    expect(tls_end_heard(&talk.server, "to h2"));
    tls_talk_end(&talk);
    begin_alpn(&talk, http_only, 1);
    expect_str(built, "http/1.1");
    expect(tls_end_saw(&talk.server, "active ready"));
    tls_talk_end(&talk);
}

WEIR_TEST(tls_alpn, ends_a_connection_nobody_speaks_the_protocol_of) {
    tls_talk talk;
    begin_alpn(&talk, NULL, 0);
    expect_str(built, "");
    expect(!weir_embedded_is_open(talk.server.embedded));
    expect(tls_end_saw(&talk.client, "active ready peer_closed inactive"));
    tls_talk_end(&talk);
    begin_alpn(&talk, others, 1);
    expect_status(weir_embedded_aborted(talk.server.embedded), WEIR_E_LIMIT);
    expect(tls_end_saw(&talk.server, ""));
    tls_talk_end(&talk);
}

/* ---- STARTTLS ---- */

static weir_status build_plain(weir_pipeline *pipeline, void *arg) {
    return tls_end_build_handler(pipeline, arg);
}

static void start_tls(tls_end *self) {
    weir_tls_handler_options options = self->options;
    options.starttls = true;
    expect_status(weir_tls_handler_add(weir_embedded_pipeline(self->embedded), self->context, &options),
                  WEIR_OK);
}

static void on_server(tls_end *self, const char *event) {
    if (strcmp(event, "read") != 0 || !weir_bytes_equal_str(weir_buf_peek(self->read), "STARTTLS\n")) return;
    tls_end_say(self, "ready\n");
    start_tls(self);
}

static void on_client(tls_end *self, const char *event) {
    if (strcmp(event, "read") == 0 && weir_bytes_equal_str(weir_buf_peek(self->read), "ready\n"))
        start_tls(self);
}

WEIR_TEST(tls_alpn, turns_a_plain_connection_into_tls_in_the_middle) {
    tls_talk talk;
    weir_tls_info info;
    tls_talk_begin(&talk, NULL, NULL);
    talk.client.build = talk.server.build = build_plain;
    talk.client.on = on_client;
    talk.server.on = on_server;
    tls_talk_open(&talk);
    expect(!weir_tls_get_info(weir_embedded_pipeline(talk.server.embedded), &info));
    tls_end_say(&talk.client, "STARTTLS\n");
    tls_talk_carry(&talk);
    expect(tls_end_saw(&talk.client, "active event complete ready"));
    expect(tls_end_saw(&talk.server, "active event complete ready"));
    expect(weir_tls_get_info(weir_embedded_pipeline(talk.server.embedded), &info));
    expect_str(info.version, "TLSv1.3");
    weir_buf_clear(talk.server.read);
    tls_end_say(&talk.client, "password");
    weir_buf *wire = weir_embedded_take_all(talk.client.embedded);
    expect(weir_bytes_find_bytes(weir_buf_peek(wire), weir_bytes_str("password")) == WEIR_NOT_FOUND);
    weir_embedded_feed(talk.server.embedded, wire);
    expect(tls_end_heard(&talk.server, "password"));
    weir_channel_close(talk.client.channel, NULL);
    tls_talk_carry(&talk);
    expect(tls_end_saw(&talk.server, "complete peer_closed inactive"));
    tls_talk_end(&talk);
}

/* What somebody in the middle puts behind the command must not be the beginning of what is said in TLS. */

static weir_status build_lines(weir_pipeline *pipeline, void *arg) {
    weir_status status = weir_line_decoder_add(pipeline, &(weir_line_options){.max_length = 64});
    return status != WEIR_OK ? status : tls_end_build_handler(pipeline, arg);
}

static void on_line(tls_end *self, const char *event) {
    if (strcmp(event, "read") == 0 && weir_bytes_equal_str(weir_buf_peek(self->read), "STARTTLS"))
        start_tls(self);
}

WEIR_TEST(tls_alpn, refuses_plaintext_behind_the_command_that_begins_tls) {
    static const char *const sent[] = {"STARTTLS\r\n", "STARTTLS\r\nRCPT TO:<",
                                       "STARTTLS\r\nRSET\r\nRSET\r\n"};
    for (size_t i = 0; i < 3; i++) {
        tls_talk talk;
        weir_log_set_level(WEIR_LOG_OFF);
        tls_talk_begin(&talk, NULL, NULL);
        talk.server.build = build_lines;
        talk.server.on = on_line;
        tls_talk_open(&talk);
        weir_embedded_feed_bytes(talk.server.embedded, sent[i], strlen(sent[i]));
        weir_embedded_feed(talk.server.embedded, weir_embedded_take_all(talk.client.embedded));
        expect(tls_end_heard(&talk.server, "STARTTLS"));
        expect_eq(weir_embedded_is_open(talk.server.embedded), i == 0);
        expect(tls_end_saw(&talk.server, i == 0
                                             ? "active event complete"
                                             : "active error WEIR_E_FRAME_CORRUPT event complete inactive"));
        tls_talk_end(&talk);
    }
}

/* ---- one port ---- */

static weir_status build_plain_or_tls(weir_pipeline *pipeline, void *arg) {
    tls_end *self = arg;
    static weir_protocol protocols[2];
    static const weir_bytes any;
    protocols[0] = (weir_protocol){"tls", weir_protocol_is_tls, .build = tls_end_build, .build_arg = self};
    protocols[1] = (weir_protocol){"plain", weir_protocol_is_prefix, &any, .build = tls_end_build_handler,
                                   .build_arg = self};
    return weir_protocol_detector_add(pipeline,
                                      &(weir_protocol_detector_options){.protocols = protocols, .count = 2});
}

WEIR_TEST(tls_alpn, shares_a_port_with_plaintext) {
    tls_talk talk;
    weir_tls_info info;
    tls_talk_begin(&talk, NULL, NULL);
    talk.server.build = build_plain_or_tls;
    tls_talk_meet(&talk);
    tls_end_say(&talk.client, "sealed");
    tls_talk_carry(&talk);
    expect(tls_end_heard(&talk.server, "sealed"));
    expect(weir_tls_get_info(weir_embedded_pipeline(talk.server.embedded), &info));
    tls_talk_close(&talk);
    talk.client.build = build_plain;
    tls_talk_open(&talk);
    tls_end_say(&talk.client, "in the open");
    tls_talk_carry(&talk);
    expect(tls_end_heard(&talk.server, "in the open"));
    expect(!weir_tls_get_info(weir_embedded_pipeline(talk.server.embedded), &info));
    tls_talk_end(&talk);
}
