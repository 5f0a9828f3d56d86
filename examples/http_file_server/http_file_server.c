/* http_file_server.c - a folder on the web: the command line around http_files.h, its log, and totals at the end. */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>

#include <weir/codec/http_compressor.h>
#include <weir/codec/http_files.h>
#include <weir/codec/http_server.h>

#include "access_log.h"
#include "common/confine.h"
#include "common/serve.h"
#include "common/tls.h"

struct site {
    weir_http_files *files;
    weir_tls_context *tls; /* NULL: none */
    args_tls secured;
    struct access_log log;
    const char *log_path; /* NULL: none, `log` is not open */
    bool compresses;
    /* Sums over all connections. */
    _Atomic uint64_t writev_calls, sendfile_calls, sendfile_bytes, copied_bytes;
};

static void note_end(weir_ctx *ctx) {
    struct site *site = weir_ctx_state(ctx);
    weir_channel_stats stats;
    weir_channel_get_stats(weir_ctx_channel(ctx), &stats);
    atomic_fetch_add(&site->writev_calls, stats.writev_calls);
    atomic_fetch_add(&site->sendfile_calls, stats.sendfile_calls);
    atomic_fetch_add(&site->sendfile_bytes, stats.sendfile_bytes);
    atomic_fetch_add(&site->copied_bytes, stats.copied_bytes);
    weir_ctx_fire_inactive(ctx);
}

static const weir_handler counter = {.name = "counter", .inactive = note_end};

/* A peer that takes nothing for half a minute is gone. */
static weir_status build(weir_pipeline *pipeline, void *arg) {
    static const weir_timeout_options patience = {.write_ms = 30 * 1000};
    static const weir_http_server_options http = {.server_name = "weir", .stopping_idle_ms = 500};
    struct site *site = arg;
    weir_status status = tls_server_add(pipeline, site->tls);
    if (status == WEIR_OK) status = weir_timeout_handler_add(pipeline, &patience);
    if (status == WEIR_OK) status = weir_http_server_add(pipeline, &http);
    if (status == WEIR_OK) status = weir_pipeline_add_last(pipeline, &counter, site);
    if (status == WEIR_OK && site->compresses) status = weir_http_compressor_add(pipeline, NULL);
    return status != WEIR_OK ? status : weir_http_files_add(pipeline, site->files);
}

static void close_site(struct site *site) {
    weir_http_files_release(site->files);
    weir_tls_context_release(site->tls);
    unsigned long long dropped = site->log_path != NULL ? access_log_close(&site->log) : 0;
    if (dropped != 0) complain("%llu lines of the log were dropped", dropped);
}

/* What follows is the leak report, so all is given back here. */
static void print_totals(void *arg) {
    struct site *site = arg;
    weir_file_cache_stats stats;
    weir_file_cache_get_stats(weir_http_files_cache(site->files), &stats);
    printf("%" PRIu64 " writes; by sendfile %" PRIu64 " bytes in %" PRIu64 " calls, copied %" PRIu64
           " bytes\n",
           site->writev_calls, site->sendfile_bytes, site->sendfile_calls, site->copied_bytes);
    if (site->tls != NULL) {
        weir_tls_context_stats tls;
        weir_tls_context_get_stats(site->tls, &tls);
        printf("%" PRIu64 " connections with TLS, %" PRIu64 " of them sent by the kernel\n", tls.handshakes,
               tls.ktls);
    }
    printf("%" PRIu64 " files from the cache, %" PRIu64 " looked for\n", stats.hits, stats.misses);
    close_site(site);
}

static bool reload(void *arg) {
    struct site *site = arg;
    bool certified = tls_server_reload(site->tls, &site->secured) == 0;
    if (site->log_path == NULL) return certified;
    weir_status status = access_log_reopen(&site->log, site->log_path);
    if (status != WEIR_OK) complain("the log stays where it was: %s", weir_status_text(status));
    return certified && status == WEIR_OK;
}

/* All that is opened later, also again. */
static int confine_site(args_server *at, const struct site *site, const char *log,
                        const weir_http_files_options *options) {
    bool has_file = log != NULL && log[0] != '-';
    const confine_rule rules[] = {{.path = options->root, .writes = options->put},
                                  {.path = site->secured.cert, .beside = true},
                                  {.path = site->secured.key, .beside = true},
                                  {.path = has_file ? log : NULL, .beside = true, .writes = true}};
    return confine(at, rules, sizeof rules / sizeof *rules);
}

int main(int argc, char **argv) {
    static struct site site;
    args_server at = {.host = "127.0.0.1", .port = 8000};
    const char *root = ".", *log = NULL;
    weir_http_files_options options = {.index = "index.html", .max_upload = UINT64_C(1) << 30};
    options.cache.max_open = 1024;
    args_parse(
        &argc, argv, "Serves the files below one folder over HTTP.", "",
        (args_option[]){
            ARGS_SERVER(at),
            ARGS_CONFINED(at),
            ARGS_TLS(site.secured),
            {"--root", "DIR", "the folder", .text = &root},
            {"--index", "NAME", "the file that stands for a folder; '': none", .text = &options.index},
            {"--listing", NULL, "list folders that have none", .flag = &options.listing},
            {"--hidden", NULL, "serve names that begin with a dot, too", .flag = &options.show_hidden},
            {"--cache", "N", "files kept open", .number = &options.cache.max_open, .min = 1, .max = 1 << 20},
            {"--cache-control", "TEXT", "the field Cache-Control of files", .text = &options.cache_control},
            {"--compress", NULL, "compress text for who asks for it", .flag = &site.compresses},
            {"--log", "FILE|-", "a line for each request, behind what is there", .text = &log},
            {"--put", NULL, "take uploads by PUT, from anybody", .flag = &options.put},
            {"--sync", NULL, "answer an upload when it is on the disk", .flag = &options.put_sync},
            {"--max-upload", "BYTES", "largest upload", .size = &options.max_upload, .min = 1},
            {0}});
    if (tls_server_context(&site.tls, &site.secured, at.host, "http/1.1") != 0) return 1;
    options.root = root;
    if (confine_site(&at, &site, log, &options) != 0) return 1;
    weir_status status = WEIR_OK;
    if (log != NULL) {
        status = access_log_open(&site.log, log);
        if (status != WEIR_OK) return complain("cannot write '%s': %s", log, weir_status_text(status));
        site.log_path = log;
        options.log = access_log_add;
        options.log_arg = &site.log;
    }
    status = weir_http_files_new(&site.files, &options);
    if (status != WEIR_OK) return complain("cannot serve '%s': %s", root, weir_status_text(status));
    return serve_reloading(&at, (weir_server_options){.build = build, .build_arg = &site}, print_totals,
                           reload, &site);
}
