/* http_compressor_test.c - which coding, for which responses, and what becomes of their heads and bodies. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/codec/http_compressor.h>
#include <weir/codec/http_server.h>
#include <weir/core/log.h>
#include <weir/transport.h>

#include "codec/compress_rig.h"

typedef struct rig {
    weir_http_compressor_options options;
    weir_embedded *e;
    weir_ctx *ctx;
    unsigned status; /* of the answer; 200 */
    const char *type, *fields[3][2];
    weir_obj *body; /* Takes: with the first answer; */
    bool repeats;   /* with each, and the test releases it */
    bool by_hand;   /* no answer */
    blob wire;
    int done;
    weir_status last;
} rig;

static rig at;

static void add_field(weir_http_response *response, const char *name, const char *value) {
    expect_status(
        weir_http_fields_add_other(&response->head.fields, weir_bytes_str(name), weir_bytes_str(value)),
        WEIR_OK);
}

static weir_http_response *response_new(void) {
    weir_http_response *response = weir_http_response_new(at.status != 0 ? at.status : 200);
    if (response == NULL) return NULL;
    if (at.type != NULL) add_field(response, "Content-Type", at.type);
    for (size_t i = 0; i < 3 && at.fields[i][0] != NULL; i++)
        add_field(response, at.fields[i][0], at.fields[i][1]);
    return response;
}

static void on_read(weir_ctx *ctx, weir_obj *msg) {
    bool is_end = weir_http_end_from(msg) != NULL;
    weir_obj_release(msg);
    if (!is_end || at.by_hand) return;
    weir_obj *body = at.repeats ? weir_obj_retain(at.body) : at.body;
    if (!at.repeats) at.body = NULL;
    weir_http_server_respond(ctx, response_new(), body, NULL);
}

static void on_added(weir_ctx *ctx) {
    at.ctx = ctx;
}

static void on_removed(weir_ctx *ctx) {
    (void)ctx;
    at.ctx = NULL;
}

static void on_error(weir_ctx *ctx, const weir_error *error) {
    (void)ctx;
    at.last = error->status;
}

static const weir_handler bottom = {
    .name = "test", .added = on_added, .removed = on_removed, .read = on_read, .error = on_error};

static weir_status build(weir_pipeline *pipeline, void *arg) {
    (void)arg;
    weir_status status = weir_http_server_add(pipeline, &(weir_http_server_options){.no_date = true});
    if (status == WEIR_OK) status = weir_http_compressor_add(pipeline, &at.options);
    return status != WEIR_OK ? status : weir_pipeline_add_last(pipeline, &bottom, NULL);
}

static void begin(rig with) {
    at = with;
    at.wire = blob_new(0);
    at.e = weir_embedded_new(NULL, build, NULL);
    require(at.e != NULL);
}

static void end(void) {
    weir_embedded_free(at.e);
    blob_free(&at.wire);
}

static void take(void) {
    weir_buf *all = weir_embedded_take_all(at.e);
    require(all != NULL);
    blob_add(&at.wire, all);
    at.wire.ptr[at.wire.len] = 0;
}

static void ask(const char *method, const char *fields) {
    char text[2000];
    int n = snprintf(text, sizeof text, "%s / HTTP/1.1\r\nHost: a\r\n%s\r\n", method, fields);
    at.wire.len = 0;
    expect_status(weir_embedded_feed_bytes(at.e, text, (size_t)n), WEIR_OK);
    for (int i = 0; i < 100; i++) weir_embedded_run(at.e);
    take();
}

/* ---- what came ---- */

static const char *body_at(void) {
    const char *end_of_head = strstr((char *)at.wire.ptr, "\r\n\r\n");
    require(end_of_head != NULL);
    return end_of_head + 4;
}

/* Whether the head has this field with this value; a value of NULL: does not have it. */
static bool has(const char *name, const char *value) {
    char line[200];
    snprintf(line, sizeof line, "\r\n%s: %s%s", name, value != NULL ? value : "",
             value != NULL ? "\r\n" : "");
    const char *found = strstr((char *)at.wire.ptr, line);
    bool is_there = found != NULL && found < body_at();
    if (is_there != (value != NULL)) fprintf(stderr, "%s: %s? in\n%s\n", name, value, (char *)at.wire.ptr);
    return is_there == (value != NULL);
}

static blob unchunk(bool *is_whole) {
    blob all = blob_new(0);
    const char *chunk = body_at();
    *is_whole = false;
    while (!*is_whole && *chunk != 0) {
        char *bytes;
        unsigned long n = strtoul(chunk, &bytes, 16);
        *is_whole = n == 0;
        weir_buf *part = weir_buf_new(n);
        require(part != NULL);
        weir_buf_write_bytes(part, bytes + 2, n);
        blob_add(&all, part);
        chunk = bytes + 2 + n + 2;
    }
    return all;
}

static bool shows(weir_compression format, const blob *plain, size_t n, bool is_ended) {
    bool is_whole;
    weir_status status;
    blob packed = unchunk(&is_whole);
    blob back = weir_unpack(format, NULL, &packed, CUT_WHOLE, &status);
    bool same = back.len == n && memcmp(back.ptr, plain->ptr, n) == 0 && is_whole == is_ended &&
                status == (is_ended ? WEIR_OK : (weir_status)WEIR_E_TRUNCATED);
    blob_free(&back);
    blob_free(&packed);
    return same;
}

static weir_obj *body_of(const blob *plain) {
    weir_buf *buf = weir_buf_wrap_const(plain->ptr, plain->len);
    require(buf != NULL);
    return &buf->obj;
}

/* ---- negotiation ---- */

WEIR_TEST(http_compressor, chooses_what_the_client_wants_most) {
    static const struct {
        const char *accept, *coding; /* NULL: none */
    } cases[] = {
        {"", NULL},
        {"Accept-Encoding: gzip\r\n", "gzip"},
        {"Accept-Encoding: x-gzip\r\n", "gzip"},
        {"Accept-Encoding: GZIP\r\n", "gzip"},
        {"Accept-Encoding: deflate\r\n", "deflate"},
        {"Accept-Encoding: gzip, deflate, br, zstd\r\n", "zstd"},
        {"Accept-Encoding: gzip, deflate, br\r\n", "br"},
        {"Accept-Encoding: gzip;q=1.0, br;q=0.5\r\n", "gzip"},
        {"Accept-Encoding: gzip;q=0.5, br;q=0.501\r\n", "br"},
        {"Accept-Encoding: gzip;q=0\r\n", NULL},
        {"Accept-Encoding: gzip;q=0, *\r\n", "zstd"},
        {"Accept-Encoding: *\r\n", "zstd"},
        {"Accept-Encoding: *;q=0\r\n", NULL},
        {"Accept-Encoding: *;q=0, gzip;q=0.1\r\n", "gzip"},
        {"Accept-Encoding: identity\r\n", NULL},
        {"Accept-Encoding: identity, gzip;q=0.5\r\n", NULL},
        {"Accept-Encoding: identity;q=0.5, gzip;q=1.0\r\n", "gzip"},
        {"Accept-Encoding: identity;q=0\r\n", NULL},
        {"Accept-Encoding: compress, gzip\r\n", "gzip"},
        {"Accept-Encoding: compress\r\n", NULL},
        {"Accept-Encoding:\r\n", NULL},
        {"Accept-Encoding: gzip;q=2\r\n", NULL},
        {"Accept-Encoding: compress\r\nAccept-Encoding: br\r\n", "br"},
        {"Accept-Encoding: gzip\r\nAccept-Encoding: gzip;q=0.1, br;q=0.9\r\n", "gzip"},
    };
    blob plain = blob_make(BLOB_WORDS, 5000, 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        begin((rig){.type = "text/plain", .body = body_of(&plain)});
        ask("GET", cases[i].accept);
        expect(has("Content-Encoding", cases[i].coding) && has("Vary", "Accept-Encoding"));
        expect(has("Content-Length", cases[i].coding == NULL ? "5000" : NULL));
        expect(cases[i].coding != NULL || memcmp(body_at(), plain.ptr, plain.len) == 0);
        end();
    }
    blob_free(&plain);
}

WEIR_TEST(http_compressor, takes_its_own_preference_from_the_options) {
    blob plain = blob_make(BLOB_WORDS, 5000, 1);
    begin((rig){.type = "text/plain", .body = body_of(&plain), .options = {.codings = "deflate, gzip"}});
    ask("GET", "Accept-Encoding: zstd, gzip, deflate\r\n");
    expect(has("Content-Encoding", "deflate") && shows(WEIR_COMPRESSION_ZLIB, &plain, plain.len, true));
    end();
    static const weir_http_compressor_options bad[] = {{.codings = "lzma"},
                                                       {.codings = "gzip, gzip"},
                                                       {.gzip_level = 10},
                                                       {.codings = "br", .brotli_level = 12}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        weir_embedded *e = weir_embedded_new(NULL, NULL, NULL);
        require(e != NULL);
        expect_status(weir_http_compressor_add(weir_embedded_pipeline(e), &bad[i]), WEIR_E_INVALID);
        weir_embedded_free(e);
    }
    blob_free(&plain);
}

static bool all_but_images(void *arg, weir_bytes type) {
    (void)arg;
    return type.ptr == NULL || !weir_bytes_starts_with(type, weir_bytes_str("image/"));
}

WEIR_TEST(http_compressor, leaves_alone_what_does_not_gain_or_may_not_change) {
    static const struct {
        rig with;
        const char *method, *fields;
        size_t n;
        bool has_vary;
    } cases[] = {
        {{.type = "image/png"}, "GET", "", 5000, false},
        {{.type = NULL}, "GET", "", 5000, false},
        {{.type = "text/plain"}, "GET", "", 1023, false},
        {{.type = "text/plain", .options.length_max = 4000}, "GET", "", 5000, false},
        {{.type = "text/plain", .fields = {{"Content-Encoding", "br"}}}, "GET", "", 5000, false},
        {{.type = "text/plain", .fields = {{"Content-Range", "bytes 0-4999/9000"}}}, "GET", "", 5000, false},
        {{.type = "text/plain", .fields = {{"Content-Digest", "sha-256=:x:"}}}, "GET", "", 5000, false},
        {{.type = "text/plain", .fields = {{"Cache-Control", "public, no-transform"}}},
         "GET",
         "",
         5000,
         false},
        {{.type = "text/plain", .status = 206}, "GET", "", 5000, false},
        {{.type = "text/plain"}, "GET", "Cache-Control: no-transform\r\n", 5000, false},
        {{.type = "image/png", .options.is_compressible = all_but_images}, "GET", "", 5000, false},
    };
    blob plain = blob_make(BLOB_WORDS, 5000, 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char fields[200];
        blob part = {plain.ptr, cases[i].n, 0};
        rig with = cases[i].with;
        with.body = body_of(&part);
        begin(with);
        snprintf(fields, sizeof fields, "Accept-Encoding: gzip\r\n%s", cases[i].fields);
        ask(cases[i].method, fields);
        expect(strstr((char *)at.wire.ptr, "Content-Encoding: gzip") == NULL);
        expect(has("Vary", NULL) && memcmp(body_at(), plain.ptr, cases[i].n) == 0);
        end();
    }
    begin((rig){.options.is_compressible = all_but_images, .body = body_of(&plain)});
    ask("GET", "Accept-Encoding: gzip\r\n");
    expect(has("Content-Encoding", "gzip"));
    end();
    blob_free(&plain);
}

WEIR_TEST(http_compressor, obeys_a_client_that_refuses_identity) {
    blob plain = blob_make(BLOB_WORDS, 10, 1);
    begin((rig){.type = "image/png", .body = body_of(&plain)});
    ask("GET", "Accept-Encoding: gzip, identity;q=0\r\n");
    expect(has("Content-Encoding", "gzip") && has("Vary", "Accept-Encoding"));
    expect(shows(WEIR_COMPRESSION_GZIP, &plain, plain.len, true));
    end();
    blob_free(&plain);
}

WEIR_TEST(http_compressor, leaves_http_1_0_its_length) {
    blob plain = blob_make(BLOB_WORDS, 5000, 1);
    static const char text[] = "GET / HTTP/1.0\r\nConnection: keep-alive\r\nAccept-Encoding: gzip\r\n\r\n";
    begin((rig){.type = "text/plain", .body = body_of(&plain)});
    expect_status(weir_embedded_feed_bytes(at.e, text, sizeof text - 1), WEIR_OK);
    take();
    expect(has("Content-Length", "5000") && has("Content-Encoding", NULL));
    end();
    blob_free(&plain);
}

/* ---- heads ---- */

WEIR_TEST(http_compressor, rewrites_the_head) {
    blob plain = blob_make(BLOB_WORDS, 5000, 1);
    begin((rig){.type = "application/json",
                .fields = {{"ETag", "\"abc\""}, {"Accept-Ranges", "bytes"}, {"Vary", "Cookie"}},
                .body = body_of(&plain)});
    ask("GET", "Accept-Encoding: br\r\n");
    expect(has("Content-Encoding", "br") && has("ETag", "W/\"abc\"") && has("Accept-Ranges", NULL));
    expect(has("Content-Length", NULL) && has("Transfer-Encoding", "chunked"));
    expect(has("Vary", "Cookie") && has("Vary", "Accept-Encoding"));
    expect(shows(WEIR_COMPRESSION_BROTLI, &plain, plain.len, true));
    end();
    begin((rig){.type = "text/css",
                .fields = {{"ETag", "W/\"a\""}, {"Vary", "accept-encoding"}},
                .body = body_of(&plain)});
    ask("GET", "Accept-Encoding: gzip\r\n");
    expect(has("ETag", "W/\"a\"") && has("Vary", "accept-encoding") && has("Vary: Accept-Encoding", NULL));
    end();
    blob_free(&plain);
}

WEIR_TEST(http_compressor, gives_head_what_get_would_have) {
    blob plain = blob_make(BLOB_WORDS, 5000, 1);
    begin((rig){.type = "text/plain", .fields = {{"ETag", "\"abc\""}}, .body = body_of(&plain)});
    ask("HEAD", "Accept-Encoding: gzip\r\n");
    expect(has("Content-Encoding", "gzip") && has("Vary", "Accept-Encoding") && has("ETag", "W/\"abc\""));
    expect(has("Content-Length", NULL) && body_at()[0] == 0);
    ask("GET", "Accept-Encoding: gzip\r\n");
    expect(weir_embedded_is_open(at.e));
    end();
    blob_free(&plain);
}

WEIR_TEST(http_compressor, weakens_the_tag_of_a_304) {
    begin((rig){.status = 304, .fields = {{"ETag", "\"abc\""}}});
    ask("GET", "Accept-Encoding: gzip\r\n");
    expect(has("ETag", "W/\"abc\"") && has("Vary", "Accept-Encoding") && has("Content-Encoding", NULL));
    ask("GET", "");
    expect(has("ETag", "\"abc\"") && has("Vary", NULL));
    end();
    begin((rig){.status = 204});
    ask("GET", "Accept-Encoding: gzip\r\n");
    expect(has("Vary", NULL) && has("Content-Encoding", NULL));
    end();
}

/* ---- bodies ---- */

static void note_done(void *arg, weir_status status) {
    (void)arg;
    at.done++;
    at.last = status;
}

static weir_promise *promise(void) {
    weir_promise *made = weir_promise_new(weir_embedded_loop(at.e));
    expect_status(weir_promise_listen(made, note_done, NULL), WEIR_OK);
    return made;
}

static void write_part(const blob *plain, size_t from, size_t n) {
    weir_ctx_write(at.ctx, weir_buf_wrap_const(plain->ptr + from, n), NULL);
}

WEIR_TEST(http_compressor, keeps_a_stream_live) {
    blob plain = blob_make(BLOB_WORDS, 5000, 1);
    static const weir_compression formats[] = {WEIR_COMPRESSION_GZIP, WEIR_COMPRESSION_ZLIB,
                                               WEIR_COMPRESSION_BROTLI, WEIR_COMPRESSION_ZSTD};
    static const char *const names[] = {"gzip", "deflate", "br", "zstd"};
    for (size_t i = 0; i < 4; i++) {
        char accept[60];
        begin((rig){.type = "text/event-stream", .by_hand = true});
        snprintf(accept, sizeof accept, "Accept-Encoding: %s\r\n", names[i]);
        ask("GET", accept);
        weir_ctx_write(at.ctx, response_new(), NULL);
        write_part(&plain, 0, 20);
        weir_ctx_flush(at.ctx);
        take();
        expect(shows(formats[i], &plain, 20, false));
        write_part(&plain, 20, 980);
        weir_embedded_run(at.e);
        take();
        expect(shows(formats[i], &plain, 1000, false));
        write_part(&plain, 1000, 4000);
        weir_ctx_write(at.ctx, &weir_http_end_plain, promise());
        weir_embedded_run(at.e);
        take();
        expect(shows(formats[i], &plain, 5000, true));
        expect(at.done == 1 && at.last == WEIR_OK);
        end();
    }
    blob_free(&plain);
}

WEIR_TEST(http_compressor, reads_regions_as_fast_as_the_client_does) {
    blob plain = blob_make(BLOB_RANDOM, 1 << 20, 1);
    begin((rig){.type = "text/plain", .by_hand = true});
    ask("GET", "Accept-Encoding: gzip\r\n");
    weir_embedded_stall(at.e, true);
    weir_ctx_write(at.ctx, response_new(), NULL);
    weir_ctx_write(at.ctx, weir_region_buf((weir_buf *)(void *)body_of(&plain)), promise());
    weir_ctx_write(at.ctx, &weir_http_end_plain, promise());
    for (int i = 0; i < 20; i++) weir_embedded_run(at.e);
    uint64_t pending = weir_channel_pending_bytes(weir_embedded_channel(at.e));
    expect(pending > 60000 && pending < 150000);
    weir_embedded_stall(at.e, false);
    for (int i = 0; i < 200 && at.done < 2; i++) weir_embedded_run(at.e);
    take();
    expect(at.done == 2 && at.last == WEIR_OK && shows(WEIR_COMPRESSION_GZIP, &plain, plain.len, true));
    at.by_hand = false;
    at.type = "image/png";
    ask("GET", "Accept-Encoding: gzip\r\n");
    expect(has("Content-Encoding", NULL) && weir_embedded_is_open(at.e));
    end();
    blob_free(&plain);
}

WEIR_TEST(http_compressor, answers_pipelined_requests_each_as_it_asks) {
    blob plain = blob_make(BLOB_WORDS, 5000, 1);
    static const char text[] = "GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n"
                               "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
                               "GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: br\r\n\r\n";
    begin((rig){.type = "text/plain", .repeats = true});
    at.body = (weir_obj *)weir_region_buf((weir_buf *)(void *)body_of(&plain));
    expect_status(weir_embedded_feed_bytes(at.e, text, sizeof text - 1), WEIR_OK);
    for (int i = 0; i < 20; i++) weir_embedded_run(at.e);
    take();
    weir_bytes all = weir_bytes_of(at.wire.ptr, at.wire.len);
    size_t first = weir_bytes_find_bytes(all, weir_bytes_str("Content-Encoding: gzip"));
    size_t second = weir_bytes_find_bytes(all, weir_bytes_str("Content-Length: 5000"));
    size_t third = weir_bytes_find_bytes(all, weir_bytes_str("Content-Encoding: br"));
    expect(first < second && second < third && third != WEIR_NOT_FOUND && weir_embedded_is_open(at.e));
    weir_obj_release(at.body);
    end();
    blob_free(&plain);
}

WEIR_TEST(http_compressor, aborts_what_is_shorter_than_it_said) {
    blob plain = blob_make(BLOB_WORDS, 5000, 1);
    weir_log_set_level(WEIR_LOG_OFF);
    char path[] = "/tmp/weir-compressor-XXXXXX";
    int fd = mkstemp(path);
    require(fd >= 0);
    expect(unlink(path) == 0);
    begin((rig){.type = "text/plain", .by_hand = true});
    ask("GET", "Accept-Encoding: gzip\r\n");
    weir_ctx_write(at.ctx, response_new(), NULL);
    weir_ctx_write(at.ctx, weir_region_file(fd, true, 0, 5000), promise());
    weir_ctx_write(at.ctx, &weir_http_end_plain, promise());
    for (int i = 0; i < 20; i++) weir_embedded_run(at.e);
    expect(at.done == 2 && !weir_embedded_is_open(at.e));
    expect_status(weir_embedded_aborted(at.e), WEIR_E_TRUNCATED);
    end();
    blob_free(&plain);
}

/* ---- memory ---- */

static void answer_css(const blob *plain) {
    weir_http_response *response = weir_http_response_new(200);
    if (response != NULL)
        (void)weir_http_fields_add(&response->head.fields, WEIR_HTTP_CONTENT_TYPE,
                                   weir_bytes_str("text/css"));
    weir_http_server_respond(at.ctx, response, weir_buf_wrap_const(plain->ptr, plain->len), NULL);
}

static bool one_exchange(void *arg) {
    const blob *plain = arg;
    static const char text[] = "GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: deflate\r\n\r\n";
    at = (rig){.type = "text/plain", .by_hand = true};
    at.e = weir_embedded_new(NULL, build, NULL);
    if (at.e == NULL) return false;
    (void)weir_embedded_feed_bytes(at.e, text, sizeof text - 1);
    if (at.ctx != NULL) answer_css(plain);
    for (int i = 0; i < 5; i++) weir_embedded_run(at.e);
    weir_buf *all = weir_embedded_take_all(at.e);
    bool is_coded =
        all != NULL && weir_buf_find_bytes(all, 0, weir_bytes_str("Content-Encoding")) != WEIR_NOT_FOUND;
    weir_buf_release(all);
    bool is_well = is_coded && at.last == WEIR_OK && weir_embedded_is_open(at.e);
    weir_embedded_free(at.e);
    return is_well;
}

WEIR_TEST(http_compressor, loses_nothing_when_memory_runs_out) {
    blob plain = blob_make(BLOB_WORDS, 5000, 1);
    weir_log_set_level(WEIR_LOG_OFF);
    expect(weir_oom_sweep(one_exchange, &plain) > 10);
    blob_free(&plain);
}
