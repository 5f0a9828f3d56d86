/* crc32c.h - private: CRC-32C twice, by the processor's instruction and by tables. */
#ifndef WEIR_CRC32C_H
#define WEIR_CRC32C_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The sum of what `sum` stands for and the `len` bytes behind it. They answer alike. */
uint32_t crc32c_portable(uint32_t sum, const uint8_t *ptr, size_t len);
uint32_t crc32c_hardware(uint32_t sum, const uint8_t *ptr, size_t len); /* when the next says true */
bool crc32c_has_hardware(void);

#endif
