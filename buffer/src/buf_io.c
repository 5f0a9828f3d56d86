/* buf_io.c - iovecs out of a buf, and one system call at a time. */
#include <weir/buffer/buf_io.h>

#include <errno.h>
#include <unistd.h>

#include "buf_room.h"
#include "buf_walk.h"

enum {
    IOVECS_A_CALL = 1024
}; /* the kernel's IOV_MAX */

size_t weir_buf_iovecs(const weir_buf *buf, size_t at, size_t len, struct iovec *out, size_t max,
                       size_t *bytes) {
    buf_walk walk = weir_walk_readable(buf, at, len);
    size_t count = 0;
    buf_run run;
    while (count < max && weir_walk_next(&walk, &run)) {
        out[count++] = (struct iovec){.iov_base = run.ptr, .iov_len = run.len};
    }
    if (bytes != NULL) *bytes = len - walk.left;
    return count;
}

ssize_t weir_buf_read_fd(weir_buf *buf, int fd, size_t max) {
    REQUIRE_WRITABLE(buf);
    if (weir_buf_status(buf) != WEIR_OK) return weir_buf_status(buf);
    size_t most = weir_buf_max_writable(buf);
    size_t want = max < most ? max : most;
    if (want < max && want == 0) return WEIR_E_FULL;
    if (weir_buf_ensure_writable(buf, want, false) == WEIR_BUF_ROOM_TOO_LITTLE) return WEIR_E_NO_MEMORY;
    uint8_t *room = weir_buf_reserve(buf, want);
    if (room == NULL) return weir_buf_status(buf);
    ssize_t n;
    do {
        n = read(fd, room, want);
    } while (n < 0 && errno == EINTR);
    if (n < 0) return weir_status_from_errno(errno);
    weir_buf_commit(buf, (size_t)n);
    return n;
}

ssize_t weir_buf_write_fd(weir_buf *buf, int fd) {
    struct iovec vecs[IOVECS_A_CALL];
    size_t count = weir_buf_iovecs(buf, 0, weir_buf_readable(buf), vecs, IOVECS_A_CALL, NULL);
    if (count == 0) return 0;
    ssize_t n;
    do {
        n = writev(fd, vecs, (int)count);
    } while (n < 0 && errno == EINTR);
    if (n < 0) return weir_status_from_errno(errno);
    weir_buf_skip(buf, (size_t)n);
    return n;
}
