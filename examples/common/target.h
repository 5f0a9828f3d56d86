/* common/target.h - where one file arrives: DIR/a/.b.part, which becomes DIR/a/b when every byte is there.
 *
 * Nothing is ever written outside DIR: paths are plain and relative, folders on the way are made or entered
 * without following a link. A second process that writes the same file is kept out by a lock.
 */
#ifndef EXAMPLES_TARGET_H
#define EXAMPLES_TARGET_H

#include <weir/buffer.h>

struct target {
    int parent; /* the folder the file is in; -1: nothing is open */
    int fd;
    uint64_t size; /* so far */
    char name[256], part[256];
};

#define TARGET_NONE                                                                                          \
    { .parent = -1, .fd = -1 }

/* "a/b": relative, without empty parts, "." or "..". */
bool target_path_is_plain(const char *path);

/* How much of `path` an earlier attempt has left below `folder`; 0 when there is nothing. */
uint64_t target_left_over(int folder, const char *path);

/* The same to be read: a descriptor, or -1. */
int target_open_left_over(int folder, const char *path);

/* Opens the partial file of a plain `path` for bytes from `offset` on: cut to nothing for 0, else it must be
 * that long. Fails: -errno, -EBUSY when another process writes it, WEIR_E_INVALID when it is not so long. */
weir_status target_open(struct target *self, int folder, const char *path, uint64_t offset);

/* All readable bytes of `buf`, which is then empty; waits for the disk. Borrows: buf. Fails: -errno. */
weir_status target_write(struct target *self, weir_buf *buf);

/* The date the file wears from now on, until it is written again: a memory of which version its bytes are of. */
void target_set_date(const struct target *self, int64_t date);

/* Gives the file its name, when it is `size` bytes long. Nothing is open afterwards. Fails: -errno,
 * WEIR_E_TRUNCATED. */
weir_status target_finish(struct target *self, uint64_t size);

/* Lets go; the partial file stays for the next attempt. */
void target_leave(struct target *self);

#endif
