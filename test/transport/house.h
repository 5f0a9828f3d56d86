/* house.h - a group of loops and a server on it that echoes and counts, with plain sockets calling from outside. */
#ifndef WEIR_TEST_HOUSE_H
#define WEIR_TEST_HOUSE_H

#include "wires.h"

/* Counts on all loops. */
typedef struct echo {
    atomic_int opened, closed, stopping;
    atomic_bool ignores_stopping; /* busy: takes the event and goes on */
    atomic_bool refuses;
} echo;

weir_status build_echo(weir_pipeline *pipeline, void *arg);

typedef struct house {
    weir_loop_group *group;
    weir_server *server;
    echo echo;
    unsigned port;
} house;

/* On so many loops; `options` but for the loops and the pipeline. */
void open_house(house *self, unsigned loops, weir_server_options options);
/* Takes: group. */
void open_house_on(house *self, weir_loop_group *group, weir_server_options options);

/* Frees all of it; what was opened has been closed. */
void shut_house(house *self);

weir_server_stats stats_of(const house *self);

/* Waits until so many are open. */
bool have_open(const house *self, uint64_t n);

/* Whether it echoes a byte; whether the other end has closed or reset it. */
bool answers(int fd);
bool has_ended(int fd);

#endif
