/* proxy_protocol_test.c - the handler that learns who calls before anybody else is told. */
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <weir/buffer.h>
#include <weir/codec/proxy_protocol.h>
#include <weir/core/log.h>
#include <weir/testing.h>
#include <weir/testing/oom_sweep.h>
#include <weir/testing/recorder.h>
#include <weir/transport/channel.h>
#include <weir/transport/ctx.h>
#include <weir/transport/embedded.h>
#include <weir/transport/server.h>

#define LINE "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n"

typedef struct rig {
    weir_embedded *embedded;
    weir_recorder *behind;
    weir_proxy_protocol_options options;
    weir_status built;
} rig;

static weir_status build(weir_pipeline *pipeline, void *arg) {
    rig *self = arg;
    self->built = weir_proxy_protocol_add(pipeline, &self->options);
    return self->built == WEIR_OK ? weir_recorder_add_passing(self->behind, pipeline) : self->built;
}

static bool set_up(rig *self, const weir_proxy_protocol_options *options) {
    *self = (rig){.behind = weir_recorder_new()};
    if (options != NULL) self->options = *options;
    weir_log_set_level(WEIR_LOG_OFF);
    self->embedded = weir_embedded_new(NULL, build, self);
    return self->embedded != NULL;
}

static void tear_down(rig *self) {
    weir_embedded_free(self->embedded);
    weir_recorder_free(self->behind);
}

static void feed(rig *self, const char *text) {
    (void)weir_embedded_feed_bytes(self->embedded, text, strlen(text));
}

static const char *caller(rig *self, char text[WEIR_ADDR_TEXT]) {
    weir_addr addr;
    weir_proxy_protocol_remote_addr(weir_embedded_channel(self->embedded), &addr);
    return weir_addr_format(&addr, text);
}

static bool is_in_place(const rig *self) {
    return weir_pipeline_find(weir_embedded_pipeline(self->embedded), &weir_proxy_protocol) != NULL;
}

WEIR_TEST(proxy_protocol, tells_nobody_of_the_connection_before_it_knows_who_calls) {
    rig self;
    char text[WEIR_ADDR_TEXT];
    require(set_up(&self, NULL));
    for (const char *at = LINE "G"; *at != '\0'; at++) {
        expect(*at == 'G' || weir_recorder_count(self.behind, "active") == 0);
        (void)weir_embedded_feed_bytes(self.embedded, at, 1);
    }
    expect_str(caller(&self, text), "192.0.2.7:56324");
    expect_eq(weir_recorder_count(self.behind, "active"), 1);
    expect_eq(weir_recorder_count(self.behind, "read "), 1);
    expect_eq(weir_recorder_count(self.behind, "read 1 \"G\""), 1);
    expect(!is_in_place(&self));
    weir_embedded_feed_end(self.embedded);
    expect_eq(weir_recorder_count(self.behind, "inactive"), 1);
    tear_down(&self);
}

WEIR_TEST(proxy_protocol, hands_on_all_bytes_behind_the_header_as_one_read) {
    rig self;
    require(set_up(&self, NULL));
    feed(&self, LINE "GET / HTTP/1.1\r\n");
    expect_eq(weir_recorder_count(self.behind, "read 16 \"GET / HTTP/1.1\\r\\n\""), 1);
    expect_eq(weir_recorder_count(self.behind, "read_complete"), 2); /* its own, and that of the burst */
    tear_down(&self);
}

WEIR_TEST(proxy_protocol, keeps_tlvs_and_what_a_health_check_says_with_the_channel) {
    rig self;
    char text[WEIR_ADDR_TEXT], other[WEIR_ADDR_TEXT];
    static const char with_tlv[] =
        "\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x10\1\2\3\4\5\6\7\x08\0\x50\1\xbb\x02\x00\x01h";
    require(set_up(&self, NULL));
    (void)weir_embedded_feed_bytes(self.embedded, with_tlv, sizeof with_tlv - 1);
    const weir_proxy_header *header = weir_proxy_protocol_header(weir_embedded_channel(self.embedded));
    require(header != NULL);
    weir_bytes tlvs = header->tlvs, value;
    uint8_t type;
    expect(weir_proxy_tlv_next(&tlvs, &type, &value));
    expect(type == WEIR_PROXY_TLV_AUTHORITY && weir_bytes_equal_str(value, "h"));
    expect_str(weir_addr_format(&header->destination, text), "5.6.7.8:443");
    tear_down(&self);

    require(set_up(&self, NULL));
    (void)weir_embedded_feed_bytes(self.embedded, "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", 16);
    header = weir_proxy_protocol_header(weir_embedded_channel(self.embedded));
    expect(header != NULL && header->is_local);
    weir_addr remote;
    weir_channel_remote_addr(weir_embedded_channel(self.embedded), &remote);
    expect_str(caller(&self, text), weir_addr_format(&remote, other));
    tear_down(&self);
}

WEIR_TEST(proxy_protocol, refuses_what_is_no_header) {
    rig self;
    require(set_up(&self, NULL));
    feed(&self, "GET / HTTP/1.1\r\n");
    expect(!weir_embedded_is_open(self.embedded));
    expect_eq(weir_recorder_count(self.behind, "active"), 0);
    expect(weir_proxy_protocol_header(weir_embedded_channel(self.embedded)) == NULL);
    tear_down(&self);
}

WEIR_TEST(proxy_protocol, has_a_limit_of_length) {
    rig self;
    require(set_up(&self, &(weir_proxy_protocol_options){.max_length = 27}));
    (void)weir_embedded_feed_bytes(self.embedded, "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c", 16);
    expect(!weir_embedded_is_open(self.embedded));
    tear_down(&self);
    expect(!set_up(&self, &(weir_proxy_protocol_options){.max_length = 4097}));
    expect_status(self.built, WEIR_E_INVALID);
    tear_down(&self);
}

WEIR_TEST(proxy_protocol, waits_no_longer_than_it_may) {
    rig self;
    require(set_up(&self, NULL));
    feed(&self, "PROXY TCP4 ");
    weir_embedded_advance(self.embedded, 9999);
    expect(weir_embedded_is_open(self.embedded));
    weir_embedded_advance(self.embedded, 2);
    expect(!weir_embedded_is_open(self.embedded));
    tear_down(&self);

    require(set_up(&self, NULL));
    feed(&self, LINE);
    weir_embedded_advance(self.embedded, 20000);
    expect(weir_embedded_is_open(self.embedded));
    tear_down(&self);
}

/* ---- who is believed ---- */

static weir_ip_filter *filter_of(const char *rule) {
    weir_ip_filter *filter;
    require(weir_ip_filter_new(&filter, &rule, 1, NULL) == WEIR_OK);
    return filter;
}

/* On real sockets, as an embedded channel has no peer. What comes in is answered with who sent it. */

static void answer(weir_ctx *ctx, weir_obj *msg) {
    weir_addr addr;
    char text[WEIR_ADDR_TEXT];
    weir_obj_release(msg);
    weir_proxy_protocol_remote_addr(weir_ctx_channel(ctx), &addr);
    weir_buf *out = weir_ctx_get_buf(ctx, WEIR_ADDR_TEXT);
    if (out != NULL) weir_buf_write_str(out, weir_addr_format(&addr, text));
    if (out != NULL) weir_ctx_write(ctx, &out->obj, NULL);
}

static const weir_handler answerer = {.name = "answerer", .read = answer};

static weir_status build_answerer(weir_pipeline *pipeline, void *options) {
    weir_status status = weir_proxy_protocol_add(pipeline, options);
    return status == WEIR_OK ? weir_pipeline_add_last(pipeline, &answerer, NULL) : status;
}

static int join(const weir_addr *addr) {
    const struct timeval patience = {.tv_sec = 20};
    int fd = socket(addr->as.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    require(fd >= 0 && connect(fd, &addr->as.sa, addr->len) == 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return fd;
}

/* What a server with these options answers to `text`; empty when it hangs up. */
static void ask(weir_proxy_protocol_options options, const char *text, char reply[WEIR_ADDR_TEXT]) {
    weir_loop_group *loops = weir_loop_group_new(1);
    weir_server *server;
    require(weir_server_start(&server, &(weir_server_options){.loops = loops,
                                                              .build = build_answerer,
                                                              .build_arg = &options}) == WEIR_OK);
    int fd = join(weir_server_addr(server));
    (void)send(fd, text, strlen(text), MSG_NOSIGNAL);
    ssize_t got = recv(fd, reply, WEIR_ADDR_TEXT - 1, 0);
    reply[got > 0 ? got : 0] = '\0';
    close(fd);
    weir_server_free(server);
    weir_loop_group_free(loops);
}

WEIR_TEST(proxy_protocol, believes_only_whom_it_was_told_to) {
    char reply[WEIR_ADDR_TEXT];
    weir_log_set_level(WEIR_LOG_OFF);
    weir_ip_filter *us = filter_of("allow 127.0.0.0/8"), *others = filter_of("deny 127.0.0.0/8");
    ask((weir_proxy_protocol_options){.trusted = us}, LINE "?", reply);
    expect_str(reply, "192.0.2.7:56324");
    ask((weir_proxy_protocol_options){.trusted = others}, LINE "?", reply);
    expect_str(reply, "");
    ask((weir_proxy_protocol_options){.trusted = others, .others_pass = true}, LINE "?", reply);
    expect(strncmp(reply, "127.0.0.1:", 10) == 0); /* the header is bytes like any others */
    ask((weir_proxy_protocol_options){.trusted = us, .others_pass = true}, "hello", reply);
    expect_str(reply, ""); /* whoever is trusted must say who calls */
    weir_ip_filter_release(us);
    weir_ip_filter_release(others);
}

static void pass_all(weir_ctx *ctx, weir_obj *msg) {
    weir_ctx_fire_read(ctx, msg);
}

static weir_status build_without_recorder(weir_pipeline *pipeline, void *arg) {
    static const weir_handler passing = {.name = "passing", .read = pass_all};
    weir_status status = weir_proxy_protocol_add(pipeline, arg);
    return status == WEIR_OK ? weir_pipeline_add_last(pipeline, &passing, NULL) : status;
}

static bool live_with_little_memory(void *options) {
    weir_embedded *embedded = weir_embedded_new(NULL, build_without_recorder, options);
    if (embedded == NULL) return false;
    bool fed = weir_embedded_feed_bytes(embedded, LINE "x", sizeof LINE) == WEIR_OK;
    bool is_kept = weir_proxy_protocol_header(weir_embedded_channel(embedded)) != NULL;
    weir_embedded_free(embedded);
    return fed && is_kept;
}

WEIR_TEST(proxy_protocol, loses_nothing_when_memory_runs_out) {
    weir_proxy_protocol_options options = {0};
    weir_log_set_level(WEIR_LOG_OFF);
    expect(weir_oom_sweep(live_with_little_memory, &options) > 0);
}
