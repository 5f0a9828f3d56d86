/* hostile_turns_test.c - how much work one hostile peer makes a loop do before others have their turn: counted in requests
 * and in bytes that come out, never in time. See docs/limits.md.
 */
#include <string.h>

#include <weir/buffer.h>
#include <weir/codec/compressor.h>
#include <weir/codec/decompressor_handler.h>
#include <weir/codec/http_decompressor.h>
#include <weir/codec/http_server.h>
#include <weir/codec/websocket.h>
#include <weir/codec/websocket_deflate.h>
#include <weir/testing.h>
#include <weir/transport.h>

enum {
    KIB = 1024,
    READ = 64 * KIB,
    SHARE = 64 * KIB, /* bytes out that a turn allows */
    STEP = 16 * KIB,  /* and what more one step may bring */
    REQUESTS = 32,    /* a turn: half of the messages, as each has a head and an end */
    QUIET = 50,
    MUCH = 10 * KIB * KIB
};

#define ASK "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

static struct scene {
    weir_embedded *server;
    uint64_t turn, of_turn, most, all, turns; /* what was handled: of one turn, and ever */
    unsigned closed;                          /* code of the WebSocket's end */
} scene;

static void note(weir_ctx *ctx, uint64_t n) {
    weir_loop_stats stats;
    weir_loop_get_stats(weir_ctx_loop(ctx), &stats);
    if (n == 0) return;
    if (scene.turns == 0 || stats.turns != scene.turn) {
        scene.turns++;
        scene.of_turn = 0;
    }
    scene.turn = stats.turns;
    scene.of_turn += n;
    scene.all += n;
    if (scene.of_turn > scene.most) scene.most = scene.of_turn;
}

static void answer_heads(weir_ctx *ctx, weir_obj *msg) {
    if (weir_http_request_from(msg) != NULL) {
        note(ctx, 1);
        weir_http_server_respond_text(ctx, 200, "hello\n");
    }
    weir_obj_release(msg);
}

static void count_bytes(weir_ctx *ctx, weir_obj *msg) {
    const weir_websocket_message *message = weir_websocket_message_from(msg);
    const weir_buf *buf = message != NULL ? message->payload : weir_buf_from(msg);
    if (buf != NULL) note(ctx, weir_buf_readable(buf));
    weir_obj_release(msg);
}

static void note_end(weir_ctx *ctx, weir_obj *event) {
    const weir_websocket_closed *closed = weir_websocket_closed_from(event);
    if (closed != NULL) scene.closed = closed->code;
    weir_ctx_fire_event(ctx, event);
}

static const weir_handler answerer = {.name = "answerer", .read = answer_heads};
static const weir_handler counter = {.name = "counter", .read = count_bytes, .event = note_end};

static void begin(weir_build_fn *build, void *arg) {
    memset(&scene, 0, sizeof scene);
    require((scene.server = weir_embedded_new(NULL, build, arg)) != NULL);
}

static void feed(const void *bytes, size_t n) {
    expect_status(weir_embedded_feed_bytes(scene.server, bytes, n), WEIR_OK);
}

/* ---- pipelining ---- */

static weir_status build_answerer(weir_pipeline *pipeline, void *arg) {
    (void)arg;
    weir_status status = weir_http_server_add(pipeline, NULL);
    return status != WEIR_OK ? status : weir_pipeline_add_last(pipeline, &answerer, NULL);
}

static size_t fill_with_requests(char *bytes) {
    size_t n = 0;
    for (; n + sizeof ASK - 1 <= READ; n += sizeof ASK - 1) memcpy(bytes + n, ASK, sizeof ASK - 1);
    return n;
}

WEIR_TEST(hostile_turns, of_a_read_full_of_requests_so_many_are_answered_in_one) {
    static char bytes[READ];
    size_t n = fill_with_requests(bytes);
    begin(build_answerer, NULL);
    feed(bytes, n);
    expect_eq(scene.all, n / (sizeof ASK - 1));
    expect_eq(scene.most, REQUESTS);
    weir_embedded_free(scene.server);
}

/* ---- many connections on one loop: one that floods, and quiet ones that ask once ---- */

static struct crowd {
    weir_loop *loop;
    weir_channel *flooder;
    unsigned flooded, flooded_before_last, answered;
} crowd;

static void answer_crowd(weir_ctx *ctx, weir_obj *msg) {
    if (weir_http_request_from(msg) != NULL) {
        if (weir_ctx_channel(ctx) == crowd.flooder) {
            crowd.flooded++;
        } else if (++crowd.answered == QUIET) {
            crowd.flooded_before_last = crowd.flooded;
        }
        weir_http_server_respond_text(ctx, 200, "hello\n");
    }
    weir_obj_release(msg);
}

static const weir_handler crowd_answerer = {.name = "answerer", .read = answer_crowd};
static const weir_handler dropper = {.name = "dropper", .read = count_bytes};

static weir_status build_crowd(weir_pipeline *pipeline, void *arg) {
    (void)arg;
    weir_status status = weir_http_server_add(pipeline, NULL);
    return status != WEIR_OK ? status : weir_pipeline_add_last(pipeline, &crowd_answerer, NULL);
}

static weir_status build_dropper(weir_pipeline *pipeline, void *arg) {
    (void)arg;
    return weir_pipeline_add_last(pipeline, &dropper, NULL);
}

/* Gives: the server's end. */
static weir_channel *connect_and_send(const void *bytes, size_t n) {
    weir_local_end client = {.loop = crowd.loop, .build = build_dropper};
    weir_local_end server = {.loop = crowd.loop, .build = build_crowd};
    weir_channel *at_client, *at_server;
    require(weir_local_pair(&client, &server, &at_client, &at_server) == WEIR_OK);
    weir_buf *buf = weir_buf_new(n);
    weir_buf_write_bytes(buf, bytes, n);
    weir_channel_write(at_client, buf, NULL);
    weir_channel_release(at_client);
    return at_server;
}

WEIR_TEST(hostile_turns, let_every_quiet_client_ask_before_a_flooder_had_two_shares) {
    static char bytes[READ];
    size_t n = fill_with_requests(bytes);
    crowd = (struct crowd){.loop = weir_loop_new(NULL)};
    require(crowd.loop != NULL);
    crowd.flooder = connect_and_send(bytes, n);
    for (int i = 0; i < QUIET; i++) weir_channel_release(connect_and_send(ASK, sizeof ASK - 1));
    for (int i = 0; i < 10000 && crowd.flooded < n / (sizeof ASK - 1); i++) weir_loop_turn(crowd.loop);
    expect_eq(crowd.answered, QUIET);
    expect_eq(crowd.flooded, n / (sizeof ASK - 1));
    expect(crowd.flooded_before_last <= 2 * REQUESTS);
    weir_channel_release(crowd.flooder);
    weir_loop_free(crowd.loop);
}

/* ---- what comes out of little: ten MiB in ten KiB ---- */

static weir_buf *much(void) {
    weir_buf *zeros = weir_buf_new(MUCH);
    weir_buf_write_fill(zeros, 0, MUCH);
    return zeros;
}

static weir_buf *gzip_of_much(void) {
    weir_compressor *compressor;
    weir_buf *zeros = much(), *all = weir_buf_new(0), *out;
    require(weir_compressor_new(&compressor, WEIR_COMPRESSION_GZIP, NULL) == WEIR_OK);
    do {
        expect_status(weir_compressor_step(compressor, zeros, WEIR_COMPRESS_FINISH, &out), WEIR_OK);
        if (out != NULL) weir_buf_write_buf(all, out, weir_buf_readable(out));
        weir_buf_release(out);
    } while (out != NULL);
    weir_compressor_free(compressor);
    weir_buf_release(zeros);
    expect(weir_buf_readable(all) < READ);
    return all;
}

static weir_status build_websocket(weir_pipeline *pipeline, void *options) {
    weir_websocket_agreement agreed = {
        .deflate = {.on = true, .own_window_bits = 15, .peer_window_bits = 15}};
    weir_status status = weir_websocket_add(pipeline, WEIR_WEBSOCKET_SERVER, options, &agreed, NULL);
    return status != WEIR_OK ? status : weir_pipeline_add_last(pipeline, &counter, NULL);
}

/* In one frame, with a mask of zeros. */
static void feed_message(void) {
    weir_websocket_deflate_params params = {.on = true, .own_window_bits = 15, .peer_window_bits = 15};
    weir_websocket_deflater *deflater =
        weir_websocket_deflater_new(&params, &(weir_websocket_deflate_options){.on = true}, NULL);
    weir_buf *zeros = much(), *small = weir_websocket_deflate(deflater, zeros, true),
             *frame = weir_buf_new(READ);
    size_t n = weir_buf_readable(small);
    uint8_t header[] = {0xc2, 0xfe, (uint8_t)(n >> 8), (uint8_t)n, 0, 0, 0, 0};
    weir_buf_write_bytes(frame, header, sizeof header);
    weir_buf_write_buf(frame, small, n);
    weir_websocket_deflater_free(deflater);
    weir_buf_release(zeros);
    weir_buf_release(small);
    expect_status(weir_embedded_feed(scene.server, frame), WEIR_OK);
}

WEIR_TEST(hostile_turns, of_a_compressed_message_so_much_is_inflated_in_one) {
    begin(build_websocket, &(weir_websocket_options){.pieces = true, .limits.message = 20 << 20});
    feed_message();
    expect_eq(scene.all, MUCH);
    expect(scene.most <= SHARE + STEP);
    weir_embedded_free(scene.server);
}

WEIR_TEST(hostile_turns, are_taken_also_by_a_message_that_is_gathered) {
    begin(build_websocket, NULL);
    weir_loop_stats before, after;
    weir_loop_get_stats(weir_embedded_loop(scene.server), &before);
    feed_message();
    weir_loop_get_stats(weir_embedded_loop(scene.server), &after);
    expect_eq(scene.closed, 1009);
    expect(after.turns - before.turns >= KIB * KIB / (SHARE + STEP));
    weir_embedded_free(scene.server);
}

static weir_status build_uploads(weir_pipeline *pipeline, void *options) {
    weir_status status = weir_http_server_add(pipeline, NULL);
    if (status == WEIR_OK) status = weir_http_decompressor_add(pipeline, options);
    return status != WEIR_OK ? status : weir_pipeline_add_last(pipeline, &counter, NULL);
}

WEIR_TEST(hostile_turns, of_a_compressed_body_so_much_is_inflated_in_one) {
    begin(build_uploads, &(weir_http_decompressor_options){.ratio_max = 2000});
    weir_buf *body = gzip_of_much(), *head = weir_buf_new(200);
    weir_buf_printf(head,
                    "POST / HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n",
                    weir_buf_readable(body));
    expect_status(weir_embedded_feed(scene.server, head), WEIR_OK);
    expect_status(weir_embedded_feed(scene.server, body), WEIR_OK);
    expect_eq(scene.all, MUCH);
    expect(scene.most <= SHARE);
    weir_embedded_free(scene.server);
}

static weir_status build_unpacker(weir_pipeline *pipeline, void *arg) {
    (void)arg;
    weir_status status = weir_decompressor_handler_add(pipeline, WEIR_COMPRESSION_GZIP,
                                                       &(weir_decompressor_options){.ratio_max = 2000});
    return status != WEIR_OK ? status : weir_pipeline_add_last(pipeline, &counter, NULL);
}

WEIR_TEST(hostile_turns, of_a_compressed_stream_so_much_is_inflated_in_one) {
    begin(build_unpacker, NULL);
    expect_status(weir_embedded_feed(scene.server, gzip_of_much()), WEIR_OK);
    expect_eq(scene.all, MUCH);
    expect(scene.most <= SHARE);
    weir_embedded_free(scene.server);
}

/* ---- what brings nothing: a read full of empty blocks ---- */

#define UPLOAD "POST / HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 100000\r\n\r\n"

enum {
    BARREN = 16 * KIB, /* bytes in that a turn allows */
    BLOCK = 5          /* bytes of a stored block of no bytes */
};

static weir_buf *barren_gzip(void) {
    static const uint8_t header[10] = {0x1f, 0x8b, 8}, block[BLOCK] = {0, 0, 0, 0xff, 0xff};
    weir_buf *all = weir_buf_new(READ);
    weir_buf_write_bytes(all, header, sizeof header);
    while (weir_buf_readable(all) + BLOCK <= READ) weir_buf_write_bytes(all, block, BLOCK);
    return all;
}

static uint64_t turns(void) {
    weir_loop_stats stats;
    weir_loop_get_stats(weir_embedded_loop(scene.server), &stats);
    return stats.turns;
}

WEIR_TEST(hostile_turns, of_empty_blocks_so_many_are_read_in_one) {
    begin(build_unpacker, NULL);
    uint64_t before = turns();
    expect_status(weir_embedded_feed(scene.server, barren_gzip()), WEIR_OK);
    expect(turns() - before >= READ / BARREN);
    expect(weir_embedded_is_open(scene.server));
    weir_embedded_free(scene.server);
    begin(build_uploads, NULL);
    expect_status(weir_embedded_feed_bytes(scene.server, UPLOAD, sizeof UPLOAD - 1), WEIR_OK);
    before = turns();
    expect_status(weir_embedded_feed(scene.server, barren_gzip()), WEIR_OK);
    expect(turns() - before >= READ / BARREN);
    expect(weir_embedded_is_open(scene.server));
    weir_embedded_free(scene.server);
}
