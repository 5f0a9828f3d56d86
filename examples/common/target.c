/* target.c - folders, the partial file, the rename. */
#include "common/target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

bool target_path_is_plain(const char *path) {
    weir_bytes rest = weir_bytes_str(path), part;
    while (weir_bytes_split(&rest, '/', &part)) {
        if (part.len == 0 || weir_bytes_equal_str(part, ".") || weir_bytes_equal_str(part, ".."))
            return false;
    }
    return true;
}

/* Enters the next folder of the way, making it when asked to. Takes: at, unless it is `folder`. */
static int enter(int folder, int at, const char *name, bool make) {
    int next = -1;
    if (!make || mkdirat(at, name, 0777) == 0 || errno == EEXIST) {
        next = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    }
    int error = errno;
    if (at != folder) close(at);
    errno = error;
    return next;
}

/* The folder `path` is in, as a descriptor of its own, or -1 and errno; and the two names it has there. */
static int open_parent(int folder, const char *path, bool make, char name[256], char part[256]) {
    weir_bytes rest = weir_bytes_str(path), word;
    int at = folder;
    while (weir_bytes_split(&rest, '/', &word)) {
        if (snprintf(part, 256, ".%.*s.part", (int)word.len, (const char *)word.ptr) >= 256) {
            if (at != folder) close(at);
            errno = ENAMETOOLONG;
            return -1;
        }
        snprintf(name, 256, "%.*s", (int)word.len, (const char *)word.ptr);
        if (rest.ptr == NULL) break; /* that was the last word: the file */
        at = enter(folder, at, name, make);
        if (at < 0) return -1;
    }
    return at == folder ? fcntl(folder, F_DUPFD_CLOEXEC, 0) : at;
}

int target_open_left_over(int folder, const char *path) {
    char name[256], part[256];
    struct stat stat;
    int parent = open_parent(folder, path, false, name, part);
    if (parent < 0) return -1;
    int fd = openat(parent, part, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    close(parent);
    if (fd < 0 || (fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode))) return fd;
    close(fd);
    return -1;
}

uint64_t target_left_over(int folder, const char *path) {
    char name[256], part[256];
    struct stat stat;
    int parent = open_parent(folder, path, false, name, part);
    if (parent < 0) return 0;
    bool found = fstatat(parent, part, &stat, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(stat.st_mode);
    close(parent);
    return found ? (uint64_t)stat.st_size : 0;
}

/* Ours alone, still under its name (another process may just have finished and renamed it), and so long. */
static weir_status claim_part(struct target *self, uint64_t offset) {
    struct stat mine, named;
    if (flock(self->fd, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? -EBUSY : weir_status_from_errno(errno);
    if (fstatat(self->parent, self->part, &named, AT_SYMLINK_NOFOLLOW) != 0) return -EBUSY;
    if (fstat(self->fd, &mine) != 0) return weir_status_from_errno(errno);
    if (mine.st_ino != named.st_ino || mine.st_dev != named.st_dev) return -EBUSY;
    if (!S_ISREG(mine.st_mode)) return WEIR_E_INVALID;
    if (offset == 0) return ftruncate(self->fd, 0) == 0 ? WEIR_OK : weir_status_from_errno(errno);
    if ((uint64_t)mine.st_size != offset) return WEIR_E_INVALID;
    return lseek(self->fd, (off_t)offset, SEEK_SET) >= 0 ? WEIR_OK : weir_status_from_errno(errno);
}

weir_status target_open(struct target *self, int folder, const char *path, uint64_t offset) {
    self->fd = -1;
    self->size = offset;
    self->parent = open_parent(folder, path, true, self->name, self->part);
    if (self->parent < 0) return weir_status_from_errno(errno);
    self->fd =
        openat(self->parent, self->part, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666);
    weir_status status = self->fd < 0 ? weir_status_from_errno(errno) : claim_part(self, offset);
    if (status != WEIR_OK) target_leave(self);
    return status;
}

weir_status target_write(struct target *self, weir_buf *buf) {
    while (weir_buf_is_readable(buf)) {
        ssize_t n = weir_buf_write_fd(buf, self->fd);
        if (n < 0) return (weir_status)n;
        self->size += (uint64_t)n;
    }
    return WEIR_OK;
}

void target_set_date(const struct target *self, int64_t date) {
    (void)futimens(self->fd, (struct timespec[]){{.tv_nsec = UTIME_OMIT}, {.tv_sec = (time_t)date}});
}

weir_status target_finish(struct target *self, uint64_t size) {
    weir_status status = self->size == size ? WEIR_OK : WEIR_E_TRUNCATED;
    int fd = self->fd;
    self->fd = -1;
    /* Some file systems tell only here that the bytes did not fit. */
    if (close(fd) != 0 && status == WEIR_OK) status = weir_status_from_errno(errno);
    if (status == WEIR_OK && renameat(self->parent, self->part, self->parent, self->name) != 0) {
        status = weir_status_from_errno(errno);
    }
    target_leave(self);
    return status;
}

void target_leave(struct target *self) {
    if (self->fd >= 0) close(self->fd);
    if (self->parent >= 0) close(self->parent);
    self->fd = self->parent = -1;
}
