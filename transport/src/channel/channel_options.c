/* channel_options.c - defaults, in one place. */
#include <weir/core/log.h>

#include "channel/channel_internal.h"

#define DEFAULT_TO(field, value)                                                                             \
    if (out->field == 0) out->field = (value)

static bool socket_makes_sense(const weir_channel_options *options) {
    return options->type_of_service >= 0 && options->type_of_service <= UINT8_MAX &&
           options->quick_ack >= -1 && options->quick_ack <= 1 && options->keep_alive_idle_s >= 0 &&
           options->keep_alive_interval_s >= 0 && options->keep_alive_count >= 0 &&
           options->send_buffer >= 0 && options->receive_buffer >= 0 && options->unsent_low_water >= 0 &&
           options->user_timeout_ms >= 0 && (options->raw_count == 0 || options->raw != NULL);
}

weir_status channel_options_resolve(const weir_channel_options *options, weir_channel_options *out) {
    *out = options != NULL ? *options : (weir_channel_options){0};
    DEFAULT_TO(read_size_min, 64);
    DEFAULT_TO(read_size_max, 64 * 1024);
    DEFAULT_TO(read_size, 2048);
    DEFAULT_TO(reads_per_turn, 16);
    DEFAULT_TO(messages_per_turn, 64);
    DEFAULT_TO(read_pipe_size, 256 * 1024);
    DEFAULT_TO(low_water, 32 * 1024);
    DEFAULT_TO(high_water, 64 * 1024);
    DEFAULT_TO(write_cap, 64 * 1024 * 1024);
    DEFAULT_TO(writes_per_turn, 16);
    DEFAULT_TO(region_bytes_per_turn, 2 * 1024 * 1024);
    DEFAULT_TO(region_join_max, 16 * 1024);
    DEFAULT_TO(close_timeout_ms, 30000);
    if (out->keep_alive_idle_s != 0 || out->keep_alive_interval_s != 0 || out->keep_alive_count != 0)
        out->keep_alive = true;
    if (out->region_join_max == SIZE_MAX) out->region_join_max = 0;
    if (out->read_size > out->read_size_max) out->read_size = out->read_size_max;
    if (out->read_size < out->read_size_min) out->read_size = out->read_size_min;
    if (out->read_size_max > UINT32_MAX || out->read_size_min > out->read_size_max ||
        out->low_water > out->high_water || out->high_water > out->write_cap) {
        weir_log(WEIR_LOG_ERROR, "channel",
                 "options contradict each other: read sizes %zu..%zu, low water %zu, "
                 "high water %zu, write cap %zu",
                 out->read_size_min, out->read_size_max, out->low_water, out->high_water, out->write_cap);
        return WEIR_E_INVALID;
    }
    if (!socket_makes_sense(out)) {
        weir_log(WEIR_LOG_ERROR, "channel", "an option of the socket has a value that makes no sense");
        return WEIR_E_INVALID;
    }
    return WEIR_OK;
}
