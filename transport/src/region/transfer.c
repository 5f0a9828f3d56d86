/* transfer.c - a set of ways to try, cheapest first; one the kernel refuses is struck out and the next is tried.
 *
 *     source --> destination              copy_file_range, sendfile, splice with a pipe at one end
 *     source --> [own pipe] --> destination    splice
 *     source --> [buffer]   --> destination    read, write
 *
 * A step empties what is held before it takes more, so bytes keep their order whichever way they came.
 */
#include <weir/transport/transfer.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <weir/core/alloc.h>

#include "region/pipe_region.h"

#define MOST_A_CALL (UINT64_C(1) << 30)
#define MOST_BETWEEN_REPORTS (UINT64_C(4) << 20)

struct weir_transfer {
    weir_transfer_options options;
    weir_transfer_result result;
    int dst, src;
    off_t offset;     /* of what comes next, when from_offset */
    bool from_offset; /* else where the source stands */
    bool until_end;   /* no length was asked for */
    bool ended;       /* all that was asked for has been taken from the source */
    bool direct;      /* splice needs no pipe of our own */
    uint64_t left;    /* to be taken from the source */
    unsigned paths;   /* that have not been refused */
    unsigned splice_flags;
    int pipe[2];       /* -1: none yet */
    size_t held;       /* bytes in the pipe */
    uint8_t *buffer;   /* NULL: none yet */
    size_t begin, end; /* of the bytes in it */
};

weir_transfer *weir_transfer_new(const weir_transfer_options *options) {
    weir_transfer *self = weir_alloc_zeroed(NULL, 1, sizeof *self);
    if (self == NULL) return NULL;
    if (options != NULL) self->options = *options;
    if (self->options.buffer_size == 0) self->options.buffer_size = 128 * 1024;
    if (self->options.pipe_size == 0) self->options.pipe_size = 256 * 1024;
    self->pipe[0] = self->pipe[1] = -1;
    self->ended = true;
    return self;
}

static void close_pipe(weir_transfer *self) {
    if (self->pipe[0] < 0) return;
    close(self->pipe[0]);
    close(self->pipe[1]);
    self->pipe[0] = self->pipe[1] = -1;
    self->held = 0;
}

void weir_transfer_free(weir_transfer *self) {
    if (self == NULL) return;
    close_pipe(self);
    weir_alloc_release(NULL, self->buffer);
    weir_alloc_release(NULL, self);
}

/* ---- which ways there are ---- */

static mode_t kind_of(int fd) {
    struct stat st;
    return fstat(fd, &st) == 0 ? st.st_mode & S_IFMT : 0;
}

static unsigned ways_between(mode_t dst, mode_t src) {
    unsigned ways = WEIR_TRANSFER_BUFFER;
    if (src == S_IFREG) ways |= WEIR_TRANSFER_SENDFILE;
    if (src == S_IFREG && dst == S_IFREG) ways |= WEIR_TRANSFER_COPY_FILE_RANGE;
    if (src == S_IFSOCK || src == S_IFIFO || dst == S_IFIFO) ways |= WEIR_TRANSFER_SPLICE;
    return ways;
}

static bool is_pipe_that_never_blocks(int fd, mode_t kind) {
    return kind == S_IFIFO && (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0;
}

void weir_transfer_start(weir_transfer *self, int dst, int src, uint64_t offset, uint64_t count) {
    mode_t to = kind_of(dst), from = kind_of(src);
    if (self->held > 0) close_pipe(self);
    self->begin = self->end = 0;
    self->dst = dst;
    self->src = src;
    self->from_offset = offset != WEIR_TRANSFER_CURRENT;
    self->offset = (off_t)offset;
    self->until_end = count == WEIR_TRANSFER_TO_END;
    self->left = count;
    self->ended = count == 0;
    self->direct = to == S_IFIFO || from == S_IFIFO;
    self->paths = ways_between(to, from) & ~self->options.forbid;
    bool never_blocks = is_pipe_that_never_blocks(dst, to) || is_pipe_that_never_blocks(src, from);
    self->splice_flags = SPLICE_F_MOVE | (never_blocks ? SPLICE_F_NONBLOCK : 0);
    self->result = (weir_transfer_result){.waits_for = -1};
}

static weir_transfer_path next_way(const weir_transfer *self) {
    return (weir_transfer_path)(self->paths & -self->paths);
}

/* Errors that say "not this way" rather than "not these bytes"; if it was the bytes, the last way says so again. */
static bool is_refusal(int err) {
    return err == EINVAL || err == ENOSYS || err == EXDEV || err == EOPNOTSUPP || err == EBADF ||
           err == EPERM || err == ETXTBSY || err == EMFILE || err == ENFILE;
}

/* ---- one call: each answers as the system call does, the count or -1 with errno ---- */

static size_t most_now(const weir_transfer *self, uint64_t room) {
    uint64_t most =
        self->options.progress != NULL && room > MOST_BETWEEN_REPORTS ? MOST_BETWEEN_REPORTS : room;
    return (size_t)(self->left < most ? self->left : most);
}

static ssize_t take_directly(weir_transfer *self, weir_transfer_path way) {
    off_t *from = self->from_offset ? &self->offset : NULL;
    size_t n = most_now(self, MOST_A_CALL);
    if (way == WEIR_TRANSFER_COPY_FILE_RANGE) return copy_file_range(self->src, from, self->dst, NULL, n, 0);
    if (way == WEIR_TRANSFER_SENDFILE) return sendfile(self->dst, self->src, from, n);
    return splice(self->src, from, self->dst, NULL, n, self->splice_flags);
}

static ssize_t take_into_pipe(weir_transfer *self) {
    if (self->pipe[0] < 0) {
        weir_status status = pipe_open(self->pipe, self->options.pipe_size, 0);
        if (status != WEIR_OK) {
            errno = -status;
            return -1;
        }
    }
    size_t n = most_now(self, self->options.pipe_size);
    ssize_t got = splice(self->src, NULL, self->pipe[1], NULL, n, SPLICE_F_MOVE);
    if (got > 0) self->held = (size_t)got;
    return got;
}

/* The buffer has been made. */
static ssize_t take_into_buffer(weir_transfer *self) {
    size_t n = most_now(self, self->options.buffer_size);
    ssize_t got = self->from_offset ? pread(self->src, self->buffer, n, self->offset)
                                    : read(self->src, self->buffer, n);
    if (got <= 0) return got;
    self->begin = 0;
    self->end = (size_t)got;
    if (self->from_offset) self->offset += got;
    return got;
}

static bool make_buffer(weir_transfer *self) {
    if (self->buffer == NULL) self->buffer = weir_alloc_acquire(NULL, self->options.buffer_size);
    return self->buffer != NULL;
}

/* ---- steps ---- */

static weir_status note_arrived(weir_transfer *self, ssize_t count, weir_transfer_path way) {
    self->result.bytes += (uint64_t)count;
    self->result.path = way;
    if (self->options.progress == NULL || self->options.progress(self->options.progress_arg, &self->result))
        return WEIR_OK;
    return WEIR_E_CANCELED;
}

/* What `errno` stops; of two descriptors in one call the one that is not ready is to be waited for. */
static weir_status stop(weir_transfer *self, bool source_may_lack) {
    if (errno != EAGAIN) return weir_status_from_errno(errno);
    struct pollfd source = {.fd = self->src, .events = POLLIN};
    bool source_lacks = source_may_lack && poll(&source, 1, 0) == 0;
    self->result.waits_for = source_lacks ? self->src : self->dst;
    return -EAGAIN;
}

static weir_status empty_buffer(weir_transfer *self) {
    self->result.calls++;
    ssize_t put = write(self->dst, self->buffer + self->begin, self->end - self->begin);
    if (put < 0) return stop(self, false);
    self->begin += (size_t)put;
    return note_arrived(self, put, WEIR_TRANSFER_BUFFER);
}

/* A destination that cannot be spliced to gets what the pipe holds by way of the buffer. */
static weir_status empty_pipe_into_buffer(weir_transfer *self) {
    if (!make_buffer(self)) return WEIR_E_NO_MEMORY;
    size_t n = self->held < self->options.buffer_size ? self->held : self->options.buffer_size;
    self->result.calls++;
    ssize_t got = read(self->pipe[0], self->buffer, n);
    if (got <= 0) return got < 0 ? weir_status_from_errno(errno) : WEIR_E_TRUNCATED;
    self->held -= (size_t)got;
    self->begin = 0;
    self->end = (size_t)got;
    return WEIR_OK;
}

static weir_status empty_pipe(weir_transfer *self) {
    if ((self->paths & WEIR_TRANSFER_SPLICE) == 0) {
        if ((self->paths & WEIR_TRANSFER_BUFFER) == 0) return WEIR_E_UNSUPPORTED;
        return empty_pipe_into_buffer(self);
    }
    self->result.calls++;
    ssize_t put = splice(self->pipe[0], NULL, self->dst, NULL, self->held, SPLICE_F_MOVE);
    if (put < 0 && is_refusal(errno)) {
        self->paths &= ~(unsigned)WEIR_TRANSFER_SPLICE;
        return WEIR_OK;
    }
    if (put < 0) return stop(self, false);
    self->held -= (size_t)put;
    return note_arrived(self, put, WEIR_TRANSFER_SPLICE);
}

static weir_status source_ended(weir_transfer *self, weir_transfer_path way) {
    if (way == WEIR_TRANSFER_COPY_FILE_RANGE && (self->paths & ~(unsigned)way) != 0) {
        self->paths &=
            ~(unsigned)way; /* it also answers 0 for files that only a read can tell the length of */
        return WEIR_OK;
    }
    if (!self->until_end) return WEIR_E_TRUNCATED;
    self->ended = true;
    return WEIR_OK;
}

static weir_status take_more(weir_transfer *self) {
    weir_transfer_path way = next_way(self);
    if (way == WEIR_TRANSFER_NONE) return WEIR_E_UNSUPPORTED;
    if (way == WEIR_TRANSFER_BUFFER && !make_buffer(self)) return WEIR_E_NO_MEMORY;
    bool directly = way != WEIR_TRANSFER_BUFFER && (way != WEIR_TRANSFER_SPLICE || self->direct);
    self->result.calls++;
    ssize_t got = directly                      ? take_directly(self, way)
                  : way == WEIR_TRANSFER_SPLICE ? take_into_pipe(self)
                                                : take_into_buffer(self);
    if (got == 0) return source_ended(self, way);
    if (got < 0 && way != WEIR_TRANSFER_BUFFER && is_refusal(errno)) {
        self->paths &= ~(unsigned)way;
        return WEIR_OK;
    }
    if (got < 0) return stop(self, true);
    if (!self->until_end) self->left -= (uint64_t)got;
    self->ended = self->left == 0;
    return directly ? note_arrived(self, got, way) : WEIR_OK;
}

static weir_status step(weir_transfer *self) {
    if (self->begin < self->end) return empty_buffer(self);
    if (self->held > 0) return empty_pipe(self);
    return take_more(self);
}

static bool is_done(const weir_transfer *self) {
    return self->ended && self->begin == self->end && self->held == 0;
}

/* ---- SIGPIPE: blocked meanwhile, and one of ours taken off again ---- */

static sigset_t only_sigpipe(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    return set;
}

static bool is_sigpipe_pending(void) {
    sigset_t pending;
    sigpending(&pending);
    return sigismember(&pending, SIGPIPE) == 1;
}

weir_status weir_transfer_run(weir_transfer *self, weir_transfer_result *result) {
    weir_status status = WEIR_OK;
    sigset_t ours = only_sigpipe(), before;
    pthread_sigmask(SIG_BLOCK, &ours, &before);
    bool was_pending = is_sigpipe_pending();
    self->result.waits_for = -1;
    while (status == WEIR_OK && !is_done(self)) status = step(self);
    if (status == -EPIPE && !was_pending) sigtimedwait(&ours, NULL, &(struct timespec){0, 0});
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    *result = self->result;
    return status;
}
