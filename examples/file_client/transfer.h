/* transfer.h - one connection to a file server: asks ahead, takes the answers in order, writes them to disk.
 *
 * Writing to disk blocks the loop, which serves nobody else here: the socket simply fills meanwhile.
 * A server must not do that; it hands such work to weir_loop_offload.
 */
#ifndef FILE_CLIENT_TRANSFER_H
#define FILE_CLIENT_TRANSFER_H

#include <weir/transport.h>

#include "common/progress.h"
#include "common/target.h"

enum {
    TRANSFER_AHEAD = 16,
    TRANSFER_REPLY_MAX = 512,
};

struct transfer {
    /* ---- what to do ---- */
    weir_loop *loop;
    char **paths;
    size_t count;
    int folder;
    uint64_t patience_ms; /* without a byte from the server */
    bool resume;

    /* ---- where it is ---- */
    size_t asked, answered;           /* of paths */
    uint64_t offsets[TRANSFER_AHEAD]; /* of those asked and not answered: where each was asked to begin */
    char reply[TRANSFER_REPLY_MAX];   /* the reply line, as far as it is here */
    size_t reply_length;
    bool in_body;
    uint64_t end; /* of the file that is coming: its length */
    struct target target;
    struct progress progress;
    weir_timer timer;

    /* ---- how it went ---- */
    size_t files;      /* complete */
    size_t refused;    /* answered ERR */
    uint64_t received; /* bytes of bodies */
    bool failed;       /* ended early; the sentence is on stderr */
};

/* A weir_build_fn; `arg` is the transfer. Its loop is stopped when the channel is gone. */
weir_status transfer_build(weir_pipeline *pipeline, void *arg);

/* A weir_promise_fn for the connection; `arg` is the transfer. */
void transfer_connected(void *arg, weir_status status);

#endif
