/* websocket_write_test.c - what may not be written because the peer could not read it, and what the peer can read though
 * a write failed.
 */
#include <weir/buffer.h>
#include <weir/core/log.h>
#include <weir/testing.h>
#include <weir/transport/promise.h>

#include "websocket_talk.h"

enum {
    LONG = 700,
    ALLOCATIONS_MOST = 40
};

#define SMALL_CAP                                                                                            \
    { .low_water = 100, .high_water = 200, .write_cap = 1000 }

/* One end of a connection whose handshake is done. What comes is noted and, with `relays`, sent back as it comes. */
typedef struct end {
    weir_websocket_role role;
    weir_websocket_options options;
    weir_channel_options channel_options;
    bool compressed, relays;
    weir_embedded *channel;
    weir_buf *log;
} end;

static void relay_read(weir_ctx *ctx, weir_obj *msg) {
    weir_ctx_write(ctx, msg, NULL);
}

static const weir_handler relay = {.name = "relay", .read = relay_read};

static weir_status build(weir_pipeline *pipeline, void *arg) {
    end *self = arg;
    weir_websocket_deflate_options deflate = {.on = self->compressed};
    weir_websocket_agreement agreement = {
        .deflate = {.on = self->compressed, .own_window_bits = 15, .peer_window_bits = 15}};
    weir_status status = weir_websocket_add(pipeline, self->role, &self->options, &agreement, &deflate);
    if (status == WEIR_OK && self->relays) status = weir_pipeline_add_last(pipeline, &relay, NULL);
    return status != WEIR_OK ? status : weir_pipeline_add_last(pipeline, &talk_listener, self->log);
}

static void open_end(end *self) {
    self->log = weir_buf_new(0);
    self->channel = weir_embedded_new(&self->channel_options, build, self);
    require(self->log != NULL && self->channel != NULL);
}

static void close_end(end *self) {
    weir_embedded_free(self->channel);
    weir_buf_release(self->log);
}

/* What became of a write. */
static weir_status write_to(end *self, void *msg) {
    weir_promise *promise = weir_promise_new(weir_embedded_loop(self->channel));
    require(promise != NULL);
    weir_channel_write(weir_embedded_channel(self->channel), msg, weir_promise_retain(promise));
    weir_embedded_run(self->channel);
    require(weir_promise_is_done(promise));
    weir_status status = weir_promise_status(promise);
    weir_promise_release(promise);
    return status;
}

static weir_buf *bytes_of(const char *text) {
    weir_buf *buf = weir_buf_new(0);
    require(buf != NULL);
    weir_buf_write_str(buf, text);
    return buf;
}

/* ---- pieces ---- */

WEIR_TEST(websocket_write, nothing_but_control_frames_goes_between_the_pieces_of_a_message) {
    end self = {.role = WEIR_WEBSOCKET_SERVER, .options.pieces = true, .relays = true};
    open_end(&self);
    weir_embedded_feed(self.channel, talk_text(WEIR_WEBSOCKET_CLIENT, 0x01, "one"));
    expect_status(write_to(&self, bytes_of("bytes")), WEIR_E_INVALID);
    expect_status(write_to(&self, weir_websocket_message_new(WEIR_WEBSOCKET_TEXT, bytes_of("text"))),
                  WEIR_E_INVALID);
    expect_status(write_to(&self, weir_websocket_prepared_new(WEIR_WEBSOCKET_TEXT, bytes_of("news"))),
                  WEIR_E_INVALID);
    expect_status(write_to(&self, weir_websocket_message_new(WEIR_WEBSOCKET_PING, bytes_of("?"))), WEIR_OK);
    weir_embedded_feed(self.channel, talk_text(WEIR_WEBSOCKET_CLIENT, 0x80, "two"));
    expect_status(write_to(&self, bytes_of("bytes")), WEIR_OK);

    weir_buf *sent = weir_embedded_take_all(self.channel);
    expect_bytes(weir_buf_peek(sent), "\x01\x03one\x89\x01?\x80\x03two\x82\x05"
                                      "bytes");
    weir_buf_release(sent);
    close_end(&self);
}

WEIR_TEST(websocket_write, refuses_a_piece_of_a_message_that_has_not_begun) {
    end self = {.role = WEIR_WEBSOCKET_SERVER};
    open_end(&self);
    weir_websocket_message *piece = weir_websocket_message_new(WEIR_WEBSOCKET_TEXT, bytes_of("rest"));
    require(piece != NULL);
    piece->first = false;
    expect_status(write_to(&self, piece), WEIR_E_INVALID);
    expect_status(write_to(&self, bytes_of("bytes")), WEIR_OK);
    weir_buf *sent = weir_embedded_take_all(self.channel);
    expect_bytes(weir_buf_peek(sent), "\x82\x05"
                                      "bytes");
    weir_buf_release(sent);
    close_end(&self);
}

/* ---- compression: what the compressor remembers and what the peer got have to be the same ---- */

/* Letters that do not repeat much. */
static weir_buf *noise(size_t n, uint32_t seed) {
    weir_buf *buf = weir_buf_new(n);
    require(buf != NULL);
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525 + 1013904223;
        weir_buf_write_u8(buf, (uint8_t)(' ' + (seed >> 16) % 90));
    }
    return buf;
}

/* The first message with one allocation of its own refused, then the same again: the peer must hear it. */
static weir_status hear_again(uint64_t refused) {
    end near = {.role = WEIR_WEBSOCKET_SERVER, .compressed = true},
        far = {.role = WEIR_WEBSOCKET_CLIENT, .compressed = true};
    open_end(&near);
    open_end(&far);
    weir_websocket_message *one = weir_websocket_message_new(WEIR_WEBSOCKET_TEXT, noise(LONG, 3)),
                           *two = weir_websocket_message_new(WEIR_WEBSOCKET_TEXT, noise(LONG, 3));
    weir_promise *promise = weir_promise_new(weir_embedded_loop(near.channel));
    require(one != NULL && two != NULL && promise != NULL);
    weir_tracking_alloc_fail_nth(weir_test_alloc(), refused);
    weir_channel_write(weir_embedded_channel(near.channel), one, weir_promise_retain(promise));
    weir_tracking_alloc_fail_never(weir_test_alloc());
    weir_embedded_run(near.channel);
    weir_status status = weir_promise_status(promise);
    weir_promise_release(promise);
    expect_status(write_to(&near, two), WEIR_OK);
    talk_exchange(near.channel, far.channel);
    const char *heard = talk_heard(far.log);
    expect(strncmp(heard, "text 700 ", 9) == 0);
    expect(strstr(heard, "closed") == NULL);
    close_end(&near);
    close_end(&far);
    return status;
}

WEIR_TEST(websocket_write, goes_on_readable_after_a_compressed_message_was_lost_for_want_of_memory) {
    unsigned lost = 0;
    for (uint64_t i = 0; i < ALLOCATIONS_MOST; i++) {
        weir_test_context("allocation %llu refused", (unsigned long long)i);
        if (hear_again(i) != WEIR_OK) lost++;
    }
    expect(lost > 0 && lost < ALLOCATIONS_MOST);
}

/* Over the cap a message is refused while the channel stays. */
WEIR_TEST(websocket_write, goes_on_readable_after_a_compressed_message_was_over_the_cap) {
    end near = {.role = WEIR_WEBSOCKET_SERVER, .compressed = true, .channel_options = SMALL_CAP},
        far = {.role = WEIR_WEBSOCKET_CLIENT, .compressed = true};
    open_end(&near);
    open_end(&far);
    weir_embedded_stall(near.channel, true);
    weir_channel *channel = weir_embedded_channel(near.channel);
    weir_promise *promise = weir_promise_new(weir_embedded_loop(near.channel));
    require(promise != NULL);
    weir_channel_write(channel, weir_websocket_message_new(WEIR_WEBSOCKET_TEXT, noise(900, 1)), NULL);
    weir_channel_write(channel, weir_websocket_message_new(WEIR_WEBSOCKET_TEXT, noise(900, 2)),
                       weir_promise_retain(promise));
    weir_embedded_run(near.channel);
    expect_status(weir_promise_status(promise), WEIR_E_BACKPRESSURE);
    weir_promise_release(promise);
    weir_embedded_stall(near.channel, false);
    weir_embedded_run(near.channel);
    expect_status(write_to(&near, weir_websocket_message_new(WEIR_WEBSOCKET_TEXT, noise(900, 2))), WEIR_OK);
    talk_exchange(near.channel, far.channel);
    const char *heard = talk_heard(far.log);
    const char *second = strchr(heard, '\n');
    expect(strncmp(heard, "text 900 ", 9) == 0);
    require(second != NULL);
    expect(strncmp(second, "\ntext 900 ", 10) == 0);
    expect(strncmp(heard, second + 1, 40) !=
           0); /* the bytes of the lost one, not those at its place before it */
    close_end(&near);
    close_end(&far);
}

WEIR_TEST(websocket_write, aborts_when_a_piece_of_a_message_cannot_be_sent) {
    end near = {
        .role = WEIR_WEBSOCKET_SERVER, .options.pieces = true, .relays = true, .channel_options = SMALL_CAP};
    open_end(&near);
    weir_embedded_stall(near.channel, true);
    weir_buf *big = noise(2000, 1);
    weir_embedded_feed(near.channel, talk_text(WEIR_WEBSOCKET_CLIENT, 0x01, "one"));
    expect(weir_embedded_is_open(near.channel));
    weir_embedded_feed(near.channel, talk_frame(WEIR_WEBSOCKET_CLIENT, 0x00, weir_buf_peek(big)));
    expect_status(weir_embedded_aborted(near.channel), WEIR_E_BACKPRESSURE);
    weir_buf_release(big);
    close_end(&near);
}

/* ---- who is told may remove the handler ---- */

static void leaver_error(weir_ctx *ctx, const weir_error *error) {
    weir_ctx *at = weir_pipeline_find_name(weir_ctx_pipeline(ctx), "websocket");
    expect_status(error->status, WEIR_E_NO_MEMORY);
    if (at != NULL) weir_pipeline_remove(at);
}

static const weir_handler leaver = {.name = "leaver", .error = leaver_error};

static bool leaves(uint64_t refused, bool is_whole) {
    end self = {.role = WEIR_WEBSOCKET_SERVER, .compressed = true};
    open_end(&self);
    weir_pipeline *pipeline = weir_channel_pipeline(weir_embedded_channel(self.channel));
    weir_ctx *at = weir_pipeline_find_name(pipeline, "websocket");
    expect_status(weir_pipeline_add_after(at, &leaver, NULL), WEIR_OK);
    weir_websocket_message *message = weir_websocket_message_new(WEIR_WEBSOCKET_TEXT, noise(LONG, 3));
    require(message != NULL);
    message->last = is_whole;
    weir_tracking_alloc_fail_nth(weir_test_alloc(), refused);
    weir_channel_write(weir_embedded_channel(self.channel), message, NULL);
    weir_tracking_alloc_fail_never(weir_test_alloc());
    bool is_removed = weir_pipeline_find_name(pipeline, "websocket") == NULL;
    weir_embedded_run(self.channel);
    close_end(&self);
    return is_removed;
}

WEIR_TEST(websocket_write, may_be_removed_by_who_is_told_of_a_lost_message) {
    unsigned left = 0;
    for (uint64_t i = 0; i < ALLOCATIONS_MOST; i++) left += leaves(i, i % 2 == 0) + leaves(i, i % 2 == 1);
    expect(left > 0 && left < 2 * ALLOCATIONS_MOST);
}

/* ---- the functions that send ---- */

static void keep_first_failure(void *arg, weir_status status) {
    weir_status *failure = arg;
    if (*failure == WEIR_OK) *failure = status;
}

static weir_promise *promise_of(end *self, weir_status *failure) {
    weir_promise *promise = weir_promise_new(weir_embedded_loop(self->channel));
    if (promise == NULL) {
        keep_first_failure(failure, WEIR_E_NO_MEMORY);
    } else {
        weir_promise_listen(promise, keep_first_failure, failure); /* the first listener needs no memory */
    }
    return promise;
}

static weir_ctx *sender_of(end *self) {
    return weir_pipeline_find(weir_channel_pipeline(weir_embedded_channel(self->channel)), &talk_listener);
}

/* One of each; how the first failed that did. */
static weir_status send_each(end *self) {
    weir_status failure = WEIR_OK;
    weir_buf *payload = weir_buf_new(0);
    if (payload != NULL) weir_buf_write_str(payload, "bin");
    weir_websocket_send_text(sender_of(self), weir_bytes_str("text"), promise_of(self, &failure));
    weir_websocket_send_binary(sender_of(self), payload, promise_of(self, &failure));
    weir_websocket_send_ping(sender_of(self), weir_bytes_str("?"), promise_of(self, &failure));
    weir_websocket_close(sender_of(self), WEIR_WEBSOCKET_CLOSE_NORMAL, "bye", promise_of(self, &failure));
    weir_embedded_run(self->channel);
    return failure;
}

WEIR_TEST(websocket_write, has_a_function_for_each_sort_of_message) {
    end self = {.role = WEIR_WEBSOCKET_SERVER};
    open_end(&self);
    expect_status(send_each(&self), WEIR_OK);
    weir_buf *sent = weir_embedded_take_all(self.channel);
    expect_bytes(weir_buf_peek(sent), "\x81\x04text\x82\x03"
                                      "bin\x89\x01?\x88\x05\x03\xe8"
                                      "bye");
    weir_buf_release(sent);
    close_end(&self);
}

WEIR_TEST(websocket_write, refuses_a_ping_that_is_too_long) {
    end self = {.role = WEIR_WEBSOCKET_SERVER};
    weir_status failure = WEIR_OK;
    open_end(&self);
    weir_buf *payload = noise(WEIR_WEBSOCKET_CONTROL_MOST + 1, 1);
    weir_websocket_send_ping(sender_of(&self), weir_buf_peek(payload), promise_of(&self, &failure));
    weir_embedded_run(self.channel);
    expect_status(failure, WEIR_E_INVALID);
    expect(weir_embedded_is_open(self.channel));
    expect(weir_embedded_take(self.channel) == NULL);
    weir_buf_release(payload);
    close_end(&self);
}

static bool send_with_little_memory(void *arg) {
    end self = {.role = WEIR_WEBSOCKET_SERVER};
    weir_status failure = WEIR_E_NO_MEMORY;
    (void)arg;
    self.log = weir_buf_new(0);
    self.channel = self.log != NULL ? weir_embedded_new(NULL, build, &self) : NULL;
    if (self.channel != NULL) failure = send_each(&self);
    weir_embedded_free(self.channel);
    weir_buf_release(self.log);
    return failure == WEIR_OK;
}

static void drop_line(void *arg, weir_log_level level, const char *subject, const char *line) {
    (void)arg, (void)level, (void)subject, (void)line;
}

WEIR_TEST(websocket_write, tells_the_sender_of_what_memory_was_lacking_for) {
    weir_log_set_sink(drop_line, NULL);
    expect(weir_oom_sweep(send_with_little_memory, NULL) > 8);
    weir_log_set_sink(NULL, NULL);
}
