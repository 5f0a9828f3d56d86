/* text_decoder_test.c - what is UTF-8 passes, the rest is refused or repaired. */
#include <weir/buffer.h>
#include <weir/codec/line_decoder.h>
#include <weir/codec/text_decoder.h>
#include <weir/core/log.h>
#include <weir/testing.h>
#include <weir/testing/decoder_check.h>
#include <weir/transport/embedded.h>

static weir_status build(weir_pipeline *pipeline, void *repairs) {
    weir_status status = weir_line_decoder_add(pipeline, &(weir_line_options){.max_length = 64});
    return status == WEIR_OK ? weir_text_decoder_add(pipeline, *(bool *)repairs) : status;
}

static bool check(bool repairs, const char *input, const char *expected) {
    return weir_decoder_check_run(&(weir_decoder_check){
        .build = build, .arg = &repairs, .input = weir_bytes_str(input), .expected = expected});
}

WEIR_TEST(text_decoder, lets_text_pass_however_it_is_cut) {
    for (int repairs = 0; repairs < 2; repairs++) {
        expect(check(repairs == 1, "gr\xc3\xbc\xc3\x9f\x65\n\xe2\x82\xac\n",
                     "read 7 \"gr\\xc3\\xbc\\xc3\\x9f\x65\"\nread 3 \"\\xe2\\x82\\xac\"\n"));
    }
}

WEIR_TEST(text_decoder, refuses_what_is_no_text) {
    expect(check(false, "one\n\xff\ntwo\n\xe2\x82\n",
                 "read 3 \"one\"\nerror WEIR_E_FRAME_CORRUPT maximum=0 offset=0\nread 3 \"two\"\n"
                 "error WEIR_E_FRAME_CORRUPT maximum=0 offset=0\n"));
}

WEIR_TEST(text_decoder, repairs_it_when_asked) {
    expect(check(true, "a\xff\x62\nok\n", "read 5 \"a\\xef\\xbf\\xbd\x62\"\nread 2 \"ok\"\n"));
}

static weir_status build_repairer(weir_pipeline *pipeline, void *unused) {
    (void)unused;
    return weir_text_decoder_add(pipeline, true);
}

static bool repair(void *unused) {
    weir_embedded *embedded = weir_embedded_new(NULL, build_repairer, unused);
    bool all = embedded != NULL && weir_embedded_feed_bytes(embedded, "a\xff", 2) == WEIR_OK &&
               weir_embedded_is_open(embedded);
    weir_embedded_free(embedded);
    return all;
}

WEIR_TEST(text_decoder, survives_every_failing_allocation) {
    weir_log_set_level(WEIR_LOG_OFF);
    expect(weir_oom_sweep(repair, NULL) > 0);
}
