/* http_files_send.c - a file as an answer: what the conditions and ranges of its request make of it. */
#include <sys/random.h>
#include <time.h>

#include <weir/buffer/buf_bytes.h>
#include <weir/codec/http_byteranges.h>
#include <weir/codec/http_date.h>

#include "http/http_files_state.h"

/* ---- conditions ---- */

/* All fields of that name as one list (RFC 9110 5.3). Usually that is one, and a view; else `*joined` holds it. */
static weir_bytes list_of(const weir_http_fields *fields, weir_http_name name, weir_buf **joined) {
    weir_bytes value, first = weir_http_fields_get(fields, name);
    size_t at = 0;
    if (first.ptr == NULL) return first;
    *joined = weir_buf_new(first.len);
    if (*joined == NULL) return first;
    while (weir_http_fields_next_of(fields, name, &at, &value)) {
        if (weir_buf_is_readable(*joined)) weir_buf_write_str(*joined, ", ");
        weir_buf_write_view(*joined, value);
    }
    return weir_buf_peek(*joined);
}

weir_http_verdict http_visit_verdict(const http_visit *visit, const weir_http_validators *now_is) {
    const weir_http_fields *fields = &visit->request->head.fields;
    weir_buf *match = NULL, *none_match = NULL;
    weir_http_conditions conditions = {
        .if_match = list_of(fields, WEIR_HTTP_IF_MATCH, &match),
        .if_unmodified_since = weir_http_fields_get(fields, WEIR_HTTP_IF_UNMODIFIED_SINCE),
        .if_none_match = list_of(fields, WEIR_HTTP_IF_NONE_MATCH, &none_match),
        .if_modified_since = weir_http_fields_get(fields, WEIR_HTTP_IF_MODIFIED_SINCE),
        .if_range = weir_http_fields_get(fields, WEIR_HTTP_IF_RANGE),
    };
    weir_http_verdict verdict =
        weir_http_conditions_check(&conditions, visit->request->method_text, now_is, time(NULL));
    weir_buf_release(match);
    weir_buf_release(none_match);
    return verdict;
}

/* ---- fields ---- */

/* What a client needs to know it again; a 304 has the same (RFC 9110 15.4.5). */
static weir_http_response *new_response(const http_visit *visit, const weir_http_validators *now_is,
                                        unsigned status) {
    weir_http_response *response = weir_http_response_new(status);
    const char *cached = visit->files->options.cache_control;
    char date[WEIR_HTTP_DATE_SIZE], quoted[WEIR_HTTP_ETAG_MADE + 2];
    size_t n = now_is->etag.text.len;
    quoted[0] = quoted[n + 1] = '"';
    memcpy(quoted + 1, now_is->etag.text.ptr, n);
    weir_http_date_format(now_is->last_modified, date);
    http_answer_add(&response, WEIR_HTTP_ETAG, weir_bytes_of(quoted, n + 2));
    http_answer_add(&response, WEIR_HTTP_LAST_MODIFIED, weir_bytes_of(date, sizeof date));
    if (cached != NULL) http_answer_add(&response, WEIR_HTTP_CACHE_CONTROL, weir_bytes_str(cached));
    if (visit->varies) http_answer_add(&response, WEIR_HTTP_VARY, weir_bytes_str("Accept-Encoding"));
    return response;
}

/* What `write` appends, as a field; through a pooled buf. Takes: text, or NULL. */
static void add_text(weir_http_response **response, weir_http_name name, weir_buf *text) {
    bool is_whole = text != NULL && weir_buf_status(text) == WEIR_OK;
    if (!is_whole) {
        weir_obj_release(*response);
        *response = NULL;
    } else {
        http_answer_add(response, name, weir_buf_peek(text));
    }
    weir_buf_release(text);
}

static weir_bytes type_of(const http_visit *visit) {
    return weir_http_mime_of(visit->files->options.mime, weir_bytes_of(visit->name, visit->name_length));
}

static weir_buf *full_type_of(const http_visit *visit) {
    weir_buf *text = weir_ctx_get_buf(visit->channel->ctx, 128);
    if (text != NULL) weir_http_mime_write(type_of(visit), text);
    return text;
}

static void add_usual(const http_visit *visit, weir_http_response **response) {
    add_text(response, WEIR_HTTP_CONTENT_TYPE, full_type_of(visit));
    http_answer_add(response, WEIR_HTTP_ACCEPT_RANGES, weir_bytes_str("bytes"));
}

/* ---- bodies. Takes: visit, response ---- */

static void send_whole(http_visit *visit, weir_http_response *response) {
    add_usual(visit, &response);
    if (visit->coding != 0)
        http_answer_add(&response, WEIR_HTTP_CONTENT_ENCODING, weir_bytes_str(http_visit_coding(visit)));
    http_visit_respond(visit, response, weir_region_retain(visit->file->region));
}

static void send_range(http_visit *visit, weir_http_response *response, const weir_http_ranges *ranges) {
    const weir_http_range *range = &ranges->list[0];
    weir_buf *text = weir_ctx_get_buf(visit->channel->ctx, 128);
    add_usual(visit, &response);
    if (text != NULL) weir_http_content_range_format(range, ranges->length, text);
    if (response != NULL) {
        add_text(&response, WEIR_HTTP_CONTENT_RANGE, text);
    } else {
        weir_buf_release(text);
    }
    weir_region *region = weir_region_slice(visit->file->region, range->first, range->length);
    if (region == NULL) {
        weir_obj_release(response);
        response = NULL;
    }
    http_visit_respond(visit, response, region);
}

static weir_buf *part_head(weir_ctx *ctx, const weir_http_byteranges *parts, unsigned i) {
    weir_buf *head = weir_ctx_get_buf(ctx, 256);
    if (head == NULL) return NULL;
    if (i < parts->ranges->count) {
        weir_http_byteranges_part(parts, i, head);
    } else {
        weir_http_byteranges_end(parts, head);
    }
    return head;
}

/* The length is known before the first piece, so a piece that cannot be made breaks the connection: by the codec. */
static void send_parts(http_visit *visit, weir_http_response *response, weir_http_byteranges *parts) {
    weir_file *file = weir_file_retain(visit->file);
    uint64_t length = weir_http_byteranges_length(parts);
    weir_ctx *ctx = http_visit_end(visit, 206, length);
    weir_ctx_write(ctx, response, NULL);
    for (unsigned i = 0; i < parts->ranges->count; i++) {
        weir_http_range range = parts->ranges->list[i];
        weir_ctx_write(ctx, part_head(ctx, parts, i), NULL);
        weir_ctx_write(ctx, weir_region_slice(file->region, range.first, range.length), NULL);
    }
    weir_ctx_write(ctx, part_head(ctx, parts, parts->ranges->count), NULL);
    weir_ctx_write(ctx, &weir_http_end_plain, NULL);
    weir_file_release(file);
}

static void send_ranges(http_visit *visit, weir_http_response *response, const weir_http_ranges *ranges) {
    uint8_t seed[WEIR_HTTP_BOUNDARY_SEED];
    weir_http_byteranges parts;
    weir_buf *type = weir_ctx_get_buf(visit->channel->ctx, 128), *part_type = full_type_of(visit);
    bool is_ready =
        type != NULL && part_type != NULL && getrandom(seed, sizeof seed, 0) == (ssize_t)sizeof seed;
    if (is_ready && response != NULL) {
        weir_http_byteranges_init(&parts, ranges, weir_buf_peek(part_type), seed);
        weir_http_byteranges_type(&parts, type);
        http_answer_add(&response, WEIR_HTTP_CONTENT_TYPE, weir_buf_peek(type));
        if (response != NULL && weir_http_fields_add_number(&response->head.fields, WEIR_HTTP_CONTENT_LENGTH,
                                                            weir_http_byteranges_length(&parts)) != WEIR_OK) {
            weir_obj_release(response);
            response = NULL;
        }
        http_answer_add(&response, WEIR_HTTP_ACCEPT_RANGES, weir_bytes_str("bytes"));
    }
    if (is_ready && response != NULL) {
        send_parts(visit, response, &parts);
    } else {
        weir_obj_release(response);
        http_visit_respond(visit, NULL, NULL);
    }
    weir_buf_release(type);
    weir_buf_release(part_type);
}

/* ---- deciding ---- */

static weir_http_range_answer ranges_of(const http_visit *visit, weir_http_verdict verdict,
                                        weir_http_ranges *ranges) {
    weir_bytes field = weir_http_fields_get(&visit->request->head.fields, WEIR_HTTP_RANGE);
    bool counts = visit->request->method == WEIR_HTTP_METHOD_GET && verdict != WEIR_HTTP_IGNORE_RANGE;
    if (field.ptr == NULL || !counts) return WEIR_HTTP_RANGE_WHOLE;
    return weir_http_range_parse(field, visit->file->region->length, 0, ranges);
}

static void send_content(http_visit *visit, const weir_http_validators *now_is, weir_http_verdict verdict) {
    weir_http_ranges ranges;
    switch (ranges_of(visit, verdict, &ranges)) {
    case WEIR_HTTP_RANGE_UNSATISFIABLE: http_visit_refuse_range(visit, visit->file->region->length); break;
    case WEIR_HTTP_RANGE_PARTIAL: {
        weir_http_response *response = new_response(visit, now_is, 206);
        if (ranges.count == 1) {
            send_range(visit, response, &ranges);
        } else {
            send_ranges(visit, response, &ranges);
        }
        break;
    }
    default: send_whole(visit, new_response(visit, now_is, 200));
    }
}

void http_visit_send(http_visit *visit) {
    const weir_file *file = visit->file;
    char memory[WEIR_HTTP_ETAG_MADE];
    weir_http_validators now_is = {
        .etag = weir_http_etag_make(file->inode, file->region->length, file->modified_ns, memory),
        .has_last_modified = true,
        .last_modified = file->modified_ns / 1000000000 - (file->modified_ns % 1000000000 < 0),
    };
    weir_http_verdict verdict = http_visit_verdict(visit, &now_is);
    if (verdict == WEIR_HTTP_NOT_MODIFIED) {
        http_visit_respond(visit, new_response(visit, &now_is, 304), NULL);
    } else if (verdict == WEIR_HTTP_PRECONDITION_FAILED) {
        http_visit_refuse(visit, 412);
    } else {
        send_content(visit, &now_is, verdict);
    }
}
