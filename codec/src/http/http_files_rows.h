/* http_files_rows.h - private: what lies in a folder, for the page that lists it. */
#ifndef WEIR_CODEC_HTTP_FILES_ROWS_H
#define WEIR_CODEC_HTTP_FILES_ROWS_H

#include <weir/buffer/buf.h>
#include <weir/codec/http_files.h>

typedef struct http_row {
    size_t name; /* where it begins in `names`; a NUL ends it */
    uint64_t size;
    int64_t modified; /* seconds since 1970 */
    bool is_folder;
} http_row;

typedef enum http_order {
    HTTP_ORDER_NAME,
    HTTP_ORDER_SIZE,
    HTTP_ORDER_DATE
} http_order;

typedef struct http_rows {
    http_row *list;
    size_t count, room;
    weir_buf *names;
    bool is_cut; /* there are more than listing_max */
    http_order order;
    bool descends;
} http_rows;

static inline const char *http_row_name(const http_rows *rows, const http_row *row) {
    return (const char *)weir_buf_peek(rows->names).ptr + row->name;
}

/* The page. Borrows: rows, folder ("." for the root). Gives: a buf, or NULL when out of memory. */
weir_buf *http_rows_page(const http_rows *rows, const char *folder);

#endif
