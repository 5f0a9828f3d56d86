/* http_vectors_test.c - the cases of llhttp and Netty, test/vectors/http.txt, whole and byte by byte. */
#include <stdio.h>
#include <stdlib.h>

#include <weir/buffer.h>
#include <weir/testing.h>
#include <weir/testing/vectors.h>

#include "codec/http_talk.h"

#define CASES 371

typedef struct replay {
    weir_vectors *vectors;
    char name[160];
    unsigned cases, failed;
    bool failing; /* the case at hand */
    weir_http_role role;
    weir_http_limits limits;
    weir_buf *input;
    bool ends;
    bool theirs_refuses, refuses, explained;
} replay;

/* What others refuse is refused here too, or the case says why not. */
static void end_case(replay *self) {
    if (self->theirs_refuses && !self->refuses && !self->explained) self->failing = true;
    self->failed += self->failing;
    self->failing = false;
    weir_buf_release(self->input);
    self->input = NULL;
}

static void start_case(replay *self) {
    end_case(self);
    self->input = weir_buf_new(0);
    self->ends = self->theirs_refuses = self->refuses = self->explained = false;
    self->cases++;
    snprintf(self->name, sizeof self->name, "%s", weir_vectors_rest(self->vectors));
}

static void choose(replay *self, weir_http_role role) {
    self->role = role;
    self->limits = (weir_http_limits){
        .line = (size_t)weir_vectors_option(self->vectors, "line", 0),
        .fields = (size_t)weir_vectors_option(self->vectors, "fields", 0),
        .body = (uint64_t)weir_vectors_option(self->vectors, "body", 0),
    };
}

static void choose_requests(replay *self) {
    choose(self, WEIR_HTTP_REQUESTS);
}

static void choose_responses(replay *self) {
    choose(self, WEIR_HTTP_RESPONSES);
}

static void feed(replay *self) {
    weir_buf *bytes = weir_vectors_bytes(self->vectors);
    weir_buf_write_buf(self->input, bytes, weir_buf_readable(bytes));
    weir_buf_release(bytes);
}

static void end_input(replay *self) {
    self->ends = true;
}

/* Behind each start line of HTTP/1.1. */
static void add_host(replay *self) {
    static const char line_end[] = " HTTP/1.1\r\n";
    weir_bytes rest = weir_buf_peek(self->input);
    weir_buf *hosted = weir_buf_new(0);
    size_t at;
    while ((at = weir_bytes_find_bytes(rest, weir_bytes_str(line_end))) != WEIR_NOT_FOUND) {
        at += sizeof line_end - 1;
        weir_buf_write_view(hosted, weir_bytes_sub(rest, 0, at));
        weir_buf_write_str(hosted, "Host: weir.example\r\n");
        rest = weir_bytes_sub(rest, at, SIZE_MAX);
    }
    weir_buf_write_view(hosted, rest);
    weir_buf_release(self->input);
    self->input = hosted;
}

static bool expect_option(replay *self, const char *name, uint64_t actual) {
    return expect_eq(actual, (uint64_t)weir_vectors_option(self->vectors, name, 0));
}

/* The rule in the line, or "". */
static const char *expected_rule(const replay *self) {
    const char *by = strstr(weir_vectors_rest(self->vectors), " by ");
    return by == NULL ? "" : by + 4;
}

/* Of what was said, the rule; cut out of it. */
static const char *told_rule(char *said) {
    char *refused = strstr(said, "WEIR_E_");
    char *end = refused == NULL ? NULL : strrchr(refused, '@');
    if (end == NULL) return "";
    end[-1] = '\0';
    return strchr(refused, ' ') + 1;
}

static bool matches(replay *self, size_t step) {
    http_talk talk;
    http_talk_init(&talk, self->role, WEIR_HTTP_METHOD_GET, &self->limits);
    http_talk_feed_pieces(&talk, weir_buf_peek(self->input), step);
    if (self->ends) http_talk_end(&talk);
    char *said = strdup(http_talk_said(&talk));
    bool same = expect_option(self, "messages", talk.messages);
    same &= expect_option(self, "body", talk.body);
    same &= expect_option(self, "refused", talk.parser.refusal);
    same &= expect_str(told_rule(said), expected_rule(self));
    free(said);
    http_talk_clear(&talk);
    return same;
}

static void expect_ours(replay *self) {
    size_t n = weir_buf_readable(self->input);
    self->refuses = weir_vectors_option(self->vectors, "refused", 0) != 0;
    if (!matches(self, n == 0 ? 1 : n) || !matches(self, 1)) self->failing = true;
}

static void note_theirs(replay *self) {
    self->theirs_refuses = strncmp(weir_vectors_rest(self->vectors), "error", 5) == 0;
}

static void note_reason(replay *self) {
    self->explained = true;
}

static void skip_line(replay *self) {
    (void)self;
}

static const struct {
    const char *word;
    void (*act)(replay *self);
} words[] = {
    {"case", start_case},  {"origin", skip_line},   {"mode", skip_line},  {"requests", choose_requests},
    {"feed", feed},        {"ends", end_input},     {"host", add_host},   {"responses", choose_responses},
    {"ours", expect_ours}, {"theirs", note_theirs}, {"why", note_reason},
};

WEIR_TEST(http_vectors, hold) {
    replay self = {.vectors = weir_vectors_open(WEIR_VECTORS_DIR "/http.txt")};
    while (weir_vectors_next(self.vectors)) {
        size_t i = 0;
        size_t n = sizeof words / sizeof words[0];
        while (i < n && !weir_vectors_is(self.vectors, words[i].word)) i++;
        weir_test_context("%s, line %u", self.name, weir_vectors_line(self.vectors));
        require(i < n);
        words[i].act(&self);
    }
    end_case(&self);
    expect_eq(self.cases, CASES);
    expect_eq(self.failed, 0);
    weir_vectors_close(self.vectors);
}
