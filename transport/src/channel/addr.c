/* addr.c - addresses from text and back.
 *
 * A unix name is a path, whose NUL may or may not be counted in the length, or an abstract name: a NUL and any bytes,
 * all of which count. The kernel uses both forms of the first, so paths are compared and shown without it.
 */
#include <weir/transport/addr.h>

#include <arpa/inet.h>
#include <assert.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#define UNIX_PREFIX "unix:"

enum {
    UNIX_NAME_AT = offsetof(struct sockaddr_un, sun_path)
};

static_assert(sizeof(struct sockaddr_un) <= sizeof((weir_addr *)0)->as.room, "a unix address fits");

static weir_status set_v4(weir_addr *out, const struct in_addr *host, unsigned port) {
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = *host};
    out->len = sizeof in;
    memcpy(out->as.room, &in, sizeof in);
    return WEIR_OK;
}

static weir_status set_v6(weir_addr *out, const struct in6_addr *host, unsigned port) {
    struct sockaddr_in6 in6 = {
        .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port), .sin6_addr = *host};
    out->len = sizeof in6;
    memcpy(out->as.room, &in6, sizeof in6);
    return WEIR_OK;
}

/* ---- unix ---- */

static bool is_unix_text(const char *host) {
    return strncmp(host, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0;
}

static weir_status set_unix(weir_addr *out, const char *name) {
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    bool is_abstract = name[0] == '@';
    size_t len = strlen(name);
    if (len >= sizeof un.sun_path || len < (is_abstract ? 2 : 1)) return WEIR_E_INVALID;
    memcpy(un.sun_path, name, len);
    if (is_abstract) un.sun_path[0] = '\0';
    out->len = (socklen_t)(UNIX_NAME_AT + len + (is_abstract ? 0 : 1));
    memcpy(out->as.room, &un, sizeof un);
    return WEIR_OK;
}

/* Empty for a socket that was never bound. */
static weir_bytes unix_name(const weir_addr *addr) {
    size_t len = addr->len > UNIX_NAME_AT ? addr->len - UNIX_NAME_AT : 0;
    const char *name = (const char *)addr->as.room + UNIX_NAME_AT;
    if (len > 0 && name[0] != '\0') len = strnlen(name, len);
    return weir_bytes_of(name, len);
}

/* As the system's tools do: the NUL in front of an abstract name, and any in it, are shown as '@'. */
static void format_unix(const weir_addr *addr, char text[WEIR_ADDR_TEXT]) {
    weir_bytes name = unix_name(addr);
    char *to = text + snprintf(text, WEIR_ADDR_TEXT, UNIX_PREFIX);
    for (size_t i = 0; i < name.len; i++) {
        char byte = (char)name.ptr[i];
        if (byte == '\0') byte = '@';
        *to++ = byte;
    }
    *to = '\0';
}

/* ---- from text ---- */

weir_status weir_addr_parse(weir_addr *out, const char *host, unsigned port) {
    char bare[INET6_ADDRSTRLEN + 2];
    struct in_addr v4;
    struct in6_addr v6;
    *out = (weir_addr){0};
    if (is_unix_text(host)) return set_unix(out, host + strlen(UNIX_PREFIX));
    size_t len = strlen(host);
    if (port > UINT16_MAX || len >= sizeof bare) return WEIR_E_INVALID;
    if (len > 2 && host[0] == '[' && host[len - 1] == ']') {
        host++;
        len -= 2;
    }
    memcpy(bare, host, len);
    bare[len] = '\0';
    if (inet_pton(AF_INET, bare, &v4) == 1) return set_v4(out, &v4, port);
    if (inet_pton(AF_INET6, bare, &v6) == 1) return set_v6(out, &v6, port);
    return WEIR_E_INVALID;
}

/* False when it does not fit. */
static bool copy_host(char *host, size_t room, weir_bytes name) {
    if (name.len >= room) return false;
    memcpy(host, name.ptr, name.len);
    host[name.len] = '\0';
    return true;
}

weir_status weir_addr_split(const char *text, char *host, size_t room, unsigned *port) {
    if (is_unix_text(text)) {
        weir_addr whole;
        *port = 0;
        if (weir_addr_parse(&whole, text, 0) != WEIR_OK) return WEIR_E_INVALID;
        return copy_host(host, room, weir_bytes_str(text)) ? WEIR_OK : (weir_status)WEIR_E_INVALID;
    }
    const char *colon = strrchr(text, ':');
    uint64_t number;
    if (colon == NULL || colon == text || !weir_bytes_to_u64(weir_bytes_str(colon + 1), &number) ||
        number > UINT16_MAX) {
        return WEIR_E_INVALID;
    }
    weir_bytes name = weir_bytes_of(text, (size_t)(colon - text));
    if (name.ptr[0] == '[') {
        if (name.len < 3 || name.ptr[name.len - 1] != ']') return WEIR_E_INVALID;
        name = weir_bytes_sub(name, 1, name.len - 2);
    } else if (weir_bytes_find(name, ':') != WEIR_NOT_FOUND) {
        return WEIR_E_INVALID; /* a bare IPv6 address: where does its port begin? */
    }
    if (!copy_host(host, room, name)) return WEIR_E_INVALID;
    *port = (unsigned)number;
    return WEIR_OK;
}

weir_status weir_addr_resolve(weir_addr *out, const char *host, unsigned port) {
    if (weir_addr_parse(out, host, port) == WEIR_OK) return WEIR_OK;
    if (port > UINT16_MAX || is_unix_text(host)) return WEIR_E_INVALID;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *found = NULL;
    if (getaddrinfo(host, NULL, &hints, &found) != 0) return WEIR_E_RESOLVE;
    weir_status status = WEIR_E_RESOLVE;
    for (struct addrinfo *at = found; at != NULL && status != WEIR_OK; at = at->ai_next) {
        if (at->ai_family == AF_INET) {
            status = set_v4(out, &((struct sockaddr_in *)(void *)at->ai_addr)->sin_addr, port);
        } else if (at->ai_family == AF_INET6) {
            status = set_v6(out, &((struct sockaddr_in6 *)(void *)at->ai_addr)->sin6_addr, port);
        }
    }
    freeaddrinfo(found);
    return status;
}

unsigned weir_addr_port(const weir_addr *addr) {
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    if (addr->len == 0) return 0;
    if (addr->as.sa.sa_family == AF_INET) {
        memcpy(&in, addr->as.room, sizeof in);
        return ntohs(in.sin_port);
    }
    if (addr->as.sa.sa_family == AF_INET6) {
        memcpy(&in6, addr->as.room, sizeof in6);
        return ntohs(in6.sin6_port);
    }
    return 0;
}

const char *weir_addr_format(const weir_addr *addr, char text[WEIR_ADDR_TEXT]) {
    char host[INET6_ADDRSTRLEN];
    const unsigned char *room = addr->as.room;
    if (addr->len == 0) {
        snprintf(text, WEIR_ADDR_TEXT, "-");
    } else if (addr->as.sa.sa_family == AF_INET) {
        inet_ntop(AF_INET, room + offsetof(struct sockaddr_in, sin_addr), host, sizeof host);
        snprintf(text, WEIR_ADDR_TEXT, "%s:%u", host, weir_addr_port(addr));
    } else if (addr->as.sa.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, room + offsetof(struct sockaddr_in6, sin6_addr), host, sizeof host);
        snprintf(text, WEIR_ADDR_TEXT, "[%s]:%u", host, weir_addr_port(addr));
    } else {
        format_unix(addr, text);
    }
    return text;
}

static int family_of(const weir_addr *addr) {
    return addr->len == 0 ? AF_UNSPEC : addr->as.sa.sa_family;
}

bool weir_addr_equal(const weir_addr *addr, const weir_addr *other) {
    int family = family_of(addr);
    if (family != family_of(other)) return false;
    if (family == AF_UNSPEC) return true;
    if (family == AF_UNIX) return weir_bytes_equal(unix_name(addr), unix_name(other));
    char a[WEIR_ADDR_TEXT], b[WEIR_ADDR_TEXT];
    return strcmp(weir_addr_format(addr, a), weir_addr_format(other, b)) == 0;
}
