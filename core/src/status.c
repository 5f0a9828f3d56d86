/* status.c - names and sentences, all static: what is returned lives forever. */
#include <weir/core/status.h>

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#define SYSTEM_FAILURES(X)                                                                                   \
    X(E2BIG, "argument list too long")                                                                       \
    X(EACCES, "permission denied")                                                                           \
    X(EADDRINUSE, "address already in use")                                                                  \
    X(EADDRNOTAVAIL, "address not available")                                                                \
    X(EAFNOSUPPORT, "address family not supported")                                                          \
    X(EAGAIN, "resource temporarily unavailable")                                                            \
    X(EALREADY, "operation already in progress")                                                             \
    X(EBADF, "bad file descriptor")                                                                          \
    X(EBADMSG, "bad message")                                                                                \
    X(EBUSY, "device or resource busy")                                                                      \
    X(ECANCELED, "operation canceled")                                                                       \
    X(ECHILD, "no child processes")                                                                          \
    X(ECONNABORTED, "connection aborted")                                                                    \
    X(ECONNREFUSED, "connection refused")                                                                    \
    X(ECONNRESET, "connection reset by peer")                                                                \
    X(EDEADLK, "resource deadlock avoided")                                                                  \
    X(EDESTADDRREQ, "destination address required")                                                          \
    X(EDOM, "number out of the domain of the function")                                                      \
    X(EDQUOT, "disk quota exceeded")                                                                         \
    X(EEXIST, "file exists")                                                                                 \
    X(EFAULT, "bad address")                                                                                 \
    X(EFBIG, "file too large")                                                                               \
    X(EHOSTDOWN, "host is down")                                                                             \
    X(EHOSTUNREACH, "no route to host")                                                                      \
    X(EILSEQ, "invalid multibyte character")                                                                 \
    X(EINPROGRESS, "operation now in progress")                                                              \
    X(EINTR, "interrupted system call")                                                                      \
    X(EINVAL, "invalid argument")                                                                            \
    X(EIO, "input or output error")                                                                          \
    X(EISCONN, "socket is connected already")                                                                \
    X(EISDIR, "is a directory")                                                                              \
    X(ELOOP, "too many levels of symbolic links")                                                            \
    X(EMFILE, "too many open files in this process")                                                         \
    X(EMLINK, "too many links")                                                                              \
    X(EMSGSIZE, "message too long")                                                                          \
    X(ENAMETOOLONG, "file name too long")                                                                    \
    X(ENETDOWN, "network is down")                                                                           \
    X(ENETRESET, "connection dropped by the network on reset")                                               \
    X(ENETUNREACH, "network is unreachable")                                                                 \
    X(ENFILE, "too many open files in the system")                                                           \
    X(ENOBUFS, "no buffer space available")                                                                  \
    X(ENODATA, "no data available")                                                                          \
    X(ENODEV, "no such device")                                                                              \
    X(ENOENT, "no such file or directory")                                                                   \
    X(ENOEXEC, "not an executable format")                                                                   \
    X(ENOLCK, "no locks available")                                                                          \
    X(ENOMEM, "cannot allocate memory")                                                                      \
    X(ENOPROTOOPT, "protocol not available")                                                                 \
    X(ENOSPC, "no space left on device")                                                                     \
    X(ENOSYS, "function not implemented")                                                                    \
    X(ENOTCONN, "socket is not connected")                                                                   \
    X(ENOTDIR, "not a directory")                                                                            \
    X(ENOTEMPTY, "directory not empty")                                                                      \
    X(ENOTSOCK, "not a socket")                                                                              \
    X(ENOTTY, "inappropriate control operation for this device")                                             \
    X(ENXIO, "no such device or address")                                                                    \
    X(EOPNOTSUPP, "operation not supported")                                                                 \
    X(EOVERFLOW, "value too large for its data type")                                                        \
    X(EPERM, "operation not permitted")                                                                      \
    X(EPFNOSUPPORT, "protocol family not supported")                                                         \
    X(EPIPE, "broken pipe")                                                                                  \
    X(EPROTO, "protocol error")                                                                              \
    X(EPROTONOSUPPORT, "protocol not supported")                                                             \
    X(EPROTOTYPE, "wrong protocol for this kind of socket")                                                  \
    X(ERANGE, "number out of range")                                                                         \
    X(EROFS, "read-only file system")                                                                        \
    X(ESHUTDOWN, "socket is shut down")                                                                      \
    X(ESOCKTNOSUPPORT, "kind of socket not supported")                                                       \
    X(ESPIPE, "illegal seek")                                                                                \
    X(ESRCH, "no such process")                                                                              \
    X(ESTALE, "stale file handle")                                                                           \
    X(ETIME, "timer expired")                                                                                \
    X(ETIMEDOUT, "connection timed out")                                                                     \
    X(ETXTBSY, "text file busy")                                                                             \
    X(EXDEV, "link across devices")

enum {
    HIGHEST_ERRNO = 4095
};

struct row {
    weir_status status;
    const char *name, *text;
};

#define SYSTEM_ROW(name, text) {-(name), #name, text},
#define WEIR_ROW(name, number, text) {number, "WEIR_E_" #name, text},
/* clang-format off */
static const struct row rows[] = {
    {WEIR_OK, "WEIR_OK", "no failure"},
    WEIR_STATUS_TABLE(WEIR_ROW)
    SYSTEM_FAILURES(SYSTEM_ROW)
};
/* clang-format on */

static const struct row *find_row(weir_status status) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].status == status) return &rows[i];
    }
    return NULL;
}

static bool is_system_failure(weir_status status) {
    return status < 0 && status >= -HIGHEST_ERRNO;
}

const char *weir_status_name(weir_status status) {
    const struct row *row = find_row(status);
    if (row != NULL) return row->name;
    return is_system_failure(status) ? "E?" : "WEIR_E_?";
}

const char *weir_status_text(weir_status status) {
    const struct row *row = find_row(status);
    if (row != NULL) return row->text;
    return is_system_failure(status) ? "a rare failure of the system" : "no such status";
}

weir_status weir_status_from_errno(int err) {
    return err > 0 && err <= HIGHEST_ERRNO ? -err : -EIO;
}
