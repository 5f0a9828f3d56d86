/* http_server_reading_test.c - a server that reads nothing for a while: by its handler, or by a peer that takes no answers. */
#include <weir/buffer.h>
#include <weir/codec/http_server.h>
#include <weir/testing.h>
#include <weir/transport/promise.h>

#include "codec/http_rig.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define POST(n) "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " n "\r\n\r\n"

static http_rig rig;

WEIR_TEST(http_server_reading, leaves_reading_off_that_was_switched_off_while_another_request_waited) {
    http_rig_begin(&rig, NULL, NULL);
    http_rig_send(&rig, GET("/a") POST("6") "ab");
    weir_channel_set_reading(rig.channel, false);
    http_rig_head(&rig, 200, "0");
    http_rig_finish(&rig);
    http_rig_send(&rig, "cd");
    expect(http_rig_saw(&rig, "GET /a\nend\nPOST /\nbody 2 \"ab\"\n"));
    weir_channel_set_reading(rig.channel, true);
    weir_embedded_run(rig.embedded);
    expect(http_rig_saw(&rig, "body 2 \"cd\"\n"));
    http_rig_end(&rig);
}

/* ---- times that stand still ---- */

#define HOUR (3600 * 1000)

static bool has_answered(const char *status) {
    return strstr(http_rig_wrote(&rig), status) != NULL;
}

WEIR_TEST(http_server_reading, counts_no_time_of_a_head_while_nothing_is_read) {
    http_rig_begin(&rig, NULL, NULL);
    http_rig_send(&rig, "GET /a HT");
    weir_embedded_advance(rig.embedded, 9000);
    weir_channel_set_reading(rig.channel, false);
    weir_embedded_advance(rig.embedded, HOUR);
    weir_channel_set_reading(rig.channel, true);
    weir_embedded_advance(rig.embedded, 999);
    expect(!has_answered("HTTP/1.1"));
    weir_embedded_advance(rig.embedded, 10000); /* when it looks next */
    expect(has_answered("HTTP/1.1 408"));
    http_rig_end(&rig);
}

WEIR_TEST(http_server_reading, counts_no_time_between_requests_while_it_is_held) {
    http_rig_begin(&rig, NULL, NULL);
    weir_channel_hold_reading(rig.channel);
    weir_embedded_advance(rig.embedded, HOUR);
    expect(weir_embedded_is_open(rig.embedded));
    weir_channel_let_read(rig.channel);
    weir_embedded_advance(rig.embedded, 59999);
    expect(weir_embedded_is_open(rig.embedded));
    weir_embedded_advance(rig.embedded, 60000);
    expect(!weir_embedded_is_open(rig.embedded));
    http_rig_end(&rig);
}

/* A tenth of a second in ten: a second in a hundred. */
WEIR_TEST(http_server_reading, misses_bytes_of_a_body_only_for_the_time_in_which_it_reads) {
    http_rig_begin(&rig, NULL, NULL);
    http_rig_send(&rig, POST("100000"));
    for (int i = 0; i < 90; i++) {
        weir_channel_set_reading(rig.channel, false);
        weir_embedded_advance(rig.embedded, 9900);
        weir_channel_set_reading(rig.channel, true);
        weir_embedded_advance(rig.embedded, 100);
    }
    expect(!has_answered("HTTP/1.1"));
    weir_embedded_advance(rig.embedded, 20000);
    expect(has_answered("HTTP/1.1 408"));
    http_rig_end(&rig);
}

WEIR_TEST(http_server_reading, misses_bytes_of_a_body_that_are_pulled_for) {
    http_rig_begin(&rig, NULL, NULL);
    http_rig_send(&rig, POST("100000"));
    weir_channel_set_reading(rig.channel, false);
    weir_channel_pull(rig.channel);
    weir_embedded_advance(rig.embedded, 20000);
    expect(has_answered("HTTP/1.1 408"));
    http_rig_end(&rig);
}

/* ---- a peer that takes its answers slowly, or not at all ---- */

enum {
    PIECES = 10,
    PIECE = 100000
};

static void stall_again(void *arg, weir_status status) {
    (void)arg, (void)status;
    weir_embedded_stall(rig.embedded, true);
}

/* So much of an answer that the peer, told so, takes a piece of it, and the next only when told again. */
static void answer_in_pieces(size_t piece, const char *length) {
    http_rig_head(&rig, 200, length);
    weir_embedded_stall(rig.embedded, true);
    for (int i = 0; i < PIECES; i++) {
        weir_promise *promise = weir_promise_new(weir_embedded_loop(rig.embedded));
        expect_status(weir_promise_listen(promise, stall_again, NULL), WEIR_OK);
        weir_buf *buf = weir_buf_new(piece);
        weir_buf_write_fill(buf, 'x', piece);
        weir_ctx_write(rig.ctx, buf, promise);
    }
}

static void take_a_piece(void) {
    weir_embedded_stall(rig.embedded, false);
    weir_embedded_run(rig.embedded);
}

static void answer_to_post(http_rig *self, weir_obj *msg) {
    if (weir_http_request_from(msg) != NULL) answer_in_pieces(PIECE, "1000000");
    if (weir_http_end_from(msg) != NULL) http_rig_finish(self);
}

/* Its body came in one read with its head, and waits undecoded until the answer is taken. */
static void post_to_slow_peer(void) {
    http_rig_begin(&rig, NULL, answer_to_post);
    http_rig_send(&rig, POST("10") "0123456789");
    expect(http_rig_saw(&rig, "POST /\n"));
}

WEIR_TEST(http_server_reading, counts_no_time_of_a_body_that_waits_for_its_answer_to_be_taken) {
    post_to_slow_peer();
    for (int i = 0; i < PIECES; i++) {
        weir_embedded_advance(rig.embedded, 50000);
        expect(http_rig_saw(&rig, ""));
        take_a_piece();
    }
    weir_embedded_run(rig.embedded);
    expect(http_rig_saw(&rig, "body 10 \"0123456789\"\nend\n"));
    expect(weir_embedded_is_open(rig.embedded));
    http_rig_end(&rig);
}

WEIR_TEST(http_server_reading, ends_a_peer_that_takes_nothing_while_its_body_waits) {
    post_to_slow_peer();
    take_a_piece();
    weir_embedded_advance(rig.embedded, 60000);
    expect(weir_embedded_is_open(rig.embedded));
    weir_embedded_advance(rig.embedded, 60000);
    expect_status(weir_embedded_aborted(rig.embedded), WEIR_E_TIMEOUT);
    expect(http_rig_saw(&rig, "error WEIR_E_TIMEOUT\ninactive\n"));
    http_rig_end(&rig);
}

/* Large: nothing is decoded meanwhile. Small: it is. */
static const struct {
    size_t piece;
    const char *length;
} answers[] = {{PIECE, "1000000"}, {100, "1000"}};

static void get_as_slow_peer(int i) {
    http_rig_begin(&rig, NULL, NULL);
    http_rig_send(&rig, GET("/a"));
    answer_in_pieces(answers[i].piece, answers[i].length);
    http_rig_finish(&rig);
}

WEIR_TEST(http_server_reading, does_not_take_for_idle_who_is_taking_its_answer) {
    for (int i = 0; i < 2; i++) {
        get_as_slow_peer(i);
        for (int j = 0; j < PIECES; j++) {
            weir_embedded_advance(rig.embedded, 50000);
            take_a_piece();
        }
        take_a_piece(); /* the end */
        weir_embedded_advance(rig.embedded, 59999);
        expect(weir_embedded_is_open(rig.embedded) && !weir_embedded_is_shut(rig.embedded));
        weir_embedded_advance(rig.embedded, 60001); /* then it idles */
        expect(!weir_embedded_is_open(rig.embedded));
        http_rig_end(&rig);
    }
}

WEIR_TEST(http_server_reading, closes_on_who_takes_nothing_of_its_answer) {
    for (int i = 0; i < 2; i++) {
        get_as_slow_peer(i);
        take_a_piece();
        weir_embedded_advance(rig.embedded, 59999);
        expect(weir_embedded_is_open(rig.embedded));
        weir_embedded_advance(rig.embedded, 60001 + 30000); /* and the close waits as any close does */
        expect(!weir_embedded_is_open(rig.embedded));
        expect_status(weir_embedded_aborted(rig.embedded), WEIR_E_TIMEOUT);
        http_rig_end(&rig);
    }
}

/* The next request lies in memory, where nobody looks at it before the answer in front of it was taken. */
WEIR_TEST(http_server_reading, ends_also_who_pipelines_and_takes_nothing) {
    http_rig_begin(&rig, NULL, NULL);
    http_rig_send(&rig, GET("/a") GET("/b"));
    answer_in_pieces(PIECE, "1000000");
    http_rig_finish(&rig);
    weir_embedded_advance(rig.embedded, 120000 + 5000 + 30000);
    expect(!weir_embedded_is_open(rig.embedded));
    expect(http_rig_saw(&rig, "GET /a\nend\ninactive\n"));
    http_rig_end(&rig);
}

/* The rest of its body is not wanted, so our side ends behind the answer; and what still comes has to be read until the peer
 * has seen that, or a reset would take the answer from it. */
WEIR_TEST(http_server_reading, lingers_as_long_as_its_last_answer_is_taken) {
    for (int i = 0; i < 2; i++) {
        http_rig_begin(&rig, NULL, NULL);
        http_rig_send(&rig, POST("100000"));
        answer_in_pieces(answers[i].piece, answers[i].length);
        http_rig_finish(&rig);
        for (int j = 0; j < PIECES; j++) {
            weir_embedded_advance(rig.embedded, 4000);
            take_a_piece();
        }
        take_a_piece(); /* the end */
        weir_embedded_advance(rig.embedded, 4999);
        expect(weir_embedded_is_open(rig.embedded) && weir_embedded_is_shut(rig.embedded));
        weir_embedded_advance(rig.embedded, 5001);
        expect(!weir_embedded_is_open(rig.embedded));
        expect_status(weir_embedded_aborted(rig.embedded), WEIR_OK);
        http_rig_end(&rig);
    }
}
