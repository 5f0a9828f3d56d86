/* websocket_handshake.c - the requests and responses of RFC 6455, section 4, from both ends. */
#include <weir/buffer/buf_bytes.h>
#include <weir/codec/websocket_handshake.h>

#include "value_list.h"
#include "websocket/base64.h"

/* The entry of a list that ends with NULL, or NULL. */
static const char *find_in(const char *const *list, weir_bytes text) {
    for (; list != NULL && *list != NULL; list++) {
        if (weir_bytes_equal_str(text, *list)) return *list;
    }
    return NULL;
}

/* How many fields there are of a name. */
static size_t count_of(const weir_http_fields *fields, weir_http_name name) {
    size_t at = 0, n = 0;
    while (weir_http_fields_next_of(fields, name, &at, NULL)) n++;
    return n;
}

/* ---- server: checks ---- */

bool weir_websocket_handshake_is(const weir_http_request *request) {
    return weir_http_fields_has_token(&request->head.fields, WEIR_HTTP_UPGRADE, "websocket");
}

static unsigned refuse(unsigned status, const char *what, const char **why) {
    if (why != NULL) *why = what;
    return status;
}

static unsigned check_request(const weir_http_request *request, const char **why) {
    const weir_http_fields *fields = &request->head.fields;
    if (request->method != WEIR_HTTP_METHOD_GET) return refuse(405, "method is not GET", why);
    if (request->head.minor < 1) return refuse(400, "HTTP/1.0", why);
    if (request->head.framing != WEIR_HTTP_NO_BODY) return refuse(400, "request has a body", why);
    if (!weir_http_fields_has_token(fields, WEIR_HTTP_CONNECTION, "upgrade")) {
        return refuse(400, "no upgrade in Connection", why);
    }
    if (!weir_bytes_equal_str(weir_http_fields_get(fields, WEIR_HTTP_SEC_WEBSOCKET_VERSION), "13")) {
        return refuse(426, "Sec-WebSocket-Version is not 13", why);
    }
    if (count_of(fields, WEIR_HTTP_SEC_WEBSOCKET_KEY) != 1 ||
        !websocket_is_key(weir_http_fields_get(fields, WEIR_HTTP_SEC_WEBSOCKET_KEY))) {
        return refuse(400, "Sec-WebSocket-Key", why);
    }
    return 101;
}

static unsigned check_origin(const weir_http_request *request,
                             const weir_websocket_handshake_options *options, const char **why) {
    const weir_http_fields *fields = &request->head.fields;
    bool has_one = weir_http_fields_has(fields, WEIR_HTTP_ORIGIN);
    if (!has_one) return options->origin_needed ? refuse(403, "no Origin", why) : 101;
    if (options->origins == NULL) return 101;
    bool is_allowed = count_of(fields, WEIR_HTTP_ORIGIN) == 1 &&
                      find_in(options->origins, weir_http_fields_get(fields, WEIR_HTTP_ORIGIN)) != NULL;
    return is_allowed ? 101 : refuse(403, "Origin", why);
}

/* The first of ours that the client names too. */
static const char *choose_protocol(const weir_http_fields *fields, const char *const *ours) {
    for (; ours != NULL && *ours != NULL; ours++) {
        size_t at = 0;
        weir_bytes value, piece;
        while (weir_http_fields_next_of(fields, WEIR_HTTP_SEC_WEBSOCKET_PROTOCOL, &at, &value)) {
            while (value_list_next(&value, ',', &piece)) {
                if (weir_bytes_equal_str(piece, *ours)) return *ours;
            }
        }
    }
    return NULL;
}

static void choose_deflate(weir_websocket_agreement *out, const weir_http_fields *fields,
                           const weir_websocket_deflate_options *options) {
    size_t at = 0;
    weir_bytes value;
    while (!out->deflate.on &&
           weir_http_fields_next_of(fields, WEIR_HTTP_SEC_WEBSOCKET_EXTENSIONS, &at, &value)) {
        weir_websocket_deflate_accept(&out->deflate, value, options);
    }
}

unsigned weir_websocket_handshake_check(weir_websocket_agreement *out, const weir_http_request *request,
                                        const weir_websocket_handshake_options *options, const char **why) {
    const weir_http_fields *fields = &request->head.fields;
    *out = (weir_websocket_agreement){0};
    unsigned status = check_request(request, why);
    if (status == 101) status = check_origin(request, options, why);
    if (status != 101) return status;
    out->protocol = choose_protocol(fields, options->protocols);
    if (out->protocol == NULL && options->protocol_needed) return refuse(400, "no common subprotocol", why);
    choose_deflate(out, fields, &options->deflate);
    weir_websocket_accept(weir_http_fields_get(fields, WEIR_HTTP_SEC_WEBSOCKET_KEY), out->accept);
    return 101;
}

/* ---- writing. What fails sticks: `*status` has the first failure ---- */

static void add(weir_http_fields *fields, weir_http_name name, weir_bytes value, weir_status *status) {
    if (*status == WEIR_OK) *status = weir_http_fields_add(fields, name, value);
}

static void add_text(weir_http_fields *fields, weir_http_name name, const char *value, weir_status *status) {
    add(fields, name, weir_bytes_str(value), status);
}

static void add_written(weir_http_fields *fields, weir_http_name name, weir_buf *value, weir_status *status) {
    if (value == NULL) *status = WEIR_E_NO_MEMORY;
    if (*status == WEIR_OK) *status = weir_buf_status(value);
    if (*status == WEIR_OK) add(fields, name, weir_buf_peek(value), status);
    weir_buf_release(value);
}

static void add_upgrade(weir_http_fields *fields, weir_status *status) {
    add_text(fields, WEIR_HTTP_UPGRADE, "websocket", status);
    add_text(fields, WEIR_HTTP_CONNECTION, "Upgrade", status);
}

static void add_agreement(weir_http_fields *fields, const weir_websocket_agreement *agreement,
                          weir_status *status) {
    add_upgrade(fields, status);
    add_text(fields, WEIR_HTTP_SEC_WEBSOCKET_ACCEPT, agreement->accept, status);
    if (agreement->protocol != NULL) {
        add_text(fields, WEIR_HTTP_SEC_WEBSOCKET_PROTOCOL, agreement->protocol, status);
    }
    if (!agreement->deflate.on) return;
    weir_buf *answer = weir_buf_new(160);
    if (answer != NULL) weir_websocket_deflate_answer(&agreement->deflate, answer);
    add_written(fields, WEIR_HTTP_SEC_WEBSOCKET_EXTENSIONS, answer, status);
}

weir_http_response *weir_websocket_handshake_response(unsigned status,
                                                      const weir_websocket_agreement *agreement) {
    weir_http_response *response = weir_http_response_new(status);
    if (response == NULL) return NULL;
    weir_status failure = WEIR_OK;
    weir_http_fields *fields = &response->head.fields;
    if (status == 101) add_agreement(fields, agreement, &failure);
    if (status == 426) {
        add_upgrade(fields, &failure);
        add_text(fields, WEIR_HTTP_SEC_WEBSOCKET_VERSION, "13", &failure);
    }
    if (status == 405) add_text(fields, WEIR_HTTP_ALLOW, "GET", &failure);
    if (failure == WEIR_OK) return response;
    weir_obj_release(response);
    return NULL;
}

/* ---- client ---- */

static weir_buf *write_protocols(const char *const *protocols) {
    weir_buf *text = weir_buf_new(64);
    for (; text != NULL && *protocols != NULL; protocols++) {
        if (weir_buf_is_readable(text)) weir_buf_write_str(text, ", ");
        weir_buf_write_str(text, *protocols);
    }
    return text;
}

weir_http_request *weir_websocket_handshake_request(const char *host, const char *target, const char *origin,
                                                    const char *key,
                                                    const weir_websocket_handshake_options *options) {
    weir_http_request *request = weir_http_request_new("GET", weir_bytes_str(target));
    if (request == NULL) return NULL;
    weir_http_fields *fields = &request->head.fields;
    weir_status failure = WEIR_OK;
    add_text(fields, WEIR_HTTP_HOST, host, &failure);
    add_upgrade(fields, &failure);
    add_text(fields, WEIR_HTTP_SEC_WEBSOCKET_KEY, key, &failure);
    add_text(fields, WEIR_HTTP_SEC_WEBSOCKET_VERSION, "13", &failure);
    if (origin != NULL) add_text(fields, WEIR_HTTP_ORIGIN, origin, &failure);
    if (options->protocols != NULL) {
        add_written(fields, WEIR_HTTP_SEC_WEBSOCKET_PROTOCOL, write_protocols(options->protocols), &failure);
    }
    if (options->deflate.on) {
        weir_buf *offer = weir_buf_new(160);
        if (offer != NULL) weir_websocket_deflate_offer(&options->deflate, offer);
        add_written(fields, WEIR_HTTP_SEC_WEBSOCKET_EXTENSIONS, offer, &failure);
    }
    if (failure == WEIR_OK) return request;
    weir_obj_release(request);
    return NULL;
}

static bool doubt(const char *what, const char **why) {
    if (why != NULL) *why = what;
    return false;
}

static bool confirm_protocol(weir_websocket_agreement *out, const weir_http_fields *fields,
                             const weir_websocket_handshake_options *options) {
    if (!weir_http_fields_has(fields, WEIR_HTTP_SEC_WEBSOCKET_PROTOCOL)) return !options->protocol_needed;
    out->protocol =
        find_in(options->protocols, weir_http_fields_get(fields, WEIR_HTTP_SEC_WEBSOCKET_PROTOCOL));
    return out->protocol != NULL && count_of(fields, WEIR_HTTP_SEC_WEBSOCKET_PROTOCOL) == 1;
}

static bool confirm_deflate(weir_websocket_agreement *out, const weir_http_fields *fields,
                            const weir_websocket_handshake_options *options) {
    size_t n = count_of(fields, WEIR_HTTP_SEC_WEBSOCKET_EXTENSIONS);
    if (n == 0) return true;
    return n == 1 && weir_websocket_deflate_confirm(
                         &out->deflate, weir_http_fields_get(fields, WEIR_HTTP_SEC_WEBSOCKET_EXTENSIONS),
                         &options->deflate);
}

bool weir_websocket_handshake_confirm(weir_websocket_agreement *out, const weir_http_response *response,
                                      const char *key, const weir_websocket_handshake_options *options,
                                      const char **why) {
    const weir_http_fields *fields = &response->head.fields;
    *out = (weir_websocket_agreement){0};
    weir_websocket_accept(weir_bytes_str(key), out->accept);
    if (response->status != 101) return doubt("status is not 101", why);
    if (!weir_http_fields_has_token(fields, WEIR_HTTP_UPGRADE, "websocket")) return doubt("Upgrade", why);
    if (!weir_http_fields_has_token(fields, WEIR_HTTP_CONNECTION, "upgrade")) return doubt("Connection", why);
    if (count_of(fields, WEIR_HTTP_SEC_WEBSOCKET_ACCEPT) != 1 ||
        !weir_bytes_equal_str(weir_http_fields_get(fields, WEIR_HTTP_SEC_WEBSOCKET_ACCEPT), out->accept)) {
        return doubt("Sec-WebSocket-Accept", why);
    }
    if (!confirm_protocol(out, fields, options)) return doubt("Sec-WebSocket-Protocol", why);
    if (!confirm_deflate(out, fields, options)) return doubt("Sec-WebSocket-Extensions", why);
    return true;
}
