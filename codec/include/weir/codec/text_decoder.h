/* <weir/codec/text_decoder.h> - a handler that lets only UTF-8 pass: put it behind a framer.
 *
 * In short: each buf read must be UTF-8 (buf_text.h) from its first byte to its last. One that is not is
 * dropped, and an `error` event says WEIR_E_FRAME_CORRUPT, which closes the channel unless taken; with `repair`
 * it passes with U+FFFD in place of what is wrong, which is the only time that bytes are copied. Objects that are
 * not bufs pass by.
 *
 * Layer: codec. Needs pipeline.h.
 */
#ifndef WEIR_CODEC_TEXT_DECODER_H
#define WEIR_CODEC_TEXT_DECODER_H

#include <weir/transport/pipeline.h>

WEIR_BEGIN_DECLS

/* The handlers "text_decoder", which refuses what is no text, and "text_repairer", which repairs it. Without a
 * state, for weir_pipeline_add_last and its kin. */
WEIR_API extern const weir_handler weir_text_decoder;
WEIR_API extern const weir_handler weir_text_repairer;

/* Next to the tail; `repair` chooses which. Borrows: pipeline. Fails: as weir_pipeline_add_last. */
WEIR_API weir_status weir_text_decoder_add(weir_pipeline *pipeline, bool repair);

WEIR_END_DECLS

#endif
