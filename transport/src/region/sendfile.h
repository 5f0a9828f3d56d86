/* sendfile.h - private: file bytes to a socket without user space; one source file a platform. */
#ifndef WEIR_SENDFILE_H
#define WEIR_SENDFILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Up to `n` bytes of `file` from `offset` to the non-blocking socket `to`: the count, 0 when the file ended,
 * or -errno (-EAGAIN: the socket is full). SIGPIPE must be blocked or ignored. */
ssize_t sendfile_some(int to, int file, uint64_t offset, size_t n);

#endif
