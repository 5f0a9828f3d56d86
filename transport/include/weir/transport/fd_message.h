/* <weir/transport/fd_message.h> - an open descriptor as a message: it goes to another process over a unix socket.
 *
 *     write fd, write "here it is"   --->   read fd, read "here it is"        (SCM_RIGHTS, unix(7))
 *
 * In short: write one like any message, and bytes after it. A descriptor travels with the first byte that follows
 * it, so it waits in the queue until there is one; when the stream ends before, its write fails with
 * WEIR_E_INVALID. Unix channels only: elsewhere the write fails with WEIR_E_UNSUPPORTED.
 *
 * A channel with the option `receive_fds` reads them: each is a message, in the order they were sent in, never after
 * the bytes it was sent with. It may come before bytes that were sent earlier, when the same read brought both: the
 * system does not say where in a read a descriptor belongs. Without the option the system closes what comes.
 * More at once than the option allows ends the channel with WEIR_E_LIMIT; more than the process may have open, with
 * -EMFILE; nothing stays open in either case.
 *
 * In a queue one counts as a byte; at most 253 may follow each other without a byte between them.
 *
 * Layer: transport. Needs obj.h. Retain and release from any thread, the rest from one at a time.
 */
#ifndef WEIR_TRANSPORT_FD_MESSAGE_H
#define WEIR_TRANSPORT_FD_MESSAGE_H

#include <weir/core/obj.h>

WEIR_BEGIN_DECLS

typedef struct weir_fd_message weir_fd_message;

/* What all of them are to weir_obj_is. */
WEIR_API extern const weir_obj_type weir_fd_message_type;

/* Takes: fd, also on failure: it is closed with the last reference. Gives: a message, or NULL when out of memory.
 * Requires: fd >= 0. */
WEIR_API WEIR_MUST_USE weir_fd_message *weir_fd_message_new(int fd);

/* The descriptor, or -1 once it was taken. Borrows: message, and so the answer. */
WEIR_API int weir_fd_message_fd(const weir_fd_message *message);

/* Gives: the descriptor, to be closed by the caller; -1 when it was taken already. Borrows: message. Not while it is
 * queued: its channel would end with -EBADF. */
WEIR_API int weir_fd_message_take(weir_fd_message *message);

/* `obj` as one when it is one, else NULL. Borrows: obj, and so the answer. */
static inline weir_fd_message *weir_fd_message_from(weir_obj *obj) {
    return weir_obj_is(obj, &weir_fd_message_type) ? (weir_fd_message *)(void *)obj : NULL;
}

WEIR_END_DECLS

#endif
