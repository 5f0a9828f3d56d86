/* decoder_check_test.c - the checker itself: it must find decoders that are wrong. */
#include <stdlib.h>

#include <weir/buffer.h>
#include <weir/codec/decoder.h>
#include <weir/testing.h>
#include <weir/testing/decoder_check.h>
#include <weir/transport/ctx.h>

/* Pairs of bytes, by a decode function that is right or wrong in one way. */
static weir_decode decode_pairs(void *state, weir_buf *in, weir_obj **out, weir_error *error) {
    (void)state;
    if (weir_buf_readable(in) < 2) return WEIR_DECODE_MORE;
    weir_buf *pair = weir_buf_read_slice(in, 2);
    if (pair == NULL) return weir_decode_fail(error, WEIR_E_NO_MEMORY, "pair", 2, 0);
    *out = &pair->obj;
    return WEIR_DECODE_AGAIN;
}

static weir_decode drop_odd_bytes(void *state, weir_buf *in, weir_obj **out, weir_error *error) {
    if (weir_buf_readable(in) == 1) weir_buf_skip(in, 1);
    return decode_pairs(state, in, out, error);
}

/* Only a cut that leaves exactly five bytes shows it. */
static weir_decode stumble_over_five(void *state, weir_buf *in, weir_obj **out, weir_error *error) {
    bool *stumbled = state;
    if (weir_buf_readable(in) == 5) *stumbled = true;
    weir_decode answer = decode_pairs(state, in, out, error);
    if (*stumbled && *out != NULL) {
        weir_obj_release(*out);
        *out = NULL;
    }
    return answer;
}

static weir_decode write_behind(void *state, weir_buf *in, weir_obj **out, weir_error *error) {
    *in->wp = '!'; /* the first piece it sees has a guard byte there */
    return decode_pairs(state, in, out, error);
}

static weir_decode change_what_is_read(void *state, weir_buf *in, weir_obj **out, weir_error *error) {
    weir_decode answer = decode_pairs(state, in, out, error);
    if (*out != NULL) *((weir_buf *)(void *)*out)->rp ^= 0x20;
    return answer;
}

static const weir_decoder_ops decoders[] = {
    {.handler = {.name = "pairs", WEIR_DECODER_SLOTS}, .decode = decode_pairs},
    {.handler = {.name = "drop_odd_bytes", WEIR_DECODER_SLOTS}, .decode = drop_odd_bytes},
    {.handler = {.name = "stumble_over_five", WEIR_DECODER_SLOTS}, .decode = stumble_over_five, .free = free},
    {.handler = {.name = "write_behind", WEIR_DECODER_SLOTS}, .decode = write_behind},
    {.handler = {.name = "change_what_is_read", WEIR_DECODER_SLOTS}, .decode = change_what_is_read},
};

static weir_status build(weir_pipeline *pipeline, void *ops) {
    return weir_decoder_add(pipeline, ops, calloc(1, sizeof(bool)), NULL);
}

static weir_status build_stateless(weir_pipeline *pipeline, void *ops) {
    return weir_decoder_add(pipeline, ops, NULL, NULL);
}

static bool check_with(size_t i, const char *expected) {
    const weir_decoder_ops *ops = &decoders[i];
    return weir_decoder_check_run(&(weir_decoder_check){
        .build = ops->free == NULL ? build_stateless : build,
        .arg = (void *)(uintptr_t)ops,
        .input = weir_bytes_str("aabbccddee"),
        .expected = expected,
        .random_runs = 20,
    });
}

#define PAIRS "read 2 \"aa\"\nread 2 \"bb\"\nread 2 \"cc\"\nread 2 \"dd\"\nread 2 \"ee\"\n"

WEIR_TEST(decoder_check, accepts_a_decoder_that_is_right) {
    expect(check_with(0, PAIRS));
}

WEIR_TEST(decoder_check, finds_messages_that_are_not_expected) {
    expect(!check_with(0, "read 2 \"aa\"\n"));
    expect(!check_with(0, PAIRS "read 2 \"ff\"\n"));
}

WEIR_TEST(decoder_check, finds_decoders_that_depend_on_the_cut) {
    expect(!check_with(1, PAIRS));
    expect(!check_with(2, PAIRS));
}

WEIR_TEST(decoder_check, finds_decoders_that_write_where_they_should_only_read) {
    expect(!check_with(3, PAIRS));
    expect(!check_with(4, "read 2 \"Aa\"\nread 2 \"Bb\"\nread 2 \"Cc\"\nread 2 \"Dd\"\nread 2 \"Ee\"\n"));
}

/* A handler that keeps what it reads. */
static weir_buf *hoard;

static void keep(weir_ctx *ctx, weir_obj *msg) {
    if (hoard == NULL) hoard = weir_buf_retain(weir_buf_from(msg));
    weir_ctx_fire_read(ctx, msg);
}

static weir_status build_hoarder(weir_pipeline *pipeline, void *arg) {
    (void)arg;
    static const weir_handler hoarder = {.name = "hoarder", .read = keep};
    return weir_pipeline_add_last(pipeline, &hoarder, NULL);
}

WEIR_TEST(decoder_check, finds_input_that_is_not_released) {
    /* What is hoarded points to a run that is over when it goes, so a child takes it to its grave. */
    expect_abort(
        {
            bool is_right = weir_decoder_check_run(&(weir_decoder_check){
                .build = build_hoarder, .input = weir_bytes_str("a"), .expected = "read 1 \"a\"\n"});
            WEIR_CHECK(is_right, "it was found");
        },
        "it was found");
}
