/* <weir/codec/proxy_header.h> - what a proxy says about a connection before its first byte: who really calls, and whom.
 *
 *     PROXY TCP4 192.0.2.7 198.51.100.1 56324 443 CR LF                  version 1, a line
 *     signature | version, command | family | length | addresses | TLVs      version 2
 *
 * In short: one pure function reads both versions of HAProxy's PROXY protocol (proxy-protocol.txt, sections 2.1
 * and 2.2). It is strict: a proxy that gets this wrong gets other things wrong, and a guess would be a wrong address.
 *
 * Layer: codec, pure. Needs decode.h, addr.h. Any thread.
 */
#ifndef WEIR_CODEC_PROXY_HEADER_H
#define WEIR_CODEC_PROXY_HEADER_H

#include <weir/codec/decode.h>
#include <weir/core/bytes.h>
#include <weir/transport/addr.h>

WEIR_BEGIN_DECLS

/* The longest of version 1, with its CR LF (section 2.1). */
#define WEIR_PROXY_LINE_MAX 107

/* The types of TLVs that have a name (section 2.2). */
typedef enum weir_proxy_tlv_type {
    WEIR_PROXY_TLV_ALPN = 0x01,      /* the protocol above, as in RFC 7301 */
    WEIR_PROXY_TLV_AUTHORITY = 0x02, /* the host name the client asked for (TLS SNI) */
    WEIR_PROXY_TLV_CRC32C = 0x03,    /* of the header; not compared here */
    WEIR_PROXY_TLV_NOOP = 0x04,
    WEIR_PROXY_TLV_UNIQUE_ID = 0x05,
    WEIR_PROXY_TLV_SSL =
        0x20, /* one byte of flags, four of the verification's result, then TLVs from 0x21 on */
    WEIR_PROXY_TLV_SSL_VERSION = 0x21,
    WEIR_PROXY_TLV_SSL_CN = 0x22,
    WEIR_PROXY_TLV_NETNS = 0x30,
} weir_proxy_tlv_type;

typedef struct weir_proxy_header {
    unsigned version; /* 1 or 2 */
    bool is_local;    /* the proxy calls for itself (a health check): there are no addresses */
    bool is_datagram; /* what it forwards is UDP, or datagrams of a unix socket */
    weir_addr source; /* who calls; none (len 0) when local or unknown, and the same for */
    weir_addr destination;
    /* of version 2, checked to be whole: for weir_proxy_tlv_next. Borrowed from what was parsed */
    weir_bytes tlvs;
} weir_proxy_header;

/* The header at `start` of a stream. AGAIN: it is whole, `*used` bytes long, and `*out` is filled in. MORE: it may become
 * one. FAILED: WEIR_E_FRAME_CORRUPT, or WEIR_E_FRAME_TOO_LONG when a header of version 2 is longer than `max_length`, known
 * as soon as it says so. Borrows: start, error. */
WEIR_API weir_decode weir_proxy_header_parse(weir_bytes start, size_t max_length, weir_proxy_header *out,
                                             size_t *used, weir_error *error);

/* Takes the next TLV off `rest`; false at the end, or where bytes make none. For those inside of WEIR_PROXY_TLV_SSL begin
 * behind its first five bytes. Borrows: rest, and the value. */
WEIR_API bool weir_proxy_tlv_next(weir_bytes *rest, uint8_t *type, weir_bytes *value);

WEIR_END_DECLS

#endif
