/* decoder_turns_test.c - how much one connection may have decoded before others have their turn, and how much for a peer
 * that takes no answers: counted in messages. The protocol is lines.
 */
#include <errno.h>

#include <weir/buffer.h>
#include <weir/codec/decoder.h>
#include <weir/codec/line_decoder.h>
#include <weir/core/log.h>
#include <weir/testing.h>
#include <weir/testing/recorder.h>
#include <weir/transport/channel.h>
#include <weir/transport/ctx.h>
#include <weir/transport/embedded.h>
#include <weir/transport/event.h>
#include <weir/transport/loop_stats.h>

enum {
    LINES = 1000,
    USUAL = 64 /* messages a turn, when nothing else is said */
};

typedef struct rig {
    weir_embedded *embedded;
    weir_recorder *recorder;
    size_t answer;          /* bytes of the answer to each line; 0: none */
    unsigned lines;         /* that were told */
    unsigned turn, of_turn; /* the last line's, and how many it has had */
    unsigned most, turns;   /* lines of one turn; turns with lines */
    unsigned act_at;        /* the line at which `act` is called */
    void (*act)(struct rig *self);
} rig;

static weir_status build(weir_pipeline *pipeline, void *arg) {
    rig *self = arg;
    weir_status status = weir_line_decoder_add(pipeline, &(weir_line_options){.max_length = 64});
    return status == WEIR_OK ? weir_recorder_add(self->recorder, pipeline) : status;
}

static void note_line(void *arg, weir_ctx *ctx, const weir_obj *msg) {
    rig *self = arg;
    weir_loop_stats stats;
    weir_loop_get_stats(weir_ctx_loop(ctx), &stats);
    (void)msg;
    if (self->turns == 0 || stats.turns != self->turn) {
        self->turns++;
        self->of_turn = 0;
    }
    self->turn = (unsigned)stats.turns;
    if (++self->of_turn > self->most) self->most = self->of_turn;
    if (++self->lines == self->act_at) self->act(self);
    if (self->answer == 0) return;
    weir_buf *answer = weir_ctx_get_buf(ctx, self->answer);
    weir_buf_write_fill(answer, 'a', self->answer);
    weir_ctx_write(ctx, answer, NULL);
}

static void set_up(rig *self, const weir_channel_options *options) {
    self->recorder = weir_recorder_new();
    self->embedded = weir_embedded_new(options, build, self);
    require(self->embedded != NULL);
    weir_recorder_on_read(self->recorder, note_line, self);
    weir_recorder_clear(self->recorder);
}

static void tear_down(rig *self) {
    weir_embedded_free(self->embedded);
    weir_recorder_free(self->recorder);
}

static weir_ctx *decoder_of(const rig *self) {
    return weir_pipeline_find(weir_embedded_pipeline(self->embedded), &weir_line_decoder.handler);
}

static uint64_t reads(const rig *self) {
    weir_channel_stats stats;
    weir_channel_get_stats(weir_embedded_channel(self->embedded), &stats);
    return stats.reads;
}

static void feed_lines(rig *self, unsigned n) {
    weir_buf *buf = weir_buf_new((size_t)2 * n);
    for (unsigned i = 0; i < n; i++) weir_buf_write_str(buf, "x\n");
    expect_status(weir_embedded_feed(self->embedded, buf), WEIR_OK);
}

WEIR_TEST(decoder_turns, have_so_many_messages_each) {
    static const unsigned shares[] = {0, 1, 7, LINES, 2 * LINES};
    for (size_t i = 0; i < 5; i++) {
        rig self = {0};
        unsigned share = shares[i] != 0 ? shares[i] : USUAL;
        set_up(&self, &(weir_channel_options){.messages_per_turn = shares[i]});
        feed_lines(&self, LINES);
        expect_eq(self.lines, LINES);
        expect_eq(self.most, share < LINES ? share : LINES);
        expect_eq(self.turns, (LINES + share - 1) / share);
        expect_eq(weir_recorder_count(self.recorder, "read_complete"), self.turns);
        tear_down(&self);
    }
}

WEIR_TEST(decoder_turns, are_not_needed_for_many_reads_that_each_bring_little) {
    rig self = {0};
    set_up(&self, NULL);
    for (int i = 0; i < 10; i++) feed_lines(&self, USUAL - 1);
    expect_eq(self.most, USUAL - 1);
    expect_eq(self.turns, 10);
    tear_down(&self);
}

static void feed_more(rig *self) {
    feed_lines(self, 1);
    feed_lines(self, 1);
}

static void expect_one_read(rig *self) {
    expect_eq(reads(self), 1);
}

static void feed_more_and_look(rig *self) {
    feed_more(self);
    self->act_at = LINES;
    self->act = expect_one_read;
}

WEIR_TEST(decoder_turns, read_nothing_meanwhile) {
    rig self = {.act_at = 1, .act = feed_more_and_look};
    set_up(&self, NULL);
    feed_lines(&self, LINES);
    expect_eq(self.lines, LINES + 2);
    expect_eq(reads(&self), 3);
    tear_down(&self);
}

static void end_stream(rig *self) {
    weir_embedded_feed_end(self->embedded);
}

static void expect_end_untold(rig *self) {
    expect_eq(weir_recorder_count(self->recorder, "event peer_closed"), 0);
}

static void end_stream_and_look(rig *self) {
    end_stream(self);
    self->act_at = LINES;
    self->act = expect_end_untold;
}

WEIR_TEST(decoder_turns, come_before_the_end_of_the_stream) {
    rig self = {.act_at = 1, .act = end_stream_and_look};
    set_up(&self, NULL);
    feed_lines(&self, LINES);
    expect_eq(self.lines, LINES);
    expect_eq(weir_recorder_count(self.recorder, "event peer_closed"), 1);
    tear_down(&self);
}

static void break_wire(rig *self) {
    weir_embedded_break(self->embedded, -ECONNRESET);
}

WEIR_TEST(decoder_turns, are_over_when_the_connection_is) {
    rig self = {.act_at = USUAL, .act = break_wire};
    set_up(&self, NULL);
    feed_lines(&self, LINES);
    expect_eq(self.lines, USUAL);
    expect_eq(weir_recorder_count(self.recorder, "inactive"), 1);
    tear_down(&self);
}

static void remove_decoder(void *arg) {
    weir_pipeline_remove(decoder_of(arg));
}

static void remove_later(rig *self) {
    require(weir_loop_post(weir_embedded_loop(self->embedded), remove_decoder, self) == WEIR_OK);
}

WEIR_TEST(decoder_turns, are_over_when_the_decoder_goes_and_the_rest_goes_on) {
    rig self = {.act_at = 1, .act = remove_later};
    set_up(&self, NULL);
    feed_lines(&self, LINES);
    expect_eq(self.lines, USUAL + 1); /* the rest is one read */
    feed_lines(&self, 1);
    expect_eq(self.lines, USUAL + 2); /* and reading goes on */
    tear_down(&self);
}

/* ---- a pull ---- */

static void pull(rig *self) {
    weir_channel_pull(weir_embedded_channel(self->embedded));
}

WEIR_TEST(decoder_turns, answer_a_pull_before_more_is_read) {
    rig self = {.act_at = USUAL, .act = pull};
    set_up(&self, &(weir_channel_options){.manual_read = true});
    pull(&self);
    feed_lines(&self, LINES);
    expect_eq(self.lines, LINES);
    feed_lines(&self, 1);
    expect_eq(self.lines, LINES);
    tear_down(&self);
}

/* ---- a peer that takes nothing ---- */

static const weir_channel_options narrow = {.low_water = 5000, .high_water = 10000};

WEIR_TEST(decoder_turns, wait_for_a_peer_that_takes_no_answers) {
    rig self = {.answer = 1000};
    set_up(&self, &narrow);
    weir_embedded_stall(self.embedded, true);
    feed_lines(&self, LINES);
    expect_eq(self.lines, 10); /* 1000 bytes each, and what an entry costs: the tenth is over the mark */
    weir_embedded_run(self.embedded);
    expect_eq(self.lines, 10);
    weir_embedded_stall(self.embedded, false);
    weir_embedded_run(self.embedded);
    expect_eq(self.lines, LINES);
    weir_buf *all = weir_embedded_take_all(self.embedded);
    expect_eq(weir_buf_readable(all), LINES * 1000);
    weir_buf_release(all);
    tear_down(&self);
}

WEIR_TEST(decoder_turns, do_not_wait_for_who_writes_on_without_reading_answers) {
    rig self = {.answer = 1000};
    weir_channel_options options = narrow;
    options.read_while_unwritable = true;
    set_up(&self, &options);
    weir_embedded_stall(self.embedded, true);
    feed_lines(&self, LINES);
    expect_eq(self.lines, LINES);
    tear_down(&self);
}

/* Reading was on when the peer stopped taking, and is by pulls since. */
WEIR_TEST(decoder_turns, keep_a_pull_until_the_peer_takes_its_answers) {
    rig self = {.answer = 1000};
    set_up(&self, &narrow);
    weir_embedded_stall(self.embedded, true);
    feed_lines(&self, 10);
    weir_channel_set_reading(weir_embedded_channel(self.embedded), false);
    pull(&self);
    feed_lines(&self, 1);
    weir_embedded_run(self.embedded);
    expect_eq(self.lines, 10);
    weir_embedded_stall(self.embedded, false);
    weir_embedded_run(self.embedded);
    expect_eq(self.lines, 11);
    tear_down(&self);
}

WEIR_TEST(decoder_turns, leave_no_pull_behind_when_they_are_removed) {
    rig self = {.answer = 1000};
    set_up(&self, &narrow);
    weir_embedded_stall(self.embedded, true);
    feed_lines(&self, 10);
    weir_channel_set_reading(weir_embedded_channel(self.embedded), false);
    pull(&self);
    weir_pipeline_remove(decoder_of(&self));
    feed_lines(&self, 1);
    weir_embedded_run(self.embedded);
    expect_eq(self.lines, 11);
    tear_down(&self);
}

WEIR_TEST(decoder_turns, do_not_wait_where_reading_is_by_pulls) {
    rig self = {.answer = 1000};
    weir_channel_options options = narrow;
    options.manual_read = true;
    set_up(&self, &options);
    weir_embedded_stall(self.embedded, true);
    pull(&self);
    feed_lines(&self, LINES);
    expect_eq(self.lines, LINES);
    tear_down(&self);
}

/* ---- what the protocol calls much ---- */

/* A byte is a digit: so many units of work, each a message, each much. */
static weir_decode unpack(void *state, weir_buf *in, weir_obj **out, weir_error *error) {
    unsigned *left = state;
    uint8_t digit;
    (void)error;
    if (*left == 0) {
        if (!weir_buf_read_u8(in, &digit)) return WEIR_DECODE_MORE;
        *left = digit - (unsigned)'0';
        return *left != 0 ? WEIR_DECODE_LATER : WEIR_DECODE_AGAIN;
    }
    weir_buf *unit = weir_buf_new(1);
    weir_buf_write_u8(unit, 'u');
    *out = &unit->obj;
    return --*left != 0 ? WEIR_DECODE_LATER : WEIR_DECODE_AGAIN;
}

static const weir_decoder_ops unpacker = {.handler = {.name = "unpacker", WEIR_DECODER_SLOTS},
                                          .decode = unpack};

static weir_status build_unpacker(weir_pipeline *pipeline, void *arg) {
    static unsigned left;
    rig *self = arg;
    left = 0;
    weir_status status = weir_decoder_add(pipeline, &unpacker, &left, NULL);
    return status == WEIR_OK ? weir_recorder_add(self->recorder, pipeline) : status;
}

WEIR_TEST(decoder_turns, end_with_what_the_protocol_calls_much) {
    rig self = {.recorder = weir_recorder_new()};
    self.embedded = weir_embedded_new(NULL, build_unpacker, &self);
    require(self.embedded != NULL);
    weir_recorder_on_read(self.recorder, note_line, &self);
    expect_status(weir_embedded_feed_bytes(self.embedded, "503", 3), WEIR_OK);
    expect_eq(self.lines, 8);
    expect_eq(self.turns, 8);
    expect_eq(self.most, 1);
    expect_eq(reads(&self), 1);
    tear_down(&self);
}

/* ---- without memory ---- */

/* 1000 lines with the n-th allocation refused; whether one was. */
static bool feed_while_one_is_refused(rig *self, const weir_channel_options *options, uint64_t n) {
    weir_buf *lines = weir_buf_new((size_t)2 * LINES);
    for (unsigned i = 0; i < LINES; i++) weir_buf_write_str(lines, "x\n");
    set_up(self, options);
    weir_tracking_alloc_fail_nth(weir_test_alloc(), n);
    (void)weir_embedded_feed(self->embedded, lines);
    bool refused = weir_tracking_alloc_refused(weir_test_alloc()) != 0;
    weir_tracking_alloc_fail_never(weir_test_alloc());
    tear_down(self);
    return refused;
}

WEIR_TEST(decoder_turns, are_not_waited_for_without_memory_for_a_place) {
    unsigned at_once = 0;
    weir_log_set_level(WEIR_LOG_OFF);
    for (uint64_t n = 0; n < 10000; n++) {
        rig self = {0};
        if (!feed_while_one_is_refused(&self, NULL, n)) break;
        at_once += self.lines == LINES && self.most > USUAL;
    }
    expect(at_once > 0);
}
