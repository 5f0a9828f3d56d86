/* crc32c.c - CRC-32C by tables: eight bytes a step ("slicing-by-8", Kounavis and Berry, 2005).
 *
 * The tables are worked out when they are first wanted: most machines never want them.
 */
#include "crc32c.h"

#include <pthread.h>
#include <weir/buffer/buf_int.h>

enum {
    SLICES = 8
};

/* x^32 + x^28 + x^27 + ... + 1, bit for bit turned around. */
#define POLYNOMIAL 0x82f63b78u

static uint32_t tables[SLICES][256];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static uint32_t divide_byte(uint32_t rest) {
    for (int bit = 0; bit < 8; bit++) rest = rest >> 1 ^ ((rest & 1) != 0 ? POLYNOMIAL : 0);
    return rest;
}

/* tables[n][b]: what byte b becomes when n zero bytes follow it. */
static void fill_tables(void) {
    for (uint32_t byte = 0; byte < 256; byte++) tables[0][byte] = divide_byte(byte);
    for (size_t n = 1; n < SLICES; n++) {
        for (size_t byte = 0; byte < 256; byte++) {
            uint32_t before = tables[n - 1][byte];
            tables[n][byte] = before >> 8 ^ tables[0][before & 0xff];
        }
    }
}

/* What four bytes become when `n` zero bytes follow them. */
static inline uint32_t four_bytes(size_t n, uint32_t four) {
    return tables[n + 3][four & 0xff] ^ tables[n + 2][four >> 8 & 0xff] ^ tables[n + 1][four >> 16 & 0xff] ^
           tables[n][four >> 24];
}

uint32_t crc32c_portable(uint32_t sum, const uint8_t *ptr, size_t len) {
    pthread_once(&once, fill_tables);
    uint32_t rest = ~sum;
    for (; len >= SLICES; ptr += SLICES, len -= SLICES) {
        uint64_t word = weir_load_le(ptr, SLICES) ^ rest;
        rest = four_bytes(4, (uint32_t)word) ^ four_bytes(0, (uint32_t)(word >> 32));
    }
    for (; len > 0; ptr++, len--) rest = rest >> 8 ^ tables[0][(rest ^ *ptr) & 0xff];
    return ~rest;
}
