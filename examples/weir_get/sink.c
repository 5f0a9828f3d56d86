/* sink.c - batches of bufs to disk. */
#include "sink.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/buffer/buf_checksum.h>

enum {
    COPY_BELOW = 16 << 10, /* a smaller piece would keep the whole block that it was read into */
};

static bool is_stdout(const struct sink *self) {
    return strcmp(self->path, "-") == 0;
}

const char *sink_name(const struct sink *self) {
    const char *slash = strrchr(self->path, '/');
    return slash == NULL ? self->path : slash + 1;
}

static weir_status open_folder(struct sink *self) {
    char folder[4096] = ".";
    size_t length = (size_t)(sink_name(self) - self->path);
    if (length >= sizeof folder) return -ENAMETOOLONG;
    if (length > 0) memcpy(folder, self->path, length), folder[length] = '\0';
    self->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return self->folder < 0 ? weir_status_from_errno(errno) : WEIR_OK;
}

weir_status sink_init(struct sink *self) {
    struct stat stat_of;
    self->fd = self->folder = -1;
    self->target = (struct target)TARGET_NONE;
    if (is_stdout(self)) {
        self->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
    } else if (stat(self->path, &stat_of) == 0 && !S_ISREG(stat_of.st_mode)) {
        self->fd = open(self->path, O_WRONLY | O_CLOEXEC);
    } else {
        return open_folder(self);
    }
    return self->fd < 0 ? weir_status_from_errno(errno) : WEIR_OK;
}

static void sum_file(struct sink *self, int fd) {
    static uint8_t block[1 << 16];
    ssize_t n;
    while ((n = read(fd, block, sizeof block)) > 0) {
        self->sum = weir_checksum_update(WEIR_CHECKSUM_CRC32C, self->sum, weir_bytes_of(block, (size_t)n));
        self->size += (uint64_t)n;
    }
}

void sink_look_back(struct sink *self) {
    struct stat stat;
    int fd = self->folder < 0 ? -1 : target_open_left_over(self->folder, sink_name(self));
    if (fd < 0) return;
    self->sum = weir_checksum_start(WEIR_CHECKSUM_CRC32C);
    if (fstat(fd, &stat) == 0) self->date = stat.st_mtim.tv_sec;
    sum_file(self, fd);
    close(fd);
}

weir_status sink_open(struct sink *self, uint64_t offset, int64_t date) {
    if (offset == 0) self->sum = weir_checksum_start(WEIR_CHECKSUM_CRC32C);
    self->size = offset;
    self->date = date;
    if (self->folder < 0) return WEIR_OK;
    weir_status status = target_open(&self->target, self->folder, sink_name(self), offset);
    if (status == WEIR_OK) target_set_date(&self->target, date);
    return status;
}

weir_status sink_add(struct sink *self, weir_buf *buf) {
    if (self->filling == NULL) self->filling = weir_buf_composite_new();
    if (self->filling == NULL) {
        weir_buf_release(buf);
        return WEIR_E_NO_MEMORY;
    }
    size_t n = weir_buf_readable(buf);
    weir_status status = weir_buf_append_ref_or_copy(self->filling, buf, COPY_BELOW);
    if (status == WEIR_OK) self->size += n;
    return status;
}

/* ---- on the thread pool: nobody else touches `writing`, `sum`, `outcome` and the descriptors meanwhile ---- */

static void sum_batch(struct sink *self) {
    for (size_t i = 0; i < weir_buf_composite_count(self->writing); i++) {
        weir_bytes part = weir_buf_composite_part(self->writing, i, NULL);
        self->sum = weir_checksum_update(WEIR_CHECKSUM_CRC32C, self->sum, part);
    }
}

static void write_batch(void *arg) {
    struct sink *self = arg;
    sum_batch(self);
    if (self->folder >= 0) {
        self->outcome = target_write(&self->target, self->writing);
        target_set_date(&self->target, self->date);
        return;
    }
    while (self->outcome == WEIR_OK && weir_buf_is_readable(self->writing)) {
        ssize_t n = weir_buf_write_fd(self->writing, self->fd);
        if (n < 0) self->outcome = (weir_status)n;
    }
}

static void batch_written(void *arg, weir_status status) {
    struct sink *self = arg;
    weir_buf_release(self->writing);
    self->writing = NULL;
    self->failure = status == WEIR_OK ? self->outcome : status;
    self->written(self->arg, self->failure);
}

weir_status sink_write(struct sink *self) {
    if (self->writing != NULL || self->filling == NULL || self->failure != WEIR_OK) return WEIR_OK;
    self->writing = self->filling;
    self->filling = NULL;
    weir_status status = weir_loop_offload(self->loop, write_batch, batch_written, self);
    if (status != WEIR_OK) {
        weir_buf_release(self->writing);
        self->writing = NULL;
        self->failure = status; /* nothing may be written behind the gap */
    }
    return status;
}

void sink_disown(struct sink *self) {
    self->date = 0;
    if (self->target.fd >= 0) target_set_date(&self->target, 0);
}

weir_status sink_finish(struct sink *self) {
    if (self->folder >= 0) {
        if (self->date == 0) (void)futimens(self->target.fd, NULL); /* now: no version to remember any more */
        return target_finish(&self->target, self->size);
    }
    int fd = self->fd;
    self->fd = -1;
    return close(fd) == 0 ? WEIR_OK : weir_status_from_errno(errno);
}

void sink_close(struct sink *self) {
    weir_buf_release(self->filling);
    self->filling = NULL;
    target_leave(&self->target);
    if (self->fd >= 0) close(self->fd);
    if (self->folder >= 0) close(self->folder);
    self->fd = self->folder = -1;
}
