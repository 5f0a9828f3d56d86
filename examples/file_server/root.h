/* root.h - opens files below one folder and never anywhere else.
 *
 * Where the kernel has openat2(2) it is asked to stay beneath the root: symbolic links that lead to a place
 * inside are followed, all others are refused. Else the path is walked folder by folder, and no link is
 * followed at all. Either way absolute paths and ".." are refused before the kernel sees them.
 */
#ifndef FILE_SERVER_ROOT_H
#define FILE_SERVER_ROOT_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/core/bytes.h>
#include <weir/core/status.h>

enum {
    ROOT_PATH_MAX = 4096,
};

struct root {
    int folder;
    bool walks; /* without openat2 */
};

/* `walk`: do without openat2 even where there is one. Fails: -errno. */
weir_status root_open(struct root *self, const char *path, bool walk);
void root_close(struct root *self);

/* A regular file to read, and its size. `path` is relative to the root. `*fd` is the caller's.
 * Fails: WEIR_E_INVALID (no path), -EXDEV (leads out), -EISDIR (not a regular file), -errno. */
weir_status root_open_file(const struct root *self, weir_bytes path, int *fd, uint64_t *size);

#endif
