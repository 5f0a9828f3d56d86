/* <weir/codec/http_conditions.h> - what the If- fields of a request make of it, in the order RFC 9110 asks for.
 *
 *     If-Match           none of these            -> 412
 *     If-Unmodified-Since   changed since         -> 412      without If-Match only
 *     If-None-Match      one of these             -> 304 for GET and HEAD, else 412
 *     If-Modified-Since     not changed since     -> 304      GET and HEAD, without If-None-Match only
 *     If-Range           another version          -> the whole, whatever Range says
 *
 * Ask only when the answer without conditions would be 2xx (13.2.1).
 *
 * Source: RFC 9110 13. Layer: codec, pure. Values; any thread.
 */
#ifndef WEIR_CODEC_HTTP_CONDITIONS_H
#define WEIR_CODEC_HTTP_CONDITIONS_H

#include <weir/codec/http_etag.h>

WEIR_BEGIN_DECLS

/* What the resource is now. */
typedef struct weir_http_validators {
    bool is_missing; /* there is nothing yet: "*" does not match */
    weir_http_etag etag;
    bool has_last_modified;
    int64_t last_modified; /* seconds since 1970 */
} weir_http_validators;

/* The values of the request; ptr NULL: it has no such field. Several If-Match or If-None-Match fields are to be joined
 * with commas. */
typedef struct weir_http_conditions {
    weir_bytes if_match, if_unmodified_since, if_none_match, if_modified_since, if_range;
} weir_http_conditions;

typedef enum weir_http_verdict {
    WEIR_HTTP_PROCEED,             /* as if there were no conditions; a Range counts */
    WEIR_HTTP_IGNORE_RANGE,        /* proceed with the whole */
    WEIR_HTTP_NOT_MODIFIED,        /* 304 */
    WEIR_HTTP_PRECONDITION_FAILED, /* 412 */
} weir_http_verdict;

/* The verdict on a request of this method. `now` (seconds since 1970) tells the century of an RFC 850 date, and whether
 * last_modified is old enough to be a strong validator (8.8.2.2). A date that is none is as if it were absent; a list
 * of tags that is none holds no tag, and when it is an If-None-Match of a method that changes something, the verdict is
 * PRECONDITION_FAILED: nothing is overwritten on a condition that nobody could read. Borrows: all. */
WEIR_API weir_http_verdict weir_http_conditions_check(const weir_http_conditions *conditions,
                                                      weir_bytes method, const weir_http_validators *now_is,
                                                      int64_t now);

/* Whether a Range counts in spite of If-Range (13.1.5): the tag is the same and strong, or the date is exactly
 * last_modified and that is at least a second before `now`. Borrows: now_is. */
WEIR_API bool weir_http_if_range_holds(weir_bytes if_range, const weir_http_validators *now_is, int64_t now);

WEIR_END_DECLS

#endif
