/* http_scan_test.c - the fast scans find what the plain ones find, wherever it is. */
#include <stdlib.h>

#include <weir/testing.h>

#include "http/http_scan.h"

WEIR_TEST(http_scan, stops_at_each_byte_that_ends_a_run) {
    uint8_t text[70];
    for (int byte = 0; byte < 256; byte++) {
        bool ends_line = (byte < 0x20 && byte != '\t') || byte == 0x7f;
        bool ends_target = byte <= 0x20 || byte >= 0x7f || byte == '#';
        for (size_t at = 0; at < sizeof text; at++) {
            memset(text, 'a', sizeof text);
            text[at] = (uint8_t)byte;
            require(http_scan_line(text, sizeof text) == (ends_line ? at : sizeof text));
            require(http_scan_target(text, sizeof text) == (ends_target ? at : sizeof text));
        }
    }
}

WEIR_TEST(http_scan, equals_the_plain_one_on_any_bytes) {
    uint32_t random = 1;
    for (int round = 0; round < 20000; round++) {
        uint8_t text[80];
        size_t n = 0;
        random = random * 1664525 + 1013904223;
        size_t length = (random >> 16) % sizeof text;
        for (; n < length; n++) {
            random = random * 1664525 + 1013904223;
            text[n] = (random >> 28) != 0 ? (uint8_t)('!' + (random >> 20) % 90) : (uint8_t)(random >> 16);
        }
        uint8_t *exact = malloc(n == 0 ? 1 : n); /* the sanitizer sees a byte too many */
        require(exact != NULL);
        memcpy(exact, text, n);
        require(http_scan_line(exact, n) == http_scan_line_plain(exact, n));
        require(http_scan_target(exact, n) == http_scan_target_plain(exact, n));
        free(exact);
    }
}
