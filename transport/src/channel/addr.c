/* addr.c - addresses from text and back. */
#include <weir/transport/addr.h>

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

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

weir_status weir_addr_parse(weir_addr *out, const char *host, unsigned port) {
    char bare[INET6_ADDRSTRLEN + 2];
    struct in_addr v4;
    struct in6_addr v6;
    *out = (weir_addr){0};
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

weir_status weir_addr_split(const char *text, char *host, size_t room, unsigned *port) {
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
    if (name.len >= room) return WEIR_E_INVALID;
    memcpy(host, name.ptr, name.len);
    host[name.len] = '\0';
    *port = (unsigned)number;
    return WEIR_OK;
}

weir_status weir_addr_resolve(weir_addr *out, const char *host, unsigned port) {
    if (weir_addr_parse(out, host, port) == WEIR_OK) return WEIR_OK;
    if (port > UINT16_MAX) return WEIR_E_INVALID;
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
        size_t at = offsetof(struct sockaddr_un, sun_path);
        int len = addr->len > at ? (int)(addr->len - at) : 0;
        snprintf(text, WEIR_ADDR_TEXT, "unix:%.*s", len, (const char *)room + at);
    }
    return text;
}

bool weir_addr_equal(const weir_addr *addr, const weir_addr *other) {
    if (addr->len != other->len) return false;
    if (addr->len == 0) return true;
    char a[WEIR_ADDR_TEXT], b[WEIR_ADDR_TEXT];
    return strcmp(weir_addr_format(addr, a), weir_addr_format(other, b)) == 0;
}
