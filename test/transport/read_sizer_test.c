/* read_sizer_test.c - the size of the next read follows the last ones. */
#include <weir/testing.h>

#include "channel/read_sizer.h"

WEIR_TEST(read_sizer, grows_four_times_with_each_full_read_up_to_the_maximum) {
    const weir_channel_options options = {.read_size = 2048, .read_size_min = 64, .read_size_max = 65536};
    read_sizer sizer;
    read_sizer_init(&sizer, &options);
    static const uint32_t expected[] = {8192, 32768, 65536, 65536};
    for (size_t i = 0; i < 4; i++) {
        read_sizer_note(&sizer, &options, sizer.size, sizer.size);
        expect_eq(sizer.size, expected[i]);
    }
}

WEIR_TEST(read_sizer, halves_after_two_small_reads_in_a_row_down_to_the_minimum) {
    const weir_channel_options options = {.read_size = 1024, .read_size_min = 64, .read_size_max = 65536};
    read_sizer sizer;
    read_sizer_init(&sizer, &options);
    read_sizer_note(&sizer, &options, 10, 1024);
    expect_eq(sizer.size, 1024);
    read_sizer_note(&sizer, &options, 10, 1024);
    expect_eq(sizer.size, 512);
    for (int i = 0; i < 20; i++) read_sizer_note(&sizer, &options, 1, sizer.size);
    expect_eq(sizer.size, 64);
}

WEIR_TEST(read_sizer, forgets_a_small_read_when_a_bigger_one_follows) {
    const weir_channel_options options = {.read_size = 1024, .read_size_min = 64, .read_size_max = 65536};
    read_sizer sizer;
    read_sizer_init(&sizer, &options);
    for (int i = 0; i < 10; i++) {
        read_sizer_note(&sizer, &options, 10, 1024);
        read_sizer_note(&sizer, &options, 600, 1024);
    }
    expect_eq(sizer.size, 1024);
}

/* The pool rounds up: a buf may have more room than was asked for. */
WEIR_TEST(read_sizer, counts_a_read_as_full_by_the_room_there_was) {
    const weir_channel_options options = {.read_size = 1000, .read_size_min = 64, .read_size_max = 65536};
    read_sizer sizer;
    read_sizer_init(&sizer, &options);
    read_sizer_note(&sizer, &options, 1000, 1024);
    expect_eq(sizer.size, 1000);
    read_sizer_note(&sizer, &options, 1024, 1024);
    expect_eq(sizer.size, 4000);
}

WEIR_TEST(read_sizer, stays_where_minimum_and_maximum_are_the_same) {
    const weir_channel_options options = {.read_size = 4096, .read_size_min = 4096, .read_size_max = 4096};
    read_sizer sizer;
    read_sizer_init(&sizer, &options);
    for (int i = 0; i < 10; i++) read_sizer_note(&sizer, &options, i % 2 == 0 ? 1 : 4096, 4096);
    for (int i = 0; i < 10; i++) read_sizer_note(&sizer, &options, 0, 4096);
    expect_eq(sizer.size, 4096);
}
