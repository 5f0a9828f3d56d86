/* http_memory_test.c - everything of HTTP that is written into a buf, parsed with a scratch or kept in fields, while memory
 * runs out: the buf carries the failure, the status says so, and nothing is lost.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <weir/buffer.h>
#include <weir/codec/http_access_log.h>
#include <weir/codec/http_auth.h>
#include <weir/codec/http_byteranges.h>
#include <weir/codec/http_cookie.h>
#include <weir/codec/http_etag.h>
#include <weir/codec/http_fields.h>
#include <weir/codec/http_media_type.h>
#include <weir/codec/http_message.h>
#include <weir/codec/http_mime.h>
#include <weir/codec/http_path.h>
#include <weir/codec/http_percent.h>
#include <weir/codec/http_query.h>
#include <weir/codec/http_range.h>
#include <weir/codec/http_uri.h>
#include <weir/codec/websocket_deflate.h>
#include <weir/testing.h>

typedef void write_fn(weir_buf *out);

#define TEXT(text) weir_bytes_str(text)

static void access_log(weir_buf *out) {
    weir_http_access_log entry = {.host = TEXT("127.0.0.1"), .status = 200};
    weir_http_access_log_format(&entry, out);
}

static void basic(weir_buf *out) {
    weir_http_basic_format(&(weir_http_basic){TEXT("user"), TEXT("secret")}, out);
}

static void byteranges(weir_buf *out) {
    static const uint8_t seed[WEIR_HTTP_BOUNDARY_SEED] = {1};
    weir_http_ranges ranges;
    weir_http_byteranges parts;
    expect_eq(weir_http_range_parse(TEXT("bytes=0-0,9-12"), 13, 0, &ranges), WEIR_HTTP_RANGE_PARTIAL);
    weir_http_byteranges_init(&parts, &ranges, TEXT("text/plain"), seed);
    weir_http_byteranges_type(&parts, out);
    weir_http_byteranges_part(&parts, 0, out);
    weir_http_byteranges_end(&parts, out);
}

static void content_range(weir_buf *out) {
    weir_http_content_range_format(&(weir_http_range){.first = 1, .length = 5}, 10, out);
}

static void cookie(weir_buf *out) {
    (void)weir_http_cookie_format(&(weir_http_cookie){TEXT("name"), TEXT("value")}, out);
}

static void set_cookie(weir_buf *out) {
    weir_http_set_cookie one = {.name = TEXT("name"), .value = TEXT("value"), .is_secure = true};
    (void)weir_http_set_cookie_format(&one, out);
}

static void etag(weir_buf *out) {
    weir_http_etag_format(&(weir_http_etag){.text = TEXT("abc")}, out);
}

static void media_type(weir_buf *out) {
    weir_http_media_type type;
    expect(weir_http_media_type_parse(TEXT("multipart/form-data; boundary=\"a b\""), &type));
    weir_http_media_type_format(&type, out);
}

static void param(weir_buf *out) {
    weir_http_param_format("name", TEXT("a \"value\""), out);
}

static void escaped_param(weir_buf *out) {
    weir_bytes rest = TEXT("; a=\"x\\\"y\"");
    weir_http_param one;
    expect(weir_http_param_next(&rest, &one));
    weir_http_param_write(&one, out);
}

static void mime(weir_buf *out) {
    weir_http_mime_write(TEXT("text/html"), out);
}

static void percent(weir_buf *out) {
    weir_http_percent_write(TEXT("a b/c"), &weir_http_unreserved, out);
}

static void query(weir_buf *out) {
    weir_http_query_write('?', TEXT("a b"), TEXT("1&2"), out);
}

static void uri(weir_buf *out) {
    weir_http_uri one;
    expect(weir_http_uri_parse(TEXT("http://u@a:1/b?c#d"), &one));
    weir_http_uri_format(&one, out);
}

static void resolved(weir_buf *out) {
    weir_http_uri base, reference;
    expect(weir_http_uri_parse(TEXT("http://a/b/c/d?q"), &base));
    expect(weir_http_uri_parse(TEXT("../g"), &reference));
    weir_http_uri_resolve(&base, &reference, out);
}

static void deflate_offer(weir_buf *out) {
    weir_websocket_deflate_offer(&(weir_websocket_deflate_options){.on = true}, out);
}

static void deflate_answer(weir_buf *out) {
    weir_websocket_deflate_answer(
        &(weir_websocket_deflate_params){.on = true, .own_window_bits = 15, .peer_window_bits = 15}, out);
}

static const struct {
    const char *name;
    write_fn *fn;
} writers[] = {{"access_log", access_log},
               {"basic", basic},
               {"byteranges", byteranges},
               {"content_range", content_range},
               {"cookie", cookie},
               {"set_cookie", set_cookie},
               {"etag", etag},
               {"media_type", media_type},
               {"param", param},
               {"escaped_param", escaped_param},
               {"mime", mime},
               {"percent", percent},
               {"query", query},
               {"uri", uri},
               {"resolved", resolved},
               {"deflate_offer", deflate_offer},
               {"deflate_answer", deflate_answer}};

/* Into a buf that is full already. */
static bool write_one(void *arg) {
    weir_buf *out = weir_buf_new(64);
    if (out == NULL) return false;
    weir_buf_write_fill(out, '.', weir_buf_writable(out));
    size_t before = weir_buf_readable(out);
    (*(write_fn **)arg)(out);
    bool all = weir_buf_status(out) == WEIR_OK;
    expect(all ? weir_buf_readable(out) > before : weir_buf_status(out) == WEIR_E_NO_MEMORY);
    weir_buf_release(out);
    return all;
}

WEIR_TEST(http_memory, what_is_written_fails_in_the_buf) {
    for (size_t i = 0; i < sizeof writers / sizeof *writers; i++) {
        write_fn *fn = writers[i].fn;
        weir_test_context("%s", writers[i].name);
        expect(weir_oom_sweep(write_one, &fn) >= 2);
    }
}

/* ---- fields, types, credentials ---- */

static bool keep_fields(void *arg) {
    weir_http_fields fields;
    (void)arg;
    weir_http_fields_init(&fields);
    weir_buf *out = weir_buf_new(0);
    bool all =
        out != NULL && weir_http_fields_set(&fields, WEIR_HTTP_CONTENT_TYPE, TEXT("text/plain")) == WEIR_OK &&
        weir_http_fields_set(&fields, WEIR_HTTP_CONTENT_TYPE, TEXT("text/html; charset=utf-8")) == WEIR_OK &&
        weir_http_fields_write(&fields, out) == WEIR_OK && weir_buf_status(out) == WEIR_OK;
    for (int i = 0; i < 40 && all; i++) {
        all = weir_http_fields_add_other(&fields, TEXT("X-One-Of-Many"), TEXT("a value of some length")) ==
              WEIR_OK;
    }
    weir_buf_release(out);
    weir_http_fields_clear(&fields);
    return all;
}

/* In a pool that has nothing yet. */
static bool ask_in_a_pool(void *arg) {
    (void)arg;
    weir_pool *pool = weir_pool_new(NULL);
    weir_http_request *request =
        pool != NULL ? weir_http_request_new_in(pool, "GET", TEXT("/a/target")) : NULL;
    bool all = request != NULL;
    for (uint64_t i = 0; i < 60 && all; i++) {
        all = weir_http_fields_add_number(&request->head.fields, WEIR_HTTP_CONTENT_LENGTH, UINT64_MAX - i) ==
              WEIR_OK;
    }
    weir_obj_release(request);
    weir_pool_free(pool);
    return all;
}

static bool read_credentials(void *arg) {
    weir_http_basic read;
    (void)arg;
    weir_buf *scratch = weir_buf_new(0);
    bool all = scratch != NULL && weir_http_basic_parse(TEXT("Basic dXNlcjpzZWNyZXQ="), scratch, &read);
    if (all) expect_bytes(read.user, "user");
    weir_buf_release(scratch);
    return all;
}

static bool load_types(void *path) {
    weir_http_mime *types = weir_http_mime_new();
    weir_status status = types != NULL ? weir_http_mime_load(types, path) : (weir_status)WEIR_E_NO_MEMORY;
    expect(status == WEIR_OK || status == WEIR_E_NO_MEMORY);
    weir_http_mime_free(types);
    return status == WEIR_OK;
}

WEIR_TEST(http_memory, fields_types_and_credentials_may_fail) {
    char path[] = "/tmp/weir-mime-XXXXXX";
    int fd = mkstemp(path);
    require(fd >= 0 && write(fd, "text/x-a a b\n", 13) == 13);
    close(fd);
    expect(weir_oom_sweep(keep_fields, NULL) > 1);
    expect(weir_oom_sweep(ask_in_a_pool, NULL) > 1);
    expect(weir_oom_sweep(read_credentials, NULL) > 1);
    expect(weir_oom_sweep(load_types, path) > 1);
    unlink(path);
}
