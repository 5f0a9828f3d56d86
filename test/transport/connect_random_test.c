/* connect_random_test.c - clients that connect to what answers, refuses, is full or never answers, and are closed, aborted
 * and let go of at random moments.
 *
 * What must hold: the promise of connecting completes once and first; with it the channel is active once and inactive once,
 * without it never; the writes that waited are told in their order, after a failure all with its cause; removed comes
 * once and last. Every way an attempt can go is counted, and none may be missing.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weir/core/leak.h>
#include <weir/core/log.h>
#include <weir/testing.h>
#include <weir/transport.h>

#include "holes.h"
#include "names.h"
#include "open_fds.h"
#include "paths.h"
#include "seed.h"
#include "wires.h"

enum {
    ATTEMPTS = 3000,
    AT_ONCE = 30
};

#define TARGET_LIST(X)                                                                                       \
    X(TCP)                                                                                                   \
    X(TCP_REFUSING)                                                                                          \
    X(TCP_SILENT)                                                                                            \
    X(UNIX)                                                                                                  \
    X(UNIX_REFUSING)                                                                                         \
    X(UNIX_FULL)                                                                                             \
    X(LOCAL)                                                                                                 \
    X(LOCAL_REFUSING)                                                                                        \
    X(NAME)                                                                                                  \
    X(NAME_SILENT)                                                                                           \
    X(NAME_UNKNOWN)

#define PATH_LIST(X)                                                                                         \
    X(CONNECTED)                                                                                             \
    X(REFUSED)                                                                                               \
    X(FULL)                                                                                                  \
    X(TIMED_OUT)                                                                                             \
    X(UNKNOWN)                                                                                               \
    X(CLOSED_BEFORE)                                                                                         \
    X(ABORTED_BEFORE)                                                                                        \
    X(RESET)                                                                                                 \
    X(BUILD_FAILED)                                                                                          \
    X(TOLD_AS_ERROR)                                                                                         \
    X(LET_GO_OF_BEFORE)                                                                                      \
    X(LET_GO_OF_IN_CALLBACK)                                                                                 \
    X(WRITE_SENT)                                                                                            \
    X(WRITE_FAILED)

#define TARGET_ENUM(name) TO_##name,
#define PATH_ENUM(name) PATH_##name,
#define TO_NAME(name) #name,
typedef enum target {
    TARGET_LIST(TARGET_ENUM) TARGETS
} target;
typedef enum path {
    PATH_LIST(PATH_ENUM) PATHS
} path;
static const char *const target_names[TARGETS] = {TARGET_LIST(TO_NAME)};
static const char *const path_names[PATHS] = {PATH_LIST(TO_NAME)};

/* Where they connect to. */
static struct world {
    weir_loop_group *servers, *clients;
    weir_server *tcp, *unix_, *local;
    char unix_name[64], refusing_name[64], full_name[64];
    int refusing, full, fills;
    unsigned refusing_port;
    black_hole hole;
    fixed_names good, silent, unknown;
    /* on the clients' loop: */
    weir_loop *loop;
    uint64_t random;
    int begun, over;
    uint64_t targets[TARGETS], paths[PATHS];
    weir_promise *done;
} world;

static uint64_t below(uint64_t bound) {
    return seed_below(&world.random, bound);
}

static void took(path which) {
    world.paths[which]++;
}

/* ---- one attempt, on its loop ---- */

typedef struct attempt {
    weir_channel *channel; /* the only reference of the test's, or NULL when it was let go of */
    weir_ctx *ctx;         /* NULL until it is built */
    weir_timer timer;
    weir_status connect, cause;
    bool settled, active, inactive, removed, listens, ended_by_us;
    int told, promises;
} attempt;

static void begin_some(void);

static void look_whether_over(attempt *self) {
    if (!self->removed || self->promises > 0) return;
    weir_timer_stop(&self->timer, world.loop);
    weir_channel_release(self->channel);
    free(self);
    world.over++;
    begin_some();
}

static void let_go(attempt *self, path which) {
    if (self->channel == NULL) return;
    took(which);
    weir_channel_release(self->channel);
    self->channel = NULL;
}

typedef struct note {
    attempt *attempt;
    int number; /* of a write, from 1 on; 0 is that of connecting */
} note;

static void connect_told(attempt *self, weir_status status) {
    require(!self->settled && self->told == 0 && !self->active && !self->removed);
    self->settled = true;
    self->connect = status;
    switch (status) {
    case WEIR_OK: took(PATH_CONNECTED); break;
    case -ECONNREFUSED: took(PATH_REFUSED); break;
    case -EAGAIN: took(PATH_FULL); break;
    case WEIR_E_TIMEOUT: took(PATH_TIMED_OUT); break;
    case WEIR_E_RESOLVE: took(PATH_UNKNOWN); break;
    case WEIR_E_UNSUPPORTED: took(PATH_BUILD_FAILED); break;
    case WEIR_E_CANCELED: took(PATH_CLOSED_BEFORE); break;
    case WEIR_E_LIMIT: took(PATH_ABORTED_BEFORE); break;
    default: require(status == -ECONNRESET);
    }
    if (status == WEIR_E_CANCELED || status == WEIR_E_LIMIT) require(self->ended_by_us);
}

static void write_told(attempt *self, int number, weir_status status) {
    require(number == self->told + 1 && !self->inactive && !self->removed);
    require(self->settled || !self->listens);
    self->told = number;
    took(status == WEIR_OK ? PATH_WRITE_SENT : PATH_WRITE_FAILED);
    if (status == WEIR_OK) {
        require(self->active && self->cause == WEIR_OK);
        return;
    }
    if (self->settled && self->connect != WEIR_OK) require(status == self->connect);
    if (self->cause != WEIR_OK) require(status == self->cause);
    self->cause = status;
}

static void on_promise(void *arg, weir_status status) {
    note told = *(note *)arg;
    free(arg);
    if (told.number == 0) {
        connect_told(told.attempt, status);
    } else {
        write_told(told.attempt, told.number, status);
    }
    if (below(20) == 0) let_go(told.attempt, PATH_LET_GO_OF_IN_CALLBACK);
    told.attempt->promises--;
    look_whether_over(told.attempt);
}

static weir_promise *promised(attempt *self, int number) {
    weir_promise *promise = weir_promise_new(world.loop);
    note *made = malloc(sizeof *made);
    require(promise != NULL && made != NULL);
    *made = (note){self, number};
    require(weir_promise_listen(promise, on_promise, made) == WEIR_OK);
    self->promises++;
    return promise;
}

static void on_added(weir_ctx *ctx) {
    ((attempt *)weir_ctx_state(ctx))->ctx = ctx;
}

static void on_active(weir_ctx *ctx) {
    attempt *self = weir_ctx_state(ctx);
    require(!self->active && !self->removed && self->settled == self->listens && self->connect == WEIR_OK);
    self->active = true;
    if (below(20) == 0) let_go(self, PATH_LET_GO_OF_IN_CALLBACK);
    if (below(3) == 0) weir_ctx_close(ctx, NULL);
}

static void on_error(weir_ctx *ctx, const weir_error *error) {
    attempt *self = weir_ctx_state(ctx);
    require(!self->inactive && !self->removed);
    if (strcmp(error->what, "connect") == 0) {
        require(!self->listens && !self->active && self->told == 0);
        took(PATH_TOLD_AS_ERROR);
    } else {
        require(self->active && (error->status == -ECONNRESET || error->status == -EPIPE));
        took(PATH_RESET);
    }
    if (below(4) == 0) let_go(self, PATH_LET_GO_OF_IN_CALLBACK);
}

static void on_inactive(weir_ctx *ctx) {
    attempt *self = weir_ctx_state(ctx);
    require(self->active && !self->inactive && !self->removed);
    self->inactive = true;
    if (below(4) == 0) let_go(self, PATH_LET_GO_OF_IN_CALLBACK);
}

static void on_removed(weir_ctx *ctx) {
    attempt *self = weir_ctx_state(ctx);
    require(!self->removed && self->active == self->inactive);
    require(self->promises == 0); /* all were told before */
    if (below(4) == 0) let_go(self, PATH_LET_GO_OF_IN_CALLBACK);
    self->removed = true;
}

static const weir_handler watcher = {.name = "watcher",
                                     .added = on_added,
                                     .removed = on_removed,
                                     .active = on_active,
                                     .error = on_error,
                                     .inactive = on_inactive};

/* The reference that connecting answers with comes after this. */
static weir_status build(weir_pipeline *pipeline, void *arg) {
    attempt *self = arg;
    require(weir_pipeline_add_last(pipeline, &watcher, self) == WEIR_OK);
    for (int i = 1; i <= 3; i++)
        weir_channel_write(weir_pipeline_channel(pipeline), weir_buf_new(10), promised(self, i));
    return below(40) == 0 ? WEIR_E_UNSUPPORTED : WEIR_OK;
}

/* Some moments later: whatever stage it is in now. Repeats until the attempt is over. */
static void on_time(weir_timer *timer) {
    attempt *self = timer->arg;
    if (self->removed) {
        look_whether_over(self);
        return;
    }
    weir_timer_start(timer, world.loop, 1 + below(4));
    if (self->ctx == NULL) return;
    self->ended_by_us = true;
    switch (below(4)) {
    case 0: weir_ctx_close(self->ctx, NULL); break;
    case 1: weir_ctx_abort(self->ctx, WEIR_E_LIMIT); break;
    case 2: let_go(self, PATH_LET_GO_OF_BEFORE); break;
    default: break;
    }
}

static void aim(weir_client_options *options, target at) {
    const weir_addr *tcp = weir_server_addr(world.tcp);
    options->host = "127.0.0.1";
    options->port = weir_addr_port(tcp);
    switch (at) {
    case TO_TCP_REFUSING: options->port = world.refusing_port; break;
    case TO_TCP_SILENT: options->port = world.hole.port; break;
    case TO_UNIX: options->host = world.unix_name; break;
    case TO_UNIX_REFUSING: options->host = world.refusing_name; break;
    case TO_UNIX_FULL: options->host = world.full_name; break;
    case TO_LOCAL: options->host = "local:random"; break;
    case TO_LOCAL_REFUSING: options->host = "local:nobody"; break;
    case TO_NAME: options->resolver = &world.good.resolver; break;
    case TO_NAME_SILENT: options->resolver = &world.silent.resolver; break;
    case TO_NAME_UNKNOWN: options->resolver = &world.unknown.resolver; break;
    default: break;
    }
    if (options->resolver != NULL) options->host = "somewhere";
}

static void begin_one(void) {
    attempt *self = calloc(1, sizeof *self);
    target at = (target)below(TARGETS);
    require(self != NULL);
    world.begun++;
    world.targets[at]++;
    weir_client_options options = {.loop = world.loop,
                                   .build = build,
                                   .build_arg = self,
                                   .attempt_delay_ms = 1 + (unsigned)below(3),
                                   .connect_timeout_ms = 5 + (unsigned)below(20)};
    options.channel.close_timeout_ms = 20;
    aim(&options, at);
    self->listens = below(4) != 0;
    weir_timer_init(&self->timer, on_time, self);
    weir_timer_start(&self->timer, world.loop, 1 + below(15));
    self->channel = weir_client_connect(&options, self->listens ? promised(self, 0) : NULL);
    require(self->channel != NULL);
}

static void begin_some(void) {
    while (world.begun < ATTEMPTS && world.begun - world.over < AT_ONCE) begin_one();
    if (world.over == ATTEMPTS) weir_promise_complete(world.done, WEIR_OK);
}

static void begin_all(void *arg) {
    (void)arg;
    begin_some();
}

/* ---- the servers ---- */

static void answer_somehow(weir_ctx *ctx) {
    uint64_t id = weir_channel_id(weir_ctx_channel(ctx));
    if (id % 4 == 0) weir_ctx_abort(ctx, WEIR_E_LIMIT);
    if (id % 4 == 1) weir_ctx_close(ctx, NULL);
    weir_ctx_fire_active(ctx);
}

static const weir_handler answerer = {.name = "answerer", .active = answer_somehow};

static weir_status build_answerer(weir_pipeline *pipeline, void *arg) {
    return weir_pipeline_add_last(pipeline, &answerer, arg);
}

static weir_server *serve(const char *host) {
    weir_server *server;
    weir_server_options options = {
        .loops = world.servers, .host = host, .build = build_answerer, .stop_timeout_ms = 100};
    require(weir_server_start(&server, &options) == WEIR_OK);
    return server;
}

static void fill_unix_queue(void) {
    weir_addr addr;
    require(weir_addr_parse(&addr, world.full_name, 0) == WEIR_OK);
    world.full = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    require(bind(world.full, &addr.as.sa, addr.len) == 0 && listen(world.full, 0) == 0);
    world.fills = plain_connect_to(&addr);
}

static void open_world(void) {
    memset(&world, 0, sizeof world);
    int pid = (int)getpid();
    snprintf(world.unix_name, sizeof world.unix_name, "unix:@weir-cr-%d", pid);
    snprintf(world.refusing_name, sizeof world.refusing_name, "unix:@weir-cr-nobody-%d", pid);
    snprintf(world.full_name, sizeof world.full_name, "unix:@weir-cr-full-%d", pid);
    world.servers = weir_loop_group_new(1);
    world.clients = weir_loop_group_new(1);
    world.loop = weir_loop_group_at(world.clients, 0);
    world.tcp = serve("127.0.0.1");
    world.unix_ = serve(world.unix_name);
    world.local = serve("local:random");
    world.refusing = refusing_port(&world.refusing_port);
    fill_unix_queue();
    dig(&world.hole);
    world.good.resolver.ops = world.silent.resolver.ops = world.unknown.resolver.ops = &fixed_names_ops;
    fixed_names_add(&world.good, "127.0.0.1", world.refusing_port);
    fixed_names_add(&world.good, "127.0.0.1", world.hole.port);
    fixed_names_add(&world.good, "127.0.0.1", weir_addr_port(weir_server_addr(world.tcp)));
    world.silent.holds = true;
    world.unknown.status = WEIR_E_RESOLVE;
}

static void close_world(void) {
    weir_loop_group_free(world.clients);
    weir_server_free(world.tcp);
    weir_server_free(world.unix_);
    weir_server_free(world.local);
    weir_loop_group_free(world.servers);
    fill_in(&world.hole);
    close(world.refusing);
    close(world.fills);
    close(world.full);
}

static void drop_line(void *arg, weir_log_level level, const char *subject, const char *line) {
    (void)arg;
    (void)level;
    (void)subject;
    (void)line;
}

WEIR_TEST(connect_random, tells_each_attempt_once_whatever_becomes_of_it) {
    uint64_t random = seed_start();
    open_world();
    world.random = random;
    int fds = open_fds();
    weir_log_set_sink(drop_line, NULL);
    weir_promise *done = weir_promise_new(world.loop);
    world.done = weir_promise_retain(done);
    require(weir_loop_post(world.loop, begin_all, NULL) == WEIR_OK);
    expect_status(weir_promise_wait(done, 60000), WEIR_OK);
    weir_promise_release(done);
    weir_server_free(world.tcp); /* its ends of the connections too */
    weir_server_free(world.unix_);
    weir_log_set_sink(NULL, NULL);
    world.tcp = world.unix_ = NULL;
    expect(open_fds() <= fds);
    close_world();
    expect_each_taken("target", target_names, world.targets, TARGETS);
    expect_each_taken("path", path_names, world.paths, PATHS);
}
