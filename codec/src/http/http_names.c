/* http_names.c - field names that have a number, found by one look at a table.
 *
 * The hash takes the length and three letters, so each name in the table has a slot of its own. A name that is added to
 * WEIR_HTTP_NAME_TABLE needs a free slot: http_names_test says which slot it wants; when that is taken, other factors.
 */
#include <weir/codec/http_fields.h>

#include "http/http_names.h"

#define NAME_TEXT(name, text) [WEIR_HTTP_##name] = {(const uint8_t *)(text), sizeof(text) - 1},
static const weir_bytes texts[WEIR_HTTP_NAMES] = {[WEIR_HTTP_OTHER] = {(const uint8_t *)"", 0},
                                                  WEIR_HTTP_NAME_TABLE(NAME_TEXT)};

static const uint8_t by_slot[HTTP_NAME_SLOTS] = {
    [0] = WEIR_HTTP_UPGRADE,
    [3] = WEIR_HTTP_WWW_AUTHENTICATE,
    [4] = WEIR_HTTP_CONTENT_RANGE,
    [5] = WEIR_HTTP_CONTENT_ENCODING,
    [7] = WEIR_HTTP_DATE,
    [10] = WEIR_HTTP_LOCATION,
    [12] = WEIR_HTTP_TE,
    [13] = WEIR_HTTP_LAST_MODIFIED,
    [15] = WEIR_HTTP_REFERER,
    [16] = WEIR_HTTP_IF_UNMODIFIED_SINCE,
    [19] = WEIR_HTTP_SERVER,
    [20] = WEIR_HTTP_ORIGIN,
    [22] = WEIR_HTTP_ACCEPT_LANGUAGE,
    [23] = WEIR_HTTP_IF_MODIFIED_SINCE,
    [24] = WEIR_HTTP_SEC_WEBSOCKET_EXTENSIONS,
    [26] = WEIR_HTTP_AUTHORIZATION,
    [28] = WEIR_HTTP_IF_NONE_MATCH,
    [32] = WEIR_HTTP_CACHE_CONTROL,
    [41] = WEIR_HTTP_AGE,
    [42] = WEIR_HTTP_EXPECT,
    [46] = WEIR_HTTP_USER_AGENT,
    [48] = WEIR_HTTP_ALLOW,
    [50] = WEIR_HTTP_X_FORWARDED_FOR,
    [53] = WEIR_HTTP_ACCEPT_RANGES,
    [60] = WEIR_HTTP_CONNECTION,
    [63] = WEIR_HTTP_KEEP_ALIVE,
    [65] = WEIR_HTTP_EXPIRES,
    [66] = WEIR_HTTP_SEC_WEBSOCKET_ACCEPT,
    [70] = WEIR_HTTP_CONTENT_TYPE,
    [73] = WEIR_HTTP_COOKIE,
    [76] = WEIR_HTTP_TRANSFER_ENCODING,
    [79] = WEIR_HTTP_HOST,
    [83] = WEIR_HTTP_VARY,
    [85] = WEIR_HTTP_SET_COOKIE,
    [96] = WEIR_HTTP_SEC_WEBSOCKET_PROTOCOL,
    [97] = WEIR_HTTP_IF_RANGE,
    [98] = WEIR_HTTP_IF_MATCH,
    [99] = WEIR_HTTP_SEC_WEBSOCKET_KEY,
    [101] = WEIR_HTTP_ACCEPT_ENCODING,
    [102] = WEIR_HTTP_ACCEPT,
    [108] = WEIR_HTTP_PROXY_AUTHORIZATION,
    [109] = WEIR_HTTP_RANGE,
    [112] = WEIR_HTTP_CONTENT_DISPOSITION,
    [117] = WEIR_HTTP_TRAILER,
    [123] = WEIR_HTTP_ETAG,
    [124] = WEIR_HTTP_CONTENT_LENGTH,
    [126] = WEIR_HTTP_SEC_WEBSOCKET_VERSION,
};

weir_bytes weir_http_name_text(weir_http_name name) {
    WEIR_CHECK((unsigned)name < WEIR_HTTP_NAMES, "%d is no field name", (int)name);
    return texts[name];
}

static inline unsigned slot_of(weir_bytes text) {
    size_t n = text.len;
    unsigned first = text.ptr[0] | 0x20u, middle = text.ptr[n / 2] | 0x20u, last = text.ptr[n - 1] | 0x20u;
    return ((unsigned)n * 62 + first * 49 + last * 43 + middle) % HTTP_NAME_SLOTS;
}

unsigned http_name_slot(weir_bytes text) {
    return slot_of(text);
}

/* Bytes of a text against those of a name in the table, whose letters may differ in case: what is a letter there has
 * bit 6, other bytes of names (only '-') have not. */
static uint64_t difference(uint64_t text, uint64_t name) {
    return (text ^ name) & ~((name & UINT64_C(0x4040404040404040)) >> 1);
}

static uint64_t differ8(const uint8_t *text, const uint8_t *name) {
    uint64_t a, b;
    memcpy(&a, text, 8);
    memcpy(&b, name, 8);
    return difference(a, b);
}

static uint64_t differ4(const uint8_t *text, const uint8_t *name) {
    uint32_t a, b;
    memcpy(&a, text, 4);
    memcpy(&b, name, 4);
    return difference(a, b);
}

/* The last bytes are looked at together, some of them for the second time. */
static inline bool is_spelling_of(weir_bytes text, weir_bytes word) {
    size_t n = word.len;
    if (text.len != n) return false;
    if (n >= 8) {
        uint64_t differ = differ8(text.ptr + n - 8, word.ptr + n - 8);
        for (size_t i = 0; i + 8 < n; i += 8) differ |= differ8(text.ptr + i, word.ptr + i);
        return differ == 0;
    }
    if (n >= 4) return (differ4(text.ptr, word.ptr) | differ4(text.ptr + n - 4, word.ptr + n - 4)) == 0;
    while (n > 0 && difference(text.ptr[n - 1], word.ptr[n - 1]) == 0) n--;
    return n == 0;
}

bool http_is_word(weir_bytes text, weir_bytes word) {
    return is_spelling_of(text, word);
}

weir_http_name weir_http_name_of(weir_bytes text) {
    if (text.len == 0) return WEIR_HTTP_OTHER;
    weir_http_name name = (weir_http_name)by_slot[slot_of(text)];
    return is_spelling_of(text, texts[name]) ? name : WEIR_HTTP_OTHER;
}
