/* http_etag.c - entity tags. A comma may stand inside one, so lists of them are walked tag by tag.
 */
#include <weir/buffer/buf_bytes.h>
#include <weir/codec/http_etag.h>

#include "http/http_lex.h"

static bool is_tag_byte(uint8_t byte) {
    return byte == 0x21 || (byte >= 0x23 && byte != 0x7f);
}

static bool scan_etag(weir_bytes *rest, weir_http_etag *out) {
    weir_bytes left = *rest;
    bool is_weak = weir_bytes_starts_with(left, weir_bytes_str("W/"));
    if (is_weak) scan_skip(&left, 2);
    if (!scan_byte(&left, '"')) return false;
    size_t n = 0;
    while (n < left.len && is_tag_byte(left.ptr[n])) n++;
    if (n == left.len || left.ptr[n] != '"') return false;
    *out = (weir_http_etag){weir_bytes_sub(left, 0, n), is_weak};
    *rest = weir_bytes_sub(left, n + 1, SIZE_MAX);
    return true;
}

bool weir_http_etag_parse(weir_bytes text, weir_http_etag *out) {
    weir_http_etag etag;
    if (!scan_etag(&text, &etag) || text.len != 0) return false;
    *out = etag;
    return true;
}

void weir_http_etag_format(const weir_http_etag *etag, weir_buf *out) {
    bool is_tag = etag->text.ptr != NULL;
    for (size_t i = 0; is_tag && i < etag->text.len; i++) is_tag = is_tag_byte(etag->text.ptr[i]);
    if (!is_tag) {
        weir_buf_fail(out, WEIR_E_INVALID);
        return;
    }
    weir_buf_write_str(out, etag->is_weak ? "W/\"" : "\"");
    weir_buf_write_view(out, etag->text);
    weir_buf_write_str(out, "\"");
}

static char *put_hex(char *out, uint64_t number) {
    unsigned shift = 60;
    while (shift != 0 && number >> shift == 0) shift -= 4;
    for (;; shift -= 4) {
        *out++ = "0123456789abcdef"[number >> shift & 15];
        if (shift == 0) return out;
    }
}

weir_http_etag weir_http_etag_make(uint64_t inode, uint64_t size, int64_t mtime_ns,
                                   char memory[WEIR_HTTP_ETAG_MADE]) {
    char *end = put_hex(memory, inode);
    *end++ = '-';
    end = put_hex(end, size);
    *end++ = '-';
    end = put_hex(end, (uint64_t)mtime_ns);
    return (weir_http_etag){weir_bytes_of(memory, (size_t)(end - memory)), false};
}

bool weir_http_etag_equal(const weir_http_etag *etag, const weir_http_etag *other,
                          weir_http_etag_comparison how) {
    if (etag->text.ptr == NULL || other->text.ptr == NULL) return false;
    if (how == WEIR_HTTP_ETAG_STRONG && (etag->is_weak || other->is_weak)) return false;
    return weir_bytes_equal(etag->text, other->text);
}

weir_http_etag_found weir_http_etag_find(weir_bytes list, const weir_http_etag *etag,
                                         weir_http_etag_comparison how) {
    if (weir_bytes_equal_str(weir_bytes_trim(list), "*")) return WEIR_HTTP_ETAG_ANY;
    bool any = false;
    for (;;) {
        do scan_space(&list);
        while (scan_byte(&list, ','));
        weir_http_etag one;
        if (list.len == 0) return any ? WEIR_HTTP_ETAG_ABSENT : WEIR_HTTP_ETAG_INVALID;
        if (!scan_etag(&list, &one)) return WEIR_HTTP_ETAG_INVALID;
        if (weir_http_etag_equal(&one, etag, how)) return WEIR_HTTP_ETAG_PRESENT;
        scan_space(&list);
        if (list.len != 0 && *list.ptr != ',') return WEIR_HTTP_ETAG_INVALID;
        any = true;
    }
}
