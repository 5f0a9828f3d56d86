/* decompressor_handler_test.c - a channel whose bytes come compressed: cuts, pauses, pulls, ends. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <weir/codec/decompressor_handler.h>
#include <weir/core/log.h>
#include <weir/transport.h>

#include "codec/compress_rig.h"

typedef struct rig {
    weir_compression format;
    weir_decompressor_options options;
    weir_embedded *e;
    blob got;
    size_t stop_at; /* reading stops when so much came */
    size_t most;    /* of one piece */
    int errors, ends, others;
    weir_status error;
    bool removes; /* the decompressor, at its first piece */
} rig;

static rig at;

static void on_read(weir_ctx *ctx, weir_obj *msg) {
    weir_buf *buf = weir_buf_from(msg);
    if (buf == NULL) {
        at.others++;
        weir_obj_release(msg);
        return;
    }
    if (weir_buf_readable(buf) > at.most) at.most = weir_buf_readable(buf);
    blob_add(&at.got, buf);
    if (at.stop_at != 0 && at.got.len >= at.stop_at) weir_channel_set_reading(weir_ctx_channel(ctx), false);
    weir_ctx *other = weir_pipeline_find(weir_ctx_pipeline(ctx), &weir_decompressor_handler);
    if (at.removes && other != NULL) weir_pipeline_remove(other);
}

static void on_error(weir_ctx *ctx, const weir_error *error) {
    (void)ctx;
    at.errors++;
    at.error = error->status;
}

static void on_event(weir_ctx *ctx, weir_obj *event) {
    if (event == &weir_event_peer_closed.obj) at.ends++;
    weir_ctx_fire_event(ctx, event);
}

static const weir_handler bottom = {.name = "test", .read = on_read, .error = on_error, .event = on_event};

static weir_status build(weir_pipeline *pipeline, void *arg) {
    (void)arg;
    weir_status status = weir_decompressor_handler_add(pipeline, at.format, &at.options);
    return status != WEIR_OK ? status : weir_pipeline_add_last(pipeline, &bottom, NULL);
}

static void begin(rig with) {
    at = with;
    at.got = blob_new(0);
    at.e = weir_embedded_new(NULL, build, NULL);
    require(at.e != NULL);
}

static void end(void) {
    weir_embedded_free(at.e);
    blob_free(&at.got);
}

static void feed(const blob *bytes, blob_cut cut) {
    size_t from = 0;
    for (weir_buf *buf; (buf = blob_next(bytes, &from, cut)) != NULL;) (void)weir_embedded_feed(at.e, buf);
}

static weir_channel *channel(void) {
    return weir_embedded_channel(at.e);
}

WEIR_TEST(decompressor_handler, gives_what_was_compressed_however_it_is_cut) {
    blob plain = blob_make(BLOB_WORDS, 100000, 5);
    for (weir_compression format = 0; format < WEIR_COMPRESSIONS; format++) {
        blob packed = library_pack(format, &plain);
        for (int cut = 0; cut < BLOB_CUTS; cut++) {
            if (cut == CUT_BYTES && format != WEIR_COMPRESSION_GZIP) continue;
            begin((rig){.format = format});
            feed(&packed, (blob_cut)cut);
            weir_embedded_feed_end(at.e);
            expect(blob_equal(&at.got, &plain) && at.most <= 16384);
            expect(at.errors == 0 && at.ends == 1);
            end();
        }
        blob_free(&packed);
    }
    blob_free(&plain);
}

static uint64_t timers_fired(void) {
    weir_loop_stats stats;
    weir_loop_get_stats(weir_embedded_loop(at.e), &stats);
    return stats.timers;
}

WEIR_TEST(decompressor_handler, keeps_what_is_compressed_while_reading_is_off) {
    blob plain = blob_make(BLOB_ZEROS, 300000, 5), packed = library_pack(WEIR_COMPRESSION_ZSTD, &plain);
    begin((rig){.format = WEIR_COMPRESSION_ZSTD, .stop_at = 1, .options.ratio_max = UINT_MAX});
    feed(&packed, CUT_WHOLE);
    expect(at.got.len > 0 && at.got.len <= 16384);
    size_t before = at.got.len;
    weir_embedded_advance(at.e, 1000);
    expect_eq(at.got.len, before);
    expect_eq(timers_fired(), 0);
    weir_channel_pull(channel());
    weir_embedded_run(at.e);
    expect(at.got.len > before && at.got.len <= before + 16384);
    at.stop_at = 0;
    before = at.got.len;
    weir_channel_set_reading(channel(), true);
    expect_eq(at.got.len, before); /* not inside of that */
    weir_embedded_run(at.e);
    expect(blob_equal(&at.got, &plain));
    end();
    blob_free(&plain);
    blob_free(&packed);
}

WEIR_TEST(decompressor_handler, gives_nothing_to_who_switches_on_and_off_again) {
    blob plain = blob_make(BLOB_ZEROS, 300000, 5), packed = library_pack(WEIR_COMPRESSION_ZSTD, &plain);
    begin((rig){.format = WEIR_COMPRESSION_ZSTD, .stop_at = 1, .options.ratio_max = UINT_MAX});
    feed(&packed, CUT_WHOLE);
    weir_embedded_feed_end(at.e);
    size_t before = at.got.len;
    for (int i = 0; i < 3; i++) {
        weir_channel_set_reading(channel(), true);
        weir_channel_set_reading(channel(), false);
        weir_embedded_run(at.e);
    }
    expect(at.got.len == before && at.ends == 0);
    at.stop_at = 0;
    weir_channel_set_reading(channel(), true);
    weir_embedded_run(at.e);
    expect(blob_equal(&at.got, &plain) && at.ends == 1);
    end();
    blob_free(&plain);
    blob_free(&packed);
}

WEIR_TEST(decompressor_handler, passes_other_objects_and_goes_when_it_is_removed) {
    blob plain = blob_make(BLOB_ZEROS, 300000, 5), packed = library_pack(WEIR_COMPRESSION_LZ4, &plain);
    begin((rig){.format = WEIR_COMPRESSION_LZ4, .removes = true});
    expect_status(weir_embedded_feed(at.e, weir_region_buf(weir_buf_wrap_const("abc", 3))), WEIR_OK);
    expect(at.others == 1 && at.errors == 0);
    feed(&packed, CUT_WHOLE);
    expect(at.got.len > 0 && at.got.len <= 16384);
    expect(weir_pipeline_find(weir_embedded_pipeline(at.e), &weir_decompressor_handler) == NULL);
    end();
    blob_free(&plain);
    blob_free(&packed);
}

WEIR_TEST(decompressor_handler, tells_once_what_is_wrong) {
    blob plain = blob_make(BLOB_ZEROS, 8 << 20, 5), packed = library_pack(WEIR_COMPRESSION_GZIP, &plain);
    begin((rig){.format = WEIR_COMPRESSION_GZIP});
    feed(&packed, CUT_WHOLE);
    feed(&packed, CUT_WHOLE);
    expect(at.errors == 1 && at.error == WEIR_E_LIMIT && at.got.len < plain.len);
    weir_embedded_feed_end(at.e);
    expect(at.errors == 1 && at.ends == 1);
    end();
    begin((rig){.format = WEIR_COMPRESSION_BROTLI});
    feed(&packed, CUT_RANDOM);
    expect(at.errors == 1 && at.error == WEIR_E_FRAME_CORRUPT);
    end();
    begin((rig){.format = WEIR_COMPRESSION_GZIP, .options.ratio_max = UINT_MAX});
    packed.len -= 4;
    feed(&packed, CUT_WHOLE);
    expect(at.errors == 0 && at.got.len == plain.len);
    weir_embedded_feed_end(at.e);
    expect(at.errors == 1 && at.error == WEIR_E_TRUNCATED && at.ends == 1);
    end();
    blob_free(&plain);
    blob_free(&packed);
}

static bool one_life(void *arg) {
    const blob *packed = arg;
    at = (rig){.format = WEIR_COMPRESSION_GZIP, .got = at.got};
    at.got.len = 0;
    at.e = weir_embedded_new(NULL, build, NULL);
    if (at.e == NULL) return false;
    for (size_t from = 0; from < packed->len; from += 1000) {
        size_t n = packed->len - from < 1000 ? packed->len - from : 1000;
        (void)weir_embedded_feed(at.e, weir_buf_wrap_const(packed->ptr + from, n));
    }
    weir_embedded_feed_end(at.e);
    bool is_whole = at.errors == 0 && at.ends == 1 && at.got.len == 20000;
    weir_embedded_free(at.e);
    return is_whole;
}

WEIR_TEST(decompressor_handler, loses_nothing_when_memory_runs_out) {
    blob plain = blob_make(BLOB_WORDS, 20000, 5), packed = library_pack(WEIR_COMPRESSION_GZIP, &plain);
    weir_log_set_level(WEIR_LOG_OFF);
    at.got = blob_new(0);
    expect(weir_oom_sweep(one_life, &packed) > 5);
    blob_free(&at.got);
    blob_free(&plain);
    blob_free(&packed);
}
