/* matcher.h - private: what a way of matching must do. */
#ifndef WEIR_MATCHER_H
#define WEIR_MATCHER_H

#include <weir/buffer/buf_match.h>

/* `static const`, one for each way. */
typedef struct matcher_way {
    const char *name;
    /* Steps over `bytes` until an occurrence ends; answers how many bytes that took, with match->len and
     * match->needle set, or WEIR_NOT_FOUND after all of them. match->end is counted by the caller. */
    size_t (*step)(const weir_matcher *self, weir_match *match, weir_bytes bytes);
} matcher_way;

/* Begins every matcher; one block of memory with whatever the way puts behind it. */
struct weir_matcher {
    const matcher_way *way;
};

/* A block of `size` bytes that begins with a weir_matcher, or NULL when out of memory. */
void *matcher_acquire(const matcher_way *way, size_t size);

#endif
