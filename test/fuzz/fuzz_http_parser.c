/* fuzz_http_parser.c - HTTP/1.1: no input may break the parser, no cut may change what it gives, and a head that was
 * accepted is the same when it is written and read again.
 *
 * The first byte chooses the role and the method answered, the second how small the limits are, the third how the rest
 * is cut. The rest is parsed whole and in pieces.
 */
#include <weir/buffer.h>
#include <weir/codec/cumulation.h>
#include <weir/codec/http_parser.h>

#include "fuzz/fuzz.h"

enum {
    HEADER = 3,
    SIZE_MOST = 1 << 16
};

typedef struct choice {
    weir_http_role role;
    weir_http_method method;
    weir_http_limits limits;
} choice;

/* What came out: how many, and a digest of all and their order. */
typedef struct outcome {
    uint64_t digest, heads, ends, body;
    unsigned refusal;
    bool stops; /* the connection does not go on behind the message at hand */
} outcome;

static void mix(outcome *self, uint64_t value) {
    self->digest = (self->digest ^ value) * UINT64_C(0x9E3779B97F4A7C15);
    self->digest ^= self->digest >> 29;
}

static void mix_bytes(outcome *self, weir_bytes bytes) {
    mix(self, bytes.len);
    for (size_t i = 0; i < bytes.len; i++) mix(self, bytes.ptr[i]);
}

static void mix_fields(outcome *self, const weir_http_fields *fields) {
    size_t at = 0;
    weir_bytes name, value;
    while (weir_http_fields_next(fields, &at, &name, &value)) {
        mix_bytes(self, name);
        mix_bytes(self, value);
        MUST(weir_http_fields_find(fields, name).ptr != NULL);
    }
}

/* ---- heads, written and read again ---- */

static outcome digest_head(const weir_http_head *head, weir_obj *obj) {
    outcome seen = {0};
    weir_http_request *request = weir_http_request_from(obj);
    weir_http_response *response = weir_http_response_from(obj);
    if (request != NULL) {
        mix_bytes(&seen, request->method_text);
        mix_bytes(&seen, request->target);
        mix_bytes(&seen, request->path);
        mix_bytes(&seen, request->query);
        mix_bytes(&seen, request->host);
    } else {
        mix(&seen, response->status);
        mix_bytes(&seen, response->reason);
    }
    mix(&seen, head->framing);
    mix(&seen, head->length);
    mix(&seen, head->minor);
    mix(&seen, head->keep_alive + 2u * head->upgrade + 4u * head->expect_continue);
    mix_fields(&seen, &head->fields);
    return seen;
}

static void write_start(weir_buf *out, weir_obj *obj, uint8_t minor) {
    weir_http_request *request = weir_http_request_from(obj);
    weir_http_response *response = weir_http_response_from(obj);
    char line[32];
    if (request != NULL) {
        weir_buf_write_view(out, request->method_text);
        weir_buf_write_str(out, " ");
        weir_buf_write_view(out, request->target);
        snprintf(line, sizeof line, " HTTP/1.%u\r\n", minor);
        weir_buf_write_str(out, line);
    } else {
        snprintf(line, sizeof line, "HTTP/1.%u %u ", minor, response->status);
        weir_buf_write_str(out, line);
        weir_buf_write_view(out, response->reason);
        weir_buf_write_str(out, "\r\n");
    }
}

static void read_again(const choice *chosen, weir_buf *text, const outcome *first) {
    weir_http_parser parser;
    weir_http_parser_init(&parser, chosen->role, NULL);
    if (parser.between) weir_http_parser_next(&parser, chosen->method);
    weir_obj *out = NULL;
    weir_error error = {0};
    MUST(weir_http_parser_decode(&parser, text, &out, &error) == WEIR_DECODE_AGAIN);
    const weir_http_head *head = (const weir_http_head *)(const void *)out;
    MUST(digest_head(head, out).digest == first->digest);
    weir_obj_release(out);
    weir_http_parser_clear(&parser);
}

/* As it came, and once more with every line written anew, which removing a field brings about. */
static void check_again(const choice *chosen, weir_obj *obj) {
    weir_http_head *head = (weir_http_head *)(void *)obj;
    outcome first = digest_head(head, obj);
    for (int anew = 0; anew < 2; anew++) {
        weir_buf *text = weir_buf_new(0);
        write_start(text, obj, head->minor);
        if (anew == 1) {
            MUST(weir_http_fields_add_other(&head->fields, weir_bytes_str("X-Gone"), weir_bytes_str("x")) ==
                 WEIR_OK);
            weir_http_fields_remove_other(&head->fields, weir_bytes_str("X-Gone"));
        }
        if (anew == 1 && digest_head(head, obj).digest != first.digest) { /* it had such a field itself */
            weir_buf_release(text);
            return;
        }
        MUST(weir_http_fields_write(&head->fields, text) == WEIR_OK);
        weir_buf_write_str(text, "\r\n");
        read_again(chosen, text, &first);
        weir_buf_release(text);
    }
}

/* ---- one run ---- */

static void count_head(const choice *chosen, outcome *seen, weir_obj *obj) {
    const weir_http_head *head = (const weir_http_head *)(const void *)obj;
    mix(seen, digest_head(head, obj).digest);
    seen->heads++;
    seen->stops = !head->keep_alive;
    check_again(chosen, obj);
}

/* Takes: obj. Pieces of bodies are only counted together: how many there are depends on the cut. */
static void count(const choice *chosen, outcome *seen, weir_obj *obj) {
    weir_buf *piece = weir_buf_from(obj);
    weir_http_end *end = weir_http_end_from(obj);
    if (piece != NULL) {
        size_t n = weir_buf_readable(piece);
        MUST(n != 0);
        uint8_t byte;
        while (weir_buf_read_bytes(piece, &byte, 1)) mix(seen, byte);
        seen->body += n;
    } else if (end != NULL) {
        mix_fields(seen, &end->trailers);
        mix(seen, ++seen->ends);
    } else {
        count_head(chosen, seen, obj);
    }
    weir_obj_release(obj);
}

static void count_refusal(outcome *seen, const weir_http_parser *parser, const weir_error *error) {
    MUST(error->status < 0 && error->status != WEIR_E_DECODER_STUCK && error->what != NULL);
    MUST(error->status == WEIR_E_EOF || parser->refusal >= 400);
    mix(seen, (uint64_t)(int64_t)error->status);
    mix(seen, parser->refusal);
    if (error->status != WEIR_E_EOF) mix(seen, error->offset);
}

static void decode_all(const choice *chosen, weir_http_parser *parser, weir_cumulation *bytes, outcome *seen,
                       bool at_end) {
    weir_obj *out;
    weir_error error;
    weir_decode answer;
    for (;;) {
        answer = at_end ? weir_cumulation_end(bytes, weir_http_parser_end, parser, &out, &error)
                        : weir_cumulation_next(bytes, weir_http_parser_decode, parser, &out, &error);
        if (out != NULL) count(chosen, seen, out);
        if (answer == WEIR_DECODE_FAILED) count_refusal(seen, parser, &error);
        if (answer != WEIR_DECODE_AGAIN) return;
        if (parser->between && !parser->upgraded && !seen->stops && !at_end)
            weir_http_parser_next(parser, chosen->method);
    }
}

static size_t next_piece(uint32_t *random, size_t left) {
    *random = *random * 1664525 + 1013904223;
    size_t n = 1 + ((*random >> 8) & ((*random >> 28) < 4 ? 0x3ff : 0x7));
    return n < left ? n : left;
}

/* `seed` 0: in one piece. */
static outcome parse_in_pieces(const choice *chosen, const uint8_t *data, size_t size, uint32_t seed) {
    outcome seen = {0};
    weir_http_parser parser;
    weir_cumulation bytes;
    weir_http_parser_init(&parser, chosen->role, &chosen->limits);
    if (parser.between) weir_http_parser_next(&parser, chosen->method);
    weir_cumulation_init(&bytes, NULL);
    uint32_t random = seed;
    for (size_t at = 0, n; at < size; at += n) {
        n = seed == 0 ? size : next_piece(&random, size - at);
        weir_buf *piece = weir_buf_new(n);
        MUST(piece != NULL);
        weir_buf_write_bytes(piece, data + at, n);
        MUST(weir_cumulation_add(&bytes, piece) == WEIR_OK);
        decode_all(chosen, &parser, &bytes, &seen, false);
    }
    if (!parser.between) decode_all(chosen, &parser, &bytes, &seen, true);
    MUST(bytes.offset <= size);
    MUST(parser.copied <= size);
    weir_cumulation_clear(&bytes);
    weir_http_parser_clear(&parser);
    return seen;
}

static choice choose(const uint8_t *data) {
    static const weir_http_method methods[] = {WEIR_HTTP_METHOD_OTHER, WEIR_HTTP_METHOD_HEAD,
                                               WEIR_HTTP_METHOD_CONNECT, WEIR_HTTP_METHOD_GET};
    size_t small = data[1];
    return (choice){
        .role = (data[0] & 1) != 0 ? WEIR_HTTP_RESPONSES : WEIR_HTTP_REQUESTS,
        .method = methods[(data[0] >> 1) & 3],
        .limits = {.line = small,
                   .fields = small,
                   .field_count = (unsigned)small / 8,
                   .body = small,
                   .chunk_line = small / 4,
                   .chunk_extensions = small / 4,
                   .trailers = small / 2},
    };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < HEADER || size > SIZE_MOST) return 0;
    choice chosen = choose(data);
    outcome whole = parse_in_pieces(&chosen, data + HEADER, size - HEADER, 0);
    outcome pieces = parse_in_pieces(&chosen, data + HEADER, size - HEADER, data[2] + 1u);
    MUST(whole.digest == pieces.digest);
    MUST(whole.heads == pieces.heads && whole.ends == pieces.ends);
    return 0;
}
