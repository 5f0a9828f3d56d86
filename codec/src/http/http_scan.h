/* http_scan.h - private: the first byte that ends a run, many bytes at a time.
 *
 * Each has a plain twin that every build has and the tests compare with: http_scan.c. The others are in files
 * named for what they need, here http_scan_x86.h (SSE2, which every x86-64 has).
 */
#ifndef WEIR_CODEC_HTTP_SCAN_H
#define WEIR_CODEC_HTTP_SCAN_H

#include <stddef.h>
#include <stdint.h>

/* Where the first control byte other than HTAB is (so CR and LF too), or `n`. */
size_t http_scan_line_plain(const uint8_t *ptr, size_t n);

/* Where the first byte is that may not be in a request target: controls, space, '#', 0x7f and above; or `n`. */
size_t http_scan_target_plain(const uint8_t *ptr, size_t n);

#ifdef __SSE2__
#include "http/http_scan_x86.h"
#define http_scan_line http_scan_line_x86
#define http_scan_target http_scan_target_x86
#else
#define http_scan_line http_scan_line_plain
#define http_scan_target http_scan_target_plain
#endif

#endif
