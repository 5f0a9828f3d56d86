/* json_framer_test.c - whole JSON values; Netty's cases are in framing_vectors_test.c. */
#include <weir/buffer.h>
#include <weir/codec/json_decoder.h>
#include <weir/testing.h>
#include <weir/testing/decoder_check.h>
#include <weir/transport/embedded.h>

static weir_status build(weir_pipeline *pipeline, void *options) {
    return weir_json_decoder_add(pipeline, options);
}

static bool check(weir_json_options options, const char *input, size_t n, const char *expected, bool ends) {
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

WEIR_TEST(json_framer, ends_a_value_where_its_brackets_balance) {
    expect(check(
        (weir_json_options){.max_length = 30}, LITERAL(" {\"a\":\"}\\\"]\"}\r\n[1,[2,{}]]\t{}[]"),
        "read 12 \"{\\\"a\\\":\\\"}\\\\\\\"]\\\"}\"\nread 10 \"[1,[2,{}]]\"\nread 2 \"{}\"\nread 2 \"[]\"\n",
        false));
}

WEIR_TEST(json_framer, takes_arrays_apart_when_asked) {
    expect(check(
        (weir_json_options){.max_length = 12, .stream_array = true},
        LITERAL(" [12, \"a,]\" ,{\"b\":[]},true,[3 ,4]] [] {\"x\":1}[null]"),
        "read 2 \"12\"\nread 5 \"\\\"a,]\\\"\"\nread 8 \"{\\\"b\\\":[]}\"\nread 4 \"true\"\nread 6 \"[3 ,4]\"\n"
        "read 7 \"{\\\"x\\\":1}\"\nread 4 \"null\"\n",
        false));
}

WEIR_TEST(json_framer, refuses_what_stands_between_values) {
    static const struct {
        const char *input;
        const char *expected;
    } cases[] = {
        {"{} x", "read 2 \"{}\"\nerror WEIR_E_FRAME_CORRUPT maximum=0 offset=3\n"},
        {"12", "error WEIR_E_FRAME_CORRUPT maximum=0 offset=0\n"},
        {" ]", "error WEIR_E_FRAME_CORRUPT maximum=0 offset=1\n"},
        {"[1 2]", "read 1 \"1\"\nerror WEIR_E_FRAME_CORRUPT maximum=0 offset=3\n"},
        {"[,1]", "error WEIR_E_FRAME_CORRUPT maximum=0 offset=1\n"},
        {"[1,]", "read 1 \"1\"\nerror WEIR_E_FRAME_CORRUPT maximum=0 offset=3\n"},
        {"[1}", "read 1 \"1\"\nerror WEIR_E_FRAME_CORRUPT maximum=0 offset=2\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        weir_test_context("%s", cases[i].input);
        expect(check((weir_json_options){.max_length = 9, .stream_array = true, .recover = true},
                     cases[i].input, strlen(cases[i].input), cases[i].expected, false));
    }
}

WEIR_TEST(json_framer, refuses_values_too_long_however_they_are_cut) {
    for (int late = 0; late < 2; late++) {
        weir_test_context("fail late %d", late);
        expect(check(
            (weir_json_options){.max_length = 7, .recover = true, .fail_late = late == 1},
            LITERAL("{\"a\":1} {\"ab\":12345}[1,2,3]"),
            "read 7 \"{\\\"a\\\":1}\"\nerror WEIR_E_FRAME_TOO_LONG maximum=7 offset=8\nread 7 \"[1,2,3]\"\n",
            false));
        expect(check(
            (weir_json_options){
                .max_length = 3, .stream_array = true, .recover = true, .fail_late = late == 1},
            LITERAL("[123,1234,\"a\",\"ab,]\",12345 ,9]"),
            "read 3 \"123\"\nerror WEIR_E_FRAME_TOO_LONG maximum=3 offset=5\nread 3 \"\\\"a\\\"\"\n"
            "error WEIR_E_FRAME_TOO_LONG maximum=3 offset=14\n"
            "error WEIR_E_FRAME_TOO_LONG maximum=3 offset=21\nread 1 \"9\"\n",
            false));
        expect(check((weir_json_options){.max_length = 3, .fail_late = late == 1}, LITERAL("{\"a\":1}{}"),
                     "error WEIR_E_FRAME_TOO_LONG maximum=3 offset=0\n", false));
    }
}

WEIR_TEST(json_framer, tells_of_a_stream_that_ends_inside_a_value) {
    expect(check((weir_json_options){.max_length = 9}, LITERAL("{} {\"a\""),
                 "read 2 \"{}\"\nerror WEIR_E_EOF maximum=0 offset=3\n", true));
    expect(check((weir_json_options){.max_length = 9, .stream_array = true}, LITERAL("[{},"),
                 "read 2 \"{}\"\nerror WEIR_E_EOF maximum=0 offset=4\n", true));
    expect(check((weir_json_options){.max_length = 9, .stream_array = true, .decoder.ignore_partial = true},
                 LITERAL("[{},"), "read 2 \"{}\"\n", true));
    expect(check((weir_json_options){.max_length = 3, .fail_late = true}, LITERAL("{\"a\":"),
                 "error WEIR_E_FRAME_TOO_LONG maximum=3 offset=0\n", true));
    expect(check((weir_json_options){.max_length = 9}, LITERAL("{} \n"), "read 2 \"{}\"\n", true));
}

WEIR_TEST(json_framer, needs_a_maximum) {
    expect(weir_embedded_new(NULL, build, &(weir_json_options){0}) == NULL);
    expect(weir_oom_sweep(build_and_free, &(weir_json_options){.max_length = 1}) > 0);
}
