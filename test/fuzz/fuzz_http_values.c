/* fuzz_http_values.c - the parsers of field values: no input may break them, and what they read must be written as it
 * can be read again. The first byte selects.
 */
#include <weir/buffer.h>
#include <weir/codec/http_access_log.h>
#include <weir/codec/http_auth.h>
#include <weir/codec/http_conditions.h>
#include <weir/codec/http_cookie.h>
#include <weir/codec/http_cors.h>
#include <weir/codec/http_date.h>
#include <weir/codec/http_media_type.h>
#include <weir/codec/http_mime.h>
#include <weir/codec/http_path.h>
#include <weir/codec/http_percent.h>
#include <weir/codec/http_quality.h>
#include <weir/codec/http_query.h>
#include <weir/codec/http_range.h>
#include <weir/codec/http_uri.h>

#include "fuzz/fuzz.h"

#define NOW INT64_C(1750000000)

static void try_date(weir_bytes text, weir_buf *out) {
    int64_t seconds, again;
    if (!weir_http_date_parse(text, NOW, &seconds)) return;
    char written[WEIR_HTTP_DATE_SIZE];
    weir_http_date_format(seconds, written);
    MUST(weir_http_date_parse(weir_bytes_of(written, sizeof written), NOW, &again) && again == seconds);
    (void)out;
}

static void try_etag(weir_bytes text, weir_buf *out) {
    weir_http_etag etag = {0};
    weir_http_etag wanted = {.text = weir_bytes_str("x")};
    (void)weir_http_etag_find(text, &wanted, WEIR_HTTP_ETAG_WEAK);
    if (!weir_http_etag_parse(text, &etag)) return;
    weir_http_etag_format(&etag, out);
    MUST(weir_bytes_equal(weir_buf_peek(out), text));
    MUST(weir_http_etag_find(text, &etag, WEIR_HTTP_ETAG_WEAK) == WEIR_HTTP_ETAG_PRESENT);
}

static void try_range(weir_bytes text, weir_buf *out) {
    static const uint64_t lengths[] = {0, 1, 1000, UINT64_MAX};
    for (size_t i = 0; i < 4; i++) {
        weir_http_ranges ranges;
        if (weir_http_range_parse(text, lengths[i], 0, &ranges) != WEIR_HTTP_RANGE_PARTIAL) continue;
        MUST(ranges.count > 0 && ranges.count <= WEIR_HTTP_RANGES);
        for (unsigned one = 0; one < ranges.count; one++) {
            const weir_http_range *range = &ranges.list[one];
            MUST(range->length > 0 && range->first < lengths[i] &&
                 range->length <= lengths[i] - range->first);
            for (unsigned other = 0; other < one; other++) {
                const weir_http_range *before = &ranges.list[other];
                MUST(range->first > before->first + before->length ||
                     before->first > range->first + range->length);
            }
        }
    }
    weir_http_range range, again;
    uint64_t length, length_again;
    if (!weir_http_content_range_parse(text, &range, &length)) return;
    weir_http_content_range_format(range.length == 0 ? NULL : &range, length, out);
    MUST(weir_http_content_range_parse(weir_buf_peek(out), &again, &length_again));
    MUST(again.first == range.first && again.length == range.length && length == length_again);
}

static void try_conditions(weir_bytes text, weir_buf *out) {
    (void)out;
    weir_bytes fields[5] = {{NULL, 0}};
    for (size_t i = 0; i < 5 && weir_bytes_split(&text, '\n', &fields[i]); i++) continue;
    weir_http_conditions conditions = {fields[0], fields[1], fields[2], fields[3], fields[4]};
    weir_http_validators now_is = {
        .etag = {.text = weir_bytes_str("x")}, .has_last_modified = true, .last_modified = 784111777};
    (void)weir_http_conditions_check(&conditions, weir_bytes_str("GET"), &now_is, NOW);
    (void)weir_http_conditions_check(&conditions, weir_bytes_str("PUT"), &now_is, NOW);
}

/* Lines of a table of types. */
static void try_mime(weir_bytes text, weir_buf *out) {
    weir_http_mime *mime = weir_http_mime_new();
    MUST(mime != NULL && weir_http_mime_add(mime, text) == WEIR_OK);
    weir_bytes type = weir_http_mime_of(mime, weir_bytes_str("x.html"));
    MUST(type.len > 0);
    (void)weir_http_mime_of(mime, text);
    weir_http_mime_write(type, out);
    weir_buf_clear(out);
    weir_http_mime_free(mime);
}

static void try_media_type(weir_bytes text, weir_buf *out) {
    try_mime(text, out);
    weir_http_media_type type, again;
    (void)weir_http_mime_is_compressible(text);
    (void)weir_http_mime_of(NULL, text);
    if (!weir_http_media_type_parse(text, &type)) return;
    weir_http_param param;
    for (weir_bytes rest = type.params; weir_http_param_next(&rest, &param);)
        weir_http_param_write(&param, out);
    weir_buf_clear(out);
    weir_http_media_type_format(&type, out);
    MUST(weir_http_media_type_parse(weir_buf_peek(out), &again));
    MUST(weir_http_media_type_match(&again, &type) > 0 || weir_bytes_equal_str(type.type, "*"));
}

static void try_quality(weir_bytes text, weir_buf *out) {
    (void)out;
    MUST(weir_http_quality_media_type(text, weir_bytes_str("text/html;level=1")) <= WEIR_HTTP_QUALITY_MAX);
    MUST(weir_http_quality_coding(text, weir_bytes_str("gzip")) <= WEIR_HTTP_QUALITY_MAX);
    MUST(weir_http_quality_language(text, weir_bytes_str("en-GB")) <= WEIR_HTTP_QUALITY_MAX);
}

static void try_cookie(weir_bytes text, weir_buf *out) {
    weir_http_cookie cookie;
    for (weir_bytes rest = text; weir_http_cookie_next(&rest, &cookie);) {
        MUST(weir_http_cookie_format(&cookie, out) == WEIR_OK);
    }
    weir_http_cookie list[3];
    size_t count = 3;
    weir_status status = weir_http_cookie_parse(text, list, &count);
    MUST(count <= 3 && (status == WEIR_OK || status == WEIR_E_INVALID || status == WEIR_E_LIMIT));
    (void)weir_http_cookie_find(text, "a", &cookie);
    weir_http_set_cookie set, again;
    weir_buf_clear(out);
    if (!weir_http_set_cookie_parse(text, &set) || weir_http_set_cookie_format(&set, out) != WEIR_OK) return;
    MUST(weir_http_set_cookie_parse(weir_buf_peek(out), &again));
    MUST(weir_bytes_equal(set.name, again.name) && weir_bytes_equal(set.value, again.value));
    MUST(set.expires == again.expires && set.has_max_age == again.has_max_age &&
         set.same_site == again.same_site);
}

static void try_percent(weir_bytes text, weir_buf *out) {
    if (weir_http_percent_read(text, WEIR_HTTP_ALLOW_NUL, out) != WEIR_OK) return;
    weir_buf *encoded = weir_buf_new(0);
    weir_buf *decoded = weir_buf_new(0);
    weir_http_percent_write(weir_buf_peek(out), &weir_http_unreserved, encoded);
    MUST(weir_http_percent_read(weir_buf_peek(encoded), WEIR_HTTP_ALLOW_NUL, decoded) == WEIR_OK);
    MUST(weir_buf_equal(decoded, out));
    weir_buf_release(encoded);
    weir_buf_release(decoded);
}

static void try_path(weir_bytes text, weir_buf *out) {
    char file[256];
    bool is_folder;
    weir_bytes path = text, query;
    (void)weir_http_path_split(text, &path, &query);
    weir_http_path_remove_dots(path, out);
    MUST(weir_buf_readable(out) <= path.len);
    (void)weir_http_path_last(text);
    if (weir_http_path_to_file(path, NULL, file, sizeof file, &is_folder) != WEIR_OK) return;
    weir_bytes rest = weir_bytes_str(file);
    MUST(rest.len > 0 && rest.len < sizeof file && file[0] != '/');
    for (weir_bytes segment; weir_bytes_split(&rest, '/', &segment);) {
        MUST(segment.len != 0 && !weir_bytes_equal_str(segment, ".."));
        MUST(!weir_bytes_equal_str(segment, ".") || strlen(file) == 1);
    }
}

static void try_query(weir_bytes text, weir_buf *out) {
    weir_buf *built = weir_buf_new(0);
    weir_http_query query, again;
    weir_http_query_init(&query, text, NULL, out);
    unsigned count = 0;
    for (weir_bytes key, value; weir_http_query_next(&query, &key, &value); count++) {
        weir_http_query_write(count == 0 ? 0 : '&', key, value, built);
    }
    weir_http_query_init(&again, weir_buf_peek(built), NULL, out);
    for (weir_bytes key, value; weir_http_query_next(&again, &key, &value);) count--;
    MUST(count == 0 && again.status == WEIR_OK);
    weir_buf_release(built);
}

static void try_uri(weir_bytes text, weir_buf *out) {
    weir_http_uri base, uri, again;
    MUST(weir_http_uri_parse(weir_bytes_str("http://a/b/c/d;p?q"), &base));
    if (!weir_http_uri_parse(text, &uri)) return;
    weir_http_uri_resolve(&base, &uri, out);
    MUST(weir_buf_status(out) == WEIR_OK);
    weir_buf_clear(out);
    weir_http_uri_format(&uri, out);
    MUST(weir_http_uri_parse(weir_buf_peek(out), &again));
    MUST(weir_bytes_equal(uri.host, again.host) && weir_bytes_equal(uri.path, again.path) &&
         uri.port == again.port);
}

static void try_basic(weir_bytes text, weir_buf *out) {
    weir_http_basic basic;
    if (!weir_http_basic_parse(text, out, &basic)) return;
    weir_buf *field = weir_buf_new(0);
    weir_http_basic_format(&basic, field);
    MUST(weir_buf_status(field) == WEIR_OK && weir_buf_readable(field) <= text.len);
    weir_buf_release(field);
}

static void try_cors_and_log(weir_bytes text, weir_buf *out) {
    weir_http_cors_options options = {.any_origin = true, .methods = "PUT", .headers = "*", .max_age = 1};
    weir_http_cors_answer answer;
    (void)weir_http_cors_check(&options,
                               &(weir_http_cors_request){.method = weir_bytes_str("OPTIONS"),
                                                         .origin = weir_bytes_str("https://a"),
                                                         .request_method = weir_bytes_str("PUT"),
                                                         .request_headers = text},
                               &answer);
    weir_http_access_log_format(&(weir_http_access_log){.host = text, .method = text, .target = text}, out);
    MUST(weir_buf_find(out, 0, '\n') == weir_buf_readable(out) - 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static void (*const tries[])(weir_bytes, weir_buf *) = {
        try_date,    try_etag, try_range, try_conditions, try_media_type, try_quality,      try_cookie,
        try_percent, try_path, try_query, try_uri,        try_basic,      try_cors_and_log,
    };
    if (size == 0) return 0;
    weir_buf *out = weir_buf_new(0);
    MUST(out != NULL);
    tries[data[0] % (sizeof tries / sizeof *tries)](weir_bytes_of(data + 1, size - 1), out);
    weir_buf_release(out);
    return 0;
}
