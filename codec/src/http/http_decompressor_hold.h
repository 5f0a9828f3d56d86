/* http_decompressor_hold.h - private: a handler behind a decompressor takes nothing for a while. That the channel's reading is
 * held does not stop what is decoded of bytes that came before.
 */
#ifndef WEIR_CODEC_HTTP_DECOMPRESSOR_HOLD_H
#define WEIR_CODEC_HTTP_DECOMPRESSOR_HOLD_H

#include <weir/transport/ctx.h>

/* Nothing more is decoded for whoever is behind, until it is let go on, in a later turn; unless the connection ends. Where
 * there is no decompressor nothing happens. Borrows: ctx. */
void http_decompressor_hold(const weir_ctx *ctx, bool holds);

#endif
