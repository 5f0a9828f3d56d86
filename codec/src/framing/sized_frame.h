/* sized_frame.h - private: a frame whose length is known, given or refused by a length-field framer.
 */
#ifndef WEIR_CODEC_SIZED_FRAME_H
#define WEIR_CODEC_SIZED_FRAME_H

#include <weir/codec/length_field_framer.h>

/* The next frame is `whole` bytes and given without its first `strip`. Requires: no frame is being refused. */
weir_decode sized_frame_take(weir_length_field_framer *self, uint64_t whole, size_t strip, weir_buf *in,
                             weir_obj **out, weir_error *error);

/* Lets go of a frame that is refused. Requires: one is. */
weir_decode sized_frame_pass(weir_length_field_framer *self, weir_buf *in, weir_error *error);

#endif
