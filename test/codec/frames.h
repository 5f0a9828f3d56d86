/* frames.h - a cumulation and a framer driven by hand, and what they gave as text. For the pure tests.
 *
 * Log lines: `"bytes"` for a frame, `too_long actual/maximum @offset` and the like for a refusal.
 */
#ifndef TEST_CODEC_FRAMES_H
#define TEST_CODEC_FRAMES_H

#include <weir/codec/cumulation.h>

typedef struct frames {
    weir_cumulation bytes;
    weir_decode_fn *decode, *decode_last;
    void *state;
    char log[4096];
    size_t length;
    unsigned composites; /* frames that came as composites */
    weir_buf *last;      /* the last frame, with a reference of its own */
} frames;

void frames_init(frames *self, weir_decode_fn *decode, weir_decode_fn *decode_last, void *state,
                 const weir_decoder_options *options);
void frames_clear(frames *self);

/* A heap buf of just these bytes. Gives: it, never NULL. */
weir_buf *frames_buf(const void *bytes, size_t n);

/* Decodes all there is after adding. Takes: buf. */
void frames_feed_buf(frames *self, weir_buf *buf);
void frames_feed(frames *self, const void *bytes, size_t n);
#define frames_feed_str(self, literal) frames_feed(self, "" literal, sizeof("" literal) - 1)

/* The stream ends. */
void frames_end(frames *self);

/* What was logged since the last time. Until: the next feed. */
const char *frames_take_log(frames *self);

#endif
