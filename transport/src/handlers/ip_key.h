/* ip_key.h - private: an IPv4 or IPv6 address as the 16 bytes it has in IPv6, to be compared by prefix. */
#ifndef WEIR_IP_KEY_H
#define WEIR_IP_KEY_H

#include <netinet/in.h>
#include <string.h>

#include <weir/transport/addr.h>

typedef struct ip_key {
    uint8_t bytes[16];
} ip_key;

/* False for an address of another family. IPv4 becomes ::ffff:a.b.c.d. */
static inline bool ip_key_of(const weir_addr *addr, ip_key *out) {
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (addr->len == 0) return false;
    if (addr->as.sa.sa_family == AF_INET) {
        memcpy(out->bytes, mapped, sizeof mapped);
        memcpy(out->bytes + 12, addr->as.room + offsetof(struct sockaddr_in, sin_addr), 4);
    } else if (addr->as.sa.sa_family == AF_INET6) {
        memcpy(out->bytes, addr->as.room + offsetof(struct sockaddr_in6, sin6_addr), 16);
    } else {
        return false;
    }
    return true;
}

static inline bool ip_key_is_v4(const ip_key *key) {
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    return memcmp(key->bytes, mapped, sizeof mapped) == 0;
}

/* The first `bits` are the same. */
static inline bool ip_key_shares_prefix(const ip_key *key, const ip_key *other, unsigned bits) {
    unsigned whole = bits / 8, rest = bits % 8;
    if (memcmp(key->bytes, other->bytes, whole) != 0) return false;
    return rest == 0 || ((key->bytes[whole] ^ other->bytes[whole]) >> (8 - rest)) == 0;
}

/* Zeros behind the first `bits`. */
static inline void ip_key_cut(ip_key *key, unsigned bits) {
    for (unsigned i = 0; i<16; i++, bits = bits> 8 ? bits - 8 : 0) {
        if (bits < 8) key->bytes[i] &= (uint8_t)(0xff00 >> bits);
    }
}

#endif
