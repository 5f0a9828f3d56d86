/* decoder_check.c - one input, cut in every way worth trying.
 *
 * A piece lives in memory of ours, wrapped: the last release comes back here and tells whether it and
 * its guard bytes are whole.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <weir/buffer/buf_bytes.h>
#include <weir/buffer/buf_composite.h>
#include <weir/buffer/buf_view.h>
#include <weir/core/check.h>
#include <weir/testing/decoder_check.h>
#include <weir/testing/recorder.h>
#include <weir/transport/embedded.h>

enum {
    GUARD = 16,
    GUARD_BYTE = 0xEE,
    ROOM = 24,
    CUT_EVERYWHERE_MAX = 256,
    RANDOM_RUNS = 100
};

typedef enum piece_kind {
    PIECE_GUARDED,
    PIECE_SLICE,
    PIECE_COMPOSITE,
    PIECE_ROOMY,
    PIECE_KINDS
} piece_kind;

typedef struct run {
    const weir_decoder_check *check;
    weir_recorder *recorder;
    uint64_t random;
    size_t live;   /* pieces that are not released yet */
    size_t broken; /* pieces that came back changed */
    char way[80];  /* how the input is cut, for people */
} run;

/* xorshift64*: the same numbers everywhere. */
static size_t below(run *self, size_t limit) {
    self->random ^= self->random >> 12;
    self->random ^= self->random << 25;
    self->random ^= self->random >> 27;
    return (size_t)((self->random * UINT64_C(2685821657736338717)) >> 33) % limit;
}

/* ---- pieces ---- */

typedef struct piece {
    run *run;
    const uint8_t *bytes; /* what it must be like */
    size_t length;
    uint8_t memory[];
} piece;

static bool is_guard(const uint8_t *at) {
    for (size_t i = 0; i < GUARD; i++) {
        if (at[i] != GUARD_BYTE) return false;
    }
    return true;
}

static void piece_came_back(void *arg, void *ptr, size_t length) {
    (void)ptr, (void)length;
    piece *self = arg;
    const uint8_t *bytes = self->memory + GUARD;
    bool is_whole = is_guard(self->memory) && is_guard(bytes + self->length) &&
                    memcmp(bytes, self->bytes, self->length) == 0;
    if (!is_whole) self->run->broken++;
    self->run->live--;
    free(self);
}

/* The bytes between guard bytes that belong to the same buf, which nobody may write to. */
static weir_buf *new_piece(run *self, const uint8_t *bytes, size_t length) {
    piece *made = malloc(sizeof *made + GUARD + length + GUARD);
    WEIR_CHECK(made != NULL, "out of memory for a decoder check");
    made->run = self;
    made->bytes = bytes;
    made->length = length;
    memset(made->memory, GUARD_BYTE, GUARD + length + GUARD);
    memcpy(made->memory + GUARD, bytes, length);
    self->live++;
    weir_buf *buf = weir_buf_wrap(made->memory, GUARD + length + GUARD, piece_came_back, made);
    if (buf == NULL) return NULL;
    weir_buf_set_positions(buf, GUARD, GUARD + length);
    weir_buf_set_read_only(buf);
    return buf;
}

static weir_buf *new_slice(run *self, const uint8_t *bytes, size_t length) {
    weir_buf *whole = new_piece(self, bytes, length);
    weir_buf *slice = whole == NULL ? NULL : weir_buf_slice(whole, 0, length);
    weir_buf_release(whole);
    return slice;
}

static weir_buf *new_composite(run *self, const uint8_t *bytes, size_t length) {
    weir_buf *composite = weir_buf_composite_new();
    for (size_t at = 0; composite != NULL && at < length;) {
        size_t n = 1 + below(self, length - at);
        if (weir_buf_composite_append(composite, new_piece(self, bytes + at, n)) != WEIR_OK) break;
        at += n;
    }
    return composite;
}

/* As from a socket: whoever owns it may write behind the bytes. */
static weir_buf *new_roomy(const uint8_t *bytes, size_t length) {
    weir_buf *buf = weir_buf_new(length + ROOM);
    if (buf != NULL) weir_buf_write_bytes(buf, bytes, length);
    return buf;
}

static weir_buf *make_piece(run *self, piece_kind kind, const uint8_t *bytes, size_t length) {
    switch (kind) {
    case PIECE_GUARDED: return new_piece(self, bytes, length);
    case PIECE_SLICE: return new_slice(self, bytes, length);
    case PIECE_COMPOSITE: return new_composite(self, bytes, length);
    case PIECE_ROOMY: return new_roomy(bytes, length);
    case PIECE_KINDS: break;
    }
    WEIR_UNREACHABLE();
}

/* ---- comparing ---- */

static bool starts_with(const char *line, const char *start) {
    return strncmp(line, start, strlen(start)) == 0;
}

/* Copies `line` without "actual=n "; answers the end of the copy. */
static char *copy_without_actual(char *to, const char *line, size_t length) {
    const char *actual = strstr(line, "actual=");
    if (starts_with(line, "error ") && actual != NULL && actual < line + length) {
        size_t before = (size_t)(actual - line);
        const char *rest = actual + strcspn(actual, " \n");
        rest += *rest == ' ';
        memcpy(to, line, before);
        memcpy(to + before, rest, (size_t)(line + length - rest));
        return to + before + (size_t)(line + length - rest);
    }
    memcpy(to, line, length);
    return to + length;
}

/* The "read" and "error" lines, each `times` times in a row as a block. To be freed. */
static char *comparable(const char *log, unsigned times) {
    char *text = malloc(strlen(log) * times + 1);
    WEIR_CHECK(text != NULL, "out of memory for a decoder check");
    char *to = text;
    for (unsigned i = 0; i < times; i++) {
        for (const char *line = log, *end; *line != '\0'; line = end) {
            end = line + strcspn(line, "\n");
            end += *end == '\n';
            bool counts = starts_with(line, "read ") || starts_with(line, "error ");
            if (counts) to = copy_without_actual(to, line, (size_t)(end - line));
        }
    }
    *to = '\0';
    return text;
}

static bool compare(const run *self, unsigned times, uint64_t seed) {
    char *seen = comparable(weir_recorder_log(self->recorder), 1);
    char *expected = comparable(self->check->expected, times);
    bool is_right = strcmp(seen, expected) == 0 && self->live == 0 && self->broken == 0;
    if (!is_right) {
        fprintf(stderr,
                "decoder check, input %s, seed %" PRIu64 ": %zu pieces not released, %zu changed\n"
                "--- passed on\n%s--- expected\n%s---\n",
                self->way, seed, self->live, self->broken, seen, expected);
    }
    free(seen);
    free(expected);
    return is_right;
}

/* ---- one run ---- */

static weir_status build_with_recorder(weir_pipeline *pipeline, void *arg) {
    run *self = arg;
    weir_status status = self->check->build(pipeline, self->check->arg);
    return status == WEIR_OK ? weir_recorder_add(self->recorder, pipeline) : status;
}

/* Where the next piece ends; `at` is where it starts. */
typedef size_t cut_fn(run *self, size_t at, size_t length, size_t arg);

static size_t cut_nowhere(run *self, size_t at, size_t length, size_t arg) {
    (void)self, (void)at, (void)arg;
    return length;
}

static size_t cut_everywhere(run *self, size_t at, size_t length, size_t arg) {
    (void)self, (void)length, (void)arg;
    return at + 1;
}

static size_t cut_in_two(run *self, size_t at, size_t length, size_t cut) {
    (void)self;
    return at < cut ? cut : length;
}

static size_t cut_at_random(run *self, size_t at, size_t length, size_t arg) {
    (void)arg;
    size_t longest = below(self, 2) == 0 ? length - at : 1 + below(self, 8);
    size_t n = 1 + below(self, longest);
    return n < length - at ? at + n : length;
}

typedef struct way {
    const char *name;
    cut_fn *cut;
    size_t arg;
    piece_kind kind; /* PIECE_KINDS: each at random */
    unsigned times;
} way;

static void feed(run *self, weir_embedded *embedded, const way *how) {
    weir_bytes input = self->check->input;
    for (size_t at = 0, end; at < input.len; at = end) {
        end = how->cut(self, at, input.len, how->arg);
        piece_kind kind = how->kind == PIECE_KINDS ? (piece_kind)below(self, PIECE_KINDS) : how->kind;
        /* A channel the decoder's error has closed takes no more. */
        if (!weir_embedded_is_open(embedded)) return;
        (void)weir_embedded_feed(embedded, make_piece(self, kind, input.ptr + at, end - at));
    }
}

/* False when the channel was not built. */
static bool feed_channel(run *self, const way *how) {
    weir_embedded *embedded = weir_embedded_new(NULL, build_with_recorder, self);
    if (embedded == NULL) {
        fprintf(stderr, "decoder check: the channel was not built\n");
        return false;
    }
    for (unsigned i = 0; i < how->times; i++) feed(self, embedded, how);
    if (self->check->ends) weir_embedded_feed_end(embedded);
    weir_embedded_free(embedded);
    return true;
}

static bool try_way(const weir_decoder_check *check, const way *how, uint64_t seed) {
    run self = {.check = check, .random = seed | 1, .recorder = weir_recorder_new()};
    snprintf(self.way, sizeof self.way, "%s %zu, %u times", how->name, how->arg, how->times);
    bool is_right = feed_channel(&self, how) && compare(&self, how->times, seed);
    weir_recorder_free(self.recorder);
    return is_right;
}

/* To be freed. */
static char *given_in_one_piece(const weir_decoder_check *check) {
    run self = {.check = check, .random = 1, .recorder = weir_recorder_new()};
    bool is_built = feed_channel(&self, &(way){"all at once", cut_nowhere, 0, PIECE_GUARDED, 1});
    char *log = strdup(is_built ? weir_recorder_log(self.recorder) : "");
    WEIR_CHECK(log != NULL, "out of memory for a decoder check");
    weir_recorder_free(self.recorder);
    return log;
}

/* ---- all of them ---- */

static uint64_t choose_seed(void) {
    const char *given = getenv("WEIR_SEED");
    if (given != NULL) return strtoull(given, NULL, 10);
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000007 + (uint64_t)now.tv_nsec;
}

static bool try_fixed_cuts(const weir_decoder_check *check, uint64_t seed) {
    for (piece_kind kind = PIECE_GUARDED; kind < PIECE_KINDS; kind++) {
        if (!try_way(check, &(way){"all at once", cut_nowhere, 0, kind, 1}, seed)) return false;
        if (!try_way(check, &(way){"byte by byte", cut_everywhere, 0, kind, 1}, seed)) return false;
        size_t cuts = check->input.len <= CUT_EVERYWHERE_MAX ? check->input.len : 0;
        for (size_t cut = 1; cut < cuts; cut++) {
            if (!try_way(check, &(way){"cut at", cut_in_two, cut, kind, 1}, seed)) return false;
        }
    }
    return true;
}

static bool try_random_cuts(const weir_decoder_check *check, uint64_t seed, unsigned times) {
    unsigned runs = check->random_runs != 0 ? check->random_runs : RANDOM_RUNS;
    for (unsigned i = 0; i < runs; i++) {
        way how = {"cut at random", cut_at_random, i, PIECE_KINDS, times};
        if (!try_way(check, &how, seed + i)) return false;
    }
    return true;
}

static bool try_all(const weir_decoder_check *check, uint64_t seed) {
    if (!try_fixed_cuts(check, seed) || !try_random_cuts(check, seed, 1)) return false;
    if (check->once || check->ends || strstr(check->expected, "error ") != NULL) return true;
    return try_way(check, &(way){"all at once", cut_nowhere, 0, PIECE_GUARDED, 2}, seed) &&
           try_random_cuts(check, seed, 2);
}

bool weir_decoder_check_run(const weir_decoder_check *check) {
    uint64_t seed = choose_seed();
    if (check->expected != NULL) return try_all(check, seed);
    weir_decoder_check with_expected = *check;
    char *expected = given_in_one_piece(check);
    with_expected.expected = expected;
    bool is_right = try_all(&with_expected, seed);
    free(expected);
    return is_right;
}
