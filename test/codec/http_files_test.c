/* http_files_test.c - files from the cache, without a socket: answers that need no thread, and little memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/codec/http_files.h>
#include <weir/codec/http_server.h>
#include <weir/testing.h>
#include <weir/testing/oom_sweep.h>
#include <weir/transport/embedded.h>

static char folder[64];

static uint64_t stopped_clock(void *arg) {
    (void)arg;
    return 1;
}

static weir_status build(weir_pipeline *pipeline, void *files) {
    weir_status status = weir_http_server_add(pipeline, &(weir_http_server_options){.no_date = true});
    return status != WEIR_OK ? status : weir_http_files_add(pipeline, files);
}

static void make_folder(void) {
    char path[80];
    snprintf(folder, sizeof folder, "/tmp/weir.files.XXXXXX");
    require(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/a.txt", folder);
    FILE *file = fopen(path, "w");
    require(file != NULL && fputs("0123456789", file) >= 0 && fclose(file) == 0);
}

static void remove_folder(void) {
    char path[80];
    snprintf(path, sizeof path, "%s/a.txt", folder);
    expect_eq(unlink(path), 0);
    expect_eq(rmdir(folder), 0);
}

/* "a.txt" is in the cache, so its answer comes in the same turn. False: out of memory on the way. */
static bool ask(const char *fields, char *reply, size_t room) {
    weir_http_files *files = NULL;
    weir_file *file = NULL;
    weir_http_files_options options = {.root = folder, .no_precompressed = true};
    options.cache.clock = stopped_clock;
    reply[0] = '\0';
    if (weir_http_files_new(&files, &options) != WEIR_OK) return false;
    bool is_cached = weir_file_cache_open(weir_http_files_cache(files), "a.txt", &file) == WEIR_OK;
    weir_file_release(file);
    weir_embedded *embedded = is_cached ? weir_embedded_new(NULL, build, files) : NULL;
    weir_http_files_release(files);
    if (embedded == NULL) return false;
    char request[300];
    int n = snprintf(request, sizeof request, "GET /a.txt HTTP/1.1\r\nHost: a\r\n%s\r\n", fields);
    (void)weir_embedded_feed_bytes(embedded, request, (size_t)n);
    weir_buf *all = weir_embedded_take_all(embedded);
    if (all != NULL) {
        weir_bytes text = weir_buf_peek(all);
        snprintf(reply, room, "%.*s", (int)text.len, (const char *)text.ptr);
        weir_buf_release(all);
    }
    weir_embedded_free(embedded);
    return strncmp(reply, "HTTP/1.1 20", 11) == 0;
}

WEIR_TEST(http_files, answers_ranges_and_conditions_from_the_cache_in_the_same_turn) {
    char reply[2000];
    make_folder();
    expect(ask("", reply, sizeof reply));
    expect(strstr(reply, "\r\n\r\n0123456789") != NULL);
    expect(ask("Range: bytes=2-4\r\n", reply, sizeof reply));
    expect(strstr(reply, "Content-Range: bytes 2-4/10\r\n") != NULL && strstr(reply, "\r\n\r\n234") != NULL);
    expect(ask("Range: bytes=0-0,5-\r\n", reply, sizeof reply));
    expect(strstr(reply, "HTTP/1.1 206") == reply &&
           strstr(reply, "bytes 5-9/10\r\n\r\n56789\r\n--") != NULL);
    expect(!ask("Range: bytes=10-\r\n", reply, sizeof reply));
    expect(strstr(reply, "HTTP/1.1 416") == reply && strstr(reply, "Content-Range: bytes */10\r\n") != NULL);
    expect(!ask("If-None-Match: *\r\n", reply, sizeof reply));
    expect(strstr(reply, "HTTP/1.1 304") == reply && strstr(reply, "\r\n\r\n") + 4 == reply + strlen(reply));
    remove_folder();
}

static bool ask_with_little_memory(void *fields) {
    char reply[2000];
    return ask(fields, reply, sizeof reply);
}

WEIR_TEST(http_files, loses_nothing_when_memory_is_short) {
    make_folder();
    expect(weir_oom_sweep(ask_with_little_memory, "") > 0);
    expect(weir_oom_sweep(ask_with_little_memory, "Range: bytes=2-4\r\n") > 0);
    expect(weir_oom_sweep(ask_with_little_memory, "Range: bytes=0-0,5-\r\n") > 0);
    remove_folder();
}
