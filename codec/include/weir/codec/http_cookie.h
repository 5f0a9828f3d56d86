/* <weir/codec/http_cookie.h> - cookies: those of a request read, those of a response written and read.
 *
 *     Cookie: SID=31d4d96e; lang=en-US                                     weir_http_cookie
 *     Set-Cookie: SID=31d4d96e; Path=/; Secure; HttpOnly; SameSite=Lax     weir_http_set_cookie
 *
 * What is written obeys the grammar of RFC 6265 4.1 and the rules of the names __Secure- and __Host- (RFC 6265bis); what
 * a server sent is read as leniently as browsers do (5.2).
 *
 * Layer: codec, pure. Values; any thread.
 */
#ifndef WEIR_CODEC_HTTP_COOKIE_H
#define WEIR_CODEC_HTTP_COOKIE_H

#include <weir/buffer/buf.h>
#include <weir/core/bytes.h>

WEIR_BEGIN_DECLS

/* One pair of a Cookie field; the value without the quotes that may stand around it. */
typedef struct weir_http_cookie {
    weir_bytes name, value;
} weir_http_cookie;

/* The next pair of a Cookie field that is one (4.2.1). What is none is passed over: it may come from another site of
 * the same domain, and must not lock its user out. False at the end. Borrows: rest. */
WEIR_API bool weir_http_cookie_next(weir_bytes *rest, weir_http_cookie *out);

/* The first pair with that name, which has a case; false when there is none. */
WEIR_API bool weir_http_cookie_find(weir_bytes field, const char *name, weir_http_cookie *out);

/* All pairs, strictly; they view `field`. `*count` is the room in `list`, then how many there are. Borrows: list, count.
 * Fails: WEIR_E_INVALID when one is none, WEIR_E_LIMIT when there is no room; `*count` are good. */
WEIR_API weir_status weir_http_cookie_parse(weir_bytes field, weir_http_cookie *list, size_t *count);

/* Appends "name=value", behind "; " when `out` holds pairs already. Borrows: out.
 * Fails, writing nothing: WEIR_E_INVALID for a name that is no token or a value that has other bytes than a cookie may. */
WEIR_API weir_status weir_http_cookie_format(const weir_http_cookie *cookie, weir_buf *out);

/* When a cookie goes to a site from pages of another. */
typedef enum weir_http_same_site {
    WEIR_HTTP_SAME_SITE_UNSAID, /* as the browser likes: most take it for Lax */
    WEIR_HTTP_SAME_SITE_LAX,
    WEIR_HTTP_SAME_SITE_STRICT,
    WEIR_HTTP_SAME_SITE_NONE, /* needs is_secure */
} weir_http_same_site;

typedef struct weir_http_set_cookie {
    weir_bytes name, value;
    weir_bytes domain, path; /* empty: none */
    bool has_expires, has_max_age;
    int64_t expires; /* seconds since 1970 */
    int64_t max_age; /* seconds from now; 0 or less: forget it */
    bool is_secure, is_http_only;
    weir_http_same_site same_site;
} weir_http_set_cookie;

/* Appends the value of a Set-Cookie field. Borrows: cookie, out. Fails, writing nothing: WEIR_E_INVALID for bytes that
 * may not be there, a __Secure- name without is_secure, a __Host- name without is_secure and the path "/" or with a
 * domain, and for SameSite=None without is_secure. */
WEIR_API weir_status weir_http_set_cookie_format(const weir_http_set_cookie *cookie, weir_buf *out);

/* Reads the value of a Set-Cookie field as RFC 6265 5.2 says, so attributes that are not understood are passed over. False,
 * changing nothing, when a browser would not take it either: no name, a control byte, the rules of its name broken. */
WEIR_API bool weir_http_set_cookie_parse(weir_bytes field, weir_http_set_cookie *out);

WEIR_END_DECLS

#endif
