/* <weir/codec/websocket_deflate.h> - messages compressed by permessage-deflate (RFC 7692).
 *
 *     params:   Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_max_window_bits=12
 *     deflater: message or fragment -> compressed buf           inflater: compressed bytes -> buf, in pieces
 *
 * In short: both ends agree on the parameters in the handshake; then each message whose first frame has RSV1 set is a
 * raw deflate stream without its last four bytes. With context takeover a message may point back into the ones before
 * it: better compression, and 32 KiB (inflater) or 256 KiB (deflater) that a connection holds all the time. What comes
 * out is bounded by the limit on messages while it comes out, so a bomb costs no more than a plain message.
 *
 * Compressing secrets together with what an attacker chooses tells him the secrets (CRIME, BREACH): leave it off there.
 *
 * Source: RFC 7692 section 7. Layer: codec, pure. Needs zlib. One thread at a time.
 */
#ifndef WEIR_CODEC_WEBSOCKET_DEFLATE_H
#define WEIR_CODEC_WEBSOCKET_DEFLATE_H

#include <weir/buffer/pool.h>
#include <weir/codec/websocket_frame.h>

WEIR_BEGIN_DECLS

/* What we want. Zero means the default, everywhere. */
typedef struct weir_websocket_deflate_options {
    bool on;                   /* false: the extension is neither offered nor accepted */
    bool own_no_takeover;      /* we compress each message on its own */
    bool peer_no_takeover;     /* the peer is to do so: nothing is held between messages for reading */
    unsigned own_window_bits;  /* of what we compress, 9 to 15; 15 */
    unsigned peer_window_bits; /* most the peer may use, 8 to 15, where it lets us ask; 15 */
    int level;                 /* 1 (fast) to 9 (small); 6 */
    int memory_level;          /* zlib's memLevel, 1 to 9; 8 */
    size_t threshold;          /* shorter messages are sent as they are; 64 bytes */
    bool release;              /* the compressor is made for each message and held by no idle connection;
                                  implies own_no_takeover. The other is let go of as well, if the peer has no takeover */
} weir_websocket_deflate_options;

/* What was agreed on. */
typedef struct weir_websocket_deflate_params {
    bool on;
    bool own_no_takeover, peer_no_takeover;
    uint8_t own_window_bits, peer_window_bits; /* 8 to 15 */
} weir_websocket_deflate_params;

/* ---- negotiation (RFC 7692 5, 7.1). Borrows: all ---- */

/* Server: chooses the first acceptable offer in a value of Sec-WebSocket-Extensions; false when there is none. */
WEIR_API bool weir_websocket_deflate_accept(weir_websocket_deflate_params *out, weir_bytes offers,
                                            const weir_websocket_deflate_options *options);

/* Server: the answer to the offer that was accepted. Client: the offer. Appended to `out`. */
WEIR_API void weir_websocket_deflate_answer(const weir_websocket_deflate_params *params, weir_buf *out);
WEIR_API void weir_websocket_deflate_offer(const weir_websocket_deflate_options *options, weir_buf *out);

/* Client: whether the answer is one to the offer (else the connection has to fail), and what it says. */
WEIR_API bool weir_websocket_deflate_confirm(weir_websocket_deflate_params *out, weir_bytes answer,
                                             const weir_websocket_deflate_options *options);

/* ---- reading ---- */

/* Opaque: zlib's state, and when it may be let go of. */
typedef struct weir_websocket_inflater weir_websocket_inflater;

/* Borrows: params; pool for the bufs that come out (NULL: the heap). Gives: one, or NULL when out of memory. It takes
 * its big memory with the first message. With `release` it gives it back after each, where params allow. */
WEIR_API WEIR_MUST_USE weir_websocket_inflater *
weir_websocket_inflater_new(const weir_websocket_deflate_params *params, bool release, weir_pool *pool);
/* Takes: inflater, or NULL. */
WEIR_API void weir_websocket_inflater_free(weir_websocket_inflater *inflater);

/* More of the message at hand; `ends` with its last piece. What came out is appended to `out`, a composite, `most`
 * bytes at most. `*piece` moves on, and -EAGAIN says that much has come out: call again, with what is left of it, for
 * there is more. Borrows: all. Fails: WEIR_E_FRAME_TOO_LONG when there is more than `most`, WEIR_E_FRAME_CORRUPT,
 * WEIR_E_NO_MEMORY. After a failure it is only to be freed. */
WEIR_API weir_status weir_websocket_inflate(weir_websocket_inflater *inflater, weir_bytes *piece, bool ends,
                                            weir_buf *out, uint64_t most);

/* ---- writing ---- */

/* Opaque, as the inflater. */
typedef struct weir_websocket_deflater weir_websocket_deflater;

/* As weir_websocket_inflater_new. Borrows: options. */
WEIR_API WEIR_MUST_USE weir_websocket_deflater *
weir_websocket_deflater_new(const weir_websocket_deflate_params *params,
                            const weir_websocket_deflate_options *options, weir_pool *pool);
/* Takes: deflater, or NULL. */
WEIR_API void weir_websocket_deflater_free(weir_websocket_deflater *deflater);

/* A message, or with `ends` false a fragment that is not its last, compressed. There is headroom for a frame header.
 * Borrows: deflater, payload. Gives: a buf, or NULL when out of memory; then it has to forget. */
WEIR_API WEIR_MUST_USE weir_buf *weir_websocket_deflate(weir_websocket_deflater *deflater,
                                                        const weir_buf *payload, bool ends);

/* The peer does not get what was made last: nothing that is made from here on points back to what was before.
 * Borrows: deflater. */
WEIR_API void weir_websocket_deflater_forget(weir_websocket_deflater *deflater);

WEIR_END_DECLS

#endif
