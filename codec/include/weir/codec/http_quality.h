/* <weir/codec/http_quality.h> - what a client would rather have: Accept, Accept-Encoding, Accept-Language.
 *
 *     Accept-Encoding: br, gzip;q=0.8, *;q=0      br 1000   gzip 800   identity 0
 *
 * In short: a function for each field answers how much the client wants one thing, from 0 (not acceptable) to 1000;
 * weir_http_quality_choose asks it for each thing the server has.
 *
 *     static const char *const offers[] = {"br", "gzip", "identity"};        the server's order decides a tie
 *     size_t best = weir_http_quality_choose(weir_http_quality_coding, field, offers, 3);
 *
 * Source: RFC 9110 12.4.2, 12.5. Layer: codec, pure. Values; any thread.
 */
#ifndef WEIR_CODEC_HTTP_QUALITY_H
#define WEIR_CODEC_HTTP_QUALITY_H

#include <weir/core/bytes.h>

WEIR_BEGIN_DECLS

/* Wanted as much as can be; weights have three digits behind the point. */
#define WEIR_HTTP_QUALITY_MAX 1000u

/* One element of such a list. */
typedef struct weir_http_weighted {
    weir_bytes value; /* without its weight; of an Accept element with the parameters in front of it */
    unsigned quality; /* 0 to 1000 */
} weir_http_weighted;

/* The next element of `*rest` that is one; what is none is passed over. False at the end. Borrows: rest. */
WEIR_API bool weir_http_quality_next(weir_bytes *rest, weir_http_weighted *out);

/* How much a client that sent `field` wants `offer`, 0 to 1000. A field with ptr NULL is absent. */
typedef unsigned weir_http_quality_fn(weir_bytes field, weir_bytes offer);

/* Accept and a media type: the most exact range counts (12.5.1); absent: anything is welcome. */
WEIR_API unsigned weir_http_quality_media_type(weir_bytes field, weir_bytes offer);

/* Accept-Encoding and a content coding (12.5.3). "identity", no coding, is acceptable unless `identity;q=0` or
 * `*;q=0` says otherwise, least of all when it is not named; x-gzip is gzip, x-compress compress. Absent: identity
 * only, though others would be allowed, for who does not ask seldom decodes. */
WEIR_API unsigned weir_http_quality_coding(weir_bytes field, weir_bytes offer);

/* Accept-Language and a language tag: the longest range that is the tag or a prefix of it up to a hyphen (RFC 4647
 * 3.3.1), else `*`; absent: anything. */
WEIR_API unsigned weir_http_quality_language(weir_bytes field, weir_bytes offer);

/* Accept-Charset and the like: the same token without case, else `*`; absent: anything. */
WEIR_API unsigned weir_http_quality_token(weir_bytes field, weir_bytes offer);

/* Which of `offers` is wanted most, the first of those wanted alike; WEIR_NOT_FOUND: none is acceptable (406).
 * Borrows: offers. */
WEIR_API size_t weir_http_quality_choose(weir_http_quality_fn *quality, weir_bytes field,
                                         const char *const *offers, size_t count);

WEIR_END_DECLS

#endif
