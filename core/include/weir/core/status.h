/* <weir/core/status.h> - how the world's failures are reported.
 *
 * A weir_status is 0 (WEIR_OK) or negative. Failures of the system are -errno (above -4096);
 * weir's own are below -5000 and stand in the one table here, each with a name and a sentence.
 * There is no thread-local last error. A bug in the caller is not a status: it is a WEIR_CHECK.
 *
 * Layer: core. Any thread.
 */
#ifndef WEIR_CORE_STATUS_H
#define WEIR_CORE_STATUS_H

#include <weir/core/compiler.h>

WEIR_BEGIN_DECLS

/* WEIR_OK, a negative errno, or one of weir's own below. */
typedef int weir_status;

/* X(name, number, sentence). Numbers are part of the ABI: append, never renumber. */
#define WEIR_STATUS_TABLE(X)                                                                                 \
    X(NO_MEMORY, -5001, "out of memory, or over the memory limit that was set")                              \
    X(CLOSED, -5002, "the channel is closed")                                                                \
    X(BACKPRESSURE, -5003, "too much is queued already: the write was refused")                              \
    X(TIMEOUT, -5004, "it took longer than allowed")                                                         \
    X(CANCELED, -5005, "it was canceled before it finished")                                                 \
    X(TRUNCATED, -5006, "the source ended before the length that was promised")                              \
    X(FULL, -5007, "the buffer is at its maximum capacity")                                                  \
    X(SHARED, -5009, "others share this memory: it may not be changed in place")                             \
    X(INVALID, -5010, "an argument or option has a value that makes no sense")                               \
    X(UNSUPPORTED, -5011, "this object or platform cannot do that")                                          \
    X(FRAME_TOO_LONG, -5012, "a frame is longer than the limit")                                             \
    X(FRAME_CORRUPT, -5013, "a frame contradicts its own framing")                                           \
    X(DECODER_STUCK, -5014, "a decoder produced a message without consuming input")                          \
    X(EOF, -5015, "the end of the stream came too early")                                                    \
    X(RESOLVE, -5016, "the host name could not be resolved")                                                 \
    X(LIMIT, -5017, "a configured limit was reached")                                                        \
    X(STOPPED, -5018, "the loop or server has stopped")                                                      \
    X(TLS, -5019, "the TLS handshake failed, or a record did not verify")                                    \
    X(UNTRUSTED, -5020, "the peer's certificate could not be verified")                                      \
    X(CUT_SHORT, -5021, "the connection ended without TLS's close_notify: what came may not be all")

/* WEIR_E_<name> for each row. */
typedef enum weir_status_code {
    WEIR_OK = 0,
#define WEIR_STATUS_ENUM(name, number, sentence) WEIR_E_##name = (number),
    WEIR_STATUS_TABLE(WEIR_STATUS_ENUM)
#undef WEIR_STATUS_ENUM
} weir_status_code;

/* The name of a status for programs and logs: "WEIR_E_CLOSED", "ECONNRESET", "WEIR_OK".
 * Never NULL; "E?" for a rare failure of the system, "WEIR_E_?" for a number nobody defined. Until: forever. Any thread. */
WEIR_API const char *weir_status_name(weir_status status);

/* One sentence for people, without a full stop: "connection reset by peer".
 * Never NULL. Until: forever. Any thread. */
WEIR_API const char *weir_status_text(weir_status status);

/* The failure in errno as a status; never WEIR_OK: -EIO for what errno cannot be. Any thread. */
WEIR_API weir_status weir_status_from_errno(int err);

WEIR_END_DECLS

#endif
