/* fuzz_decoder.c - the decoder handler under whoever gets its messages: more input from inside a callback, removal, pause,
 * resume, pulls, close, abort and the end of the stream, in any order and whatever the cuts.
 *
 * The protocol is made up so that each answer of a decode function occurs: the low three bits of a byte say what it
 * begins, the others how long it is. Beside the decoder all bytes are kept, and each message, error and rest must be what
 * a walk over them says is next (the contract at the top of decoder.h).
 */
#include <string.h>

#include <weir/buffer.h>
#include <weir/codec/decoder.h>
#include <weir/core/leak.h>
#include <weir/core/log.h>
#include <weir/transport/channel.h>
#include <weir/transport/ctx.h>
#include <weir/transport/embedded.h>
#include <weir/transport/event.h>

#include "fuzz/chance.h"
#include "fuzz/fuzz.h"

enum {
    STREAM_MOST = 1 << 14,
    STEPS_MOST = 300
};

typedef enum sort {
    FRAME,   /* so many bytes follow, all of them are the message */
    NOTHING, /* one byte that makes no message */
    REFUSED, /* so many bytes follow, one error for all */
    PASSED,  /* so many bytes follow that are consumed as they come */
    BROKEN,  /* the stream is over */
    NONE,    /* for the walk: not there yet */
} sort;

static sort sort_of(uint8_t byte) {
    static const sort sorts[] = {FRAME, FRAME, FRAME, FRAME, NOTHING, REFUSED, PASSED, BROKEN};
    sort kind = sorts[byte & 7];
    return kind == BROKEN && byte < 0xF0 ? FRAME : kind;
}

static struct world {
    chance luck;
    weir_embedded *embedded;
    weir_ctx *upstream;
    weir_decoder_options options;
    size_t passing; /* the decoder's state */
    uint8_t stream[STREAM_MOST];
    size_t size, at;          /* what came to the decoder; what was told of it */
    unsigned depth;           /* callbacks with messages on the stack */
    bool has_decoder, failed; /* as the far end of the pipeline has to see it */
    bool ended, paused, told_end;
} world;

/* ---- the protocol ---- */

static weir_decode decode(void *state, weir_buf *in, weir_obj **out, weir_error *error) {
    size_t *passing = state, n = weir_buf_readable(in);
    uint8_t byte = 0;
    if (n == 0) return WEIR_DECODE_MORE;
    if (*passing > 0) {
        if (n > *passing) n = *passing;
        weir_buf_skip(in, n);
        *passing -= n;
        return *passing > 0 ? WEIR_DECODE_MORE : WEIR_DECODE_AGAIN;
    }
    weir_buf_peek_u8(in, &byte);
    size_t length = byte >> 3;
    sort kind = sort_of(byte);
    if (kind == BROKEN) return weir_decode_fail(error, WEIR_E_FRAME_CORRUPT, "made up", 1, 0);
    if ((kind == FRAME || kind == REFUSED) && n < 1 + length) return WEIR_DECODE_MORE;
    weir_buf_skip(in, 1);
    if (kind == PASSED) *passing = length;
    if (kind == FRAME) *out = &weir_buf_read_slice(in, length)->obj;
    if (kind != REFUSED) return WEIR_DECODE_AGAIN;
    weir_buf_skip(in, length);
    (void)weir_decode_fail(error, WEIR_E_FRAME_TOO_LONG, "made up", length, 0);
    return WEIR_DECODE_SKIPPED;
}

static const weir_decoder_ops ops = {.handler = {.name = "made_up", WEIR_DECODER_SLOTS}, .decode = decode};

/* ---- the walk ---- */

/* Past what makes neither a message nor an error; up to the end if that is inside of what is passed. */
static size_t next_place(size_t at) {
    while (at < world.size) {
        sort kind = sort_of(world.stream[at]);
        if (kind == NOTHING) {
            at++;
        } else if (kind == PASSED) {
            at += 1 + (world.stream[at] >> 3);
        } else {
            break;
        }
    }
    return at < world.size ? at : world.size;
}

/* What must be told next, and its bytes. */
static sort next_told(weir_bytes *bytes) {
    size_t at = next_place(world.at);
    *bytes = weir_bytes_of(world.stream + at, 0);
    if (at == world.size) return NONE;
    sort kind = sort_of(world.stream[at]);
    if (kind == BROKEN) return BROKEN;
    *bytes = weir_bytes_of(world.stream + at + 1, world.stream[at] >> 3);
    return at + 1 + bytes->len <= world.size ? kind : NONE;
}

static void was_told(weir_bytes bytes) {
    world.at = (size_t)(bytes.ptr - world.stream) + bytes.len;
}

/* ---- doing things ---- */

static weir_ctx *decoder_ctx(void) {
    return weir_pipeline_find(weir_embedded_pipeline(world.embedded), &ops.handler);
}

static weir_buf *some_bytes(size_t most) {
    uint8_t bytes[64];
    size_t n = 1 + chance_below(&world.luck, most);
    for (size_t i = 0; i < n; i++) bytes[i] = (uint8_t)chance_below(&world.luck, 256);
    weir_buf *buf = weir_buf_new(n);
    MUST(buf != NULL);
    weir_buf_write_bytes(buf, bytes, n);
    return buf;
}

static void inject(void) {
    if (world.upstream == NULL || world.size + 64 > STREAM_MOST) return;
    weir_buf *buf = some_bytes(40);
    if (world.has_decoder && !world.ended) {
        (void)weir_buf_peek_bytes(buf, world.stream + world.size, weir_buf_readable(buf));
        world.size += weir_buf_readable(buf);
        weir_ctx_fire_read(world.upstream, &buf->obj);
        if (world.upstream != NULL && chance_below(&world.luck, 2) == 0)
            weir_ctx_fire_read_complete(world.upstream);
    } else {
        weir_buf_release(buf);
    }
}

/* What was consumed without a word may be anything up to the next word. */
static void remove_decoder(void) {
    weir_decoder_stats stats;
    weir_ctx *ctx = decoder_ctx();
    if (ctx == NULL) return;
    weir_decoder_get_stats(ctx, &stats);
    if (!world.failed) {
        MUST(stats.bytes >= world.at && stats.bytes <= next_place(world.at));
        world.at = (size_t)stats.bytes;
    }
    world.has_decoder = world.paused = false;
    weir_pipeline_remove(ctx);
}

static void pause_or_resume(bool pause) {
    weir_ctx *ctx = decoder_ctx();
    if (ctx == NULL) return;
    world.paused = pause;
    if (pause) {
        weir_decoder_pause(ctx);
    } else {
        weir_decoder_resume(ctx);
    }
}

static void end_stream(void) {
    weir_embedded_feed_end(world.embedded);
}

static void act(void) {
    weir_channel *channel = weir_embedded_channel(world.embedded);
    switch (chance_below(&world.luck, 24)) {
    case 1:
    case 2: inject(); break;
    case 3: pause_or_resume(true); break;
    case 4:
    case 5: pause_or_resume(false); break;
    case 6: weir_channel_pull(channel); break;
    case 7:
        if (chance_below(&world.luck, 8) == 0) remove_decoder();
        break;
    case 8:
        if (chance_below(&world.luck, 8) == 0) weir_channel_close(channel, NULL);
        break;
    case 9:
        if (chance_below(&world.luck, 16) == 0) weir_channel_abort(channel, WEIR_E_LIMIT);
        break;
    case 10:
        if (chance_below(&world.luck, 4) == 0) end_stream();
        break;
    default: break;
    }
}

/* ---- in front of the decoder: all that comes to it is kept ---- */

static void front_added(weir_ctx *ctx) {
    world.upstream = ctx;
}

static void front_removed(weir_ctx *ctx) {
    (void)ctx;
    world.upstream = NULL;
}

static void front_read(weir_ctx *ctx, weir_obj *msg) {
    weir_buf *buf = weir_buf_from(msg);
    size_t n = weir_buf_readable(buf);
    if (world.size + n > STREAM_MOST) {
        weir_buf_release(buf);
        return;
    }
    (void)weir_buf_peek_bytes(buf, world.stream + world.size, n);
    world.size += n;
    weir_ctx_fire_read(ctx, msg);
}

static void front_event(weir_ctx *ctx, weir_obj *event) {
    if (event == &weir_event_peer_closed.obj) world.ended = true;
    weir_ctx_fire_event(ctx, event);
}

static void front_inactive(weir_ctx *ctx) {
    world.ended = true; /* what waits is told still, at any depth, or dropped */
    weir_ctx_fire_inactive(ctx);
}

static const weir_handler front = {.name = "front",
                                   .added = front_added,
                                   .removed = front_removed,
                                   .read = front_read,
                                   .event = front_event,
                                   .inactive = front_inactive};

/* ---- behind it ---- */

static void judge_message(const weir_buf *message) {
    weir_bytes expected;
    MUST(world.depth == 0 || world.ended);
    MUST(!world.paused && !world.failed);
    MUST(next_told(&expected) == FRAME);
    MUST(weir_buf_equal_bytes(message, expected));
    if (world.options.contiguous) MUST(weir_buf_peek(message).len == expected.len);
    was_told(expected);
}

static void judge_rest(const weir_buf *rest) {
    size_t n = weir_buf_readable(rest);
    MUST(n > 0 && n <= world.size - world.at);
    MUST(weir_buf_equal_bytes(rest, weir_bytes_of(world.stream + world.at, n)));
    world.at += n;
}

static void behind_read(weir_ctx *ctx, weir_obj *msg) {
    (void)ctx;
    weir_buf *buf = weir_buf_from(msg);
    if (world.has_decoder) {
        judge_message(buf);
        world.depth++;
        act();
        world.depth--;
    } else if (!world.failed) {
        judge_rest(buf);
    }
    weir_obj_release(msg);
}

static void judge_error(const weir_error *error) {
    weir_bytes bytes;
    sort next = next_told(&bytes);
    switch (error->status) {
    case WEIR_E_FRAME_TOO_LONG:
        MUST(next == REFUSED && error->actual == bytes.len);
        was_told(bytes);
        break;
    case WEIR_E_FRAME_CORRUPT:
        MUST(next == BROKEN && error->offset == next_place(world.at));
        world.failed = true;
        break;
    default:
        MUST(error->status == WEIR_E_EOF && world.ended && !world.options.ignore_partial);
        MUST(next == NONE && error->actual > 0);
        world.failed = true;
    }
}

static void behind_error(weir_ctx *ctx, const weir_error *error) {
    if (world.has_decoder && strcmp(error->what, "wire") != 0) {
        MUST(!world.paused);
        judge_error(error);
    }
    world.depth++;
    act();
    world.depth--;
    if (chance_below(&world.luck, 2) == 0) weir_ctx_fire_error(ctx, error);
}

static void behind_event(weir_ctx *ctx, weir_obj *event) {
    weir_bytes bytes;
    if (event == &weir_event_peer_closed.obj) {
        MUST(!world.told_end && !world.paused);
        world.told_end = true;
        if (world.has_decoder && !world.failed) MUST(next_told(&bytes) == NONE);
    }
    weir_ctx_fire_event(ctx, event);
}

static void behind_read_complete(weir_ctx *ctx) {
    MUST(!world.paused);
    weir_ctx_fire_read_complete(ctx);
}

static const weir_handler behind = {.name = "behind",
                                    .read = behind_read,
                                    .read_complete = behind_read_complete,
                                    .event = behind_event,
                                    .error = behind_error};

/* ---- a run ---- */

static weir_status build(weir_pipeline *pipeline, void *arg) {
    (void)arg;
    weir_status status = weir_pipeline_add_last(pipeline, &front, NULL);
    if (status == WEIR_OK) status = weir_decoder_add(pipeline, &ops, &world.passing, &world.options);
    return status != WEIR_OK ? status : weir_pipeline_add_last(pipeline, &behind, NULL);
}

static void act_as_task(void *arg) {
    (void)arg;
    act();
}

static void resume_as_task(void *arg) {
    (void)arg;
    pause_or_resume(false);
}

static void in_a_turn(void (*task)(void *arg)) {
    MUST(weir_loop_post(weir_embedded_loop(world.embedded), task, NULL) == WEIR_OK);
    weir_embedded_run(world.embedded);
}

static void take_step(void) {
    uint64_t what = chance_below(&world.luck, 8);
    if (what >= 3) {
        in_a_turn(act_as_task);
    } else if (world.size + 64 < STREAM_MOST) {
        (void)weir_embedded_feed(world.embedded, some_bytes(64));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    weir_log_set_level(WEIR_LOG_OFF);
    int64_t alive = weir_leak_report(NULL);
    memset(&world, 0, offsetof(struct world, stream));
    memset(&world.size, 0, sizeof world - offsetof(struct world, size));
    world.luck = chance_of_bytes(data, size);
    world.has_decoder = true;
    world.options.contiguous = chance_below(&world.luck, 2) != 0;
    world.options.ignore_partial = chance_below(&world.luck, 2) != 0;
    weir_channel_options options = {.manual_read = chance_below(&world.luck, 4) == 1};
    world.embedded = weir_embedded_new(&options, build, NULL);
    MUST(world.embedded != NULL);
    for (int i = 0; i < STEPS_MOST && !chance_is_over(&world.luck); i++) take_step();
    if (chance_below(&world.luck, 2) == 0) end_stream();
    in_a_turn(resume_as_task);
    weir_embedded_free(world.embedded);
    MUST(weir_leak_report(NULL) == alive);
    return 0;
}
