/* frame_out.h - private: frames for callers that know more about the payload than weir_websocket_frame can. */
#ifndef WEIR_CODEC_WEBSOCKET_FRAME_OUT_H
#define WEIR_CODEC_WEBSOCKET_FRAME_OUT_H

#include <weir/codec/websocket_frame.h>

/* `header`, whole, in front of a payload that is masked already, when it has to be. `headroom`: what lies in front of
 * its reader is its own. Takes: payload. Gives: a buf, or NULL when out of memory. */
weir_buf *websocket_frame_in_headroom(const weir_websocket_header *header, weir_buf *payload, bool headroom,
                                      weir_pool *pool);

/* From the pool, or where there is none from the heap. */
weir_buf *websocket_get_buf(weir_pool *pool, size_t capacity);

/* The same, with headroom for a header in front of the payload. */
weir_buf *websocket_get_payload(weir_pool *pool, size_t capacity);

#endif
