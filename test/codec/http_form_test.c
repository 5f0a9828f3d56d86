/* http_form_test.c - forms, in memory and spilled. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <weir/buffer.h>
#include <weir/codec/http_form.h>
#include <weir/codec/http_form_spill.h>
#include <weir/testing.h>
#include <weir/testing/oom_sweep.h>

#define URLENCODED weir_bytes_str("application/x-www-form-urlencoded; charset=utf-8")
#define MULTIPART weir_bytes_str("multipart/form-data; boundary=B")

static const char two[] =
    "--B\r\nContent-Disposition: form-data; name=a\r\n\r\none\r\n"
    "--B\r\nContent-Disposition: form-data; name=f; filename=\"x.txt\"\r\n\r\n0123456789\r\n--B--\r\n";

static weir_buf *buf_of(const char *text) {
    weir_buf *buf = weir_buf_new(strlen(text));
    if (buf != NULL) weir_buf_write_str(buf, text);
    return buf;
}

/* In pieces of three bytes. */
static weir_status add_all(weir_http_form *self, const char *text) {
    weir_bytes all = weir_bytes_str(text);
    for (size_t at = 0; at < all.len; at += 3) {
        char piece[4] = "";
        weir_bytes part = weir_bytes_sub(all, at, 3);
        memcpy(piece, part.ptr, part.len);
        (void)weir_http_form_add(self, buf_of(piece));
    }
    return self->status;
}

static void expect_value(const weir_http_form *self, const char *name, const char *value) {
    const weir_http_form_field *field = weir_http_form_find(self, name);
    weir_test_context("%s", name);
    require(field != NULL && field->value != NULL);
    expect_same_bytes(weir_buf_peek(field->value), weir_bytes_str(value));
    expect_eq(field->size, strlen(value));
}

WEIR_TEST(http_form, collects_urlencoded_fields) {
    weir_http_form self;
    expect_status(weir_http_form_init(&self, URLENCODED, NULL), WEIR_OK);
    expect_status(add_all(&self, "a=1&b%20c=x+y%26&d&a=2"), WEIR_OK);
    expect_status(weir_http_form_end(&self), WEIR_OK);
    expect_eq(self.count, 4);
    expect_value(&self, "a", "1");
    expect_value(&self, "b c", "x y&");
    expect_value(&self, "d", "");
    expect(weir_http_form_find(&self, "A") == NULL);
    weir_http_form_clear(&self);
    weir_http_form_clear(&self);
}

WEIR_TEST(http_form, collects_multipart_fields) {
    weir_http_form self;
    expect_status(weir_http_form_init(&self, MULTIPART, NULL), WEIR_OK);
    expect_status(add_all(&self, two), WEIR_OK);
    expect_status(weir_http_form_end(&self), WEIR_OK);
    expect_value(&self, "a", "one");
    expect_value(&self, "f", "0123456789");
    expect_bytes(weir_http_form_find(&self, "f")->part->file_name, "x.txt");
    weir_http_form_clear(&self);
}

WEIR_TEST(http_form, knows_no_other_type) {
    weir_http_form self;
    expect_status(weir_http_form_init(&self, weir_bytes_str("text/plain"), NULL), WEIR_E_UNSUPPORTED);
    expect_status(weir_http_form_init(&self, weir_bytes_str(""), NULL), WEIR_E_UNSUPPORTED);
    expect_status(weir_http_form_init(&self, weir_bytes_str("multipart/form-data"), NULL), WEIR_E_INVALID);
}

static void expect_failure(weir_bytes type, weir_http_form_options options, const char *body,
                           weir_status expected) {
    weir_http_form self;
    expect_status(weir_http_form_init(&self, type, &options), WEIR_OK);
    weir_status status = add_all(&self, body);
    if (status == WEIR_OK) status = weir_http_form_end(&self);
    expect_status(status, expected);
    expect_status(weir_http_form_add(&self, buf_of("x")), expected); /* for good */
    weir_http_form_clear(&self);
}

WEIR_TEST(http_form, is_bounded) {
    expect_failure(URLENCODED, (weir_http_form_options){.max_memory = 6}, "a=1&b=2", WEIR_E_LIMIT);
    expect_failure(URLENCODED, (weir_http_form_options){.max_fields = 1}, "a=1&b=2", WEIR_E_LIMIT);
    expect_failure(MULTIPART, (weir_http_form_options){.max_fields = 1}, two, WEIR_E_LIMIT);
    expect_failure(MULTIPART, (weir_http_form_options){.max_memory = 60}, two, WEIR_E_LIMIT);
    expect_failure(MULTIPART, (weir_http_form_options){.max_total = 60}, two, WEIR_E_FRAME_TOO_LONG);
}

WEIR_TEST(http_form, fails_when_the_body_is_none) {
    expect_failure(URLENCODED, (weir_http_form_options){0}, "a=%zz", WEIR_E_INVALID);
    expect_failure(MULTIPART, (weir_http_form_options){0},
                   "--B\r\nContent-Disposition: form-data; name=a\r\n\r\none", WEIR_E_EOF);
    expect_failure(MULTIPART, (weir_http_form_options){0}, "--B\r\n\r\none\r\n--B--", WEIR_E_FRAME_CORRUPT);
}

/* ---- spilling ---- */

WEIR_TEST(http_form, spills_what_is_large_into_a_file_without_a_name) {
    weir_http_form self;
    weir_http_form_options options = {.spill_above = 9, .sink = &weir_http_form_spill, .max_memory = 200};
    expect_status(weir_http_form_init(&self, MULTIPART, &options), WEIR_OK);
    expect_status(add_all(&self, two), WEIR_OK);
    expect_status(weir_http_form_end(&self), WEIR_OK);
    expect_value(&self, "a", "one");
    const weir_http_form_field *field = weir_http_form_find(&self, "f");
    require(field != NULL);
    expect(field->value == NULL && field->size == 10);
    char content[16] = "";
    int fd = weir_http_form_spill_fd(field);
    expect_eq(pread(fd, content, sizeof content, 0), 10);
    expect_str(content, "0123456789");
    expect_eq(weir_http_form_spill_fd(weir_http_form_find(&self, "a")), -1);
    weir_http_form_clear(&self);
    expect(fcntl(fd, F_GETFD) < 0);
}

WEIR_TEST(http_form, keeps_a_value_of_the_limit_in_memory) {
    weir_http_form self;
    weir_http_form_options options = {.spill_above = 10, .sink = &weir_http_form_spill};
    expect_status(weir_http_form_init(&self, MULTIPART, &options), WEIR_OK);
    expect_status(add_all(&self, two), WEIR_OK);
    expect_value(&self, "f", "0123456789");
    weir_http_form_clear(&self);
}

WEIR_TEST(http_form, fails_as_its_sink_does) {
    weir_http_form_options options = {
        .spill_above = 9, .sink = &weir_http_form_spill, .sink_arg = "/nonexistent"};
    expect_failure(MULTIPART, options, two, -ENOENT);
}

static weir_status open_nothing(void *arg, const weir_http_form_field *field, void **file) {
    (void)arg, (void)field, (void)file;
    return WEIR_OK;
}

WEIR_TEST(http_form, aborts_when_its_sink_opens_nothing) {
    static const weir_http_form_sink sink = {.open = open_nothing};
    weir_http_form self;
    weir_http_form_options options = {.spill_above = 9, .sink = &sink};
    expect_status(weir_http_form_init(&self, MULTIPART, &options), WEIR_OK);
    expect_abort({ (void)add_all(&self, two); }, "a sink's open succeeded without a file");
    weir_http_form_clear(&self);
}

static bool collect(void *arg) {
    const weir_http_form_options *options = arg;
    weir_http_form self;
    weir_status status = weir_http_form_init(&self, options->sink != NULL ? MULTIPART : URLENCODED, options);
    if (status == WEIR_OK)
        status = weir_http_form_add(&self, buf_of(options->sink != NULL ? two : "a=1&b=2"));
    if (status == WEIR_OK) status = weir_http_form_end(&self);
    weir_http_form_clear(&self);
    if (status != WEIR_OK) expect_status(status, WEIR_E_NO_MEMORY);
    return status == WEIR_OK;
}

WEIR_TEST(http_form, gives_back_all_memory_when_there_is_too_little) {
    expect(weir_oom_sweep(collect, &(weir_http_form_options){.max_fields = 9}) >= 5);
    expect(weir_oom_sweep(collect,
                          &(weir_http_form_options){.spill_above = 9, .sink = &weir_http_form_spill}) >= 8);
}
