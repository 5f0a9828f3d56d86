/* uv_fds.h - private: descriptors beside the bytes of a unix socket (SCM_RIGHTS). */
#ifndef WEIR_UV_FDS_H
#define WEIR_UV_FDS_H

#include <sys/socket.h>

#include "channel/channel_internal.h"

enum {
    MOST_FDS = 253 /* of one call: SCM_MAX_FD of the kernel */
};

/* Room for a control message that brings or takes so many. */
typedef union uv_fds_room {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(MOST_FDS * sizeof(int))];
} uv_fds_room;

/* For wire_ops. */
bool uv_fds_takes(const weir_obj *msg);

/* The descriptors in front of `end`, with which they travel, as the control message of `header`. Answers how many:
 * more than MOST_FDS are not taken. */
size_t uv_fds_collect(const outbound_queue *queue, const outbound_entry *end, struct msghdr *header,
                      uv_fds_room *room);

/* Prepares `header` to receive as many as the channel's options allow. */
void uv_fds_expect(const weir_channel *channel, struct msghdr *header, uv_fds_room *room);

/* Hands in what came along. On failure what was not handed in is closed. May end the channel. */
weir_status uv_fds_hand_in(weir_channel *channel, struct msghdr *header);

#endif
