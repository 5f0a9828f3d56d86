/* <weir/transport/file_root.h> - files beneath one folder and never anywhere else, whatever path a stranger sends.
 *
 *     weir_file_root_open(&root, "/srv/files", false);
 *     weir_file_root_get(&root, "a/b.txt", &fd, &stat)       -EXDEV for "../x", "/etc/passwd", a link that leads out
 *
 * Where the kernel has openat2(2) it is asked to stay beneath the root: symbolic links that lead to a place inside are
 * followed, all others are refused. Else the path is walked folder by folder, and no link is followed at all. Either way
 * absolute paths and ".." are refused before the kernel sees them.
 *
 * A path is a C string: what comes by the wire may have a NUL in it, behind which nobody looks. For files that are sent
 * often see file_cache.h.
 *
 * Layer: transport. Needs status.h. Any thread; opening may wait for a disk.
 */
#ifndef WEIR_TRANSPORT_FILE_ROOT_H
#define WEIR_TRANSPORT_FILE_ROOT_H

#include <stdbool.h>
#include <sys/stat.h>

#include <weir/core/compiler.h>
#include <weir/core/status.h>

WEIR_BEGIN_DECLS

/* Readable, not writable. */
typedef struct weir_file_root {
    int folder; /* AT_FDCWD: no root, any path */
    bool walks; /* without openat2 */
} weir_file_root;

/* `path` NULL: no root. `walk`: do without openat2 even where there is one. Borrows: root, path.
 * Fails: -errno, also when nothing in the folder could be opened (-EACCES). */
WEIR_API weir_status weir_file_root_open(weir_file_root *root, const char *path, bool walk);

/* What was opened by it stays open. Borrows: root, which was opened. */
WEIR_API void weir_file_root_close(weir_file_root *root);

/* A regular file to read: `*fd` Gives a descriptor, -1 on failure, and `*stat` what it is like. Never waits for a pipe's
 * writer. Borrows: root, path. Fails: WEIR_E_UNSUPPORTED (not a regular file), -EXDEV (leads out of the root), -errno. */
WEIR_API weir_status weir_file_root_get(const weir_file_root *root, const char *path, int *fd,
                                        struct stat *stat);

/* Whatever is at `path`, not to be read (O_PATH): `*fd` Gives a descriptor, -1 on failure. Borrows: root, path.
 * Fails: -EXDEV, -errno. */
WEIR_API weir_status weir_file_root_locate(const weir_file_root *root, const char *path, int *fd);

WEIR_END_DECLS

#endif
