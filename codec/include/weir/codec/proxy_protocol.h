/* <weir/codec/proxy_protocol.h> - behind HAProxy and its kin: each connection begins with a line that says who calls.
 *
 *     static const char *const rules[] = {"allow 10.0.0.0/24", "deny all"};
 *     weir_ip_filter_new(&balancers, rules, 2, NULL);
 *     ...
 *     weir_proxy_protocol_add(pipeline, &(weir_proxy_protocol_options){.trusted = balancers});
 *     weir_pipeline_add_last(pipeline, &mine, NULL);
 *
 * In short: the handler reads the header (proxy_header.h), keeps it with the channel, and leaves; what is behind
 * it gets `active` only then, so it never runs without knowing the caller, and all bytes behind the header as one read.
 * Put it first, before TLS.
 *
 * A header is a claim, and anybody can write one: `trusted` says whose is believed. A trusted peer must send one: whether
 * one comes is agreed, not guessed. Anybody else is refused with -EACCES, or, with `others_pass`, served as who they are.
 * What is no header is WEIR_E_FRAME_CORRUPT, one that is too long WEIR_E_FRAME_TOO_LONG, one that is not there in time
 * WEIR_E_TIMEOUT: each an `error` that closes the channel unless taken.
 *
 * Layer: codec. Needs proxy_header.h, ip_filter.h. On the channel's loop.
 */
#ifndef WEIR_CODEC_PROXY_PROTOCOL_H
#define WEIR_CODEC_PROXY_PROTOCOL_H

#include <weir/codec/proxy_header.h>
#include <weir/transport/ip_filter.h>
#include <weir/transport/pipeline.h>

WEIR_BEGIN_DECLS

/* Zero means the default. */
typedef struct weir_proxy_protocol_options {
    /* whose header is believed; NULL: everybody's, for ports only proxies can reach. Borrowed for the
     * pipeline's life */
    const weir_ip_filter *trusted;
    bool others_pass;    /* who is not trusted is served without a header; false: refused */
    size_t max_length;   /* of a header of version 2; 2048, at most 4096 */
    uint64_t timeout_ms; /* from `active` or from when it is added to an active channel; 10 000 */
    bool no_timeout;
} weir_proxy_protocol_options;

/* Named "proxy_protocol". */
WEIR_API extern const weir_handler weir_proxy_protocol;

/* Next to the tail. Borrows: pipeline, options. Fails: WEIR_E_INVALID, and as weir_pipeline_add_last. */
WEIR_API weir_status weir_proxy_protocol_add(weir_pipeline *pipeline,
                                             const weir_proxy_protocol_options *options);

/* What the proxy said, or NULL when nothing was (yet). Borrows: channel, and the answer for its life. */
WEIR_API const weir_proxy_header *weir_proxy_protocol_header(const weir_channel *channel);

/* Who calls: the source a proxy named, or else the other end of the socket. Borrows: channel. */
WEIR_API void weir_proxy_protocol_remote_addr(const weir_channel *channel, weir_addr *out);

WEIR_END_DECLS

#endif
