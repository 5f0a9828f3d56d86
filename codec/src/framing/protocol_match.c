/* protocol_match.c - how well-known protocols begin.
 */
#include <string.h>

#include <weir/codec/protocol_detector.h>

static weir_protocol_answer starts_with(weir_bytes start, const void *prefix, size_t n) {
    size_t seen = start.len < n ? start.len : n;
    if (seen != 0 && memcmp(start.ptr, prefix, seen) != 0) return WEIR_PROTOCOL_NO;
    return seen == n ? WEIR_PROTOCOL_YES : WEIR_PROTOCOL_MORE;
}

weir_protocol_answer weir_protocol_is_prefix(const void *arg, weir_bytes start) {
    const weir_bytes *prefix = arg;
    return starts_with(start, prefix->ptr, prefix->len);
}

/* type 22, version 3.0 to 3.4, two bytes of length, ClientHello */
weir_protocol_answer weir_protocol_is_tls(const void *arg, weir_bytes start) {
    (void)arg;
    const uint8_t *at = start.ptr;
    size_t n = start.len;
    if ((n > 0 && at[0] != 22) || (n > 1 && at[1] != 3) || (n > 2 && at[2] > 4) || (n > 5 && at[5] != 1)) {
        return WEIR_PROTOCOL_NO;
    }
    return n > 5 ? WEIR_PROTOCOL_YES : WEIR_PROTOCOL_MORE;
}

static bool is_letter(uint8_t byte) {
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

weir_protocol_answer weir_protocol_is_http1(const void *arg, weir_bytes start) {
    enum {
        METHOD_MAX = 24
    };
    weir_protocol_answer http2 = starts_with(start, "PRI * HTTP/2.0", 14);
    if (http2 != WEIR_PROTOCOL_NO) return http2 == WEIR_PROTOCOL_YES ? WEIR_PROTOCOL_NO : WEIR_PROTOCOL_MORE;
    (void)arg;
    size_t n = 0;
    while (n < start.len && n <= METHOD_MAX && (is_letter(start.ptr[n]) || start.ptr[n] == '-')) n++;
    if (n > METHOD_MAX) return WEIR_PROTOCOL_NO;
    if (n == start.len) return WEIR_PROTOCOL_MORE;
    if (n == 0 || start.ptr[n] != ' ') return WEIR_PROTOCOL_NO;
    if (n + 1 == start.len) return WEIR_PROTOCOL_MORE;
    uint8_t target = start.ptr[n + 1];
    return target > ' ' && target < 0x7f ? WEIR_PROTOCOL_YES : WEIR_PROTOCOL_NO;
}

weir_protocol_answer weir_protocol_is_http2(const void *arg, weir_bytes start) {
    (void)arg;
    return starts_with(start, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
}

weir_protocol_answer weir_protocol_is_proxy(const void *arg, weir_bytes start) {
    (void)arg;
    weir_protocol_answer first = starts_with(start, "PROXY ", 6);
    return first != WEIR_PROTOCOL_NO ? first : starts_with(start, "\r\n\r\n\0\r\nQUIT\n", 12);
}

weir_protocol_answer weir_protocol_is_resp(const void *arg, weir_bytes start) {
    (void)arg;
    if (start.len > 0 && start.ptr[0] != '*') return WEIR_PROTOCOL_NO;
    if (start.len < 2) return WEIR_PROTOCOL_MORE;
    return start.ptr[1] >= '0' && start.ptr[1] <= '9' ? WEIR_PROTOCOL_YES : WEIR_PROTOCOL_NO;
}
