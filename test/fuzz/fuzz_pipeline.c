/* fuzz_pipeline.c - what the handlers of a channel do in each callback is written in the bytes: write, add, remove,
 * replace, close, abort, fail, from inside and as from another thread, while the far end feeds, stalls, ends and breaks.
 *
 * The embedded wire, and the model that judges, are those of the test transport.channel_random: each event once and
 * in order, each promise once and with the first cause, bytes in order, nothing left.
 */
#include <weir/core/leak.h>
#include <weir/core/log.h>

#include "fuzz/fuzz.h"
#include "transport/channel_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static channel_world_counts counts;
    weir_log_set_level(WEIR_LOG_OFF);
    int64_t alive = weir_leak_report(NULL);
    chance luck = chance_of_bytes(data, size);
    channel_world_live(&luck, &counts);
    MUST(weir_leak_report(NULL) == alive);
    return 0;
}
