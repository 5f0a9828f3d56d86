/* exchange_ask.c - the request: what a client says, what --header says instead, and what a range needs. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "exchange.h"

/* What was meant for one server is not told to another that it redirects to. */
static bool is_for_one_server(weir_http_name name) {
    return name == WEIR_HTTP_AUTHORIZATION || name == WEIR_HTTP_COOKIE ||
           name == WEIR_HTTP_PROXY_AUTHORIZATION || name == WEIR_HTTP_HOST;
}

static weir_status add_headers(const struct exchange *self, weir_http_fields *fields) {
    weir_status status = WEIR_OK;
    for (unsigned i = 0; i < self->headers->count && status == WEIR_OK; i++) {
        weir_bytes value = weir_bytes_str(self->headers->words[i]), name;
        weir_bytes_split(&value, ':', &name);
        if (self->keeps_secrets && is_for_one_server(weir_http_name_of(name))) continue;
        status = weir_http_fields_add_other(fields, name, value);
    }
    return status;
}

static weir_status add_unless_there(weir_http_fields *fields, weir_http_name name, const char *value) {
    if (weir_http_fields_has(fields, name)) return WEIR_OK;
    return weir_http_fields_add(fields, name, weir_bytes_str(value));
}

/* The rest, if it is the rest of the same version: else the whole comes (RFC 9110 13.1.5). */
static weir_status add_range(const struct exchange *self, weir_http_fields *fields) {
    char range[80], date[WEIR_HTTP_DATE_SIZE];
    if (self->range != NULL) snprintf(range, sizeof range, "bytes=%.70s", self->range);
    if (self->have > 0) snprintf(range, sizeof range, "bytes=%" PRIu64 "-", self->have);
    if (self->range == NULL && self->have == 0) return WEIR_OK;
    weir_status status = weir_http_fields_set(fields, WEIR_HTTP_RANGE, weir_bytes_str(range));
    if (status != WEIR_OK || self->have == 0) return status;
    weir_http_date_format(self->have_date, date);
    return weir_http_fields_set(fields, WEIR_HTTP_IF_RANGE, weir_bytes_of(date, sizeof date));
}

static weir_status add_fields(const struct exchange *self, weir_http_fields *fields) {
    weir_status status = add_headers(self, fields);
    if (status == WEIR_OK) status = add_unless_there(fields, WEIR_HTTP_HOST, self->origin->authority);
    if (status == WEIR_OK) status = add_unless_there(fields, WEIR_HTTP_USER_AGENT, "weir_get");
    if (status == WEIR_OK) status = add_unless_there(fields, WEIR_HTTP_ACCEPT, "*/*");
    if (status == WEIR_OK && self->post != NULL)
        status = add_unless_there(fields, WEIR_HTTP_CONTENT_TYPE, "application/octet-stream");
    if (status == WEIR_OK)
        status = weir_http_fields_set(fields, WEIR_HTTP_CONNECTION, weir_bytes_str("close"));
    return status == WEIR_OK ? add_range(self, fields) : status;
}

bool exchange_ask(struct exchange *self, weir_ctx *ctx) {
    weir_http_request *request = weir_http_request_new(self->method, weir_bytes_str(self->origin->target));
    weir_status status =
        request == NULL ? (weir_status)WEIR_E_NO_MEMORY : add_fields(self, &request->head.fields);
    if (status != WEIR_OK) {
        weir_obj_release(request);
        exchange_fail(self, 1, "cannot ask for '%s': %s", self->origin->url, weir_status_text(status));
        return false;
    }
    self->asked = true;
    weir_http_client_request(ctx, request, weir_obj_retain(self->post), NULL);
    return true;
}
