/* mask.h - private: a mask over bytes, many at a time.
 *
 * The plain one is what every build has and the tests compare with; the other needs SSE2, which every x86-64 has.
 * `key` is the mask turned so that its lowest byte in memory is for the first of the bytes.
 */
#ifndef WEIR_CODEC_WEBSOCKET_MASK_H
#define WEIR_CODEC_WEBSOCKET_MASK_H

#include <stddef.h>
#include <stdint.h>

void websocket_mask_plain(uint8_t *bytes, size_t n, uint32_t key);

#ifdef __SSE2__
void websocket_mask_x86(uint8_t *bytes, size_t n, uint32_t key);
#define websocket_mask websocket_mask_x86
#else
#define websocket_mask websocket_mask_plain
#endif

#endif
