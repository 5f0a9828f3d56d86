/* channel_rare.c - what few channels need: a deadline for a close that has to wait, counts of regions and full sockets.
 *
 * Most connections never send a file, their socket takes all, and their close finds nothing queued. So the 96 bytes for
 * that are made by the first event that needs them.
 */
#include <weir/core/log.h>

#include "channel/channel_internal.h"

/* ---- a close that waits ---- */

static void look_at_progress(weir_timer *timer) {
    weir_channel *channel = timer->arg;
    channel_rare *rare = channel->rare;
    unsigned ms = channel->options->close_timeout_ms;
    if (channel->stats.bytes_written != rare->close_progress) {
        rare->close_progress = channel->stats.bytes_written;
        weir_timer_start(timer, channel->loop, ms);
        return;
    }
    weir_log(WEIR_LOG_INFO, "channel", "%llu: the peer took nothing for %u ms while closing: aborted",
             (unsigned long long)channel->id, ms);
    channel_abort_now(channel, WEIR_E_TIMEOUT);
}

channel_rare *channel_need_rare(weir_channel *channel) {
    if (channel->rare != NULL) return channel->rare;
    channel_rare *made = weir_alloc_zeroed(channel->loop->alloc, 1, sizeof *made);
    if (made != NULL) weir_timer_init(&made->close_timer, look_at_progress, channel);
    channel->rare = made;
    return made;
}

void channel_bound_close(weir_channel *channel) {
    channel_rare *rare = channel_need_rare(channel);
    if (rare == NULL) {
        channel_abort_now(channel, WEIR_E_NO_MEMORY);
    } else if (!weir_timer_is_running(&rare->close_timer)) {
        rare->close_progress = channel->stats.bytes_written;
        weir_timer_start(&rare->close_timer, channel->loop, channel->options->close_timeout_ms);
    }
}

/* ---- counts ---- */

void channel_note_full(weir_channel *channel) {
    channel_rare *rare = channel_need_rare(channel);
    if (rare != NULL) rare->would_block++; /* else there is worse to tell */
}

void weir_channel_get_stats(const weir_channel *channel, weir_channel_stats *out) {
    const channel_counts *counts = &channel->stats;
    *out = (weir_channel_stats){
        .bytes_read = counts->bytes_read,
        .bytes_written = counts->bytes_written,
        .reads = counts->reads,
        .messages_written = counts->messages_written,
        .writev_calls = counts->writev_calls,
    };
    const channel_rare *rare = channel->rare;
    if (rare == NULL) return;
    out->spliced_reads = rare->spliced_reads;
    out->sendfile_calls = rare->sendfile_calls;
    out->sendfile_bytes = rare->sendfile_bytes;
    out->copied_bytes = rare->copied_bytes;
    out->cold_reads = rare->cold_reads;
    out->would_block = rare->would_block;
}
