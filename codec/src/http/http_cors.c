/* http_cors.c - cross-origin requests. Where the answer depends on the Origin, Vary says so, also to those without one:
 * a cache must not hand one's answer to the other.
 */
#include <stdio.h>

#include <weir/codec/http_cors.h>
#include <weir/core/check.h>

#include "http/http_lex.h"

static void add(weir_http_cors_answer *out, const char *name, weir_bytes value) {
    WEIR_CHECK(out->count < WEIR_HTTP_CORS_FIELDS, "more than %d fields", WEIR_HTTP_CORS_FIELDS);
    out->list[out->count++] = (weir_http_cors_field){name, value};
}

static bool has_origin(const weir_http_cors_options *options, weir_bytes origin) {
    if (options->any_origin) return true;
    if (weir_bytes_equal_str(origin, "null")) return options->allow_null;
    for (size_t i = 0; i < options->origin_count; i++) {
        if (weir_bytes_equal_str(origin, options->origins[i])) return true;
    }
    return false;
}

/* Methods have a case, names of fields have none. */
static bool has_element(const char *list, weir_bytes wanted, bool has_case) {
    weir_bytes rest = weir_bytes_str(list);
    for (weir_bytes element; scan_element(&rest, &element);) {
        if (has_case ? weir_bytes_equal(element, wanted) : weir_bytes_equal_nocase(element, wanted))
            return true;
    }
    return false;
}

static bool allows_headers(const weir_http_cors_options *options, weir_bytes wanted) {
    bool any = options->headers != NULL && strcmp(options->headers, "*") == 0;
    for (weir_bytes element; scan_element(&wanted, &element);) {
        if (!scan_is_token(element)) return false;
        if (!any && !has_element(options->headers, element, false)) return false;
    }
    return true;
}

static bool allows_method(const weir_http_cors_options *options, weir_bytes method) {
    return has_element("GET, HEAD, POST", method, true) || has_element(options->methods, method, true);
}

static void add_origin(const weir_http_cors_options *options, weir_bytes origin, weir_http_cors_answer *out) {
    add(out, "Access-Control-Allow-Origin", options->any_origin ? weir_bytes_str("*") : origin);
    if (options->allow_credentials) add(out, "Access-Control-Allow-Credentials", weir_bytes_str("true"));
}

static weir_http_cors check_preflight(const weir_http_cors_options *options,
                                      const weir_http_cors_request *request, weir_http_cors_answer *out) {
    if (!allows_method(options, request->request_method)) return WEIR_HTTP_CORS_REFUSED;
    if (!allows_headers(options, request->request_headers)) return WEIR_HTTP_CORS_REFUSED;
    add_origin(options, request->origin, out);
    add(out, "Access-Control-Allow-Methods", request->request_method);
    if (request->request_headers.len != 0) {
        add(out, "Access-Control-Allow-Headers", request->request_headers);
    }
    if (options->max_age != 0) {
        int n = snprintf(out->number, sizeof out->number, "%u", options->max_age);
        add(out, "Access-Control-Max-Age", weir_bytes_of(out->number, (size_t)n));
    }
    return WEIR_HTTP_CORS_PREFLIGHT;
}

weir_http_cors weir_http_cors_check(const weir_http_cors_options *options,
                                    const weir_http_cors_request *request, weir_http_cors_answer *out) {
    WEIR_CHECK(!options->any_origin || !options->allow_credentials,
               "any origin with credentials: every site could act as its visitors");
    out->count = 0;
    bool is_preflight = weir_bytes_equal_str(request->method, "OPTIONS") &&
                        request->request_method.ptr != NULL && request->origin.ptr != NULL;
    if (is_preflight) {
        add(out, "Vary",
            weir_bytes_str("Origin, Access-Control-Request-Method, Access-Control-Request-Headers"));
    } else if (!options->any_origin) {
        add(out, "Vary", weir_bytes_str("Origin"));
    }
    if (request->origin.ptr == NULL) return WEIR_HTTP_CORS_NONE;
    if (!has_origin(options, request->origin)) return WEIR_HTTP_CORS_REFUSED;
    if (is_preflight) return check_preflight(options, request, out);
    add_origin(options, request->origin, out);
    if (options->exposed != NULL) {
        add(out, "Access-Control-Expose-Headers", weir_bytes_str(options->exposed));
    }
    return WEIR_HTTP_CORS_ALLOWED;
}
