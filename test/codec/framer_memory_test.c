/* framer_memory_test.c - a frame is there and memory for it is not: WEIR_E_NO_MEMORY, from each framer's function. */
#include <weir/buffer.h>
#include <weir/codec/delimiter_framer.h>
#include <weir/codec/fixed_length_framer.h>
#include <weir/codec/json_framer.h>
#include <weir/codec/length_field_framer.h>
#include <weir/codec/varint32_framer.h>
#include <weir/codec/websocket.h>
#include <weir/codec/websocket_deflate.h>
#include <weir/codec/websocket_message.h>
#include <weir/testing.h>

typedef struct framing {
    const char *name;
    weir_bytes input; /* one frame */
    weir_decode (*decode)(void *self, weir_buf *in, weir_obj **out, weir_error *error);
    void *framer;
} framing;

static bool decode_one(void *arg) {
    const framing *self = arg;
    weir_buf *in = weir_buf_new(self->input.len);
    weir_obj *out = NULL;
    weir_error error = {0};
    if (in == NULL) return false;
    weir_buf_write_bytes(in, self->input.ptr, self->input.len);
    self->decode(self->framer, in, &out, &error);
    bool all = out != NULL;
    expect(all || error.status == WEIR_E_NO_MEMORY);
    weir_obj_release(out);
    weir_buf_release(in);
    return all;
}

static void sweep(framing self) {
    weir_test_context("%s", self.name);
    expect(weir_oom_sweep(decode_one, &self) > 1);
}

WEIR_TEST(framer_memory, a_frame_without_memory_is_told_as_that) {
    weir_bytes comma = weir_bytes_str(",");
    weir_delimiter_framer delimiter;
    weir_delimiter_options by_comma = {
        .max_length = 9, .delimiters = &comma, .count = 1, .accept_last = true};
    require(weir_delimiter_framer_init(&delimiter, &by_comma) == WEIR_OK);
    sweep((framing){"delimiter", weir_bytes_str("abc,"), weir_delimiter_framer_decode, &delimiter});
    sweep((framing){"last", weir_bytes_str("abc"), weir_delimiter_framer_decode_last, &delimiter});
    weir_delimiter_framer_clear(&delimiter);

    weir_fixed_length_framer fixed;
    require(weir_fixed_length_framer_init(&fixed, &(weir_fixed_length_options){.length = 4}) == WEIR_OK);
    sweep((framing){"fixed", weir_bytes_str("abcd"), weir_fixed_length_framer_decode, &fixed});

    weir_json_framer json;
    require(weir_json_framer_init(&json, &(weir_json_options){.max_length = 9}) == WEIR_OK);
    sweep((framing){"json", weir_bytes_str("[1]"), weir_json_framer_decode, &json});

    weir_length_field_framer length;
    weir_length_field_options one_byte = {.max_frame_length = 9, .length_field_length = 1};
    require(weir_length_field_framer_init(&length, &one_byte) == WEIR_OK);
    sweep((framing){"length field",
                    weir_bytes_str("\x03"
                                   "abc"),
                    weir_length_field_framer_decode, &length});

    weir_varint32_framer varint;
    require(weir_varint32_framer_init(&varint, &(weir_varint32_options){.max_frame_length = 9}) == WEIR_OK);
    sweep((framing){"varint32",
                    weir_bytes_str("\x03"
                                   "abc"),
                    weir_varint32_framer_decode, &varint});
}

/* ---- WebSocket ---- */

static bool make_messages(void *arg) {
    (void)arg;
    weir_websocket_message *bye = weir_websocket_close_message(1000, "bye");
    weir_buf *text = weir_buf_new(10);
    if (text != NULL) weir_buf_write_str(text, "news");
    weir_websocket_prepared *news = weir_websocket_prepared_new(WEIR_WEBSOCKET_TEXT, text);
    bool all = bye != NULL && news != NULL;
    weir_obj_release(bye);
    weir_obj_release(news);
    return all;
}

static bool deflate_and_inflate(void *arg) {
    weir_websocket_deflate_params params = {.on = true, .own_window_bits = 15, .peer_window_bits = 15};
    (void)arg;
    weir_websocket_deflater *deflater =
        weir_websocket_deflater_new(&params, &(weir_websocket_deflate_options){.on = true}, NULL);
    weir_websocket_inflater *inflater = weir_websocket_inflater_new(&params, false, NULL);
    weir_buf *text = weir_buf_new(400), *back = weir_buf_composite_new(), *small = NULL;
    bool all = deflater != NULL && inflater != NULL && text != NULL && back != NULL;
    if (all) {
        weir_buf_write_fill(text, 'x', 400);
        small = weir_websocket_deflate(deflater, text, true);
        weir_bytes bytes = small != NULL ? weir_buf_peek(small) : weir_bytes_of(NULL, 0);
        all = small != NULL && weir_websocket_inflate(inflater, &bytes, true, back, 1000) == WEIR_OK &&
              bytes.len == 0 && weir_buf_readable(back) == 400;
    }
    weir_buf_release(small);
    weir_buf_release(text);
    weir_buf_release(back);
    weir_websocket_deflater_free(deflater);
    weir_websocket_inflater_free(inflater);
    return all;
}

WEIR_TEST(framer_memory, messages_and_their_compression_may_fail) {
    expect(weir_oom_sweep(make_messages, NULL) > 2);
    expect(weir_oom_sweep(deflate_and_inflate, NULL) > 4);
}
