/* fault_calls.c - what --wrap puts between weir's libraries and libc. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <stdarg.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fault.h"
#include "fault_wrap.h"

/* True: the call has failed, and errno says how. */
static bool fails(fault_call call, fault_kind *kind) {
    *kind = fault_draw(call);
    if (*kind == FAULT_KINDS || *kind == FAULT_SHORT) return false;
    errno = fault_errno(*kind);
    return true;
}

static size_t cut(fault_call call, fault_kind kind, size_t n) {
    if (kind != FAULT_SHORT || n < 2) return n;
    fault_note(call, kind);
    return 1 + (size_t)fault_below(n - 1);
}

static ssize_t failed_count(fault_kind kind) {
    return kind == FAULT_END ? 0 : -1;
}

/* ---- descriptors ---- */

static mode_t mode_of(int flags, va_list args) {
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(args, mode_t) : 0;
}

WRAP(int, open, (const char *path, int flags, ...)) {
    fault_kind kind;
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_of(flags, args);
    va_end(args);
    return fails(CALL_OPEN, &kind) ? -1 : __real_open(path, flags, mode);
}

WRAP(int, openat, (int folder, const char *path, int flags, ...)) {
    fault_kind kind;
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_of(flags, args);
    va_end(args);
    return fails(CALL_OPEN, &kind) ? -1 : __real_openat(folder, path, flags, mode);
}

WRAP(int, fstat, (int fd, struct stat *stat)) {
    fault_kind kind;
    return fails(CALL_STAT, &kind) ? -1 : __real_fstat(fd, stat);
}

WRAP(int, fsync, (int fd)) {
    fault_kind kind;
    return fails(CALL_SYNC, &kind) ? -1 : __real_fsync(fd);
}

/* The descriptor is gone whatever it answers (close(2)). */
WRAP(int, close, (int fd)) {
    fault_kind kind;
    int result = __real_close(fd);
    return fails(CALL_CLOSE, &kind) ? -1 : result;
}

WRAP(int, pipe2, (int ends[2], int flags)) {
    fault_kind kind;
    return fails(CALL_PIPE, &kind) ? -1 : __real_pipe2(ends, flags);
}

WRAP(int, fcntl, (int fd, int command, ...)) {
    fault_kind kind;
    va_list args;
    va_start(args, command);
    long argument = va_arg(args, long);
    va_end(args);
    if (command == F_SETPIPE_SZ && fails(CALL_PIPE_SIZE, &kind)) return -1;
    return __real_fcntl(fd, command, argument);
}

WRAP(int, eventfd, (unsigned value, int flags)) {
    fault_kind kind;
    return fails(CALL_EVENTFD, &kind) ? -1 : __real_eventfd(value, flags);
}

WRAP(int, timerfd_create, (clockid_t clock, int flags)) {
    fault_kind kind;
    return fails(CALL_TIMERFD, &kind) ? -1 : __real_timerfd_create(clock, flags);
}

WRAP(int, pthread_create,
     (pthread_t * thread, const pthread_attr_t *attributes, void *(*run)(void *), void *arg)) {
    return fault_draw(CALL_THREAD) != FAULT_KINDS ? EAGAIN
                                                  : __real_pthread_create(thread, attributes, run, arg);
}

/* ---- bytes ---- */

/* An eventfd gives and takes eight bytes or none. */
static bool is_eventfd_size(size_t n) {
    return n == sizeof(uint64_t);
}

WRAP(ssize_t, read, (int fd, void *to, size_t n)) {
    fault_kind kind;
    if (fails(is_eventfd_size(n) ? CALL_WAKE : CALL_READ_PIPE, &kind)) return -1;
    return __real_read(fd, to, cut(CALL_READ_PIPE, kind, n));
}

WRAP(ssize_t, write, (int fd, const void *from, size_t n)) {
    fault_kind kind;
    if (fails(is_eventfd_size(n) ? CALL_WAKE : CALL_WRITE, &kind)) return -1;
    return __real_write(fd, from, cut(CALL_WRITE, kind, n));
}

WRAP(ssize_t, pread, (int fd, void *to, size_t n, off_t at)) {
    fault_kind kind;
    if (fails(CALL_PREAD, &kind)) return failed_count(kind);
    return __real_pread(fd, to, cut(CALL_PREAD, kind, n), at);
}

WRAP(ssize_t, preadv2, (int fd, const struct iovec *vecs, int count, off_t at, int flags)) {
    fault_kind kind;
    if (fails(CALL_PREAD_NOW, &kind)) return failed_count(kind);
    struct iovec first = {vecs->iov_base, cut(CALL_PREAD_NOW, kind, vecs->iov_len)};
    return kind == FAULT_SHORT ? __real_preadv2(fd, &first, 1, at, flags)
                               : __real_preadv2(fd, vecs, count, at, flags);
}

WRAP(ssize_t, sendfile, (int to, int from, off_t *at, size_t n)) {
    fault_kind kind;
    if (fails(CALL_SENDFILE, &kind)) return failed_count(kind);
    return __real_sendfile(to, from, at, cut(CALL_SENDFILE, kind, n));
}

WRAP(ssize_t, splice, (int from, off_t *from_at, int to, off_t *to_at, size_t n, unsigned flags)) {
    struct stat stat;
    fault_kind kind;
    bool out = __real_fstat(from, &stat) == 0 && S_ISFIFO(stat.st_mode);
    fault_call call = out ? CALL_SPLICE_OUT : CALL_SPLICE_IN;
    if (fails(call, &kind)) return -1;
    return __real_splice(from, from_at, to, to_at, cut(call, kind, n), flags);
}

WRAP(ssize_t, copy_file_range, (int from, off_t *from_at, int to, off_t *to_at, size_t n, unsigned flags)) {
    fault_kind kind;
    if (fails(CALL_COPY_FILE_RANGE, &kind)) return -1;
    return __real_copy_file_range(from, from_at, to, to_at, cut(CALL_COPY_FILE_RANGE, kind, n), flags);
}

WRAP(ssize_t, recv, (int fd, void *to, size_t n, int flags)) {
    fault_kind kind;
    return fails(CALL_DISCARD, &kind) ? -1 : __real_recv(fd, to, n, flags);
}

/* ---- sockets ---- */

WRAP(int, accept4, (int fd, struct sockaddr *peer, socklen_t *len, int flags)) {
    fault_kind kind;
    if (!fails(CALL_ACCEPT, &kind)) return __real_accept4(fd, peer, len, flags);
    if (kind == FAULT_ECONNABORTED) { /* that connection is gone then */
        int gone = __real_accept4(fd, peer, len, flags);
        if (gone >= 0) __real_close(gone);
        errno = ECONNABORTED;
    }
    return -1;
}

WRAP(int, socket, (int family, int type, int protocol)) {
    fault_kind kind;
    return fails(CALL_SOCKET, &kind) ? -1 : __real_socket(family, type, protocol);
}

WRAP(int, bind, (int fd, const struct sockaddr *addr, socklen_t len)) {
    fault_kind kind;
    return fails(CALL_BIND, &kind) ? -1 : __real_bind(fd, addr, len);
}

WRAP(int, listen, (int fd, int backlog)) {
    fault_kind kind;
    return fails(CALL_LISTEN, &kind) ? -1 : __real_listen(fd, backlog);
}

WRAP(int, connect, (int fd, const struct sockaddr *addr, socklen_t len)) {
    fault_kind kind;
    return fails(CALL_CONNECT, &kind) ? -1 : __real_connect(fd, addr, len);
}

WRAP(int, getsockopt, (int fd, int level, int name, void *value, socklen_t *len)) {
    fault_kind kind;
    fault_activity++;
    if (level != SOL_SOCKET || name != SO_ERROR || !fails(CALL_SO_ERROR, &kind))
        return __real_getsockopt(fd, level, name, value, len);
    *(int *)value = errno;
    return 0;
}

WRAP(int, setsockopt, (int fd, int level, int name, const void *value, socklen_t len)) {
    fault_kind kind;
    return fails(CALL_OPTION, &kind) ? -1 : __real_setsockopt(fd, level, name, value, len);
}

WRAP(int, getsockname, (int fd, struct sockaddr *addr, socklen_t *len)) {
    fault_kind kind;
    return fails(CALL_NAME, &kind) ? -1 : __real_getsockname(fd, addr, len);
}

WRAP(int, getaddrinfo,
     (const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **out)) {
    fault_kind kind = fault_draw(CALL_LOOKUP);
    if (kind != FAULT_KINDS) return fault_below(2) == 0 ? EAI_AGAIN : EAI_MEMORY;
    return __real_getaddrinfo(host, service, hints, out);
}
