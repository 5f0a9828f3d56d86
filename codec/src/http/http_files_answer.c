/* http_files_answer.c - answers that are no file, and the end of every visit. */
#include <errno.h>
#include <time.h>

#include <weir/buffer/buf_bytes.h>
#include <weir/buffer/buf_dump.h>
#include <weir/codec/http_percent.h>
#include <weir/codec/http_range.h>

#include "http/http_files_state.h"

void http_answer_add(weir_http_response **response, weir_http_name name, weir_bytes value) {
    if (*response == NULL) return;
    if (weir_http_fields_add(&(*response)->head.fields, name, value) == WEIR_OK) return;
    weir_obj_release(*response);
    *response = NULL;
}

/* ---- the end ---- */

/* "192.0.2.1" of "192.0.2.1:80", "::1" of "[::1]:80". */
static weir_bytes host_of(const weir_channel *channel, char text[WEIR_ADDR_TEXT]) {
    weir_addr remote;
    weir_channel_remote_addr(channel, &remote);
    if (remote.len == 0) return weir_bytes_of(NULL, 0);
    weir_bytes all = weir_bytes_str(weir_addr_format(&remote, text));
    size_t colon = weir_bytes_find_last(all, ':');
    if (colon == WEIR_NOT_FOUND) return all;
    bool has_brackets = text[0] == '[';
    return weir_bytes_sub(all, has_brackets, colon - 2 * has_brackets);
}

static void tell_log(const http_visit *visit, unsigned status, uint64_t body_size) {
    const weir_http_files_options *options = &visit->files->options;
    const weir_http_request *request = visit->request;
    char text[WEIR_ADDR_TEXT];
    if (options->log == NULL) return;
    weir_http_access_log entry = {
        .host = host_of(weir_ctx_channel(visit->channel->ctx), text),
        .seconds = time(NULL),
        .method = request->method_text,
        .target = request->target,
        .minor = request->head.minor,
        .status = status,
        .body_size = request->method == WEIR_HTTP_METHOD_HEAD ? 0 : body_size,
        .is_combined = true,
        .referer = weir_http_fields_get(&request->head.fields, WEIR_HTTP_REFERER),
        .user_agent = weir_http_fields_get(&request->head.fields, WEIR_HTTP_USER_AGENT),
    };
    options->log(options->log_arg, &entry);
}

weir_ctx *http_visit_end(http_visit *visit, unsigned status, uint64_t body_size) {
    weir_ctx *ctx = visit->channel->ctx;
    tell_log(visit, status, body_size);
    http_visit_free(visit);
    return ctx;
}

void http_visit_respond(http_visit *visit, weir_http_response *response, void *body) {
    uint64_t size = body == NULL ? 0 : weir_obj_size(body);
    weir_ctx *ctx = http_visit_end(visit, response == NULL ? 500 : response->status, size);
    weir_http_server_respond(ctx, response, body, NULL);
}

/* ---- pages ---- */

unsigned http_status_of(weir_status status) {
    switch (status) {
    case -ENOENT:
    case -ENOTDIR:
    case -EXDEV:
    case -ELOOP:
    case -EISDIR:
    case -ENAMETOOLONG:
    case WEIR_E_UNSUPPORTED: return 404;
    case -EACCES:
    case -EPERM:
    case -EROFS: return 403;
    case -ENOSPC:
    case -EDQUOT: return 507;
    case -EIO: return 500;
    default: return 503;
    }
}

static weir_buf *page_of(weir_ctx *ctx, unsigned status) {
    const char *reason = weir_http_reason(status);
    weir_buf *page = weir_ctx_get_buf(ctx, 512);
    if (page == NULL) return NULL;
    weir_buf_printf(page,
                    "<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n"
                    "<meta name=viewport content=\"width=device-width\">\n"
                    "<meta name=color-scheme content=\"light dark\">\n<title>%u %s</title>\n"
                    "<body style=\"font-family:sans-serif;margin:3em auto;max-width:30em;padding:0 1em\">\n"
                    "<h1>%u %s</h1>\n",
                    status, reason, status, reason);
    return page;
}

static void add_allow(const http_visit *visit, weir_http_response **response) {
    const char *allowed = visit->files->options.put ? "GET, HEAD, OPTIONS, PUT" : "GET, HEAD, OPTIONS";
    http_answer_add(response, WEIR_HTTP_ALLOW, weir_bytes_str(allowed));
}

static weir_http_response *new_page(const http_visit *visit, unsigned status, weir_buf **page) {
    weir_http_response *response = weir_http_response_new(status);
    *page = page_of(visit->channel->ctx, status);
    http_answer_add(&response, WEIR_HTTP_CONTENT_TYPE, weir_bytes_str("text/html; charset=utf-8"));
    if (status == 405) add_allow(visit, &response);
    return response;
}

void http_visit_refuse(http_visit *visit, unsigned status) {
    weir_buf *page;
    weir_http_response *response = new_page(visit, status, &page);
    http_visit_respond(visit, response, page);
}

void http_visit_refuse_range(http_visit *visit, uint64_t length) {
    weir_buf *page, *text = weir_ctx_get_buf(visit->channel->ctx, 64);
    weir_http_response *response = new_page(visit, 416, &page);
    if (text != NULL) {
        weir_http_content_range_format(NULL, length, text);
        http_answer_add(&response, WEIR_HTTP_CONTENT_RANGE, weir_buf_peek(text));
    }
    weir_buf_release(text);
    http_visit_respond(visit, response, page);
}

/* The name as it was understood, not as it came: "//host/.." is no way to another host. */
void http_visit_redirect(http_visit *visit) {
    weir_buf *page, *location = weir_ctx_get_buf(visit->channel->ctx, 256);
    weir_http_response *response = new_page(visit, 301, &page);
    weir_bytes name = weir_bytes_str(visit->name), part, query = visit->request->query;
    if (location != NULL) {
        while (weir_bytes_split(&name, '/', &part)) {
            weir_buf_write_str(location, "/");
            weir_http_percent_write(part, &weir_http_unreserved, location);
        }
        weir_buf_write_str(location, "/");
        if (query.ptr != NULL) {
            weir_buf_write_str(location, "?");
            weir_buf_write_view(location, query);
        }
        http_answer_add(&response, WEIR_HTTP_LOCATION, weir_buf_peek(location));
    }
    weir_buf_release(location);
    http_visit_respond(visit, response, page);
}

void http_visit_options(http_visit *visit) {
    weir_http_response *response = weir_http_response_new(204);
    add_allow(visit, &response);
    http_visit_respond(visit, response, NULL);
}
