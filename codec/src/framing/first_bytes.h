/* first_bytes.h - private: a handler that keeps what comes first until it knows what that is, and makes way.
 *
 *     active, read -->| first_bytes |          nothing of it is seen behind
 *                          |  decide
 *                          +--> first_bytes_make_way   active, then all bytes that are left as one read; it is gone
 *                          +--> first_bytes_fail       an error; what still comes is dropped
 *
 * It is the first member of the handler's state, which came from weir_alloc_zeroed, and its slots are the handler's.
 */
#ifndef WEIR_CODEC_FIRST_BYTES_H
#define WEIR_CODEC_FIRST_BYTES_H

#include <weir/codec/cumulation.h>
#include <weir/transport/pipeline.h>
#include <weir/transport/timer.h>

typedef struct first_bytes first_bytes;

/* Both may make way or fail; `self` may be gone afterwards. */
typedef struct first_bytes_ops {
    const char *what;                  /* is waited for, for people */
    void (*start)(first_bytes *self);  /* the channel is active; calls first_bytes_wait if bytes are needed */
    void (*decide)(first_bytes *self); /* more bytes came */
} first_bytes_ops;

struct first_bytes {
    const first_bytes_ops *ops;
    weir_timer timer;
    weir_ctx *ctx;
    weir_cumulation bytes;
    size_t most;         /* that may be needed */
    uint64_t timeout_ms; /* 0: none */
    bool holds_active;   /* `active` came; who is behind gets it with the bytes */
    bool is_failed;
};

/* Next to the tail. Takes: self, with ops, most and timeout_ms set. */
weir_status first_bytes_add(weir_pipeline *pipeline, const weir_handler *handler, first_bytes *self);

/* From here on the time is counted. */
void first_bytes_wait(first_bytes *self);

/* A copy of the first bytes, `most` of them at most, which there is room for. */
weir_bytes first_bytes_copy(const first_bytes *self, uint8_t *room);

void first_bytes_make_way(first_bytes *self);
/* Nothing more is decided. */
void first_bytes_stop(first_bytes *self);
void first_bytes_fail(first_bytes *self, const weir_error *error);

/* ---- slots ---- */

void first_bytes_added(weir_ctx *ctx);
void first_bytes_removed(weir_ctx *ctx);
void first_bytes_active(weir_ctx *ctx);
void first_bytes_read(weir_ctx *ctx, weir_obj *msg);
void first_bytes_read_complete(weir_ctx *ctx);
void first_bytes_inactive(weir_ctx *ctx);

#endif
