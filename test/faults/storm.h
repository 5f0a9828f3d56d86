/* storm.h - a server and clients on one loop while system calls fail around them, and what must hold all the same.
 *
 *     [session] --weir client--> [ echo | file | relay --> echo ] weir server       one thread, one loop
 *         |                          |
 *     checks each byte          counts its own failures
 *
 * Sessions come in batches, each batch under another weather: how many faults, how many of them hard. After each one
 * the weather clears, everything that began must have ended, and one clean client must be served to its last byte.
 *
 * What must hold for each session: every promise once, in the order of the writes, none with WEIR_OK behind one that
 * failed; active, inactive and removed at most once and in that order; bytes in order; and unless somebody was told
 * of a failure, all of them. No failure is EINTR, and EAGAIN only where a connection was refused with it.
 */
#ifndef WEIR_TEST_STORM_H
#define WEIR_TEST_STORM_H

#include <stdatomic.h>

#include <weir/transport.h>

#include "fault.h"

enum {
    STORM_FILE_SIZE = 3 * 1024 * 1024,
    STORM_REQUEST = 16 /* bytes that ask for a piece of the file */
};

typedef struct storm storm;
typedef struct session session;

/* A kind of session. */
typedef struct session_kind {
    const char *name;
    bool asks_for_file; /* else what is sent comes back */
    bool only_bufs;     /* it writes no regions */
    size_t most;        /* bytes, each way */
    /* Begins to connect: a channel the session holds, or NULL when that failed at once, told or not. */
    weir_channel *(*connect)(storm *self, session *one, weir_promise *promise);
} session_kind;

struct storm {
    void (*begin_one)(storm *self); /* one more session; it says storm_begun, and storm_over at its end */
    const session_kind *kinds;      /* of session_begin */
    size_t kind_count;
    weir_build_fn *build_own;        /* of a server of the test's own; NULL: none */
    void (*open_more)(storm *self);  /* on the loop, before the first session; may be NULL */
    void (*close_more)(storm *self); /* behind the last; may be NULL */
    uint64_t random;                 /* of the sessions; the faults have their own */
    uint64_t goal;                   /* faults, in total, until it is over */
    weir_loop_group *group;
    weir_loop *loop;
    weir_server *echo, *echo_unix, *file, *relay, *own;
    weir_client_options relay_to;
    int fd; /* of the file */
    char path[64];
    /* ---- the run ---- */
    unsigned begun, open, batch;
    bool clean;                           /* the truce: one session, which must be served */
    uint64_t complete, failed, cut_short; /* sessions */
    atomic_uint ended;                    /* sessions, for the thread that waits */
    uint64_t server_failures;             /* connections whose server side was told of a failure */
    unsigned wrong;                       /* promises that were broken */
    weir_promise *over;
};

/* Runs until `goal` faults were injected since it began. Fails the test for everything that does not hold. */
void storm_run(storm *self, uint64_t goal);

/* Random numbers below `bound`. */
uint64_t storm_below(storm *self, uint64_t bound);

/* Options of a client with the session in its pipeline. */
weir_client_options storm_client(storm *self, session *one);

/* Fills a server's pipeline; `arg` is the storm. */
weir_status storm_build_echo(weir_pipeline *pipeline, void *arg);
weir_status storm_build_file(weir_pipeline *pipeline, void *arg);
weir_status storm_build_relay(weir_pipeline *pipeline, void *arg);

/* The same without an account. */
weir_status storm_add_echo(weir_pipeline *pipeline, void *arg);
weir_status storm_add_file(weir_pipeline *pipeline, void *arg);

/* First in a pipeline of a server: counts connections that were told of a failure. */
weir_status storm_account(weir_pipeline *pipeline, storm *world);

/* Behind a handler that finds failures of its own: they are on the same account. */
weir_status storm_account_behind(weir_pipeline *pipeline);

/* Reads all of `buf`: what stands there from `*got` on, of `length` bytes from `offset`. False at the first byte that is
 * another, or too many. */
bool storm_takes(weir_buf *buf, uint64_t key, uint64_t offset, uint64_t length, uint64_t *got);

/* A promise was broken: told with the seed, and the run ends as a failure. */
void storm_fail(storm *self, const char *format, ...) WEIR_PRINTF(2, 3);

/* session.c: one of the kinds. */
void session_begin(storm *world);
weir_status session_build(weir_pipeline *pipeline, void *arg);

/* Its stream ended before it was told that it is active. */
void session_ended_early(session *self);

storm *session_storm(const session *self);

/* A session began; it is over, the next may begin. `failure`: what it was told, if anything. `whole`: it got all. */
void storm_begun(storm *self);
void storm_over(storm *self, const char *kind, weir_status failure, bool whole);

/* The byte at a place of the stream, or of the file, with this key. */
static inline uint8_t storm_byte(uint64_t key, uint64_t at) {
    return (uint8_t)(at * 167 + (at >> 8) * 13 + (at >> 16) * 7 + key * 31);
}

#endif
