/* fuzz_config.c - what people write into configurations: addresses, rules, numbers, the environment of systemd. Anything
 * may be in it, and what is taken must mean the same when it is written and read again. The first byte selects.
 */
#include <string.h>
#include <unistd.h>

#include <weir/codec/protocol_detector.h>
#include <weir/core/log.h>
#include <weir/transport/addr.h>
#include <weir/transport/ip_filter.h>
#include <weir/transport/listen_fds.h>

#include "fuzz/fuzz.h"

enum {
    TEXT_MOST = 2000,
    RULES_MOST = 8
};

/* ---- addresses ---- */

static void same_when_written(const weir_addr *addr) {
    char text[WEIR_ADDR_TEXT], host[WEIR_ADDR_TEXT];
    unsigned port;
    weir_addr again;
    const char *written = weir_addr_format(addr, text);
    MUST(strlen(written) < WEIR_ADDR_TEXT);
    MUST(weir_addr_split(written, host, sizeof host, &port) == WEIR_OK);
    MUST(weir_addr_parse(&again, host, port) == WEIR_OK);
    MUST(weir_addr_equal(addr, &again) && weir_addr_port(addr) == weir_addr_port(&again));
}

static void try_host(char *text, size_t n) {
    weir_addr addr;
    unsigned port = n > 2 ? (unsigned)(uint8_t)text[n - 1] << 8 | (uint8_t)text[n - 2] : 80;
    if (weir_addr_parse(&addr, text, port) == WEIR_OK) same_when_written(&addr);
}

static void try_host_and_port(char *text, size_t n) {
    char host[64];
    unsigned port = 0;
    size_t room = n == 0 ? 0 : (uint8_t)text[0] % sizeof host;
    memset(host, 1, sizeof host);
    if (room == 0 || weir_addr_split(text + 1, host, room, &port) != WEIR_OK) return;
    MUST(memchr(host, '\0', room) != NULL && port <= 65535);
    weir_addr addr;
    if (weir_addr_parse(&addr, host, port) == WEIR_OK) same_when_written(&addr);
}

/* ---- rules ---- */

static bool allows(const weir_ip_filter *filter, const char *host) {
    weir_addr addr;
    MUST(weir_addr_parse(&addr, host, 1) == WEIR_OK);
    return weir_ip_filter_allows(filter, &addr);
}

/* An address inside of a rule is what that rule is about. */
static void meets_itself(const char *rule) {
    char host[64];
    weir_addr addr;
    weir_ip_filter *filter;
    const char *const rules[] = {rule, "deny all"};
    weir_bytes text = weir_bytes_str(rule), verb, operand;
    text = weir_bytes_trim(text);
    weir_bytes_split(&text, ' ', &verb);
    operand = weir_bytes_trim(text);
    operand = weir_bytes_sub(operand, 0, weir_bytes_find(operand, '/'));
    if (!weir_bytes_equal_str(verb, "allow") || operand.len == 0 || operand.len >= sizeof host) return;
    memcpy(host, operand.ptr, operand.len);
    host[operand.len] = '\0';
    if (weir_addr_parse(&addr, host, 1) != WEIR_OK) return;
    MUST(weir_ip_filter_new(&filter, rules, 2, NULL) == WEIR_OK);
    MUST(weir_ip_filter_allows(filter, &addr));
    weir_ip_filter_release(filter);
}

static void try_rules(char *text, size_t n) {
    const char *rules[RULES_MOST];
    size_t count = 0, wrong = 0;
    for (char *rest = text; rest < text + n && count < RULES_MOST; rest += strlen(rest) + 1) {
        rest[strcspn(rest, "\n")] = '\0';
        rules[count++] = rest;
    }
    weir_ip_filter *filter;
    weir_status status = weir_ip_filter_new(&filter, rules, count, &wrong);
    if (status != WEIR_OK) {
        MUST(status == WEIR_E_INVALID && wrong < count && filter == NULL);
        return;
    }
    MUST(allows(filter, "10.1.2.3") == allows(filter, "::ffff:10.1.2.3"));
    (void)allows(filter, "2001:db8::1");
    weir_ip_filter_release(filter);
    if (count > 0) meets_itself(rules[0]);
}

/* ---- inherited sockets: nothing is adopted, for there is no room ---- */

static void try_listen_fds(char *text, size_t n) {
    int fds[1];
    size_t count = 1;
    char pid[32];
    char *end = text + n, *rest = text;
    snprintf(pid, sizeof pid, "%ld", (long)getpid());
    setenv("LISTEN_FDS", rest, 1);
    rest += strlen(rest) + 1;
    setenv("LISTEN_PID", rest < end && *rest != '=' ? rest : pid, 1);
    rest += rest < end ? strlen(rest) + 1 : 0;
    unsetenv("LISTEN_FDNAMES");
    if (rest < end) setenv("LISTEN_FDNAMES", rest, 1);
    weir_status status = weir_listen_fds(NULL, fds, 0, &count);
    MUST(count == 0);
    MUST(status == WEIR_OK || status == WEIR_E_INVALID || status == WEIR_E_LIMIT);
}

/* ---- numbers, against the C library ---- */

static bool are_digits(weir_bytes text, const char *digits) {
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\0' || strchr(digits, text.ptr[i]) == NULL) return false;
    }
    return text.len > 0;
}

/* By way of a wider number; false when it is none or does not fit. */
static bool number_of(weir_bytes text, unsigned base, uint64_t most, uint64_t *out) {
    __extension__ unsigned __int128 value = 0;
    for (size_t i = 0; i < text.len; i++) {
        char digit[] = {(char)text.ptr[i], '\0'};
        value = value * base + strtoul(digit, NULL, (int)base);
        if (value > most) return false;
    }
    *out = (uint64_t)value;
    return true;
}

static void try_numbers(char *chars, size_t n) {
    weir_bytes text = weir_bytes_of(chars, n);
    uint64_t number = 7, expected = 7;
    bool is_one = are_digits(text, "0123456789") && number_of(text, 10, UINT64_MAX, &expected);
    MUST(weir_bytes_to_u64(text, &number) == is_one && number == expected);

    bool is_hex = n <= 16 && are_digits(text, "0123456789abcdefABCDEF");
    number = expected = 7;
    if (is_hex) MUST(number_of(text, 16, UINT64_MAX, &expected));
    MUST(weir_bytes_hex_to_u64(text, &number) == is_hex && number == expected);

    int64_t whole = 7;
    bool is_negative = n > 0 && chars[0] == '-';
    weir_bytes digits = weir_bytes_sub(text, is_negative ? 1 : 0, n);
    expected = 7;
    is_one = are_digits(digits, "0123456789") &&
             number_of(digits, 10, (uint64_t)INT64_MAX + (is_negative ? 1 : 0), &expected);
    MUST(weir_bytes_to_i64(text, &whole) == is_one);
    MUST((uint64_t)whole == (is_one && is_negative ? 0 - expected : expected));
}

/* ---- views ---- */

static void try_views(char *chars, size_t n) {
    weir_bytes text = weir_bytes_of(chars, n), rest = text, piece, needle;
    size_t pieces = 0, bytes = 0;
    while (weir_bytes_split(&rest, ',', &piece)) {
        pieces++;
        bytes += piece.len;
        MUST(weir_bytes_find(piece, ',') == WEIR_NOT_FOUND);
    }
    MUST(rest.ptr == NULL && bytes + pieces - 1 == n);
    piece = weir_bytes_trim(text);
    MUST(piece.len == 0 || (strchr(" \t", piece.ptr[0]) == NULL || piece.ptr[0] == '\0'));
    rest = text;
    weir_bytes_split(&rest, '\n', &needle);
    size_t at = weir_bytes_find_bytes(rest, needle);
    for (size_t i = 0; needle.len > 0 && i < rest.len && i < at; i++) {
        MUST(!weir_bytes_starts_with(weir_bytes_sub(rest, i, rest.len), needle));
    }
    MUST(at == WEIR_NOT_FOUND || weir_bytes_starts_with(weir_bytes_sub(rest, at, rest.len), needle));
    MUST((weir_bytes_compare(rest, needle) == 0) == weir_bytes_equal(rest, needle));
    MUST(weir_bytes_compare(rest, needle) * weir_bytes_compare(needle, rest) <= 0);
}

/* ---- protocols: what was said once stays so ---- */

static void try_protocols(char *chars, size_t n) {
    static const char word[] = "STATS";
    weir_bytes prefix = weir_bytes_str(word);
    weir_protocol_fn *const kinds[] = {weir_protocol_is_tls,   weir_protocol_is_http1,
                                       weir_protocol_is_http2, weir_protocol_is_proxy,
                                       weir_protocol_is_resp,  weir_protocol_is_prefix};
    if (n > 64) n = 64;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        weir_protocol_answer said = WEIR_PROTOCOL_MORE;
        for (size_t seen = 0; seen <= n; seen++) {
            weir_protocol_answer now = kinds[i](&prefix, weir_bytes_of(chars, seen));
            MUST(said == WEIR_PROTOCOL_MORE || now == said);
            said = now;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static void (*const tries[])(char *, size_t) = {
        try_host, try_host_and_port, try_rules, try_listen_fds, try_numbers, try_views, try_protocols,
    };
    if (size == 0 || size > TEXT_MOST) return 0;
    weir_log_set_level(WEIR_LOG_OFF);
    char *text = malloc(size); /* of its own size, the first byte exchanged for a NUL at the end */
    MUST(text != NULL);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    tries[data[0] % (sizeof tries / sizeof tries[0])](text, size - 1);
    free(text);
    return 0;
}
