/* http_codings.c - one decompressor for each coding; the first reads what came, the last makes what is given. */
#include "http/http_codings.h"

#include <limits.h>

#include <weir/codec/decompressor.h>

#include "value_list.h"

enum {
    MIDDLE = 4096, /* bytes of a piece between two codings */
    FRUITLESS =
        4096, /* bytes that bring none are as much work as a piece, where each block of them is empty */
    FREE_OF_RATIO = 65536 /* small bodies may well be all zeros */
};

/* ---- names (RFC 9110 8.4.1, RFC 7932 13, RFC 8878 7.1) ---- */

bool http_coding_find(weir_bytes name, weir_compression *format) {
    static const struct {
        const char *name;
        weir_compression format;
    } known[] = {{"gzip", WEIR_COMPRESSION_GZIP},
                 {"x-gzip", WEIR_COMPRESSION_GZIP},
                 {"deflate", WEIR_COMPRESSION_ZLIB},
                 {"br", WEIR_COMPRESSION_BROTLI},
                 {"zstd", WEIR_COMPRESSION_ZSTD}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!weir_bytes_equal_nocase(name, weir_bytes_str(known[i].name))) continue;
        *format = known[i].format;
        return true;
    }
    return false;
}

static void note_coding(http_codings *self, weir_bytes name) {
    weir_compression format;
    if (name.len == 0 || weir_bytes_equal_nocase(name, weir_bytes_str("identity"))) return;
    if (!http_coding_find(name, &format)) {
        self->is_unknown = true;
    } else if (self->count == HTTP_CODINGS) {
        self->is_too_many = true;
    } else {
        self->list[self->count++] = format;
    }
}

void http_codings_read(http_codings *self, const weir_http_fields *fields) {
    weir_bytes value, element;
    size_t at = 0;
    *self = (http_codings){0};
    while (weir_http_fields_next_of(fields, WEIR_HTTP_CONTENT_ENCODING, &at, &value)) {
        while (value_list_next(&value, ',', &element)) note_coding(self, element);
    }
}

/* ---- undone ---- */

struct http_decoding {
    weir_decompressor *stages[HTTP_CODINGS]; /* the first undoes what was applied last */
    unsigned count;
    uint64_t output_max;
    unsigned ratio_max;
    weir_buf *middle; /* what the first made and the second has not taken, or NULL */
};

static weir_status open_stage(http_decoding *self, unsigned i, weir_compression format, weir_pool *pool) {
    bool is_last = i == self->count - 1;
    weir_decompressor_options options = {.output_max = self->output_max,
                                         .ratio_max = i == 0 ? self->ratio_max : UINT_MAX,
                                         .or_deflate = format == WEIR_COMPRESSION_ZLIB,
                                         .piece = is_last ? 0 : MIDDLE,
                                         .fruitless_max = i == 0 ? FRUITLESS : 0,
                                         .pool = pool};
    return weir_decompressor_new(&self->stages[i], format, &options);
}

http_decoding *http_decoding_new(const http_codings *codings, uint64_t output_max, unsigned ratio_max,
                                 weir_pool *pool) {
    http_decoding *self = weir_alloc_zeroed(NULL, 1, sizeof *self);
    if (self == NULL) return NULL;
    self->count = codings->count;
    self->output_max = output_max;
    self->ratio_max = ratio_max;
    for (unsigned i = 0; i < self->count; i++) {
        if (open_stage(self, i, codings->list[self->count - 1 - i], pool) == WEIR_OK) continue;
        http_decoding_free(self);
        return NULL;
    }
    return self;
}

void http_decoding_free(http_decoding *self) {
    if (self == NULL) return;
    for (unsigned i = 0; i < self->count; i++) weir_decompressor_free(self->stages[i]);
    weir_buf_release(self->middle);
    weir_alloc_release(NULL, self);
}

/* Of the second, to what came over the wire; the first looks after itself. */
static weir_status check_ratio(const http_decoding *self, weir_error *error) {
    uint64_t taken = weir_decompressor_taken(self->stages[0]);
    uint64_t made = weir_decompressor_made(self->stages[self->count - 1]);
    if (made <= FREE_OF_RATIO || made / self->ratio_max <= taken) return WEIR_OK;
    *error = (weir_error){WEIR_E_LIMIT, "decompressed bytes", made, self->output_max, taken};
    return WEIR_E_LIMIT;
}

/* The second first: it may have more of what it took. Without anything from it, a piece for it: so a step is bounded also
 * where the second makes nothing of much. */
static weir_status step_both(http_decoding *self, weir_buf *in, weir_buf **out, weir_error *error) {
    weir_status status = weir_decompressor_step(self->stages[1], self->middle, out, error);
    if (status == WEIR_OK && *out == NULL) {
        weir_buf_release(self->middle);
        self->middle = NULL;
        status = weir_decompressor_step(self->stages[0], in, &self->middle, error);
    }
    return status == WEIR_OK ? check_ratio(self, error) : status;
}

weir_status http_decoding_step(http_decoding *self, weir_buf *in, weir_buf **out, weir_error *error) {
    weir_status status = self->count == 1 ? weir_decompressor_step(self->stages[0], in, out, error)
                                          : step_both(self, in, out, error);
    if (status == WEIR_OK) return WEIR_OK;
    weir_buf_release(*out);
    *out = NULL;
    return status;
}

bool http_decoding_has_more(const http_decoding *self) {
    bool has_more = self->middle != NULL;
    for (unsigned i = 0; i < self->count; i++)
        has_more = has_more || weir_decompressor_has_more(self->stages[i]);
    return has_more;
}

bool http_decoding_is_whole(const http_decoding *self) {
    bool is_whole = true;
    for (unsigned i = 0; i < self->count; i++)
        is_whole = is_whole && weir_decompressor_end(self->stages[i]) == WEIR_OK;
    return is_whole;
}
