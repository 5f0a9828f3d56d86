/* bytes.c - comparing, finding, cutting and parsing borrowed bytes.
 *
 * An empty view may have a NULL ptr, which libc's mem functions are not promised to accept: they are
 * called with a length above 0 only.
 */
#include <weir/core/bytes.h>

static uint8_t lower(uint8_t byte) {
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte | 0x20) : byte;
}

static bool is_blank(uint8_t byte) {
    return byte == ' ' || byte == '\t';
}

bool weir_bytes_equal_nocase(weir_bytes self, weir_bytes other) {
    if (self.len != other.len) return false;
    for (size_t i = 0; i < self.len; i++) {
        if (lower(self.ptr[i]) != lower(other.ptr[i])) return false;
    }
    return true;
}

int weir_bytes_compare(weir_bytes self, weir_bytes other) {
    size_t shared = self.len < other.len ? self.len : other.len;
    int order = shared == 0 ? 0 : memcmp(self.ptr, other.ptr, shared);
    return order != 0 ? order : (self.len > other.len) - (self.len < other.len);
}

bool weir_bytes_starts_with(weir_bytes self, weir_bytes prefix) {
    return self.len >= prefix.len && weir_bytes_equal(weir_bytes_sub(self, 0, prefix.len), prefix);
}

bool weir_bytes_ends_with(weir_bytes self, weir_bytes suffix) {
    if (self.len < suffix.len) return false;
    return weir_bytes_equal(weir_bytes_sub(self, self.len - suffix.len, suffix.len), suffix);
}

static size_t position_of(weir_bytes self, const void *found) {
    return found == NULL ? WEIR_NOT_FOUND : (size_t)((const uint8_t *)found - self.ptr);
}

size_t weir_bytes_find(weir_bytes self, uint8_t byte) {
    return self.len == 0 ? WEIR_NOT_FOUND : position_of(self, memchr(self.ptr, byte, self.len));
}

size_t weir_bytes_find_last(weir_bytes self, uint8_t byte) {
    return self.len == 0 ? WEIR_NOT_FOUND : position_of(self, memrchr(self.ptr, byte, self.len));
}

size_t weir_bytes_find_bytes(weir_bytes self, weir_bytes needle) {
    if (needle.len == 0) return 0;
    if (needle.len > self.len) return WEIR_NOT_FOUND;
    return position_of(self, memmem(self.ptr, self.len, needle.ptr, needle.len));
}

weir_bytes weir_bytes_sub(weir_bytes self, size_t at, size_t len) {
    if (at > self.len) at = self.len;
    if (len > self.len - at) len = self.len - at;
    return weir_bytes_of(at == 0 ? self.ptr : self.ptr + at, len);
}

weir_bytes weir_bytes_trim(weir_bytes self) {
    size_t start = 0;
    size_t end = self.len;
    while (start < end && is_blank(self.ptr[start])) start++;
    while (end > start && is_blank(self.ptr[end - 1])) end--;
    return weir_bytes_sub(self, start, end - start);
}

bool weir_bytes_split(weir_bytes *rest, uint8_t separator, weir_bytes *piece) {
    if (rest->ptr == NULL) return false;
    size_t at = weir_bytes_find(*rest, separator);
    *piece = weir_bytes_sub(*rest, 0, at);
    *rest = at == WEIR_NOT_FOUND ? weir_bytes_of(NULL, 0) : weir_bytes_sub(*rest, at + 1, SIZE_MAX);
    return true;
}

bool weir_bytes_to_u64(weir_bytes self, uint64_t *out) {
    uint64_t value = 0;
    for (size_t i = 0; i < self.len; i++) {
        uint8_t byte = self.ptr[i];
        if (byte < '0' || byte > '9') return false;
        if (__builtin_mul_overflow(value, 10u, &value)) return false;
        if (__builtin_add_overflow(value, (uint64_t)byte - '0', &value)) return false;
    }
    if (self.len == 0) return false;
    *out = value;
    return true;
}

bool weir_bytes_to_i64(weir_bytes self, int64_t *out) {
    bool is_negative = self.len > 0 && self.ptr[0] == '-';
    uint64_t magnitude;
    if (!weir_bytes_to_u64(weir_bytes_sub(self, is_negative ? 1 : 0, SIZE_MAX), &magnitude)) return false;
    uint64_t highest = (uint64_t)INT64_MAX + (is_negative ? 1 : 0);
    if (magnitude > highest) return false;
    *out = (int64_t)(is_negative ? 0 - magnitude : magnitude);
    return true;
}

static int hex_digit(uint8_t byte) {
    if (byte >= '0' && byte <= '9') return byte - '0';
    uint8_t letter = lower(byte);
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

bool weir_bytes_hex_to_u64(weir_bytes self, uint64_t *out) {
    if (self.len == 0 || self.len > 16) return false;
    uint64_t value = 0;
    for (size_t i = 0; i < self.len; i++) {
        int digit = hex_digit(self.ptr[i]);
        if (digit < 0) return false;
        value = value << 4 | (uint64_t)digit;
    }
    *out = value;
    return true;
}
