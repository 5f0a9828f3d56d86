/* post.c - the body to be sent as a region. */
#include "post.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static weir_status spool(FILE *to, uint64_t *length) {
    char block[1 << 16];
    for (;;) {
        ssize_t n = read(STDIN_FILENO, block, sizeof block);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return weir_status_from_errno(errno);
        if (n == 0) return fflush(to) == 0 ? WEIR_OK : weir_status_from_errno(errno);
        if (fwrite(block, 1, (size_t)n, to) != (size_t)n) return weir_status_from_errno(errno);
        *length += (uint64_t)n;
    }
}

weir_status post_open(weir_region **out, const char *path) {
    if (strcmp(path, "-") != 0) return weir_region_open(out, path);
    FILE *file = tmpfile();
    if (file == NULL) return weir_status_from_errno(errno);
    uint64_t length = 0;
    weir_status status = spool(file, &length);
    int fd = status == WEIR_OK ? fcntl(fileno(file), F_DUPFD_CLOEXEC, 0) : -1;
    if (status == WEIR_OK && fd < 0) status = weir_status_from_errno(errno);
    fclose(file);
    if (status != WEIR_OK) return status;
    *out = weir_region_file(fd, true, 0, length);
    return *out == NULL ? (weir_status)WEIR_E_NO_MEMORY : WEIR_OK;
}
