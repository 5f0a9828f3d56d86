/* http_date.c - dates are read and written by place: no locale, no time zone, no libc.
 */
#include <weir/codec/http_date.h>

#include "http/http_civil.h"

/* ---- writing ---- */

enum {
    FIFTY_YEARS = 50
};

static void put_digits(char *out, unsigned count, int64_t number) {
    for (unsigned i = count; i-- > 0; number /= 10) out[i] = (char)('0' + number % 10);
}

static int64_t within_four_digits(int64_t seconds) {
    if (seconds < WEIR_HTTP_DATE_MIN) return WEIR_HTTP_DATE_MIN;
    return seconds > WEIR_HTTP_DATE_MAX ? WEIR_HTTP_DATE_MAX : seconds;
}

void weir_http_date_format(int64_t seconds, char out[WEIR_HTTP_DATE_SIZE]) {
    civil date = civil_of(within_four_digits(seconds));
    memcpy(out, "Sun, 06 Nov 1994 08:49:37 GMT", WEIR_HTTP_DATE_SIZE);
    memcpy(out, &CIVIL_DAYS[(size_t)date.weekday * 3], 3);
    put_digits(out + 5, 2, date.day);
    memcpy(out + 8, &CIVIL_MONTHS[(size_t)(date.month - 1) * 3], 3);
    put_digits(out + 12, 4, date.year);
    put_digits(out + 17, 2, date.hour);
    put_digits(out + 20, 2, date.minute);
    put_digits(out + 23, 2, date.second);
}

weir_bytes weir_http_date_line(weir_http_date_cache *self, int64_t seconds) {
    if (self->text[0] == 0 || self->seconds != seconds) {
        memcpy(self->text, "Date: ", 6);
        weir_http_date_format(seconds, self->text + 6);
        memcpy(self->text + 6 + WEIR_HTTP_DATE_SIZE, "\r\n", 2);
        self->seconds = seconds;
    }
    return weir_bytes_of(self->text, sizeof self->text);
}

/* ---- reading ---- */

/* Whether `text` looks like `shape`, in which 0 stands for a digit, _ for a space or digit, A for anything. */
static bool has_shape(weir_bytes text, const char *shape) {
    if (text.len != strlen(shape)) return false;
    for (size_t i = 0; i < text.len; i++) {
        bool is_digit = text.ptr[i] >= '0' && text.ptr[i] <= '9';
        bool fits = shape[i] == '0'   ? is_digit
                    : shape[i] == '_' ? is_digit || text.ptr[i] == ' '
                                      : shape[i] == 'A' || text.ptr[i] == (uint8_t)shape[i];
        if (!fits) return false;
    }
    return true;
}

/* A space counts as 0. */
static unsigned number_at(weir_bytes text, size_t at, size_t len) {
    unsigned number = 0;
    for (size_t i = at; i < at + len; i++) number = number * 10 + (text.ptr[i] & 15u);
    return number;
}

static void take_time(civil *date, weir_bytes text, size_t at) {
    date->hour = number_at(text, at, 2);
    date->minute = number_at(text, at + 3, 2);
    date->second = number_at(text, at + 6, 2);
}

static bool take_fixed(civil *date, weir_bytes text) {
    if (!has_shape(text, "AAA, 00 AAA 0000 00:00:00 GMT")) return false;
    date->weekday = civil_weekday(weir_bytes_sub(text, 0, 3));
    date->day = number_at(text, 5, 2);
    date->month = civil_month(weir_bytes_sub(text, 8, 3));
    date->year = number_at(text, 12, 4);
    take_time(date, text, 17);
    return true;
}

static bool take_asctime(civil *date, weir_bytes text) {
    if (!has_shape(text, "AAA AAA _0 00:00:00 0000")) return false;
    date->weekday = civil_weekday(weir_bytes_sub(text, 0, 3));
    date->month = civil_month(weir_bytes_sub(text, 4, 3));
    date->day = number_at(text, 8, 2);
    take_time(date, text, 11);
    date->year = number_at(text, 20, 4);
    return true;
}

static unsigned long_weekday(weir_bytes name) {
    static const char *const names[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                        "Thursday", "Friday", "Saturday"};
    unsigned i = 0;
    while (i < 7 && !weir_bytes_equal_str(name, names[i])) i++;
    return i;
}

/* Two digits are of this century, unless that is more than 50 years ahead: then of the one before. */
static bool take_rfc850(civil *date, weir_bytes text, int64_t now) {
    size_t comma = weir_bytes_find(text, ',');
    if (comma == WEIR_NOT_FOUND) return false;
    weir_bytes rest = weir_bytes_sub(text, comma, SIZE_MAX);
    if (!has_shape(rest, ", 00-AAA-00 00:00:00 GMT")) return false;
    date->weekday = long_weekday(weir_bytes_sub(text, 0, comma));
    date->day = number_at(rest, 2, 2);
    date->month = civil_month(weir_bytes_sub(rest, 5, 3));
    take_time(date, rest, 12);
    civil today = civil_of(within_four_digits(now));
    date->year = today.year - today.year % 100 + number_at(rest, 9, 2);
    int64_t seconds;
    int64_t limit;
    today.year += FIFTY_YEARS;
    if (today.month == 2 && today.day == 29) today.day = 28;
    if (!civil_seconds(date, &seconds) || !civil_seconds(&today, &limit)) return date->year >= 0;
    if (seconds > limit) date->year -= 100;
    return true;
}

bool weir_http_date_parse(weir_bytes text, int64_t now, int64_t *seconds) {
    civil date = {0};
    int64_t found;
    if (!take_fixed(&date, text) && !take_asctime(&date, text) && !take_rfc850(&date, text, now))
        return false;
    if (!civil_seconds(&date, &found)) return false;
    civil noon = date;
    noon.hour = 12;
    noon.minute = noon.second = 0;
    int64_t middle;
    if (!civil_seconds(&noon, &middle) || civil_of(middle).weekday != date.weekday) return false;
    *seconds = found;
    return true;
}
