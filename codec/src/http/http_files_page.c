/* http_files_page.c - the rows of a folder as HTML that needs nothing else: no script, no image, no other file.
 *
 * Rule: a name is text here and a path in a link, never anything more. As text it is escaped, as a path every byte that
 * is not unreserved is, so neither can end what it stands in; "./" keeps one that looks like a scheme a name.
 */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include <weir/buffer/buf_bytes.h>
#include <weir/buffer/buf_dump.h>
#include <weir/buffer/buf_text.h>
#include <weir/codec/http_percent.h>

#include "http/http_files_rows.h"

static const char style[] =
    ":root{color-scheme:light dark;--line:#8883;--soft:#6b7280;--link:#0b57d0;--hover:#8881}"
    "@media(prefers-color-scheme:dark){:root{--soft:#9aa0a6;--link:#8ab4f8}}"
    "*{box-sizing:border-box}"
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1.5rem 1rem 3rem}"
    "h1{font-size:1.25rem;font-weight:600;margin:0 0 1rem;padding:0 .75rem;overflow-wrap:anywhere}"
    "h1 i{color:var(--soft);font-style:normal;font-weight:400;margin:0 .3em}"
    "a{color:var(--link);text-decoration:none}a:hover{text-decoration:underline}"
    "table{width:100%;border-collapse:collapse}"
    "th{font-size:.875rem;font-weight:500;text-align:left;color:var(--soft);white-space:nowrap}"
    "th a{color:inherit}th,td{padding:.5rem .75rem;border-bottom:1px solid var(--line)}"
    "td:first-child{overflow-wrap:anywhere;width:100%;padding:0}td:first-child a{display:block;padding:.5rem .75rem}"
    "th+th,td+td{text-align:right;white-space:nowrap}"
    "td+td{color:var(--soft);font-size:.875rem;font-variant-numeric:tabular-nums}"
    "tbody tr:hover{background:var(--hover)}.d a{font-weight:600}"
    "p{color:var(--soft);font-size:.875rem;padding:0 .75rem}"
    "@media(max-width:36rem){body{padding:1rem .25rem 2rem}"
    "td:nth-child(3) span{display:none}}";

/* ---- text ---- */

static void write_escaped(weir_buf *out, const char *text) {
    weir_buf *escaped = weir_buf_new(strlen(text));
    if (escaped == NULL) {
        weir_buf_fail(out, WEIR_E_NO_MEMORY);
        return;
    }
    for (const char *c = text; *c != '\0'; c++) {
        switch (*c) {
        case '&': weir_buf_write_str(escaped, "&amp;"); break;
        case '<': weir_buf_write_str(escaped, "&lt;"); break;
        case '>': weir_buf_write_str(escaped, "&gt;"); break;
        case '"': weir_buf_write_str(escaped, "&quot;"); break;
        case '\'': weir_buf_write_str(escaped, "&#39;"); break;
        default: weir_buf_write_bytes(escaped, (uint8_t)*c < 0x20 || *c == 0x7f ? "?" : c, 1);
        }
    }
    if (weir_buf_status(escaped) != WEIR_OK) weir_buf_fail(out, weir_buf_status(escaped));
    weir_buf_write_utf8_lossy(out, weir_buf_peek(escaped));
    weir_buf_release(escaped);
}

static void write_size(weir_buf *out, uint64_t size) {
    static const char units[] = "KMGTPE";
    unsigned unit = 0;
    double shown = (double)size / 1000;
    if (size < 1000) {
        weir_buf_printf(out, "%" PRIu64 " B", size);
        return;
    }
    while (shown >= 999.5) {
        shown /= 1000;
        unit++;
    }
    weir_buf_printf(out, shown < 9.95 ? "%.1f %cB" : "%.0f %cB", shown, units[unit]);
}

static void write_date(weir_buf *out, int64_t seconds) {
    char text[64];
    struct tm day;
    time_t at = (time_t)seconds;
    if (gmtime_r(&at, &day) == NULL) return;
    strftime(text, sizeof text, "%Y-%m-%d<span> %H:%M</span>", &day);
    weir_buf_write_str(out, text);
}

/* ---- parts ---- */

/* Where we are, each folder on the way a link up. */
static void write_place(weir_buf *out, const char *folder, bool is_link) {
    weir_bytes rest = weir_bytes_str(folder), part;
    char name[256];
    size_t depth = 0;
    if (strcmp(folder, ".") == 0) rest = weir_bytes_of(NULL, 0);
    for (size_t i = 0; i < rest.len; i++) depth += rest.ptr[i] == '/';
    if (is_link && rest.len != 0) {
        weir_buf_write_str(out, "<a href=\"");
        for (size_t i = 0; i <= depth; i++) weir_buf_write_str(out, "../");
        weir_buf_write_str(out, "\">Home</a>");
    } else {
        weir_buf_write_str(out, "Home");
    }
    while (rest.len != 0 && weir_bytes_split(&rest, '/', &part)) {
        part = weir_bytes_sub(part, 0, sizeof name - 1);
        memcpy(name, part.ptr, part.len);
        name[part.len] = '\0';
        weir_buf_write_str(out, is_link ? "<i>/</i>" : " / ");
        if (is_link && depth > 0) {
            weir_buf_write_str(out, "<a href=\"");
            for (size_t i = 0; i < depth; i++) weir_buf_write_str(out, "../");
            weir_buf_write_str(out, "\">");
        }
        write_escaped(out, name);
        if (is_link && depth > 0) weir_buf_write_str(out, "</a>");
        if (depth > 0) depth--;
    }
}

static void write_heading(weir_buf *out, const http_rows *rows, http_order order, const char *key,
                          const char *text) {
    bool is_it = rows->order == order;
    weir_buf_printf(out, "<th%s><a href=\"?sort=%s%s\">%s%s</a>",
                    !is_it           ? ""
                    : rows->descends ? " aria-sort=descending"
                                     : " aria-sort=ascending",
                    key, is_it && !rows->descends ? "&amp;order=desc" : "", text,
                    !is_it           ? ""
                    : rows->descends ? " \342\206\223"
                                     : " \342\206\221");
}

static void write_row(weir_buf *out, const http_rows *rows, const http_row *row) {
    const char *name = http_row_name(rows, row), *slash = row->is_folder ? "/" : "";
    weir_buf_printf(out, "<tr%s><td><a href=\"./", row->is_folder ? " class=d" : "");
    weir_http_percent_write(weir_bytes_str(name), &weir_http_unreserved, out);
    weir_buf_printf(out, "%s\"><bdi>", slash);
    write_escaped(out, name);
    weir_buf_printf(out, "</bdi>%s</a><td>", slash);
    if (!row->is_folder) write_size(out, row->size);
    weir_buf_write_str(out, "<td>");
    write_date(out, row->modified);
    weir_buf_write_str(out, "\n");
}

static void write_head(weir_buf *out, const http_rows *rows, const char *folder) {
    weir_buf_write_str(out, "<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n"
                            "<meta name=viewport content=\"width=device-width,initial-scale=1\">\n"
                            "<link rel=icon href=\"data:,\">\n<title>");
    write_place(out, folder, false);
    weir_buf_printf(out, "</title>\n<style>%s</style>\n<h1>", style);
    write_place(out, folder, true);
    weir_buf_write_str(out, "</h1>\n<table>\n<thead><tr>");
    write_heading(out, rows, HTTP_ORDER_NAME, "name", "Name");
    write_heading(out, rows, HTTP_ORDER_SIZE, "size", "Size");
    write_heading(out, rows, HTTP_ORDER_DATE, "date", "Modified");
    weir_buf_write_str(out, "\n<tbody>\n");
    if (strcmp(folder, ".") != 0)
        weir_buf_write_str(out, "<tr class=d><td><a href=\"../\">../</a><td><td>\n");
}

weir_buf *http_rows_page(const http_rows *rows, const char *folder) {
    weir_buf *out = weir_buf_new(8192);
    if (out == NULL) return NULL;
    write_head(out, rows, folder);
    for (size_t i = 0; i < rows->count; i++) write_row(out, rows, &rows->list[i]);
    weir_buf_write_str(out, "</table>\n");
    if (rows->count == 0) weir_buf_write_str(out, "<p>This folder is empty.\n");
    if (rows->is_cut) weir_buf_printf(out, "<p>Only %zu entries are shown; there are more.\n", rows->count);
    if (weir_buf_status(out) == WEIR_OK) return out;
    weir_buf_release(out);
    return NULL;
}
