/* proxy_header.c - both versions of the PROXY protocol, strictly. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>
#include <weir/codec/proxy_header.h>

enum {
    SIGNATURE = 12,
    FIXED = 16, /* signature, version and command, family, length */
    V4_ADDRESSES = 12,
    V6_ADDRESSES = 36,
    UNIX_PATH = 108,
    UNIX_ADDRESSES = 2 * UNIX_PATH,
    TLV_HEAD = 3,
    TEXT_MAX = INET6_ADDRSTRLEN
};

static const char line_start[] = "PROXY ";
static const char signature[] = "\r\n\r\n\0\r\nQUIT\n";

static weir_decode refuse(weir_error *error, const char *what, uint64_t actual, uint64_t maximum) {
    return weir_decode_fail(error, WEIR_E_FRAME_CORRUPT, what, actual, maximum);
}

static bool may_become(weir_bytes start, const char *whole, size_t len) {
    return memcmp(start.ptr, whole, start.len < len ? start.len : len) == 0;
}

static void set_v4(weir_addr *out, const uint8_t *host, unsigned port) {
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    memcpy(&addr.sin_addr, host, sizeof addr.sin_addr);
    *out = (weir_addr){.len = sizeof addr};
    memcpy(out->as.room, &addr, sizeof addr);
}

static void set_v6(weir_addr *out, const uint8_t *host, unsigned port) {
    struct sockaddr_in6 addr = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    memcpy(&addr.sin6_addr, host, sizeof addr.sin6_addr);
    *out = (weir_addr){.len = sizeof addr};
    memcpy(out->as.room, &addr, sizeof addr);
}

/* ---- version 1 ---- */

static bool parse_host(weir_bytes text, int family, uint8_t host[16]) {
    char copy[TEXT_MAX];
    if (text.len == 0 || text.len >= sizeof copy || memchr(text.ptr, '\0', text.len) != NULL) return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    return inet_pton(family, copy, host) == 1;
}

/* Decimal, to 65535, without zeros in front. */
static bool parse_port(weir_bytes text, unsigned *port) {
    uint64_t number;
    if (text.len == 0 || text.len > 5 || (text.len > 1 && text.ptr[0] == '0')) return false;
    if (!weir_bytes_to_u64(text, &number) || number > 65535) return false;
    *port = (unsigned)number;
    return true;
}

static bool set_text(weir_addr *out, int family, weir_bytes host, weir_bytes port) {
    uint8_t bytes[16];
    unsigned number;
    if (!parse_host(host, family, bytes) || !parse_port(port, &number)) return false;
    (family == AF_INET ? set_v4 : set_v6)(out, bytes, number);
    return true;
}

/* What stands between "PROXY " and CR LF. */
static bool parse_fields(weir_bytes rest, weir_proxy_header *out) {
    weir_bytes kind, words[4];
    if (!weir_bytes_split(&rest, ' ', &kind)) return false;
    if (weir_bytes_equal_str(kind, "UNKNOWN")) return true; /* the rest is to be ignored */
    bool is_v4 = weir_bytes_equal_str(kind, "TCP4");
    if (!is_v4 && !weir_bytes_equal_str(kind, "TCP6")) return false;
    for (size_t i = 0; i < 4; i++) {
        if (!weir_bytes_split(&rest, ' ', &words[i])) return false;
    }
    int family = is_v4 ? AF_INET : AF_INET6;
    return rest.ptr == NULL && set_text(&out->source, family, words[0], words[2]) &&
           set_text(&out->destination, family, words[1], words[3]);
}

static weir_decode parse_line(weir_bytes start, weir_proxy_header *out, size_t *used, weir_error *error) {
    size_t most = start.len < WEIR_PROXY_LINE_MAX ? start.len : WEIR_PROXY_LINE_MAX;
    const uint8_t *end = memmem(start.ptr, most, "\r\n", 2);
    if (end == NULL) {
        if (start.len < WEIR_PROXY_LINE_MAX) return WEIR_DECODE_MORE;
        return weir_decode_fail(error, WEIR_E_FRAME_TOO_LONG, "PROXY line", start.len, WEIR_PROXY_LINE_MAX);
    }
    size_t len = (size_t)(end - start.ptr), intro = sizeof line_start - 1;
    out->version = 1;
    if (!parse_fields(weir_bytes_of(start.ptr + intro, len - intro), out)) {
        return refuse(error, "PROXY line", 0, 0);
    }
    *used = len + 2;
    return WEIR_DECODE_AGAIN;
}

/* ---- version 2 ---- */

static unsigned port_at(const uint8_t *bytes) {
    return (unsigned)bytes[0] << 8 | bytes[1];
}

/* A path ends at its first NUL, as does a name in the abstract namespace, whose first byte is one. */
static void set_unix(weir_addr *out, const uint8_t *path) {
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    size_t skip = path[0] == '\0' ? 1 : 0, len = strnlen((const char *)path + skip, UNIX_PATH - skip);
    memcpy(addr.sun_path, path, UNIX_PATH);
    *out =
        (weir_addr){.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (len == 0 ? 0 : skip + len))};
    memcpy(out->as.room, &addr, sizeof addr);
}

/* How many bytes of `body` are addresses, or -1 when there is no such family. */
static int addresses_of(unsigned family) {
    switch (family >> 4) {
    case 0: return family == 0 ? 0 : -1;
    case 1: return V4_ADDRESSES;
    case 2: return V6_ADDRESSES;
    case 3: return UNIX_ADDRESSES;
    default: return -1;
    }
}

static void set_addresses(weir_proxy_header *out, unsigned family, const uint8_t *body) {
    switch (family >> 4) {
    case 1:
        set_v4(&out->source, body, port_at(body + 8));
        set_v4(&out->destination, body + 4, port_at(body + 10));
        break;
    case 2:
        set_v6(&out->source, body, port_at(body + 32));
        set_v6(&out->destination, body + 16, port_at(body + 34));
        break;
    case 3:
        set_unix(&out->source, body);
        set_unix(&out->destination, body + UNIX_PATH);
        break;
    }
}

static bool are_tlvs(weir_bytes rest) {
    uint8_t type;
    weir_bytes value;
    while (weir_proxy_tlv_next(&rest, &type, &value)) continue;
    return rest.len == 0;
}

static weir_decode parse_body(weir_bytes body, unsigned family, weir_proxy_header *out, weir_error *error) {
    if (family == 0) return WEIR_DECODE_AGAIN; /* unknown: the rest is to be ignored */
    int addresses = addresses_of(family);
    unsigned transport = family & 15;
    if (addresses < 0 || transport == 0 || transport > 2) return refuse(error, "PROXY family", family, 0);
    if (body.len < (size_t)addresses) {
        return refuse(error, "PROXY addresses", body.len, (uint64_t)addresses);
    }
    weir_bytes tlvs = weir_bytes_of(body.ptr + addresses, body.len - (size_t)addresses);
    if (!are_tlvs(tlvs)) return refuse(error, "PROXY TLV", tlvs.len, 0);
    set_addresses(out, family, body.ptr);
    out->is_datagram = transport == 2;
    out->tlvs = tlvs;
    return WEIR_DECODE_AGAIN;
}

static weir_decode parse_binary(weir_bytes start, size_t max_length, weir_proxy_header *out, size_t *used,
                                weir_error *error) {
    if (start.len <= SIGNATURE) return WEIR_DECODE_MORE;
    unsigned version = start.ptr[SIGNATURE] >> 4, command = start.ptr[SIGNATURE] & 15;
    if (version != 2) return refuse(error, "PROXY version", version, 2);
    if (command > 1) return refuse(error, "PROXY command", command, 1);
    if (start.len < FIXED) return WEIR_DECODE_MORE;
    size_t len = FIXED + port_at(start.ptr + 14);
    if (len > max_length)
        return weir_decode_fail(error, WEIR_E_FRAME_TOO_LONG, "PROXY header", len, max_length);
    if (start.len < len) return WEIR_DECODE_MORE;
    out->version = 2;
    out->is_local = command == 0;
    *used = len;
    if (out->is_local) return WEIR_DECODE_AGAIN;
    return parse_body(weir_bytes_of(start.ptr + FIXED, len - FIXED), start.ptr[SIGNATURE + 1], out, error);
}

weir_decode weir_proxy_header_parse(weir_bytes start, size_t max_length, weir_proxy_header *out, size_t *used,
                                    weir_error *error) {
    *out = (weir_proxy_header){0};
    *used = 0;
    if (start.len == 0) return WEIR_DECODE_MORE;
    if (may_become(start, line_start, sizeof line_start - 1)) {
        return start.len < sizeof line_start - 1 ? WEIR_DECODE_MORE : parse_line(start, out, used, error);
    }
    if (may_become(start, signature, SIGNATURE)) return parse_binary(start, max_length, out, used, error);
    return refuse(error, "PROXY signature", 0, 0);
}

bool weir_proxy_tlv_next(weir_bytes *rest, uint8_t *type, weir_bytes *value) {
    if (rest->len < TLV_HEAD) return false;
    size_t len = port_at(rest->ptr + 1);
    if (rest->len - TLV_HEAD < len) return false;
    *type = rest->ptr[0];
    *value = weir_bytes_of(rest->ptr + TLV_HEAD, len);
    *rest = weir_bytes_of(rest->ptr + TLV_HEAD + len, rest->len - TLV_HEAD - len);
    return true;
}
