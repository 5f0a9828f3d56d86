/* uv_datagram.c - a datagram socket as a wire: what happens on it, and how it goes.
 *
 * No error ends it: what the network refuses concerns single datagrams.
 */
#include "uv/uv_datagram.h"

#include <linux/sock_diag.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void uv_datagram_report(uv_datagram *self, weir_status status, const char *what) {
    if (!channel_is_open(&self->uv.channel)) return;
    weir_ctx_fire_error(&self->uv.channel.pipeline.ends, &(weir_error){.status = status, .what = what});
}

/* Nothing is watched any more; taking the error off the socket lets it go on. */
static void on_socket_failed(uv_datagram *self) {
    weir_status status = uv_socket_error(self->uv.watch.fd);
    if (status != WEIR_OK) uv_datagram_report(self, status, "socket");
    uv_channel_arm(&self->uv);
}

void uv_datagram_ready(uv_watch *watch, uint32_t events) {
    uv_datagram *self = uv_datagram_of(WEIR_CONTAINER(watch, uv_channel, watch));
    weir_channel *channel = &self->uv.channel;
    loop_note_event(channel->loop, channel->id);
    if (WEIR_UNLIKELY(events == EPOLLERR)) {
        on_socket_failed(self);
        return;
    }
    if ((events & EPOLLOUT) != 0) {
        self->uv.blocked = false;
        channel_wire_drained(channel);
        uv_channel_arm(&self->uv);
    }
    if ((events & EPOLLIN) != 0 && channel_wants_reading(channel)) uv_datagram_read_burst(self);
}

static void update_reading(weir_channel *channel) {
    uv_channel_arm(uv_channel_of(channel));
}

/* There is no end of stream to send. */
static void shut(weir_channel *channel) {
    (void)channel;
}

/* ---- ending ---- */

static uint64_t overflowed(int fd) {
    uint32_t info[SK_MEMINFO_VARS] = {0};
    socklen_t len = sizeof info;
    if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len) != 0) return 0;
    return info[SK_MEMINFO_DROPS];
}

static void on_closed(uv_watch *watch) {
    uv_datagram *self = uv_datagram_of(WEIR_CONTAINER(watch, uv_channel, watch));
    uv_datagram_settle(self, self->uv.channel.cause);
    channel_wire_closed(&self->uv.channel);
}

/* What the kernel has taken is on its way, whichever end this is. */
static void close_wire(weir_channel *channel, bool abort) {
    uv_datagram *self = uv_datagram_of_channel(channel);
    (void)abort;
    weir_timer_stop(&self->retry, channel->loop);
    if (self->uv.watch.fd < 0) {
        uv_datagram_close_unopened(self);
        return;
    }
    self->stats.overflowed = overflowed(self->uv.watch.fd);
    uv_watch_close(&self->uv.watch, driver_of(channel->loop), on_closed);
    close(self->uv.watch.fd);
    self->uv.watch.fd = -1;
}

static bool takes(const weir_obj *msg) {
    return msg->type == &weir_datagram_type;
}

static int fd_of(const weir_channel *channel) {
    return ((const uv_channel *)(const void *)channel)->watch.fd;
}

const wire_ops uv_datagram_wire = {
    .name = "datagram",
    .outlives_errors = true,
    .takes = takes,
    .drain = uv_datagram_drain,
    .update_reading = update_reading,
    .shutdown = shut,
    .close = close_wire,
    .fd = fd_of,
};

/* ---- what only datagram channels have ---- */

static void check_kind(const weir_channel *channel, const char *function) {
    loop_check_current(channel->loop, function);
    WEIR_CHECK(channel->wire == &uv_datagram_wire, "%s on a channel that is no datagram channel", function);
}

static weir_status change(weir_channel *channel, const weir_multicast *membership, bool join) {
    datagram_membership parsed;
    weir_status status = datagram_membership_parse(&parsed, membership);
    if (status != WEIR_OK) return status;
    int fd = weir_channel_fd(channel);
    return fd < 0 ? (weir_status)WEIR_E_CLOSED : datagram_membership_change(fd, &parsed, join);
}

weir_status weir_datagram_join(weir_channel *channel, const weir_multicast *membership) {
    check_kind(channel, __func__);
    return change(channel, membership, true);
}

weir_status weir_datagram_leave(weir_channel *channel, const weir_multicast *membership) {
    check_kind(channel, __func__);
    return change(channel, membership, false);
}

void weir_datagram_get_stats(const weir_channel *channel, weir_datagram_stats *out) {
    check_kind(channel, __func__);
    const uv_datagram *self = (const uv_datagram *)(const void *)channel;
    *out = self->stats;
    if (self->uv.watch.fd >= 0) out->overflowed = overflowed(self->uv.watch.fd);
}
