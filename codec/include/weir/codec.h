/* <weir/codec.h> - everything of the codec module.
 *
 * Includes the headers below and nothing else. Layer: codec (core, buffer, transport).
 */
#ifndef WEIR_CODEC_H
#define WEIR_CODEC_H

#include <weir/codec/compression.h>
#include <weir/codec/compressor.h>
#include <weir/codec/cumulation.h>
#include <weir/codec/datagram_decoder.h>
#include <weir/codec/decode.h>
#include <weir/codec/decoder.h>
#include <weir/codec/decompressor.h>
#include <weir/codec/delimiter_decoder.h>
#include <weir/codec/delimiter_framer.h>
#include <weir/codec/fixed_length_decoder.h>
#include <weir/codec/fixed_length_framer.h>
#include <weir/codec/http_access_log.h>
#include <weir/codec/http_aggregator.h>
#include <weir/codec/http_auth.h>
#include <weir/codec/http_byteranges.h>
#include <weir/codec/http_client.h>
#include <weir/codec/http_conditions.h>
#include <weir/codec/http_cookie.h>
#include <weir/codec/http_cors.h>
#include <weir/codec/http_date.h>
#include <weir/codec/http_decompressor.h>
#include <weir/codec/http_etag.h>
#include <weir/codec/http_fields.h>
#include <weir/codec/http_files.h>
#include <weir/codec/http_form.h>
#include <weir/codec/http_form_spill.h>
#include <weir/codec/http_media_type.h>
#include <weir/codec/http_message.h>
#include <weir/codec/http_mime.h>
#include <weir/codec/http_multipart.h>
#include <weir/codec/http_param.h>
#include <weir/codec/http_parser.h>
#include <weir/codec/http_part.h>
#include <weir/codec/http_path.h>
#include <weir/codec/http_percent.h>
#include <weir/codec/http_quality.h>
#include <weir/codec/http_query.h>
#include <weir/codec/http_range.h>
#include <weir/codec/http_server.h>
#include <weir/codec/http_uri.h>
#include <weir/codec/json_decoder.h>
#include <weir/codec/json_framer.h>
#include <weir/codec/length_field_decoder.h>
#include <weir/codec/length_field_framer.h>
#include <weir/codec/length_prefix.h>
#include <weir/codec/length_prepender.h>
#include <weir/codec/line_decoder.h>
#include <weir/codec/line_encoder.h>
#include <weir/codec/line_framer.h>
#include <weir/codec/message_aggregator.h>
#include <weir/codec/protocol_detector.h>
#include <weir/codec/text_decoder.h>
#include <weir/codec/tls_context.h>
#include <weir/codec/tls_engine.h>
#include <weir/codec/tls_handler.h>
#include <weir/codec/tls_identity.h>
#include <weir/codec/varint32_decoder.h>
#include <weir/codec/varint32_framer.h>
#include <weir/codec/websocket.h>
#include <weir/codec/websocket_client.h>
#include <weir/codec/websocket_close.h>
#include <weir/codec/websocket_deflate.h>
#include <weir/codec/websocket_frame.h>
#include <weir/codec/websocket_handshake.h>
#include <weir/codec/websocket_message.h>
#include <weir/codec/websocket_parser.h>
#include <weir/codec/websocket_server.h>

#endif
