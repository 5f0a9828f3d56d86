/* <weir/codec/http_date.h> - the dates of HTTP, to and from seconds since 1970.
 *
 *     Sun, 06 Nov 1994 08:49:37 GMT       IMF-fixdate, what is written
 *     Sunday, 06-Nov-94 08:49:37 GMT      RFC 850, read
 *     Sun Nov  6 08:49:37 1994            asctime, read
 *
 * No locale, no time zone, no clock: what time it is now is passed in. Dates are read strictly: by place, in the case
 * shown, on a day that exists, and the name of the day must be its own.
 *
 * Source: RFC 9110 5.6.7. Layer: codec, pure. Any thread.
 */
#ifndef WEIR_CODEC_HTTP_DATE_H
#define WEIR_CODEC_HTTP_DATE_H

#include <weir/core/bytes.h>

WEIR_BEGIN_DECLS

/* Bytes of an IMF-fixdate; there is no NUL behind them. */
#define WEIR_HTTP_DATE_SIZE 29

/* The first and the last second of the years 0000 to 9999: what can be written. */
#define WEIR_HTTP_DATE_MIN INT64_C(-62167219200)
#define WEIR_HTTP_DATE_MAX INT64_C(253402300799)

/* Writes an IMF-fixdate. What lies before or behind the years 0000 to 9999 is written as their first or last second.
 * Borrows: out. */
WEIR_API void weir_http_date_format(int64_t seconds, char out[WEIR_HTTP_DATE_SIZE]);

/* Reads any of the three forms; all of `text` must be the date. `now` decides the century of an RFC 850 year: one that
 * seems to be more than 50 years ahead is past. False, leaving `*seconds` alone, when it is none. */
WEIR_API bool weir_http_date_parse(weir_bytes text, int64_t now, int64_t *seconds);

/* A date that is formatted once a second. All zero to begin with; one thread, so one a loop. */
typedef struct weir_http_date_cache {
    int64_t seconds;
    char text[6 + WEIR_HTTP_DATE_SIZE + 2];
} weir_http_date_cache;

/* "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n". Borrows: self. Until: the next call. */
WEIR_API weir_bytes weir_http_date_line(weir_http_date_cache *self, int64_t seconds);

WEIR_END_DECLS

#endif
