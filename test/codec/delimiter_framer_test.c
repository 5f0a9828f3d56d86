/* delimiter_framer_test.c - frames between delimiters; Netty's cases are in framing_vectors_test.c. */
#include <weir/buffer.h>
#include <weir/codec/delimiter_decoder.h>
#include <weir/testing.h>
#include <weir/testing/decoder_check.h>
#include <weir/transport/embedded.h>

#define DELIMITERS(...)                                                                                      \
    .delimiters = (weir_bytes[]){__VA_ARGS__},                                                               \
    .count = sizeof((weir_bytes[]){__VA_ARGS__}) / sizeof(weir_bytes)

static weir_bytes str(const char *text) {
    return weir_bytes_str(text);
}

static weir_status build(weir_pipeline *pipeline, void *options) {
    return weir_delimiter_decoder_add(pipeline, options);
}

static bool check(weir_delimiter_options options, const char *input, const char *expected, bool ends) {
    return weir_decoder_check_run(&(weir_decoder_check){
        .build = build, .arg = &options, .input = weir_bytes_str(input), .expected = expected, .ends = ends});
}

WEIR_TEST(delimiter_framer, ends_a_frame_at_one_byte) {
    expect(check((weir_delimiter_options){.max_length = 5, DELIMITERS(str(";"))}, "one;;three;",
                 "read 3 \"one\"\nread 0 \"\"\nread 5 \"three\"\n", false));
}

WEIR_TEST(delimiter_framer, ends_a_frame_at_the_first_delimiter_that_is_complete) {
    expect(check((weir_delimiter_options){.max_length = 9, DELIMITERS(str("||"), str("--8<--"), str("\n"))},
                 "one||t|wo\n--8<--three--8<--",
                 "read 3 \"one\"\nread 4 \"t|wo\"\nread 0 \"\"\nread 5 \"three\"\n", false));
    expect(check((weir_delimiter_options){.max_length = 9, DELIMITERS(str("abcd"), str("c"))}, "xabcd|c",
                 "read 3 \"xab\"\nread 2 \"d|\"\n", false));
}

WEIR_TEST(delimiter_framer, takes_the_longest_of_those_that_end_at_one_place) {
    for (int swapped = 0; swapped < 2; swapped++) {
        expect(check(
            (weir_delimiter_options){.max_length = 9,
                                     DELIMITERS(str(swapped ? "\n" : "\r\n"), str(swapped ? "\r\n" : "\n"))},
            "one\r\ntwo\nthr\ree\r\n", "read 3 \"one\"\nread 3 \"two\"\nread 6 \"thr\\ree\"\n", false));
    }
}

WEIR_TEST(delimiter_framer, keeps_the_delimiter_when_asked) {
    expect(check((weir_delimiter_options){.max_length = 3, .keep_delimiter = true, DELIMITERS(str("--"))},
                 "one--two--", "read 5 \"one--\"\nread 5 \"two--\"\n", false));
}

WEIR_TEST(delimiter_framer, refuses_what_is_too_long_however_it_is_cut) {
    for (int late = 0; late < 2; late++) {
        expect(check(
            (weir_delimiter_options){
                .max_length = 4, .recover = true, .fail_late = late == 1, DELIMITERS(str("<>"), str("--->"))},
            "four<>much too long--->one<>fives<>two--->",
            "read 4 \"four\"\nerror WEIR_E_FRAME_TOO_LONG maximum=4 offset=6\nread 3 \"one\"\n"
            "error WEIR_E_FRAME_TOO_LONG maximum=4 offset=28\nread 3 \"two\"\n",
            false));
        expect(check((weir_delimiter_options){.max_length = 4, .fail_late = late == 1, DELIMITERS(str(";"))},
                     "one;fives;two;", "read 3 \"one\"\nerror WEIR_E_FRAME_TOO_LONG maximum=4 offset=4\n",
                     false));
    }
}

WEIR_TEST(delimiter_framer, treats_the_end_of_the_stream_as_asked) {
    expect(check((weir_delimiter_options){.max_length = 4, .accept_last = true, DELIMITERS(str("--"))},
                 "one--two-", "read 3 \"one\"\nread 4 \"two-\"\n", true));
    expect(check((weir_delimiter_options){.max_length = 4, DELIMITERS(str("--"))}, "one--two",
                 "read 3 \"one\"\nerror WEIR_E_EOF maximum=0 offset=5\n", true));
    expect(check((weir_delimiter_options){.max_length = 2, .fail_late = true, DELIMITERS(str("--"))},
                 "--three", "read 0 \"\"\nerror WEIR_E_FRAME_TOO_LONG maximum=2 offset=2\n", true));
}

WEIR_TEST(delimiter_framer, is_not_made_of_nonsense) {
    weir_delimiter_framer framer;
    const weir_bytes one = weir_bytes_str("x"), with_empty[] = {one, {0}};
    expect_status(weir_delimiter_framer_init(&framer, &(weir_delimiter_options){.max_length = 1}),
                  WEIR_E_INVALID);
    expect_status(
        weir_delimiter_framer_init(&framer, &(weir_delimiter_options){.delimiters = &one, .count = 1}),
        WEIR_E_INVALID);
    expect_status(
        weir_delimiter_framer_init(
            &framer, &(weir_delimiter_options){.max_length = 1, .delimiters = with_empty, .count = 2}),
        WEIR_E_INVALID);
}

static bool build_and_free(void *options) {
    weir_embedded *embedded = weir_embedded_new(NULL, build, options);
    weir_embedded_free(embedded);
    return embedded != NULL;
}

WEIR_TEST(delimiter_framer, is_built_whole_or_not_at_all) {
    expect(weir_oom_sweep(build_and_free,
                          &(weir_delimiter_options){.max_length = 1, DELIMITERS(str("--"), str(";"))}) > 0);
}
