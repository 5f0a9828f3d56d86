/* exchange_head.c - what the head of an answer means: a redirect, a refusal, a part, the whole. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "exchange.h"

/* What a stranger says reaches a terminal without its control characters. */
static void print_text(FILE *out, weir_bytes text) {
    for (size_t i = 0; i < text.len; i++) putc(isprint(text.ptr[i]) ? text.ptr[i] : '?', out);
}

static void print_head(const weir_http_response *response) {
    weir_bytes name, value;
    size_t at = 0;
    printf("HTTP/1.%u %u ", response->head.minor, response->status);
    print_text(stdout, response->reason);
    putchar('\n');
    while (weir_http_fields_next(&response->head.fields, &at, &name, &value)) {
        print_text(stdout, name);
        fputs(": ", stdout);
        print_text(stdout, value);
        putchar('\n');
    }
}

static bool is_redirect(const weir_http_response *response) {
    unsigned status = response->status;
    bool moves = status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
    return moves && weir_http_fields_has(&response->head.fields, WEIR_HTTP_LOCATION);
}

static void note_redirect(struct exchange *self, const weir_http_response *response) {
    weir_bytes location = weir_http_fields_get(&response->head.fields, WEIR_HTTP_LOCATION);
    bool is_text = location.len < sizeof self->location;
    for (size_t i = 0; i < location.len && is_text; i++) is_text = isgraph(location.ptr[i]);
    if (!is_text) {
        exchange_fail(self, 1, "'%s' redirects to what is no URL", self->origin->url);
        return;
    }
    memcpy(self->location, location.ptr, location.len);
    self->location[location.len] = '\0';
    self->redirected = self->settled = true;
    weir_channel_abort(self->channel, WEIR_E_CANCELED);
}

/* The version of these bytes, when a date can tell one from another: not when it may have changed again in the very second
 * that it was sent (RFC 9110 8.8.2.2). 0: it cannot be continued. */
static int64_t date_of(const weir_http_response *response) {
    const weir_http_fields *fields = &response->head.fields;
    int64_t modified, sent, now = (int64_t)time(NULL);
    bool known =
        weir_http_date_parse(weir_http_fields_get(fields, WEIR_HTTP_LAST_MODIFIED), now, &modified) &&
        weir_http_date_parse(weir_http_fields_get(fields, WEIR_HTTP_DATE), now, &sent);
    return known && modified > 0 && modified < sent ? modified : 0;
}

static void open_sink(struct exchange *self, const weir_http_response *response, uint64_t offset) {
    if (self->size != PROGRESS_UNKNOWN && self->size > self->max_bytes) {
        exchange_fail(self, 1, "'%s' is %" PRIu64 " bytes long, more than --max-bytes allows",
                      self->origin->url, self->size);
        return;
    }
    int64_t date = self->range != NULL ? 0 : date_of(response);
    weir_status status = sink_open(self->sink, offset, date);
    if (status == WEIR_OK) {
        self->in_body = true;
        progress_start(&self->progress, self->out, weir_loop_now(self->loop));
        weir_timer_start(&self->timer, self->loop, 100);
    } else {
        exchange_fail(self, 1, "cannot write '%s': %s", self->sink->path,
                      status == -EBUSY ? "another process is writing it" : weir_status_text(status));
    }
}

/* 206: it must be the part that was asked for. */
static void take_part(struct exchange *self, const weir_http_response *response) {
    weir_http_range part = {0};
    uint64_t length = WEIR_HTTP_LENGTH_UNKNOWN;
    weir_bytes field = weir_http_fields_get(&response->head.fields, WEIR_HTTP_CONTENT_RANGE);
    bool fits = (self->have > 0 || self->range != NULL) &&
                weir_http_content_range_parse(field, &part, &length) && part.length > 0;
    if (fits && self->have > 0) {
        fits = part.first == self->have &&
               (length == WEIR_HTTP_LENGTH_UNKNOWN || part.first + part.length == length);
    }
    if (fits && response->head.framing == WEIR_HTTP_LENGTH) fits = response->head.length == part.length;
    if (!fits) {
        exchange_fail(self, 1, "'%s' answered with another part than was asked for", self->origin->url);
        return;
    }
    self->size = self->have + part.length;
    open_sink(self, response, self->have);
}

static void take_whole(struct exchange *self, const weir_http_response *response) {
    if (self->range != NULL) {
        exchange_fail(self, 1, "'%s' does not answer with a part, only with the whole", self->origin->url);
        return;
    }
    self->size = response->head.framing == WEIR_HTTP_LENGTH ? response->head.length : PROGRESS_UNKNOWN;
    if (response->head.framing == WEIR_HTTP_NO_BODY) self->size = 0;
    open_sink(self, response, 0);
}

/* 416 to a continuation: everything is here, when the length says so. What it is the version of, If-Range has asked. */
static bool is_whole_already(const struct exchange *self, const weir_http_response *response) {
    weir_http_range none;
    uint64_t length = WEIR_HTTP_LENGTH_UNKNOWN;
    weir_bytes field = weir_http_fields_get(&response->head.fields, WEIR_HTTP_CONTENT_RANGE);
    return response->status == 416 && self->have > 0 &&
           weir_http_content_range_parse(field, &none, &length) && length == self->have;
}

static void refuse(struct exchange *self, const weir_http_response *response) {
    char reason[80];
    size_t n = response->reason.len < sizeof reason - 1 ? response->reason.len : sizeof reason - 1;
    for (size_t i = 0; i < n; i++)
        reason[i] = (char)(isprint(response->reason.ptr[i]) ? response->reason.ptr[i] : '?');
    reason[n] = '\0';
    exchange_fail(self, response->status >= 400 ? EXCHANGE_HTTP_FAILED : 1, "'%s' answered %u%s%s",
                  self->origin->url, response->status, n == 0 ? "" : " ", reason);
}

void exchange_take_head(struct exchange *self, const weir_http_response *response) {
    self->status = response->status;
    if (is_redirect(response)) {
        note_redirect(self, response);
        return;
    }
    if (strcmp(self->method, "HEAD") == 0) print_head(response);
    if (is_whole_already(self, response)) {
        self->size = self->have;
        weir_status status = sink_open(self->sink, self->have, self->have_date);
        if (status != WEIR_OK)
            exchange_fail(self, 1, "cannot write '%s': %s", self->sink->path, weir_status_text(status));
        self->ended = status == WEIR_OK;
        weir_channel_close(self->channel, NULL);
    } else if (response->status < 200 || response->status >= 300) {
        refuse(self, response);
    } else if (strcmp(self->method, "HEAD") == 0) {
        self->settled = true;
        weir_channel_close(self->channel, NULL);
    } else if (response->status == 206) {
        take_part(self, response);
    } else {
        take_whole(self, response);
    }
}
