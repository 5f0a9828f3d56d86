/* fd_message_test.c - descriptors go over unix channels in order, arrive once, and never stay open by mistake. */
#include <weir/transport/fd_message.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weir/testing.h>

#include "open_fds.h"
#include "wires.h"

static bool is_closed(int fd) {
    return fcntl(fd, F_GETFD) < 0 && errno == EBADF;
}

/* A descriptor that is known again by what is read from it. */
static int marked(char mark) {
    int ends[2];
    require(pipe2(ends, O_CLOEXEC) == 0);
    require(write(ends[1], &mark, 1) == 1);
    close(ends[1]);
    return ends[0];
}

static char mark_of(int fd) {
    char mark = '?';
    (void)!read(fd, &mark, 1);
    return mark;
}

/* ---- as an object ---- */

WEIR_TEST(fd_message, closes_its_descriptor_with_the_last_reference_unless_it_was_taken) {
    int fd = marked('a');
    weir_fd_message *message = weir_fd_message_new(fd);
    require(message != NULL);
    weir_obj_retain(message);
    weir_obj_release(message);
    expect_eq(weir_fd_message_fd(message), fd);
    expect(weir_fd_message_from((weir_obj *)(void *)message) == message);
    expect(!is_closed(fd));
    weir_obj_release(message);
    expect(is_closed(fd));
    fd = marked('b');
    message = weir_fd_message_new(fd);
    expect_eq(weir_fd_message_take(message), fd);
    expect_eq(weir_fd_message_take(message), -1);
    weir_obj_release(message);
    expect(!is_closed(fd));
    close(fd);
}

static bool make_one(void *arg) {
    int fd = marked('a');
    weir_fd_message *message = weir_fd_message_new(fd);
    bool made = message != NULL;
    (void)arg;
    weir_obj_release(message);
    expect(is_closed(fd));
    return made;
}

WEIR_TEST(fd_message, takes_the_descriptor_also_when_memory_runs_out) {
    weir_oom_sweep(make_one, NULL);
}

/* ---- two channels over a socketpair ---- */

typedef struct couple {
    weir_loop_group *group;
    weir_loop *loop;
    weir_channel *near, *far;
    int before;
    char seen[4096]; /* what far read: bytes as they are, a descriptor as [mark] */
    size_t length;
    weir_status error;
    bool ended;
    char *file; /* of a test's own, or NULL */
} couple;

static void note(couple *self, char c) {
    if (self->length < sizeof self->seen - 1) self->seen[self->length++] = c;
}

static void far_read(weir_ctx *ctx, weir_obj *msg) {
    couple *self = weir_ctx_state(ctx);
    weir_fd_message *message = weir_fd_message_from(msg);
    weir_buf *buf = weir_buf_from(msg);
    uint8_t byte;
    if (message != NULL) {
        int fd = weir_fd_message_fd(message);
        expect((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
        note(self, '[');
        note(self, mark_of(fd));
        note(self, ']');
    } else {
        while (weir_buf_read_u8(buf, &byte)) note(self, (char)byte);
    }
    weir_obj_release(msg);
}

static void far_error(weir_ctx *ctx, const weir_error *error) {
    couple *self = weir_ctx_state(ctx);
    self->error = error->status;
    weir_channel_abort(weir_ctx_channel(ctx), error->status);
}

static void far_inactive(weir_ctx *ctx) {
    couple *self = weir_ctx_state(ctx);
    self->ended = true;
}

static const weir_handler reader = {
    .name = "reader", .read = far_read, .error = far_error, .inactive = far_inactive};

static weir_status build_reader(weir_pipeline *pipeline, void *arg) {
    return weir_pipeline_add_last(pipeline, &reader, arg);
}

static void open_couple(couple *self, unsigned receive_fds) {
    int ends[2];
    memset(self, 0, sizeof *self);
    weir_channel_options options = {.receive_fds = receive_fds};
    weir_channel_options sends_files = {.region_join_max = SIZE_MAX};
    self->group = weir_loop_group_new(1);
    self->loop = weir_loop_group_at(self->group, 0);
    require(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    self->near = weir_channel_adopt(self->loop, ends[0], &sends_files, NULL, NULL, NULL);
    self->far = weir_channel_adopt(self->loop, ends[1], &options, build_reader, self, NULL);
    require(self->near != NULL && self->far != NULL);
    weir_promise *settled = weir_promise_new(self->loop);
    weir_channel_write(self->near, weir_buf_new(0), weir_promise_retain(settled));
    expect_status(weir_promise_wait(settled, 10000), WEIR_OK);
    weir_promise_release(settled);
    self->before = open_fds();
}

/* Ends both; then what was read is as expected and no descriptor but the two ends' has come or gone. */
static void close_couple(couple *self, const char *expected) {
    weir_channel_close(self->near, NULL);
    for (int i = 0; i < 10000 && weir_loop_channels(self->loop) > 0; i++) wait_ms(1);
    expect_eq(weir_loop_channels(self->loop), 0);
    expect_eq(open_fds(), self->before - 2);
    weir_loop_group_free(self->group);
    if (expected != NULL) expect_str(self->seen, expected);
    weir_channel_release(self->near);
    weir_channel_release(self->far);
}

static void put_text(couple *self, const char *text) {
    weir_buf *buf = weir_buf_new(0);
    weir_buf_write_str(buf, text);
    weir_channel_write(self->near, buf, NULL);
}

static void put_fd(couple *self, char mark) {
    weir_channel_write(self->near, weir_fd_message_new(marked(mark)), NULL);
}

/* For errands on the loop: all of it is written in one turn. */
static void on_loop(couple *self, weir_task_fn *fn) {
    weir_promise *done = weir_promise_new(self->loop);
    require(weir_loop_post(self->loop, fn, self) == WEIR_OK);
    weir_channel_write(self->near, weir_buf_new(0), weir_promise_retain(done));
    weir_promise_wait(done, 10000);
    weir_promise_release(done);
}

static void mix(void *arg) {
    couple *self = arg;
    put_fd(self, 'a');
    put_text(self, "one ");
    put_text(self, "two ");
    put_fd(self, 'b');
    put_fd(self, 'c');
    put_text(self, "");
    put_fd(self, 'd');
    put_text(self, "three ");
    weir_channel_flush(self->near);
    put_fd(self, 'e');
    weir_channel_flush(self->near); /* waits: nothing follows it yet */
    put_text(self, "four");
}

WEIR_TEST(fd_message, arrives_in_order_and_never_after_the_bytes_it_was_sent_with) {
    couple self;
    open_couple(&self, 8);
    on_loop(&self, mix);
    close_couple(&self, NULL);
    const char *at = self.seen;
    for (char mark = 'a', last = 'e'; mark <= last; mark++) {
        char sought[4] = {'[', mark, ']', 0};
        weir_test_context("%s in \"%s\"", sought, self.seen);
        at = strstr(at, sought);
        require(at != NULL);
    }
    expect(strstr(self.seen, "[a]") < strstr(self.seen, "one "));
    expect(strstr(self.seen, "[d]") < strstr(self.seen, "three "));
    expect(strstr(self.seen, "[e]") < strstr(self.seen, "four"));
}

static void one_by_one(void *arg) {
    couple *self = arg;
    for (char mark = 'a', last = 'z'; mark <= last; mark++) {
        put_fd(self, mark);
        put_text(self, (char[]){mark, 0});
    }
}

WEIR_TEST(fd_message, keeps_its_place_where_every_byte_has_one) {
    couple self;
    char expected[27 * 4 + 1] = "";
    open_couple(&self, 1); /* each is a read of its own, so the limit of one holds */
    on_loop(&self, one_by_one);
    for (char mark = 'a', last = 'z'; mark <= last; mark++) {
        snprintf(expected + strlen(expected), 5, "[%c]%c", mark, mark);
    }
    close_couple(&self, expected);
}

static void many(void *arg) {
    couple *self = arg;
    for (int i = 0; i < 253; i++) put_fd(self, 'm');
    put_text(self, "x");
}

WEIR_TEST(fd_message, may_be_one_of_253_before_a_byte) {
    couple self;
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    require(limit.rlim_max >= 1024);
    limit.rlim_cur = limit.rlim_max < 4096 ? limit.rlim_max : 4096;
    setrlimit(RLIMIT_NOFILE, &limit);
    open_couple(&self, 1000);
    on_loop(&self, many);
    close_couple(&self, NULL);
    expect_eq(self.length, 253 * 3 + 1);
    expect_eq(self.seen[self.length - 1], 'x');
}

static void one_too_many(void *arg) {
    couple *self = arg;
    put_fd(self, 'm');
    many(self);
}

WEIR_TEST(fd_message, of_more_than_253_before_a_byte_ends_the_channel) {
    couple self;
    open_couple(&self, 253);
    on_loop(&self, one_too_many);
    close_couple(&self, "");
    expect(self.ended);
}

/* ---- a region behind it ---- */

static void put_file(void *arg) {
    couple *self = arg;
    weir_region *region = NULL;
    put_fd(self, 'a');
    require(weir_region_open(&region, self->file) == WEIR_OK);
    weir_channel_write(self->near, weir_region_retain(region), NULL);
    weir_channel_write(self->near, region, NULL); /* that one by sendfile, as usual */
}

WEIR_TEST(fd_message, goes_with_the_first_byte_of_a_file) {
    couple self;
    char path[] = "/tmp/weir_fd_XXXXXX";
    int file = mkstemp(path);
    enum {
        SIZE = 2000
    };
    require(file >= 0 && ftruncate(file, SIZE) == 0);
    close(file);
    open_couple(&self, 1);
    self.file = path;
    on_loop(&self, put_file);
    close_couple(&self, NULL);
    expect_eq(self.length, 3 + 2 * SIZE);
    expect(memcmp(self.seen, "[a]", 3) == 0);
    unlink(path);
}

/* ---- what does not arrive ---- */

WEIR_TEST(fd_message, is_not_accepted_without_the_option) {
    couple self;
    open_couple(&self, 0);
    on_loop(&self, mix);
    close_couple(&self, "one two three four");
    expect_status(self.error, WEIR_OK);
}

static void two_at_once(void *arg) {
    couple *self = arg;
    put_fd(self, 'a');
    put_fd(self, 'b');
    put_text(self, "x");
}

WEIR_TEST(fd_message, of_more_than_the_limit_ends_the_channel_and_stays_open_nowhere) {
    couple self;
    open_couple(&self, 1);
    on_loop(&self, two_at_once);
    for (int i = 0; i < 10000 && weir_loop_channels(self.loop) == 2; i++) wait_ms(1);
    close_couple(&self, "");
    expect_status(self.error, WEIR_E_LIMIT);
}

static int filled[64];

static void fill_after_sending(void *arg) {
    couple *self = arg;
    int limit_count = 0;
    put_fd(self, 'a');
    put_fd(self, 'b');
    put_text(self, "x");
    weir_channel_flush(self->near); /* they are on their way; here they are closed */
    while (limit_count < 64 && (filled[limit_count] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
        limit_count++;
    require(limit_count > 0 && limit_count < 64);
    close(filled[--limit_count]);
    filled[limit_count] = -1;
}

WEIR_TEST(fd_message, ends_the_channel_when_the_process_may_open_no_more) {
    couple self;
    struct rlimit before, few;
    open_couple(&self, 8);
    require(getrlimit(RLIMIT_NOFILE, &before) == 0);
    few = before;
    few.rlim_cur = (rlim_t)self.before + 16;
    require(setrlimit(RLIMIT_NOFILE, &few) == 0);
    on_loop(&self, fill_after_sending);
    for (int i = 0; i < 10000 && weir_loop_channels(self.loop) == 2; i++) wait_ms(1);
    for (int i = 0; filled[i] >= 0; i++) close(filled[i]);
    setrlimit(RLIMIT_NOFILE, &before);
    close_couple(&self, NULL);
    expect_status(self.error, -EMFILE);
}

static weir_promise *result;

static void put_last(void *arg) {
    couple *self = arg;
    put_text(self, "x");
    weir_channel_write(self->near, weir_fd_message_new(marked('a')), weir_promise_retain(result));
    weir_channel_write(self->near, weir_buf_new(0), NULL);
    weir_channel_close(self->near, NULL);
}

WEIR_TEST(fd_message, fails_when_no_byte_follows_before_the_end) {
    couple self;
    open_couple(&self, 8);
    result = weir_promise_new(self.loop);
    on_loop(&self, put_last);
    expect_status(weir_promise_wait(result, 10000), WEIR_E_INVALID);
    weir_promise_release(result);
    close_couple(&self, "x");
}

WEIR_TEST(fd_message, is_refused_by_tcp) {
    wire_end wire;
    int fd = marked('a');
    wire_open(&wire, WIRE_CONNECTED, NULL, NULL, NULL);
    weir_promise *promise = weir_promise_new(wire.loop);
    wire_write(&wire, weir_fd_message_new(fd), weir_promise_retain(promise));
    expect_status(weir_promise_wait(promise, 10000), WEIR_E_UNSUPPORTED);
    expect(is_closed(fd));
    weir_promise_release(promise);
    wire_shut(&wire);
}
