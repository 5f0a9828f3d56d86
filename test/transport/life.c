/* life.c - see life.h. */
#include "life.h"

#include <string.h>

#include <weir/testing.h>

void life_begin(life *self, const weir_channel_options *options) {
    memset(self, 0, sizeof *self);
    self->h = (actor){.name = "h", .trail = &self->trail};
    self->embedded = weir_embedded_new(options, build_with_actor, &self->h);
    require(self->embedded != NULL);
    self->channel = weir_embedded_channel(self->embedded);
    expect(trail_is(&self->trail, "h.added\nh.active\n"));
}

void life_end(life *self) {
    weir_embedded_free(self->embedded);
    self->trail.length = 0;
}

weir_buf *life_bytes(size_t n) {
    weir_buf *buf = weir_buf_new(n);
    require(buf != NULL);
    weir_buf_write_fill(buf, 'x', n);
    return buf;
}

weir_promise *life_promise(life *self, const char *name) {
    return trail_promise(&self->trail, weir_embedded_loop(self->embedded), name);
}

void life_write(life *self, size_t n, const char *name) {
    weir_channel_write(self->channel, life_bytes(n), name != NULL ? life_promise(self, name) : NULL);
}
