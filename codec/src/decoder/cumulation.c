/* cumulation.c - the chain of undecoded chunks, and decode functions held to their contract.
 *
 * `in` is the one chunk that came, or a composite of our own once a second came before the first was
 * read. Either is only ever read and appended to, so slices of it stay what they are.
 */
#include <weir/buffer/buf_bytes.h>
#include <weir/buffer/buf_composite.h>
#include <weir/buffer/buf_view.h>
#include <weir/codec/cumulation.h>

void weir_cumulation_init(weir_cumulation *self, const weir_decoder_options *options) {
    *self = (weir_cumulation){0};
    if (options != NULL) self->options = *options;
}

void weir_cumulation_clear(weir_cumulation *self) {
    self->stopped = true;
    self->later = false;
    weir_buf_release(weir_cumulation_take(self));
}

weir_buf *weir_cumulation_take(weir_cumulation *self) {
    weir_buf *rest = self->in;
    weir_buf_release(self->newest);
    self->in = self->newest = NULL;
    self->chained = false;
    return rest;
}

/* ---- in ---- */

static weir_status make_chain(weir_cumulation *self) {
    weir_buf *chain = weir_buf_composite_new();
    if (chain == NULL) return WEIR_E_NO_MEMORY;
    weir_status status = weir_buf_composite_append(chain, self->in);
    self->in = chain;
    self->chained = true;
    return status;
}

static void remember_newest(weir_cumulation *self, weir_buf *buf) {
    weir_buf_release(self->newest);
    self->newest = buf;
}

/* Takes: buf, of `n` bytes. */
static weir_status copy_chunk(weir_cumulation *self, weir_buf *buf, size_t n) {
    remember_newest(self, NULL);
    weir_buf_write_buf(self->in, buf, n);
    weir_buf_release(buf);
    self->copied += n;
    return weir_buf_status(self->in);
}

/* Takes: buf. */
static weir_status link_chunk(weir_cumulation *self, weir_buf *buf) {
    remember_newest(self, weir_buf_retain(buf));
    return weir_buf_composite_append(self->in, buf);
}

/* Behind the bytes of `in` there is room that nobody else can see. */
static bool has_private_room(weir_buf *in, size_t n) {
    return weir_buf_writable(in) >= n && !weir_buf_is_composite(in) && !weir_buf_is_read_only(in) &&
           weir_buf_is_unshared(in);
}

/* Takes: buf. */
static weir_status add_chunk(weir_cumulation *self, weir_buf *buf) {
    if (self->in == NULL) {
        self->in = buf;
        return WEIR_OK;
    }
    size_t n = weir_buf_readable(buf);
    if (n < WEIR_CUMULATION_SMALL && has_private_room(self->in, n)) return copy_chunk(self, buf, n);
    weir_status status = self->chained ? WEIR_OK : make_chain(self);
    if (status == WEIR_OK)
        return n < WEIR_CUMULATION_SMALL ? copy_chunk(self, buf, n) : link_chunk(self, buf);
    weir_buf_release(buf);
    return status;
}

weir_status weir_cumulation_add(weir_cumulation *self, weir_buf *buf) {
    weir_status status = buf == NULL ? WEIR_E_NO_MEMORY : weir_buf_status(buf);
    if (self->stopped || (status == WEIR_OK && !weir_buf_is_readable(buf))) {
        weir_buf_release(buf);
        return WEIR_OK;
    }
    if (status == WEIR_OK) {
        status = add_chunk(self, buf);
    } else {
        weir_buf_release(buf);
    }
    if (status != WEIR_OK) weir_cumulation_clear(self);
    return status;
}

/* ---- out ---- */

/* Only the newest chunk is left: on with it alone, so that frames inside it are plain slices. */
static void leave_chain(weir_cumulation *self, size_t left) {
    weir_buf *chunk = self->newest;
    self->newest = NULL;
    weir_buf_release(weir_cumulation_take(self));
    weir_buf_skip(chunk, weir_buf_readable(chunk) - left);
    self->in = chunk;
}

static void drop_read(weir_cumulation *self, size_t left) {
    if (left == 0) {
        weir_buf_release(weir_cumulation_take(self));
    } else if (self->newest != NULL && left <= weir_buf_readable(self->newest)) {
        leave_chain(self, left);
    } else if (weir_buf_is_composite(self->in) && weir_obj_is_unshared(self->in)) {
        weir_buf_composite_drop_read(self->in);
    }
}

/* False when out of memory. */
static bool make_contiguous(weir_cumulation *self, weir_obj **out) {
    weir_buf *frame = weir_buf_from(*out);
    if (frame == NULL) return true;
    size_t n = weir_buf_readable(frame);
    if (weir_buf_peek(frame).len == n) return true;
    *out = (weir_obj *)weir_buf_copy(frame);
    weir_buf_release(frame);
    self->copied += n;
    return *out != NULL;
}

static weir_decode stop(weir_cumulation *self, weir_obj **out) {
    weir_obj_release(*out);
    *out = NULL;
    weir_cumulation_clear(self);
    return WEIR_DECODE_FAILED;
}

/* One call of `decode`, its consumption booked; `*consumed` tells how much that was. */
static inline __attribute__((always_inline)) weir_decode step(weir_cumulation *self, weir_decode_fn *decode,
                                                              void *state, weir_obj **out, weir_error *error,
                                                              size_t *consumed) {
    weir_buf *in = self->in != NULL ? self->in : weir_buf_empty();
    size_t before = weir_buf_readable(in);
    *error = (weir_error){.offset = self->offset};
    weir_decode answer = decode(state, in, out, error);
    self->later = answer == WEIR_DECODE_LATER;
    WEIR_CHECK(answer == WEIR_DECODE_AGAIN || self->later || *out == NULL,
               "a decode function gave an object without AGAIN or LATER");
    size_t left = weir_buf_readable(in);
    *consumed = before - left;
    self->offset += *consumed;
    if (*consumed != 0 && self->in != NULL) drop_read(self, left);
    if (answer == WEIR_DECODE_FAILED) return stop(self, out);
    if (self->options.contiguous && !make_contiguous(self, out)) {
        weir_decode_fail(error, WEIR_E_NO_MEMORY, "contiguous message", 0, 0);
        return stop(self, out);
    }
    return answer;
}

static weir_decode fail_stuck(weir_cumulation *self, weir_obj **out, weir_error *error) {
    weir_decode_fail(error, WEIR_E_DECODER_STUCK, "decoder", 0, 0);
    return stop(self, out);
}

static bool is_progress(weir_decode answer) {
    return answer == WEIR_DECODE_AGAIN || answer == WEIR_DECODE_SKIPPED;
}

weir_decode weir_cumulation_next(weir_cumulation *self, weir_decode_fn *decode, void *state, weir_obj **out,
                                 weir_error *error) {
    *out = NULL;
    if (self->in == NULL && !self->later) return WEIR_DECODE_MORE;
    size_t consumed;
    bool had_more = self->later;
    weir_decode answer = step(self, decode, state, out, error, &consumed);
    if (is_progress(answer) && consumed == 0 && !had_more) return fail_stuck(self, out, error);
    return answer;
}

static weir_decode tell_leftover(weir_cumulation *self, weir_error *error) {
    size_t left = self->in == NULL ? 0 : weir_buf_readable(self->in);
    weir_cumulation_clear(self);
    if (left == 0 || self->options.ignore_partial) return WEIR_DECODE_MORE;
    *error = (weir_error){.offset = self->offset};
    return weir_decode_fail(error, WEIR_E_EOF, "frame", left, 0);
}

weir_decode weir_cumulation_end(weir_cumulation *self, weir_decode_fn *decode_last, void *state,
                                weir_obj **out, weir_error *error) {
    *out = NULL;
    if (self->stopped) return WEIR_DECODE_MORE;
    if (decode_last == NULL) return tell_leftover(self, error);
    size_t consumed;
    weir_decode answer = step(self, decode_last, state, out, error, &consumed);
    if (answer == WEIR_DECODE_MORE) return tell_leftover(self, error);
    if (is_progress(answer) && consumed == 0) {
        if (self->in != NULL) return fail_stuck(self, out, error);
        weir_cumulation_clear(self); /* what is made out of nothing is made once */
    }
    return answer;
}
