/* framer_decoder.h - private: a framer in a handler: its state on the heap, and freed with it.
 */
#ifndef WEIR_CODEC_FRAMER_DECODER_H
#define WEIR_CODEC_FRAMER_DECODER_H

#include <string.h>

#include <weir/codec/decoder.h>
#include <weir/core/alloc.h>

/* For weir_decoder_ops.free, of a framer that owns nothing else. */
static inline void framer_free(void *framer) {
    weir_alloc_release(NULL, framer);
}

/* `framer` is a value of `size` bytes, whose init answered `status`. Otherwise as weir_decoder_add; whatever
 * the framer owns is the caller's to clear when this fails. */
static inline weir_status framer_add(weir_pipeline *pipeline, const weir_decoder_ops *ops, weir_status status,
                                     const void *framer, size_t size, const weir_decoder_options *options) {
    if (status != WEIR_OK) return status;
    void *state = weir_alloc_acquire(NULL, size);
    if (state == NULL) return WEIR_E_NO_MEMORY;
    memcpy(state, framer, size);
    return weir_decoder_add(pipeline, ops, state, options);
}

#endif
