/* <weir/core/bytes.h> - a borrowed run of bytes: {ptr, len}, no owner, no count.
 *
 * The free view (1 ns): what parsers pass around. Whoever made it says until when it is valid.
 * Passed by value. An empty one may have any ptr, also NULL. No function needs a closing NUL.
 *
 * Layer: core. Needs compiler.h. Any thread.
 */
#ifndef WEIR_CORE_BYTES_H
#define WEIR_CORE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <weir/core/compiler.h>

WEIR_BEGIN_DECLS

typedef struct weir_bytes {
    const uint8_t *ptr;
    size_t len;
} weir_bytes;

/* "not there", for functions that answer with a position. */
#define WEIR_NOT_FOUND SIZE_MAX

/* `len` bytes at `ptr`. Borrows: `ptr`, for as long as the view is used. */
static inline weir_bytes weir_bytes_of(const void *ptr, size_t len) {
    weir_bytes view = {(const uint8_t *)ptr, len};
    return view;
}

/* A C string without its NUL; NULL is empty. */
static inline weir_bytes weir_bytes_str(const char *text) {
    return weir_bytes_of(text, text == NULL ? 0 : strlen(text));
}

/* No bytes, wherever its ptr is. */
static inline bool weir_bytes_is_empty(weir_bytes self) {
    return self.len == 0;
}

/* The same bytes, and as many. */
static inline bool weir_bytes_equal(weir_bytes self, weir_bytes other) {
    return self.len == other.len && (self.len == 0 || memcmp(self.ptr, other.ptr, self.len) == 0);
}

/* Equal to a C string. */
static inline bool weir_bytes_equal_str(weir_bytes self, const char *text) {
    return weir_bytes_equal(self, weir_bytes_str(text));
}

/* ASCII letters compare without case. */
WEIR_API bool weir_bytes_equal_nocase(weir_bytes self, weir_bytes other);

/* Unsigned lexicographic order: negative, 0 or positive; a prefix comes first. */
WEIR_API int weir_bytes_compare(weir_bytes self, weir_bytes other);

/* Everything starts and ends with an empty view. */
WEIR_API bool weir_bytes_starts_with(weir_bytes self, weir_bytes prefix);
WEIR_API bool weir_bytes_ends_with(weir_bytes self, weir_bytes suffix);

/* Position of the first such byte, of the last, of the first occurrence of `needle` (an empty needle
 * is found at 0); WEIR_NOT_FOUND when there is none. */
WEIR_API size_t weir_bytes_find(weir_bytes self, uint8_t byte);
WEIR_API size_t weir_bytes_find_last(weir_bytes self, uint8_t byte);
WEIR_API size_t weir_bytes_find_bytes(weir_bytes self, weir_bytes needle);

/* `len` bytes from `at`, both cut to what is there. */
WEIR_API weir_bytes weir_bytes_sub(weir_bytes self, size_t at, size_t len);

/* Without spaces and tabs at both ends. */
WEIR_API weir_bytes weir_bytes_trim(weir_bytes self);

/* The next piece of `*rest` up to `separator`, which is dropped; false when `*rest` was used up.
 * "a,,b" gives "a", "", "b"; "" gives one empty piece. A used up rest has a NULL ptr.
 *     while (weir_bytes_split(&rest, ',', &piece)) use(piece); */
WEIR_API bool weir_bytes_split(weir_bytes *rest, uint8_t separator, weir_bytes *piece);

/* The whole view as a number: digits only, no sign, no space, at least one; false on anything else
 * and on overflow, leaving `*out` alone. */
WEIR_API bool weir_bytes_to_u64(weir_bytes self, uint64_t *out);

/* The same with an optional leading '-'. */
WEIR_API bool weir_bytes_to_i64(weir_bytes self, int64_t *out);

/* Hexadecimal, either case, no prefix, 1 to 16 digits. */
WEIR_API bool weir_bytes_hex_to_u64(weir_bytes self, uint64_t *out);

WEIR_END_DECLS

#endif
