/* unix_socket.c - a socket file outlives its process: whose it is has to be found out.
 *
 * That nobody listens (connecting is refused) does not say that nobody is about to: between bind and listen of another
 * starting server it looks the same. So who binds, and who removes a stale file, holds a lock on the directory; where
 * that cannot be had a file that is there stays.
 */
#include "bootstrap/unix_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <weir/core/log.h>

enum {
    LOCK_TRIES = 100, /* of 10 ms */
    PATH_ROOM = sizeof(struct sockaddr_un) + 1
};

bool unix_socket_is(const weir_addr *addr) {
    return addr->len != 0 && addr->as.sa.sa_family == AF_UNIX;
}

/* Empty for an abstract name. */
static void copy_path(const weir_addr *addr, char path[PATH_ROOM]) {
    size_t at = offsetof(struct sockaddr_un, sun_path);
    memset(path, 0, PATH_ROOM);
    if (addr->len > at) memcpy(path, addr->as.room + at, addr->len - at);
}

/* The locked directory of `path`, or -1. */
static int lock_directory(const char *path) {
    char directory[PATH_ROOM] = ".";
    const char *slash = strrchr(path, '/');
    if (slash != NULL) {
        size_t len = slash == path ? 1 : (size_t)(slash - path);
        memcpy(directory, path, len);
        directory[len] = '\0';
    }
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
        if (i < LOCK_TRIES) continue;
        close(fd);
        fd = -1;
    }
    return fd;
}

/* A socket that refuses to be connected to. What cannot be told is not stale. */
static bool is_stale(const char *path, const weir_addr *addr) {
    struct stat there;
    if (lstat(path, &there) != 0) return false;
    if (!S_ISSOCK(there.st_mode)) {
        weir_log(WEIR_LOG_ERROR, "server", "%s is there and is not a socket: it is left alone", path);
        return false;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return false;
    bool refused = connect(fd, &addr->as.sa, addr->len) != 0 && errno == ECONNREFUSED;
    close(fd);
    return refused;
}

/* Binds with no more rights than `mode` from the first moment on. */
static weir_status bind_file(int fd, const char *path, const weir_addr *addr, mode_t mode, bool locked) {
    if (mode != 0 && fchmod(fd, mode) != 0) return weir_status_from_errno(errno);
    if (bind(fd, &addr->as.sa, addr->len) == 0) return WEIR_OK;
    if (errno != EADDRINUSE) return weir_status_from_errno(errno);
    if (!locked || !is_stale(path, addr)) return -EADDRINUSE;
    unlink(path);
    return bind(fd, &addr->as.sa, addr->len) == 0 ? WEIR_OK : weir_status_from_errno(errno);
}

/* What the umask took away of `mode` is given back. */
static weir_status own_file(unix_socket_file *file, const char *path, const weir_addr *addr, mode_t mode) {
    struct stat made;
    if ((mode != 0 && chmod(path, mode) != 0) || lstat(path, &made) != 0)
        return weir_status_from_errno(errno);
    *file = (unix_socket_file){.addr = *addr, .dev = made.st_dev, .ino = made.st_ino};
    return WEIR_OK;
}

weir_status unix_socket_listen(int *fd, unix_socket_file *file, const weir_addr *addr, int backlog,
                               mode_t mode) {
    char path[PATH_ROOM];
    copy_path(addr, path);
    *file = (unix_socket_file){0};
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (*fd < 0) return weir_status_from_errno(errno);
    int lock = path[0] != '\0' ? lock_directory(path) : -1;
    weir_status status = bind_file(*fd, path, addr, mode, lock >= 0);
    if (status == WEIR_OK && path[0] != '\0') status = own_file(file, path, addr, mode);
    if (status == WEIR_OK && listen(*fd, backlog) != 0) status = weir_status_from_errno(errno);
    if (lock >= 0) close(lock);
    if (status == WEIR_OK) return WEIR_OK;
    unix_socket_remove(file);
    close(*fd);
    *fd = -1;
    return status;
}

void unix_socket_remove(unix_socket_file *file) {
    char path[PATH_ROOM];
    struct stat there;
    copy_path(&file->addr, path);
    if (path[0] != '\0' && lstat(path, &there) == 0 && there.st_dev == file->dev && there.st_ino == file->ino)
        unlink(path);
    *file = (unix_socket_file){0};
}
