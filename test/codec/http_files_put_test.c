/* http_files_put_test.c - uploads without a socket: whose reading it is, what is refused, what a slow peer may break. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/codec/http_files.h>
#include <weir/codec/http_server.h>
#include <weir/core/log.h>
#include <weir/testing.h>
#include <weir/testing/oom_sweep.h>
#include <weir/transport/ctx.h>
#include <weir/transport/embedded.h>

#include "codec/http_coded_rig.h"

#define CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"

typedef struct rig {
    char folder[64], reply[4000];
    weir_embedded *embedded;
    weir_channel *channel;
} rig;

static rig self;

static weir_status build(weir_pipeline *pipeline, void *files) {
    weir_status status = weir_http_server_add(pipeline, &(weir_http_server_options){.no_date = true});
    return status != WEIR_OK ? status : weir_http_files_add(pipeline, files);
}

static void begin_with(const weir_channel_options *options, weir_build_fn *build_it) {
    weir_http_files *files;
    self = (rig){.folder = "/tmp/weir.put.XXXXXX"};
    require(mkdtemp(self.folder) != NULL);
    expect_status(weir_http_files_new(&files, &(weir_http_files_options){.root = self.folder, .put = true}),
                  WEIR_OK);
    self.embedded = weir_embedded_new(options, build_it, files);
    weir_http_files_release(files);
    require(self.embedded != NULL);
    self.channel = weir_embedded_channel(self.embedded);
}

static void begin(const weir_channel_options *options) {
    begin_with(options, build);
}

static void end(bool has_file) {
    char path[80];
    weir_embedded_free(self.embedded);
    snprintf(path, sizeof path, "%s/a", self.folder);
    expect_eq(unlink(path), has_file ? 0 : -1);
    expect_eq(rmdir(self.folder), 0);
}

static void say(const char *text) {
    (void)weir_embedded_feed_bytes(self.embedded, text, strlen(text));
}

static const char *wrote(void) {
    weir_buf *all = weir_embedded_take_all(self.embedded);
    weir_bytes text = weir_buf_peek(all);
    snprintf(self.reply, sizeof self.reply, "%.*s", (int)text.len, (const char *)text.ptr);
    weir_buf_release(all);
    return self.reply;
}

static bool answers(const char *start) {
    bool does = strncmp(wrote(), start, strlen(start)) == 0;
    if (!does) fprintf(stderr, "wrote: %s\n", self.reply);
    return does;
}

static bool holds(const char *text) {
    char path[80], content[100];
    snprintf(path, sizeof path, "%s/a", self.folder);
    FILE *file = fopen(path, "r");
    if (file == NULL) return false;
    content[fread(content, 1, sizeof content - 1, file)] = '\0';
    fclose(file);
    return strcmp(content, text) == 0;
}

#define PUT(fields) "PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n" fields "\r\n"

WEIR_TEST(http_files_put, switches_no_reading_on_that_somebody_switched_off) {
    begin(NULL);
    say(PUT("") "ab");
    weir_channel_set_reading(self.channel, false);
    say("c");
    expect(answers("") && !holds("abc"));
    weir_channel_pull(self.channel);
    weir_embedded_run(self.embedded);
    expect(answers("HTTP/1.1 201") && holds("abc"));
    expect(!weir_channel_is_reading(self.channel));
    end(true);
}

/* ---- the handler goes while a job is under way ---- */

static void remove_files(weir_task *task) {
    (void)task;
    weir_ctx *ctx = weir_pipeline_find_name(weir_embedded_pipeline(self.embedded), "http_files");
    require(ctx != NULL);
    weir_pipeline_remove(ctx);
}

/* In line before the job that the request begins. */
static void remove_soon(weir_ctx *ctx, weir_obj *msg) {
    static weir_task task = {.run = remove_files};
    if (weir_http_request_from(msg) != NULL)
        expect_status(weir_loop_post_task(weir_ctx_loop(ctx), &task), WEIR_OK);
    weir_ctx_fire_read(ctx, msg);
}

static const weir_handler remover = {.name = "remover", .read = remove_soon};

WEIR_TEST(http_files_put, holds_no_reading_when_it_was_removed) {
    begin(NULL);
    weir_ctx *files = weir_pipeline_find_name(weir_embedded_pipeline(self.embedded), "http_files");
    expect_status(weir_pipeline_add_before(files, &remover, NULL), WEIR_OK);
    say(PUT(""));
    expect(weir_pipeline_find_name(weir_embedded_pipeline(self.embedded), "http_files") == NULL);
    expect(weir_channel_can_read(self.channel));
    end(false);
}

/* ---- 100 ---- */

WEIR_TEST(http_files_put, says_continue_when_it_has_looked) {
    begin(NULL);
    say(PUT("Expect: 100-continue\r\nIf-Match: \"x\"\r\n"));
    expect(answers("HTTP/1.1 412"));
    end(false);
    begin(NULL);
    say(PUT("Expect: 100-continue\r\n"));
    expect(answers(CONTINUE) && strcmp(self.reply, CONTINUE) == 0);
    say("abc");
    expect(answers("HTTP/1.1 201") && holds("abc"));
    end(true);
}

/* ---- what it is not the whole of ---- */

WEIR_TEST(http_files_put, takes_no_part_and_nothing_coded_for_the_whole) {
    begin(NULL);
    say(PUT("") "abc");
    expect(answers("HTTP/1.1 201"));
    say(PUT("Content-Range: bytes 0-2/10\r\n") "xyz");
    expect(answers("HTTP/1.1 400"));
    say(PUT("Content-Encoding: gzip\r\n") "xyz");
    expect(answers("HTTP/1.1 415"));
    expect(holds("abc"));
    say(PUT("Content-Encoding: identity\r\n") "xyz");
    expect(answers("HTTP/1.1 204") && holds("xyz"));
    end(true);
}

/* It reads on while its answers are not taken: the upload comes while an answer waits. */
WEIR_TEST(http_files_put, keeps_all_of_an_upload_from_who_takes_no_answers) {
    begin(&(weir_channel_options){.low_water = 1, .high_water = 2, .read_while_unwritable = true});
    weir_embedded_stall(self.embedded, true);
    say("GET /b HTTP/1.1\r\nHost: a\r\n\r\n");
    say(PUT("") "abc");
    weir_embedded_stall(self.embedded, false);
    weir_embedded_run(self.embedded);
    expect(answers("HTTP/1.1 404") && strstr(self.reply, "HTTP/1.1 201") != NULL && holds("abc"));
    end(true);
}

/* ---- memory ---- */

static bool upload(void *arg) {
    (void)arg;
    weir_http_files *files;
    weir_http_files_options options = {.root = self.folder, .put = true};
    if (weir_http_files_new(&files, &options) != WEIR_OK) return false;
    self.embedded = weir_embedded_new(NULL, build, files);
    weir_http_files_release(files);
    if (self.embedded == NULL) return false;
    say("PUT /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n");
    say("2\r\nab\r\n1\r\nc\r\n");
    say("0\r\n\r\n");
    weir_buf *all = weir_embedded_take_all(self.embedded);
    bool is_answered = all != NULL && weir_buf_readable(all) > sizeof CONTINUE - 1 + 12 &&
                       memcmp(weir_buf_peek(all).ptr + sizeof CONTINUE - 1, "HTTP/1.1 20", 11) == 0;
    weir_buf_release(all);
    weir_embedded_free(self.embedded);
    return is_answered;
}

/* Nothing is left of those that failed, and none is half a file. */
WEIR_TEST(http_files_put, leaves_nothing_when_memory_is_short) {
    weir_log_set_level(WEIR_LOG_OFF);
    self = (rig){.folder = "/tmp/weir.put.XXXXXX"};
    require(mkdtemp(self.folder) != NULL);
    expect(weir_oom_sweep(upload, NULL) > 5);
    expect(holds("abc"));
    char path[80];
    snprintf(path, sizeof path, "%s/a", self.folder);
    expect_eq(unlink(path), 0);
    expect_eq(rmdir(self.folder), 0);
}

/* ---- what came compressed ---- */

enum {
    ZEROS = 300000
};

static size_t zeros_seen;

/* Reading is held while a job is under way. */
static void note_piece(weir_ctx *ctx, weir_obj *msg) {
    if (weir_buf_from(msg) != NULL) {
        expect(weir_channel_can_read(weir_ctx_channel(ctx)));
        zeros_seen += weir_buf_readable(weir_buf_from(msg));
    }
    weir_ctx_fire_read(ctx, msg);
}

static const weir_handler noter = {.name = "noter", .read = note_piece};

static weir_status build_coded(weir_pipeline *pipeline, void *files) {
    weir_status status = weir_http_server_add(pipeline, &(weir_http_server_options){.no_date = true});
    if (status == WEIR_OK)
        status = weir_http_decompressor_add(pipeline, &(weir_http_decompressor_options){.ratio_max = 2000});
    if (status == WEIR_OK) status = weir_pipeline_add_last(pipeline, &noter, NULL);
    return status == WEIR_OK ? weir_http_files_add(pipeline, files) : status;
}

/* A few bytes of it may be many of the file. */
WEIR_TEST(http_files_put, has_no_more_decoded_than_is_written) {
    char head[200];
    bytes coded_body = coded_zeros(ZEROS, GZIP);
    zeros_seen = 0;
    begin_with(NULL, build_coded);
    snprintf(head, sizeof head,
             "PUT /a HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n",
             coded_body.len);
    say(head);
    (void)weir_embedded_feed_bytes(self.embedded, coded_body.ptr, coded_body.len);
    free(coded_body.ptr);
    weir_embedded_run(self.embedded);
    expect(answers("HTTP/1.1 201"));
    expect_eq(zeros_seen, ZEROS);
    end(true);
}
