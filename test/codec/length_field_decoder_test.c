/* length_field_decoder_test.c - the length-field decoder in a pipeline, however its input is cut. */
#include <weir/codec/length_field_decoder.h>
#include <weir/testing.h>
#include <weir/testing/decoder_check.h>
#include <weir/transport/embedded.h>

static weir_status build(weir_pipeline *pipeline, void *options) {
    return weir_length_field_decoder_add(pipeline, options);
}

static bool check_frames(weir_length_field_options options, weir_bytes input, const char *expected,
                         bool ends) {
    return weir_decoder_check_run(&(weir_decoder_check){
        .build = build,
        .arg = &options,
        .input = input,
        .expected = expected,
        .ends = ends,
    });
}

#define BYTES(literal) weir_bytes_of("" literal, sizeof("" literal) - 1)

WEIR_TEST(length_field_decoder, gives_the_same_frames_however_they_are_cut) {
    weir_length_field_options options = {
        .max_frame_length = 20, .length_field_length = 2, .initial_bytes_to_strip = 2};
    weir_bytes input = BYTES("\0\5hello\0\0\0\1!\0\x12twenty bytes long!");
    const char *expected = "read 5 \"hello\"\nread 0 \"\"\nread 1 \"!\"\nread 18 \"twenty bytes long!\"\n";
    expect(check_frames(options, input, expected, false));
    options.decoder.contiguous = true;
    expect(check_frames(options, input, expected, false));
}

WEIR_TEST(length_field_decoder, gives_the_same_frames_with_header_trailer_and_adjustment) {
    weir_length_field_options options = {.max_frame_length = 20,
                                         .length_field_offset = 1,
                                         .length_field_length = 3,
                                         .length_adjustment = 2,
                                         .initial_bytes_to_strip = 4,
                                         .little_endian = true};
    expect(
        check_frames(options, BYTES("h\1\0\0abcH\3\0\0hello"), "read 3 \"abc\"\nread 5 \"hello\"\n", false));
}

WEIR_TEST(length_field_decoder, refuses_the_same_frames_however_they_are_cut) {
    weir_length_field_options options = {.max_frame_length = 4, .length_field_length = 1, .recover = true};
    weir_bytes input = BYTES("\3one\7toolong\3two\4four\3six");
    const char *expected = "read 4 \"\\x03one\"\nerror WEIR_E_FRAME_TOO_LONG maximum=4 offset=4\n"
                           "read 4 \"\\x03two\"\nerror WEIR_E_FRAME_TOO_LONG maximum=4 offset=16\n"
                           "read 4 \"\\x03six\"\n";
    expect(check_frames(options, input, expected, false));
    options.fail_late = true;
    expect(check_frames(options, input, expected, false));
}

WEIR_TEST(length_field_decoder, stops_at_the_same_place_however_the_stream_is_cut) {
    weir_length_field_options options = {
        .max_frame_length = 9, .length_field_length = 2, .length_adjustment = -2};
    expect(check_frames(options, BYTES("\0\4ab\0\1and more"),
                        "read 4 \"\\x00\\x04ab\"\nerror WEIR_E_FRAME_CORRUPT maximum=9 offset=4\n", false));
    expect(check_frames(options, BYTES("\0\4ab\0\5x"),
                        "read 4 \"\\x00\\x04ab\"\nerror WEIR_E_EOF maximum=0 offset=4\n", true));
}

WEIR_TEST(length_field_decoder, is_not_built_with_options_that_make_no_sense) {
    expect(weir_embedded_new(NULL, build, &(weir_length_field_options){.max_frame_length = 9}) == NULL);
}

static bool build_and_free(void *options) {
    weir_embedded *embedded = weir_embedded_new(NULL, build, options);
    weir_embedded_free(embedded);
    return embedded != NULL;
}

WEIR_TEST(length_field_decoder, is_built_whole_or_not_at_all) {
    weir_length_field_options options = {.max_frame_length = 9, .length_field_length = 1};
    expect(weir_oom_sweep(build_and_free, &options) > 0);
}
