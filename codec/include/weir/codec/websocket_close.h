/* <weir/codec/websocket_close.h> - the codes and reasons with which a WebSocket ends.
 *
 * A close frame is empty, or has a code in two bytes and a reason in UTF-8 behind it. Codes 1005, 1006 and 1015 are
 * never on the wire: they say why there was no code.
 *
 * Source: RFC 6455 5.5.1, 7.4. Layer: codec, pure. Any thread.
 */
#ifndef WEIR_CODEC_WEBSOCKET_CLOSE_H
#define WEIR_CODEC_WEBSOCKET_CLOSE_H

#include <weir/buffer/buf.h>
#include <weir/core/bytes.h>

WEIR_BEGIN_DECLS

/* X(NAME, number): RFC 6455 7.4.1 and the IANA registry. */
#define WEIR_WEBSOCKET_CLOSE_TABLE(X)                                                                        \
    X(NORMAL, 1000)       /* done */                                                                         \
    X(GOING_AWAY, 1001)   /* the server stops, the page is left */                                           \
    X(PROTOCOL, 1002)     /* a rule of the protocol was broken */                                            \
    X(UNACCEPTABLE, 1003) /* a type of message that is not understood here */                                \
    X(NONE, 1005)         /* the peer gave no code; not on the wire */                                       \
    X(ABNORMAL, 1006)     /* the connection ended without a close frame; not on the wire */                  \
    X(BAD_DATA, 1007)     /* not what its type says: text that is no UTF-8 */                                \
    X(POLICY, 1008)       /* a rule of ours was broken */                                                    \
    X(TOO_BIG, 1009)      /* a message longer than the limit */                                              \
    X(NEEDS_EXTENSION, 1010)                                                                                 \
    X(INTERNAL, 1011) /* the server failed */                                                                \
    X(RESTART, 1012)                                                                                         \
    X(TRY_LATER, 1013)                                                                                       \
    X(BAD_GATEWAY, 1014)

/* WEIR_WEBSOCKET_CLOSE_NORMAL, ... */
typedef enum weir_websocket_close_code {
#define WEIR_WEBSOCKET_CLOSE_ENUM(name, number) WEIR_WEBSOCKET_CLOSE_##name = (number),
    WEIR_WEBSOCKET_CLOSE_TABLE(WEIR_WEBSOCKET_CLOSE_ENUM)
#undef WEIR_WEBSOCKET_CLOSE_ENUM
} weir_websocket_close_code;

/* Bytes of the longest reason. */
#define WEIR_WEBSOCKET_REASON_MOST 123

/* Whether a code may be in a close frame: 1000 to 1003, 1007 to 1014, 3000 to 4999. */
WEIR_API bool weir_websocket_close_is_valid(unsigned code);

/* Takes the payload of a close frame apart; an empty one is NONE. `reason` is a view of `payload`. Answers NULL or,
 * in a few words, what is wrong with it; `*code` is then the code to answer with. */
WEIR_API const char *weir_websocket_close_parse(weir_bytes payload, unsigned *code, weir_bytes *reason);

/* The payload of a close frame, appended to `out`: nothing for NONE; a reason that is too long is cut at the end of a
 * character. Requires: NONE or a valid code, a reason in UTF-8. Borrows: out. */
WEIR_API void weir_websocket_close_write(weir_buf *out, unsigned code, weir_bytes reason);

WEIR_END_DECLS

#endif
