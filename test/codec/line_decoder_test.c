/* line_decoder_test.c - the line decoder in a pipeline, however its input is cut. */
#include <weir/codec/line_decoder.h>
#include <weir/testing.h>
#include <weir/testing/decoder_check.h>
#include <weir/transport/embedded.h>

static weir_status build(weir_pipeline *pipeline, void *options) {
    return weir_line_decoder_add(pipeline, options);
}

static bool check_lines(weir_line_options options, const char *input, const char *expected, bool ends) {
    return weir_decoder_check_run(&(weir_decoder_check){
        .build = build,
        .arg = &options,
        .input = weir_bytes_str(input),
        .expected = expected,
        .ends = ends,
    });
}

WEIR_TEST(line_decoder, gives_the_same_lines_however_they_are_cut) {
    const char *input = "first\r\nsecond\n\n\r\nfi\rfth\r\r\n0123456789abcdef\r\n\xff\n";
    expect(
        check_lines((weir_line_options){.max_length = 16}, input,
                    "read 5 \"first\"\nread 6 \"second\"\nread 0 \"\"\nread 0 \"\"\nread 7 \"fi\\rfth\\r\"\n"
                    "read 16 \"0123456789abcdef\"\nread 1 \"\\xff\"\n",
                    false));
    expect(
        check_lines((weir_line_options){.max_length = 16, .decoder.contiguous = true}, input,
                    "read 5 \"first\"\nread 6 \"second\"\nread 0 \"\"\nread 0 \"\"\nread 7 \"fi\\rfth\\r\"\n"
                    "read 16 \"0123456789abcdef\"\nread 1 \"\\xff\"\n",
                    false));
    expect(check_lines((weir_line_options){.max_length = 16, .keep_delimiter = true}, "one\r\ntwo\n\r\n",
                       "read 5 \"one\\r\\n\"\nread 4 \"two\\n\"\nread 2 \"\\r\\n\"\n", false));
}

/* Long enough for pieces that are linked, not copied; each line differs from the others. */
WEIR_TEST(line_decoder, gives_the_same_long_lines_however_they_are_cut) {
    static const size_t lengths[] = {700, 3, 1200, 0, 255, 256, 257, 900};
    char input[8000];
    size_t n = 0;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        for (size_t j = 0; j < lengths[i]; j++) input[n + j] = (char)('a' + (j + i) % 23);
        n += lengths[i];
        input[n++] = '\n';
    }
    input[n] = '\0';
    for (int contiguous = 0; contiguous < 2; contiguous++) {
        weir_line_options options = {.max_length = 1200, .decoder.contiguous = contiguous == 1};
        expect(check_lines(options, input, NULL, false));
    }
}

WEIR_TEST(line_decoder, refuses_the_same_lines_however_they_are_cut) {
    const char *input = "one\nmuch too long\r\ntwo\r\nlonger\nfour\r\n";
    for (int late = 0; late < 2; late++) {
        weir_test_context("fail late %d", late);
        expect(check_lines((weir_line_options){.max_length = 4, .recover = true, .fail_late = late == 1},
                           input,
                           "read 3 \"one\"\nerror WEIR_E_FRAME_TOO_LONG maximum=4 offset=4\nread 3 \"two\"\n"
                           "error WEIR_E_FRAME_TOO_LONG maximum=4 offset=24\nread 4 \"four\"\n",
                           false));
        expect(check_lines((weir_line_options){.max_length = 4, .fail_late = late == 1}, input,
                           "read 3 \"one\"\nerror WEIR_E_FRAME_TOO_LONG maximum=4 offset=4\n", false));
    }
}

WEIR_TEST(line_decoder, treats_the_last_line_the_same_however_it_is_cut) {
    expect(check_lines((weir_line_options){.max_length = 9, .accept_last = true}, "one\r\ntwo\nlast",
                       "read 3 \"one\"\nread 3 \"two\"\nread 4 \"last\"\n", true));
    expect(check_lines((weir_line_options){.max_length = 9}, "one\r\ntwo\nlast",
                       "read 3 \"one\"\nread 3 \"two\"\nerror WEIR_E_EOF maximum=0 offset=9\n", true));
    expect(check_lines((weir_line_options){.max_length = 3, .fail_late = true}, "one\r\ntwo\nlast",
                       "read 3 \"one\"\nread 3 \"two\"\nerror WEIR_E_FRAME_TOO_LONG maximum=3 offset=9\n",
                       true));
}

WEIR_TEST(line_decoder, is_not_built_without_a_maximum) {
    expect(weir_embedded_new(NULL, build, &(weir_line_options){0}) == NULL);
}

static bool build_and_free(void *options) {
    weir_embedded *embedded = weir_embedded_new(NULL, build, options);
    weir_embedded_free(embedded);
    return embedded != NULL;
}

WEIR_TEST(line_decoder, is_built_whole_or_not_at_all) {
    expect(weir_oom_sweep(build_and_free, &(weir_line_options){.max_length = 1}) > 0);
}
