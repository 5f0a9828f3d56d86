/* http_compressor.c - a coding chosen by the request, a head rewritten, a body through compress_writer.h.
 *
 * Only what cannot fail is done to a head once its compressor is there, and what could comes first: a response that runs
 * out of memory half way is one that was not compressed.
 */
#include <weir/codec/http_compressor.h>

#include <weir/buffer/buf_bytes.h>
#include <weir/codec/compress_writer.h>
#include <weir/codec/http_etag.h>
#include <weir/codec/http_message.h>
#include <weir/codec/http_mime.h>
#include <weir/codec/http_quality.h>
#include <weir/core/alloc.h>
#include <weir/transport/channel.h>
#include <weir/transport/ctx.h>
#include <weir/transport/loop.h>
#include <weir/transport/promise.h>

#include "http/http_codings.h"
#include "http/http_lex.h"

enum {
    OFFERS = 4,
    ACCEPT_MOST = 512, /* bytes of all Accept-Encoding fields; who sends more gets identity */
    LENGTH_MIN = 1024
};

#define LENGTH_MAX ((uint64_t)4 << 20)

typedef struct offer {
    const char *name;
    weir_compression format;
    int level;
} offer;

typedef struct http_compressor {
    weir_compress_writer *writer;
    offer offers[OFFERS];
    unsigned count;
    uint64_t length_min, length_max;
    weir_http_compressible_fn *is_compressible;
    void *arg;
    /* ---- the exchange ---- */
    const offer *wanted;      /* NULL: identity */
    bool is_identity_refused; /* then type and length do not matter */
    bool is_head;             /* the request's method */
    bool may_transform;
    bool is_coding; /* the body being written */
} http_compressor;

/* ---- what is wanted ---- */

/* All fields of that name as one list (RFC 9110 5.3). ptr NULL: there is none, or too much of it. */
static weir_bytes accepted(const weir_http_fields *fields, uint8_t memory[ACCEPT_MOST]) {
    weir_bytes value, first = weir_http_fields_get(fields, WEIR_HTTP_ACCEPT_ENCODING);
    size_t at = 0, n = 0;
    unsigned count = 0;
    if (first.ptr == NULL) return first;
    while (weir_http_fields_next_of(fields, WEIR_HTTP_ACCEPT_ENCODING, &at, &value)) {
        if (value.len + 1 > ACCEPT_MOST - n) return weir_bytes_of(NULL, 0);
        for (size_t i = 0; i < value.len; i++) memory[n++] = value.ptr[i];
        memory[n++] = ',';
        count++;
    }
    return count == 1 ? first : weir_bytes_of(memory, n - 1);
}

static void note_request(http_compressor *self, const weir_http_request *request) {
    static const char identity[] = "identity";
    const weir_http_head *head = &request->head;
    const char *names[OFFERS + 1];
    uint8_t memory[ACCEPT_MOST];
    weir_bytes field = accepted(&head->fields, memory);
    for (unsigned i = 0; i < self->count; i++) names[i] = self->offers[i].name;
    names[self->count] = identity;
    size_t best = weir_http_quality_choose(weir_http_quality_coding, field, names, self->count + 1);
    self->wanted = best < self->count ? &self->offers[best] : NULL;
    self->is_identity_refused = weir_http_quality_coding(field, weir_bytes_str(identity)) == 0;
    self->is_head = request->method == WEIR_HTTP_METHOD_HEAD;
    self->may_transform = head->minor != 0 && request->method != WEIR_HTTP_METHOD_CONNECT &&
                          !weir_http_fields_has_token(&head->fields, WEIR_HTTP_CACHE_CONTROL, "no-transform");
}

/* ---- what may be compressed ---- */

static bool length_of(const weir_http_head *head, uint64_t *length) {
    weir_bytes field = weir_http_fields_get(&head->fields, WEIR_HTTP_CONTENT_LENGTH);
    *length = head->length;
    if (field.ptr == NULL) return head->framing == WEIR_HTTP_LENGTH;
    return weir_bytes_to_u64(field, length);
}

static bool has_digest(const weir_http_fields *fields) {
    static const char *const names[] = {"Content-Digest", "Repr-Digest", "Digest", "Content-MD5"};
    bool has = false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        has = has || weir_http_fields_find(fields, weir_bytes_str(names[i])).ptr != NULL;
    return has;
}

static bool may_code(const http_compressor *self, const weir_http_response *response) {
    const weir_http_fields *fields = &response->head.fields;
    unsigned status = response->status;
    bool has_body = status >= 200 && status != 204 && status != 205 && status != 206 && status != 304;
    return has_body && self->may_transform && !weir_http_fields_has(fields, WEIR_HTTP_CONTENT_ENCODING) &&
           !weir_http_fields_has(fields, WEIR_HTTP_CONTENT_RANGE) &&
           !weir_http_fields_has_token(fields, WEIR_HTTP_CACHE_CONTROL, "no-transform") &&
           !has_digest(fields);
}

static bool is_worth_it(const http_compressor *self, const weir_http_head *head) {
    uint64_t length;
    bool is_known = length_of(head, &length);
    if (is_known && (length < self->length_min || length > self->length_max)) return false;
    weir_bytes type = weir_http_fields_get(&head->fields, WEIR_HTTP_CONTENT_TYPE);
    if (self->is_compressible != NULL) return self->is_compressible(self->arg, type);
    return type.ptr != NULL && weir_http_mime_is_compressible(type);
}

/* ---- heads ---- */

static weir_status add_vary(weir_http_fields *fields) {
    bool has = weir_http_fields_has_token(fields, WEIR_HTTP_VARY, "Accept-Encoding") ||
               weir_http_fields_has_token(fields, WEIR_HTTP_VARY, "*");
    return has ? WEIR_OK
               : weir_http_fields_add(fields, WEIR_HTTP_VARY, weir_http_name_text(WEIR_HTTP_ACCEPT_ENCODING));
}

static weir_status weaken_etag(weir_ctx *ctx, weir_http_fields *fields) {
    weir_http_etag etag;
    weir_bytes field = weir_http_fields_get(fields, WEIR_HTTP_ETAG);
    if (field.ptr == NULL || !weir_http_etag_parse(field, &etag) || etag.is_weak) return WEIR_OK;
    weir_buf *text = weir_ctx_get_buf(ctx, field.len + 2);
    if (text == NULL) return WEIR_E_NO_MEMORY;
    etag.is_weak = true;
    weir_http_etag_format(&etag, text);
    weir_status status = weir_buf_status(text);
    if (status == WEIR_OK) status = weir_http_fields_set(fields, WEIR_HTTP_ETAG, weir_buf_peek(text));
    weir_buf_release(text);
    return status;
}

/* Gives: a compressor in `*made`. */
static weir_status new_compressor(const http_compressor *self, weir_ctx *ctx, weir_compressor **made) {
    weir_compressor_options options = {.level = self->wanted->level,
                                       .pool = weir_loop_pool(weir_ctx_loop(ctx))};
    return weir_compressor_new(made, self->wanted->format, &options);
}

/* The body that follows is compressed; false when there was no memory, and it goes as it is. */
static bool begin_coding(http_compressor *self, weir_ctx *ctx, weir_http_head *head) {
    weir_compressor *made;
    weir_http_fields *fields = &head->fields;
    weir_status status = new_compressor(self, ctx, &made);
    if (status == WEIR_OK) status = weaken_etag(ctx, fields);
    if (status == WEIR_OK)
        status = weir_http_fields_add(fields, WEIR_HTTP_CONTENT_ENCODING, weir_bytes_str(self->wanted->name));
    if (status != WEIR_OK) {
        weir_compressor_free(made);
        return false;
    }
    weir_http_fields_remove(fields, WEIR_HTTP_CONTENT_LENGTH);
    weir_http_fields_remove(fields, WEIR_HTTP_ACCEPT_RANGES);
    head->framing = WEIR_HTTP_CHUNKED;
    head->length = 0;
    self->is_coding = !self->is_head;
    weir_compress_writer_begin(self->writer, self->is_coding ? made : NULL);
    if (!self->is_coding) weir_compressor_free(made);
    return true;
}

static weir_status rewrite(http_compressor *self, weir_ctx *ctx, weir_http_response *response) {
    weir_http_fields *fields = &response->head.fields;
    bool is_wanted = self->wanted != NULL;
    if (response->status == 304 && is_wanted && self->may_transform) {
        weir_status status = weaken_etag(ctx, fields);
        return status == WEIR_OK ? add_vary(fields) : status;
    }
    if (!may_code(self, response)) return WEIR_OK;
    bool is_forced = is_wanted && self->is_identity_refused;
    if (!is_forced && !is_worth_it(self, &response->head)) return WEIR_OK;
    weir_status status = add_vary(fields);
    if (status == WEIR_OK && is_wanted) (void)begin_coding(self, ctx, &response->head);
    return status;
}

/* ---- slots ---- */

static void compressor_added(weir_ctx *ctx) {
    http_compressor *self = weir_ctx_state(ctx);
    weir_compress_writer_start(self->writer, ctx);
}

static void compressor_removed(weir_ctx *ctx) {
    http_compressor *self = weir_ctx_state(ctx);
    weir_compress_writer_free(self->writer);
    weir_alloc_release(NULL, self);
}

static void compressor_read(weir_ctx *ctx, weir_obj *msg) {
    const weir_http_request *request = weir_http_request_from(msg);
    if (request != NULL) note_request(weir_ctx_state(ctx), request);
    weir_ctx_fire_read(ctx, msg);
}

/* Takes: response, promise. */
static void write_head(http_compressor *self, weir_ctx *ctx, weir_http_response *response,
                       weir_promise *promise) {
    weir_compress_writer *writer = self->writer;
    weir_status status = WEIR_OK;
    bool is_final = response->status >= 200;
    if (is_final && !self->is_coding) status = rewrite(self, ctx, response);
    if (status == WEIR_OK) {
        weir_compress_writer_pass(writer, &response->head.obj, promise);
    } else {
        weir_obj_release(response);
        weir_ctx_write(ctx, NULL, promise);
    }
}

static void compressor_write(weir_ctx *ctx, weir_obj *msg, weir_promise *promise) {
    http_compressor *self = weir_ctx_state(ctx);
    weir_compress_writer *writer = self->writer;
    weir_http_response *response = weir_http_response_from(msg);
    if (response != NULL) {
        write_head(self, ctx, response, promise);
    } else if (!self->is_coding) {
        weir_compress_writer_pass(writer, msg, promise);
    } else if (weir_http_end_from(msg) == NULL) {
        if (!weir_compress_writer_write(writer, msg, promise)) weir_ctx_abort(ctx, WEIR_E_BACKPRESSURE);
    } else {
        self->is_coding = false;
        weir_compress_writer_end(writer, msg, promise);
    }
}

static void compressor_flush(weir_ctx *ctx) {
    const http_compressor *self = weir_ctx_state(ctx);
    weir_compress_writer_flush(self->writer);
}

static void compressor_close(weir_ctx *ctx, weir_promise *promise) {
    const http_compressor *self = weir_ctx_state(ctx);
    weir_compress_writer_close(self->writer, promise);
}

static void compressor_writable_changed(weir_ctx *ctx) {
    const http_compressor *self = weir_ctx_state(ctx);
    weir_compress_writer_pump(self->writer);
    weir_ctx_fire_writable_changed(ctx);
}

static void compressor_error(weir_ctx *ctx, const weir_error *error) {
    const http_compressor *self = weir_ctx_state(ctx);
    weir_compress_writer_error(self->writer, error);
    weir_ctx_fire_error(ctx, error);
}

static void compressor_inactive(weir_ctx *ctx) {
    const http_compressor *self = weir_ctx_state(ctx);
    weir_compress_writer_fail(self->writer, WEIR_E_CLOSED);
    weir_ctx_fire_inactive(ctx);
}

static const weir_handler handler = {
    .name = "http_compressor",
    .added = compressor_added,
    .removed = compressor_removed,
    .read = compressor_read,
    .writable_changed = compressor_writable_changed,
    .error = compressor_error,
    .inactive = compressor_inactive,
    .write = compressor_write,
    .flush = compressor_flush,
    .close = compressor_close,
};

/* ---- options ---- */

static const char *const names[] = {"zstd", "br", "gzip", "deflate"};

static int level_of(const weir_http_compressor_options *options, weir_compression format) {
    if (format == WEIR_COMPRESSION_BROTLI) return options->brotli_level;
    return format == WEIR_COMPRESSION_ZSTD ? options->zstd_level : options->gzip_level;
}

static weir_status add_offer(http_compressor *self, weir_bytes name,
                             const weir_http_compressor_options *options) {
    offer made = {0};
    for (size_t i = 0; i < OFFERS; i++)
        if (weir_bytes_equal_nocase(name, weir_bytes_str(names[i]))) made.name = names[i];
    if (made.name == NULL || !http_coding_find(name, &made.format)) return WEIR_E_INVALID;
    for (unsigned i = 0; i < self->count; i++)
        if (self->offers[i].name == made.name) return WEIR_E_INVALID;
    made.level = level_of(options, made.format);
    weir_compressor *trial;
    weir_status status =
        weir_compressor_new(&trial, made.format, &(weir_compressor_options){.level = made.level});
    weir_compressor_free(trial);
    if (status == WEIR_OK) self->offers[self->count++] = made;
    return status;
}

static weir_status take_options(http_compressor *self, const weir_http_compressor_options *options) {
    weir_bytes rest = weir_bytes_str(options->codings != NULL ? options->codings : "zstd, br, gzip, deflate");
    weir_status status = WEIR_OK;
    for (weir_bytes name; status == WEIR_OK && scan_element(&rest, &name);)
        status = add_offer(self, name, options);
    self->length_min = options->length_min != 0 ? options->length_min : LENGTH_MIN;
    self->length_max = options->length_max != 0 ? options->length_max : LENGTH_MAX;
    self->is_compressible = options->is_compressible;
    self->arg = options->arg;
    return status;
}

weir_status weir_http_compressor_add(weir_pipeline *pipeline, const weir_http_compressor_options *options) {
    static const weir_http_compressor_options usual;
    http_compressor *self = weir_alloc_zeroed(NULL, 1, sizeof *self);
    if (self == NULL) return WEIR_E_NO_MEMORY;
    weir_status status = take_options(self, options != NULL ? options : &usual);
    self->writer = status == WEIR_OK ? weir_compress_writer_new() : NULL;
    if (status == WEIR_OK && self->writer == NULL) status = WEIR_E_NO_MEMORY;
    if (status == WEIR_OK) status = weir_pipeline_add_last(pipeline, &handler, self);
    if (status == WEIR_OK) return WEIR_OK;
    weir_compress_writer_free(self->writer);
    weir_alloc_release(NULL, self);
    return status;
}
