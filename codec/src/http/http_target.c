/* http_target.c - the four forms of a request target (RFC 9112 3.2), and Host (RFC 9110 7.2, RFC 3986 3.2.2). */
#include "http/http_chars.h"
#include "http/http_message_new.h"
#include "http/http_parse.h"

/* ---- hosts ---- */

/* The length of "[...]" in front, or 0. */
static size_t bracketed_length(weir_bytes host) {
    size_t n = 1;
    while (n < host.len && (http_is(host.ptr[n], HTTP_HEX) || host.ptr[n] == ':' || host.ptr[n] == '.')) n++;
    return n > 3 && n < host.len && host.ptr[n] == ']' ? n + 1 : 0;
}

/* The length of a name or an IPv4 address in front; 0 also for a '%' that is not followed by two digits. */
static size_t name_length(weir_bytes host) {
    size_t n = http_run(host, HTTP_HOST);
    while (n < host.len && host.ptr[n] == '%' && http_run(weir_bytes_sub(host, n + 1, 2), HTTP_HEX) == 2) {
        n += 3;
        n += http_run(weir_bytes_sub(host, n, SIZE_MAX), HTTP_HOST);
    }
    return n;
}

static bool is_port(weir_bytes text) {
    unsigned port = 0;
    if (text.len == 0 || text.len > 5) return false;
    for (size_t i = 0; i < text.len; i++) {
        if (!http_is_digit(text.ptr[i])) return false;
        port = port * 10 + text.ptr[i] - '0';
    }
    return port <= UINT16_MAX;
}

bool http_host_is_valid(weir_bytes host, bool needs_port) {
    if (host.len == 0) return false;
    size_t n = host.ptr[0] == '[' ? bracketed_length(host) : name_length(host);
    if (n == 0) return false;
    if (n == host.len) return !needs_port;
    return host.ptr[n] == ':' && is_port(weir_bytes_of(host.ptr + n + 1, host.len - n - 1));
}

/* ---- targets ---- */

weir_bytes http_behind_scheme(weir_bytes target) {
    size_t scheme = http_run(target, HTTP_SCHEME);
    bool is_scheme = scheme > 0 && !http_is_digit(target.ptr[0]) && target.ptr[0] != '+' &&
                     target.ptr[0] != '-' && target.ptr[0] != '.';
    weir_bytes rest = weir_bytes_sub(target, scheme, SIZE_MAX);
    if (!is_scheme || !weir_bytes_starts_with(rest, weir_bytes_of("://", 3))) return weir_bytes_of(NULL, 0);
    return weir_bytes_sub(rest, 3, SIZE_MAX);
}

/* "scheme://host:port/path?query"; what is behind the authority may be missing. */
static bool read_absolute(weir_http_request *request) {
    weir_bytes rest = http_behind_scheme(request->target);
    size_t end = 0;
    while (end < rest.len && rest.ptr[end] != '/' && rest.ptr[end] != '?') end++;
    request->host = weir_bytes_sub(rest, 0, end);
    http_split_path(weir_bytes_sub(rest, end, SIZE_MAX), &request->path, &request->query);
    return http_host_is_valid(request->host, false);
}

/* Which form is allowed depends on the method: authority for CONNECT alone, asterisk for OPTIONS alone. */
static bool read_form(weir_http_request *request) {
    weir_bytes target = request->target;
    if (request->method == WEIR_HTTP_METHOD_CONNECT) {
        request->host = target;
        return http_host_is_valid(target, true);
    }
    if (target.ptr[0] == '/') {
        http_split_path(target, &request->path, &request->query);
        return true;
    }
    if (weir_bytes_equal_str(target, "*")) return request->method == WEIR_HTTP_METHOD_OPTIONS;
    return read_absolute(request);
}

/* An absolute target's authority counts more than Host (RFC 9112 3.2.2), but Host must be right all the same. */
bool http_target_read(weir_http_parser *self, weir_http_request *request, weir_error *error) {
    weir_http_head *head = &request->head;
    request->host = weir_bytes_of(NULL, 0);
    if (!read_form(request)) return http_refuse(self, error, 400, "request target");
    weir_bytes host = weir_http_fields_get(&head->fields, WEIR_HTTP_HOST);
    if (host.ptr == NULL) return head->minor == 0 || http_refuse(self, error, 400, "no Host");
    if (!http_host_is_valid(host, false)) return http_refuse(self, error, 400, "Host");
    if (request->host.ptr == NULL) request->host = host;
    return true;
}
