/* chunked_writer_test.c - sources that count: how far they were asked, in what order things left, how they ended. */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include <weir/core/log.h>
#include <weir/testing.h>

#include "life.h"
#include "witness.h"

/* Gives `pieces` bufs of `size` bytes of the pattern, then `last`. */
typedef struct counter {
    weir_chunk_source source;
    size_t given, pieces, size;
    size_t pause_at; /* the piece before which it has none, once; SIZE_MAX: never */
    weir_status last;
    bool *freed;
    void (*hook)(weir_ctx *ctx); /* in each call */
} counter;

static weir_status next_piece(weir_chunk_source *source, weir_ctx *ctx, weir_obj **out) {
    counter *self = WEIR_CONTAINER(source, counter, source);
    if (self->hook != NULL) self->hook(ctx);
    if (self->given == self->pause_at) {
        self->pause_at = SIZE_MAX;
        return -EAGAIN;
    }
    if (self->given == self->pieces) return self->last;
    weir_buf *piece = patterned(self->given * self->size, self->size);
    self->given++;
    *out = &piece->obj;
    return WEIR_OK;
}

static void free_counter(weir_chunk_source *source) {
    counter *self = WEIR_CONTAINER(source, counter, source);
    if (self->freed != NULL) *self->freed = true;
    weir_alloc_release(NULL, self);
}

static const weir_chunk_source_ops counter_ops = {
    .name = "counter", .next = next_piece, .free = free_counter};

static counter *new_counter(size_t pieces, size_t size, bool *freed) {
    counter *self = weir_alloc_zeroed(NULL, 1, sizeof *self);
    require(self != NULL);
    *self = (counter){.pieces = pieces, .size = size, .pause_at = SIZE_MAX};
    self->freed = freed;
    weir_chunk_source_init(&self->source, &counter_ops);
    return self;
}

static void begin(life *self, const weir_channel_options *options) {
    life_begin(self, options);
    self->h.trail = NULL;
    expect_eq(weir_chunked_writer_add(weir_embedded_pipeline(self->embedded)), WEIR_OK);
}

static void write_source(life *self, counter *source, const char *name) {
    weir_channel_write(self->channel, source, name != NULL ? life_promise(self, name) : NULL);
    weir_embedded_run(self->embedded);
}

static void expect_sent(life *self, size_t n) {
    weir_buf *all = weir_embedded_take_all(self->embedded);
    expect_eq(weir_buf_readable(all), n);
    expect_pattern(all->rp, n);
    weir_buf_release(all);
}

WEIR_TEST(chunked_writer, writes_every_piece_and_then_completes) {
    life t;
    bool freed = false;
    begin(&t, NULL);
    write_source(&t, new_counter(1000, 100, &freed), "body");
    expect(trail_is(&t.trail, "body=WEIR_OK\n"));
    expect(freed);
    expect_sent(&t, 100000);
    write_source(&t, new_counter(0, 0, &freed), "nothing");
    expect(trail_is(&t.trail, "nothing=WEIR_OK\n"));
    life_end(&t);
}

WEIR_TEST(chunked_writer, asks_no_further_than_the_high_watermark) {
    life t;
    begin(&t, &(weir_channel_options){.low_water = 500, .high_water = 1000});
    weir_embedded_stall(t.embedded, true);
    counter *source = new_counter(100, 100, NULL);
    write_source(&t, source, "body");
    expect(source->given * 100 <= 1100);
    expect(weir_channel_pending_bytes(t.channel) <= 1200);
    expect(trail_is(&t.trail, ""));
    weir_embedded_stall(t.embedded, false);
    weir_embedded_run(t.embedded);
    expect(trail_is(&t.trail, "body=WEIR_OK\n"));
    expect_sent(&t, 10000);
    life_end(&t);
}

/* As one that compresses well. */
static void drop_write(weir_ctx *ctx, weir_obj *msg, weir_promise *promise) {
    bool is_end = promise != NULL;
    if (is_end) {
        weir_ctx_write(ctx, msg, promise);
    } else {
        weir_obj_release(msg);
    }
}

static const weir_handler dropper = {.name = "dropper", .write = drop_write};

WEIR_TEST(chunked_writer, lets_others_have_their_turn_when_nothing_comes_of_its_pieces) {
    life t;
    begin(&t, NULL);
    require(weir_pipeline_add_first(weir_embedded_pipeline(t.embedded), &dropper, NULL) == WEIR_OK);
    counter *source = new_counter(1000, 64 * 1024, NULL);
    weir_obj_retain(source);
    weir_channel_write(t.channel, source, life_promise(&t, "body"));
    expect_eq(source->given, 2 * 1024 / 64);
    weir_chunked_writer_resume(weir_embedded_pipeline(t.embedded)); /* it waits for its turn */
    expect_eq(source->given, 2 * 1024 / 64);
    weir_embedded_run(t.embedded);
    expect_eq(source->given, 1000);
    expect(trail_is(&t.trail, "body=WEIR_OK\n"));
    expect(weir_channel_can_read(t.channel));
    weir_obj_release(source);
    weir_channel_write(t.channel, new_counter(1000, 64 * 1024, NULL), NULL);
    life_end(&t); /* while it waits */
}

WEIR_TEST(chunked_writer, lets_others_have_their_turn_behind_many_pieces_of_nothing) {
    life t;
    begin(&t, NULL);
    require(weir_pipeline_add_first(weir_embedded_pipeline(t.embedded), &dropper, NULL) == WEIR_OK);
    counter *source = new_counter(100000, 0, NULL);
    weir_obj_retain(source);
    weir_channel_write(t.channel, source, life_promise(&t, "body"));
    expect(source->given < 50000);
    weir_embedded_run(t.embedded);
    expect_eq(source->given, 100000);
    expect(trail_is(&t.trail, "body=WEIR_OK\n"));
    weir_obj_release(source);
    life_end(&t);
}

WEIR_TEST(chunked_writer, keeps_what_is_written_and_the_close_behind_a_source) {
    life t;
    begin(&t, NULL);
    counter *source = new_counter(4, 10, NULL);
    source->pause_at = 2;
    write_source(&t, source, "body");
    weir_channel_write(t.channel, patterned(40, 5), life_promise(&t, "trailer"));
    write_source(&t, new_counter(0, 0, NULL), "second");
    weir_channel_close(t.channel, life_promise(&t, "close"));
    weir_embedded_run(t.embedded);
    expect(trail_is(&t.trail, ""));
    expect(weir_embedded_is_open(t.embedded));
    weir_chunked_writer_resume(weir_embedded_pipeline(t.embedded));
    weir_embedded_run(t.embedded);
    expect(trail_is(&t.trail, "body=WEIR_OK\ntrailer=WEIR_OK\nsecond=WEIR_OK\nclose=WEIR_OK\n"));
    expect_sent(&t, 45);
    life_end(&t);
}

WEIR_TEST(chunked_writer, half_closes_behind_a_source) {
    life t;
    begin(&t, NULL);
    counter *source = new_counter(2, 10, NULL);
    source->pause_at = 1;
    write_source(&t, source, NULL);
    weir_channel_shutdown(t.channel, life_promise(&t, "shutdown"));
    weir_embedded_run(t.embedded);
    expect(!weir_embedded_is_shut(t.embedded));
    weir_chunked_writer_resume(weir_embedded_pipeline(t.embedded));
    weir_embedded_run(t.embedded);
    expect(weir_embedded_is_shut(t.embedded));
    expect(trail_is(&t.trail, "shutdown=WEIR_OK\n"));
    life_end(&t);
}

WEIR_TEST(chunked_writer, aborts_when_a_source_fails) {
    life t;
    bool freed = false;
    begin(&t, NULL);
    counter *source = new_counter(3, 10, &freed);
    source->last = -EIO;
    write_source(&t, source, "body");
    expect(trail_is(&t.trail, "body=EIO\n"));
    expect_eq(weir_embedded_aborted(t.embedded), -EIO);
    expect(freed);
    life_end(&t);
}

WEIR_TEST(chunked_writer, fails_what_waits_with_what_ended_the_channel) {
    life t;
    bool freed = false;
    begin(&t, NULL);
    counter *source = new_counter(3, 10, &freed);
    source->pause_at = 1;
    write_source(&t, source, "body");
    weir_channel_write(t.channel, patterned(0, 5), life_promise(&t, "trailer"));
    weir_embedded_break(t.embedded, -ECONNRESET);
    expect(trail_is(&t.trail, "body=ECONNRESET\ntrailer=ECONNRESET\n"));
    expect(freed);
    write_source(&t, new_counter(1, 1, NULL), "late");
    expect(trail_is(&t.trail, "late=WEIR_E_CLOSED\n"));
    life_end(&t);
}

WEIR_TEST(chunked_writer, fails_what_waits_when_it_is_removed) {
    life t;
    bool freed = false;
    begin(&t, NULL);
    counter *source = new_counter(3, 10, &freed);
    source->pause_at = 1;
    write_source(&t, source, "body");
    weir_pipeline *pipeline = weir_embedded_pipeline(t.embedded);
    weir_pipeline_remove(weir_pipeline_find(pipeline, &weir_chunked_writer_handler));
    weir_chunked_writer_resume(pipeline);
    expect(trail_is(&t.trail, "body=WEIR_E_CANCELED\n"));
    expect(freed);
    expect(weir_embedded_is_open(t.embedded));
    life_end(&t);
}

static void remove_writer(weir_ctx *ctx) {
    weir_pipeline_remove(ctx);
}

static void abort_channel(weir_ctx *ctx) {
    weir_channel_abort(weir_ctx_channel(ctx), WEIR_E_CANCELED);
}

static void write_more(weir_ctx *ctx) {
    static int depth;
    if (depth++ > 0) return;
    weir_channel_write(weir_ctx_channel(ctx), patterned(20, 5), NULL);
}

WEIR_TEST(chunked_writer, bears_anything_that_is_done_while_a_source_is_asked) {
    void (*const hooks[])(weir_ctx *) = {remove_writer, abort_channel, write_more};
    for (size_t i = 0; i < 3; i++) {
        life t;
        bool freed = false;
        begin(&t, NULL);
        counter *source = new_counter(2, 10, &freed);
        source->hook = hooks[i];
        write_source(&t, source, "body");
        expect(trail_is(&t.trail, i < 2 ? "body=WEIR_E_CANCELED\n" : "body=WEIR_OK\n"));
        expect(freed);
        if (i == 2) expect_sent(&t, 25);
        life_end(&t);
    }
}

WEIR_TEST(chunked_writer, holds_no_more_behind_a_source_than_the_cap) {
    life t;
    begin(&t, &(weir_channel_options){.low_water = 100, .high_water = 200, .write_cap = 1000});
    counter *source = new_counter(1, 10, NULL);
    source->pause_at = 0;
    write_source(&t, source, "body");
    weir_channel_write(t.channel, patterned(0, 600), life_promise(&t, "fits"));
    weir_channel_write(t.channel, patterned(0, 600), life_promise(&t, "too much"));
    expect(trail_is(&t.trail, "too much=WEIR_E_BACKPRESSURE\n"));
    life_end(&t);
}

/* ---- more behind a source than the high watermark, which alone makes the channel unwritable ---- */

static const weir_channel_options narrow = {.low_water = 500, .high_water = 1000};

WEIR_TEST(chunked_writer, asks_a_source_on_whatever_waits_behind_it) {
    life t;
    begin(&t, &narrow);
    weir_embedded_stall(t.embedded, true);
    counter *source = new_counter(100, 100, NULL);
    write_source(&t, source, "body");
    weir_channel_write(t.channel, patterned(10000, 5000), life_promise(&t, "behind"));
    weir_embedded_run(t.embedded);
    expect(source->given * 100 <= 1100); /* no further than without what waits */
    expect(trail_is(&t.trail, ""));
    weir_embedded_stall(t.embedded, false);
    weir_embedded_run(t.embedded);
    expect(trail_is(&t.trail, "body=WEIR_OK\nbehind=WEIR_OK\n"));
    expect(weir_channel_is_writable(t.channel));
    expect_sent(&t, 15000);
    life_end(&t);
}

WEIR_TEST(chunked_writer, asks_a_source_that_had_none_when_more_was_written_behind_it) {
    life t;
    begin(&t, &narrow);
    counter *source = new_counter(100, 100, NULL);
    source->pause_at = 5;
    write_source(&t, source, "body");
    weir_channel_write(t.channel, patterned(10000, 5000), life_promise(&t, "behind"));
    weir_embedded_run(t.embedded);
    expect_eq(source->given, 5); /* until it says that it has more */
    weir_embedded_stall(t.embedded, true);
    weir_chunked_writer_resume(weir_embedded_pipeline(t.embedded));
    weir_embedded_run(t.embedded);
    expect(source->given > 5 && source->given * 100 <= 500 + 700);
    weir_embedded_stall(t.embedded, false);
    weir_embedded_run(t.embedded);
    expect(trail_is(&t.trail, "body=WEIR_OK\nbehind=WEIR_OK\n"));
    expect_sent(&t, 15000);
    life_end(&t);
}

static void write_behind(void *arg) {
    life *self = arg;
    weir_channel_write(self->channel, patterned(2000, 900), NULL);
}

/* What other threads have posted counts before it is here. */
static void *post_behind(void *arg) {
    write_behind(arg);
    return NULL;
}

WEIR_TEST(chunked_writer, asks_a_source_again_when_what_was_posted_is_here) {
    life t;
    begin(&t, &narrow);
    weir_embedded_stall(t.embedded, true);
    counter *source = new_counter(20, 100, NULL);
    write_source(&t, source, "body");
    pthread_t thread;
    require(pthread_create(&thread, NULL, post_behind, &t) == 0);
    pthread_join(thread, NULL);
    weir_embedded_stall(t.embedded, false);
    weir_embedded_run(t.embedded);
    expect(trail_is(&t.trail, "body=WEIR_OK\n"));
    expect_sent(&t, 2900);
    life_end(&t);
}

WEIR_TEST(chunked_writer, may_be_removed_while_it_waits_for_room) {
    life t;
    bool freed = false;
    begin(&t, &narrow);
    weir_embedded_stall(t.embedded, true);
    write_source(&t, new_counter(100, 100, &freed), "body");
    write_behind(&t);
    weir_pipeline *pipeline = weir_embedded_pipeline(t.embedded);
    weir_pipeline_remove(weir_pipeline_find(pipeline, &weir_chunked_writer_handler));
    expect(freed);
    weir_embedded_stall(t.embedded, false);
    weir_embedded_run(t.embedded);
    expect(trail_is(&t.trail, "body=WEIR_E_CANCELED\n"));
    expect(weir_embedded_is_open(t.embedded));
    life_end(&t);
}

static weir_status build_writer(weir_pipeline *pipeline, void *arg) {
    weir_status status = build_witness(pipeline, arg);
    return status != WEIR_OK ? status : weir_chunked_writer_add(pipeline);
}

static void write_large(void *arg) {
    wire_end *wire = arg;
    weir_channel_write(atomic_load(&wire->channel), new_counter(800, 10000, NULL), NULL);
    weir_channel_close(atomic_load(&wire->channel), NULL);
}

WEIR_TEST(chunked_writer, sends_a_large_body_over_every_wire) {
    FOR_EACH_WIRE(kind) {
        wire_end wire;
        witness self = {.takes_events = true};
        weir_buf *read = self.read = weir_buf_new(0);
        wire_open(&wire, kind, NULL, build_writer, &self);
        wire_do(&wire, write_large, &wire);
        uint8_t *bytes = weir_alloc_acquire(NULL, 8000000);
        expect_eq(far_receive(&wire, bytes, 8000000), 8000000);
        expect_pattern(bytes, 8000000);
        expect(far_sees_end(&wire));
        weir_alloc_release(NULL, bytes);
        wire_shut(&wire);
        weir_buf_release(read);
    }
}

static weir_status next_if_there_is_memory(weir_chunk_source *source, weir_ctx *ctx, weir_obj **out) {
    counter *self = WEIR_CONTAINER(source, counter, source);
    (void)ctx;
    if (self->given == self->pieces) return WEIR_OK;
    if (self->given == self->pause_at) {
        self->pause_at = SIZE_MAX;
        return -EAGAIN;
    }
    weir_buf *piece = weir_buf_new(self->size);
    if (piece == NULL) return WEIR_E_NO_MEMORY;
    self->given++;
    *out = &piece->obj;
    return WEIR_OK;
}

static const weir_chunk_source_ops careful_ops = {
    .name = "careful", .next = next_if_there_is_memory, .free = free_counter};

static void drop_line(void *arg, weir_log_level level, const char *subject, const char *line) {
    (void)arg, (void)level, (void)subject, (void)line;
}

static bool write_one(void *arg) {
    (void)arg;
    weir_embedded *embedded = weir_embedded_new(NULL, NULL, NULL);
    counter *source = weir_alloc_zeroed(NULL, 1, sizeof *source);
    bool ok = embedded != NULL && source != NULL &&
              weir_chunked_writer_add(weir_embedded_pipeline(embedded)) == WEIR_OK;
    if (source != NULL) {
        *source = (counter){.pieces = 3, .size = 10, .pause_at = 1};
        weir_chunk_source_init(&source->source, &careful_ops);
        if (ok) {
            weir_channel *channel = weir_embedded_channel(embedded);
            weir_channel_write(channel, source, NULL);
            weir_embedded_run(embedded);
            weir_channel_write(channel, weir_buf_new(10), NULL); /* these two wait behind it */
            weir_channel_shutdown(channel, weir_promise_new(weir_embedded_loop(embedded)));
            weir_chunked_writer_resume(weir_embedded_pipeline(embedded));
            weir_embedded_run(embedded);
            ok = weir_embedded_is_open(embedded) && weir_embedded_is_shut(embedded);
        } else {
            weir_obj_release(source);
        }
    }
    weir_embedded_free(embedded);
    return ok;
}

WEIR_TEST(chunked_writer, loses_nothing_when_memory_runs_out) {
    weir_log_set_sink(drop_line, NULL);
    expect(weir_oom_sweep(write_one, NULL) > 5);
    weir_log_set_sink(NULL, NULL);
}
