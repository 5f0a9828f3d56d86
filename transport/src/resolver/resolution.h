/* resolution.h - private: one request for a name, for the resolver of the system and for the loop that ends. */
#ifndef WEIR_RESOLUTION_H
#define WEIR_RESOLUTION_H

#include <weir/core/list.h>
#include <weir/transport/resolver.h>
#include <weir/transport/timer.h>

enum {
    LONGEST_HOST = 255,
    MOST_ADDRS = 64
};

struct weir_resolution {
    weir_list link;   /* in loop->resolutions until it is told */
    weir_list waiter; /* in the list of a lookup of the system's */
    weir_loop *loop;
    weir_resolver *resolver;
    void *slot;
    weir_timer timeout;
    weir_task task; /* tells the answer, once there is one */
    weir_resolved_fn *done;
    void *arg;
    weir_family family;
    unsigned port;
    bool asked;  /* the resolver has it */
    bool posted; /* the task is under way and needs this memory */
    bool answered;
    bool told;
    weir_status status;
    size_t count;
    weir_addr *addrs; /* `count` of them */
    char host[];
};

/* The loop ends: who waits is told WEIR_E_STOPPED. On the loop. */
void resolutions_stop(weir_loop *loop);

/* The system's resolver with defaults, made by the first who asks; NULL when out of memory. On the loop. */
weir_resolver *resolver_of_loop(weir_loop *loop);

#endif
