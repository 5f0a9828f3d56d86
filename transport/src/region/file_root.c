/* file_root.c - a path that a stranger may have sent becomes a descriptor. */
#include <weir/transport/file_root.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#if __has_include(<linux/openat2.h>)
#include <linux/openat2.h>
#endif

/* Without O_NONBLOCK opening a pipe would wait for its writer. */
#define FILE_FLAGS (O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

/* While anything is renamed anywhere openat2 is not sure of a link with ".." in it, and says so: EAGAIN. */
#define MOST_TRIES 1000

#ifdef SYS_openat2
static int open_beneath(int folder, const char *path, unsigned flags) {
    struct open_how how = {.flags = flags, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    return (int)syscall(SYS_openat2, folder, path, &how, sizeof how);
}
#else
static int open_beneath(int folder, const char *path, unsigned flags) {
    (void)folder, (void)path, (void)flags;
    errno = ENOSYS;
    return -1;
}
#endif

static bool is_dots(const char *part, size_t len) {
    return len == 2 && part[0] == '.' && part[1] == '.';
}

/* No part may lead up, and the first may not lead to the top. */
static bool stays_below(const char *path) {
    if (path[0] == '/') return false;
    for (const char *part = path;;) {
        size_t len = strcspn(part, "/");
        if (is_dots(part, len)) return false;
        if (part[len] == '\0') return true;
        part += len + 1;
    }
}

/* Folder by folder, without following a link anywhere. Empty parts ("a//b") are none. */
static int open_by_walking(int folder, const char *path, int last_flags) {
    char part[256]; /* NAME_MAX and the NUL */
    int at = folder, next;
    for (;;) {
        path += strspn(path, "/");
        size_t len = strcspn(path, "/");
        bool is_last = path[len] == '\0';
        int flags = is_last ? last_flags : O_PATH | O_DIRECTORY | O_CLOEXEC;
        if (len < sizeof part) {
            memcpy(part, path, len);
            part[len] = '\0';
            next = openat(at, part, flags | O_NOFOLLOW);
        } else {
            next = -1;
            errno = ENAMETOOLONG;
        }
        int error = errno;
        if (at != folder) close(at);
        errno = error;
        if (next < 0 || is_last) return next;
        at = next;
        path += len;
    }
}

static int try_to_open(const weir_file_root *self, const char *path, int flags) {
    if (self->folder == AT_FDCWD) return open(path, flags);
    if (!stays_below(path)) {
        errno = EXDEV;
        return -1;
    }
    return self->walks ? open_by_walking(self->folder, path, flags)
                       : open_beneath(self->folder, path, (unsigned)flags);
}

static int open_path(const weir_file_root *self, const char *path, int flags) {
    int fd, tries = 0;
    do {
        fd = try_to_open(self, path, flags);
    } while (fd < 0 && (errno == EINTR || (errno == EAGAIN && ++tries < MOST_TRIES)));
    return fd;
}

weir_status weir_file_root_open(weir_file_root *root, const char *path, bool walk) {
    *root = (weir_file_root){.folder = AT_FDCWD};
    if (path == NULL) return WEIR_OK;
    int folder = open_path(root, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return weir_status_from_errno(errno);
    if (faccessat(folder, ".", X_OK, AT_EACCESS) != 0) {
        weir_status status = weir_status_from_errno(errno);
        close(folder);
        return status;
    }
    int probe = walk ? -1 : open_beneath(folder, ".", FILE_FLAGS);
    *root =
        (weir_file_root){.folder = folder, .walks = probe < 0 && (walk || errno == ENOSYS || errno == EPERM)};
    if (probe >= 0) close(probe);
    return WEIR_OK;
}

void weir_file_root_close(weir_file_root *root) {
    if (root->folder != AT_FDCWD) close(root->folder);
}

weir_status weir_file_root_locate(const weir_file_root *root, const char *path, int *fd) {
    *fd = open_path(root, path, O_PATH | O_CLOEXEC);
    return *fd < 0 ? weir_status_from_errno(errno) : WEIR_OK;
}

weir_status weir_file_root_get(const weir_file_root *root, const char *path, int *fd, struct stat *stat) {
    *fd = open_path(root, path, FILE_FLAGS);
    if (*fd < 0) return weir_status_from_errno(errno);
    weir_status status = fstat(*fd, stat) != 0    ? weir_status_from_errno(errno)
                         : S_ISREG(stat->st_mode) ? WEIR_OK
                                                  : (weir_status)WEIR_E_UNSUPPORTED;
    if (status != WEIR_OK) {
        close(*fd);
        *fd = -1;
    }
    return status;
}
