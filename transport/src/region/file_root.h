/* file_root.h - private: opens regular files to read, of any path or only beneath one folder.
 *
 * Where the kernel has openat2(2) it is asked to stay beneath the root: symbolic links that lead to a place inside
 * are followed, all others are refused. Else the path is walked folder by folder, and no link is followed at all.
 * Either way absolute paths and ".." are refused before the kernel sees them.
 */
#ifndef WEIR_FILE_ROOT_H
#define WEIR_FILE_ROOT_H

#include <stdbool.h>
#include <sys/stat.h>

#include <weir/core/status.h>

typedef struct file_root {
    int folder; /* AT_FDCWD: no root, any path */
    bool walks; /* without openat2 */
} file_root;

/* `path` NULL: no root. `walk`: do without openat2 even where there is one. Fails: -errno. */
weir_status file_root_open(file_root *self, const char *path, bool walk);
void file_root_close(file_root *self);

/* `*fd` is the caller's, `*stat` what it is like. Never waits for a pipe's writer.
 * Fails: WEIR_E_UNSUPPORTED (not a regular file), -EXDEV (leads out of the root), -errno. */
weir_status file_root_get(const file_root *self, const char *path, int *fd, struct stat *stat);

/* Whatever is at `path`, not to be read (O_PATH); `*fd` is the caller's. Fails: -EXDEV, -errno. */
weir_status file_root_locate(const file_root *self, const char *path, int *fd);

#endif
