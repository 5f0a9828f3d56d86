/* uv_race.h - private: connecting to the first of several addresses that answers (RFC 8305, section 5). */
#ifndef WEIR_UV_RACE_H
#define WEIR_UV_RACE_H

#include "uv/uv_internal.h"

typedef struct uv_race uv_race;

typedef struct uv_race_options {
    const weir_channel_options *channel; /* for the sockets */
    weir_addr local;                     /* where to connect from; len 0: anywhere */
    unsigned local_port;
    unsigned delay_ms;
    unsigned most; /* addresses to try */
} uv_race_options;

/* One of the two is called, once; the race is freed by then. */
typedef struct uv_race_events {
    void (*won)(void *arg, int fd, const weir_addr *to); /* Takes: fd, connected */
    void (*lost)(void *arg, weir_status why);
} uv_race_events;

/* The order of attempts: families in turn, beginning with the first one's; within a family as they come. */
void uv_race_interleave(weir_addr *addrs, size_t count);

/* A race over addresses of which `count` > 0 are copied. Borrows: options until its end. NULL when out of memory. */
uv_race *uv_race_new(weir_loop *loop, const weir_addr *addrs, size_t count, const uv_race_options *options,
                     const uv_race_events *events, void *arg);

/* Its end may come from inside this call. */
void uv_race_start(uv_race *race);

/* Closes what is under way; neither event follows. Takes: race. */
void uv_race_cancel(uv_race *race);

#endif
