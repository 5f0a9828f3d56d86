/* channel_world.h - an embedded channel whose handlers do random things in every callback, for one life.
 *
 * What must hold whatever happens is in life_model.h; here each handler besides is told active and inactive at
 * most once and in this order, nothing after removed, and removed once.
 */
#ifndef WEIR_TEST_CHANNEL_WORLD_H
#define WEIR_TEST_CHANNEL_WORLD_H

#include "fuzz/chance.h"
#include "life_model.h"

/* What handlers do, and from FEED on what happens around them. */
#define ACT_LIST(X)                                                                                          \
    X(WRITE)                                                                                                 \
    X(WRITE_FROM_HERE)                                                                                       \
    X(FLUSH)                                                                                                 \
    X(PULL)                                                                                                  \
    X(PAUSE)                                                                                                 \
    X(RESUME)                                                                                                \
    X(FIRE_EVENT)                                                                                            \
    X(ADD)                                                                                                   \
    X(REMOVE)                                                                                                \
    X(REMOVE_ITSELF)                                                                                         \
    X(REPLACE)                                                                                               \
    X(REPLACE_ITSELF)                                                                                        \
    X(POST)                                                                                                  \
    X(START_TIMER)                                                                                           \
    X(OFF_LOOP_CALL)                                                                                         \
    X(SHUTDOWN)                                                                                              \
    X(CLOSE)                                                                                                 \
    X(CLOSE_FROM_HERE)                                                                                       \
    X(ABORT)                                                                                                 \
    X(FAIL)                                                                                                  \
    X(FEED)                                                                                                  \
    X(STALL)                                                                                                 \
    X(ADVANCE)                                                                                               \
    X(ADVANCE_PAST_CLOSE_TIMEOUT)                                                                            \
    X(TAKE)                                                                                                  \
    X(PEER_END)                                                                                              \
    X(PEER_RESET)

#define ACT_ENUM(name) ACT_##name,
typedef enum act {
    ACT_LIST(ACT_ENUM) ACTS
} act;

extern const char *const act_names[ACTS];

/* Over all lives. */
typedef struct channel_world_counts {
    uint64_t steps;
    uint64_t acts[ACTS];
    uint64_t paths[LIFE_PATH_COUNT];
} channel_world_counts;

/* From before the pipeline is built until the last reference is gone. Not reentrant. */
void channel_world_live(chance *luck, channel_world_counts *counts);

#endif
