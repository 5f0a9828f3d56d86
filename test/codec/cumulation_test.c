/* cumulation_test.c - chunks linked and let go, and decode functions held to their contract.
 *
 * The decode function here is the simplest framing there is: a byte n, then n bytes.
 */
#include <weir/buffer.h>
#include <weir/codec/cumulation.h>
#include <weir/testing.h>

#include "codec/frames.h"

static weir_decode decode_counted(void *state, weir_buf *in, weir_obj **out, weir_error *error) {
    (void)state;
    uint8_t n = 0;
    if (!weir_buf_peek_u8(in, &n) || weir_buf_readable(in) < 1u + n) return WEIR_DECODE_MORE;
    weir_buf *frame = weir_buf_slice(in, 1, n);
    if (frame == NULL) return weir_decode_fail(error, WEIR_E_NO_MEMORY, "frame", n, 0);
    weir_buf_skip(in, 1u + n);
    *out = &frame->obj;
    return WEIR_DECODE_AGAIN;
}

static frames counted(const weir_decoder_options *options) {
    frames self;
    frames_init(&self, decode_counted, NULL, NULL, options);
    return self;
}

static int chunks_freed;

static void count_free(void *arg, void *ptr, size_t len) {
    (void)arg, (void)ptr, (void)len;
    chunks_freed++;
}

static weir_buf *counted_chunk(uint8_t *memory, size_t n) {
    weir_buf *buf = weir_buf_wrap(memory, n, count_free, NULL);
    require(buf != NULL);
    return buf;
}

/* `n` bytes of frames of 99 bytes each, from `skip` bytes into the first. */
static void fill_with_frames(uint8_t *memory, size_t n, size_t skip) {
    for (size_t i = 0; i < n; i++) memory[i] = (i + skip) % 100 == 0 ? 99 : 'x';
}

/* ---- where the bytes are ---- */

WEIR_TEST(cumulation, decodes_one_chunk_in_place) {
    frames self = counted(NULL);
    uint8_t memory[] = {1, 'a', 2, 'b', 'c'};
    frames_feed_buf(&self, counted_chunk(memory, sizeof memory));
    expect_str(frames_take_log(&self), "\"a\"\n\"bc\"\n");
    expect(weir_buf_peek(self.last).ptr == memory + 3);
    expect_eq(self.composites, 0);
    expect_eq(self.bytes.copied, 0);
    expect_eq(self.bytes.offset, sizeof memory);
    expect(self.bytes.in == NULL);
    frames_clear(&self);
}

WEIR_TEST(cumulation, gives_a_frame_across_chunks_without_copying) {
    frames self = counted(NULL);
    static uint8_t first[300], second[300];
    fill_with_frames(first, sizeof first, 50);
    fill_with_frames(second, sizeof second, 350);
    first[0] = 49; /* the first 50 bytes are a frame too */
    frames_feed_buf(&self, counted_chunk(first, sizeof first));
    expect_eq(self.bytes.in == NULL ? 0 : weir_buf_readable(self.bytes.in), 50);
    frames_feed_buf(&self, counted_chunk(second, sizeof second));
    expect_eq(self.composites, 1);
    expect_eq(self.bytes.copied, 0);
    frames_clear(&self);
}

WEIR_TEST(cumulation, decodes_in_place_again_behind_a_frame_across_chunks) {
    frames self = counted(NULL);
    static uint8_t first[340], second[280];
    fill_with_frames(first, sizeof first, 0);
    fill_with_frames(second, sizeof second, sizeof first);
    frames_feed_buf(&self, counted_chunk(first, sizeof first));
    frames_feed_buf(&self, counted_chunk(second, sizeof second));
    expect_eq(self.composites, 1);
    expect(!weir_buf_is_composite(self.last));
    expect(weir_buf_peek(self.last).ptr == second + 161);
    expect(!weir_buf_is_composite(self.bytes.in));
    expect_eq(weir_buf_readable(self.bytes.in), 20);
    expect_eq(self.bytes.offset, 600);
    frames_clear(&self);
}

WEIR_TEST(cumulation, lets_a_chunk_go_when_it_is_read) {
    chunks_freed = 0;
    frames self = counted(NULL);
    static uint8_t chunks[3][300];
    for (size_t i = 0; i < 3; i++) fill_with_frames(chunks[i], 300, 300 * i + 50);
    chunks[0][0] = 49;
    for (size_t i = 0; i < 3; i++) {
        frames_feed_buf(&self, counted_chunk(chunks[i], 300));
        weir_buf_release(self.last);
        self.last = NULL;
        expect_eq(chunks_freed, i);
    }
    frames_clear(&self);
    expect_eq(chunks_freed, 3);
}

WEIR_TEST(cumulation, keeps_a_chunk_alive_as_long_as_a_frame_of_it) {
    chunks_freed = 0;
    frames self = counted(NULL);
    uint8_t memory[] = {1, 'a'};
    frames_feed_buf(&self, counted_chunk(memory, sizeof memory));
    expect(self.bytes.in == NULL);
    expect_eq(chunks_freed, 0);
    expect_bytes(weir_buf_peek(self.last), "a");
    frames_clear(&self);
    expect_eq(chunks_freed, 1);
}

WEIR_TEST(cumulation, lets_read_parts_of_a_composite_go) {
    chunks_freed = 0;
    frames self = counted(NULL);
    uint8_t first[] = {1, 'a'}, second[] = {2, 'b'};
    weir_buf *both = weir_buf_composite_new();
    require(weir_buf_composite_append(both, counted_chunk(first, 2)) == WEIR_OK);
    require(weir_buf_composite_append(both, counted_chunk(second, 2)) == WEIR_OK);
    frames_feed_buf(&self, both);
    weir_buf_release(self.last);
    self.last = NULL;
    expect_eq(chunks_freed, 1);
    frames_feed_str(&self, "c");
    expect_str(frames_take_log(&self), "\"a\"\n\"bc\"\n");
    frames_clear(&self);
}

WEIR_TEST(cumulation, copies_small_chunks_together) {
    chunks_freed = 0;
    frames self = counted(NULL);
    static uint8_t memory[200];
    memory[0] = 199;
    for (size_t i = 0; i < 199; i++) frames_feed_buf(&self, counted_chunk(memory + i, 1));
    expect_eq(chunks_freed, 198); /* all but the first */
    expect_eq(self.bytes.copied, 198);
    expect(weir_buf_composite_count(self.bytes.in) <= 3);
    frames_feed_buf(&self, counted_chunk(memory + 199, 1));
    expect_eq(weir_buf_readable(self.last), 199);
    frames_clear(&self);
}

WEIR_TEST(cumulation, copies_a_small_chunk_into_the_room_of_the_one_before) {
    chunks_freed = 0;
    frames self = counted(NULL);
    uint8_t memory[] = {3, 'a', 0, 0};
    weir_buf *roomy = counted_chunk(memory, sizeof memory);
    weir_buf_set_positions(roomy, 0, 2);
    frames_feed_buf(&self, roomy);
    frames_feed_str(&self, "bc");
    expect_str(frames_take_log(&self), "\"abc\"\n");
    expect(weir_buf_peek(self.last).ptr == memory + 1);
    expect_eq(self.composites, 0);
    expect_eq(self.bytes.copied, 2);
    frames_clear(&self);
}

WEIR_TEST(cumulation, leaves_the_room_of_a_chunk_alone_that_others_see) {
    frames self = counted(NULL);
    uint8_t memory[] = {3, 'a', 'x', 'y'};
    weir_buf *shared = counted_chunk(memory, sizeof memory);
    frames_feed_buf(&self, weir_buf_slice(shared, 0, 2));
    frames_feed_str(&self, "bc");
    expect_str(frames_take_log(&self), "\"abc\"\n");
    frames_clear(&self);

    self = counted(NULL);
    weir_buf_set_positions(shared, 0, 2);
    frames_feed_buf(&self, weir_buf_retain(shared));
    frames_feed_str(&self, "bc");
    expect_str(frames_take_log(&self), "\"abc\"\n");
    frames_clear(&self);
    expect_eq(memory[2], 'x');
    expect_eq(memory[3], 'y');
    weir_buf_release(shared);
}

WEIR_TEST(cumulation, leaves_frames_alone_that_were_given_out_of_a_chain) {
    frames self = counted(NULL);
    frames_feed_str(&self, "\x03");
    frames_feed_str(&self, "abc\x03");
    weir_buf *kept = weir_buf_retain(self.last);
    frames_feed_str(&self, "xyz\x02");
    frames_feed_str(&self, "..");
    expect(weir_buf_equal_bytes(kept, weir_bytes_str("abc")));
    weir_buf_release(kept);
    frames_clear(&self);
}

WEIR_TEST(cumulation, makes_a_frame_contiguous_by_one_counted_copy_when_asked) {
    frames self = counted(&(weir_decoder_options){.contiguous = true});
    static uint8_t first[300], second[300];
    fill_with_frames(first, sizeof first, 50);
    fill_with_frames(second, sizeof second, 350);
    first[0] = 49;
    frames_feed_buf(&self, counted_chunk(first, 300));
    frames_feed_buf(&self, counted_chunk(second, 55));
    expect_eq(self.bytes.copied, 55 + 99); /* a small chunk, and the frame across */
    expect_eq(self.composites, 0);
    expect_eq(weir_buf_peek(self.last).len, 99);
    frames_clear(&self);
}

WEIR_TEST(cumulation, hands_over_what_is_not_decoded) {
    frames self = counted(NULL);
    frames_feed_str(&self, "\x01"
                           "a"
                           "\x05"
                           "bc");
    weir_buf *rest = weir_cumulation_take(&self.bytes);
    expect(weir_buf_equal_bytes(rest, weir_bytes_str("\x05"
                                                     "bc")));
    expect(weir_cumulation_take(&self.bytes) == NULL);
    weir_buf_release(rest);
    frames_clear(&self);
}

/* ---- the contract ---- */

static weir_decode make_out_of_nothing(void *state, weir_buf *in, weir_obj **out, weir_error *error) {
    (void)state, (void)in, (void)error;
    *out = &weir_buf_empty()->obj;
    return WEIR_DECODE_AGAIN;
}

static weir_decode answer_again(void *state, weir_buf *in, weir_obj **out, weir_error *error) {
    (void)state, (void)in, (void)out, (void)error;
    return WEIR_DECODE_AGAIN;
}

WEIR_TEST(cumulation, stops_a_decoder_that_does_not_consume) {
    weir_decode_fn *bad[] = {make_out_of_nothing, answer_again};
    for (size_t i = 0; i < 2; i++) {
        frames self;
        frames_init(&self, bad[i], NULL, NULL, NULL);
        frames_feed_str(&self, "abc");
        expect_str(frames_take_log(&self), "WEIR_E_DECODER_STUCK decoder 0/0 @0\n");
        expect(self.bytes.stopped);
        frames_clear(&self);
    }
}

static weir_decode give_without_again(void *state, weir_buf *in, weir_obj **out, weir_error *error) {
    (void)state, (void)error;
    weir_buf_skip(in, 1);
    *out = &weir_buf_empty()->obj;
    return WEIR_DECODE_MORE;
}

WEIR_TEST(cumulation, aborts_when_an_object_comes_with_another_answer_than_again) {
    expect_abort(
        {
            frames self;
            frames_init(&self, give_without_again, NULL, NULL, NULL);
            frames_feed_str(&self, "abc");
        },
        "gave an object without AGAIN");
}

static weir_decode fail_at_bang(void *state, weir_buf *in, weir_obj **out, weir_error *error) {
    (void)state, (void)out;
    uint8_t byte = 0;
    if (!weir_buf_peek_u8(in, &byte)) return WEIR_DECODE_MORE;
    if (byte == '!') return weir_decode_fail(error, WEIR_E_FRAME_CORRUPT, "bang", byte, 7);
    weir_buf_skip(in, 1);
    return WEIR_DECODE_AGAIN;
}

WEIR_TEST(cumulation, decodes_nothing_after_a_failure) {
    chunks_freed = 0;
    frames self;
    frames_init(&self, fail_at_bang, NULL, NULL, NULL);
    frames_feed_str(&self, "ab");
    frames_feed_str(&self, "c!d");
    expect_str(frames_take_log(&self), "WEIR_E_FRAME_CORRUPT bang 33/7 @3\n");
    uint8_t more[] = "more";
    frames_feed_buf(&self, counted_chunk(more, 4));
    frames_end(&self);
    expect_str(frames_take_log(&self), "");
    expect_eq(chunks_freed, 1);
    frames_clear(&self);
}

WEIR_TEST(cumulation, ignores_empty_bufs) {
    frames self = counted(NULL);
    frames_feed_buf(&self, weir_buf_empty());
    expect(self.bytes.in == NULL);
    frames_feed_str(&self, "\x01");
    frames_feed_str(&self, "");
    frames_feed_str(&self, "a");
    expect_str(frames_take_log(&self), "\"a\"\n");
    frames_clear(&self);
}

WEIR_TEST(cumulation, stops_at_a_hole_in_the_stream) {
    frames self = counted(NULL);
    frames_feed_str(&self, "\x02"
                           "a");
    frames_feed_buf(&self, NULL);
    expect_str(frames_take_log(&self), "add: WEIR_E_NO_MEMORY\n");
    frames_feed_str(&self, "b");
    expect_str(frames_take_log(&self), "");
    frames_clear(&self);

    self = counted(NULL);
    weir_buf *failed = frames_buf("abc", 3);
    weir_buf_fail(failed, WEIR_E_FULL);
    frames_feed_buf(&self, failed);
    expect_str(frames_take_log(&self), "add: WEIR_E_FULL\n");
    expect(self.bytes.stopped);
    frames_clear(&self);
}

/* ---- the end ---- */

WEIR_TEST(cumulation, tells_of_a_stream_that_ends_inside_a_frame) {
    frames self = counted(NULL);
    frames_feed_str(&self, "\x01"
                           "a"
                           "\x05"
                           "bc");
    frames_end(&self);
    expect_str(frames_take_log(&self), "\"a\"\nWEIR_E_EOF frame 3/0 @2\n");
    frames_end(&self);
    expect_str(frames_take_log(&self), "");
    frames_clear(&self);
}

WEIR_TEST(cumulation, drops_a_partial_frame_silently_when_asked) {
    frames self = counted(&(weir_decoder_options){.ignore_partial = true});
    frames_feed_str(&self, "\x05"
                           "bc");
    frames_end(&self);
    expect_str(frames_take_log(&self), "");
    expect(self.bytes.in == NULL);
    frames_clear(&self);
}

WEIR_TEST(cumulation, lets_the_end_make_an_object_out_of_nothing_once) {
    frames self;
    frames_init(&self, decode_counted, make_out_of_nothing, NULL, NULL);
    frames_end(&self);
    expect_str(frames_take_log(&self), "\"\"\n");
    frames_clear(&self);

    frames_init(&self, decode_counted, make_out_of_nothing, NULL, NULL);
    frames_feed_str(&self, "\x05");
    frames_end(&self);
    expect_str(frames_take_log(&self), "WEIR_E_DECODER_STUCK decoder 0/0 @0\n");
    frames_clear(&self);
}

/* ---- out of memory ---- */

static bool decode_with_little_memory(void *contiguous) {
    weir_cumulation bytes;
    weir_cumulation_init(&bytes, &(weir_decoder_options){.contiguous = contiguous != NULL});
    static uint8_t memory[3000];
    fill_with_frames(memory, sizeof memory, 0);
    size_t given = 0;
    for (size_t at = 0; at < sizeof memory; at += 270) {
        size_t n = sizeof memory - at < 270 ? sizeof memory - at : 270;
        weir_buf *chunk = weir_buf_new(n);
        if (chunk != NULL) weir_buf_write_bytes(chunk, memory + at, n);
        (void)weir_cumulation_add(&bytes, chunk);
        weir_obj *out;
        weir_error error;
        while (weir_cumulation_next(&bytes, decode_counted, NULL, &out, &error) == WEIR_DECODE_AGAIN) {
            given++;
            weir_obj_release(out);
        }
    }
    weir_cumulation_clear(&bytes);
    return given == sizeof memory / 100;
}

WEIR_TEST(cumulation, survives_every_failing_allocation) {
    expect(weir_oom_sweep(decode_with_little_memory, NULL) > 0);
    expect(weir_oom_sweep(decode_with_little_memory, "contiguous") > 0);
}
