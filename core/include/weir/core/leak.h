/* <weir/core/leak.h> - who is still alive, and who let it leak.
 *
 * Two layers. Live counts are always on and exact: one counter per kind of object, kept per thread
 * and summed when asked. Tracking is a switch (weir_leak_track, or WEIR_LEAK_TRACK=1 in the
 * environment): every object then remembers where it was acquired and who touched it last, a released
 * one is kept aside so that a second release is answered with both sites.
 *
 * Layer: core. Any thread.
 */
#ifndef WEIR_CORE_LEAK_H
#define WEIR_CORE_LEAK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <weir/core/compiler.h>

WEIR_BEGIN_DECLS

/* One kind of thing that can leak. Static storage; initialise the first two members, the rest is zero. */
typedef struct weir_leak_counter {
    const char *name;
    int64_t (*elsewhere)(void); /* more of this kind that its owner counts itself (a pool); or NULL */
    int64_t rest;               /* counted by threads that have ended */
    uint32_t slot;              /* where each living thread counts it; set on first use */
    struct weir_leak_counter *next;
} weir_leak_counter;

/* Makes a counter appear in the report before its first count. Any thread. */
WEIR_API void weir_leak_register(weir_leak_counter *counter);

/* One more (delta 1) or one fewer (-1) of this kind. Any thread; a few instructions. */
WEIR_API void weir_leak_count(weir_leak_counter *counter, int delta);

/* How many are alive: exact when no other thread is counting at this moment. Any thread. */
WEIR_API int64_t weir_leak_live(weir_leak_counter *counter);

/* The sum over all kinds, and a line "name: n" for each that is not zero (out may be NULL). */
WEIR_API int64_t weir_leak_report(FILE *out);

/* Switches tracking. Objects born before it was on stay unknown; switching it off forgets all records.
 * Call it before other threads run. */
WEIR_API void weir_leak_track(bool on);

/* Reads as a plain load; do not write. */
WEIR_API extern bool weir_leak_tracking;

/* True when objects are to be recorded; one relaxed load. */
static inline bool weir_leak_is_tracking(void) {
    return __atomic_load_n(&weir_leak_tracking, __ATOMIC_RELAXED);
}

/* The records of tracking. `object` is only an address here: Borrows nothing. Any thread.
 * acquired: born now, here.   touched: seen by `hint` (a handler's name, copied as a pointer: it must
 * live on); answers false when it was released before.   released: gone now, here; answers false when it was not alive, after printing both sites. */
WEIR_API void weir_leak_acquired(const void *object, const char *kind);
WEIR_API bool weir_leak_touched(const void *object, const char *hint);
WEIR_API bool weir_leak_released(const void *object);

/* Prints what is known of `object`: acquired where, touched by whom, released where. */
WEIR_API void weir_leak_explain(const void *object, FILE *out);

WEIR_END_DECLS

#endif
