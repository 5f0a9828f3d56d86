/* fixed_length_framer_test.c - frames of one length. */
#include <weir/buffer.h>
#include <weir/codec/fixed_length_decoder.h>
#include <weir/testing.h>
#include <weir/testing/decoder_check.h>
#include <weir/transport/embedded.h>

static weir_status build(weir_pipeline *pipeline, void *options) {
    return weir_fixed_length_decoder_add(pipeline, options);
}

static bool check(weir_fixed_length_options options, const char *input, size_t n, const char *expected,
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

WEIR_TEST(fixed_length_framer, gives_frames_of_its_length_however_they_are_cut) {
    expect(check((weir_fixed_length_options){.length = 3}, LITERAL("ABCDEFGHI"),
                 "read 3 \"ABC\"\nread 3 \"DEF\"\nread 3 \"GHI\"\n", false));
    expect(check((weir_fixed_length_options){.length = 1, .decoder.contiguous = true}, LITERAL("AB"),
                 "read 1 \"A\"\nread 1 \"B\"\n", false));
    expect(check((weir_fixed_length_options){.length = 4}, LITERAL("ABCDEF"),
                 "read 4 \"ABCD\"\nerror WEIR_E_EOF maximum=0 offset=4\n", true));
}

WEIR_TEST(fixed_length_framer, needs_a_length) {
    expect(weir_embedded_new(NULL, build, &(weir_fixed_length_options){0}) == NULL);
    expect(weir_oom_sweep(build_and_free, &(weir_fixed_length_options){.length = 1}) > 0);
}
