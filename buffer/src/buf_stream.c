/* buf_stream.c - lend and take back: the two streams, and bytes that go by reference. */
#include <weir/buffer/buf_stream.h>

#include <weir/buffer/buf_bytes.h>
#include <weir/buffer/buf_composite.h>
#include <weir/buffer/buf_view.h>

#include "buf_walk.h"

enum {
    BLOCK_SIZE = 4096
};

/* ---- in --------------------------------------------------------------------------------------- */

void weir_buf_input_init(weir_buf_input *self, const weir_buf *buf) {
    buf_walk walk = weir_walk_readable(buf, 0, weir_buf_readable(buf));
    *self = (weir_buf_input){.buf = buf, .part = walk.part, .skip = walk.skip, .left = walk.left};
}

bool weir_buf_input_next(weir_buf_input *self, weir_bytes *out) {
    if (self->back > 0) {
        self->lent = weir_bytes_sub(self->lent, self->lent.len - self->back, self->back);
        self->back = 0;
    } else {
        buf_walk walk = {self->buf, self->part, self->skip, self->left};
        buf_run run;
        if (!weir_walk_next(&walk, &run)) return false;
        self->part = walk.part;
        self->skip = walk.skip;
        self->left = walk.left;
        self->lent = weir_bytes_of(run.ptr, run.len);
    }
    *out = self->lent;
    return true;
}

void weir_buf_input_back_up(weir_buf_input *self, size_t n) {
    size_t held = self->lent.len - self->back;
    WEIR_CHECK(n <= held, "%zu bytes were backed up of a stretch of %zu", n, held);
    self->back += n;
}

bool weir_buf_input_skip(weir_buf_input *self, size_t n) {
    weir_bytes stretch;
    if (n > self->left + self->back) return false;
    while (n > 0 && weir_buf_input_next(self, &stretch)) {
        size_t used = stretch.len < n ? stretch.len : n;
        weir_buf_input_back_up(self, stretch.len - used);
        n -= used;
    }
    return true;
}

size_t weir_buf_input_count(const weir_buf_input *self) {
    return weir_buf_readable(self->buf) - self->left - self->back;
}

/* ---- out -------------------------------------------------------------------------------------- */

void weir_buf_output_init(weir_buf_output *self, weir_buf *buf, weir_pool *pool, size_t block_size) {
    WEIR_CHECK(pool == NULL || weir_buf_is_composite(buf), "blocks of a pool need a composite: %p",
               (void *)buf);
    if (block_size == 0) block_size = BLOCK_SIZE;
    *self = (weir_buf_output){.buf = buf, .pool = pool, .block_size = block_size};
}

/* What is filled next: the block, or the buf itself. */
static weir_buf *target_of(const weir_buf_output *self) {
    return self->pool != NULL ? self->block : self->buf;
}

static void take_filled(weir_buf_output *self, size_t n) {
    if (self->lent == 0) return;
    weir_buf_commit(target_of(self), n);
    self->count += n;
    self->lent = 0;
}

/* The block goes into the buf, whether full or not. */
static void append_block(weir_buf_output *self) {
    if (self->block == NULL) return;
    weir_buf *block = self->block;
    self->block = NULL;
    weir_buf_composite_append(self->buf, block);
}

static void take_block(weir_buf_output *self) {
    append_block(self);
    if (weir_buf_status(self->buf) != WEIR_OK) return;
    self->block = weir_pool_get(self->pool, self->block_size);
    if (self->block == NULL) weir_buf_fail(self->buf, WEIR_E_NO_MEMORY);
}

/* As much as a whole block where the limit allows that, else what is left of it. */
static size_t room_to_ask(const weir_buf_output *self) {
    size_t most = weir_buf_max_writable(self->buf);
    return most == 0 || self->block_size < most ? self->block_size : most;
}

uint8_t *weir_buf_output_next(weir_buf_output *self, size_t *len) {
    take_filled(self, self->lent);
    *len = 0;
    if (self->pool != NULL && (self->block == NULL || weir_buf_writable(self->block) == 0)) take_block(self);
    weir_buf *target = target_of(self);
    if (target == NULL) return NULL;
    size_t room = weir_buf_writable(target);
    uint8_t *start = weir_buf_reserve(target, room > 0 ? room : room_to_ask(self));
    if (start == NULL) return NULL;
    self->lent = weir_buf_writable(target);
    *len = self->lent;
    return start;
}

void weir_buf_output_back_up(weir_buf_output *self, size_t n) {
    WEIR_CHECK(n <= self->lent, "%zu bytes were backed up of a stretch of %zu", n, self->lent);
    take_filled(self, self->lent - n);
}

size_t weir_buf_output_count(const weir_buf_output *self) {
    return self->count + self->lent;
}

weir_status weir_buf_output_finish(weir_buf_output *self) {
    take_filled(self, self->lent);
    append_block(self);
    return weir_buf_status(self->buf);
}

/* ---- by reference ----------------------------------------------------------------------------- */

/* How far behind the reader index of `source` the bytes lie; WEIR_NOT_FOUND when they do not, or not in one
 * of its parts. */
static size_t place_in(const weir_buf *source, weir_bytes bytes) {
    buf_walk walk = weir_walk_readable(source, 0, weir_buf_readable(source));
    buf_run run;
    for (size_t at = 0; weir_walk_next(&walk, &run); at += run.len) {
        uintptr_t from = (uintptr_t)bytes.ptr - (uintptr_t)run.ptr;
        if (from < run.len && bytes.len <= run.len - from) return at + from;
    }
    return WEIR_NOT_FOUND;
}

void weir_buf_write_ref(weir_buf *buf, weir_buf *source, weir_bytes bytes, size_t threshold) {
    bool may_refer = source != NULL && bytes.len > 0 && bytes.len >= threshold;
    size_t at = may_refer ? place_in(source, bytes) : WEIR_NOT_FOUND;
    if (at == WEIR_NOT_FOUND) {
        weir_buf_write_view(buf, bytes);
        return;
    }
    weir_buf_composite_append(buf, weir_buf_slice(source, at, bytes.len));
}
