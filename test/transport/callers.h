/* callers.h - a connection pool on a clock that moves by hand, and those who ask it for connections. */
#ifndef WEIR_TEST_CALLERS_H
#define WEIR_TEST_CALLERS_H

#include "bootstrap/watch.h"
#include "dials.h"

enum {
    MOST_CALLERS = 16
};

typedef struct scene scene;

typedef struct caller {
    scene *scene;
    unsigned told;
    weir_status status;
    weir_channel *channel; /* leased */
    unsigned turn;         /* how many were told before */
} caller;

struct scene {
    dials dials;
    weir_connection_pool_options options;
    weir_connection_pool *pool;
    caller callers[MOST_CALLERS];
    unsigned told;
    void (*act)(scene *self); /* when a caller is told */
};

/* What a caller is told; its arg is the caller. */
void hear_pool(void *arg, weir_status status, weir_channel *channel);

/* False when out of memory; nothing is left then. Between the two the options may be changed. */
bool scene_prepare(scene *self);
bool scene_start(scene *self);
void scene_begin(scene *self);
void scene_finish(scene *self);

weir_status scene_ask(scene *self, int i);
/* Asks, and lets the dial that this begins succeed; asks, where there is an idle one. */
caller *scene_lease_new(scene *self, int i);
caller *scene_lease(scene *self, int i);
void scene_give_back(scene *self, int i);

weir_connection_pool_stats scene_stats(scene *self);
void scene_expect(scene *self, unsigned connecting, unsigned idle, unsigned leased, unsigned waiting);

#endif
