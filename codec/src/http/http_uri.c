/* http_uri.c - URIs. Split first (the five delimiters are enough), checked byte by byte then.
 */
#include <arpa/inet.h>

#include <weir/buffer/buf_bytes.h>
#include <weir/buffer/buf_dump.h>
#include <weir/codec/http_path.h>
#include <weir/codec/http_percent.h>
#include <weir/codec/http_uri.h>
#include <weir/core/check.h>

#include "http/http_lex.h"

/* ---- checking ---- */

/* Escapes, bytes of a path segment, and those of `more`. */
static bool has_only(weir_bytes text, const char *more) {
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = text.ptr[i];
        uint64_t value;
        if (byte == '%') {
            if (text.len - i < 3 || !weir_bytes_hex_to_u64(weir_bytes_sub(text, i + 1, 2), &value))
                return false;
            i += 2;
        } else if (!weir_byte_set_has(&weir_http_path_bytes, byte) &&
                   (byte == 0 || strchr(more, byte) == NULL)) {
            return false;
        }
    }
    return true;
}

static bool is_scheme(weir_bytes text) {
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = text.ptr[i];
        if (http_is_letter(byte)) continue;
        if (i == 0 || !(http_is_digit(byte) || byte == '+' || byte == '-' || byte == '.')) return false;
    }
    return text.len != 0;
}

static bool is_ipv6(weir_bytes text) {
    char copy[INET6_ADDRSTRLEN];
    struct in6_addr address;
    if (text.len == 0 || text.len >= sizeof copy || memchr(text.ptr, 0, text.len) != NULL) return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = 0;
    return inet_pton(AF_INET6, copy, &address) == 1;
}

/* ---- splitting ---- */

/* What stands in front of the first byte of `ends`; `*rest` begins with it then. */
static weir_bytes take_until(weir_bytes *rest, const char *ends) {
    size_t n = 0;
    while (n < rest->len && (rest->ptr[n] == 0 || strchr(ends, rest->ptr[n]) == NULL)) n++;
    weir_bytes taken = weir_bytes_sub(*rest, 0, n);
    scan_skip(rest, n);
    return taken;
}

static bool take_port(weir_bytes text, uint16_t *port) {
    uint64_t number;
    if (text.len == 0) return true; /* "host:" has none (3.2.3) */
    if (!weir_bytes_to_u64(text, &number) || number == 0 || number > UINT16_MAX) return false;
    *port = (uint16_t)number;
    return true;
}

static bool take_authority(weir_bytes text, weir_http_uri *out) {
    size_t at = weir_bytes_find_last(text, '@');
    if (at != WEIR_NOT_FOUND) {
        out->userinfo = weir_bytes_sub(text, 0, at);
        text = weir_bytes_sub(text, at + 1, SIZE_MAX);
        if (!has_only(out->userinfo, "") || weir_bytes_find(out->userinfo, '@') != WEIR_NOT_FOUND)
            return false;
        if (weir_bytes_find(out->userinfo, '/') != WEIR_NOT_FOUND) return false;
    }
    if (scan_byte(&text, '[')) {
        size_t end = weir_bytes_find(text, ']');
        if (end == WEIR_NOT_FOUND) return false;
        out->host = weir_bytes_sub(text, 0, end);
        out->is_ipv6 = true;
        scan_skip(&text, end + 1);
        if (!is_ipv6(out->host)) return false;
    } else {
        out->host = take_until(&text, ":");
        if (!has_only(out->host, "") || weir_bytes_find(out->host, '@') != WEIR_NOT_FOUND) return false;
    }
    if (text.len == 0) return true;
    return scan_byte(&text, ':') && take_port(text, &out->port);
}

bool weir_http_uri_parse(weir_bytes text, weir_http_uri *out) {
    weir_http_uri found = {0};
    size_t colon = weir_bytes_find(text, ':');
    if (colon != WEIR_NOT_FOUND && is_scheme(weir_bytes_sub(text, 0, colon))) {
        found.scheme = weir_bytes_sub(text, 0, colon);
        scan_skip(&text, colon + 1);
    }
    if (weir_bytes_starts_with(text, weir_bytes_str("//"))) {
        scan_skip(&text, 2);
        if (!take_authority(take_until(&text, "/?#"), &found)) return false;
    }
    found.path = take_until(&text, "?#");
    if (found.path.ptr == NULL) found.path = weir_bytes_str("");
    if (scan_byte(&text, '?')) found.query = take_until(&text, "#");
    if (scan_byte(&text, '#')) found.fragment = text;
    if (!has_only(found.path, "") || !has_only(found.query, "?") || !has_only(found.fragment, "?"))
        return false;
    if (found.scheme.ptr == NULL && found.host.ptr == NULL) {
        /* a colon in the first segment would make what stands in front of it a scheme (4.2) */
        weir_bytes first = weir_bytes_sub(found.path, 0, weir_bytes_find(found.path, '/'));
        if (weir_bytes_find(first, ':') != WEIR_NOT_FOUND) return false;
    }
    *out = found;
    return true;
}

uint16_t weir_http_uri_port(const weir_http_uri *self) {
    static const struct {
        const char *scheme;
        uint16_t port;
    } known[] = {{"http", 80}, {"https", 443}, {"ws", 80}, {"wss", 443}};
    if (self->port != 0) return self->port;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (weir_bytes_equal_nocase(self->scheme, weir_bytes_str(known[i].scheme))) return known[i].port;
    }
    return 0;
}

/* ---- putting together ---- */

static void write_origin(const weir_http_uri *scheme, const weir_http_uri *authority, weir_buf *out) {
    if (scheme->scheme.ptr != NULL) {
        weir_buf_write_view(out, scheme->scheme);
        weir_buf_write_str(out, ":");
    }
    if (authority->host.ptr == NULL) return;
    weir_buf_write_str(out, "//");
    if (authority->userinfo.ptr != NULL) {
        weir_buf_write_view(out, authority->userinfo);
        weir_buf_write_str(out, "@");
    }
    if (authority->is_ipv6) weir_buf_write_str(out, "[");
    weir_buf_write_view(out, authority->host);
    if (authority->is_ipv6) weir_buf_write_str(out, "]");
    if (authority->port != 0) weir_buf_printf(out, ":%u", (unsigned)authority->port);
}

static void write_rest(weir_bytes query, weir_bytes fragment, weir_buf *out) {
    if (query.ptr != NULL) {
        weir_buf_write_str(out, "?");
        weir_buf_write_view(out, query);
    }
    if (fragment.ptr == NULL) return;
    weir_buf_write_str(out, "#");
    weir_buf_write_view(out, fragment);
}

void weir_http_uri_format(const weir_http_uri *self, weir_buf *out) {
    write_origin(self, self, out);
    weir_buf_write_view(out, self->path);
    write_rest(self->query, self->fragment, out);
}

/* The reference's path behind the last slash of the base's (5.2.3). */
static void write_merged(const weir_http_uri *base, weir_bytes path, weir_buf *out) {
    weir_buf *merged = weir_buf_new(base->path.len + path.len + 1);
    if (merged == NULL) {
        weir_buf_fail(out, WEIR_E_NO_MEMORY);
        return;
    }
    size_t slash = weir_bytes_find_last(base->path, '/');
    if (slash != WEIR_NOT_FOUND) {
        weir_buf_write_view(merged, weir_bytes_sub(base->path, 0, slash + 1));
    } else if (base->host.ptr != NULL) {
        weir_buf_write_str(merged, "/");
    }
    weir_buf_write_view(merged, path);
    weir_http_path_remove_dots(weir_buf_peek(merged), out);
    weir_buf_release(merged);
}

void weir_http_uri_resolve(const weir_http_uri *base, const weir_http_uri *reference, weir_buf *out) {
    WEIR_CHECK(base->scheme.ptr != NULL, "a base without a scheme");
    bool has_authority = reference->scheme.ptr != NULL || reference->host.ptr != NULL;
    write_origin(reference->scheme.ptr != NULL ? reference : base, has_authority ? reference : base, out);
    weir_bytes query = reference->query;
    if (has_authority || weir_bytes_starts_with(reference->path, weir_bytes_str("/"))) {
        weir_http_path_remove_dots(reference->path, out);
    } else if (reference->path.len != 0) {
        write_merged(base, reference->path, out);
    } else {
        weir_buf_write_view(out, base->path);
        if (query.ptr == NULL) query = base->query;
    }
    write_rest(query, reference->fragment, out);
}
