/* buf_dump.c - bytes as text for people, hexadecimal back to bytes, and printf. */
#include <weir/buffer/buf_dump.h>

#include <stdio.h>

#include <weir/buffer/buf_bytes.h>
#include <weir/core/alloc.h>

#include "buf_walk.h"

static const char digits[] = "0123456789abcdef";

enum {
    BYTES_A_ROW = 16,
    TEXT_ON_STACK = 512
};

/* ---- tables ----------------------------------------------------------------------------------- */

/* "00000010  48 65 6c 6c 6f 0a ..  ..  |Hello.|": two columns of eight, as hexdump -C prints them. */
static void write_row(weir_buf *out, size_t offset, const uint8_t *bytes, size_t n) {
    char row[96];
    memset(row, ' ', sizeof row);
    char *hex = row + snprintf(row, sizeof row, "%08zx  ", offset);
    *hex = ' '; /* where the NUL was */
    char *text = hex + BYTES_A_ROW * 3 + 2;
    *text++ = '|';
    for (size_t i = 0; i < n; i++) {
        char *pair = hex + 3 * i + i / 8;
        pair[0] = digits[bytes[i] >> 4];
        pair[1] = digits[bytes[i] & 15];
        *text++ = (char)(bytes[i] >= 0x20 && bytes[i] < 0x7f ? bytes[i] : '.');
    }
    *text++ = '|';
    *text++ = '\n';
    weir_buf_write_bytes(out, row, (size_t)(text - row));
}

void weir_buf_dump(const weir_buf *buf, size_t at, size_t len, weir_buf *out) {
    WEIR_CHECK(buf != out, "a buf cannot be dumped into itself: %p", (const void *)buf);
    buf_walk walk = weir_walk_readable(buf, at, len);
    uint8_t row[BYTES_A_ROW];
    size_t offset = 0, filled = 0;
    buf_run run;
    while (weir_walk_next(&walk, &run)) {
        for (size_t i = 0; i < run.len; i++) {
            row[filled++] = run.ptr[i];
            if (filled < BYTES_A_ROW) continue;
            write_row(out, offset, row, filled);
            offset += filled;
            filled = 0;
        }
    }
    if (filled > 0) write_row(out, offset, row, filled);
}

/* ---- hexadecimal ------------------------------------------------------------------------------ */

void weir_buf_dump_hex(const weir_buf *buf, weir_buf *out) {
    WEIR_CHECK(buf != out, "a buf cannot be dumped into itself: %p", (const void *)buf);
    buf_walk walk = weir_walk_readable(buf, 0, weir_buf_readable(buf));
    buf_run run;
    while (weir_walk_next(&walk, &run)) {
        for (size_t i = 0; i < run.len; i++) {
            const char pair[2] = {digits[run.ptr[i] >> 4], digits[run.ptr[i] & 15]};
            weir_buf_write_bytes(out, pair, sizeof pair);
        }
    }
}

/* 0 to 15; 16 for what is no digit. */
static unsigned value_of_digit(uint8_t digit) {
    if (digit >= '0' && digit <= '9') return digit - (unsigned)'0';
    unsigned letter = digit | 0x20u;
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : 16;
}

static bool is_hex(weir_bytes text) {
    for (size_t i = 0; i < text.len; i++) {
        if (value_of_digit(text.ptr[i]) > 15) return false;
    }
    return text.len % 2 == 0;
}

weir_status weir_buf_write_hex(weir_buf *buf, weir_bytes hex) {
    if (!is_hex(hex)) return WEIR_E_INVALID;
    uint8_t *room = weir_buf_reserve(buf, hex.len / 2);
    if (room == NULL) return weir_buf_status(buf);
    for (size_t i = 0; i < hex.len; i += 2) {
        room[i / 2] = (uint8_t)(value_of_digit(hex.ptr[i]) << 4 | value_of_digit(hex.ptr[i + 1]));
    }
    weir_buf_commit(buf, hex.len / 2);
    return weir_buf_status(buf);
}

/* ---- printf ----------------------------------------------------------------------------------- */

/* vsnprintf wants room for a NUL that a buf at its maximum may not have: so text is made elsewhere. */
static void write_long_text(weir_buf *buf, size_t len, const char *format, va_list args) WEIR_PRINTF(3, 0);

static void write_long_text(weir_buf *buf, size_t len, const char *format, va_list args) {
    char *text = weir_alloc_acquire(NULL, len + 1);
    if (text == NULL) {
        weir_buf_fail(buf, WEIR_E_NO_MEMORY);
        return;
    }
    vsnprintf(text, len + 1, format, args);
    weir_buf_write_bytes(buf, text, len);
    weir_alloc_release(NULL, text);
}

void weir_buf_vprintf(weir_buf *buf, const char *format, va_list args) {
    char text[TEXT_ON_STACK];
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(text, sizeof text, format, args);
    if (len < 0) {
        weir_buf_fail(buf, WEIR_E_INVALID);
    } else if ((size_t)len < sizeof text) {
        weir_buf_write_bytes(buf, text, (size_t)len);
    } else {
        write_long_text(buf, (size_t)len, format, again);
    }
    va_end(again);
}

void weir_buf_printf(weir_buf *buf, const char *format, ...) {
    va_list args;
    va_start(args, format);
    weir_buf_vprintf(buf, format, args);
    va_end(args);
}
