/* channel_options_test.c - defaults where they are zero, and contradictions refused. */
#include <weir/testing.h>

#include <weir/transport/embedded.h>

#include "channel/channel_internal.h"

WEIR_TEST(channel_options, zero_means_the_default_everywhere) {
    weir_channel_options out, zero = {0};
    expect_status(channel_options_resolve(NULL, &out), WEIR_OK);
    expect_eq(out.read_size, 2048);
    expect_eq(out.read_size_min, 64);
    expect_eq(out.read_size_max, 65536);
    expect_eq(out.reads_per_turn, 16);
    expect(!out.read_by_splice);
    expect_eq(out.read_pipe_size, 256 * 1024);
    expect_eq(out.low_water, 32768);
    expect_eq(out.high_water, 65536);
    expect_eq(out.write_cap, 64u << 20);
    expect_eq(out.writes_per_turn, 16);
    expect_eq(out.region_bytes_per_turn, 2u << 20);
    expect_eq(out.region_join_max, 16384);
    expect_eq(out.close_timeout_ms, 30000);
    expect(!out.manual_read && !out.read_while_unwritable && !out.region_copy && !out.delay);
    expect_status(channel_options_resolve(&zero, &out), WEIR_OK);
    expect_eq(out.high_water, 65536);
}

WEIR_TEST(channel_options, keep_what_is_given) {
    weir_channel_options out;
    weir_channel_options given = {.read_size = 100,
                                  .read_size_min = 50,
                                  .read_size_max = 200,
                                  .low_water = 1,
                                  .high_water = 2,
                                  .write_cap = 3,
                                  .region_join_max = SIZE_MAX,
                                  .manual_read = true};
    expect_status(channel_options_resolve(&given, &out), WEIR_OK);
    expect_eq(out.read_size, 100);
    expect_eq(out.low_water, 1);
    expect_eq(out.high_water, 2);
    expect_eq(out.write_cap, 3);
    expect_eq(out.region_join_max, 0);
    expect(out.manual_read);
}

WEIR_TEST(channel_options, pull_the_first_read_between_its_limits) {
    weir_channel_options out;
    expect_status(channel_options_resolve(&(weir_channel_options){.read_size_max = 512}, &out), WEIR_OK);
    expect_eq(out.read_size, 512);
    expect_status(channel_options_resolve(&(weir_channel_options){.read_size_min = 4096}, &out), WEIR_OK);
    expect_eq(out.read_size, 4096);
}

static void refuse(weir_channel_options given) {
    weir_channel_options out;
    expect_status(channel_options_resolve(&given, &out), WEIR_E_INVALID);
    expect(weir_embedded_new(&given, NULL, NULL) == NULL);
}

WEIR_TEST(channel_options, that_contradict_each_other_are_refused) {
    refuse((weir_channel_options){.low_water = 100000});
    refuse((weir_channel_options){.high_water = 1000});
    refuse((weir_channel_options){.write_cap = 1000});
    refuse((weir_channel_options){.read_size_min = 100000});
    refuse((weir_channel_options){.read_size_max = 32});
    refuse((weir_channel_options){.read_size_max = (size_t)1 << 33});
    refuse((weir_channel_options){.type_of_service = 256});
    refuse((weir_channel_options){.quick_ack = 2});
    refuse((weir_channel_options){.user_timeout_ms = -1});
    refuse((weir_channel_options){.raw_count = 1});
}
