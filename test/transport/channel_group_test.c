/* channel_group_test.c - one buf to many channels, on one loop by hand and on several by sockets. */
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include <weir/testing.h>
#include <weir/transport.h>

#include "actor.h"
#include "wires.h"

enum {
    MEMBERS = 5
};

/* Channels without sockets, all in one group. */
typedef struct crowd {
    weir_channel_group *group;
    weir_embedded *members[MEMBERS];
} crowd;

static void begin(crowd *self, const weir_channel_options *options) {
    self->group = weir_channel_group_new();
    for (int i = 0; i < MEMBERS; i++) {
        self->members[i] = weir_embedded_new(options, NULL, NULL);
        require(self->members[i] != NULL);
        expect_eq(weir_channel_group_add(self->group, weir_embedded_channel(self->members[i])), WEIR_OK);
    }
}

static void end(crowd *self) {
    for (int i = 0; i < MEMBERS; i++) weir_embedded_free(self->members[i]);
    expect_eq(weir_channel_group_count(self->group), 0);
    weir_channel_group_release(self->group);
}

static weir_channel *member(crowd *self, int i) {
    return weir_embedded_channel(self->members[i]);
}

static weir_buf *text_buf(const char *text) {
    weir_buf *buf = weir_buf_new(strlen(text));
    weir_buf_write_bytes(buf, text, strlen(text));
    return buf;
}

static void note_status(void *arg, weir_status status) {
    *(weir_status *)arg = status;
}

/* A promise on the first member's loop whose status goes there; 1 before that. */
static weir_promise *watched(crowd *self, weir_status *status) {
    weir_promise *promise = weir_promise_new(weir_embedded_loop(self->members[0]));
    *status = 1;
    weir_promise_listen(promise, note_status, status);
    return promise;
}

static void settle_all(crowd *self) {
    for (int i = 0; i < MEMBERS; i++) weir_embedded_run(self->members[i]);
    weir_embedded_run(self->members[0]);
}

/* What member `i` was sent, and whether that was all. */
static void expect_sent(crowd *self, int i, const char *text) {
    weir_buf *all = weir_embedded_take_all(self->members[i]);
    expect_eq(weir_buf_readable(all), strlen(text));
    expect(memcmp(all->rp, text, weir_buf_readable(all)) == 0);
    weir_buf_release(all);
}

WEIR_TEST(channel_group, writes_one_buf_to_every_member) {
    crowd t;
    weir_status status;
    begin(&t, NULL);
    weir_buf *buf = text_buf("hello");
    weir_channel_group_write(t.group, weir_obj_retain(buf), NULL, watched(&t, &status));
    settle_all(&t);
    expect_eq(status, WEIR_OK);
    for (int i = 0; i < MEMBERS; i++) {
        weir_obj *out = weir_embedded_take(t.members[i]);
        expect(out == &buf->obj);
        weir_obj_release(out);
    }
    weir_buf_release(buf);
    end(&t);
}

WEIR_TEST(channel_group, gives_a_view_of_its_own_to_a_pipeline_that_sees_writes) {
    crowd t;
    begin(&t, NULL);
    actor seer = {.name = "seer"};
    expect_eq(weir_pipeline_add_last(weir_embedded_pipeline(t.members[1]), &actor_handler, &seer), WEIR_OK);
    weir_buf *buf = text_buf("hello");
    weir_channel_group_write(t.group, weir_obj_retain(buf), NULL, NULL);
    weir_obj *whole = weir_embedded_take(t.members[0]), *view = weir_embedded_take(t.members[1]);
    expect(whole == &buf->obj);
    expect(view != &buf->obj && weir_buf_from(view)->rp == buf->rp);
    weir_obj_release(whole);
    weir_obj_release(view);
    weir_buf_release(buf);
    end(&t);
}

static bool is_even(weir_channel *channel, void *arg) {
    crowd *self = arg;
    return channel == member(self, 0) || channel == member(self, 2) || channel == member(self, 4);
}

WEIR_TEST(channel_group, writes_only_to_those_that_are_meant) {
    crowd t;
    begin(&t, NULL);
    weir_broadcast_options to = {.except = member(&t, 2), .match = is_even, .arg = &t};
    weir_channel_group_write(t.group, text_buf("x"), &to, NULL);
    for (int i = 0; i < MEMBERS; i++) expect_sent(&t, i, i == 0 || i == 4 ? "x" : "");
    end(&t);
}

WEIR_TEST(channel_group, is_left_by_who_ends_and_by_who_is_removed) {
    crowd t;
    begin(&t, NULL);
    expect_eq(weir_channel_group_add(t.group, member(&t, 3)), WEIR_OK);
    expect_eq(weir_channel_group_count(t.group), MEMBERS);
    weir_embedded_feed_end(t.members[0]);
    weir_channel_abort(member(&t, 1), WEIR_E_CANCELED);
    weir_embedded_run(t.members[1]);
    weir_channel_group_remove(t.group, member(&t, 2));
    weir_channel_group_remove(t.group, member(&t, 2));
    expect_eq(weir_channel_group_count(t.group), 2);
    expect_eq(weir_channel_group_add(t.group, member(&t, 0)), WEIR_E_CLOSED);
    expect_eq(weir_channel_group_count(t.group), 2);
    weir_channel_group_write(t.group, text_buf("x"), NULL, NULL);
    for (int i = 0; i < MEMBERS; i++) expect_sent(&t, i, i >= 3 ? "x" : "");
    end(&t);
}

WEIR_TEST(channel_group, tells_the_first_failure_and_still_serves_the_others) {
    crowd t;
    weir_status status;
    begin(&t, &(weir_channel_options){.low_water = 10, .high_water = 20, .write_cap = 100});
    weir_embedded_stall(t.members[1], true);
    weir_channel_group_write(t.group, text_buf("0123456789"), NULL, watched(&t, &status));
    settle_all(&t);
    expect_eq(status, 1);
    weir_channel_group_write(t.group, text_buf("0123456789"), NULL, watched(&t, &status));
    settle_all(&t);
    expect_eq(status, WEIR_E_BACKPRESSURE);
    weir_embedded_stall(t.members[1], false);
    settle_all(&t);
    for (int i = 0; i < MEMBERS; i++) expect_sent(&t, i, i == 1 ? "0123456789" : "01234567890123456789");
    end(&t);
}

WEIR_TEST(channel_group, passes_by_who_cannot_keep_up_when_asked_to) {
    crowd t;
    weir_status status;
    begin(&t, &(weir_channel_options){.low_water = 10, .high_water = 20});
    weir_embedded_stall(t.members[1], true);
    weir_channel_group_write(t.group, text_buf("a"), NULL, NULL);
    settle_all(&t);
    weir_broadcast_options to = {.skip_unwritable = true};
    weir_channel_group_write(t.group, text_buf("b"), &to, watched(&t, &status));
    settle_all(&t);
    expect_eq(status, WEIR_OK);
    weir_embedded_stall(t.members[1], false);
    for (int i = 0; i < MEMBERS; i++) expect_sent(&t, i, i == 1 ? "a" : "ab");
    end(&t);
}

/* ---- whoever is visited may change the group ---- */

typedef struct meddler {
    crowd crowd;
    unsigned visits[MEMBERS], inner;
} meddler;

static int number_of(crowd *self, const weir_channel *channel) {
    int i = 0;
    while (member(self, i) != channel) i++;
    return i;
}

static void count_inner(weir_channel *channel, void *arg) {
    (void)channel;
    ((meddler *)arg)->inner++;
}

static void meddle(weir_channel *channel, void *arg) {
    meddler *self = arg;
    int i = number_of(&self->crowd, channel);
    self->visits[i]++;
    weir_channel_group_remove(self->crowd.group, channel);
    weir_channel_group_each(self->crowd.group, count_inner, self, NULL);
    if (i == 1) weir_channel_close(channel, NULL);
    if (i == 0) weir_channel_group_add(self->crowd.group, channel);
}

WEIR_TEST(channel_group, visits_everybody_while_the_visited_change_it) {
    meddler t = {0};
    weir_status status;
    begin(&t.crowd, NULL);
    weir_channel_group_each(t.crowd.group, meddle, &t, watched(&t.crowd, &status));
    settle_all(&t.crowd);
    expect_eq(status, WEIR_OK);
    for (int i = 0; i < MEMBERS; i++) expect_eq(t.visits[i], 1);
    expect(t.inner >= 4 + 3 + 2 + 1);
    expect_eq(weir_channel_group_count(t.crowd.group), 1);
    end(&t.crowd);
}

/* ---- several loops ---- */

enum {
    CLIENTS = 24,
    NUMBERS = 200
};

static weir_status join(weir_pipeline *pipeline, void *arg) {
    return weir_channel_group_add(arg, weir_pipeline_channel(pipeline));
}

static bool wait_for_count(const weir_channel_group *group, size_t count) {
    for (int i = 0; i < 1000 && weir_channel_group_count(group) != count; i++) wait_ms(10);
    return weir_channel_group_count(group) == count;
}

static void expect_numbers(int fd) {
    uint8_t bytes[NUMBERS * 4];
    size_t got = 0;
    while (got < sizeof bytes) {
        ssize_t n = read(fd, bytes + got, sizeof bytes - got);
        if (n <= 0) break;
        got += (size_t)n;
    }
    require(got == sizeof bytes);
    for (uint32_t i = 0; i < NUMBERS; i++) {
        expect_eq((uint32_t)bytes[i * 4 + 2] << 8 | bytes[i * 4 + 3], i);
    }
}

static void visit_on_its_loop(weir_channel *channel, void *arg) {
    if (weir_loop_is_current(weir_channel_loop(channel))) atomic_fetch_add((atomic_uint *)arg, 1);
}

WEIR_TEST(channel_group, broadcasts_in_order_to_channels_of_several_loops) {
    weir_loop_group *loops = weir_loop_group_new(3);
    weir_channel_group *group = weir_channel_group_new();
    weir_server *server;
    weir_server_options options = {.loops = loops, .build = join, .build_arg = group};
    require(weir_server_start(&server, &options) == WEIR_OK);
    int clients[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) clients[i] = plain_connect(weir_addr_port(weir_server_addr(server)));
    require(wait_for_count(group, CLIENTS));
    weir_promise *last = NULL;
    for (uint32_t i = 0; i < NUMBERS; i++) {
        weir_buf *buf = weir_buf_new(4);
        weir_buf_write_u32(buf, i);
        if (i == NUMBERS - 1) last = weir_promise_new(weir_loop_group_at(loops, 0));
        weir_channel_group_write(group, buf, NULL, weir_promise_retain(last));
    }
    expect_eq(weir_promise_wait(last, 10000), WEIR_OK);
    weir_promise_release(last);
    for (int i = 0; i < CLIENTS; i++) expect_numbers(clients[i]);
    atomic_uint visited = 0;
    weir_promise *seen = weir_promise_new(weir_loop_group_at(loops, 1));
    weir_channel_group_each(group, visit_on_its_loop, &visited, weir_promise_retain(seen));
    expect_eq(weir_promise_wait(seen, 10000), WEIR_OK);
    expect_eq(atomic_load(&visited), CLIENTS);
    weir_promise_release(seen);
    weir_promise *closed = weir_promise_new(weir_loop_group_at(loops, 2));
    weir_channel_group_close(group, weir_promise_retain(closed));
    expect_eq(weir_promise_wait(closed, 10000), WEIR_OK);
    weir_promise_release(closed);
    expect(wait_for_count(group, 0));
    for (int i = 0; i < CLIENTS; i++) {
        char end_of_stream;
        expect_eq(read(clients[i], &end_of_stream, 1), 0);
        close(clients[i]);
    }
    weir_server_free(server);
    weir_channel_group_write(group, text_buf("nobody"), NULL, NULL);
    weir_loop_group_free(loops);
    weir_channel_group_write(group, text_buf("the loops are gone"), NULL, NULL);
    weir_channel_group_release(group);
}

typedef struct herald {
    weir_channel_group *group;
    weir_loop *loop; /* of its promises; it outlives the others */
    atomic_bool over;
} herald;

/* One call after the other, each waited for: whatever ends meanwhile, each is told its end. */
static void *call_on(void *arg) {
    herald *self = arg;
    for (int i = 0; !atomic_load(&self->over); i++) {
        weir_promise *told = weir_promise_new(self->loop);
        if (i % 2 == 0) {
            weir_channel_group_write(self->group, text_buf("news"), NULL, weir_promise_retain(told));
        } else {
            atomic_uint visited = 0;
            weir_channel_group_each(self->group, visit_on_its_loop, &visited, weir_promise_retain(told));
            expect(weir_promise_wait(told, 30000) != WEIR_E_TIMEOUT);
        }
        expect(weir_promise_wait(told, 30000) != WEIR_E_TIMEOUT);
        weir_promise_release(told);
    }
    return NULL;
}

WEIR_TEST(channel_group, may_be_called_from_elsewhere_while_the_loops_of_its_members_end) {
    for (int round = 0; round < 5; round++) {
        weir_loop_group *loops = weir_loop_group_new(2), *other = weir_loop_group_new(1);
        weir_channel_group *group = weir_channel_group_new();
        herald caller = {.group = group, .loop = weir_loop_group_at(other, 0)};
        weir_server *server;
        weir_server_options options = {.loops = loops, .build = join, .build_arg = group};
        require(weir_server_start(&server, &options) == WEIR_OK);
        int clients[MEMBERS];
        for (int i = 0; i < MEMBERS; i++)
            clients[i] = plain_connect(weir_addr_port(weir_server_addr(server)));
        require(wait_for_count(group, MEMBERS));
        pthread_t thread;
        require(pthread_create(&thread, NULL, call_on, &caller) == 0);
        weir_server_free(server);
        weir_loop_group_free(loops);
        atomic_store(&caller.over, true);
        pthread_join(thread, NULL);
        for (int i = 0; i < MEMBERS; i++) close(clients[i]);
        expect_eq(weir_channel_group_count(group), 0);
        weir_channel_group_release(group);
        weir_loop_group_free(other);
    }
}

static bool write_to_two(void *arg) {
    (void)arg;
    weir_channel_group *group = weir_channel_group_new();
    weir_embedded *a = weir_embedded_new(NULL, NULL, NULL), *b = weir_embedded_new(NULL, NULL, NULL);
    bool ok = group != NULL && a != NULL && b != NULL &&
              weir_channel_group_add(group, weir_embedded_channel(a)) == WEIR_OK &&
              weir_channel_group_add(group, weir_embedded_channel(b)) == WEIR_OK;
    if (ok) {
        weir_promise *promise = weir_promise_new(weir_embedded_loop(a));
        weir_channel_group_write(group, weir_buf_new(8), NULL, weir_promise_retain(promise));
        weir_embedded_run(b);
        weir_embedded_run(a);
        ok = promise != NULL && weir_promise_is_done(promise) && weir_promise_status(promise) == WEIR_OK;
        weir_promise_release(promise);
    }
    weir_channel_group_release(group);
    weir_embedded_free(a);
    weir_embedded_free(b);
    return ok;
}

WEIR_TEST(channel_group, loses_nothing_when_memory_runs_out) {
    weir_oom_sweep(write_to_two, NULL);
}
