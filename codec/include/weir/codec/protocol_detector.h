/* <weir/codec/protocol_detector.h> - one port, several protocols: the first bytes decide which it is.
 *
 *     static const weir_protocol protocols[] = {
 *         {"tls", weir_protocol_is_tls, .build = build_tls},
 *         {"http/2", weir_protocol_is_http2, .build = build_http2},
 *         {"http/1", weir_protocol_is_http1, .build = build_http1},
 *     };
 *     weir_protocol_detector_add(pipeline, &(weir_protocol_detector_options){.protocols = protocols, .count = 3});
 *
 * In short: each protocol has a pure function from the first bytes to YES, NO or MORE. The first in the list
 * that is not NO decides as soon as it says YES: then its `build` adds its handlers (weir_pipeline_add_last),
 * they get `active`, the detector leaves, and all bytes that came go to them as one read. Put the detector last: it keeps
 * `active` from what is behind it, for nothing there can know yet what it is.
 *
 * When all say NO that is WEIR_E_FRAME_CORRUPT, an `error` that closes the channel unless taken. After
 * max_bytes, and when the peer ends its stream, MORE counts as NO. Nothing decided in time is
 * WEIR_E_TIMEOUT: a peer that sends nothing costs a connection no longer than that.
 *
 * Layer: codec. Needs pipeline.h, bytes.h. On the channel's loop; the functions are pure.
 */
#ifndef WEIR_CODEC_PROTOCOL_DETECTOR_H
#define WEIR_CODEC_PROTOCOL_DETECTOR_H

#include <weir/core/bytes.h>
#include <weir/transport/pipeline.h>

WEIR_BEGIN_DECLS

/* Whether it is this protocol. */
typedef enum weir_protocol_answer {
    WEIR_PROTOCOL_MORE, /* may be; more bytes will tell */
    WEIR_PROTOCOL_NO,
    WEIR_PROTOCOL_YES,
} weir_protocol_answer;

/* Whether a stream that starts like this is one of the protocol's. Borrows: arg, start. A YES and a NO stay so
 * whatever follows; so cuts do not matter. */
typedef weir_protocol_answer weir_protocol_fn(const void *arg, weir_bytes start);

typedef struct weir_protocol {
    const char *name;     /* for people */
    weir_protocol_fn *is; /* needed */
    const void *arg;      /* of `is` */
    weir_build_fn *build; /* needed: adds the handlers */
    void *build_arg;
} weir_protocol;

/* Zero means the default. */
typedef struct weir_protocol_detector_options {
    const weir_protocol *protocols; /* needed; borrowed for the pipeline's life */
    size_t count;
    size_t max_bytes;    /* looked at; 64, at most 512 */
    uint64_t timeout_ms; /* from `active` or from when it is added to an active channel; 10 000 */
    bool no_timeout;
} weir_protocol_detector_options;

/* Named "protocol_detector". */
WEIR_API extern const weir_handler weir_protocol_detector;

/* Next to the tail. Borrows: pipeline, options. Fails: WEIR_E_INVALID, and as weir_pipeline_add_last. */
WEIR_API weir_status weir_protocol_detector_add(weir_pipeline *pipeline,
                                                const weir_protocol_detector_options *options);

/* ---- weir_protocol_fn's. `arg` is unused unless it says so. Any thread ---- */

/* A TLS ClientHello in a record (RFC 8446, 5.1): 6 bytes. */
WEIR_API weir_protocol_answer weir_protocol_is_tls(const void *arg, weir_bytes start);
/* A request line of HTTP/1 (RFC 9112, 3): a method of up to 24 letters and what may start a target. Not the
 * preface of HTTP/2. */
WEIR_API weir_protocol_answer weir_protocol_is_http1(const void *arg, weir_bytes start);
/* The preface of HTTP/2 (RFC 9113, 3.4): 24 bytes. */
WEIR_API weir_protocol_answer weir_protocol_is_http2(const void *arg, weir_bytes start);
/* The PROXY protocol, version 1 ("PROXY ") or 2 (12 bytes). */
WEIR_API weir_protocol_answer weir_protocol_is_proxy(const void *arg, weir_bytes start);
/* A command in RESP, as Redis clients send it: "*", a digit. */
WEIR_API weir_protocol_answer weir_protocol_is_resp(const void *arg, weir_bytes start);
/* Starts with `arg`, a weir_bytes; with an empty one every stream does, also one that is empty. */
WEIR_API weir_protocol_answer weir_protocol_is_prefix(const void *arg, weir_bytes start);

WEIR_END_DECLS

#endif
