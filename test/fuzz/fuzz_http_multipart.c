/* fuzz_http_multipart.c - no body may break the multipart parser, and no cut may change the parts.
 *
 * The first byte chooses boundary and limits, the second how the rest is cut. The rest is decoded in one piece and in
 * pieces: heads, bodies (joined) and failure must be the same.
 */
#include <weir/buffer.h>
#include <weir/codec/cumulation.h>
#include <weir/codec/http_multipart.h>

#include "fuzz/fuzz.h"

enum {
    SIZE_MOST = 1 << 15
};

/* A digest of all that came out. Bytes are mixed one by one, so it does not matter how bodies are cut. */
typedef struct outcome {
    uint64_t digest;
    uint64_t bytes;
    unsigned open; /* parts that have no end yet */
} outcome;

static void mix(outcome *self, weir_bytes bytes) {
    for (size_t i = 0; i < bytes.len; i++)
        self->digest = (self->digest ^ bytes.ptr[i]) * UINT64_C(0x100000001b3);
}

static void see(outcome *self, weir_obj *obj) {
    weir_http_part *part = weir_http_part_from(obj);
    if (part != NULL) {
        MUST(self->open++ == 0);
        mix(self, weir_bytes_str("<"));
        mix(self, part->head);
        mix(self, part->name);
        mix(self, part->file_name);
        (void)weir_http_part_find(part, "Content-Length");
    } else if (obj == &weir_http_part_end) {
        MUST(self->open-- == 1);
        mix(self, weir_bytes_str(">"));
    } else {
        weir_buf *body = weir_buf_from(obj);
        MUST(body != NULL && self->open == 1 && weir_buf_is_readable(body));
        self->bytes += weir_buf_readable(body);
        for (weir_bytes piece; (piece = weir_buf_peek(body)).len != 0; weir_buf_skip(body, piece.len))
            mix(self, piece);
    }
    weir_obj_release(obj);
}

static void decode_all(weir_http_multipart *self, weir_cumulation *bytes, outcome *seen, bool at_end) {
    weir_decode answer;
    do {
        weir_obj *out = NULL;
        weir_error error = {0};
        answer = at_end ? weir_cumulation_end(bytes, weir_http_multipart_decode_last, self, &out, &error)
                        : weir_cumulation_next(bytes, weir_http_multipart_decode, self, &out, &error);
        if (out != NULL) see(seen, out);
        if (answer != WEIR_DECODE_FAILED) continue;
        MUST(error.status != WEIR_E_DECODER_STUCK && error.status != WEIR_E_NO_MEMORY);
        mix(seen, weir_bytes_str(weir_status_name(error.status)));
    } while (answer != WEIR_DECODE_MORE);
}

/* `seed` 0: in one piece. */
static outcome decode_in_pieces(const weir_http_multipart_options *options, weir_bytes data, uint32_t seed) {
    weir_http_multipart self;
    weir_cumulation bytes;
    outcome seen = {0};
    MUST(weir_http_multipart_init(&self, options) == WEIR_OK);
    weir_cumulation_init(&bytes, NULL);
    uint32_t random = seed;
    for (size_t at = 0, n; at < data.len; at += n) {
        random = random * 1664525 + 1013904223;
        n = seed == 0 ? data.len : 1 + ((random >> 8) & ((random >> 28) < 4 ? 0x3ff : 0x7));
        weir_buf *piece = weir_buf_new(n);
        MUST(piece != NULL);
        weir_bytes part = weir_bytes_sub(data, at, n);
        weir_buf_write_view(piece, part);
        MUST(weir_cumulation_add(&bytes, piece) == WEIR_OK);
        decode_all(&self, &bytes, &seen, false);
    }
    decode_all(&self, &bytes, &seen, true);
    weir_cumulation_clear(&bytes);
    return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const boundaries[] = {"B", "-", "--", "AaB03x", "simple boundary", "a-b"};
    if (size < 2 || size > SIZE_MOST) return 0;
    /* A total is told when it is passed, and how much is passed at once depends on the cut: it is left off here. */
    weir_http_multipart_options options = {
        .boundary = weir_bytes_str(boundaries[data[0] % 6]),
        .max_head = (data[0] & 8) != 0 ? 40 : 0,
        .max_parts = (data[0] & 16) != 0 ? 3 : 0,
        .is_form = (data[0] & 32) != 0,
    };
    weir_bytes rest = weir_bytes_of(data + 2, size - 2);
    outcome whole = decode_in_pieces(&options, rest, 0);
    outcome pieces = decode_in_pieces(&options, rest, data[1] + 1u);
    MUST(whole.bytes <= rest.len);
    MUST(whole.bytes == pieces.bytes);
    MUST(whole.digest == pieces.digest);
    return 0;
}
