/* datagram_memory_test.c - the life of a datagram channel with each allocation failing in turn. */
#include <string.h>
#include <unistd.h>

#include <weir/core/log.h>
#include <weir/testing.h>

#include "datagrams.h"

static void drop_line(void *arg, weir_log_level level, const char *subject, const char *line) {
    (void)arg;
    (void)level;
    (void)subject;
    (void)line;
}

static void echo_read(weir_ctx *ctx, weir_obj *msg) {
    weir_datagram *question = weir_datagram_from(msg);
    weir_buf *content = weir_ctx_get_buf(ctx, 4);
    if (content != NULL) weir_buf_write_str(content, "pong");
    weir_ctx_write(ctx, weir_datagram_reply(question, content), NULL);
    weir_datagram_release(question);
}

static const weir_handler echo = {.name = "echo", .read = echo_read};

static weir_status build(weir_pipeline *pipeline, void *arg) {
    (void)arg;
    return weir_pipeline_add_last(pipeline, &echo, NULL);
}

static bool ask(const weir_channel *channel, int fd) {
    char answer[16];
    weir_addr to;
    weir_channel_local_addr(channel, &to);
    if (to.len == 0) return false;
    sendto(fd, "ping", 4, 0, &to.as.sa, to.len);
    return plain_receive(fd, answer, sizeof answer, 300) == 4;
}

static bool live(void *arg) {
    const char *host = arg;
    weir_loop_group *group = weir_loop_group_new(1);
    if (group == NULL) return false;
    weir_loop *loop = weir_loop_group_at(group, 0);
    weir_multicast join[2] = {{.group = "239.255.77.2", .interface = "lo"},
                              {.group = "239.255.77.3", .interface = "lo"}};
    weir_promise *opened = weir_promise_new(loop);
    weir_channel *channel = weir_datagram_open(
        &(weir_datagram_options){.loop = loop, .host = host, .build = build, .join = join, .join_count = 2},
        weir_promise_retain(opened));
    bool good = opened != NULL && weir_promise_wait(opened, 10000) == WEIR_OK;
    int fd = plain_udp("127.0.0.1", NULL);
    good = good && ask(channel, fd);
    if (channel != NULL) weir_channel_close(channel, NULL);
    weir_channel_release(channel);
    weir_promise_release(opened);
    weir_loop_group_free(group);
    close(fd);
    return good;
}

WEIR_TEST(datagram_memory, may_run_out_anywhere_in_the_life_of_a_channel) {
    weir_log_set_sink(drop_line, NULL);
    expect(weir_oom_sweep(live, "127.0.0.1") > 10);
    expect(weir_oom_sweep(live, "localhost") > 10);
    weir_log_set_sink(NULL, NULL);
}

/* ---- no memory to receive into ---- */

static void starve(datagrams *self) {
    for (int i = 0; i < 20; i++) expect_eq(send(self->far, "x", 1, 0), 1);
    weir_tracking_alloc_fail_from(weir_test_alloc(), 0); /* until the error is told */
}

WEIR_TEST(datagram_memory, drops_what_it_has_no_room_for_and_goes_on) {
    datagrams d = {.takes_errors = true, .at_error = weir_tracking_alloc_fail_never};
    datagrams_open(&d, (weir_datagram_options){0}, false);
    datagrams_do(&d, starve);
    for (int i = 0; i < 10000 && !atomic_load(&d.told); i++) wait_ms(1);
    expect(datagrams_until_read(&d, 4));
    expect_eq(datagrams_stats(&d).dropped, 16); /* a turn's worth of calls, one each */
    expect_eq(datagrams_stats(&d).received, 4);
    datagrams_shut(&d);
    expect_eq(d.errors, 1);
    expect_status(d.error, WEIR_E_NO_MEMORY);
}
