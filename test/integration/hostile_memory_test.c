/* hostile_memory_test.c - what one hostile peer makes a server hold, with the defaults: counted in bytes, attack by attack.
 *
 * The wire is by hand, so nothing depends on sockets or time. What is held is the heap and the loop's pool together; what the
 * attack itself brings in one read is part of it. See docs/limits.md.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <weir/buffer.h>
#include <weir/codec/http_decompressor.h>
#include <weir/codec/http_server.h>
#include <weir/codec/websocket.h>
#include <weir/core/leak.h>
#include <weir/testing.h>
#include <weir/transport.h>

enum {
    KIB = 1024,
    SMALL = 8,
    READ = 64 * KIB,    /* the largest there is */
    ATTACK = 4096 * KIB /* what a server that keeps everything would hold */
};

static struct scene {
    weir_embedded *server;
    size_t idle, peak; /* bytes held: before the attack, and most of it */
    size_t fed;
    unsigned answered; /* status of the last answer */
    unsigned closed;   /* code of the WebSocket's end */
    bool stalled;
} scene;

/* ---- a server of its own ---- */

static void answer_heads(weir_ctx *ctx, weir_obj *msg) {
    if (weir_http_request_from(msg) != NULL) weir_http_server_respond_text(ctx, 200, "hello\n");
    weir_obj_release(msg);
}

static void drop(weir_ctx *ctx, weir_obj *msg) {
    (void)ctx;
    weir_obj_release(msg);
}

static void note_end(weir_ctx *ctx, weir_obj *event) {
    const weir_websocket_closed *closed = weir_websocket_closed_from(event);
    if (closed != NULL) scene.closed = closed->code;
    weir_ctx_fire_event(ctx, event);
}

static const weir_handler answerer = {.name = "answerer", .read = answer_heads};
static const weir_handler dropper = {.name = "dropper", .read = drop, .event = note_end};

static weir_status build_answerer(weir_pipeline *pipeline, void *options) {
    weir_status status = weir_http_server_add(pipeline, options);
    return status != WEIR_OK ? status : weir_pipeline_add_last(pipeline, &answerer, NULL);
}

static weir_status build_dropper(weir_pipeline *pipeline, void *options) {
    weir_status status = weir_http_server_add(pipeline, options);
    return status != WEIR_OK ? status : weir_pipeline_add_last(pipeline, &dropper, NULL);
}

static weir_status build_websocket(weir_pipeline *pipeline, void *options) {
    weir_status status = weir_websocket_add(pipeline, WEIR_WEBSOCKET_SERVER, options, NULL, NULL);
    return status != WEIR_OK ? status : weir_pipeline_add_last(pipeline, &dropper, NULL);
}

static void stall(void) {
    weir_embedded_stall(scene.server, true);
    scene.stalled = true;
}

static size_t held(void) {
    weir_pool_stats stats;
    weir_pool_get_stats(weir_loop_pool(weir_embedded_loop(scene.server)), &stats);
    return weir_test_alloc()->live_bytes + stats.active;
}

static void begin(weir_build_fn *build, void *options) {
    memset(&scene, 0, sizeof scene);
    weir_leak_track(false); /* its records are not the server's */
    require((scene.server = weir_embedded_new(NULL, build, options)) != NULL);
    scene.idle = scene.peak = held();
}

static void end(void) {
    weir_embedded_free(scene.server);
}

/* ---- the attack ---- */

static void look(void) {
    size_t now = held();
    if (now > scene.peak) scene.peak = now;
    if (scene.stalled) return;
    weir_buf *out = weir_embedded_take_all(scene.server);
    require(out != NULL);
    const char *bytes = (const char *)weir_buf_peek(out).ptr;
    if (weir_buf_readable(out) > 12 && memcmp(bytes, "HTTP/1.1 ", 9) == 0)
        scene.answered = (unsigned)strtoul(bytes + 9, NULL, 10);
    weir_buf_release(out);
}

static bool reads(void) {
    return weir_channel_can_read(weir_embedded_channel(scene.server));
}

/* As from a socket: nothing comes to a server that does not read. Answers false then. */
static bool feed(const void *bytes, size_t n) {
    if (!weir_embedded_is_open(scene.server) || !reads()) return false;
    require(weir_embedded_feed_bytes(scene.server, bytes, n) == WEIR_OK);
    scene.fed += n;
    if (n > SMALL || scene.fed / n % SMALL == 0) look(); /* which takes longer than a byte */
    return true;
}

#define FEED(literal) feed("" literal, sizeof(literal) - 1)

/* The same again and again, in pieces of `step` bytes, until it is refused or `most` were fed. */
static void flood(const char *unit, size_t unit_length, size_t step, size_t most) {
    static char bytes[READ];
    size_t length = step < unit_length ? unit_length : step - step % unit_length;
    for (size_t i = 0; i < length; i++) bytes[i] = unit[i % unit_length];
    while (scene.fed < most && scene.answered == 0 && scene.closed == 0) {
        for (size_t at = 0; at < length; at += step) {
            if (!feed(bytes + at, length - at < step ? length - at : step)) return;
        }
    }
}

/* ---- HTTP ---- */

static void expect_fields_bounded(const char *unit, size_t step) {
    begin(build_answerer, NULL);
    FEED("GET / HTTP/1.1\r\nHost: x\r\nA: ");
    flood(unit, strlen(unit), step, ATTACK);
    expect_eq(scene.answered, 431);
    expect(scene.fed <= 33 * KIB + step);
    expect(scene.peak - scene.idle <= 96 * KIB);
    end();
}

WEIR_TEST(hostile_memory, of_a_field_without_end_its_limit_is_kept) {
    expect_fields_bounded("a", 1);
    expect_fields_bounded("a", 1000);
    expect_fields_bounded("a", READ);
}

WEIR_TEST(hostile_memory, of_fields_without_end_so_many_are_kept) {
    expect_fields_bounded("b\r\nA: ", 1);
    expect_fields_bounded("b\r\nA: ", READ);
}

WEIR_TEST(hostile_memory, of_a_start_line_without_end_its_limit_is_kept) {
    begin(build_answerer, NULL);
    FEED("GET /");
    flood("a", 1, 1, ATTACK);
    expect_eq(scene.answered, 414);
    expect(scene.fed <= 9 * KIB);
    expect(scene.peak - scene.idle <= 32 * KIB);
    end();
}

WEIR_TEST(hostile_memory, of_a_body_without_end_nothing_is_kept) {
    begin(build_dropper, NULL);
    FEED("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000000000000000\r\n\r\n");
    flood("a", 1, READ, ATTACK);
    expect(scene.fed >= ATTACK);
    expect(scene.peak - scene.idle <= 32 * KIB);
    end();
}

WEIR_TEST(hostile_memory, a_body_behind_its_answer_is_read_only_so_far) {
    begin(build_answerer, NULL);
    FEED("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000000000000000\r\n\r\n");
    expect_eq(scene.answered, 200);
    expect(weir_embedded_is_shut(scene.server)); /* it is longer than drain_max */
    end();
}

WEIR_TEST(hostile_memory, of_chunks_whose_lines_outweigh_them_little_is_kept) {
    begin(build_dropper, NULL);
    FEED("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    flood("1;a=b\r\nx\r\n", 10, READ, ATTACK);
    expect_eq(scene.answered, 400); /* extensions of one body: 16 KiB */
    expect(scene.fed <= 2 * READ);
    end();
}

/* Reads no body until it is told to. */
static void pause_at_head(weir_ctx *ctx, weir_obj *msg) {
    if (weir_http_request_from(msg) != NULL) weir_channel_set_reading(weir_ctx_channel(ctx), false);
    weir_obj_release(msg);
}

static const weir_handler pauser = {.name = "pauser", .read = pause_at_head};

static weir_status build_pauser(weir_pipeline *pipeline, void *options) {
    weir_status status = weir_http_server_add(pipeline, options);
    if (status == WEIR_OK) status = weir_http_decompressor_add(pipeline, NULL);
    return status != WEIR_OK ? status : weir_pipeline_add_last(pipeline, &pauser, NULL);
}

/* What one read brings, in chunks of a byte each that wait for their reader. */
WEIR_TEST(hostile_memory, of_chunks_of_a_byte_that_wait_the_bytes_are_kept) {
    static char bytes[READ];
    static const char head[] =
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n";
    size_t n = sizeof head - 1;
    memcpy(bytes, head, n);
    for (; n + 6 <= READ; n += 6) memcpy(bytes + n, "1\r\na\r\n", 6);
    begin(build_pauser, NULL);
    feed(bytes, n);
    expect(!reads());
    expect(scene.peak - scene.idle <= 2 * READ);
    end();
}

static void expect_asking_bounded(size_t step) {
    begin(build_answerer, NULL);
    stall();
    flood("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27, step, ATTACK);
    expect(scene.fed <= READ);
    expect(!reads());
    expect(scene.peak - scene.idle <= 256 * KIB);
    end();
}

WEIR_TEST(hostile_memory, who_asks_and_takes_no_answer_is_read_no_more) {
    expect_asking_bounded(2 * KIB);
    expect_asking_bounded(READ);
}

/* ---- WebSocket ---- */

WEIR_TEST(hostile_memory, of_fragments_without_end_so_many_are_kept) {
    begin(build_websocket, NULL);
    FEED("\x02\x81kkkkz");
    flood("\x00\x81kkkkz", 7, 7, ATTACK);
    expect_eq(scene.closed, 1008);
    expect(scene.fed <= 1035 * 7);
    expect(scene.peak - scene.idle <= 64 * KIB);
    end();
}

WEIR_TEST(hostile_memory, of_a_message_without_end_its_limit_is_kept) {
    static char frame[8 + 16 * KIB] = "\x00\xfe\x40\x00kkkk";
    begin(build_websocket, NULL);
    FEED("\x02\x80kkkk");
    flood(frame, sizeof frame, sizeof frame, ATTACK);
    expect_eq(scene.closed, 1009);
    expect(scene.fed <= 1100 * KIB);
    expect(scene.peak - scene.idle <= 1536 * KIB);
    end();
}

WEIR_TEST(hostile_memory, a_huge_frame_is_refused_by_its_header) {
    begin(build_websocket, NULL);
    FEED("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xffkkkk");
    expect_eq(scene.closed, 1009);
    expect(scene.peak - scene.idle <= 16 * KIB);
    end();
}

WEIR_TEST(hostile_memory, pings_whose_answers_nobody_takes_end_the_reading) {
    begin(build_websocket, &(weir_websocket_options){.no_ping = true});
    stall();
    for (int second = 0; second < 1000; second++) {
        for (int i = 0; i < 60 && FEED("\x89\x80kkkk"); i++) continue;
        weir_embedded_advance(scene.server, 1000);
    }
    expect(scene.fed < 16 * KIB);
    expect(!reads());
    expect(scene.peak - scene.idle <= 512 * KIB);
    end();
}

/* ---- CPU: what a byte costs does not grow with how many came before ---- */

static uint64_t thread_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The least of some attempts: what others do to the machine is not in it. */
static uint64_t cost_of_drip(size_t bytes) {
    weir_http_server_options options = {.limits.fields = 1 << 20, .head_timeout_ms = WEIR_LOOP_NEVER};
    uint64_t least = UINT64_MAX;
    for (int attempt = 0; attempt < 5; attempt++) {
        begin(build_answerer, &options);
        FEED("GET / HTTP/1.1\r\nHost: x\r\nA: ");
        uint64_t start = thread_ns();
        for (size_t i = 0; i < bytes; i++) weir_embedded_feed_bytes(scene.server, "a", 1);
        uint64_t cost = thread_ns() - start;
        if (cost < least) least = cost;
        expect(weir_embedded_is_open(scene.server));
        end();
    }
    return least;
}

/* Eight times the bytes: eight times the work, or 64 times if each byte were looked at again for each that comes. */
WEIR_TEST(hostile_memory, a_dripped_byte_costs_the_same_however_many_came_before) {
    uint64_t few = cost_of_drip(4 * KIB), many = cost_of_drip(32 * KIB);
    expect(many < 24 * few);
}
