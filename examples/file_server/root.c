/* root.c - resolving a path that a stranger sent. */
#include "root.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#if __has_include(<linux/openat2.h>)
#include <linux/openat2.h>
#endif

/* Without O_NONBLOCK opening a pipe would wait for its writer. */
enum {
    FILE_FLAGS = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
};

#ifdef SYS_openat2
static int open_beneath(int folder, const char *path) {
    struct open_how how = {.flags = FILE_FLAGS, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    return (int)syscall(SYS_openat2, folder, path, &how, sizeof how);
}
#else
static int open_beneath(int folder, const char *path) {
    (void)folder, (void)path;
    errno = ENOSYS;
    return -1;
}
#endif

/* Folder by folder, without following a link anywhere. */
static int open_by_walking(int folder, char *path) {
    int at = folder, next;
    for (char *name = path, *slash;; name = slash + 1) {
        slash = strchr(name, '/');
        if (slash != NULL) *slash = '\0';
        int flags = slash == NULL ? FILE_FLAGS : O_PATH | O_DIRECTORY | O_CLOEXEC;
        next = openat(at, name, flags | O_NOFOLLOW);
        int error = errno;
        if (at != folder) close(at);
        errno = error;
        if (next < 0 || slash == NULL) return next;
        at = next;
    }
}

/* "a/b", with no empty part, no "..", no NUL and a name at the end. */
static weir_status check_path(weir_bytes path) {
    if (path.len >= ROOT_PATH_MAX) return -ENAMETOOLONG;
    if (path.len == 0) return WEIR_E_INVALID;
    if (weir_bytes_find(path, '\0') != WEIR_NOT_FOUND) return WEIR_E_INVALID;
    if (path.ptr[0] == '/') return -EXDEV;
    weir_bytes part;
    for (weir_bytes rest = path; weir_bytes_split(&rest, '/', &part);) {
        if (weir_bytes_equal_str(part, "..")) return -EXDEV;
        if (part.len == 0) return WEIR_E_INVALID;
    }
    return WEIR_OK;
}

weir_status root_open(struct root *self, const char *path, bool walk) {
    self->folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (self->folder < 0) return weir_status_from_errno(errno);
    if (faccessat(self->folder, ".", X_OK, AT_EACCESS) != 0) {
        weir_status status = weir_status_from_errno(errno);
        root_close(self);
        return status;
    }
    int probe = walk ? -1 : open_beneath(self->folder, ".");
    self->walks = probe < 0;
    if (probe >= 0) close(probe);
    return WEIR_OK;
}

void root_close(struct root *self) {
    close(self->folder);
}

weir_status root_open_file(const struct root *self, weir_bytes path, int *fd, uint64_t *size) {
    char name[ROOT_PATH_MAX];
    weir_status status = check_path(path);
    if (status != WEIR_OK) return status;
    memcpy(name, path.ptr, path.len);
    name[path.len] = '\0';
    int file = self->walks ? open_by_walking(self->folder, name) : open_beneath(self->folder, name);
    if (file < 0) return weir_status_from_errno(errno);
    struct stat stat;
    status = fstat(file, &stat) != 0 ? weir_status_from_errno(errno)
             : S_ISREG(stat.st_mode) ? WEIR_OK
                                     : -EISDIR;
    if (status != WEIR_OK) {
        close(file);
        return status;
    }
    *fd = file;
    *size = (uint64_t)stat.st_size;
    return WEIR_OK;
}
