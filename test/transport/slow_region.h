/* slow_region.h - a region on a slow disk that a test made up: it waits when it may, and notes who made it wait. */
#ifndef WEIR_TEST_SLOW_REGION_H
#define WEIR_TEST_SLOW_REGION_H

#include <stdatomic.h>

#include <weir/transport.h>

typedef struct slow_region {
    weir_region region;
    weir_loop *loop;   /* the one that must never wait; NULL: any may */
    long wait_ms;      /* each time it is waited for */
    uint64_t ends_at;  /* the source is only so long; 0: as long as the region */
    weir_status fails; /* instead of waiting */
    bool has_send;
    bool is_interrupted;   /* every second read, by a signal */
    bool forgets;          /* what was waited for once has to be waited for again */
    _Atomic uint64_t warm; /* what was waited for so far */
    atomic_int waits;
    atomic_int reads;
    atomic_int waits_on_loop; /* of these */
    atomic_int frees;
} slow_region;

/* Byte `i` of every such region. */
static inline uint8_t slow_byte(uint64_t i) {
    return (uint8_t)(i * UINT64_C(2654435761) >> 13);
}

/* Gives: a region in `self`, which must stay until `frees` is 1. */
weir_region *slow_region_make(slow_region *self, uint64_t length);

#endif
