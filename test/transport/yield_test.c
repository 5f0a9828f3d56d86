/* yield_test.c - who has more to do than a turn should hold: when it goes on, and what is read until then. */
#include <weir/testing.h>
#include <weir/transport.h>

enum {
    MANY = 10,
    A_TURN = 2
};

/* One that has more to do. */
typedef struct place {
    weir_yield yield;
    unsigned again; /* so many times more */
    uint64_t turn;  /* in which it went on last */
    struct place *stops;
} place;

static struct scene {
    weir_embedded *embedded;
    weir_ctx *ctx;
    place places[MANY];
    place *order[2 * MANY];
    unsigned gone_on;
    unsigned reads;
} scene;

static void note_read(weir_ctx *ctx, weir_obj *msg) {
    (void)ctx;
    scene.reads++;
    weir_obj_release(msg);
}

static const weir_handler counter = {.name = "counter", .read = note_read};

static weir_status build(weir_pipeline *pipeline, void *arg) {
    (void)arg;
    weir_status status = weir_pipeline_add_last(pipeline, &counter, NULL);
    scene.ctx = weir_pipeline_find(pipeline, &counter);
    return status;
}

static uint64_t turns(void) {
    weir_loop_stats stats;
    weir_loop_get_stats(weir_embedded_loop(scene.embedded), &stats);
    return stats.turns;
}

static void go_on(weir_yield *yield) {
    place *self = WEIR_CONTAINER(yield, place, yield);
    expect(!weir_yield_is_waiting(yield));
    self->turn = turns();
    scene.order[scene.gone_on++ % (2 * MANY)] = self;
    if (self->stops != NULL) weir_yield_stop(&self->stops->yield);
    if (self->again == 0) return;
    self->again--;
    weir_yield_wait(yield, scene.ctx);
}

static void set_up(const weir_channel_options *options) {
    scene = (struct scene){0};
    scene.embedded = weir_embedded_new(options, build, NULL);
    require(scene.embedded != NULL);
    for (int i = 0; i < MANY; i++) weir_yield_init(&scene.places[i].yield, go_on);
}

static void all_wait(void) {
    for (int i = 0; i < MANY; i++) weir_yield_wait(&scene.places[i].yield, scene.ctx);
}

WEIR_TEST(yield, goes_on_in_a_later_turn_and_so_many_go_on_in_one) {
    set_up(NULL);
    all_wait();
    uint64_t joined = turns();
    weir_embedded_run(scene.embedded);
    expect_eq(scene.gone_on, MANY);
    for (unsigned i = 0; i < MANY; i++) {
        expect(scene.order[i] == &scene.places[i]);
        expect_eq(scene.places[i].turn, joined + 1 + i / A_TURN);
    }
    weir_embedded_free(scene.embedded);
}

WEIR_TEST(yield, goes_to_the_end_of_the_line_when_it_waits_again) {
    set_up(NULL);
    scene.places[0].again = 2;
    all_wait();
    weir_embedded_run(scene.embedded);
    expect_eq(scene.gone_on, MANY + 2);
    expect(scene.order[MANY] == &scene.places[0]);
    weir_embedded_free(scene.embedded);
}

WEIR_TEST(yield, keeps_its_place_when_it_waits_already) {
    set_up(NULL);
    all_wait();
    weir_yield_wait(&scene.places[0].yield, scene.ctx);
    weir_embedded_run(scene.embedded);
    expect(scene.order[0] == &scene.places[0]);
    expect_eq(scene.gone_on, MANY);
    weir_embedded_free(scene.embedded);
}

WEIR_TEST(yield, may_be_stopped_also_by_one_that_goes_on) {
    set_up(NULL);
    all_wait();
    weir_yield_stop(&scene.places[3].yield);
    weir_yield_stop(&scene.places[3].yield);
    scene.places[0].stops = &scene.places[1];
    weir_embedded_run(scene.embedded);
    expect_eq(scene.gone_on, MANY - 2);
    expect(scene.order[1] == &scene.places[2]);
    weir_embedded_free(scene.embedded);
}

/* In the turn in which the first goes on the others still wait, and so does what was fed. */
static void expect_nothing_read(weir_yield *yield) {
    (void)yield;
    expect_eq(scene.reads, 0);
}

WEIR_TEST(yield, keeps_its_channel_from_being_read_until_the_last_has_gone_on) {
    set_up(NULL);
    for (int i = 0; i < MANY; i++) weir_yield_init(&scene.places[i].yield, expect_nothing_read);
    all_wait();
    weir_channel_pull(weir_embedded_channel(scene.embedded));
    expect_status(weir_embedded_feed_bytes(scene.embedded, "a", 1), WEIR_OK);
    expect_eq(scene.reads, 1);
    all_wait();
    for (int i = 0; i < MANY; i++) weir_yield_stop(&scene.places[i].yield);
    scene.reads = 0;
    expect_status(weir_embedded_feed_bytes(scene.embedded, "a", 1), WEIR_OK);
    expect_eq(scene.reads, 1);
    weir_embedded_free(scene.embedded);
}

WEIR_TEST(yield, is_no_pause_that_others_see) {
    set_up(NULL);
    all_wait();
    expect(weir_channel_is_reading(weir_embedded_channel(scene.embedded)));
    weir_embedded_run(scene.embedded);
    weir_embedded_free(scene.embedded);
}

/* ---- on a loop that waits for descriptors ---- */

static struct beside {
    weir_loop *loop;
    weir_yield yield;
    unsigned left;
} beside;

static void go_on_beside(weir_yield *yield) {
    if (beside.left-- > 0) {
        weir_yield_wait(yield, yield->ctx);
    } else {
        weir_loop_stop(beside.loop);
    }
}

static weir_status build_beside(weir_pipeline *pipeline, void *arg) {
    (void)arg;
    weir_status status = weir_pipeline_add_last(pipeline, &counter, NULL);
    if (status == WEIR_OK) weir_yield_wait(&beside.yield, weir_pipeline_find(pipeline, &counter));
    return status;
}

static void open_pair(void *arg) {
    weir_local_end a = {.loop = beside.loop, .build = build_beside}, b = {.loop = beside.loop};
    (void)arg;
    weir_channel *at_a, *at_b;
    require(weir_local_pair(&a, &b, &at_a, &at_b) == WEIR_OK);
    weir_channel_release(at_a);
    weir_channel_release(at_b);
}

WEIR_TEST(yield, keeps_a_loop_from_sleeping) {
    beside = (struct beside){.loop = weir_loop_new(NULL), .left = 1000};
    require(beside.loop != NULL);
    weir_yield_init(&beside.yield, go_on_beside);
    require(weir_loop_post(beside.loop, open_pair, NULL) == WEIR_OK);
    weir_loop_run(beside.loop);
    weir_loop_free(beside.loop);
}
