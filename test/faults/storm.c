/* storm.c - weather, batches and truces; see storm.h. */
#include "storm.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weir/core/log.h>
#include <weir/testing.h>

#include "transport/open_fds.h"
#include "transport/seed.h"

enum {
    BATCH = 150,
    AT_ONCE = 10,
    PATIENCE_MS = 40000 /* in which some session must end */
};

uint64_t storm_below(storm *self, uint64_t bound) {
    return seed_below(&self->random, bound);
}

bool storm_takes(weir_buf *buf, uint64_t key, uint64_t offset, uint64_t length, uint64_t *got) {
    while (weir_buf_is_readable(buf)) {
        weir_bytes part = weir_buf_peek(buf); /* of a composite the next one */
        for (size_t i = 0; i < part.len; i++, (*got)++) {
            if (*got >= length || part.ptr[i] != storm_byte(key, offset + *got)) return false;
        }
        weir_buf_skip(buf, part.len);
    }
    return true;
}

void storm_fail(storm *self, const char *format, ...) {
    char sentence[300];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    if (self->wrong++ < 5) weir_test_fail("storm", 0, "batch %u: %s", self->batch, sentence);
}

/* An option that must hold: a connection without it fails. */
static const int on = 1;
static const weir_socket_option needed[] = {{SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on, true}};

weir_client_options storm_client(storm *self, session *one) {
    return (weir_client_options){.loop = self->loop,
                                 .host = "127.0.0.1",
                                 .build = session_build,
                                 .build_arg = one,
                                 .connect_timeout_ms = 20000,
                                 .channel = {.read_while_unwritable = true, .raw = needed, .raw_count = 1}};
}

/* ---- batches ---- */

static void change_weather(storm *self) {
    static const unsigned soft[] = {2, 3, 4, 8, 20}, hard[] = {15, 60, 250, 1000, 4000};
    fault_set_rates((fault_rates){soft[storm_below(self, sizeof soft / sizeof soft[0])],
                                  hard[storm_below(self, sizeof hard / sizeof hard[0])]});
}

/* Every stream that ended too early without a word on this side had a failure on the other. */
static void check_cut_short(storm *self) {
    uint64_t refused = 0;
    weir_server *const servers[] = {self->echo, self->echo_unix, self->file, self->relay, self->own};
    for (size_t i = 0; i < sizeof servers / sizeof servers[0] && servers[i] != NULL; i++) {
        weir_server_stats stats;
        weir_server_get_stats(servers[i], &stats);
        refused += stats.refused;
    }
    uint64_t failures = self->server_failures + refused + fault_count_of(CALL_ACCEPT);
    if (self->cut_short > failures)
        storm_fail(self, "%" PRIu64 " streams ended early, and only %" PRIu64 " failures were told",
                   self->cut_short, failures);
}

static void go_on(void *arg);

static void later(storm *self) {
    require(weir_loop_post(self->loop, go_on, self) == WEIR_OK);
}

static void finish(storm *self) {
    check_cut_short(self);
    fault_end();
    if (self->close_more != NULL) self->close_more(self);
    weir_promise_complete(self->over, WEIR_OK);
}

static void go_on(void *arg) {
    storm *self = arg;
    if (self->begun == BATCH && !self->clean) { /* the storm is over */
        if (self->open > 0) return;
        self->clean = true;
        fault_set_rates((fault_rates){0});
        self->begin_one(self);
        return;
    }
    if (self->clean) {
        if (self->open > 0) return;
        self->clean = false;
        self->begun = 0;
        self->batch++;
        if (fault_total() >= self->goal || self->wrong > 0) {
            finish(self);
            return;
        }
        change_weather(self);
    }
    while (self->begun < BATCH && self->open < AT_ONCE) self->begin_one(self);
}

void storm_begun(storm *self) {
    self->begun++;
    self->open++;
}

void storm_over(storm *self, const char *kind, weir_status failure, bool whole) {
    if (failure == -EINTR) storm_fail(self, "%s: a session failed with EINTR", kind);
    if (self->clean && (failure != WEIR_OK || !whole))
        storm_fail(self, "%s: a client in fair weather was not served: %s", kind, weir_status_text(failure));
    if (failure != WEIR_OK) {
        self->failed++;
    } else if (whole) {
        self->complete++;
    } else {
        self->cut_short++;
    }
    self->open--;
    atomic_fetch_add(&self->ended, 1);
    later(self);
}

/* ---- the world ---- */

static weir_server *serve(storm *self, const char *host, weir_build_fn *build, bool splice) {
    weir_server *server = NULL;
    weir_server_options options = {
        .loops = self->group,
        .host = host,
        .build = build,
        .build_arg = self,
        .channel = {
            .read_by_splice = splice, .read_while_unwritable = splice, .raw = needed, .raw_count = 1}};
    require(weir_server_start(&server, &options) == WEIR_OK);
    return server;
}

static void make_file(storm *self) {
    static uint8_t bytes[STORM_FILE_SIZE];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = storm_byte(0, i);
    snprintf(self->path, sizeof self->path, "/tmp/weir-storm-XXXXXX");
    self->fd = mkstemp(self->path);
    require(self->fd >= 0 && write(self->fd, bytes, sizeof bytes) == (ssize_t)sizeof bytes);
}

static void open_world(storm *self) {
    char name[64];
    snprintf(name, sizeof name, "unix:@weir-storm-%d", (int)getpid());
    weir_loop_group_options options = {.count = 1, .loop = {.slow_callback_ms = WEIR_LOOP_NEVER}};
    self->group = weir_loop_group_new_with(&options);
    require(self->group != NULL);
    self->loop = weir_loop_group_at(self->group, 0);
    make_file(self);
    self->echo = serve(self, NULL, storm_build_echo, false);
    self->echo_unix = serve(self, name, storm_build_echo, false);
    self->file = serve(self, NULL, storm_build_file, false);
    self->relay = serve(self, NULL, storm_build_relay, true);
    if (self->build_own != NULL) self->own = serve(self, NULL, self->build_own, false);
}

static void close_world(storm *self) {
    weir_server_free(self->own);
    weir_server_free(self->relay);
    weir_server_free(self->file);
    weir_server_free(self->echo_unix);
    weir_server_free(self->echo);
    weir_loop_group_free(self->group);
    close(self->fd);
    unlink(self->path);
}

static void drop_line(void *arg, weir_log_level level, const char *subject, const char *line) {
    (void)arg, (void)level, (void)subject, (void)line;
}

static void begin(void *arg) {
    change_weather(arg);
    go_on(arg);
}

/* What that opens is open when the storm begins. */
static void open_more(void *arg) {
    storm *self = arg;
    if (self->open_more != NULL) self->open_more(self);
    require(weir_loop_post(self->loop, begin, self) == WEIR_OK);
}

static void print_result(const storm *self, uint64_t before) {
    printf("storm: %u batches, %" PRIu64 " faults; sessions: %" PRIu64 " complete, %" PRIu64
           " told of a failure, %" PRIu64 " cut short by the server's\n",
           self->batch, fault_total() - before, self->complete, self->failed, self->cut_short);
    fault_print();
}

/* However long that takes: a run may be a long one, and the machine a slow one. */
static weir_status wait_while_sessions_end(storm *self, weir_promise *over) {
    weir_status status;
    unsigned ended, before;
    do {
        before = atomic_load(&self->ended);
        status = weir_promise_wait(over, PATIENCE_MS);
        ended = atomic_load(&self->ended);
    } while (status == WEIR_E_TIMEOUT && ended != before);
    return status;
}

void storm_run(storm *self, uint64_t goal) {
    weir_loop_free(weir_loop_new(NULL)); /* libuv keeps a pipe for signals from its first loop on */
    int fds = open_fds();
    uint64_t before = fault_total();
    self->random = seed_start();
    self->goal = before + goal;
    weir_log_set_sink(drop_line, NULL);
    open_world(self);
    weir_promise *over = weir_promise_new(self->loop);
    self->over = weir_promise_retain(over);
    fault_begin(self->random);
    require(weir_loop_post(self->loop, open_more, self) == WEIR_OK);
    weir_status status = wait_while_sessions_end(self, over);
    expect_status(status, WEIR_OK);
    if (status != WEIR_OK) {
        printf("storm: it hangs in batch %u: %u sessions begun, %u open\n", self->batch, self->begun,
               self->open);
        fflush(stdout);
        abort(); /* nothing of it can be taken down */
    }
    weir_promise_release(over);
    close_world(self);
    weir_log_set_sink(NULL, NULL);
    expect_eq(open_fds(), fds);
    expect(self->complete > self->batch);
    print_result(self, before);
}
