/* access_log.c - a buf under a lock, and the thread that takes it away each second. */
#include "access_log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void write_all(int fd, weir_bytes bytes) {
    while (bytes.len > 0) {
        ssize_t n = write(fd, bytes.ptr, bytes.len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return; /* a full disk is no reason to stop serving */
        bytes = weir_bytes_sub(bytes, (size_t)n, bytes.len);
    }
}

/* The lock is held, but not while writing. */
static void flush_lines(struct access_log *self) {
    weir_buf *fresh = weir_buf_new(4096), *full = self->lines;
    if (fresh == NULL) return;
    self->lines = fresh;
    pthread_mutex_unlock(&self->lock);
    write_all(self->fd, weir_buf_peek(full));
    weir_buf_release(full);
    pthread_mutex_lock(&self->lock);
}

static void *run_writer(void *arg) {
    struct access_log *self = arg;
    pthread_mutex_lock(&self->lock);
    while (!self->is_ending) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec++;
        pthread_cond_timedwait(&self->ended, &self->lock, &until);
        if (weir_buf_is_readable(self->lines)) flush_lines(self);
    }
    pthread_mutex_unlock(&self->lock);
    return NULL;
}

static bool is_standard(const char *path) {
    return strcmp(path, "-") == 0;
}

static int open_file(const char *path) {
    return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

weir_status access_log_open(struct access_log *self, const char *path) {
    bool is_stdout = is_standard(path);
    *self = (struct access_log){.fd = STDOUT_FILENO, .lines = weir_buf_new(4096)};
    if (self->lines == NULL) return WEIR_E_NO_MEMORY;
    if (!is_stdout) self->fd = open_file(path);
    int error = self->fd < 0 ? errno : 0;
    pthread_mutex_init(&self->lock, NULL);
    pthread_cond_init(&self->ended, NULL);
    if (error == 0) error = pthread_create(&self->writer, NULL, run_writer, self);
    if (error == 0) return WEIR_OK;
    if (!is_stdout && self->fd >= 0) close(self->fd);
    weir_buf_release(self->lines);
    return weir_status_from_errno(error);
}

/* The descriptor keeps its number, so who is writing need not be asked. */
weir_status access_log_reopen(struct access_log *self, const char *path) {
    if (is_standard(path)) return WEIR_OK;
    int fd = open_file(path);
    weir_status status =
        fd >= 0 && dup3(fd, self->fd, O_CLOEXEC) >= 0 ? WEIR_OK : weir_status_from_errno(errno);
    if (fd >= 0) close(fd);
    return status;
}

void access_log_add(void *log, const weir_http_access_log *entry) {
    struct access_log *self = log;
    weir_http_access_log common = *entry;
    common.is_combined = false;
    pthread_mutex_lock(&self->lock);
    if (weir_buf_readable(self->lines) < ACCESS_LOG_MAX && weir_buf_status(self->lines) == WEIR_OK) {
        weir_http_access_log_format(&common, self->lines);
    } else {
        self->dropped++;
    }
    pthread_mutex_unlock(&self->lock);
}

unsigned long long access_log_close(struct access_log *self) {
    pthread_mutex_lock(&self->lock);
    self->is_ending = true;
    pthread_cond_signal(&self->ended);
    pthread_mutex_unlock(&self->lock);
    pthread_join(self->writer, NULL);
    write_all(self->fd, weir_buf_peek(self->lines));
    weir_buf_release(self->lines);
    if (self->fd != STDOUT_FILENO) close(self->fd);
    pthread_mutex_destroy(&self->lock);
    pthread_cond_destroy(&self->ended);
    return self->dropped;
}
