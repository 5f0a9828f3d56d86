/* unix_socket_test.c - listening and connecting by a path or an abstract name, and what becomes of the file. */
#include "bootstrap/unix_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include <weir/testing.h>

#include "actor.h"
#include "wires.h"

/* A directory of the test's own, and a name in it. */
typedef struct place {
    char directory[64];
    char path[96];
    char host[112];
} place;

static void make_place(place *self) {
    snprintf(self->directory, sizeof self->directory, "/tmp/weir_unix_XXXXXX");
    require(mkdtemp(self->directory) != NULL);
    snprintf(self->path, sizeof self->path, "%s/socket", self->directory);
    snprintf(self->host, sizeof self->host, "unix:%s", self->path);
}

static void leave_place(place *self) {
    unlink(self->path);
    expect_eq(rmdir(self->directory), 0); /* nothing else was left behind */
}

static bool file_is_there(const place *self) {
    struct stat there;
    return lstat(self->path, &there) == 0;
}

/* A server that echoes, and a client's channel to it. */
typedef struct pair {
    weir_loop_group *group;
    weir_server *server;
    weir_channel *client;
    actor h;
    _Atomic(weir_channel *) accepted;
    atomic_uint received;
} pair;

static void echo_read(weir_ctx *ctx, weir_obj *msg) {
    weir_ctx_write(ctx, msg, NULL);
}

static const weir_handler echo = {.name = "echo", .read = echo_read};

static weir_status build_echo(weir_pipeline *pipeline, void *arg) {
    pair *self = arg;
    atomic_store(&self->accepted, weir_channel_retain(weir_pipeline_channel(pipeline)));
    return weir_pipeline_add_last(pipeline, &echo, NULL);
}

static void count_read(weir_ctx *ctx, weir_obj *msg) {
    pair *self = weir_ctx_state(ctx);
    atomic_fetch_add(&self->received, (unsigned)weir_obj_size(msg));
    weir_obj_release(msg);
}

static const weir_handler counter = {.name = "counter", .read = count_read};

static weir_status build_counter(weir_pipeline *pipeline, void *arg) {
    return weir_pipeline_add_last(pipeline, &counter, arg);
}

static weir_status serve(pair *self, unsigned loops, weir_server_options with) {
    memset(self, 0, sizeof *self);
    self->group = weir_loop_group_new(loops);
    with.loops = self->group;
    with.build = build_echo;
    with.build_arg = self;
    return weir_server_start(&self->server, &with);
}

static weir_status join(pair *self, const char *host) {
    weir_loop *loop = weir_loop_group_at(self->group, 0);
    weir_client_options with = {.loop = loop, .host = host, .build = build_counter, .build_arg = self};
    weir_promise *promise = weir_promise_new(loop);
    self->client = weir_client_connect(&with, weir_promise_retain(promise));
    weir_status status = weir_promise_wait(promise, 10000);
    weir_promise_release(promise);
    return status;
}

static bool echoes(pair *self) {
    weir_buf *buf = weir_buf_new(5);
    weir_buf_write_str(buf, "hello");
    weir_channel_write(self->client, buf, NULL);
    for (int i = 0; i < 10000 && atomic_load(&self->received) < 5; i++) wait_ms(1);
    return atomic_exchange(&self->received, 0) == 5;
}

static void part(pair *self) {
    weir_server_free(self->server);
    weir_loop_group_free(self->group);
    weir_channel_release(self->client);
    weir_channel_release(atomic_load(&self->accepted));
}

static void expect_text(const weir_addr *addr, const char *expected) {
    char text[WEIR_ADDR_TEXT];
    expect_str(weir_addr_format(addr, text), expected);
}

static void expect_conversation(pair *self, const char *host) {
    weir_addr addr;
    expect_text(weir_server_addr(self->server), host);
    require(join(self, host) == WEIR_OK);
    expect(echoes(self));
    weir_channel_remote_addr(self->client, &addr);
    expect_text(&addr, host);
    weir_channel_local_addr(self->client, &addr);
    expect_text(&addr, "unix:");
    weir_channel_local_addr(atomic_load(&self->accepted), &addr);
    expect_text(&addr, host);
    weir_channel_remote_addr(atomic_load(&self->accepted), &addr);
    expect_text(&addr, "unix:");
}

WEIR_TEST(unix_socket, serves_by_its_path_and_takes_the_file_away) {
    place at;
    pair self;
    weir_addr addr;
    make_place(&at);
    require(serve(&self, 1, (weir_server_options){.host = at.host}) == WEIR_OK);
    expect(file_is_there(&at));
    expect_conversation(&self, at.host);
    weir_server_stop(self.server);
    expect_status(weir_server_wait(self.server), WEIR_OK);
    expect(!file_is_there(&at));
    for (int i = 0; i < 10000 && weir_loop_channels(weir_channel_loop(self.client)) > 0; i++) wait_ms(1);
    weir_channel_remote_addr(self.client, &addr);
    expect_text(&addr, "unix:"); /* after the end */
    part(&self);
    leave_place(&at);
}

WEIR_TEST(unix_socket, serves_by_an_abstract_name_on_several_loops) {
    pair self;
    char host[64];
    snprintf(host, sizeof host, "unix:@weir_test_%d", (int)getpid());
    require(serve(&self, 3, (weir_server_options){.host = host}) == WEIR_OK);
    expect_conversation(&self, host);
    weir_loop_group *group = weir_loop_group_new(1);
    weir_server *second;
    weir_server_options with = {.loops = group, .host = host, .build = build_echo};
    expect_status(weir_server_start(&second, &with), -EADDRINUSE);
    weir_loop_group_free(group);
    part(&self);
}

WEIR_TEST(unix_socket, says_that_too_many_wait_to_be_accepted) {
    pair self;
    char host[64];
    int fd, filler = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    unix_socket_file none;
    weir_addr addr;
    snprintf(host, sizeof host, "unix:@weir_full_%d", (int)getpid());
    require(weir_addr_parse(&addr, host, 0) == WEIR_OK);
    require(unix_socket_listen(&fd, &none, &addr, 0, 0) == WEIR_OK);
    require(connect(filler, &addr.as.sa, addr.len) == 0); /* one may wait */
    require(serve(&self, 1, (weir_server_options){0}) == WEIR_OK);
    expect_status(join(&self, host), -EAGAIN);
    part(&self);
    close(filler);
    close(fd);
}

/* ---- the file ---- */

static weir_status listen_at(int *fd, unix_socket_file *file, const place *at, mode_t mode) {
    weir_addr addr;
    require(weir_addr_parse(&addr, at->host, 0) == WEIR_OK);
    return unix_socket_listen(fd, file, &addr, 8, mode);
}

WEIR_TEST(unix_socket, replaces_a_file_nobody_listens_on) {
    place at;
    int fd;
    unix_socket_file stale, file;
    make_place(&at);
    require(listen_at(&fd, &stale, &at, 0) == WEIR_OK);
    close(fd); /* as a process that was killed */
    require(file_is_there(&at));
    expect_status(listen_at(&fd, &file, &at, 0), WEIR_OK);
    unix_socket_remove(&stale);
    unix_socket_remove(&file);
    expect(!file_is_there(&at));
    close(fd);
    leave_place(&at);
}

WEIR_TEST(unix_socket, leaves_a_live_one_alone_even_when_its_queue_is_full) {
    place at;
    int fd, second, fillers[4];
    unix_socket_file file, other;
    weir_addr addr;
    make_place(&at);
    require(weir_addr_parse(&addr, at.host, 0) == WEIR_OK);
    require(unix_socket_listen(&fd, &file, &addr, 0, 0) == WEIR_OK);
    for (int i = 0; i < 4; i++) {
        expect_status(unix_socket_listen(&second, &other, &addr, 8, 0), -EADDRINUSE);
        expect_eq(second, -1);
        fillers[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)!connect(fillers[i], &addr.as.sa, addr.len);
    }
    expect(file_is_there(&at));
    for (int i = 0; i < 4; i++) close(fillers[i]);
    unix_socket_remove(&file);
    close(fd);
    leave_place(&at);
}

WEIR_TEST(unix_socket, never_removes_what_is_no_socket) {
    place at;
    pair self;
    make_place(&at);
    close(open(at.path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    expect_status(serve(&self, 1, (weir_server_options){.host = at.host}), -EADDRINUSE);
    expect(file_is_there(&at));
    part(&self);
    unlink(at.path);
    require(symlink("/nowhere", at.path) == 0);
    expect_status(serve(&self, 1, (weir_server_options){.host = at.host}), -EADDRINUSE);
    expect(file_is_there(&at));
    part(&self);
    leave_place(&at);
}

WEIR_TEST(unix_socket, leaves_a_file_that_took_the_place_of_its_own) {
    place at;
    pair self;
    make_place(&at);
    require(serve(&self, 1, (weir_server_options){.host = at.host}) == WEIR_OK);
    unlink(at.path);
    close(open(at.path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    part(&self);
    expect(file_is_there(&at));
    leave_place(&at);
}

WEIR_TEST(unix_socket, has_the_rights_that_were_asked_for_whatever_the_umask) {
    static const mode_t modes[] = {0600, 0660, 0777};
    mode_t before = umask(027);
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        place at;
        int fd;
        unix_socket_file file;
        struct stat there;
        make_place(&at);
        require(listen_at(&fd, &file, &at, modes[i]) == WEIR_OK);
        require(lstat(at.path, &there) == 0);
        expect_eq(there.st_mode & 07777, modes[i]);
        unix_socket_remove(&file);
        close(fd);
        leave_place(&at);
    }
    umask(before);
}

typedef struct racer {
    const place *at;
    pthread_t thread;
    int fd;
    unix_socket_file file;
    weir_status status;
} racer;

static void *race(void *arg) {
    racer *self = arg;
    self->status = listen_at(&self->fd, &self->file, self->at, 0);
    return NULL;
}

WEIR_TEST(unix_socket, goes_to_exactly_one_of_many_that_find_a_stale_file) {
    enum {
        RACERS = 8,
        ROUNDS = 20
    };
    for (int round = 0; round < ROUNDS; round++) {
        place at;
        racer racers[RACERS];
        unix_socket_file stale;
        int fd, won = 0;
        make_place(&at);
        require(listen_at(&fd, &stale, &at, 0) == WEIR_OK);
        close(fd);
        for (int i = 0; i < RACERS; i++) {
            racers[i].at = &at;
            require(pthread_create(&racers[i].thread, NULL, race, &racers[i]) == 0);
        }
        for (int i = 0; i < RACERS; i++) pthread_join(racers[i].thread, NULL);
        for (int i = 0; i < RACERS; i++) {
            if (racers[i].status != WEIR_OK) continue;
            won++;
            unix_socket_remove(&racers[i].file);
            close(racers[i].fd);
        }
        expect_eq(won, 1);
        leave_place(&at);
    }
}

WEIR_TEST(unix_socket, says_what_is_wrong_with_a_name) {
    place at;
    pair self;
    char longer[160] = "unix:/tmp/";
    memset(longer + strlen(longer), 'x', 120);
    expect_status(serve(&self, 1, (weir_server_options){.host = longer}), WEIR_E_INVALID);
    part(&self);
    expect_status(serve(&self, 1, (weir_server_options){.host = "unix:/no such directory/x"}), -ENOENT);
    part(&self);
    make_place(&at);
    require(serve(&self, 1, (weir_server_options){0}) == WEIR_OK);
    expect_status(join(&self, at.host), -ENOENT);
    weir_channel_release(self.client);
    expect_status(join(&self, longer), WEIR_E_INVALID);
    expect(self.client == NULL);
    part(&self);
    leave_place(&at);
}
