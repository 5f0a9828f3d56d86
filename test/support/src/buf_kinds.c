/* buf_kinds.c - one maker for each way bytes can come to lie in a buf. */
#include <weir/testing/buf_kinds.h>

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <weir/testing/expect.h>
#include <weir/testing/test.h>

typedef struct buf_kind {
    const char *name;
    weir_buf *(*make)(weir_bytes content, size_t cut, weir_pool *pool);
    unsigned traits;
    bool has_seams;
} buf_kind;

static weir_buf *filled(weir_buf *buf, weir_bytes content) {
    if (buf != NULL) weir_buf_write_view(buf, content);
    return buf;
}

static weir_buf *heap_of(weir_bytes content) {
    return filled(weir_buf_new(content.len + 16), content);
}

/* ---- plain ------------------------------------------------------------------------------------ */

static weir_buf *make_heap(weir_bytes content, size_t cut, weir_pool *pool) {
    (void)cut, (void)pool;
    return heap_of(content);
}

static weir_buf *make_tight_heap(weir_bytes content, size_t cut, weir_pool *pool) {
    (void)cut, (void)pool;
    return filled(weir_buf_new(content.len), content);
}

static weir_buf *make_full(weir_bytes content, size_t cut, weir_pool *pool) {
    (void)cut, (void)pool;
    return filled(weir_buf_new_limited(content.len, content.len), content);
}

static weir_buf *make_with_headroom(weir_bytes content, size_t cut, weir_pool *pool) {
    (void)cut, (void)pool;
    weir_buf *buf = weir_buf_new(0);
    weir_buf_write_fill(buf, '-', 9);
    weir_buf_skip(buf, 9);
    return filled(buf, content);
}

static weir_buf *make_pooled(weir_bytes content, size_t cut, weir_pool *pool) {
    (void)cut;
    return filled(weir_pool_get(pool, content.len), content);
}

static void free_memory(void *arg, void *ptr, size_t len) {
    (void)arg, (void)len;
    free(ptr);
}

static weir_buf *make_wrapped(weir_bytes content, size_t cut, weir_pool *pool) {
    (void)cut, (void)pool;
    void *memory = malloc(content.len + 1);
    require(memory != NULL);
    if (content.len > 0) memcpy(memory, content.ptr, content.len);
    return weir_buf_wrap(memory, content.len, free_memory, NULL);
}

static weir_buf *make_constant(weir_bytes content, size_t cut, weir_pool *pool) {
    (void)cut, (void)pool;
    return weir_buf_wrap_const(content.ptr, content.len);
}

static weir_buf *make_mapped(weir_bytes content, weir_buf_map_access access) {
    int fd = memfd_create("content", MFD_CLOEXEC);
    require(fd >= 0 && pwrite(fd, "-", 1, 0) == 1);
    require(pwrite(fd, content.ptr, content.len, 1) == (ssize_t)content.len);
    weir_buf *buf = NULL;
    expect_status(weir_buf_map_range(&buf, fd, 1, content.len, &(weir_buf_map_options){.access = access}),
                  WEIR_OK);
    close(fd);
    return buf;
}

static weir_buf *make_mapped_read_only(weir_bytes content, size_t cut, weir_pool *pool) {
    (void)cut, (void)pool;
    return make_mapped(content, WEIR_BUF_MAP_READ_ONLY);
}

static weir_buf *make_mapped_shared(weir_bytes content, size_t cut, weir_pool *pool) {
    (void)cut, (void)pool;
    return make_mapped(content, WEIR_BUF_MAP_SHARED);
}

/* ---- views ------------------------------------------------------------------------------------ */

static weir_buf *surrounded(weir_buf *buf, weir_bytes content) {
    weir_buf_write_str(buf, "before:");
    weir_buf_write_view(buf, content);
    weir_buf_write_str(buf, ":behind");
    return buf;
}

static weir_buf *make_slice(weir_bytes content, size_t cut, weir_pool *pool) {
    (void)cut, (void)pool;
    weir_buf *whole = surrounded(weir_buf_new(0), content);
    weir_buf *buf = weir_buf_slice(whole, 7, content.len);
    weir_buf_release(whole);
    return buf;
}

static weir_buf *make_duplicate(weir_bytes content, size_t cut, weir_pool *pool) {
    weir_buf *original = make_with_headroom(content, cut, pool);
    weir_buf *buf = weir_buf_duplicate(original);
    weir_buf_release(original);
    return buf;
}

/* A root whose window has moved to other memory, because a view kept its own. */
static weir_buf *make_moved(weir_bytes content, size_t cut, weir_pool *pool) {
    (void)cut, (void)pool;
    weir_buf *buf = weir_buf_new(1);
    weir_buf_write_u8(buf, 'x');
    weir_buf *view = weir_buf_read_slice(buf, 1);
    filled(buf, content);
    weir_buf_release(view);
    return buf;
}

static weir_buf *make_read_only(weir_bytes content, size_t cut, weir_pool *pool) {
    weir_buf *buf = make_duplicate(content, cut, pool);
    weir_buf_set_read_only(buf);
    return buf;
}

/* ---- composites ------------------------------------------------------------------------------- */

static void append(weir_buf *composite, weir_bytes content) {
    expect_status(weir_buf_composite_append(composite, heap_of(content)), WEIR_OK);
}

static weir_buf *make_composite_of_one(weir_bytes content, size_t cut, weir_pool *pool) {
    (void)cut, (void)pool;
    weir_buf *buf = weir_buf_composite_new();
    append(buf, content);
    return buf;
}

static weir_buf *make_composite_of_two(weir_bytes content, size_t cut, weir_pool *pool) {
    (void)pool;
    weir_buf *buf = weir_buf_composite_new();
    append(buf, weir_bytes_sub(content, 0, cut));
    append(buf, weir_bytes_sub(content, cut, content.len));
    return buf;
}

static weir_buf *make_composite_of_bytes(weir_bytes content, size_t cut, weir_pool *pool) {
    (void)cut, (void)pool;
    weir_buf *buf = weir_buf_composite_new();
    for (size_t i = 0; i < content.len; i++) append(buf, weir_bytes_sub(content, i, 1));
    return buf;
}

/* The reader stands inside a part, and a part before it has been read. */
static weir_buf *make_composite_half_read(weir_bytes content, size_t cut, weir_pool *pool) {
    (void)pool;
    weir_buf *buf = weir_buf_composite_new();
    append(buf, weir_bytes_str("read"));
    weir_buf *first = surrounded(weir_buf_new(0), weir_bytes_sub(content, 0, cut));
    expect_status(weir_buf_composite_append(buf, weir_buf_slice(first, 0, 7 + cut)), WEIR_OK);
    weir_buf_release(first);
    append(buf, weir_bytes_sub(content, cut, content.len));
    weir_buf_skip(buf, 4 + 7);
    return buf;
}

static weir_buf *make_composite_written(weir_bytes content, size_t cut, weir_pool *pool) {
    (void)pool;
    weir_buf *buf = weir_buf_composite_new();
    append(buf, weir_bytes_sub(content, 0, cut));
    return filled(buf, weir_bytes_sub(content, cut, content.len));
}

static weir_buf *make_composite_slice(weir_bytes content, size_t cut, weir_pool *pool) {
    weir_buf *whole = weir_buf_composite_new();
    append(whole, weir_bytes_str("before:"));
    expect_status(weir_buf_composite_append(whole, make_composite_of_two(content, cut, pool)), WEIR_OK);
    append(whole, weir_bytes_str(":behind"));
    weir_buf *buf = weir_buf_slice(whole, 7, content.len);
    weir_buf_release(whole);
    return buf;
}

static weir_buf *make_composite_duplicate(weir_bytes content, size_t cut, weir_pool *pool) {
    weir_buf *original = make_composite_half_read(content, cut, pool);
    weir_buf *buf = weir_buf_duplicate(original);
    weir_buf_release(original);
    return buf;
}

static weir_buf *make_composite_read_only(weir_bytes content, size_t cut, weir_pool *pool) {
    weir_buf *buf = make_composite_of_two(content, cut, pool);
    weir_buf_set_read_only(buf);
    return buf;
}

static weir_buf *make_composite_coalesced(weir_bytes content, size_t cut, weir_pool *pool) {
    weir_buf *buf = make_composite_of_bytes(content, cut, pool);
    expect(weir_buf_coalesce(buf, cut).ptr != NULL || cut == 0);
    return buf;
}

/* ---- all of them ------------------------------------------------------------------------------ */

#define WRITABLE WEIR_BUF_KIND_WRITABLE
#define GROWS (WEIR_BUF_KIND_WRITABLE | WEIR_BUF_KIND_GROWS)

static const buf_kind kinds[] = {
    {"heap", make_heap, GROWS, false},
    {"heap without room", make_tight_heap, GROWS, false},
    {"heap at its maximum", make_full, WRITABLE, false},
    {"heap with headroom", make_with_headroom, GROWS, false},
    {"pooled", make_pooled, GROWS, false},
    {"wrapped", make_wrapped, WRITABLE, false},
    {"constant", make_constant, 0, false},
    {"mapped", make_mapped_shared, WRITABLE, false},
    {"mapped read-only", make_mapped_read_only, 0, false},
    {"slice", make_slice, WRITABLE, false},
    {"duplicate", make_duplicate, GROWS, false},
    {"moved", make_moved, GROWS, false},
    {"read-only", make_read_only, 0, false},
    {"composite of one", make_composite_of_one, GROWS, false},
    {"composite of two", make_composite_of_two, GROWS, true},
    {"composite of bytes", make_composite_of_bytes, GROWS, false},
    {"composite half read", make_composite_half_read, GROWS, true},
    {"composite written", make_composite_written, GROWS, true},
    {"composite slice", make_composite_slice, WRITABLE, true},
    {"composite duplicate", make_composite_duplicate, GROWS, true},
    {"composite read-only", make_composite_read_only, 0, true},
    {"composite coalesced", make_composite_coalesced, GROWS, true},
};

enum {
    KINDS = sizeof kinds / sizeof kinds[0],
    MOST_CUTS = 40
};

size_t weir_buf_kinds_count(void) {
    return KINDS;
}

const char *weir_buf_kinds_name(size_t kind) {
    return kinds[kind].name;
}

unsigned weir_buf_kinds_traits(size_t kind) {
    return kinds[kind].traits;
}

weir_buf *weir_buf_kinds_make(size_t kind, weir_bytes content, size_t cut, weir_pool *pool) {
    weir_buf *buf = kinds[kind].make(content, cut, pool);
    require(buf != NULL);
    require(weir_buf_equal_bytes(buf, content));
    return buf;
}

static void check_kind(size_t kind, weir_bytes content, weir_pool *pool, weir_buf_check_fn *check) {
    size_t step = 1 + content.len / MOST_CUTS;
    size_t last = kinds[kind].has_seams ? content.len : 0;
    for (size_t cut = 0; cut <= last; cut += step) {
        weir_test_context("buf kind %s, cut at %zu", kinds[kind].name, cut);
        weir_buf *buf = weir_buf_kinds_make(kind, content, cut, pool);
        check(buf, content);
        weir_buf_release(buf);
    }
}

void weir_buf_kinds_each(unsigned traits, weir_bytes content, weir_buf_check_fn *check) {
    weir_pool *pool = weir_pool_new(NULL);
    require(pool != NULL);
    for (size_t kind = 0; kind < KINDS; kind++) {
        if ((kinds[kind].traits & traits) == traits) check_kind(kind, content, pool, check);
    }
    weir_test_context("%s", "");
    weir_pool_free(pool);
}
