/* http_scan.c - the scans, a byte at a time: what the fast ones must equal. */
#include "http/http_scan.h"

size_t http_scan_line_plain(const uint8_t *ptr, size_t n) {
    size_t i = 0;
    while (i < n && ((ptr[i] >= 0x20 && ptr[i] != 0x7f) || ptr[i] == '\t')) i++;
    return i;
}

size_t http_scan_target_plain(const uint8_t *ptr, size_t n) {
    size_t i = 0;
    while (i < n && ptr[i] > 0x20 && ptr[i] < 0x7f && ptr[i] != '#') i++;
    return i;
}
