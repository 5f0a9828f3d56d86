/* weir_get.c - gets one URL over HTTP/1.1, with or without TLS: options, redirects, and the exit code. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exchange.h"
#include "post.h"

enum {
    REDIRECTS_MAX = 10,
};

/* What the command line says. */
struct wish {
    const char *file, *range, *post, *sum, *ca;
    args_list headers;
    bool resume, head, insecure;
    unsigned patience, connect_patience;
    uint64_t max_bytes;
};

/* One visited URL; the same again with the same method goes in a circle. */
struct visit {
    char *url;
    const char *method;
};

/* ---- the command line ---- */

static void check_range(const char *range) {
    weir_http_ranges ranges;
    char field[80];
    int n = snprintf(field, sizeof field, "bytes=%s", range);
    if (n >= (int)sizeof field ||
        weir_http_range_parse(weir_bytes_of(field, (size_t)n), INT64_MAX, 0, &ranges) !=
            WEIR_HTTP_RANGE_PARTIAL ||
        ranges.count != 1 || strchr(range, ',') != NULL)
        complain_usage("--range must be A-B, A- or -LAST, not '%s'", range);
}

/* Those that decide where the message ends are the codec's. */
static void check_header(const char *header) {
    weir_bytes value = weir_bytes_str(header), name;
    weir_http_fields fields;
    weir_bytes_split(&value, ':', &name);
    weir_http_fields_init(&fields);
    bool fits = value.ptr != NULL && weir_http_fields_add_other(&fields, name, value) == WEIR_OK;
    weir_http_fields_clear(&fields);
    if (!fits) complain_usage("--header must be 'Name: value', not '%s'", header);
    weir_http_name known = weir_http_name_of(name);
    if (known == WEIR_HTTP_CONTENT_LENGTH || known == WEIR_HTTP_TRANSFER_ENCODING ||
        known == WEIR_HTTP_CONNECTION || known == WEIR_HTTP_EXPECT || known == WEIR_HTTP_UPGRADE)
        complain_usage("--header may not set %.*s", (int)name.len, (const char *)name.ptr);
}

static void check_wish(const struct wish *wish) {
    uint64_t sum;
    if (wish->range != NULL) check_range(wish->range);
    for (unsigned i = 0; i < wish->headers.count; i++) check_header(wish->headers.words[i]);
    if (wish->sum != NULL &&
        (strlen(wish->sum) != 8 || !weir_bytes_hex_to_u64(weir_bytes_str(wish->sum), &sum)))
        complain_usage("--crc32c must be eight hexadecimal digits, not '%s'", wish->sum);
    if (wish->resume && (wish->range != NULL || wish->head || wish->post != NULL))
        complain_usage("--continue goes with neither --range nor --head nor --post");
    if (wish->head && wish->post != NULL) complain_usage("--head and --post are two requests");
}

/* ---- one hop, and many ---- */

static void run_exchange(struct exchange *self, const struct wish *wish) {
    weir_status status = WEIR_E_NO_MEMORY;
    weir_promise *connected = weir_promise_new(self->loop);
    if (connected != NULL) status = weir_promise_listen(connected, exchange_connected, self);
    if (status == WEIR_OK) {
        weir_client_options options = {
            .loop = self->loop,
            .host = self->origin->host,
            .port = self->origin->port,
            .build = exchange_build,
            .build_arg = self,
            .connect_timeout_ms = wish->connect_patience * 1000,
            .channel = {.read_size_max = 256 << 10, .read_while_unwritable = true},
        };
        self->channel = weir_client_connect(&options, weir_promise_retain(connected));
        if (self->channel == NULL) status = weir_promise_status(connected);
        if (self->channel != NULL) weir_loop_run(self->loop);
        weir_channel_release(self->channel);
        self->channel = NULL;
    }
    weir_promise_release(connected);
    if (status != WEIR_OK) exchange_fail(self, 1, "cannot start: %s", weir_status_text(status));
}

/* What the next exchange asks for (RFC 9110 15.4). False, after saying why, when it does not go there. */
static bool follow(struct exchange *self) {
    struct origin before = *self->origin;
    const char *why = origin_move(self->origin, weir_bytes_str(self->location));
    if (why != NULL) {
        exchange_fail(self, 1, "'%s' redirects to '%s': %s", before.url, self->location, why);
        return false;
    }
    if (!origin_same(self->origin, &before)) self->keeps_secrets = true;
    if (self->status == 303 || ((self->status == 301 || self->status == 302) && self->post != NULL)) {
        if (strcmp(self->method, "HEAD") != 0) self->method = "GET";
        weir_obj_release(self->post);
        self->post = NULL;
    }
    return true;
}

/* Notes where it goes now. False, after saying why, when it must not go there. */
static bool may_visit(struct exchange *self, struct visit *visits, size_t *count) {
    for (size_t i = 0; i < *count; i++) {
        if (visits[i].method != self->method || strcmp(visits[i].url, self->origin->url) != 0) continue;
        exchange_fail(self, 1, "the redirects go in a circle: '%s' again", self->origin->url);
        return false;
    }
    if (*count > REDIRECTS_MAX) {
        exchange_fail(self, 1, "more than %d redirects, the last to '%s'", REDIRECTS_MAX, self->origin->url);
        return false;
    }
    char *url = strdup(self->origin->url);
    if (url == NULL) {
        exchange_fail(self, 1, "%s", weir_status_text(WEIR_E_NO_MEMORY));
        return false;
    }
    visits[(*count)++] = (struct visit){url, self->method};
    return true;
}

static void run(struct exchange *self, const struct wish *wish) {
    struct visit visits[REDIRECTS_MAX + 1];
    size_t count = 0;
    bool goes_on = may_visit(self, visits, &count);
    while (goes_on) {
        self->asked = self->gone = self->redirected = self->settled = false;
        run_exchange(self, wish);
        goes_on = self->redirected;
        if (goes_on) {
            self->settled = false;
            goes_on = follow(self) && may_visit(self, visits, &count);
        }
    }
    for (size_t i = 0; i < count; i++) free(visits[i].url);
}

/* ---- */

/* What is there already. True: nothing is to be got. */
static bool look_back(struct exchange *self) {
    struct sink *sink = self->sink;
    sink_look_back(sink);
    if (sink->size == 0 && sink->folder >= 0 && access(sink->path, F_OK) == 0) {
        fprintf(self->out, "'%s' is there already, whole\n", sink->path);
        return true;
    }
    if (sink->date > 0) { /* else nobody knows what it is a part of */
        self->have = sink->size;
        self->have_date = sink->date;
    }
    return false;
}

static int get(struct exchange *self, const struct wish *wish) {
    struct sink *sink = self->sink;
    weir_status status = WEIR_OK;
    if (wish->post != NULL) status = post_open(&self->post, wish->post);
    if (status != WEIR_OK) return complain("cannot read '%s': %s", wish->post, weir_status_text(status));
    self->loop = sink->loop = weir_loop_new(NULL);
    if (self->loop == NULL) status = WEIR_E_NO_MEMORY;
    if (status == WEIR_OK) status = sink_init(sink);
    if (status != WEIR_OK) {
        self->code = complain("cannot write '%s': %s", sink->path, weir_status_text(status));
    } else {
        if (!wish->resume || !look_back(self)) run(self, wish);
        sink_close(sink);
    }
    if (self->loop != NULL) weir_loop_free(self->loop);
    weir_obj_release(self->post);
    return self->code;
}

static void parse(int argc, char **argv, struct wish *wish, struct origin *origin) {
    args_parse(
        &argc, argv, "Gets one URL over HTTP/1.1: http:// or https://.", "URL",
        (args_option[]){
            {"-o", "FILE", "where it goes; -: stdout. As the URL's last segment", .text = &wish->file},
            {"--range", "A-B", "only these bytes", .text = &wish->range},
            {"--continue", NULL, "go on with what an earlier attempt left", .flag = &wish->resume},
            {"--crc32c", "HEX", "the checksum that it must have", .text = &wish->sum},
            {"--header", "'N: V'", "one more field of the request; again and again", .list = &wish->headers},
            {"--head", NULL, "print the head of the answer, get no body", .flag = &wish->head},
            {"--post", "FILE", "send a file; -: stdin", .text = &wish->post},
            {"--cacert", "FILE", "trust these authorities (PEM), not the system's", .text = &wish->ca},
            {"--insecure", NULL, "do not ask who the server of an https URL is", .flag = &wish->insecure},
            {"--timeout", "S", "give up when nothing comes for so long", .number = &wish->patience, .min = 1,
             .max = 86400},
            {"--connect-timeout", "S", "give up when nobody answers for so long",
             .number = &wish->connect_patience, .min = 1, .max = 86400},
            {"--max-bytes", "N", "most bytes of a file", .size = &wish->max_bytes, .min = 1},
            {0}});
    check_wish(wish);
    const char *why = origin_read(origin, weir_bytes_str(argv[1]));
    if (why != NULL) exit(complain("cannot get '%s': %s", argv[1], why));
}

/* Made also for http: a redirect may lead to https. False after complaining. */
static bool make_context(weir_tls_context **out, const struct wish *wish) {
    const char *protocol = "http/1.1";
    weir_tls_options options = {
        .ca_file = wish->ca, .insecure = wish->insecure, .alpn = &protocol, .alpn_count = 1};
    weir_tls_why why;
    weir_status status = weir_tls_context_client(out, &options, &why);
    if (status != WEIR_OK) complain("cannot speak TLS: %s", why.text);
    return status == WEIR_OK;
}

int main(int argc, char **argv) {
    static struct origin origin;
    static struct exchange exchange;
    static struct wish wish = {.patience = 30, .connect_patience = 10, .max_bytes = INT64_MAX};
    static char name[256];
    uint64_t sum = 0;
    parse(argc, argv, &wish, &origin);
    if (wish.file == NULL && wish.head) wish.file = "-";
    if (wish.file == NULL && !origin_name(&origin, name))
        complain_usage("'%s' names no file; -o FILE does", origin.url);
    struct sink sink = {
        .path = wish.file == NULL ? name : wish.file, .written = exchange_written, .arg = &exchange};
    if (wish.sum != NULL) weir_bytes_hex_to_u64(weir_bytes_str(wish.sum), &sum);
    exchange = (struct exchange){
        .origin = &origin,
        .method = wish.head           ? "HEAD"
                  : wish.post != NULL ? "POST"
                                      : "GET",
        .headers = &wish.headers,
        .range = wish.range,
        .max_bytes = wish.max_bytes,
        .checks_sum = wish.sum != NULL,
        .sum = (uint32_t)sum,
        .patience_ms = wish.patience * UINT64_C(1000),
        .out = strcmp(sink.path, "-") == 0 ? stderr : stdout,
        .sink = &sink,
    };
    if (!make_context(&exchange.tls, &wish)) return 1;
    int code = get(&exchange, &wish);
    weir_tls_context_release(exchange.tls);
    if (fflush(stdout) != 0) code = complain("cannot write to stdout");
    return weir_leak_report(stderr) == 0 ? code : 1;
}
