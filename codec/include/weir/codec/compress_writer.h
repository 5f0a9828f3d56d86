/* <weir/codec/compress_writer.h> - what a handler writes, compressed on its way out, in order; for handlers of your own.
 *
 *     write, pass, flush, end, close  -->  [ line ] --> [ compressor ] -->  weir_ctx_write
 *                                              a region is in front: the rest waits
 *
 * In short: the outbound half of a handler that compresses, without its protocol; compressor_handler.h and
 * http_compressor.h are made of it. Bufs and composites are compressed at once. A region is read in chunks while the
 * channel is writable, up to 256 KiB a turn; meanwhile what is written behind it waits.
 *
 *     Sync      What was written leaves at the next flush or, together, at the end of the loop turn, as without
 *               compression: then the peer can decode all of it.
 *     Promises  complete when the last byte they stand for has left, so not before that flush.
 *     Limits    What waits behind a region is at most 16 MiB of memory; beyond, a write fails with WEIR_E_BACKPRESSURE, and
 *               without memory to wait in with WEIR_E_NO_MEMORY: nothing of it is sent.
 *     Failure   A stream with a hole would be taken for another one: when memory runs out in the middle of a write, a region
 *               is cut short, or a piece is refused, the channel is aborted.
 *
 * A handler calls `pump` when writable_changed, `fail` when inactive, `error` in its error slot, and frees it when removed;
 * then it passes the event on.
 *
 * Layer: codec. Needs compressor.h. On the channel's loop.
 */
#ifndef WEIR_CODEC_COMPRESS_WRITER_H
#define WEIR_CODEC_COMPRESS_WRITER_H

#include <weir/codec/compressor.h>
#include <weir/transport/ctx.h>

WEIR_BEGIN_DECLS

/* Opaque: the line of one handler. */
typedef struct weir_compress_writer weir_compress_writer;

/* One that passes bytes as they are until `begin`. Gives: it, or NULL when out of memory. */
WEIR_API WEIR_MUST_USE weir_compress_writer *weir_compress_writer_new(void);

/* In `added`: it writes from `ctx`. Borrows: writer; ctx, until it is freed. */
WEIR_API void weir_compress_writer_start(weir_compress_writer *writer, weir_ctx *ctx);

/* Takes: writer, or NULL. What waits is released; its promises fail with WEIR_E_CANCELED. */
WEIR_API void weir_compress_writer_free(weir_compress_writer *writer);

/* ---- in order. Borrows: writer. Takes: compressor, msg, promise (may be NULL) ---- */

/* From here on bytes go through `compressor`; NULL: they go as they are. What the last one held is dropped: end it. Calls
 * nobody. */
WEIR_API void weir_compress_writer_begin(weir_compress_writer *writer, weir_compressor *compressor);

/* A buf or a region, compressed. Anything else goes as it is, behind all that came before. False: it was refused. */
WEIR_API bool weir_compress_writer_write(weir_compress_writer *writer, weir_obj *msg, weir_promise *promise);

/* As it is. */
WEIR_API bool weir_compress_writer_pass(weir_compress_writer *writer, weir_obj *msg, weir_promise *promise);

/* Sync, and a flush of the channel. */
WEIR_API void weir_compress_writer_flush(weir_compress_writer *writer);

/* The end of the compressed stream, and `msg` as it is behind it. Then bytes go as they are, until the next begin. */
WEIR_API bool weir_compress_writer_end(weir_compress_writer *writer, weir_obj *msg, weir_promise *promise);

/* Behind all of it, the end of the compressed stream too. */
WEIR_API void weir_compress_writer_shutdown(weir_compress_writer *writer, weir_promise *promise);
WEIR_API void weir_compress_writer_close(weir_compress_writer *writer, weir_promise *promise);

/* ---- told by the handler. Borrows: writer, error ---- */

/* The channel may be writable again. */
WEIR_API void weir_compress_writer_pump(weir_compress_writer *writer);

/* The channel has ended: what waits fails with `why`. */
WEIR_API void weir_compress_writer_fail(weir_compress_writer *writer, weir_status why);

/* An error event passes by: it may be that of a piece which was refused. */
WEIR_API void weir_compress_writer_error(weir_compress_writer *writer, const weir_error *error);

WEIR_END_DECLS

#endif
