/* fuzz_http_form.c - forms: no body may break them or make them hold more than they may, and no cut may change what is
 * found, in memory or in the sink.
 *
 * The first byte chooses type and limits, the second how the rest is cut.
 */
#include <weir/buffer.h>
#include <weir/codec/http_form.h>
#include <weir/core/leak.h>

#include "fuzz/chance.h"
#include "fuzz/fuzz.h"

enum {
    SIZE_MOST = 1 << 14
};

/* A sink that keeps a digest and a count. */
typedef struct spilled {
    uint64_t digest, size;
} spilled;

static uint64_t mix(uint64_t digest, weir_bytes bytes) {
    for (size_t i = 0; i < bytes.len; i++) digest = (digest ^ bytes.ptr[i]) * UINT64_C(0x100000001b3);
    return digest;
}

static weir_status sink_open(void *arg, const weir_http_form_field *field, void **file) {
    long *open = arg;
    MUST(field->name.ptr != NULL || field->name.len == 0);
    *file = calloc(1, sizeof(spilled));
    MUST(*file != NULL);
    ++*open;
    return WEIR_OK;
}

static weir_status sink_write(void *arg, void *file, weir_buf *bytes) {
    (void)arg;
    spilled *self = file;
    self->size += weir_buf_readable(bytes);
    for (weir_bytes piece; (piece = weir_buf_peek(bytes)).len != 0; weir_buf_skip(bytes, piece.len))
        self->digest = mix(self->digest, piece);
    return WEIR_OK;
}

static void sink_close(void *arg, void *file) {
    --*(long *)arg;
    free(file);
}

static const weir_http_form_sink sink = {.open = sink_open, .write = sink_write, .close = sink_close};

static uint64_t digest_of(const weir_http_form *form) {
    uint64_t digest = mix(0, weir_bytes_str(weir_status_name(form->status)));
    if (form->status != WEIR_OK) return digest; /* how far it came depends on the cut */
    for (unsigned i = 0; i < form->count; i++) {
        const weir_http_form_field *field = &form->fields[i];
        const spilled *file = field->file;
        digest = mix(mix(digest, field->name), weir_bytes_str("="));
        MUST((field->value == NULL) == (file != NULL));
        if (file != NULL) {
            MUST(file->size == field->size);
            digest = digest * 31 + file->digest;
        } else {
            MUST(weir_buf_readable(field->value) == field->size);
            digest = mix(digest, weir_buf_coalesce(field->value, (size_t)field->size));
        }
    }
    return digest;
}

/* `seed` 0: in one piece. */
static uint64_t read_form(weir_bytes type, const weir_http_form_options *given, weir_bytes body,
                          uint64_t seed) {
    long open = 0;
    weir_http_form form;
    weir_http_form_options options = *given;
    options.sink_arg = &open;
    if (weir_http_form_init(&form, type, &options) != WEIR_OK) return 0;
    chance luck = chance_of_seed(seed);
    for (size_t at = 0, n; at < body.len; at += n) {
        n = seed == 0 ? body.len : 1 + chance_below(&luck, chance_below(&luck, 4) == 0 ? 300 : 9);
        weir_bytes piece = weir_bytes_sub(body, at, n);
        weir_buf *buf = weir_buf_new(piece.len);
        MUST(buf != NULL);
        weir_buf_write_view(buf, piece);
        (void)weir_http_form_add(&form, buf);
        MUST(form.memory <= options.max_memory && form.count <= options.max_fields);
    }
    (void)weir_http_form_end(&form);
    (void)weir_http_form_find(&form, "a");
    uint64_t digest = digest_of(&form);
    weir_http_form_clear(&form);
    MUST(open == 0);
    return digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const types[] = {
        "application/x-www-form-urlencoded", "multipart/form-data; boundary=B",
        "multipart/form-data; boundary=\"a b\"", "application/x-www-form-urlencoded; charset=utf-8"};
    if (size < 2 || size > SIZE_MOST) return 0;
    int64_t alive = weir_leak_report(NULL);
    weir_http_form_options options = {
        .max_memory = (data[0] & 4) != 0 ? 200 : 1 << 20,
        .max_fields = (data[0] & 8) != 0 ? 3 : 1000,
        .spill_above = (data[0] & 16) != 0 ? 4 : 100,
        .sink = (data[0] & 32) != 0 ? &sink : NULL,
    };
    weir_bytes body = weir_bytes_of(data + 2, size - 2), type = weir_bytes_str(types[data[0] & 3]);
    if ((data[0] & 64) != 0) { /* a type of its own, up to the first newline */
        weir_bytes_split(&body, '\n', &type);
    }
    uint64_t whole = read_form(type, &options, body, 0);
    uint64_t pieces = read_form(type, &options, body, data[1] + 1u);
    /* Which of two limits is passed first may depend on the cut; without small ones nothing may. */
    if ((data[0] & (4 | 8)) == 0) MUST(whole == pieces);
    MUST(weir_leak_report(NULL) == alive);
    return 0;
}
