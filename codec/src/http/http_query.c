/* http_query.c - pairs behind ampersands.
 */
#include <weir/buffer/buf_bytes.h>
#include <weir/codec/http_percent.h>
#include <weir/codec/http_query.h>

enum {
    PAIRS = 1024
};

/* What application/x-www-form-urlencoded leaves as it is: letters, digits, * - . _ */
static const weir_byte_set kept = {{UINT64_C(0x03ff640000000000), UINT64_C(0x07fffffe87fffffe), 0, 0}};

void weir_http_query_init(weir_http_query *self, weir_bytes text, const weir_http_query_options *options,
                          weir_buf *scratch) {
    static const weir_http_query_options defaults = {0};
    if (options == NULL) options = &defaults;
    unsigned plus = options->plus_is_plus ? 0 : WEIR_HTTP_PLUS_IS_SPACE;
    *self = (weir_http_query){
        .rest = text,
        .scratch = scratch,
        .flags = plus | (options->allow_nul ? WEIR_HTTP_ALLOW_NUL : 0),
        .left = options->max_pairs == 0 ? PAIRS : options->max_pairs,
    };
}

static bool fail(weir_http_query *self, weir_status status) {
    self->status = status;
    self->rest = weir_bytes_of(NULL, 0);
    return false;
}

/* Key and value lie behind each other in the scratch, and are looked for there when it moves no more. */
static bool take_pair(weir_http_query *self, weir_bytes pair, weir_bytes *key, weir_bytes *value) {
    size_t equals = weir_bytes_find(pair, '=');
    weir_buf_clear(self->scratch);
    weir_status status = weir_http_percent_read(weir_bytes_sub(pair, 0, equals), self->flags, self->scratch);
    size_t key_length = weir_buf_readable(self->scratch);
    if (status == WEIR_OK && equals != WEIR_NOT_FOUND) {
        status =
            weir_http_percent_read(weir_bytes_sub(pair, equals + 1, SIZE_MAX), self->flags, self->scratch);
    }
    if (status != WEIR_OK) return fail(self, status);
    weir_bytes both = weir_buf_peek(self->scratch);
    *key = weir_bytes_sub(both, 0, key_length);
    *value = weir_bytes_sub(both, key_length, SIZE_MAX);
    return true;
}

bool weir_http_query_next(weir_http_query *self, weir_bytes *key, weir_bytes *value) {
    for (weir_bytes pair; weir_bytes_split(&self->rest, '&', &pair);) {
        if (pair.len == 0) continue;
        if (self->left == 0) return fail(self, WEIR_E_LIMIT);
        self->left--;
        return take_pair(self, pair, key, value);
    }
    return false;
}

static void write_encoded(weir_bytes text, weir_buf *out) {
    for (weir_bytes word; weir_bytes_split(&text, ' ', &word);) {
        weir_http_percent_write(word, &kept, out);
        if (text.ptr != NULL) weir_buf_write_str(out, "+");
    }
}

void weir_http_query_write(char before, weir_bytes key, weir_bytes value, weir_buf *out) {
    if (before != 0) weir_buf_write_bytes(out, &before, 1);
    write_encoded(key, out);
    weir_buf_write_str(out, "=");
    write_encoded(value, out);
}
