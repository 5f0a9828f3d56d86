/* expect.c - the checks: compare, and tell both values when they differ. */
#include <weir/testing/expect.h>

#include <stdio.h>
#include <string.h>

#include <weir/testing/test.h>

enum {
    TEXT_SIZE = 400,
    SHOWN_BYTES = 64
};

weir_test_value weir_test_signed(int64_t integer) {
    return (weir_test_value){.kind = WEIR_TEST_SIGNED, .integer = integer};
}

weir_test_value weir_test_unsigned(uint64_t integer) {
    return (weir_test_value){.kind = WEIR_TEST_UNSIGNED, .integer = (int64_t)integer};
}

weir_test_value weir_test_real(double real) {
    return (weir_test_value){.kind = WEIR_TEST_REAL, .real = real};
}

weir_test_value weir_test_pointer(const void *pointer) {
    return (weir_test_value){.kind = WEIR_TEST_POINTER, .pointer = pointer};
}

static bool is_integer(weir_test_value value) {
    return value.kind == WEIR_TEST_SIGNED || value.kind == WEIR_TEST_UNSIGNED;
}

static bool is_negative(weir_test_value value) {
    return value.kind == WEIR_TEST_SIGNED && value.integer < 0;
}

static double as_real(weir_test_value value) {
    if (value.kind == WEIR_TEST_REAL) return value.real;
    return value.kind == WEIR_TEST_SIGNED ? (double)value.integer : (double)(uint64_t)value.integer;
}

static bool are_equal(weir_test_value left, weir_test_value right) {
    bool has_pointer = left.kind == WEIR_TEST_POINTER || right.kind == WEIR_TEST_POINTER;
    if (has_pointer) return left.kind == right.kind && left.pointer == right.pointer;
    if (is_integer(left) && is_integer(right)) {
        return left.integer == right.integer && is_negative(left) == is_negative(right);
    }
    double difference = as_real(left) - as_real(right);
    return difference >= 0 && difference <= 0;
}

static void put_value(char text[TEXT_SIZE], weir_test_value value) {
    long long integer = (long long)value.integer;
    switch (value.kind) {
    case WEIR_TEST_SIGNED: snprintf(text, TEXT_SIZE, "%lld", integer); break;
    case WEIR_TEST_UNSIGNED: snprintf(text, TEXT_SIZE, "%llu", (unsigned long long)integer); break;
    case WEIR_TEST_REAL: snprintf(text, TEXT_SIZE, "%.17g", value.real); break;
    case WEIR_TEST_POINTER: snprintf(text, TEXT_SIZE, "%p", value.pointer); break;
    }
}

/* At most SHOWN_BYTES from `from` on, as the C string that means them. */
static void put_bytes(char text[TEXT_SIZE], weir_bytes bytes, size_t from) {
    size_t used = 0;
    size_t end = bytes.len - from > SHOWN_BYTES ? from + SHOWN_BYTES : bytes.len;
    text[used++] = '"';
    for (size_t i = from; i < end; i++) {
        uint8_t byte = bytes.ptr[i];
        bool is_plain = byte >= ' ' && byte < 0x7f && byte != '"' && byte != '\\';
        used += (size_t)snprintf(text + used, TEXT_SIZE - used, is_plain ? "%c" : "\\x%02x", byte);
    }
    snprintf(text + used, TEXT_SIZE - used, end < bytes.len ? "\"..." : "\"");
}

bool weir_test_expect_true(bool held, const char *file, int line, const char *condition) {
    if (!held) weir_test_fail(file, line, "expected %s", condition);
    return held;
}

void weir_test_require_failed(const char *file, int line, const char *condition) {
    weir_test_fail(file, line, "required %s", condition);
    weir_test_give_up();
}

bool weir_test_expect_equal(weir_test_value actual, weir_test_value expected, const char *file, int line,
                            const char *actual_text, const char *expected_text) {
    if (are_equal(actual, expected)) return true;
    char got[TEXT_SIZE];
    char want[TEXT_SIZE];
    put_value(got, actual);
    put_value(want, expected);
    weir_test_fail(file, line, "expected %s == %s: got %s, want %s", actual_text, expected_text, got, want);
    return false;
}

bool weir_test_expect_str(const char *actual, const char *expected, const char *file, int line,
                          const char *actual_text) {
    if (actual != NULL && expected != NULL) {
        return weir_test_expect_bytes(weir_bytes_str(actual), weir_bytes_str(expected), file, line,
                                      actual_text);
    }
    if (actual == expected) return true;
    weir_test_fail(file, line, "%s: got %s, want %s", actual_text, actual == NULL ? "NULL" : actual,
                   expected == NULL ? "NULL" : expected);
    return false;
}

bool weir_test_expect_bytes(weir_bytes actual, weir_bytes expected, const char *file, int line,
                            const char *actual_text) {
    if (weir_bytes_equal(actual, expected)) return true;
    size_t same = 0;
    while (same < actual.len && same < expected.len && actual.ptr[same] == expected.ptr[same]) same++;
    size_t from = same < 8 ? 0 : same - 8;
    char got[TEXT_SIZE];
    char want[TEXT_SIZE];
    put_bytes(got, actual, from);
    put_bytes(want, expected, from);
    weir_test_fail(file, line, "%s differs at %zu; from %zu on: got %s (%zu bytes in all), want %s (%zu)",
                   actual_text, same, from, got, actual.len, want, expected.len);
    return false;
}

bool weir_test_expect_status(weir_status actual, weir_status expected, const char *file, int line,
                             const char *actual_text) {
    if (actual == expected) return true;
    weir_test_fail(file, line, "%s: got %s (%d), want %s (%d)", actual_text, weir_status_name(actual), actual,
                   weir_status_name(expected), expected);
    return false;
}
