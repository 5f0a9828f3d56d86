/* http_form_spill.c - temporary files for forms: O_TMPFILE, or a name that is removed at once where the file system has
 * none.
 */
#include <weir/codec/http_form_spill.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <weir/buffer/buf_io.h>
#include <weir/core/alloc.h>

typedef struct spill_file {
    int fd;
} spill_file;

static int open_nameless(const char *folder) {
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) return fd;
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/weir-form-XXXXXX", folder);
    if (n < 0 || (size_t)n >= sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0) unlink(path);
    return fd;
}

static weir_status spill_open(void *arg, const weir_http_form_field *field, void **file) {
    (void)field;
    spill_file *self = weir_alloc_acquire(NULL, sizeof *self);
    if (self == NULL) return WEIR_E_NO_MEMORY;
    self->fd = open_nameless(arg == NULL ? "/tmp" : arg);
    if (self->fd < 0) {
        weir_status status = weir_status_from_errno(errno);
        weir_alloc_release(NULL, self);
        return status;
    }
    *file = self;
    return WEIR_OK;
}

static weir_status spill_write(void *arg, void *file, weir_buf *bytes) {
    (void)arg;
    const spill_file *self = file;
    while (weir_buf_is_readable(bytes)) {
        ssize_t n = weir_buf_write_fd(bytes, self->fd);
        if (n < 0) return (weir_status)n;
    }
    return WEIR_OK;
}

static void spill_close(void *arg, void *file) {
    (void)arg;
    spill_file *self = file;
    close(self->fd);
    weir_alloc_release(NULL, self);
}

const weir_http_form_sink weir_http_form_spill = {spill_open, spill_write, spill_close};

int weir_http_form_spill_fd(const weir_http_form_field *field) {
    return field->file == NULL ? -1 : ((const spill_file *)field->file)->fd;
}
