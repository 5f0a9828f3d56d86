/* buf_match.c - matchers of all ways, fed by pieces or by the parts of a buf. */
#include <weir/buffer/buf_match.h>

#include <weir/core/alloc.h>
#include <weir/core/check.h>

#include "buf_walk.h"
#include "matcher.h"

void *matcher_acquire(const matcher_way *way, size_t size) {
    weir_matcher *self = weir_alloc_acquire(NULL, size);
    if (self != NULL) self->way = way;
    return self;
}

void weir_matcher_free(weir_matcher *self) {
    weir_alloc_release(NULL, self);
}

bool weir_matcher_feed(const weir_matcher *self, weir_match *match, weir_bytes *piece) {
    size_t taken = self->way->step(self, match, *piece);
    bool is_found = taken != WEIR_NOT_FOUND;
    if (!is_found) taken = piece->len;
    if (taken == 0) return is_found;
    match->end += taken;
    *piece = weir_bytes_of(piece->ptr + taken, piece->len - taken);
    return is_found;
}

size_t weir_buf_match(const weir_buf *buf, size_t at, const weir_matcher *self, weir_match *match) {
    size_t readable = weir_buf_readable(buf);
    WEIR_CHECK(at <= readable, "a search at %zu of %zu readable bytes", at, readable);
    weir_bytes piece = weir_bytes_of(NULL, 0);
    if (weir_matcher_feed(self, match, &piece)) return at;
    buf_walk walk = weir_walk_readable(buf, at, readable - at);
    buf_run run;
    while (weir_walk_next(&walk, &run)) {
        piece = weir_bytes_of(run.ptr, run.len);
        if (weir_matcher_feed(self, match, &piece)) return at + (size_t)(run.len - piece.len);
        at += run.len;
    }
    return WEIR_NOT_FOUND;
}
