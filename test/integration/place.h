/* place.h - a folder of a test's own, with files of noise in it, and a plain socket to a server. */
#ifndef TEST_PLACE_H
#define TEST_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct place {
    char folder[64];
    char path[512]; /* what place_path has made last */
};

/* An empty folder in TMPDIR or /tmp, and its end. */
void place_open(struct place *self);
void place_close(struct place *self);

/* FOLDER/name. Until: the next call. */
const char *place_path(struct place *self, const char *name);

/* FOLDER/name with `size` bytes of noise, which depend on the name. Folders on the way are made. */
void place_write(struct place *self, const char *name, size_t size);

/* Its size, or -1 when there is none. */
int64_t place_size(struct place *self, const char *name);

/* Both hold the same bytes. */
bool place_same(struct place *self, const char *name, const char *other);

/* A blocking connection to 127.0.0.1:port that gives up after ten seconds. */
int dial(unsigned port);

/* Sends `n` bytes and the end of the stream, and reads until the peer's end or until `room` is full; a NUL is
 * put behind. Answers how much came, -1 after a reset. Takes: fd. */
ssize_t converse(int fd, const void *bytes, size_t n, char *reply, size_t room);

/* Sends the same `n` bytes again and again, until nobody has taken any for half a second, or `most` are on their way.
 * Answers how many are. The socket does not block from then on. */
size_t send_until_full(int fd, const void *bytes, size_t n, size_t most);

#endif
