/* origin.c - URLs taken apart and put together for one request. */
#include "origin.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <weir/buffer.h>
#include <weir/codec/http_percent.h>

static bool copy_text(char *out, size_t room, weir_bytes text) {
    if (text.len >= room) return false;
    if (text.len > 0) memcpy(out, text.ptr, text.len);
    out[text.len] = '\0';
    return true;
}

static bool is_scheme(const weir_http_uri *uri, const char *scheme) {
    return weir_bytes_equal_nocase(uri->scheme, weir_bytes_str(scheme));
}

static const char *why_not(const weir_http_uri *uri) {
    if (uri->scheme.ptr == NULL) return "it is no absolute URL; http://HOST/PATH is one";
    if (!is_scheme(uri, "http") && !is_scheme(uri, "https")) return "only http and https are spoken";
    if (uri->host.len == 0) return "it names no host";
    if (uri->userinfo.ptr != NULL) return "a user in a URL is not taken; --header 'Authorization: ...' is";
    return NULL;
}

static void note_authority(struct origin *self, bool is_ipv6) {
    char port[8] = "";
    if (self->port != (self->secure ? 443u : 80u)) snprintf(port, sizeof port, ":%u", self->port);
    snprintf(self->authority, sizeof self->authority, is_ipv6 ? "[%s]%s" : "%s%s", self->host, port);
}

static void note_target(struct origin *self, const weir_http_uri *uri) {
    weir_bytes path = uri->path.len == 0 ? weir_bytes_str("/") : uri->path;
    snprintf(self->target, sizeof self->target, "%.*s%s%.*s", (int)path.len, (const char *)path.ptr,
             uri->query.ptr == NULL ? "" : "?", (int)uri->query.len, (const char *)uri->query.ptr);
}

const char *origin_read(struct origin *self, weir_bytes url) {
    weir_http_uri uri;
    weir_bytes rest = url, piece = {0};
    weir_bytes_split(&rest, '#', &piece);
    if (piece.len == 0 || !weir_http_uri_parse(piece, &uri)) return "it is no URL";
    if (!copy_text(self->url, sizeof self->url, piece)) return "it is too long";
    const char *why = why_not(&uri);
    if (why != NULL) return why;
    if (!copy_text(self->host, sizeof self->host, uri.host)) return "its host is too long";
    self->port = weir_http_uri_port(&uri);
    self->secure = is_scheme(&uri, "https");
    note_authority(self, uri.is_ipv6);
    note_target(self, &uri);
    return NULL;
}

const char *origin_move(struct origin *self, weir_bytes location) {
    weir_http_uri base, reference;
    if (!weir_http_uri_parse(weir_bytes_str(self->url), &base) || !weir_http_uri_parse(location, &reference))
        return "it is no URL";
    weir_buf *url = weir_buf_new_limited(256, 4 * ORIGIN_URL_MAX);
    if (url == NULL) return weir_status_text(WEIR_E_NO_MEMORY);
    weir_http_uri_resolve(&base, &reference, url);
    struct origin next;
    const char *why =
        weir_buf_status(url) == WEIR_OK ? origin_read(&next, weir_buf_peek(url)) : "it is too long";
    weir_buf_release(url);
    if (why == NULL && self->secure && !next.secure) why = "from https to http it does not go";
    if (why == NULL) *self = next;
    return why;
}

bool origin_name(const struct origin *self, char name[256]) {
    weir_bytes path = weir_bytes_of(self->target, strcspn(self->target, "?"));
    size_t slash = weir_bytes_find_last(path, '/'), length;
    weir_bytes last = weir_bytes_sub(path, slash + 1, path.len);
    uint8_t text[256];
    if (last.len >= sizeof text || !weir_http_percent_decode(last, 0, text, &length)) return false;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < ' ' || text[i] == 0x7f || text[i] == '/') return false;
    }
    copy_text(name, 256, weir_bytes_of(text, length));
    return length > 0 && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

bool origin_same(const struct origin *self, const struct origin *other) {
    return self->port == other->port && self->secure == other->secure &&
           strcasecmp(self->host, other->host) == 0;
}
