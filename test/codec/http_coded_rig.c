/* http_coded_rig.c - a played peer that compresses. */
#include "codec/http_coded_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include <weir/buffer.h>
#include <weir/codec/http_aggregator.h>
#include <weir/codec/http_client.h>
#include <weir/codec/http_server.h>

coded_rig coded;

/* ---- what is compressed, by zlib itself ---- */

bytes coded_pack(const void *from, size_t n, int bits) {
    z_stream z = {0};
    require(deflateInit2(&z, 9, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    bytes out = {.len = deflateBound(&z, (uLong)n) + 32};
    out.ptr = malloc(out.len);
    require(out.ptr != NULL);
    z.next_in = (Bytef *)(uintptr_t)from;
    z.avail_in = (uInt)n;
    z.next_out = out.ptr;
    z.avail_out = (uInt)out.len;
    require(deflate(&z, Z_FINISH) == Z_STREAM_END);
    out.len = z.total_out;
    deflateEnd(&z);
    return out;
}

bytes coded_zeros(size_t n, int bits) {
    void *all = calloc(1, n);
    require(all != NULL);
    bytes out = coded_pack(all, n, bits);
    free(all);
    return out;
}

bytes coded_join(bytes a, bytes b) {
    bytes out = {malloc(a.len + b.len), a.len + b.len};
    require(out.ptr != NULL);
    memcpy(out.ptr, a.ptr, a.len);
    memcpy(out.ptr + a.len, b.ptr, b.len);
    free(a.ptr);
    free(b.ptr);
    return out;
}

bytes coded_text(int bits) {
    return coded_pack(TEXT, strlen(TEXT), bits);
}

/* ---- the rig ---- */

static void note(const char *line) {
    strcat(coded.seen, line);
    strcat(coded.seen, "\n");
}

static void note_head(const weir_http_head *head) {
    char line[200];
    const weir_http_fields *fields = &head->fields;
    snprintf(line, sizeof line, "head %s%s%d %llu",
             weir_http_fields_has(fields, WEIR_HTTP_CONTENT_ENCODING) ? "coded " : "",
             weir_http_fields_has(fields, WEIR_HTTP_CONTENT_LENGTH) ? "sized " : "", (int)head->framing,
             (unsigned long long)head->length);
    note(line);
}

static void note_body(const weir_buf *buf) {
    size_t n = weir_buf_readable(buf);
    if (n > coded.most) coded.most = n;
    if (coded.n + n < sizeof coded.body)
        weir_buf_get_bytes(buf, weir_buf_reader_index(buf), coded.body + coded.n, n);
    coded.n += n;
    if (coded.stop_at != 0 && coded.n >= coded.stop_at)
        weir_channel_set_reading(weir_embedded_channel(coded.e), false);
}

static void on_added(weir_ctx *ctx) {
    coded.ctx = ctx;
}

static void answer(weir_ctx *ctx) {
    if (!coded.is_client) weir_http_server_respond(ctx, weir_http_response_new(204), NULL, NULL);
}

static void on_read(weir_ctx *ctx, weir_obj *msg) {
    const weir_http_full *full = weir_http_full_from(msg);
    if (weir_http_request_from(msg) != NULL || weir_http_response_from(msg) != NULL) {
        note_head((const weir_http_head *)(const void *)msg);
        if (coded.answers_at_head) answer(ctx);
    } else if (full != NULL) {
        note("full");
        note_body(full->body);
        answer(ctx);
    } else if (weir_buf_from(msg) != NULL) {
        note_body(weir_buf_from(msg));
    } else {
        note("end");
        if (!coded.answers_at_head) answer(ctx);
    }
    weir_obj_release(msg);
}

static void on_error(weir_ctx *ctx, const weir_error *error) {
    (void)ctx;
    note(weir_status_name(error->status));
}

static void on_event(weir_ctx *ctx, weir_obj *event) {
    if (event == &weir_http_event_ready.obj) note("ready");
    weir_ctx_fire_event(ctx, event);
}

static const weir_handler handler = {
    .name = "test", .added = on_added, .read = on_read, .error = on_error, .event = on_event};

weir_status coded_build(weir_pipeline *pipeline, void *arg) {
    (void)arg;
    weir_status status = coded.is_client
                             ? weir_http_client_add(pipeline, NULL)
                             : weir_http_server_add(pipeline, &(weir_http_server_options){.no_date = true});
    if (status == WEIR_OK) status = weir_http_decompressor_add(pipeline, &coded.options);
    if (status == WEIR_OK && coded.aggregates) status = weir_http_aggregator_add(pipeline, 1000);
    return status != WEIR_OK ? status : weir_pipeline_add_last(pipeline, &handler, NULL);
}

void coded_clear(void) {
    memset(&coded, 0, sizeof coded);
}

void coded_start(void) {
    coded.e = weir_embedded_new(NULL, coded_build, NULL);
    require(coded.e != NULL);
}

void coded_ask(const char *method) {
    weir_http_client_request(coded.ctx, weir_http_request_new(method, weir_bytes_str("/")), NULL, NULL);
}

void coded_begin(void) {
    coded_clear();
    coded_start();
}

void coded_begin_client(void) {
    coded_clear();
    coded.is_client = true;
    coded_start();
    coded_ask("GET");
}

void coded_feed(const void *ptr, size_t n) {
    (void)weir_embedded_feed_bytes(coded.e, ptr, n);
}

void coded_feed_str(const char *said) {
    coded_feed(said, strlen(said));
}

void coded_feed_head(const char *coding, const char *framing) {
    char head[300];
    snprintf(head, sizeof head, "%sContent-Encoding: %s\r\n%s\r\n\r\n",
             coded.is_client ? "HTTP/1.1 200 OK\r\n" : "POST / HTTP/1.1\r\nHost: a\r\n", coding, framing);
    coded_feed_str(head);
}

/* With a Content-Length, `step` bytes a read. Takes: body. */
void coded_feed_sized(const char *coding, bytes body, size_t step) {
    char length[60];
    snprintf(length, sizeof length, "Content-Length: %zu", body.len);
    coded_feed_head(coding, length);
    for (size_t at = 0; at < body.len; at += step) {
        coded_feed(body.ptr + at, body.len - at < step ? body.len - at : step);
    }
    free(body.ptr);
}

/* In chunks. Takes: body. */
void coded_feed_chunked(const char *coding, bytes body, size_t step) {
    char size[20];
    coded_feed_head(coding, "Transfer-Encoding: chunked");
    for (size_t at = 0; at < body.len; at += step) {
        size_t n = body.len - at < step ? body.len - at : step;
        snprintf(size, sizeof size, "%zx\r\n", n);
        coded_feed_str(size);
        coded_feed(body.ptr + at, n);
        coded_feed_str("\r\n");
    }
    coded_feed_str("0\r\n\r\n");
    free(body.ptr);
}

bool coded_saw(const char *expected) {
    bool same = strcmp(coded.seen, expected) == 0;
    if (!same) fprintf(stderr, "expected:\n%ssaw:\n%s", expected, coded.seen);
    coded.seen[0] = 0;
    return same;
}

bool coded_got(const char *expected) {
    bool same = coded.n == strlen(expected) && memcmp(coded.body, expected, coded.n) == 0;
    coded.n = 0;
    return same;
}

bool coded_wrote(const char *start) {
    weir_buf *all = weir_embedded_take_all(coded.e);
    require(all != NULL);
    char said[400] = {0};
    size_t n = weir_buf_readable(all);
    weir_buf_get_bytes(all, weir_buf_reader_index(all), said, n < 399 ? n : 399);
    weir_buf_release(all);
    bool same = start[0] == 0 ? said[0] == 0 : strncmp(said, start, strlen(start)) == 0;
    if (!same) fprintf(stderr, "wrote: %s\n", said);
    return same;
}

void coded_end(void) {
    weir_embedded_free(coded.e);
}
