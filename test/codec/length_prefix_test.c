/* length_prefix_test.c - the number in front of a message, at the edges of each width. */
#include <weir/buffer/buf_int.h>
#include <weir/codec/length_prefix.h>
#include <weir/testing.h>

static weir_status try_length(weir_length_prefix_options options, uint64_t length, uint64_t *number) {
    uint8_t bytes[8];
    memset(bytes, 0xEE, sizeof bytes);
    weir_status status = weir_length_prefix_write(&options, length, bytes, NULL);
    size_t width = options.length_field_length;
    for (size_t i = status == WEIR_OK ? width : 0; i < 8; i++) expect_eq(bytes[i], 0xEE);
    *number = options.little_endian ? weir_load_le(bytes, width) : weir_load_be(bytes, width);
    return status;
}

WEIR_TEST(length_prefix, knows_five_widths) {
    for (unsigned width = 0; width < 20; width++) {
        bool is_known = width == 1 || width == 2 || width == 3 || width == 4 || width == 8;
        weir_test_context("width %u", width);
        expect_status(weir_length_prefix_check(&(weir_length_prefix_options){.length_field_length = width}),
                      is_known ? WEIR_OK : WEIR_E_INVALID);
    }
}

WEIR_TEST(length_prefix, holds_the_largest_number_of_each_width_and_no_larger) {
    static const struct {
        unsigned width;
        uint64_t largest;
    } fields[] = {{1, 0xff}, {2, 0xffff}, {3, 0xffffff}, {4, 0xffffffff}, {8, INT64_MAX}};
    for (unsigned i = 0; i < 10; i++) {
        weir_length_prefix_options options = {.length_field_length = fields[i / 2].width,
                                              .little_endian = i % 2 == 1};
        weir_test_context("width %u, little endian %d", options.length_field_length, options.little_endian);
        uint64_t largest = fields[i / 2].largest, number = 0;
        expect_status(try_length(options, largest, &number), WEIR_OK);
        expect_eq(number, largest);
        expect_status(try_length(options, largest + 1, &number), WEIR_E_FRAME_TOO_LONG);
        options.includes_length = true;
        expect_status(try_length(options, largest - options.length_field_length, &number), WEIR_OK);
        expect_eq(number, largest);
        expect_status(try_length(options, largest - options.length_field_length + 1, &number),
                      WEIR_E_FRAME_TOO_LONG);
    }
}

WEIR_TEST(length_prefix, adjusts_the_length_without_going_below_zero) {
    weir_length_prefix_options options = {.length_field_length = 2, .length_adjustment = -3};
    uint64_t number = 0;
    expect_status(try_length(options, 3, &number), WEIR_OK);
    expect_eq(number, 0);
    expect_status(try_length(options, 2, &number), WEIR_E_INVALID);
    options.includes_length = true;
    expect_status(try_length(options, 1, &number), WEIR_OK);
    expect_eq(number, 0);
    options.length_adjustment = INT64_MAX;
    expect_status(try_length(options, 1, &number), WEIR_E_FRAME_TOO_LONG);
    options.length_adjustment = INT64_MIN;
    expect_status(try_length(options, INT64_MAX, &number), WEIR_OK);
    expect_eq(number, 1);
}
