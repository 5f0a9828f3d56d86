/* fault_messages.c - the calls that weir makes by syscall(2): those of every message, in a debug build, and openat2. */
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "fault.h"
#include "fault_loop.h"

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

enum {
    MOST_VECS = 1024,
    MOST_ARGUMENTS = 6
};

static fault_call call_of(long number) {
    switch (number) {
    case SYS_recvfrom: return CALL_READ;
    case SYS_sendto:
    case SYS_sendmsg: return CALL_SEND;
    case SYS_recvmsg: return CALL_RECVMSG;
    case SYS_recvmmsg: return CALL_RECVMMSG;
    case SYS_sendmmsg: return CALL_SENDMMSG;
    case SYS_openat2: return CALL_OPEN;
    default: return FAULT_CALLS;
    }
}

/* How much is asked for: bytes, or messages. */
static size_t wanted(long number, const long *args) {
    if (number == SYS_recvmmsg || number == SYS_sendmmsg) return (unsigned)args[2];
    if (number != SYS_sendmsg && number != SYS_recvmsg) return (size_t)args[2];
    const struct msghdr *header = (const struct msghdr *)args[1];
    size_t sum = 0;
    for (size_t i = 0; i < header->msg_iovlen; i++) sum += header->msg_iov[i].iov_len;
    return sum;
}

/* The same message with `n` bytes of it. The kernel writes to the header of one it receives. */
static long cut_message(long number, const long *args, size_t n) {
    static _Thread_local struct iovec vecs[MOST_VECS];
    struct msghdr *header = (struct msghdr *)args[1];
    struct msghdr part = *header;
    size_t count = 0;
    for (; n > 0; count++) {
        vecs[count] = header->msg_iov[count];
        if (vecs[count].iov_len > n) vecs[count].iov_len = n;
        n -= vecs[count].iov_len;
    }
    part.msg_iov = vecs;
    part.msg_iovlen = count;
    long result = __real_syscall(number, args[0], &part, args[2]);
    part.msg_iov = header->msg_iov;
    part.msg_iovlen = header->msg_iovlen;
    if (number == SYS_recvmsg) *header = part;
    return result;
}

static long cut_call(long number, const long *args) {
    size_t n = 1 + (size_t)fault_below(wanted(number, args) - 1);
    fault_note(call_of(number), FAULT_SHORT);
    if (number == SYS_sendmsg || number == SYS_recvmsg) return cut_message(number, args, n);
    return __real_syscall(number, args[0], args[1], n, args[3], args[4], args[5]);
}

long __wrap_syscall(long number, ...) {
    long args[MOST_ARGUMENTS];
    va_list list;
    va_start(list, number);
    for (int i = 0; i < MOST_ARGUMENTS; i++) args[i] = va_arg(list, long);
    va_end(list);
    if (number == SYS_epoll_pwait)
        return fault_wait((int)args[0], (struct epoll_event *)args[1], (int)args[2], (int)args[3]);
    fault_call call = call_of(number);
    fault_kind kind = call == FAULT_CALLS ? FAULT_KINDS : fault_draw(call);
    if (kind == FAULT_SHORT && wanted(number, args) > 1) return cut_call(number, args);
    if (kind == FAULT_SHORT || kind == FAULT_KINDS)
        return __real_syscall(number, args[0], args[1], args[2], args[3], args[4], args[5]);
    errno = fault_errno(kind);
    return -1;
}
