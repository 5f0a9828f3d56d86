/* http_form.c - the fields of a form. Values are copied: a small one must not keep the read buffer it came in.
 */
#include <weir/buffer/buf_bytes.h>
#include <weir/buffer/buf_view.h>
#include <weir/codec/http_form.h>
#include <weir/codec/http_media_type.h>
#include <weir/codec/http_query.h>
#include <weir/core/alloc.h>
#include <weir/core/check.h>

enum {
    MEMORY_MAX = 1 << 20,
    FIELDS_MAX = 1024,
    SPILL_ABOVE = 16 * 1024,
    FIRST_ROOM = 8
};

static weir_http_form_options with_defaults(const weir_http_form_options *options) {
    weir_http_form_options all = {0};
    if (options != NULL) all = *options;
    if (all.max_memory == 0) all.max_memory = MEMORY_MAX;
    if (all.max_fields == 0) all.max_fields = FIELDS_MAX;
    if (all.spill_above == 0) all.spill_above = SPILL_ABOVE;
    return all;
}

weir_status weir_http_form_init(weir_http_form *self, weir_bytes content_type,
                                const weir_http_form_options *options) {
    *self = (weir_http_form){.options = with_defaults(options)};
    weir_cumulation_init(&self->bytes, NULL);
    weir_http_media_type type;
    if (!weir_http_media_type_parse(content_type, &type)) return WEIR_E_UNSUPPORTED;
    if (weir_http_media_type_is(&type, "application/x-www-form-urlencoded")) {
        self->text = weir_buf_new(0);
        return self->text == NULL ? WEIR_E_NO_MEMORY : WEIR_OK;
    }
    if (!weir_http_media_type_is(&type, "multipart/form-data")) return WEIR_E_UNSUPPORTED;
    weir_bytes boundary;
    if (!weir_http_multipart_boundary(content_type, &boundary)) return WEIR_E_INVALID;
    return weir_http_multipart_init(&self->multipart, &(weir_http_multipart_options){
                                                          .boundary = boundary,
                                                          .max_parts = self->options.max_fields,
                                                          .max_total = self->options.max_total,
                                                          .is_form = true,
                                                      });
}

/* ---- fields ---- */

static weir_status fail(weir_http_form *self, weir_status status) {
    if (self->status == WEIR_OK) self->status = status;
    return self->status;
}

/* Counts `n` more bytes that are kept; false when that is too many. */
static bool keep(weir_http_form *self, size_t n) {
    if (n > self->options.max_memory - self->memory) {
        (void)fail(self, WEIR_E_LIMIT);
        return false;
    }
    self->memory += n;
    return true;
}

/* An empty field; NULL when there can be none. */
static weir_http_form_field *add_field(weir_http_form *self) {
    if (self->count == self->options.max_fields) {
        (void)fail(self, WEIR_E_LIMIT);
        return NULL;
    }
    if (self->count == self->room) {
        size_t room = self->room == 0 ? FIRST_ROOM : (size_t)self->room * 2;
        if (room > self->options.max_fields) room = self->options.max_fields;
        void *fields = weir_alloc_resize(NULL, self->fields, room * sizeof *self->fields);
        if (fields == NULL) {
            (void)fail(self, WEIR_E_NO_MEMORY);
            return NULL;
        }
        self->fields = fields;
        self->room = (unsigned)room;
    }
    weir_buf *value = weir_buf_new(0);
    if (value == NULL) {
        (void)fail(self, WEIR_E_NO_MEMORY);
        return NULL;
    }
    weir_http_form_field *field = &self->fields[self->count++];
    *field = (weir_http_form_field){.value = value};
    return field;
}

/* Takes: part. */
static void begin_field(weir_http_form *self, weir_http_part *part) {
    weir_http_form_field *field = keep(self, part->head.len) ? add_field(self) : NULL;
    if (field == NULL) {
        weir_obj_release(part);
        return;
    }
    field->part = part;
    field->name = part->name;
}

/* What is in memory goes first. */
static weir_status spill(weir_http_form *self, weir_http_form_field *field) {
    const weir_http_form_sink *sink = self->options.sink;
    weir_status status = sink->open(self->options.sink_arg, field, &field->file);
    if (status != WEIR_OK) {
        field->file = NULL;
        return status;
    }
    WEIR_CHECK(field->file != NULL, "a sink's open succeeded without a file");
    self->memory -= weir_buf_readable(field->value);
    status = sink->write(self->options.sink_arg, field->file, field->value);
    weir_buf_release(field->value);
    field->value = NULL;
    return status;
}

/* Borrows: bytes. */
static weir_status store(weir_http_form *self, weir_http_form_field *field, weir_buf *bytes) {
    const weir_http_form_sink *sink = self->options.sink;
    if (sink != NULL && field->size > self->options.spill_above) {
        weir_status status = field->file == NULL ? spill(self, field) : WEIR_OK;
        return status != WEIR_OK ? status : sink->write(self->options.sink_arg, field->file, bytes);
    }
    size_t n = weir_buf_readable(bytes);
    if (!keep(self, n)) return self->status;
    (void)weir_buf_write_buf(field->value, bytes, n);
    return weir_buf_status(field->value);
}

/* Borrows: bytes. */
static void add_bytes(weir_http_form *self, weir_buf *bytes) {
    weir_http_form_field *field = &self->fields[self->count - 1];
    field->size += weir_buf_readable(bytes);
    weir_status status = store(self, field, bytes);
    if (status != WEIR_OK) (void)fail(self, status);
}

/* Takes: obj. */
static void add_obj(weir_http_form *self, weir_obj *obj) {
    weir_http_part *part = weir_http_part_from(obj);
    if (part != NULL) {
        begin_field(self, part);
        return;
    }
    if (obj != &weir_http_part_end) add_bytes(self, weir_buf_from(obj));
    weir_obj_release(obj);
}

/* ---- the body ---- */

static weir_status decode_parts(weir_http_form *self, bool is_end) {
    weir_decode answer = WEIR_DECODE_AGAIN;
    while (self->status == WEIR_OK && answer == WEIR_DECODE_AGAIN) {
        weir_obj *out = NULL;
        weir_error error = {0};
        answer = is_end ? weir_cumulation_end(&self->bytes, weir_http_multipart_decode_last, &self->multipart,
                                              &out, &error)
                        : weir_cumulation_next(&self->bytes, weir_http_multipart_decode, &self->multipart,
                                               &out, &error);
        if (answer == WEIR_DECODE_FAILED) (void)fail(self, error.status);
        if (out != NULL) add_obj(self, out);
    }
    return self->status;
}

weir_status weir_http_form_add(weir_http_form *self, weir_buf *buf) {
    if (buf == NULL) return fail(self, WEIR_E_NO_MEMORY);
    if (self->status != WEIR_OK) {
        weir_buf_release(buf);
        return self->status;
    }
    if (self->text == NULL) {
        weir_status status = weir_cumulation_add(&self->bytes, buf);
        return status == WEIR_OK ? decode_parts(self, false) : fail(self, status);
    }
    size_t n = weir_buf_readable(buf);
    if (keep(self, n) && !weir_buf_write_buf(self->text, buf, n))
        (void)fail(self, weir_buf_status(self->text));
    weir_buf_release(buf);
    return self->status;
}

/* A value lies behind its key, in one buf that is read up to it. */
static void add_pair(weir_http_form *self, weir_bytes key, weir_bytes value) {
    weir_http_form_field *field = add_field(self);
    if (field == NULL) return;
    weir_buf_write_view(field->value, key);
    weir_buf_write_view(field->value, value);
    if (weir_buf_status(field->value) != WEIR_OK) {
        (void)fail(self, weir_buf_status(field->value));
        return;
    }
    field->name = weir_bytes_sub(weir_buf_peek(field->value), 0, key.len);
    field->size = value.len;
    (void)weir_buf_skip(field->value, key.len);
}

static weir_status decode_pairs(weir_http_form *self) {
    weir_http_query query;
    weir_http_query_options options = {.max_pairs = self->options.max_fields, .allow_nul = true};
    weir_buf *scratch = weir_buf_new(0);
    if (scratch == NULL) return fail(self, WEIR_E_NO_MEMORY);
    weir_http_query_init(&query, weir_buf_peek(self->text), &options, scratch);
    weir_bytes key;
    weir_bytes value;
    while (self->status == WEIR_OK && weir_http_query_next(&query, &key, &value)) add_pair(self, key, value);
    if (query.status != WEIR_OK) (void)fail(self, query.status);
    weir_buf_release(scratch);
    weir_buf_clear(self->text);
    return self->status;
}

weir_status weir_http_form_end(weir_http_form *self) {
    if (self->status != WEIR_OK) return self->status;
    return self->text == NULL ? decode_parts(self, true) : decode_pairs(self);
}

const weir_http_form_field *weir_http_form_find(const weir_http_form *self, const char *name) {
    for (unsigned i = 0; i < self->count; i++) {
        if (weir_bytes_equal_str(self->fields[i].name, name)) return &self->fields[i];
    }
    return NULL;
}

void weir_http_form_clear(weir_http_form *self) {
    for (unsigned i = 0; i < self->count; i++) {
        weir_http_form_field *field = &self->fields[i];
        if (field->file != NULL) self->options.sink->close(self->options.sink_arg, field->file);
        weir_buf_release(field->value);
        weir_obj_release(field->part);
    }
    weir_alloc_release(NULL, self->fields);
    weir_buf_release(self->text);
    weir_cumulation_clear(&self->bytes);
    *self = (weir_http_form){.status = WEIR_E_CLOSED};
}
