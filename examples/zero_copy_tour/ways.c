/* ways.c - the five loops. Blocking sockets: what is measured is the calls, not the waiting. */
#include "ways.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    SMALL = 4 << 10,
    LARGE = 256 << 10,
    CALL_MAX = 1 << 30,
    PIPE_SIZE = 1 << 20,
};

static size_t at_most(uint64_t left, size_t limit) {
    return left < limit ? (size_t)left : limit;
}

/* The result of a call that moves bytes: counted; 0 and failures as a status. */
static weir_status moved(ssize_t n, struct way_count *count) {
    count->calls++;
    if (n > 0) return WEIR_OK;
    return n == 0 ? WEIR_E_TRUNCATED : weir_status_from_errno(errno);
}

static weir_status write_all(int socket, const uint8_t *from, uint64_t size, struct way_count *count) {
    while (size > 0) {
        ssize_t n = send(socket, from, at_most(size, CALL_MAX), MSG_NOSIGNAL);
        weir_status status = moved(n, count);
        if (status != WEIR_OK) return status;
        count->user_bytes += (uint64_t)n;
        from += n;
        size -= (uint64_t)n;
    }
    return WEIR_OK;
}

static weir_status read_write(int file, uint64_t size, int socket, uint8_t *room, size_t step,
                              struct way_count *count) {
    for (uint64_t at = 0; at < size;) {
        ssize_t n = pread(file, room, at_most(size - at, step), (off_t)at);
        weir_status status = moved(n, count);
        if (status != WEIR_OK) return status;
        count->user_bytes += (uint64_t)n;
        status = write_all(socket, room, (uint64_t)n, count);
        if (status != WEIR_OK) return status;
        at += (uint64_t)n;
    }
    return WEIR_OK;
}

static weir_status send_small(int file, uint64_t size, int socket, struct way_count *count) {
    static uint8_t room[SMALL];
    return read_write(file, size, socket, room, sizeof room, count);
}

static weir_status send_large(int file, uint64_t size, int socket, struct way_count *count) {
    static uint8_t room[LARGE];
    return read_write(file, size, socket, room, sizeof room, count);
}

static weir_status send_mapped(int file, uint64_t size, int socket, struct way_count *count) {
    void *map = mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, file, 0);
    count->calls += 2; /* and munmap */
    if (map == MAP_FAILED) return weir_status_from_errno(errno);
    weir_status status = write_all(socket, map, size, count);
    munmap(map, (size_t)size);
    return status;
}

static weir_status send_sendfile(int file, uint64_t size, int socket, struct way_count *count) {
    for (off_t at = 0; (uint64_t)at < size;) {
        weir_status status =
            moved(sendfile(socket, file, &at, at_most(size - (uint64_t)at, CALL_MAX)), count);
        if (status != WEIR_OK) return status;
    }
    return WEIR_OK;
}

/* Pages travel through a pipe by reference: file -> pipe -> socket. */
static weir_status splice_through(const int ends[2], int file, uint64_t size, int socket,
                                  struct way_count *count) {
    loff_t at = 0;
    for (size_t held = 0; (uint64_t)at < size || held > 0;) {
        size_t want = at_most(size - (uint64_t)at, PIPE_SIZE);
        bool fill = held == 0;
        ssize_t n = fill ? splice(file, &at, ends[1], NULL, want, SPLICE_F_MOVE)
                         : splice(ends[0], NULL, socket, NULL, held, SPLICE_F_MOVE);
        weir_status status = moved(n, count);
        if (status != WEIR_OK) return status;
        held = fill ? (size_t)n : held - (size_t)n;
    }
    return WEIR_OK;
}

static weir_status send_splice(int file, uint64_t size, int socket, struct way_count *count) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return weir_status_from_errno(errno);
    (void)fcntl(ends[1], F_SETPIPE_SZ,
                PIPE_SIZE); /* refused: it works with the usual 64 KiB, in more calls */
    count->calls += 4;      /* pipe2, fcntl and two close */
    weir_status status = splice_through(ends, file, size, socket, count);
    close(ends[0]);
    close(ends[1]);
    return status;
}

const struct way ways[WAYS] = {
    {"read + write, 4 KiB", 2, 4, send_small},
    {"read + write, 256 KiB", 2, 4, send_large},
    {"mmap + write", 1, 4, send_mapped},
    {"sendfile", 0, 2, send_sendfile},
    {"splice", 0, 4, send_splice},
};
