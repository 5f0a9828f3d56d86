/* http_set_cookie.c - Set-Cookie: written strictly, read as browsers do.
 */
#include <inttypes.h>

#include <weir/buffer/buf_bytes.h>
#include <weir/buffer/buf_dump.h>
#include <weir/codec/http_cookie.h>
#include <weir/codec/http_date.h>

#include "http/http_civil.h"
#include "http/http_cookie_value.h"

/* RFC 6265bis 4.1.3; a browser compares these without case. */
static bool name_allows(const weir_http_set_cookie *cookie) {
    weir_bytes name = cookie->name;
    if (cookie->same_site == WEIR_HTTP_SAME_SITE_NONE && !cookie->is_secure) return false;
    if (weir_bytes_equal_nocase(weir_bytes_sub(name, 0, 9), weir_bytes_str("__Secure-")))
        return cookie->is_secure;
    if (!weir_bytes_equal_nocase(weir_bytes_sub(name, 0, 7), weir_bytes_str("__Host-"))) return true;
    return cookie->is_secure && cookie->domain.len == 0 && weir_bytes_equal_str(cookie->path, "/");
}

/* ---- writing ---- */

/* av-octets: no control byte, no semicolon, ASCII. */
static bool is_attribute(weir_bytes text) {
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < 0x20 || text.ptr[i] >= 0x7f || text.ptr[i] == ';') return false;
    }
    return true;
}

static void write_attribute(weir_buf *out, const char *name, weir_bytes value) {
    if (value.len == 0) return;
    weir_buf_write_str(out, name);
    weir_buf_write_view(out, value);
}

weir_status weir_http_set_cookie_format(const weir_http_set_cookie *cookie, weir_buf *out) {
    static const char *const same_sites[] = {"", "; SameSite=Lax", "; SameSite=Strict", "; SameSite=None"};
    if (!scan_is_token(cookie->name) || !is_cookie_value(cookie->value)) return WEIR_E_INVALID;
    if (!is_attribute(cookie->domain) || !is_attribute(cookie->path)) return WEIR_E_INVALID;
    if (cookie->same_site > WEIR_HTTP_SAME_SITE_NONE || !name_allows(cookie)) return WEIR_E_INVALID;
    weir_buf_write_view(out, cookie->name);
    weir_buf_write_str(out, "=");
    weir_buf_write_view(out, cookie->value);
    if (cookie->has_expires) {
        char date[WEIR_HTTP_DATE_SIZE];
        weir_http_date_format(cookie->expires, date);
        write_attribute(out, "; Expires=", weir_bytes_of(date, sizeof date));
    }
    if (cookie->has_max_age) {
        weir_buf_printf(out, "; Max-Age=%" PRId64, cookie->max_age < 0 ? 0 : cookie->max_age);
    }
    write_attribute(out, "; Domain=", cookie->domain);
    write_attribute(out, "; Path=", cookie->path);
    if (cookie->is_secure) weir_buf_write_str(out, "; Secure");
    if (cookie->is_http_only) weir_buf_write_str(out, "; HttpOnly");
    weir_buf_write_str(out, same_sites[cookie->same_site]);
    return weir_buf_status(out);
}

/* ---- dates as browsers read them (5.1.1) ---- */

static bool is_delimiter(uint8_t byte) {
    return byte == 0x09 || (byte >= 0x20 && byte <= 0x2f) || (byte >= 0x3b && byte <= 0x40) ||
           (byte >= 0x5b && byte <= 0x60) || (byte >= 0x7b && byte <= 0x7e);
}

/* A number of `least` to `most` digits, with anything but a digit behind it. */
static bool take_number(weir_bytes *rest, size_t least, size_t most, unsigned *number) {
    weir_bytes left = *rest;
    uint64_t value;
    if (!scan_number(&left, &value)) return false;
    size_t digits = rest->len - left.len;
    if (digits < least || digits > most) return false;
    *number = (unsigned)value;
    *rest = left;
    return true;
}

static bool take_time(weir_bytes token, civil *date) {
    civil found = *date;
    if (!take_number(&token, 1, 2, &found.hour) || !scan_byte(&token, ':')) return false;
    if (!take_number(&token, 1, 2, &found.minute) || !scan_byte(&token, ':')) return false;
    if (!take_number(&token, 1, 2, &found.second)) return false;
    *date = found;
    return true;
}

static unsigned month_of(weir_bytes token) {
    for (unsigned month = 1; token.len >= 3 && month <= 12; month++) {
        weir_bytes name = weir_bytes_of(&CIVIL_MONTHS[(size_t)(month - 1) * 3], 3);
        if (weir_bytes_equal_nocase(weir_bytes_sub(token, 0, 3), name)) return month;
    }
    return 0;
}

typedef struct cookie_date {
    civil date;
    bool has_time, has_day, has_month, has_year;
} cookie_date;

static void take_token(cookie_date *self, weir_bytes token) {
    unsigned number;
    weir_bytes rest = token;
    if (!self->has_time && take_time(token, &self->date)) {
        self->has_time = true;
    } else if (!self->has_day && take_number(&rest, 1, 2, &self->date.day)) {
        self->has_day = true;
    } else if (!self->has_month && month_of(token) != 0) {
        self->date.month = month_of(token);
        self->has_month = true;
    } else if (!self->has_year && take_number(&rest, 2, 4, &number)) {
        self->date.year = number >= 100 ? number : number >= 70 ? number + 1900 : number + 2000;
        self->has_year = true;
    }
}

static bool take_date(weir_bytes text, int64_t *seconds) {
    cookie_date self = {0};
    while (text.len != 0) {
        size_t n = 0;
        while (n < text.len && !is_delimiter(text.ptr[n])) n++;
        if (n != 0) take_token(&self, weir_bytes_sub(text, 0, n));
        scan_skip(&text, n + 1);
    }
    if (!self.has_time || !self.has_day || !self.has_month || !self.has_year) return false;
    if (self.date.year < 1601 || self.date.second > 59) return false;
    return civil_seconds(&self.date, seconds);
}

/* ---- reading ---- */

/* A number too large to be one is the largest. */
static bool take_max_age(weir_bytes text, int64_t *seconds) {
    bool is_negative = scan_byte(&text, '-');
    uint64_t number;
    if (!scan_number(&text, &number) || text.len != 0) return false;
    *seconds = is_negative ? 0 : number > INT64_MAX ? INT64_MAX : (int64_t)number;
    return true;
}

static weir_http_same_site same_site_of(weir_bytes value) {
    if (weir_bytes_equal_nocase(value, weir_bytes_str("Lax"))) return WEIR_HTTP_SAME_SITE_LAX;
    if (weir_bytes_equal_nocase(value, weir_bytes_str("Strict"))) return WEIR_HTTP_SAME_SITE_STRICT;
    if (weir_bytes_equal_nocase(value, weir_bytes_str("None"))) return WEIR_HTTP_SAME_SITE_NONE;
    return WEIR_HTTP_SAME_SITE_UNSAID;
}

static bool is_called(weir_bytes name, const char *wanted) {
    return weir_bytes_equal_nocase(name, weir_bytes_str(wanted));
}

static void take_attribute(weir_bytes text, weir_http_set_cookie *out) {
    size_t equals = weir_bytes_find(text, '=');
    weir_bytes name = weir_bytes_trim(weir_bytes_sub(text, 0, equals));
    weir_bytes value = equals == WEIR_NOT_FOUND ? weir_bytes_of(NULL, 0)
                                                : weir_bytes_trim(weir_bytes_sub(text, equals + 1, SIZE_MAX));
    if (is_called(name, "Expires")) {
        out->has_expires |= take_date(value, &out->expires);
    } else if (is_called(name, "Max-Age")) {
        out->has_max_age |= take_max_age(value, &out->max_age);
    } else if (is_called(name, "Domain")) {
        (void)scan_byte(&value, '.');
        out->domain = value;
    } else if (is_called(name, "Path")) {
        out->path = value.len != 0 && *value.ptr == '/' ? value : weir_bytes_of(NULL, 0);
    } else if (is_called(name, "Secure")) {
        out->is_secure = true;
    } else if (is_called(name, "HttpOnly")) {
        out->is_http_only = true;
    } else if (is_called(name, "SameSite")) {
        out->same_site = same_site_of(value);
    }
}

bool weir_http_set_cookie_parse(weir_bytes field, weir_http_set_cookie *out) {
    weir_http_set_cookie found = {0};
    for (size_t i = 0; i < field.len; i++) {
        if (!scan_is_text_byte(field.ptr[i])) return false;
    }
    weir_bytes text;
    if (!weir_bytes_split(&field, ';', &text)) return false;
    size_t equals = weir_bytes_find(text, '=');
    if (equals == WEIR_NOT_FOUND) return false;
    found.name = weir_bytes_trim(weir_bytes_sub(text, 0, equals));
    found.value = weir_bytes_trim(weir_bytes_sub(text, equals + 1, SIZE_MAX));
    if (found.name.len == 0) return false;
    while (weir_bytes_split(&field, ';', &text)) take_attribute(text, &found);
    if (!name_allows(&found)) return false;
    *out = found;
    return true;
}
