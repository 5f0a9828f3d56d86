/* uv_fds.c - see uv_fds.h.
 *
 * The length given to the kernel is CMSG_LEN, not CMSG_SPACE: received, one more descriptor would fit in that padding; sent,
 * nobody has written it.
 */
#include "uv/uv_fds.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <weir/transport/fd_message.h>

bool uv_fds_takes(const weir_obj *msg) {
    return weir_obj_is(msg, &weir_fd_message_type) &&
           weir_fd_message_fd((const weir_fd_message *)(const void *)msg) >= 0;
}

/* ---- out ---- */

size_t uv_fds_collect(const outbound_queue *queue, const outbound_entry *end, struct msghdr *header,
                      uv_fds_room *room) {
    size_t count = 0;
    for (const outbound_entry *entry = queue->head; entry != end; entry = entry->next) {
        const weir_fd_message *message = weir_fd_message_from(entry->msg);
        if (message == NULL) continue; /* an empty one */
        int fd = weir_fd_message_fd(message);
        if (count < MOST_FDS) memcpy(CMSG_DATA(&room->header) + count * sizeof fd, &fd, sizeof fd);
        count++;
    }
    size_t taken = count < MOST_FDS ? count : MOST_FDS;
    room->header.cmsg_level = SOL_SOCKET;
    room->header.cmsg_type = SCM_RIGHTS;
    room->header.cmsg_len = CMSG_LEN(taken * sizeof(int));
    header->msg_control = room;
    header->msg_controllen = CMSG_LEN(taken * sizeof(int));
    return count;
}

/* ---- in ---- */

static size_t limit_of(const weir_channel *channel) {
    unsigned limit = channel->options->receive_fds;
    return limit < MOST_FDS ? limit : MOST_FDS;
}

void uv_fds_expect(const weir_channel *channel, struct msghdr *header, uv_fds_room *room) {
    header->msg_control = room;
    header->msg_controllen = CMSG_LEN(limit_of(channel) * sizeof(int));
}

/* Those that came, in order. */
static size_t take_out(struct msghdr *header, int fds[MOST_FDS]) {
    size_t count = 0;
    for (struct cmsghdr *at = CMSG_FIRSTHDR(header); at != NULL; at = CMSG_NXTHDR(header, at)) {
        if (at->cmsg_level != SOL_SOCKET || at->cmsg_type != SCM_RIGHTS) continue;
        size_t more = (at->cmsg_len - CMSG_LEN(0)) / sizeof *fds;
        memcpy(fds + count, CMSG_DATA(at), more * sizeof *fds);
        count += more;
    }
    return count;
}

weir_status uv_fds_hand_in(weir_channel *channel, struct msghdr *header) {
    int fds[MOST_FDS];
    weir_status status = WEIR_OK;
    size_t count = take_out(header, fds);
    if ((header->msg_flags & MSG_CTRUNC) != 0)
        status = count < limit_of(channel) ? -EMFILE : (weir_status)WEIR_E_LIMIT;
    for (size_t i = 0; i < count; i++) {
        if (status != WEIR_OK || !channel_is_open(channel)) {
            close(fds[i]);
            continue;
        }
        weir_fd_message *message = weir_fd_message_new(fds[i]);
        if (message != NULL) {
            channel_wire_read(channel, (weir_obj *)(void *)message);
        } else {
            status = WEIR_E_NO_MEMORY;
        }
    }
    return status;
}
