/* file_region.c - a range of an open file: pread into memory, sendfile(2) to a socket. */
#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <weir/core/alloc.h>
#include <weir/transport/file_root.h>
#include <weir/transport/region.h>

#include "region/sendfile.h"

typedef struct file_region {
    weir_region region;
    uint64_t offset;
    int fd;
    bool own;
} file_region;

static file_region *file_of(weir_region *region) {
    return WEIR_CONTAINER(region, file_region, region);
}

static ssize_t read_file(weir_region *region, uint64_t at, void *dst, size_t n, bool may_wait) {
    file_region *file = file_of(region);
    off_t from = (off_t)(file->offset + at);
    ssize_t got;
    if (!may_wait) {
        struct iovec iov = {dst, n};
        got = preadv2(file->fd, &iov, 1, from, RWF_NOWAIT);
        if (got >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS)) return got < 0 ? -errno : got;
    }
    got = pread(file->fd, dst, n, from);
    return got < 0 ? -errno : got;
}

static ssize_t send_file(weir_region *region, uint64_t at, size_t n, int fd) {
    file_region *file = file_of(region);
    return sendfile_some(fd, file->fd, file->offset + at, n);
}

static void free_file(weir_region *region) {
    file_region *file = file_of(region);
    if (file->own) close(file->fd);
    weir_alloc_release(NULL, file);
}

static const weir_region_ops file_ops = {
    .name = "file", .read = read_file, .send = send_file, .free = free_file};

weir_region *weir_region_file(int fd, bool own, uint64_t offset, uint64_t length) {
    WEIR_CHECK(length <= INT64_MAX && offset <= INT64_MAX - length, "a file region of %llu bytes at %llu",
               (unsigned long long)length, (unsigned long long)offset);
    file_region *file = weir_alloc_acquire(NULL, sizeof *file);
    if (file == NULL) {
        if (own) close(fd);
        return NULL;
    }
    *file = (file_region){.offset = offset, .fd = fd, .own = own};
    weir_region_init(&file->region, &file_ops, length);
    return &file->region;
}

weir_status weir_region_open(weir_region **out, const char *path) {
    struct stat st;
    *out = NULL;
    int fd;
    weir_status status = weir_file_root_get(&(weir_file_root){.folder = AT_FDCWD}, path, &fd, &st);
    if (status != WEIR_OK) return status;
    *out = weir_region_file(fd, true, 0, (uint64_t)st.st_size);
    return *out != NULL ? WEIR_OK : (weir_status)WEIR_E_NO_MEMORY;
}
