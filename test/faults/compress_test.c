/* compress_test.c - HTTP with bodies compressed in both directions, in a storm of failing calls.
 *
 *     visitor --[ http_decompressor ]--> http_client ... http_server --[ http_decompressor, http_compressor ]--> site
 *
 * Requests say what they accept, and those that post bring their body compressed; each coding has its turn.
 */
#include <limits.h>

#include <weir/codec/compressor.h>
#include <weir/codec/http_compressor.h>
#include <weir/codec/http_decompressor.h>
#include <weir/codec/http_server.h>
#include <weir/testing.h>

#include "storm_tls.h"
#include "visitor.h"

enum {
    USUAL_FAULTS = 3000,
    CODINGS = 4
};

static const struct {
    const char *name;
    weir_compression format;
} codings[CODINGS] = {{"gzip", WEIR_COMPRESSION_GZIP},
                      {"deflate", WEIR_COMPRESSION_ZLIB},
                      {"br", WEIR_COMPRESSION_BROTLI},
                      {"zstd", WEIR_COMPRESSION_ZSTD}};

static uint64_t came_in[CODINGS]; /* answers */

/* The storm's bytes repeat, and shrink more than what is let pass by default. */
static const weir_http_decompressor_options any_ratio = {.ratio_max = UINT_MAX};

static weir_status add_site(weir_pipeline *pipeline, void *arg) {
    weir_http_compressor_options options = {.length_min = 1, .brotli_level = 1};
    weir_status status = weir_http_server_add(pipeline, NULL);
    if (status == WEIR_OK) status = weir_http_decompressor_add(pipeline, &any_ratio);
    if (status == WEIR_OK) status = weir_http_compressor_add(pipeline, &options);
    return status == WEIR_OK ? visitor_site_add(pipeline, arg) : status;
}

static weir_status build_site(weir_pipeline *pipeline, void *arg) {
    weir_status status = storm_account(pipeline, arg);
    return status == WEIR_OK ? add_site(pipeline, arg) : status;
}

static weir_status build_tls_site(weir_pipeline *pipeline, void *arg) {
    weir_status status = storm_tls_add_server(pipeline, arg);
    return status == WEIR_OK ? add_site(pipeline, arg) : status;
}

/* ---- the visitor ---- */

static void note_coding(weir_ctx *ctx, weir_obj *msg) {
    const weir_http_response *response = weir_http_response_from(msg);
    for (int i = 0; response != NULL && i < CODINGS; i++) {
        weir_bytes coding = weir_http_fields_get(&response->head.fields, WEIR_HTTP_CONTENT_ENCODING);
        came_in[i] += weir_bytes_equal(coding, weir_bytes_str(codings[i].name));
    }
    weir_ctx_fire_read(ctx, msg);
}

static const weir_handler noter = {.name = "noter", .read = note_coding};

static weir_status build_behind(weir_pipeline *pipeline, void *arg) {
    weir_status status = weir_pipeline_add_last(pipeline, &noter, arg);
    return status == WEIR_OK ? weir_http_decompressor_add(pipeline, &any_ratio) : status;
}

/* Takes: plain. Gives: the same, compressed. */
static weir_buf *compress(weir_buf *plain, weir_compression format) {
    weir_compressor *compressor;
    weir_buf *all = weir_buf_new(0), *piece;
    weir_compressor_options options = {.level = 1};
    require(all != NULL && weir_compressor_new(&compressor, format, &options) == WEIR_OK);
    do {
        require(weir_compressor_step(compressor, plain, WEIR_COMPRESS_FINISH, &piece) == WEIR_OK);
        if (piece != NULL) weir_buf_write_view(all, weir_buf_peek(piece));
        weir_buf_release(piece);
    } while (piece != NULL);
    weir_compressor_free(compressor);
    weir_buf_release(plain);
    return all;
}

static weir_buf *dress(storm *world, weir_http_request *request, const visitor_wish *wished, bool posts) {
    weir_http_fields *fields = &request->head.fields;
    uint64_t wanted = storm_below(world, CODINGS + 1), sent = storm_below(world, CODINGS);
    if (wanted < CODINGS)
        weir_http_fields_add(fields, WEIR_HTTP_ACCEPT_ENCODING, weir_bytes_str(codings[wanted].name));
    if (!posts) return NULL;
    weir_http_fields_add(fields, WEIR_HTTP_CONTENT_ENCODING, weir_bytes_str(codings[sent].name));
    weir_buf *plain = weir_buf_new(wished->length);
    require(plain != NULL);
    for (uint64_t i = 0; i < wished->length; i++) weir_buf_write_u8(plain, storm_byte(0, wished->offset + i));
    return compress(plain, codings[sent].format);
}

static void begin_visit(storm *world) {
    static const visitor_kind kind = {.name = "compressed", .build_behind = build_behind, .dress = dress};
    visitor_begin(world, &kind);
}

static weir_status build_tls_front(weir_pipeline *pipeline, void *arg) {
    return storm_tls_add_client(pipeline, arg, STORM_HTTP);
}

static void begin_tls_visit(storm *world) {
    static const visitor_kind kind = {.name = "compressed, over TLS",
                                      .build_front = build_tls_front,
                                      .build_behind = build_behind,
                                      .dress = dress};
    visitor_begin(world, &kind);
}

static void run(storm it) {
    for (int i = 0; i < CODINGS; i++) came_in[i] = 0;
    storm_run(&it, fault_goal(USUAL_FAULTS));
    for (int i = 0; i < CODINGS; i++) expect(came_in[i] > 0);
}

WEIR_TEST(compress, an_answer_comes_whole_or_its_failure_is_told) {
    run((storm){.begin_one = begin_visit, .build_own = build_site});
}

WEIR_TEST(compress, an_answer_over_tls_comes_whole_or_its_failure_is_told) {
    storm_tls_open();
    run((storm){.begin_one = begin_tls_visit, .build_own = build_tls_site});
    storm_tls_close();
}
