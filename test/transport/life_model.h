/* life_model.h - what the life of a channel must look like, kept beside it and checked at every event.
 *
 * The model knows nothing of how a channel works. A handler of its own stands first in the pipeline, so it sees what
 * comes from the wire before anyone and what goes to it after everyone; the test tells it what the far end did. It
 * holds the channel to docs/errors.md: each event once and in order, each promise once and with the first
 * cause, bytes in order.
 */
#ifndef WEIR_TEST_LIFE_MODEL_H
#define WEIR_TEST_LIFE_MODEL_H

#include <weir/core/list.h>
#include <weir/transport.h>

/* The ways a life can go, and what can happen on them. */
#define LIFE_PATHS(X)                                                                                        \
    X(END_BY_CLOSE)                                                                                          \
    X(END_BY_CLOSE_TIMEOUT)                                                                                  \
    X(END_BY_ABORT)                                                                                          \
    X(END_BY_BROKEN_WIRE)                                                                                    \
    X(END_BY_BOTH_DIRECTIONS)                                                                                \
    X(END_BEFORE_ACTIVE)                                                                                     \
    X(END_WITH_UNREAD)                                                                                       \
    X(END_WITH_UNSENT)                                                                                       \
    X(BUILD_FAILED)                                                                                          \
    X(PEER_ENDING)                                                                                           \
    X(PEER_CLOSED)                                                                                           \
    X(PEER_CLOSED_AFTER_ENDING)                                                                              \
    X(WRITE_SENT_AFTER_PEER_CLOSED)                                                                          \
    X(WRITABLE_CHANGED)                                                                                      \
    X(ERROR_FROM_WRITE)                                                                                      \
    X(WRITE_SENT)                                                                                            \
    X(WRITE_AFTER_END)                                                                                       \
    X(WRITE_OVER_CAP)                                                                                        \
    X(WRITE_OF_FAILED_BUF)                                                                                   \
    X(WRITE_OF_NOTHING)                                                                                      \
    X(WRITE_FAILED_WITH_CAUSE)                                                                               \
    X(WRITE_IN_CALLBACK_OF_END)                                                                              \
    X(SHUTDOWN_DONE)                                                                                         \
    X(SHUTDOWN_FAILED)                                                                                       \
    X(CLOSE_TOLD)                                                                                            \
    X(CLOSE_TOLD_AGAIN)                                                                                      \
    X(CLOSE_AFTER_END)

#define LIFE_PATH_ENUM(name) LIFE_##name,
typedef enum life_path {
    LIFE_PATHS(LIFE_PATH_ENUM) LIFE_PATH_COUNT
} life_path;

extern const char *const life_path_names[LIFE_PATH_COUNT];

typedef enum promise_kind {
    PROMISE_WRITE,
    PROMISE_SHUTDOWN,
    PROMISE_CLOSE,
} promise_kind;

typedef struct life_note life_note;

typedef struct life_model {
    uint64_t *paths; /* counted here over all lives */
    weir_channel *channel;
    uint64_t fed, read;  /* bytes; the pattern of the stream is life_byte */
    weir_list written;   /* promised writes that came to the head, in order */
    weir_list elsewhere; /* promises that are not there (yet) */
    bool active, inactive, removed;
    bool aborted, broken, left_unsent;
    bool ending_told, closed_told;
    bool read_since_complete;
    bool shut, close_asked;
    bool cause_known;
    weir_status cause; /* when that is known to the model */
    weir_status told;  /* as the channel has told it by its first failed promise */
    bool was_told;
    unsigned closes_told, errors;
    long promises; /* made and not completed */
} life_model;

void life_model_begin(life_model *self, uint64_t *paths);

/* Its place, before any other handler is added. */
weir_status life_model_watch(life_model *self, weir_pipeline *pipeline);

/* A promise that is checked when it completes; `then` runs afterwards. */
weir_promise *life_model_promise(life_model *self, weir_loop *loop, promise_kind kind, void (*then)(void));

/* The byte at this place of what the far end sends. */
uint8_t life_byte(uint64_t at);

/* The far end is about to break the wire with this. */
void life_model_break(life_model *self, weir_status why);

/* Its pipeline could not be built. */
void life_model_build_failed(life_model *self);

/* The channel is gone and so are the promises. */
void life_model_end(life_model *self);

#endif
