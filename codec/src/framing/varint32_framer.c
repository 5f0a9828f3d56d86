/* varint32_framer.c - the varint in front; the frame behind it is any frame of a known length.
 */
#include <weir/buffer/buf_varint.h>
#include <weir/codec/varint32_framer.h>

#include "framing/sized_frame.h"

weir_status weir_varint32_framer_init(weir_varint32_framer *self, const weir_varint32_options *options) {
    *self = (weir_varint32_framer){
        .frames.options = {.max_frame_length = options->max_frame_length,
                           .fail_late = options->fail_late,
                           .recover = options->recover},
        .keep_length = options->keep_length,
    };
    return options->max_frame_length == 0 ? WEIR_E_INVALID : WEIR_OK;
}

weir_decode weir_varint32_framer_decode(void *framer, weir_buf *in, weir_obj **out, weir_error *error) {
    weir_varint32_framer *self = framer;
    if (self->frames.refusal != WEIR_OK) return sized_frame_pass(&self->frames, in, error);
    uint64_t length;
    size_t width;
    switch (weir_buf_peek_varint(in, 32, &length, &width)) {
    case WEIR_BUF_MORE: return WEIR_DECODE_MORE;
    case WEIR_BUF_BROKEN:
        return weir_decode_fail(error, WEIR_E_FRAME_CORRUPT, "varint length", weir_buf_readable(in),
                                WEIR_VARINT_MAX_U32);
    case WEIR_BUF_GOT: break;
    }
    size_t strip = self->keep_length ? 0 : width;
    return sized_frame_take(&self->frames, length + width, strip, in, out, error);
}

weir_decode weir_varint32_framer_decode_last(void *framer, weir_buf *in, weir_obj **out, weir_error *error) {
    weir_varint32_framer *self = framer;
    return weir_length_field_framer_decode_last(&self->frames, in, out, error);
}
