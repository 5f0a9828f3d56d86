/* compressor_handler_test.c - a channel whose writes are compressed: flushes, promises, regions, ends. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/codec/compressor_handler.h>
#include <weir/core/log.h>
#include <weir/transport.h>

#include "codec/compress_rig.h"

/* ---- the rig ---- */

typedef struct rig {
    weir_compression format;
    weir_embedded *e;
    weir_ctx *ctx;
    blob wire; /* all that reached it */
    int done;  /* promises */
    int asked; /* those that were listened to, where memory may run out */
    weir_status last;
    bool removes; /* the compressor, when a promise is done */
    weir_status error;
    uint64_t read; /* of regions */
} rig;

static rig at;

/* ---- a region that a test made up ---- */

typedef struct made_region {
    weir_region region;
    blob bytes;
    uint64_t ends_at;
    bool is_cold; /* every read has to wait */
} made_region;

static ssize_t region_read(weir_region *region, uint64_t from, void *dst, size_t n, bool may_wait) {
    const made_region *self = (const made_region *)(const void *)region;
    if (self->is_cold && !may_wait) return -EAGAIN;
    if (from >= self->ends_at) return 0;
    if (n > self->ends_at - from) n = (size_t)(self->ends_at - from);
    memcpy(dst, self->bytes.ptr + from, n);
    at.read += n;
    return (ssize_t)n;
}

static void region_free(weir_region *region) {
    blob_free(&((made_region *)(void *)region)->bytes);
    free(region);
}

static const weir_region_ops region_ops = {.name = "made", .read = region_read, .free = region_free};

static weir_region *region_make(const blob *bytes, uint64_t ends_at, bool is_cold) {
    made_region *self = calloc(1, sizeof *self);
    require(self != NULL);
    self->bytes = blob_new(bytes->len);
    memcpy(self->bytes.ptr, bytes->ptr, bytes->len);
    self->ends_at = ends_at;
    self->is_cold = is_cold;
    weir_region_init(&self->region, &region_ops, bytes->len);
    return &self->region;
}

/* ---- the channel ---- */

static void on_error(weir_ctx *ctx, const weir_error *error) {
    (void)ctx;
    at.error = error->status;
}

static void on_added(weir_ctx *ctx) {
    at.ctx = ctx;
}

static const weir_handler top = {.name = "test", .added = on_added, .error = on_error};

static weir_status build(weir_pipeline *pipeline, void *arg) {
    (void)arg;
    weir_status status = weir_compressor_handler_add(pipeline, at.format, NULL);
    return status != WEIR_OK ? status : weir_pipeline_add_last(pipeline, &top, NULL);
}

static void begin(weir_compression format) {
    at = (rig){.format = format, .wire = blob_new(0)};
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
}

static void note_done(void *arg, weir_status status) {
    (void)arg;
    at.done++;
    at.last = status;
    weir_ctx *ctx = weir_pipeline_find(weir_embedded_pipeline(at.e), &weir_compressor_handler);
    if (at.removes && ctx != NULL) weir_pipeline_remove(ctx);
}

static weir_promise *promise(void) {
    weir_promise *made = weir_promise_new(weir_embedded_loop(at.e));
    expect_status(weir_promise_listen(made, note_done, NULL), WEIR_OK);
    return made;
}

static weir_buf *buf_of(const blob *bytes, size_t from, size_t n) {
    weir_buf *buf = weir_buf_new(n);
    require(buf != NULL);
    weir_buf_write_bytes(buf, bytes->ptr + from, n);
    return buf;
}

/* What reached the wire so far is the first `n` bytes of `plain`. */
static bool wire_shows(const blob *plain, size_t n, bool is_whole) {
    weir_status status;
    take();
    blob back = weir_unpack(at.format, NULL, &at.wire, CUT_WHOLE, &status);
    bool may_be_whole = is_whole || at.format == WEIR_COMPRESSION_SNAPPY || n == 0;
    bool same = back.len == n && memcmp(back.ptr, plain->ptr, n) == 0 &&
                status == (may_be_whole ? WEIR_OK : (weir_status)WEIR_E_TRUNCATED);
    blob_free(&back);
    return same;
}

/* ---- bytes ---- */

WEIR_TEST(compressor_handler, brings_out_what_was_written_at_a_flush) {
    blob plain = blob_make(BLOB_WORDS, 60000, 3);
    for (weir_compression format = 0; format < WEIR_COMPRESSIONS; format++) {
        begin(format);
        weir_ctx_write(at.ctx, buf_of(&plain, 0, 10), NULL);
        weir_ctx_flush(at.ctx);
        expect(wire_shows(&plain, 10, false));
        size_t from = 10;
        weir_buf *parts = weir_buf_composite_new();
        for (int i = 0; i < 5; i++, from += 1000)
            expect_status(weir_buf_composite_append(parts, buf_of(&plain, from, 1000)), WEIR_OK);
        weir_ctx_write(at.ctx, parts, NULL);
        weir_ctx_write_flush(at.ctx, buf_of(&plain, from, 20000), NULL);
        expect(wire_shows(&plain, 25010, false));
        weir_ctx_close(at.ctx, promise());
        weir_embedded_run(at.e);
        expect(wire_shows(&plain, 25010, true));
        expect(at.done == 1 && at.last == WEIR_OK && weir_embedded_is_shut(at.e));
        end();
    }
    blob_free(&plain);
}

WEIR_TEST(compressor_handler, brings_out_what_was_not_flushed_at_the_end_of_the_turn) {
    blob plain = blob_make(BLOB_WORDS, 3000, 3);
    begin(WEIR_COMPRESSION_ZSTD);
    for (int i = 0; i < 3; i++) weir_ctx_write(at.ctx, buf_of(&plain, (size_t)i * 1000, 1000), NULL);
    weir_embedded_run(at.e);
    expect(wire_shows(&plain, 3000, false));
    end();
    blob_free(&plain);
}

WEIR_TEST(compressor_handler, makes_one_sync_for_a_turn) {
    blob plain = blob_make(BLOB_RANDOM, 1000, 3);
    begin(WEIR_COMPRESSION_DEFLATE);
    for (int i = 0; i < 1000; i++) weir_ctx_write(at.ctx, buf_of(&plain, (size_t)i, 1), NULL);
    weir_embedded_run(at.e);
    expect(wire_shows(&plain, 1000, false));
    expect(at.wire.len < 1100);
    end();
    blob_free(&plain);
}

WEIR_TEST(compressor_handler, ends_the_stream_at_a_shutdown) {
    blob plain = blob_make(BLOB_WORDS, 3000, 3);
    for (weir_compression format = 0; format < WEIR_COMPRESSIONS; format++) {
        begin(format);
        weir_ctx_write(at.ctx, buf_of(&plain, 0, 3000), promise());
        weir_ctx_shutdown(at.ctx, promise());
        weir_embedded_run(at.e);
        expect(wire_shows(&plain, 3000, true));
        expect(at.done == 2 && at.last == WEIR_OK && weir_embedded_is_open(at.e));
        weir_ctx_write(at.ctx, buf_of(&plain, 0, 10), promise());
        weir_embedded_run(at.e);
        expect(at.done == 3 && at.last == WEIR_E_CLOSED);
        end();
    }
    blob_free(&plain);
}

WEIR_TEST(compressor_handler, completes_promises_when_their_bytes_have_left) {
    blob plain = blob_make(BLOB_WORDS, 3000, 3);
    begin(WEIR_COMPRESSION_GZIP);
    weir_embedded_stall(at.e, true);
    weir_ctx_write(at.ctx, buf_of(&plain, 0, 1000), promise());
    weir_ctx_write(at.ctx, buf_of(&plain, 1000, 1000), promise());
    expect_eq(at.done, 0);
    weir_ctx_flush(at.ctx);
    weir_embedded_run(at.e);
    expect_eq(at.done, 0);
    weir_embedded_stall(at.e, false);
    weir_embedded_run(at.e);
    expect(at.done == 2 && at.last == WEIR_OK);
    expect(wire_shows(&plain, 2000, false));
    end();
    blob_free(&plain);
}

WEIR_TEST(compressor_handler, fails_a_write_of_a_buf_that_failed) {
    weir_log_set_level(WEIR_LOG_OFF);
    begin(WEIR_COMPRESSION_GZIP);
    weir_buf *bad = weir_buf_new(10);
    require(bad != NULL);
    weir_buf_fail(bad, WEIR_E_FULL);
    weir_ctx_write(at.ctx, bad, promise());
    expect(at.done == 1 && at.last == WEIR_E_FULL);
    weir_embedded_run(at.e);
    expect(!weir_embedded_is_open(at.e));
    end();
}

/* ---- regions ---- */

WEIR_TEST(compressor_handler, reads_regions_in_their_place) {
    blob plain = blob_make(BLOB_WORDS, 700000, 3), middle = {plain.ptr + 1000, 600000, 0};
    for (int is_cold = 0; is_cold < 2; is_cold++) {
        for (weir_compression format = 0; format < WEIR_COMPRESSIONS; format++) {
            begin(format);
            weir_ctx_write(at.ctx, buf_of(&plain, 0, 1000), promise());
            weir_ctx_write(at.ctx, region_make(&middle, middle.len, is_cold), promise());
            weir_ctx_write_flush(at.ctx, buf_of(&plain, 601000, 99000), promise());
            weir_ctx_close(at.ctx, promise());
            for (int turns = 0; turns < 100 && at.done < 4; turns++) weir_embedded_run(at.e);
            expect(at.done == 4 && at.last == WEIR_OK);
            expect(wire_shows(&plain, 700000, true));
            end();
        }
    }
    blob_free(&plain);
}

WEIR_TEST(compressor_handler, reads_a_region_only_as_fast_as_the_peer_takes_it) {
    blob plain = blob_make(BLOB_RANDOM, 1 << 20, 3);
    begin(WEIR_COMPRESSION_GZIP);
    weir_embedded_stall(at.e, true);
    weir_ctx_write(at.ctx, region_make(&plain, plain.len, false), promise());
    weir_channel *channel = weir_embedded_channel(at.e);
    for (int i = 0; i < 20; i++) weir_embedded_run(at.e);
    uint64_t pending = weir_channel_pending_bytes(channel);
    expect(pending >= 64 << 10 && pending < (64 << 10) + 70000);
    expect(!weir_channel_is_writable(channel));
    weir_embedded_stall(at.e, false);
    for (int turns = 0; turns < 200 && at.done == 0; turns++) weir_embedded_run(at.e);
    weir_ctx_close(at.ctx, NULL);
    weir_embedded_run(at.e);
    expect(at.last == WEIR_OK && wire_shows(&plain, plain.len, true));
    end();
    blob_free(&plain);
}

WEIR_TEST(compressor_handler, gives_others_their_turn_while_it_reads) {
    blob plain = blob_make(BLOB_ZEROS, 4 << 20, 3);
    begin(WEIR_COMPRESSION_ZSTD);
    weir_ctx_write(at.ctx, region_make(&plain, plain.len, false), promise());
    expect_eq(at.read, 256 << 10);
    for (int turns = 0; turns < 100 && at.done == 0; turns++) weir_embedded_run(at.e);
    expect(at.done == 1 && at.read == plain.len);
    end();
    blob_free(&plain);
}

WEIR_TEST(compressor_handler, bounds_what_waits_behind_a_region) {
    blob plain = blob_make(BLOB_RANDOM, 1 << 20, 3);
    weir_log_set_level(WEIR_LOG_OFF);
    begin(WEIR_COMPRESSION_LZ4);
    weir_embedded_stall(at.e, true);
    weir_ctx_write(at.ctx, region_make(&plain, plain.len, false), NULL);
    for (int i = 0; i < 16; i++) weir_ctx_write(at.ctx, buf_of(&plain, 0, plain.len), NULL);
    expect_eq(at.done, 0);
    weir_ctx_write(at.ctx, buf_of(&plain, 0, 1), promise());
    expect(at.done == 1 && at.last == WEIR_E_BACKPRESSURE && weir_embedded_is_open(at.e));
    end();
    blob_free(&plain);
}

WEIR_TEST(compressor_handler, aborts_when_a_region_is_shorter_than_it_said) {
    blob plain = blob_make(BLOB_WORDS, 200000, 3);
    weir_log_set_level(WEIR_LOG_OFF);
    begin(WEIR_COMPRESSION_BROTLI);
    weir_ctx_write(at.ctx, region_make(&plain, 100000, false), promise());
    weir_ctx_write(at.ctx, buf_of(&plain, 0, 10), promise());
    weir_embedded_run(at.e);
    expect_eq(at.done, 2);
    expect(!weir_embedded_is_open(at.e) && weir_embedded_aborted(at.e) == WEIR_E_TRUNCATED);
    end();
    blob_free(&plain);
}

/* ---- ends ---- */

WEIR_TEST(compressor_handler, fails_what_waits_when_the_connection_ends_or_it_is_removed) {
    blob plain = blob_make(BLOB_RANDOM, 300000, 3);
    weir_log_set_level(WEIR_LOG_OFF);
    for (int how = 0; how < 3; how++) {
        for (int is_cold = 0; is_cold < 2; is_cold++) {
            begin(WEIR_COMPRESSION_GZIP);
            at.removes = how == 2;
            weir_embedded_stall(at.e, true);
            weir_ctx_write(at.ctx, buf_of(&plain, 0, 100), promise());
            weir_ctx_write(at.ctx, region_make(&plain, plain.len, is_cold), promise());
            weir_ctx_write_flush(at.ctx, buf_of(&plain, 0, 100), promise());
            weir_ctx_close(at.ctx, promise());
            if (how == 1) {
                weir_pipeline_remove(
                    weir_pipeline_find(weir_embedded_pipeline(at.e), &weir_compressor_handler));
                expect_status(at.last, WEIR_E_CANCELED);
            } else {
                weir_embedded_break(at.e, -ECONNRESET);
                expect(at.last != WEIR_OK);
            }
            weir_embedded_run(at.e);
            expect_eq(at.done, 4);
            end();
        }
    }
    blob_free(&plain);
}

WEIR_TEST(compressor_handler, may_be_removed_by_a_promise_it_completes) {
    blob plain = blob_make(BLOB_RANDOM, 300000, 3);
    begin(WEIR_COMPRESSION_GZIP);
    at.removes = true;
    weir_ctx_write(at.ctx, buf_of(&plain, 0, 100), promise());
    weir_ctx_write(at.ctx, buf_of(&plain, 100, 100), promise());
    weir_ctx_flush(at.ctx);
    weir_embedded_run(at.e);
    expect_eq(at.done, 2);
    end();
    blob_free(&plain);
}

/* ---- memory ---- */

typedef struct ending {
    const blob *plain, *all; /* a region; what is written in all */
    bool is_shutdown;        /* or a close */
} ending;

/* Blobs are not of the memory that is refused. */
static bool has_ended_whole(const blob *all) {
    for (weir_obj *msg = weir_embedded_take(at.e); msg != NULL; msg = weir_embedded_take(at.e))
        blob_add(&at.wire, weir_buf_from(msg));
    if (!weir_embedded_is_shut(at.e) || weir_embedded_aborted(at.e) != WEIR_OK) return false;
    blob back = library_unpack(at.format, &at.wire, all->len);
    bool is_whole = blob_equal(&back, all);
    blob_free(&back);
    return is_whole;
}

/* NULL when memory is refused to it. */
static weir_promise *promise_or_null(void) {
    weir_promise *made = weir_promise_new(weir_embedded_loop(at.e));
    if (made != NULL && weir_promise_listen(made, note_done, NULL) == WEIR_OK) at.asked++;
    return made;
}

/* A whole stream, or it is told that it is none. Takes: both. */
static bool write_and_end(const ending *self, weir_buf *first, weir_buf *last) {
    weir_ctx_write(at.ctx, first, promise_or_null());
    weir_ctx_write(at.ctx, region_make(self->plain, self->plain->len, true), NULL);
    weir_ctx_write_flush(at.ctx, last, NULL);
    (self->is_shutdown ? weir_ctx_shutdown : weir_ctx_close)(at.ctx, promise_or_null());
    for (int i = 0; i < 10; i++) weir_embedded_run(at.e);
    bool is_whole = has_ended_whole(self->all);
    bool is_told = at.last != WEIR_OK || at.error != WEIR_OK || weir_embedded_aborted(at.e) != WEIR_OK;
    expect(is_whole != is_told);
    return is_whole && at.asked == 2;
}

static bool write_all(void *arg) {
    const ending *self = arg;
    at = (rig){.format = WEIR_COMPRESSION_GZIP};
    at.e = weir_embedded_new(NULL, build, NULL);
    if (at.e == NULL) return false;
    at.wire = blob_new(0);
    weir_buf *first = weir_buf_wrap_const(self->plain->ptr, 1000);
    weir_buf *last = weir_buf_wrap_const(self->plain->ptr, 1000);
    bool has_both = first != NULL && last != NULL, is_whole = has_both && write_and_end(self, first, last);
    if (!has_both) {
        weir_buf_release(first);
        weir_buf_release(last);
    }
    weir_embedded_free(at.e);
    expect_eq(at.done, at.asked);
    blob_free(&at.wire);
    return is_whole;
}

WEIR_TEST(compressor_handler, loses_nothing_when_memory_runs_out) {
    blob plain = blob_make(BLOB_WORDS, 70000, 3), all = blob_new(72000);
    memcpy(all.ptr, plain.ptr, 1000);
    memcpy(all.ptr + 1000, plain.ptr, 70000);
    memcpy(all.ptr + 71000, plain.ptr, 1000);
    weir_log_set_level(WEIR_LOG_OFF);
    expect(weir_oom_sweep(write_all, &(ending){&plain, &all, false}) > 10);
    expect(weir_oom_sweep(write_all, &(ending){&plain, &all, true}) > 10);
    blob_free(&plain);
    blob_free(&all);
}
