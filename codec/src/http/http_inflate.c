/* http_inflate.c - one zlib stream for each coding; the first reads what came, the last writes what is given. */
#include "http/http_inflate.h"

#include <weir/buffer/buf_bytes.h>

#include "http/http_list.h"
#include "zlib_memory.h"

enum {
    OUT_LEAST = 512,
    OUT_MOST = 16384,
    MIDDLE = 4096,
    FREE_OF_RATIO = 65536, /* small bodies may well be all zeros */
    GZIP_BITS = 15 + 16,
    ZLIB_BITS = 15,
    RAW_BITS = -15
};

/* ---- what is asked for ---- */

static void note_coding(http_codings *self, weir_bytes name) {
    static const struct {
        const char *name;
        http_coding coding;
    } known[] = {{"gzip", HTTP_CODING_GZIP}, {"x-gzip", HTTP_CODING_GZIP}, {"deflate", HTTP_CODING_DEFLATE}};
    if (name.len == 0 || weir_bytes_equal_nocase(name, weir_bytes_str("identity"))) return;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (!weir_bytes_equal_nocase(name, weir_bytes_str(known[i].name))) continue;
        self->is_too_many = self->is_too_many || self->count == HTTP_CODINGS;
        if (self->count < HTTP_CODINGS) self->list[self->count++] = (uint8_t)known[i].coding;
        return;
    }
    self->is_unknown = true;
}

void http_codings_read(http_codings *self, const weir_http_fields *fields) {
    weir_bytes name, value, element, wanted = weir_http_name_text(WEIR_HTTP_CONTENT_ENCODING);
    size_t at = 0;
    *self = (http_codings){0};
    while (weir_http_fields_next(fields, &at, &name, &value)) {
        if (!weir_bytes_equal_nocase(name, wanted)) continue;
        while (http_list_next(&value, &element)) note_coding(self, element);
    }
}

/* ---- one coding ---- */

typedef struct stage {
    z_stream stream;
    uint64_t made;
    uint8_t coding; /* http_coding */
    uint8_t first;  /* of a deflate body, until its second byte says what it is */
    bool has_first;
    bool is_open; /* stream holds memory */
    bool is_over; /* at the end of a member, where the body may end */
} stage;

static weir_status open_bits(stage *self, int bits) {
    self->stream = zlib_memory_stream();
    if (inflateInit2(&self->stream, bits) != Z_OK) return WEIR_E_NO_MEMORY;
    self->is_open = true;
    return WEIR_OK;
}

static uint8_t take_byte(weir_bytes *in) {
    uint8_t byte = in->ptr[0];
    *in = weir_bytes_sub(*in, 1, in->len - 1);
    return byte;
}

/* RFC 1950 2.2: method 8, a window that exists, and a check; what has none of these is RFC 1951 alone. */
static bool is_zlib_header(uint8_t first, uint8_t second) {
    return (first & 0x0f) == 8 && first >> 4 <= 7 && (first << 8 | second) % 31 == 0;
}

static weir_status open_deflate(stage *self, weir_bytes *in) {
    uint8_t nothing;
    if (!self->has_first && in->len != 0) {
        self->first = take_byte(in);
        self->has_first = true;
    }
    if (in->len == 0) return WEIR_OK;
    weir_status status = open_bits(self, is_zlib_header(self->first, in->ptr[0]) ? ZLIB_BITS : RAW_BITS);
    if (status != WEIR_OK) return status;
    self->stream.next_in = &self->first;
    self->stream.avail_in = 1;
    self->stream.next_out = &nothing; /* one byte makes none */
    self->stream.avail_out = 1;
    return inflate(&self->stream, Z_NO_FLUSH) == Z_OK ? WEIR_OK : (weir_status)WEIR_E_FRAME_CORRUPT;
}

/* Behind a gzip member another may follow (RFC 1952 2.2). */
static weir_status open_next(stage *self) {
    if (self->coding != HTTP_CODING_GZIP) return WEIR_E_FRAME_CORRUPT;
    self->is_over = false;
    return inflateReset(&self->stream) == Z_OK ? WEIR_OK : (weir_status)WEIR_E_FRAME_CORRUPT;
}

static weir_status make_ready(stage *self, weir_bytes *in) {
    if (self->is_over) return open_next(self);
    if (self->is_open) return WEIR_OK;
    return self->coding == HTTP_CODING_GZIP ? open_bits(self, GZIP_BITS) : open_deflate(self, in);
}

static weir_status inflate_once(stage *self, weir_bytes *in, uint8_t *out, size_t room, size_t *made) {
    z_stream *stream = &self->stream;
    uInt given = in->len < UINT32_MAX ? (uInt)in->len : UINT32_MAX;
    stream->next_in = (Bytef *)(uintptr_t)in->ptr;
    stream->avail_in = given;
    stream->next_out = out + *made;
    stream->avail_out = (uInt)(room - *made);
    int answer = inflate(stream, Z_NO_FLUSH);
    size_t taken = given - stream->avail_in;
    *in = weir_bytes_sub(*in, taken, in->len - taken);
    *made = room - stream->avail_out;
    self->is_over = answer == Z_STREAM_END;
    if (answer == Z_MEM_ERROR) return WEIR_E_NO_MEMORY;
    bool is_well = answer == Z_OK || answer == Z_BUF_ERROR || answer == Z_STREAM_END;
    return is_well ? WEIR_OK : (weir_status)WEIR_E_FRAME_CORRUPT;
}

/* Until `in` is used up or `out` is full. */
static weir_status run(stage *self, weir_bytes *in, uint8_t *out, size_t room, size_t *made) {
    *made = 0;
    do {
        if (self->is_over && in->len == 0) return WEIR_OK;
        weir_status status = make_ready(self, in);
        if (status == WEIR_OK && self->is_open) status = inflate_once(self, in, out, room, made);
        if (status != WEIR_OK) return status;
    } while (*made < room && in->len != 0);
    return WEIR_OK;
}

/* ---- all of them ---- */

struct http_inflate {
    stage stages[HTTP_CODINGS]; /* the first undoes what was applied last */
    unsigned count;
    uint64_t taken; /* bytes that came */
    uint64_t output_max;
    unsigned ratio_max;
    weir_pool *pool;
    bool is_full;          /* the last buf was, */
    bool is_middle_full;   /* and so was the space */
    weir_bytes middle;     /* what the first made and the second has not taken, */
    uint8_t space[MIDDLE]; /* in here */
};

http_inflate *http_inflate_new(const http_codings *codings, uint64_t output_max, unsigned ratio_max,
                               weir_pool *pool) {
    http_inflate *self = weir_alloc_zeroed(NULL, 1, sizeof *self);
    if (self == NULL) return NULL;
    self->count = codings->count;
    for (unsigned i = 0; i < self->count; i++) {
        self->stages[i].coding = codings->list[self->count - 1 - i];
    }
    self->output_max = output_max;
    self->ratio_max = ratio_max;
    self->pool = pool;
    return self;
}

void http_inflate_free(http_inflate *self) {
    if (self == NULL) return;
    for (unsigned i = 0; i < self->count; i++) {
        if (self->stages[i].is_open) inflateEnd(&self->stages[i].stream);
    }
    weir_alloc_release(NULL, self);
}

static bool is_allowed(const http_inflate *self, uint64_t made) {
    return made <= self->output_max && (made <= FREE_OF_RATIO || made / self->ratio_max <= self->taken);
}

static weir_status run_stage(http_inflate *self, unsigned i, weir_bytes *in, uint8_t *out, size_t room,
                             size_t *made) {
    size_t before = in->len;
    weir_status status = run(&self->stages[i], in, out, room, made);
    if (i == 0) self->taken += before - in->len;
    self->stages[i].made += *made;
    if (status == WEIR_OK && !is_allowed(self, self->stages[i].made)) status = WEIR_E_LIMIT;
    return status;
}

static weir_status refill_middle(http_inflate *self, weir_bytes *in) {
    size_t n;
    weir_status status = run_stage(self, 0, in, self->space, MIDDLE, &n);
    self->middle = weir_bytes_of(self->space, n);
    self->is_middle_full = n == MIDDLE;
    return status;
}

static weir_status run_both(http_inflate *self, weir_bytes *in, uint8_t *out, size_t room, size_t *made) {
    weir_status status = WEIR_OK;
    bool has_more = true;
    *made = 0;
    while (status == WEIR_OK && has_more && *made < room) {
        size_t n = 0;
        if (self->middle.len == 0) status = refill_middle(self, in);
        if (status == WEIR_OK) status = run_stage(self, 1, &self->middle, out + *made, room - *made, &n);
        *made += n;
        has_more = self->middle.len != 0 || self->is_middle_full || in->len != 0;
    }
    return status;
}

static size_t room_for(size_t n) {
    size_t guess = n < OUT_MOST / 4 ? n * 4 : OUT_MOST;
    return guess < OUT_LEAST ? OUT_LEAST : guess;
}

static void explain(const http_inflate *self, weir_status status, weir_error *error) {
    bool is_limit = status == WEIR_E_LIMIT;
    *error = (weir_error){.status = status, .what = "content coding", .offset = self->taken};
    if (!is_limit) return;
    error->what = "decoded body";
    error->actual = self->stages[self->count - 1].made;
    error->maximum = self->output_max;
}

static weir_status fill(http_inflate *self, weir_buf *in, size_t room, weir_buf *out) {
    uint8_t *at = out == NULL ? NULL : weir_buf_reserve(out, room);
    if (at == NULL) return WEIR_E_NO_MEMORY;
    weir_bytes piece = weir_buf_peek(in);
    size_t before = piece.len, made;
    weir_status status = self->count == 1 ? run_stage(self, 0, &piece, at, room, &made)
                                          : run_both(self, &piece, at, room, &made);
    weir_buf_skip(in, before - piece.len);
    weir_buf_commit(out, made);
    self->is_full = made == room;
    return status;
}

weir_status http_inflate_step(http_inflate *self, weir_buf *in, weir_buf **out, weir_error *error) {
    size_t room = self->is_full ? OUT_MOST : room_for(weir_buf_peek(in).len);
    *out = weir_pool_get(self->pool, room);
    weir_status status = fill(self, in, room, *out);
    if (status != WEIR_OK) explain(self, status, error);
    if (status == WEIR_OK && weir_buf_is_readable(*out)) return WEIR_OK;
    weir_buf_release(*out);
    *out = NULL;
    return status;
}

bool http_inflate_has_more(const http_inflate *self) {
    return self->is_full;
}

bool http_inflate_is_whole(const http_inflate *self) {
    bool is_whole = true;
    for (unsigned i = 0; i < self->count; i++) is_whole = is_whole && self->stages[i].is_over;
    return is_whole || self->taken == 0;
}
