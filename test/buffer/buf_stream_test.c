/* buf_stream_test.c - stretches lent and taken back, and bytes that go by reference. */
#include <weir/testing.h>
#include <weir/testing/buf_kinds.h>

static bool reads(const weir_buf *buf, const char *text) {
    return weir_buf_equal_bytes(buf, weir_bytes_str(text));
}

static uint32_t next_random(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* ---- in --------------------------------------------------------------------------------------- */

static void check_all_of_it(weir_buf *buf, weir_bytes content) {
    weir_buf_input input;
    weir_bytes stretch;
    size_t done = 0, reader = weir_buf_reader_index(buf);
    weir_buf_input_init(&input, buf);
    while (weir_buf_input_next(&input, &stretch)) {
        expect(stretch.len > 0);
        expect_same_bytes(stretch, weir_bytes_sub(content, done, stretch.len));
        done += stretch.len;
        expect_eq(weir_buf_input_count(&input), done);
    }
    expect_eq(done, content.len);
    expect(!weir_buf_input_next(&input, &stretch));
    expect_eq(weir_buf_reader_index(buf), reader);
}

WEIR_TEST(buf_stream, input_lends_every_byte_once) {
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, weir_bytes_str("lend me all of this"), check_all_of_it);
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, weir_bytes_str(""), check_all_of_it);
}

static void check_coming_and_going(weir_buf *buf, weir_bytes content) {
    uint32_t random = 7;
    size_t at = 0;
    weir_buf_input input;
    weir_bytes stretch;
    weir_buf_input_init(&input, buf);
    for (int step = 0; step < 200 && at < content.len; step++) {
        size_t n = next_random(&random) % 5;
        if (n == 4) {
            require(weir_buf_input_next(&input, &stretch));
            expect_same_bytes(stretch, weir_bytes_sub(content, at, stretch.len));
            size_t back = next_random(&random) % (stretch.len + 1), half = back / 2;
            weir_buf_input_back_up(&input, half);
            weir_buf_input_back_up(&input, back - half);
            at += stretch.len - back;
        } else {
            bool can = n <= content.len - at;
            expect_eq(weir_buf_input_skip(&input, n), can);
            if (can) at += n;
        }
        expect_eq(weir_buf_input_count(&input), at);
        expect(!weir_buf_input_skip(&input, content.len - at + 1));
        weir_buf_input ahead = input;
        expect(weir_buf_input_skip(&ahead, content.len - at));
        expect_eq(weir_buf_input_count(&input), at);
    }
}

WEIR_TEST(buf_stream, input_backs_up_and_skips_to_any_byte) {
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, weir_bytes_str("there and back again"), check_coming_and_going);
}

WEIR_TEST(buf_stream, backing_up_more_than_was_lent_stops_the_program) {
    weir_buf *buf = weir_buf_wrap_const("abc", 3), *sink = weir_buf_new(8);
    weir_pool *pool = weir_pool_new(NULL);
    weir_buf_input input;
    weir_buf_output output;
    weir_bytes stretch;
    size_t len = 0;
    weir_buf_input_init(&input, buf);
    expect_abort(weir_buf_input_back_up(&input, 1), "1 bytes were backed up of a stretch of 0");
    expect(weir_buf_input_next(&input, &stretch));
    weir_buf_input_back_up(&input, 2);
    expect_abort(weir_buf_input_back_up(&input, 2), "2 bytes were backed up of a stretch of 1");
    weir_buf_output_init(&output, sink, NULL, 0);
    expect(weir_buf_output_next(&output, &len) != NULL);
    expect_abort(weir_buf_output_back_up(&output, len + 1), "were backed up");
    weir_buf_output_back_up(&output, len);
    expect_abort(weir_buf_output_back_up(&output, 1), "of a stretch of 0");
    expect_abort(weir_buf_output_init(&output, sink, pool, 0), "blocks of a pool need a composite");
    weir_buf_release(sink);
    weir_buf_release(buf);
    weir_pool_free(pool);
}

/* ---- out -------------------------------------------------------------------------------------- */

/* Streams 'a', 'b', ... in uneven pieces behind what `buf` has. */
static void stream_letters(weir_buf *buf, weir_pool *pool, size_t block, size_t total) {
    weir_buf_output output;
    uint32_t random = (uint32_t)block;
    size_t done = 0;
    weir_buf_output_init(&output, buf, pool, block);
    while (done < total) {
        size_t len = 0;
        uint8_t *room = weir_buf_output_next(&output, &len);
        require(room != NULL && len > 0);
        size_t used = next_random(&random) % (len + 1);
        if (used > total - done) used = total - done;
        for (size_t i = 0; i < used; i++) room[i] = (uint8_t)('a' + (done + i) % 26);
        done += used;
        if (used < len) weir_buf_output_back_up(&output, len - used);
        expect_eq(weir_buf_output_count(&output), done);
    }
    expect_status(weir_buf_output_finish(&output), WEIR_OK);
    expect_eq(weir_buf_output_count(&output), total);
}

static bool ends_with_letters(const weir_buf *buf, size_t from, size_t total) {
    for (size_t i = 0; i < total; i++) {
        uint8_t byte = 0;
        size_t at = weir_buf_reader_index(buf) + from + i;
        if (!weir_buf_get_u8(buf, at, &byte) || byte != 'a' + i % 26) return false;
    }
    return weir_buf_readable(buf) == from + total;
}

static void check_output(weir_buf *buf, weir_bytes content) {
    stream_letters(buf, NULL, 37, 500);
    expect(ends_with_letters(buf, content.len, 500));
    weir_buf_write_u8(buf, 'a' + 500 % 26);
    expect(ends_with_letters(buf, content.len, 501));
}

WEIR_TEST(buf_stream, output_appends_to_whatever_grows) {
    weir_buf_kinds_each(WEIR_BUF_KIND_GROWS, weir_bytes_str("before"), check_output);
}

WEIR_TEST(buf_stream, output_makes_parts_of_the_blocks_of_a_pool) {
    weir_pool *pool = weir_pool_new(NULL);
    weir_buf *composite = weir_buf_composite_new();
    weir_buf_write_str(composite, "before");
    stream_letters(composite, pool, 64, 1000);
    expect(ends_with_letters(composite, 6, 1000));
    weir_pool_stats stats;
    weir_pool_get_stats(pool, &stats);
    expect(stats.gets >= 1000 / weir_pool_good_size(pool, 64));
    expect_eq(weir_buf_composite_count(composite), 1 + stats.gets);
    weir_buf_release(composite);
    weir_pool_free(pool);
}

WEIR_TEST(buf_stream, a_stretch_that_nobody_backs_up_is_full) {
    weir_buf *buf = weir_buf_new_limited(4, 10);
    weir_buf_output output;
    size_t len = 0, sum = 0;
    uint8_t *room;
    weir_buf_output_init(&output, buf, NULL, 0);
    while ((room = weir_buf_output_next(&output, &len)) != NULL) {
        memset(room, 'x', len);
        sum += len;
    }
    expect_eq(len, 0u);
    expect_eq(sum, 10u);
    expect_status(weir_buf_output_finish(&output), WEIR_E_FULL);
    expect(reads(buf, "xxxxxxxxxx"));
    weir_buf_release(buf);
}

/* ---- by reference ----------------------------------------------------------------------------- */

static void check_reference(weir_buf *buf, weir_bytes content) {
    weir_buf *out = weir_buf_composite_new();
    weir_bytes first = weir_buf_peek(buf);
    for (size_t len = 1; len <= first.len; len++) {
        weir_buf_write_ref(out, buf, weir_bytes_sub(first, first.len - len, len), 1);
        size_t last = weir_buf_composite_count(out) - 1;
        expect(weir_buf_composite_part(out, last, NULL).ptr == first.ptr + first.len - len);
        expect_same_bytes(weir_buf_composite_part(out, last, NULL),
                          weir_bytes_sub(first, first.len - len, len));
    }
    (void)content;
    weir_buf_release(out);
}

WEIR_TEST(buf_stream, bytes_of_the_source_go_by_reference) {
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, weir_bytes_str("refer to me"), check_reference);
}

WEIR_TEST(buf_stream, short_and_strange_bytes_are_copied) {
    weir_buf *source = weir_buf_wrap_const("0123456789", 10), *out = weir_buf_composite_new();
    weir_bytes bytes = weir_buf_peek(source);
    weir_buf_skip(source, 1);
    weir_buf_write_ref(out, source, weir_bytes_sub(bytes, 2, 3), 4);
    weir_buf_write_ref(out, source, weir_bytes_str("elsewhere"), 4);
    weir_buf_write_ref(out, source, weir_bytes_sub(bytes, 0, 5), 4);
    weir_buf_write_ref(out, NULL, bytes, 0);
    weir_buf_write_ref(out, source, weir_bytes_of(NULL, 0), 0);
    expect_eq(weir_buf_composite_count(out), 1u);
    weir_buf_write_ref(out, source, weir_bytes_sub(bytes, 2, 4), 4);
    expect_eq(weir_buf_composite_count(out), 2u);
    weir_buf_release(source);
    expect(reads(out, "234elsewhere0123401234567892345"));
    weir_buf_release(out);
}

/* ---- without memory --------------------------------------------------------------------------- */

static bool streams(void *arg) {
    weir_pool *pool = *(bool *)arg ? weir_pool_new(NULL) : NULL;
    weir_buf *composite = weir_buf_composite_new(), *source = weir_buf_new(100);
    bool did_all = composite != NULL && source != NULL && (pool != NULL || !*(bool *)arg);
    if (did_all) {
        weir_buf_output output;
        size_t len = 0, asked = 0;
        weir_buf_output_init(&output, composite, pool, 512);
        for (int i = 0; i < 12 && did_all; i++) {
            uint8_t *room = weir_buf_output_next(&output, &len);
            did_all = room != NULL;
            if (room != NULL) memset(room, i, len);
            asked += len;
        }
        did_all = weir_buf_output_finish(&output) == WEIR_OK && did_all;
        expect_eq(weir_buf_status(composite) == WEIR_OK, did_all);
        expect(weir_buf_readable(composite) <= asked);
        weir_buf_write_fill(source, 'x', 100);
        weir_buf_write_ref(composite, source, weir_buf_peek(source), 1);
        if (weir_buf_status(composite) != WEIR_OK) did_all = false;
    }
    weir_buf_release(source);
    weir_buf_release(composite);
    weir_pool_free(pool);
    return did_all;
}

WEIR_TEST(buf_stream, streams_without_memory_stick_their_failure) {
    bool has_pool = false;
    weir_oom_sweep(streams, &has_pool);
    has_pool = true;
    weir_oom_sweep(streams, &has_pool);
}
