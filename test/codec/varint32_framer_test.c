/* varint32_framer_test.c - messages behind varints; Netty's cases are in framing_vectors_test.c. */
#include <weir/buffer.h>
#include <weir/codec/varint32_decoder.h>
#include <weir/testing.h>
#include <weir/testing/decoder_check.h>
#include <weir/transport/embedded.h>

static weir_status build(weir_pipeline *pipeline, void *options) {
    return weir_varint32_decoder_add(pipeline, options);
}

static bool check(weir_varint32_options options, const char *input, size_t n, const char *expected,
                  bool ends) {
    return weir_decoder_check_run(&(weir_decoder_check){.build = build,
                                                        .arg = &options,
                                                        .input = weir_bytes_of(input, n),
                                                        .expected = expected,
                                                        .ends = ends});
}
#define LITERAL(text) (text), sizeof(text) - 1

static bool build_and_free(void *options) {
    weir_embedded *embedded = weir_embedded_new(NULL, build, options);
    weir_embedded_free(embedded);
    return embedded != NULL;
}

WEIR_TEST(varint32_framer, gives_messages_however_they_are_cut) {
    expect(check((weir_varint32_options){.max_frame_length = 9}, LITERAL("\x03one\x00\x05three"),
                 "read 3 \"one\"\nread 0 \"\"\nread 5 \"three\"\n", false));
    expect(check((weir_varint32_options){.max_frame_length = 4, .keep_length = true}, LITERAL("\x03one\x01x"),
                 "read 4 \"\\x03one\"\nread 2 \"\\x01x\"\n", false));
    char long_one[2 + 300] = "\xac\x02";
    memset(long_one + 2, 'x', 300);
    expect(check((weir_varint32_options){.max_frame_length = 302}, long_one, sizeof long_one, NULL, false));
}

WEIR_TEST(varint32_framer, refuses_what_is_too_long_however_it_is_cut) {
    for (int late = 0; late < 2; late++) {
        expect(check((weir_varint32_options){.max_frame_length = 4, .recover = true, .fail_late = late == 1},
                     LITERAL("\x03one\x04"
                             "four\x01x"),
                     "read 3 \"one\"\nerror WEIR_E_FRAME_TOO_LONG maximum=4 offset=4\nread 1 \"x\"\n",
                     false));
    }
    expect(check((weir_varint32_options){.max_frame_length = 1 << 20}, LITERAL("\xff\xff\xff\xff\x0f"),
                 "error WEIR_E_FRAME_TOO_LONG maximum=1048576 offset=0\n", false));
}

WEIR_TEST(varint32_framer, refuses_lengths_that_are_none) {
    expect(check((weir_varint32_options){.max_frame_length = 9, .recover = true},
                 LITERAL("\x01x\xff\xff\xff\xff\x10"),
                 "read 1 \"x\"\nerror WEIR_E_FRAME_CORRUPT maximum=5 offset=2\n", false));
    expect(check((weir_varint32_options){.max_frame_length = 9}, LITERAL("\x80\x80\x80\x80\x80\x01"),
                 "error WEIR_E_FRAME_CORRUPT maximum=5 offset=0\n", false));
    expect(check((weir_varint32_options){.max_frame_length = 9}, LITERAL("\x81\x00x"),
                 "error WEIR_E_FRAME_CORRUPT maximum=5 offset=0\n", false));
}

WEIR_TEST(varint32_framer, tells_of_a_stream_that_ends_inside_a_message) {
    expect(check((weir_varint32_options){.max_frame_length = 9}, LITERAL("\x03on"),
                 "error WEIR_E_EOF maximum=0 offset=0\n", true));
    expect(check((weir_varint32_options){.max_frame_length = 3, .fail_late = true}, LITERAL("\x09on"),
                 "error WEIR_E_FRAME_TOO_LONG maximum=3 offset=0\n", true));
}

WEIR_TEST(varint32_framer, needs_a_maximum) {
    expect(weir_embedded_new(NULL, build, &(weir_varint32_options){0}) == NULL);
    expect(weir_oom_sweep(build_and_free, &(weir_varint32_options){.max_frame_length = 1}) > 0);
}
