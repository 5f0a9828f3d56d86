/* calls_memory_test.c - what is left of the transport to be refused memory: calls that other sweeps do not make. */
#include <string.h>

#include <weir/core/log.h>
#include <weir/testing.h>
#include <weir/transport.h>

static void drop_line(void *arg, weir_log_level level, const char *subject, const char *line) {
    (void)arg, (void)level, (void)subject, (void)line;
}

/* ---- a handler that makes something inside every event ---- */

typedef struct maker {
    unsigned made, wanted;
} maker;

static void make_one(weir_ctx *ctx) {
    maker *self = weir_ctx_state(ctx);
    weir_buf *buf = weir_buf_new(10);
    self->wanted++;
    if (buf != NULL) self->made++;
    weir_buf_release(buf);
}

static void make_and_flush(weir_ctx *ctx) {
    make_one(ctx);
    weir_ctx_flush(ctx);
}

static void make_and_pull(weir_ctx *ctx) {
    make_one(ctx);
    weir_ctx_pull(ctx);
}

static void make_and_pass_complete(weir_ctx *ctx) {
    make_one(ctx);
    weir_ctx_fire_read_complete(ctx);
}

static void make_and_pass_writable(weir_ctx *ctx) {
    make_one(ctx);
    weir_ctx_fire_writable_changed(ctx);
}

static void make_and_take_event(weir_ctx *ctx, weir_obj *event) {
    make_one(ctx);
    weir_ctx_fire_event(ctx, event);
}

static void make_and_shut(weir_ctx *ctx, weir_promise *promise) {
    make_one(ctx);
    weir_ctx_shutdown(ctx, promise);
}

static void make_and_abort(weir_ctx *ctx, weir_status why) {
    make_one(ctx);
    weir_ctx_abort(ctx, why);
}

static const weir_handler maker_handler = {.name = "maker",
                                           .removed = make_one,
                                           .read_complete = make_and_pass_complete,
                                           .event = make_and_take_event,
                                           .writable_changed = make_and_pass_writable,
                                           .flush = make_and_flush,
                                           .pull = make_and_pull,
                                           .shutdown = make_and_shut,
                                           .abort = make_and_abort};
static const weir_handler bystander = {.name = "bystander"};

static weir_status build_two(weir_pipeline *pipeline, void *arg) {
    weir_status status = weir_pipeline_add_last(pipeline, &maker_handler, arg);
    if (status != WEIR_OK) return status;
    return weir_pipeline_add_last(pipeline, &maker_handler, arg);
}

/* Every call through both of them. */
static bool call_all(void *arg) {
    maker made = {0};
    (void)arg;
    weir_embedded *embedded = weir_embedded_new(NULL, build_two, &made);
    if (embedded == NULL) return false;
    weir_channel *channel = weir_embedded_channel(embedded);
    weir_ctx *ctx = weir_pipeline_find(weir_channel_pipeline(channel), &maker_handler);
    bool all = weir_pipeline_add_before(ctx, &bystander, NULL) == WEIR_OK;
    weir_channel_set_reading(channel, false);
    weir_channel_pull(channel);
    weir_channel_set_reading(channel, true);
    weir_channel_fire_event(channel, &weir_event_peer_ending.obj);
    weir_embedded_stall(embedded, true);
    weir_buf *big = weir_buf_new(100000);
    if (big != NULL) weir_buf_write_fill(big, 'x', 100000);
    ctx = weir_pipeline_find(weir_channel_pipeline(channel), &maker_handler);
    if (ctx != NULL) weir_ctx_write_flush(ctx, big, NULL);
    if (ctx == NULL) weir_buf_release(big);
    weir_channel_flush(channel);
    weir_embedded_stall(embedded, false);
    weir_channel_shutdown(channel, weir_promise_new(weir_embedded_loop(embedded)));
    ctx = weir_pipeline_find(weir_channel_pipeline(channel), &maker_handler);
    if (ctx != NULL) weir_pipeline_remove(ctx);
    weir_embedded_break(embedded, WEIR_E_CANCELED);
    weir_embedded_run(embedded);
    weir_embedded_free(embedded);
    return all && made.made == made.wanted && big != NULL;
}

WEIR_TEST(calls_memory, every_call_passes_handlers_that_find_none) {
    weir_log_set_sink(drop_line, NULL);
    expect(weir_oom_sweep(call_all, NULL) > 10);
    weir_log_set_sink(NULL, NULL);
}

/* What an end and a read pass on. */
static bool read_and_abort(void *arg) {
    maker made = {0};
    (void)arg;
    weir_embedded *embedded = weir_embedded_new(NULL, build_two, &made);
    if (embedded == NULL) return false;
    bool all = weir_embedded_feed_bytes(embedded, "x", 1) == WEIR_OK;
    weir_channel_abort(weir_embedded_channel(embedded), WEIR_E_CANCELED);
    weir_embedded_run(embedded);
    weir_embedded_free(embedded);
    return all && made.made == made.wanted;
}

WEIR_TEST(calls_memory, reads_and_aborts_pass_handlers_that_find_none) {
    weir_log_set_sink(drop_line, NULL);
    expect(weir_oom_sweep(read_and_abort, NULL) > 3);
    weir_log_set_sink(NULL, NULL);
}

/* ---- groups, limits ---- */

static void see(weir_channel *channel, void *arg) {
    (void)channel;
    ++*(unsigned *)arg;
}

static bool end_group(void *arg) {
    unsigned seen = 0;
    (void)arg;
    weir_channel_group *group = weir_channel_group_new();
    weir_embedded *embedded = weir_embedded_new(NULL, NULL, NULL);
    bool all = group != NULL && embedded != NULL &&
               weir_channel_group_add(group, weir_embedded_channel(embedded)) == WEIR_OK;
    if (all) {
        weir_promise *each = weir_promise_new(weir_embedded_loop(embedded));
        weir_promise *end = weir_promise_new(weir_embedded_loop(embedded));
        all = each != NULL && end != NULL;
        weir_channel_group_each(group, see, &seen, each);
        weir_embedded_run(embedded);
        weir_channel_group_close(group, end);
        weir_embedded_run(embedded);
        all = all && seen == 1 && !weir_embedded_is_open(embedded);
    }
    weir_channel_group_release(group);
    weir_embedded_free(embedded);
    return all;
}

static weir_status build_limited(weir_pipeline *pipeline, void *limiter) {
    return weir_connection_limiter_admit(limiter, pipeline);
}

static bool limit(void *arg) {
    (void)arg;
    weir_connection_limiter *limiter = weir_connection_limiter_new(NULL);
    weir_embedded *embedded = limiter != NULL ? weir_embedded_new(NULL, build_limited, limiter) : NULL;
    bool all = embedded != NULL;
    weir_embedded_free(embedded);
    weir_connection_limiter_release(limiter);
    return all;
}

WEIR_TEST(calls_memory, groups_and_limits_may_find_none) {
    weir_log_set_sink(drop_line, NULL);
    expect(weir_oom_sweep(end_group, NULL) > 4);
    expect(weir_oom_sweep(limit, NULL) > 3);
    weir_log_set_sink(NULL, NULL);
}

/* ---- filters, relays ---- */

static bool make_filter(void *arg) {
    static const char *const rules[] = {"allow 127.0.0.0/8", "deny 10.0.0.0/8"};
    weir_ip_filter *filter = NULL;
    size_t wrong;
    (void)arg;
    weir_status status = weir_ip_filter_new(&filter, rules, 2, &wrong);
    expect(status == WEIR_OK || status == WEIR_E_NO_MEMORY);
    weir_ip_filter_release(filter);
    return status == WEIR_OK;
}

static weir_status build_relay(weir_pipeline *pipeline, void *arg) {
    return weir_relay_pair(weir_pipeline_channel(pipeline), arg);
}

static void do_nothing(void *arg) {
    (void)arg;
}

static bool join(void *arg) {
    weir_channel_options options = {.read_while_unwritable = true};
    (void)arg;
    weir_loop *loop = weir_loop_new(NULL);
    if (loop == NULL) return false;
    weir_client_options to = {.loop = loop, .host = "127.0.0.1", .port = 1, .channel = options};
    weir_channel *other = weir_client_connect(&to, NULL);
    weir_client_options from = {.loop = loop,
                                .host = "127.0.0.1",
                                .port = 1,
                                .channel = options,
                                .build = build_relay,
                                .build_arg = other};
    weir_channel *one = other != NULL ? weir_client_connect(&from, NULL) : NULL;
    bool all = one != NULL && other != NULL;
    if (one != NULL) weir_channel_set_reading(one, false); /* posted: the loop has no thread yet */
    if (one != NULL) weir_channel_set_reading(one, true);
    all = weir_loop_post(loop, do_nothing, NULL) == WEIR_OK && all;
    for (int i = 0; i < 100 && weir_loop_channels(loop) + (i < 3) > 0; i++) (void)weir_loop_turn(loop);
    weir_channel_release(one);
    weir_channel_release(other);
    weir_loop_free(loop);
    return all;
}

WEIR_TEST(calls_memory, filters_and_relays_may_find_none) {
    weir_log_set_sink(drop_line, NULL);
    expect(weir_oom_sweep(make_filter, NULL) > 0);
    expect(weir_oom_sweep(join, NULL) > 3);
    weir_log_set_sink(NULL, NULL);
}

static bool keep_up(void *arg) {
    (void)arg;
    weir_loop *loop = weir_loop_new(NULL);
    if (loop == NULL) return false;
    (void)weir_loop_turn(loop); /* whose thread this is from here on */
    weir_reconnect_options options = {.client = {.loop = loop, .host = "127.0.0.1", .port = 1}};
    weir_reconnect *reconnect = weir_reconnect_new(&options);
    (void)weir_loop_turn(loop);
    weir_reconnect_free(reconnect);
    (void)weir_loop_turn(loop);
    weir_loop_free(loop);
    return reconnect != NULL;
}

WEIR_TEST(calls_memory, a_connection_that_is_to_be_kept_up_may_find_none) {
    weir_log_set_sink(drop_line, NULL);
    expect(weir_oom_sweep(keep_up, NULL) > 1);
    weir_log_set_sink(NULL, NULL);
}

static bool open_pool(void *arg) {
    (void)arg;
    weir_loop *loop = weir_loop_new(NULL);
    if (loop == NULL) return false;
    (void)weir_loop_turn(loop);
    weir_connection_pool_options options = {.client = {.loop = loop, .host = "127.0.0.1", .port = 1}};
    weir_connection_pool *pool = weir_connection_pool_new(&options);
    weir_connection_pool_free(pool);
    (void)weir_loop_turn(loop);
    weir_loop_free(loop);
    return pool != NULL;
}

WEIR_TEST(calls_memory, a_pool_of_connections_may_find_none) {
    weir_log_set_sink(drop_line, NULL);
    expect(weir_oom_sweep(open_pool, NULL) > 1);
    weir_log_set_sink(NULL, NULL);
}
