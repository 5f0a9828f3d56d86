/* <weir/codec/websocket_frame.h> - the header in front of a WebSocket frame, and the mask over its payload.
 *
 *      0               1               2 ..                     then
 *     |F|R|R|R| opcode |M| length 7    | 0, 2 or 8 bytes more  | 4 bytes of mask when M | payload
 *
 * In short: a header is a value that is read from bytes and written to bytes; a payload is masked, and unmasked, by
 * one and the same exclusive or (RFC 6455 5.3). Frames to a server are masked with a key that nobody can guess, so
 * that a page cannot choose the bytes on the wire; frames to a client are not.
 *
 * Source: RFC 6455 section 5. Layer: codec, pure. Any thread.
 */
#ifndef WEIR_CODEC_WEBSOCKET_FRAME_H
#define WEIR_CODEC_WEBSOCKET_FRAME_H

#include <weir/buffer/buf.h>
#include <weir/buffer/pool.h>
#include <weir/core/bytes.h>
#include <weir/core/status.h>

WEIR_BEGIN_DECLS

/* RFC 6455 11.8; 3 to 7 and 11 to 15 are not in use. */
typedef enum weir_websocket_opcode {
    WEIR_WEBSOCKET_CONTINUATION = 0,
    WEIR_WEBSOCKET_TEXT = 1,
    WEIR_WEBSOCKET_BINARY = 2,
    WEIR_WEBSOCKET_CLOSE = 8,
    WEIR_WEBSOCKET_PING = 9,
    WEIR_WEBSOCKET_PONG = 10
} weir_websocket_opcode;

/* Which end of the connection we are. */
typedef enum weir_websocket_role {
    WEIR_WEBSOCKET_SERVER, /* reads masked frames, writes plain ones */
    WEIR_WEBSOCKET_CLIENT  /* the other way round */
} weir_websocket_role;

/* Bytes of the longest header. */
#define WEIR_WEBSOCKET_HEADER_MOST 14
/* Payload bytes of the longest control frame. */
#define WEIR_WEBSOCKET_CONTROL_MOST 125
/* The bit of `reserved` that permessage-deflate uses (RFC 7692 6). */
#define WEIR_WEBSOCKET_COMPRESSED 4

/* What stands in front of a payload. */
typedef struct weir_websocket_header {
    uint64_t length;  /* of the payload */
    uint8_t opcode;   /* a weir_websocket_opcode, or one that is not in use */
    uint8_t reserved; /* RSV1 is 4, RSV2 is 2, RSV3 is 1 */
    bool final;       /* no more fragments of this message follow */
    bool masked;      /* the payload is, with `mask` */
    uint8_t mask[4];  /* as on the wire, when masked */
    uint8_t size;     /* bytes it had where it was read from; not looked at for writing */
} weir_websocket_header;

/* Whether frames of this opcode are control frames. */
static inline bool weir_websocket_is_control(unsigned opcode) {
    return (opcode & 8) != 0;
}

/* Reads what stands at the beginning of `bytes`, whatever it says, see check. Answers how many bytes it has, 0 when
 * they are not all there; of two bytes that are there all but length and mask are known even then. Borrows: out. */
WEIR_API size_t weir_websocket_header_read(weir_websocket_header *out, weir_bytes bytes);

/* The rule of RFC 6455 5.2, 5.4 or 5.5 that a header which was read breaks, in a few words; NULL: none.
 * `role` is the reader's; `reserved` has the bits that extensions allow. Until: forever. */
WEIR_API const char *weir_websocket_header_check(const weir_websocket_header *header,
                                                 weir_websocket_role role, unsigned reserved);

/* How many bytes it takes in the shortest encoding, and writing these to `out`, which has room for
 * WEIR_WEBSOCKET_HEADER_MOST. Requires: length < 2^63. Borrows: header, out. */
WEIR_API size_t weir_websocket_header_size(const weir_websocket_header *header);
WEIR_API size_t weir_websocket_header_write(const weir_websocket_header *header, uint8_t *out);

/* Masks or unmasks `n` bytes in place. `at` is how far into the payload they begin. Borrows: bytes, mask (4). */
WEIR_API void weir_websocket_mask(uint8_t *bytes, size_t n, const uint8_t *mask, size_t at);

/* Masks or unmasks all readable bytes of a buf in place. Requires: it is writable, and nobody else sees it. */
WEIR_API void weir_websocket_mask_buf(weir_buf *buf, const uint8_t *mask);

/* A frame: `payload` behind its header, whose length is filled in and, when `masked`, whose payload is masked.
 * The header goes into headroom of the payload that nobody else sees, or else in a part of its own; only a payload
 * that must be masked and that others see is copied. Borrows: header. Takes: payload (NULL gives NULL).
 * `pool` is for that part (NULL: the heap). Gives: a buf, or NULL when out of memory. */
WEIR_API WEIR_MUST_USE weir_buf *weir_websocket_frame(const weir_websocket_header *header, weir_buf *payload,
                                                      weir_pool *pool);

/* Keys for masks (RFC 6455 10.3): random bytes of the system, sixteen keys a call. A value, all zero to begin with. */
typedef struct weir_websocket_keys {
    uint8_t bytes[64];
    uint8_t left; /* of these */
} weir_websocket_keys;

/* The next key. Borrows: keys, out (4 bytes). Fails: what getrandom(2) said. */
WEIR_API weir_status weir_websocket_keys_next(weir_websocket_keys *keys, uint8_t *out);

WEIR_END_DECLS

#endif
