/* sha1.c - SHA-1 as FIPS 180-4 writes it down. */
#include "websocket/sha1.h"

#include <weir/buffer/buf_int.h>

enum {
    BLOCK = 64
};

static uint32_t turn(uint32_t word, unsigned by) {
    return word << by | word >> (32 - by);
}

static void add_block(uint32_t hash[5], const uint8_t *block) {
    uint32_t w[80];
    for (size_t t = 0; t < 16; t++) w[t] = (uint32_t)weir_load_be(block + 4 * t, 4);
    for (size_t t = 16; t < 80; t++) w[t] = turn(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
    uint32_t a = hash[0], b = hash[1], c = hash[2], d = hash[3], e = hash[4];
    for (size_t t = 0; t < 80; t++) {
        uint32_t f = t < 20   ? ((b & c) | (~b & d)) + 0x5a827999u
                     : t < 40 ? (b ^ c ^ d) + 0x6ed9eba1u
                     : t < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdcu
                              : (b ^ c ^ d) + 0xca62c1d6u;
        uint32_t next = turn(a, 5) + f + e + w[t];
        e = d;
        d = c;
        c = turn(b, 30);
        b = a;
        a = next;
    }
    uint32_t sums[5] = {a, b, c, d, e};
    for (size_t i = 0; i < 5; i++) hash[i] += sums[i];
}

void websocket_sha1(weir_bytes message, uint8_t out[20]) {
    uint32_t hash[5] = {0x67452301u, 0xefcdab89u, 0x98badcfeu, 0x10325476u, 0xc3d2e1f0u};
    size_t whole = message.len / BLOCK * BLOCK, rest = message.len - whole;
    for (size_t at = 0; at < whole; at += BLOCK) add_block(hash, message.ptr + at);
    uint8_t last[2 * BLOCK] = {0};
    size_t size = rest + 9 <= BLOCK ? BLOCK : sizeof last;
    if (rest != 0) memcpy(last, message.ptr + whole, rest);
    last[rest] = 0x80;
    weir_store_be(last + size - 8, (uint64_t)message.len * 8, 8);
    for (size_t at = 0; at < size; at += BLOCK) add_block(hash, last + at);
    for (size_t i = 0; i < 5; i++) weir_store_be(out + 4 * i, hash[i], 4);
}
