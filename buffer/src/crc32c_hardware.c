/* crc32c_hardware.c - CRC-32C by the instruction of SSE 4.2, where this is a machine that may have it. */
#include "crc32c.h"

#ifdef __x86_64__

#include <string.h>

bool crc32c_has_hardware(void) {
    return __builtin_cpu_supports("sse4.2") != 0;
}

__attribute__((target("sse4.2"))) uint32_t crc32c_hardware(uint32_t sum, const uint8_t *ptr, size_t len) {
    uint64_t rest = ~sum;
    for (uint64_t word; len >= sizeof word; ptr += sizeof word, len -= sizeof word) {
        memcpy(&word, ptr, sizeof word);
        rest = __builtin_ia32_crc32di(rest, word);
    }
    for (; len > 0; ptr++, len--) rest = __builtin_ia32_crc32qi((uint32_t)rest, *ptr);
    return ~(uint32_t)rest;
}

#else

bool crc32c_has_hardware(void) {
    return false;
}

uint32_t crc32c_hardware(uint32_t sum, const uint8_t *ptr, size_t len) {
    return crc32c_portable(sum, ptr, len);
}

#endif
