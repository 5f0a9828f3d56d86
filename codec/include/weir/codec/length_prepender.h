/* <weir/codec/length_prepender.h> - a handler that puts its length in front of each message written.
 *
 *     weir_length_prepender_add(pipeline, &(weir_length_prefix_options){.length_field_length = 4});
 *
 * In short: for a buf and for a region. No byte of the message is copied: the length goes into the headroom
 * of the buf when nobody else holds it, else both are written as one composite, so that never half of
 * a frame is refused. In front of a region it is a message of its own; should the region then be refused,
 * the channel is aborted, for the peer was promised a frame. Other objects pass by untouched.
 *
 * A length that does not fit fails the write (see length_prefix.h) and writes nothing.
 *
 * Layer: codec. Needs length_prefix.h, pipeline.h.
 */
#ifndef WEIR_CODEC_LENGTH_PREPENDER_H
#define WEIR_CODEC_LENGTH_PREPENDER_H

#include <weir/codec/length_prefix.h>
#include <weir/transport/pipeline.h>

WEIR_BEGIN_DECLS

/* Named "length_prepender". */
WEIR_API extern const weir_handler weir_length_prepender;

/* Next to the tail. Borrows: pipeline, options. Fails: WEIR_E_INVALID, and as weir_pipeline_add_last. */
WEIR_API weir_status weir_length_prepender_add(weir_pipeline *pipeline,
                                               const weir_length_prefix_options *options);

WEIR_END_DECLS

#endif
