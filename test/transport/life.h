/* life.h - one embedded channel with one actor "h" in it, and the trail of all that happens to it. */
#ifndef WEIR_TEST_LIFE_H
#define WEIR_TEST_LIFE_H

#include "actor.h"

typedef struct life {
    weir_embedded *embedded;
    weir_channel *channel; /* borrowed from it */
    trail trail;
    actor h;
} life;

/* Active, and nothing written down yet. */
void life_begin(life *self, const weir_channel_options *options);

/* Frees the channel; what that writes down is forgotten. */
void life_end(life *self);

/* A buf of so many bytes; required to be there. */
weir_buf *life_bytes(size_t n);

/* Writes so many bytes with a promise of this name, or with none for NULL. */
void life_write(life *self, size_t n, const char *name);

weir_promise *life_promise(life *self, const char *name);

#endif
