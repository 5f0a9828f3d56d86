/* sink.h - where a body goes: one batch of bufs is written on the thread pool while the next one gathers.
 *
 *     bufs --> [ filling ]  --> [ writing ] --thread pool--> a .part that gets its name, a device, or stdout
 *                  | full: who adds pauses reading until the next `written`
 */
#ifndef WEIR_GET_SINK_H
#define WEIR_GET_SINK_H

#include <weir/transport.h>

#include "common/target.h"

/* Batches are written when they are so long; what one burst of reads brings on top is all there is more of. */
#define SINK_BATCH (512u << 10)

struct sink {
    /* ---- set before it is opened ---- */
    weir_loop *loop;
    const char *path;                               /* "-": stdout */
    void (*written)(void *arg, weir_status status); /* a batch is on disk, or is not */
    void *arg;

    /* ---- where it is ---- */
    int folder, fd;
    struct target target; /* what is not a regular file has none */
    weir_buf *filling, *writing;
    uint64_t size;       /* with what was there before */
    int64_t date;        /* what a .part wears: Last-Modified, or 0 */
    uint32_t sum;        /* CRC-32C of all bytes taken */
    weir_status failure; /* of the disk: what is added from then on is not written */
    weir_status outcome; /* of the batch under way */
};

/* The name in its folder. Until: as long as the path. */
const char *sink_name(const struct sink *self);

/* Opens the folder, and a device or stdout as well. Fails: -errno. */
weir_status sink_init(struct sink *self);

/* What an earlier attempt has left: its bytes are summed, its size and date noted. Blocks. */
void sink_look_back(struct sink *self);

/* Begins to take bytes that belong behind the first `offset`: 0, or what sink_look_back has found. `date`: the
 * version they are of, 0 when nobody knows. Fails: -errno, -EBUSY, WEIR_E_INVALID. */
weir_status sink_open(struct sink *self, uint64_t offset, int64_t date);

/* Takes: buf. Fails: WEIR_E_NO_MEMORY. */
weir_status sink_add(struct sink *self, weir_buf *buf);

/* Writes what has gathered, unless a batch is under way (then its end is to be waited for) or the disk has failed. */
weir_status sink_write(struct sink *self);

static inline bool sink_is_full(const struct sink *self) {
    return self->filling != NULL && weir_buf_readable(self->filling) >= SINK_BATCH;
}

/* All there is is written: the file gets its name. Fails: -errno. */
weir_status sink_finish(struct sink *self);

/* What is there is not what it should be: it is not to be continued. Requires: no batch under way. */
void sink_disown(struct sink *self);

/* Lets go; a .part stays. Requires: no batch under way. */
void sink_close(struct sink *self);

#endif
