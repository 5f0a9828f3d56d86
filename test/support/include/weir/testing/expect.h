/* <weir/testing/expect.h> - what a test states.
 *
 *     expect(condition)                  true
 *     expect_eq(actual, expected)        numbers, bools, pointers; compared by value, whatever their types
 *     expect_str(actual, "text")         C strings
 *     expect_bytes(view, "a\0b")         a weir_bytes against a string literal
 *     expect_same_bytes(view, other)     two weir_bytes
 *     expect_status(actual, WEIR_OK)     two weir_status, told by name
 *     expect_abort({ code }, "sentence") the code aborts, and says so on stderr
 *     require(condition)                 true, or the test ends here
 *
 * All but `require` go on after failing and answer whether they held. They print where, what, and the
 * values. Layer: testing. Any thread, except `require` and `expect_abort`: the test's own.
 */
#ifndef WEIR_TESTING_EXPECT_H
#define WEIR_TESTING_EXPECT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <weir/core/bytes.h>
#include <weir/core/status.h>

WEIR_BEGIN_DECLS

#define expect(condition) weir_test_expect_true((condition) ? true : false, __FILE__, __LINE__, #condition)

#define require(condition) ((condition) ? (void)0 : weir_test_require_failed(__FILE__, __LINE__, #condition))

#define expect_eq(actual, expected)                                                                          \
    weir_test_expect_equal(WEIR_TEST_VALUE(actual), WEIR_TEST_VALUE(expected), __FILE__, __LINE__, #actual,  \
                           #expected)

#define expect_str(actual, expected) weir_test_expect_str(actual, expected, __FILE__, __LINE__, #actual)

#define expect_bytes(actual, literal)                                                                        \
    weir_test_expect_bytes(actual, weir_bytes_of("" literal, sizeof("" literal) - 1), __FILE__, __LINE__,    \
                           #actual)

#define expect_same_bytes(actual, expected)                                                                  \
    weir_test_expect_bytes(actual, expected, __FILE__, __LINE__, #actual)

#define expect_status(actual, expected) weir_test_expect_status(actual, expected, __FILE__, __LINE__, #actual)

/* The code runs in a forked child, so it changes nothing here. A comma outside parentheses
 * (`int a, b;`) would end the argument. */
#define expect_abort(code, sentence)                                                                         \
    do {                                                                                                     \
        weir_test_child weir_child;                                                                          \
        if (weir_test_child_start(&weir_child)) {                                                            \
            code;                                                                                            \
            weir_test_child_survived();                                                                      \
        }                                                                                                    \
        weir_test_expect_aborted(&weir_child, sentence, __FILE__, __LINE__);                                 \
    } while (0)

/* A number or an address, as expect_eq compares and prints it. */
typedef enum weir_test_kind {
    WEIR_TEST_SIGNED,
    WEIR_TEST_UNSIGNED,
    WEIR_TEST_REAL,
    WEIR_TEST_POINTER,
} weir_test_kind;

/* One side of expect_eq: the kind, and the value in the member of that kind. */
typedef struct weir_test_value {
    weir_test_kind kind;
    int64_t integer; /* of an unsigned one: its bits */
    double real;
    const void *pointer;
} weir_test_value;

/* The value of each kind; WEIR_TEST_VALUE chooses. */
weir_test_value weir_test_signed(int64_t integer);
weir_test_value weir_test_unsigned(uint64_t integer);
weir_test_value weir_test_real(double real);
weir_test_value weir_test_pointer(const void *pointer);

/* clang-format off */
#define WEIR_TEST_VALUE(x)                                                                                   \
    _Generic((x),                                                                                            \
        char: weir_test_signed,                                                                              \
        signed char: weir_test_signed,                                                                       \
        short: weir_test_signed,                                                                             \
        int: weir_test_signed,                                                                               \
        long: weir_test_signed,                                                                              \
        long long: weir_test_signed,                                                                         \
        bool: weir_test_unsigned,                                                                            \
        unsigned char: weir_test_unsigned,                                                                   \
        unsigned short: weir_test_unsigned,                                                                  \
        unsigned int: weir_test_unsigned,                                                                    \
        unsigned long: weir_test_unsigned,                                                                   \
        unsigned long long: weir_test_unsigned,                                                              \
        float: weir_test_real,                                                                               \
        double: weir_test_real,                                                                              \
        default: weir_test_pointer)(x)
/* clang-format on */

/* The process in which expect_abort runs its code, and the pipe with what it says. */
typedef struct weir_test_child {
    pid_t pid;
    int output;
} weir_test_child;

/* The out-of-line halves of the macros. */
bool weir_test_expect_true(bool held, const char *file, int line, const char *condition);
bool weir_test_expect_equal(weir_test_value actual, weir_test_value expected, const char *file, int line,
                            const char *actual_text, const char *expected_text);
bool weir_test_expect_str(const char *actual, const char *expected, const char *file, int line,
                          const char *actual_text);
bool weir_test_expect_bytes(weir_bytes actual, weir_bytes expected, const char *file, int line,
                            const char *actual_text);
bool weir_test_expect_status(weir_status actual, weir_status expected, const char *file, int line,
                             const char *actual_text);
WEIR_NORETURN void weir_test_require_failed(const char *file, int line, const char *condition);
bool weir_test_child_start(weir_test_child *self); /* true in the child */
WEIR_NORETURN void weir_test_child_survived(void);
bool weir_test_expect_aborted(weir_test_child *self, const char *sentence, const char *file, int line);

WEIR_END_DECLS

#endif
