/* fuzz_websocket.c - the WebSocket parser: no input may break it, and no cut may change what it gives.
 *
 * The first byte chooses the role, compression, pieces and limits, the second how the rest is cut. The rest is decoded
 * twice, in one piece and in pieces; both must give the same messages and the same refusal at the same place.
 */
#include <weir/buffer.h>
#include <weir/codec/cumulation.h>
#include <weir/codec/websocket_parser.h>

#include "fuzz/fuzz.h"

enum {
    HEADER = 2,
    SIZE_MOST = 1 << 16
};

typedef struct outcome {
    uint64_t digest, messages, offset;
    unsigned refusal;
} outcome;

typedef struct run {
    weir_websocket_parser parser;
    weir_cumulation bytes;
    outcome out;
    uint64_t message; /* digest of the one at hand: control frames may come between its pieces */
    uint64_t length;
} run;

static uint64_t mix(uint64_t digest, uint64_t value) {
    digest = (digest ^ value) * UINT64_C(0x9E3779B97F4A7C15);
    return digest ^ digest >> 29;
}

static uint64_t mix_bytes(uint64_t digest, weir_buf *buf) {
    weir_bytes bytes = weir_buf_coalesce(buf, weir_buf_readable(buf));
    for (size_t i = 0; i < bytes.len; i++) digest = mix(digest, bytes.ptr[i]);
    return digest;
}

static void take(run *self, weir_websocket_message *message) {
    const weir_websocket_limits *limits = &self->parser.options.limits;
    MUST(weir_buf_status(message->payload) == WEIR_OK);
    if (weir_websocket_is_control(message->opcode)) {
        MUST(weir_buf_readable(message->payload) <= WEIR_WEBSOCKET_CONTROL_MOST);
        self->out.digest = mix_bytes(mix(self->out.digest, message->opcode), message->payload);
        self->out.messages++;
        return;
    }
    if (message->first) self->message = self->length = 0;
    self->length += weir_buf_readable(message->payload);
    MUST(self->length <= limits->message);
    if (message->last && message->first && message->opcode == WEIR_WEBSOCKET_TEXT) {
        MUST(weir_buf_is_utf8(message->payload));
    }
    self->message = mix_bytes(self->message, message->payload);
    if (!message->last) return;
    self->out.digest = mix(mix(self->out.digest, message->opcode), self->message);
    self->out.messages++;
}

static void decode_all(run *self) {
    weir_obj *out;
    weir_error error;
    weir_decode answer;
    do {
        answer =
            weir_cumulation_next(&self->bytes, weir_websocket_parser_decode, &self->parser, &out, &error);
        if (out != NULL) take(self, weir_websocket_message_from(out));
        weir_obj_release(out);
    } while (answer == WEIR_DECODE_AGAIN || answer == WEIR_DECODE_LATER);
    if (answer != WEIR_DECODE_FAILED) return;
    MUST(error.status != WEIR_E_DECODER_STUCK && self->parser.refusal != 0);
    self->out.refusal = self->parser.refusal;
    self->out.offset = error.offset;
}

static outcome decode(uint8_t how, weir_bytes input, size_t cut) {
    run self = {0};
    weir_websocket_deflate_params params = {.on = true,
                                            .own_window_bits = 15,
                                            .peer_window_bits = (how & 16) != 0 ? 9 : 15,
                                            .peer_no_takeover = (how & 8) != 0};
    weir_websocket_parser_options options = {
        .pieces = (how & 4) != 0, .limits.message = (how & 32) != 0 ? 300 : 20000, .limits.fragments = 20};
    weir_websocket_inflater *inflater =
        (how & 2) != 0 ? weir_websocket_inflater_new(&params, (how & 64) != 0, NULL) : NULL;
    weir_websocket_parser_init(&self.parser, (how & 1) != 0 ? WEIR_WEBSOCKET_CLIENT : WEIR_WEBSOCKET_SERVER,
                               &options, inflater);
    weir_cumulation_init(&self.bytes, NULL);
    for (size_t at = 0; at < input.len; at += cut) {
        weir_bytes piece = weir_bytes_sub(input, at, cut);
        weir_buf *buf = weir_buf_new(piece.len);
        MUST(buf != NULL);
        weir_buf_write_view(buf, piece);
        if ((how & 128) != 0) weir_buf_set_read_only(buf);
        MUST(weir_cumulation_add(&self.bytes, buf) == WEIR_OK);
        decode_all(&self);
    }
    weir_cumulation_clear(&self.bytes);
    weir_websocket_parser_clear(&self.parser);
    return self.out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size <= HEADER || size > SIZE_MOST) return 0;
    weir_bytes input = weir_bytes_of(data + HEADER, size - HEADER);
    outcome whole = decode(data[0], input, input.len);
    outcome pieces = decode(data[0], input, 1 + data[1]);
    MUST(whole.messages == pieces.messages && whole.digest == pieces.digest);
    MUST(whole.refusal == pieces.refusal && whole.offset == pieces.offset);
    return 0;
}
