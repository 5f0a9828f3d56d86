/* http_civil.c - the calendar. Counted from the 1st of March, so that the odd day is the last of a year; the
 * arithmetic is that of "chrono-compatible low-level date algorithms" (Hinnant).
 */
#include "http/http_civil.h"

enum {
    DAY = 86400,
    DAYS_OF_400_YEARS = 146097,
    DAYS_TO_1970 = 719468 /* from 0000-03-01 */
};

static int64_t divide_down(int64_t number, int64_t by) {
    return number / by - (number % by < 0 ? 1 : 0);
}

static int64_t days_of(int64_t year, unsigned month, unsigned day) {
    year -= month <= 2 ? 1 : 0;
    int64_t era = divide_down(year, 400);
    int64_t of_era = year - era * 400;
    int64_t of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    return era * DAYS_OF_400_YEARS + of_era * 365 + of_era / 4 - of_era / 100 + of_year - DAYS_TO_1970;
}

civil civil_of(int64_t seconds) {
    int64_t days = divide_down(seconds, DAY);
    unsigned time = (unsigned)(seconds - days * DAY);
    int64_t shifted = days + DAYS_TO_1970;
    int64_t era = divide_down(shifted, DAYS_OF_400_YEARS);
    int64_t of_era = shifted - era * DAYS_OF_400_YEARS;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    unsigned month = (unsigned)((5 * of_year + 2) / 153);
    civil date = {
        .month = month < 10 ? month + 3 : month - 9,
        .day = (unsigned)(of_year - (153 * month + 2) / 5 + 1),
        .hour = time / 3600,
        .minute = time / 60 % 60,
        .second = time % 60,
        .weekday = (unsigned)(days + 4 - divide_down(days + 4, 7) * 7),
    };
    date.year = year + era * 400 + (date.month <= 2 ? 1 : 0);
    return date;
}

static unsigned days_in_month(int64_t year, unsigned month) {
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (month == 2) return is_leap ? 29 : 28;
    return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

bool civil_seconds(const civil *date, int64_t *out) {
    if (date->month < 1 || date->month > 12 || date->day < 1) return false;
    if (date->day > days_in_month(date->year, date->month)) return false;
    if (date->hour > 23 || date->minute > 59 || date->second > 60) return false;
    int64_t time = (int64_t)date->hour * 3600 + (int64_t)date->minute * 60 + date->second;
    *out = days_of(date->year, date->month, date->day) * DAY + time;
    return true;
}

static unsigned index_of(const char *names, weir_bytes name) {
    unsigned i = 0;
    while (names[i * 3] != 0 && !weir_bytes_equal(name, weir_bytes_of(names + (size_t)i * 3, 3))) i++;
    return i;
}

unsigned civil_month(weir_bytes name) {
    return (index_of(CIVIL_MONTHS, name) + 1) % 13;
}

unsigned civil_weekday(weir_bytes name) {
    return index_of(CIVIL_DAYS, name);
}
