/* place.c - folders, noise and sockets. */
#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <weir/testing.h>

void place_open(struct place *self) {
    const char *folder = getenv("TMPDIR");
    snprintf(self->folder, sizeof self->folder, "%.40s/weir.XXXXXX", folder == NULL ? "/tmp" : folder);
    require(mkdtemp(self->folder) != NULL);
}

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *walk) {
    (void)stat, (void)kind, (void)walk;
    return remove(path);
}

void place_close(struct place *self) {
    nftw(self->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *place_path(struct place *self, const char *name) {
    snprintf(self->path, sizeof self->path, "%s/%s", self->folder, name);
    return self->path;
}

static void make_folders(char *path) {
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0777);
        *slash = '/';
    }
}

void place_write(struct place *self, const char *name, size_t size) {
    char path[sizeof self->path];
    snprintf(path, sizeof path, "%s", place_path(self, name));
    make_folders(path);
    FILE *file = fopen(path, "w");
    require(file != NULL);
    static uint64_t noise[1 << 13];
    uint64_t seed = 88172645463325252u;
    for (const char *c = name; *c != '\0'; c++) seed = seed * 31 + (uint64_t)*c;
    for (size_t done = 0, n; done < size; done += n) {
        for (size_t i = 0; i < sizeof noise / sizeof *noise; i++) {
            seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
            noise[i] = seed;
        }
        n = size - done < sizeof noise ? size - done : sizeof noise;
        require(fwrite(noise, 1, n, file) == n);
    }
    require(fclose(file) == 0);
}

int64_t place_size(struct place *self, const char *name) {
    struct stat stat;
    return lstat(place_path(self, name), &stat) == 0 ? (int64_t)stat.st_size : -1;
}

bool place_same(struct place *self, const char *name, const char *other) {
    FILE *left = fopen(place_path(self, name), "r"), *right = fopen(place_path(self, other), "r");
    static char a[1 << 16], b[1 << 16];
    bool same = left != NULL && right != NULL;
    size_t n = 1;
    while (same && n > 0) {
        n = fread(a, 1, sizeof a, left);
        same = fread(b, 1, sizeof b, right) == n && memcmp(a, b, n) == 0;
    }
    if (left != NULL) fclose(left);
    if (right != NULL) fclose(right);
    return same;
}

int dial(unsigned port) {
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct timeval patience = {.tv_sec = 10};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    require(connect(fd, (struct sockaddr *)&at, sizeof at) == 0);
    return fd;
}

ssize_t converse(int fd, const void *bytes, size_t n, char *reply, size_t room) {
    ssize_t came = send(fd, bytes, n, MSG_NOSIGNAL) == (ssize_t)n ? 0 : -1;
    shutdown(fd, SHUT_WR);
    size_t total = 0;
    do {
        total += (size_t)(came > 0 ? came : 0);
        came = total < room - 1 ? recv(fd, reply + total, room - 1 - total, 0) : 0;
    } while (came > 0);
    reply[total] = '\0';
    close(fd);
    return came < 0 ? -1 : (ssize_t)total;
}

size_t send_until_full(int fd, const void *bytes, size_t n, size_t most) {
    size_t sent = 0;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    for (int quiet = 0; quiet < 50 && sent < most;) {
        ssize_t taken = send(fd, bytes, n, MSG_NOSIGNAL);
        quiet = taken > 0 ? 0 : quiet + 1;
        if (taken > 0) sent += (size_t)taken;
        if (taken < 0) usleep(10000);
    }
    return sent;
}
