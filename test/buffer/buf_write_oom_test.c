/* buf_write_oom_test.c - everything that writes into a buf, while the buf cannot grow: the failure stays on it. */
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <weir/buffer.h>
#include <weir/testing.h>

typedef void write_fn(weir_buf *out, const weir_buf *in);

static void dump_hex(weir_buf *out, const weir_buf *in) {
    weir_buf_dump_hex(in, out);
}

static void write_hex(weir_buf *out, const weir_buf *in) {
    (void)in;
    (void)weir_buf_write_hex(out, weir_bytes_str("0123456789"));
}

static void write_block(weir_buf *out, const weir_buf *in) {
    weir_buf_write_block(out, WEIR_BUF_LENGTH_U32, weir_buf_peek(in));
}

static void write_iovecs(weir_buf *out, const weir_buf *in) {
    weir_bytes bytes = weir_buf_peek(in);
    struct iovec vecs[2] = {{(void *)(uintptr_t)bytes.ptr, 5}, {(void *)(uintptr_t)bytes.ptr, 7}};
    weir_buf_write_iovecs(out, vecs, 2);
}

static void write_utf8(weir_buf *out, const weir_buf *in) {
    (void)in;
    weir_buf_write_utf8(out, 0x1f600);
}

static void write_utf8_lossy(weir_buf *out, const weir_buf *in) {
    (void)in;
    weir_buf_write_utf8_lossy(out, weir_bytes_str("a\xff"
                                                  "b"));
}

static const struct {
    const char *name;
    write_fn *fn;
} writers[] = {{"dump_hex", dump_hex},       {"write_hex", write_hex},
               {"write_block", write_block}, {"write_iovecs", write_iovecs},
               {"write_utf8", write_utf8},   {"write_utf8_lossy", write_utf8_lossy}};

/* Into a buf that is full already. */
static bool write_one(void *arg) {
    weir_buf *out = weir_buf_new(64), *in = weir_buf_new(64);
    bool all = out != NULL && in != NULL;
    if (all) {
        weir_buf_write_fill(in, 'x', 40);
        weir_buf_write_fill(out, '.', weir_buf_writable(out));
        size_t before = weir_buf_readable(out);
        (*(write_fn **)arg)(out, in);
        all = weir_buf_status(out) == WEIR_OK;
        expect(!all || weir_buf_readable(out) > before);
        expect(all || weir_buf_status(out) == WEIR_E_NO_MEMORY);
    }
    weir_buf_release(out);
    weir_buf_release(in);
    return all;
}

WEIR_TEST(buf_write_oom, a_write_that_cannot_grow_fails_in_the_buf) {
    for (size_t i = 0; i < sizeof writers / sizeof *writers; i++) {
        write_fn *fn = writers[i].fn;
        weir_test_context("%s", writers[i].name);
        expect(weir_oom_sweep(write_one, &fn) >= 3);
    }
}

static bool reserve(void *arg) {
    (void)arg;
    weir_buf *buf = weir_buf_new(64);
    if (buf == NULL) return false;
    weir_buf_reserve_headroom(buf, 100000);
    bool all = weir_buf_status(buf) == WEIR_OK;
    if (all) expect(weir_buf_prepend(buf, 4));
    weir_buf_release(buf);
    return all;
}

static bool slice_component(void *arg) {
    (void)arg;
    weir_buf *composite = weir_buf_composite_new(), *slice = NULL;
    if (composite != NULL) {
        weir_buf *part = weir_buf_new(10);
        if (part != NULL) weir_buf_write_str(part, "part");
        weir_buf_composite_append(composite, part);
        if (weir_buf_status(composite) == WEIR_OK) slice = weir_buf_composite_slice(composite, 0);
    }
    bool all = slice != NULL;
    weir_buf_release(slice);
    weir_buf_release(composite);
    return all;
}

static bool map_a_file(void *arg) {
    weir_buf *buf = NULL;
    weir_status status = weir_buf_map_path(&buf, arg, 0, 100, NULL);
    expect(status == WEIR_OK || status == WEIR_E_NO_MEMORY);
    expect_eq(buf != NULL, status == WEIR_OK);
    weir_buf_release(buf);
    return status == WEIR_OK;
}

static bool map_whole(void *fd) {
    weir_buf *buf = NULL;
    weir_status status = weir_buf_map_file(&buf, *(int *)fd, NULL);
    expect(status == WEIR_OK || status == WEIR_E_NO_MEMORY);
    weir_buf_release(buf);
    return status == WEIR_OK;
}

static bool stream_pieces(void *arg) {
    (void)arg;
    weir_pool *pool = weir_pool_new(NULL);
    weir_buf *composite = weir_buf_composite_new();
    bool all = pool != NULL && composite != NULL;
    for (int i = 0; i < 20 && all; i++) {
        weir_buf_output output;
        size_t len;
        weir_buf_output_init(&output, composite, pool, 512);
        all = weir_buf_output_next(&output, &len) != NULL;
        all = weir_buf_output_finish(&output) == WEIR_OK && all;
    }
    weir_buf_release(composite);
    weir_pool_free(pool);
    return all;
}

WEIR_TEST(buf_write_oom, room_views_and_maps_may_fail) {
    char path[] = "/proc/self/exe";
    expect(weir_oom_sweep(reserve, NULL) > 1);
    expect(weir_oom_sweep(slice_component, NULL) > 2);
    expect(weir_oom_sweep(stream_pieces, NULL) > 5);
    expect(weir_oom_sweep(map_a_file, path) > 0);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    expect(weir_oom_sweep(map_whole, &fd) > 0);
    close(fd);
}
