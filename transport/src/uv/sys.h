/* sys.h - private: the system calls of every message, answering the count or -errno.
 *
 * Not through libc's wrappers: those are cancellation points, which costs a threaded process some 40 instructions
 * each. Loop threads are never canceled. The three of an unbatched message are made in line (sys_call.h).
 */
#ifndef WEIR_SYS_H
#define WEIR_SYS_H

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include "uv/sys_call.h"

static inline int sys_epoll_wait(int fd, struct epoll_event *events, int most, int timeout) {
    return (int)sys_call6(SYS_epoll_pwait, fd, (long)events, most, timeout, 0, 0);
}

/* Not read(2), which asks what a file must be asked first. */
static inline ssize_t sys_recv(int fd, void *to, size_t n) {
    return sys_call6(SYS_recvfrom, fd, (long)to, (long)n, 0, 0, 0);
}

static inline ssize_t sys_send(int fd, const void *from, size_t n, int flags) {
    return sys_call6(SYS_sendto, fd, (long)from, (long)n, flags, 0, 0);
}

static inline ssize_t sys_result(long result) {
    return result < 0 ? -errno : (ssize_t)result;
}

static inline ssize_t sys_sendmsg(int fd, const struct msghdr *msg, int flags) {
    return sys_result(syscall(SYS_sendmsg, fd, msg, flags));
}

static inline ssize_t sys_recvmsg(int fd, struct msghdr *msg, int flags) {
    return sys_result(syscall(SYS_recvmsg, fd, msg, flags));
}

/* The count of messages. */
static inline ssize_t sys_recvmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags) {
    return sys_result(syscall(SYS_recvmmsg, fd, msgs, n, flags, NULL));
}

static inline ssize_t sys_sendmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags) {
    return sys_result(syscall(SYS_sendmmsg, fd, msgs, n, flags));
}

#endif
