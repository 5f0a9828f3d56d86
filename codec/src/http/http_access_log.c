/* http_access_log.c - a line of an access log.
 */
#include <inttypes.h>

#include <weir/buffer/buf_bytes.h>
#include <weir/buffer/buf_dump.h>
#include <weir/codec/http_access_log.h>
#include <weir/codec/http_date.h>

#include "http/http_civil.h"

/* Bytes that may stand for themselves come in one stretch. */
static void write_escaped(weir_bytes text, bool is_quoted, weir_buf *out) {
    if (text.len == 0) weir_buf_write_str(out, "-");
    for (size_t at = 0; at < text.len; at++) {
        size_t n = at;
        while (n < text.len && text.ptr[n] > (is_quoted ? 0x1f : 0x20) && text.ptr[n] < 0x7f &&
               text.ptr[n] != '"' && text.ptr[n] != '\\') {
            n++;
        }
        weir_buf_write_bytes(out, text.ptr + at, n - at);
        at = n;
        if (at == text.len) return;
        uint8_t byte = text.ptr[at];
        if (byte == '"' || byte == '\\')
            weir_buf_printf(out, "\\%c", byte);
        else
            weir_buf_printf(out, "\\x%02x", byte);
    }
}

static void write_time(int64_t seconds, weir_buf *out) {
    if (seconds < WEIR_HTTP_DATE_MIN) seconds = WEIR_HTTP_DATE_MIN;
    if (seconds > WEIR_HTTP_DATE_MAX) seconds = WEIR_HTTP_DATE_MAX;
    civil date = civil_of(seconds);
    weir_buf_printf(out, " [%02u/%.3s/%04" PRId64 ":%02u:%02u:%02u +0000] ", date.day,
                    &CIVIL_MONTHS[(size_t)(date.month - 1) * 3], date.year, date.hour, date.minute,
                    date.second);
}

static void write_quoted(weir_bytes text, weir_buf *out) {
    weir_buf_write_str(out, " \"");
    write_escaped(text, true, out);
    weir_buf_write_str(out, "\"");
}

void weir_http_access_log_format(const weir_http_access_log *entry, weir_buf *out) {
    write_escaped(entry->host, false, out);
    weir_buf_write_str(out, " - ");
    write_escaped(entry->user, false, out);
    write_time(entry->seconds, out);
    weir_buf_write_str(out, "\"");
    if (entry->method.len == 0) {
        weir_buf_write_str(out, "-"); /* the request was none */
    } else {
        write_escaped(entry->method, true, out);
        weir_buf_write_str(out, " ");
        write_escaped(entry->target, true, out);
        weir_buf_printf(out, " HTTP/1.%u", entry->minor);
    }
    weir_buf_write_str(out, "\" ");
    if (entry->status == 0)
        weir_buf_write_str(out, "- ");
    else
        weir_buf_printf(out, "%u ", entry->status);
    if (entry->body_size == 0)
        weir_buf_write_str(out, "-");
    else
        weir_buf_printf(out, "%" PRIu64, entry->body_size);
    if (entry->is_combined) {
        write_quoted(entry->referer, out);
        write_quoted(entry->user_agent, out);
    }
    weir_buf_write_str(out, "\n");
}
