/* sendfile_linux.c - sendfile(2) as Linux has it: at most 0x7ffff000 bytes a call. */
#include <errno.h>
#include <sys/sendfile.h>

#include "region/sendfile.h"

#define MOST_A_CALL 0x7ffff000u

ssize_t sendfile_some(int to, int file, uint64_t offset, size_t n) {
    off_t from = (off_t)offset;
    ssize_t sent;
    do {
        sent = sendfile(to, file, &from, n < MOST_A_CALL ? n : MOST_A_CALL);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}
