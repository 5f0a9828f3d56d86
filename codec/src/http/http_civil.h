/* http_civil.h - private: seconds since 1970 and the calendar (proleptic Gregorian, UTC, no leap seconds).
 */
#ifndef WEIR_CODEC_HTTP_CIVIL_H
#define WEIR_CODEC_HTTP_CIVIL_H

#include <weir/core/bytes.h>

typedef struct civil {
    int64_t year;
    unsigned month, day; /* 1 to 12, 1 to 31 */
    unsigned hour, minute, second;
    unsigned weekday; /* 0: Sunday */
} civil;

#define CIVIL_MONTHS "JanFebMarAprMayJunJulAugSepOctNovDec"
#define CIVIL_DAYS "SunMonTueWedThuFriSat"

/* The day and time that are `seconds` after 1970 began. Requires: a year that fits into 32 bits. */
civil civil_of(int64_t seconds);

/* False when there is no such day or time; second 60 is the leap second, taken for the one after 59.
 * weekday is not looked at. */
bool civil_seconds(const civil *date, int64_t *out);

/* 1 to 12 for "Jan" to "Dec", else 0; 0 to 6 for "Sun" to "Sat", else 7. Case counts. */
unsigned civil_month(weir_bytes name);
unsigned civil_weekday(weir_bytes name);

#endif
