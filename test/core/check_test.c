/* check_test.c - a bug in the caller ends the program with a sentence. */
#include <string.h>

#include <weir/core/check.h>
#include <weir/testing.h>

static int evaluated;

static bool count_and_hold(void) {
    evaluated++;
    return true;
}

static const char *long_text(void) {
    static char text[5000];
    memset(text, 'x', sizeof text - 1);
    return text;
}

WEIR_TEST(check, evaluates_its_condition_once_and_goes_on) {
    evaluated = 0;
    WEIR_CHECK(count_and_hold(), "never told");
    expect_eq(evaluated, 1);
}

WEIR_TEST(check, aborts_with_the_formatted_sentence) {
    expect_abort({ WEIR_CHECK(1 + 1 == 3, "sum is %d, not %s", 2, "three"); }, "sum is 2, not three\n");
}

WEIR_TEST(check, tells_file_and_function) {
    expect_abort({ WEIR_CHECK(false, "x"); }, "check_test.c:");
    expect_abort({ weir_check_failed("some.c", 42, "some_function", "gone"); },
                 "weir: some.c:42: some_function: gone\n");
}

WEIR_TEST(check, cuts_a_sentence_that_is_too_long_and_still_ends_the_line) {
    expect_abort({ weir_check_failed("f.c", 1, "f", "%s", long_text()); }, "xxx\n");
}

WEIR_TEST(check, aborts_in_unreachable_places) {
    expect_abort({ WEIR_UNREACHABLE(); }, "unreachable code was reached");
}
