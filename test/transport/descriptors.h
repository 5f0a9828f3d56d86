/* descriptors.h - pairs of descriptors of every kind, and threads that feed and gather the pattern at their far ends. */
#ifndef WEIR_TEST_DESCRIPTORS_H
#define WEIR_TEST_DESCRIPTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pthread.h>

#include <weir/transport/transfer.h>

enum {
    LARGEST = 5 << 20,
    NOT_BY_BUFFER = WEIR_TRANSFER_COPY_FILE_RANGE | WEIR_TRANSFER_SENDFILE | WEIR_TRANSFER_SPLICE,
};

typedef enum kind {
    FILE_END,
    PIPE_END,
    TCP_END,
    UNIX_END,
    SOURCES,
    NULL_END = SOURCES,
    APPEND_END,
    KINDS,
} kind;

extern const char *const kind_names[KINDS];
extern uint8_t pattern[LARGEST];

void make_pattern(void);
int empty_file(int flags);
int patterned_file(size_t n);
bool file_holds(int fd, size_t size); /* the pattern, and nothing behind it */

/* ends[0] is read, ends[1] written. */
void open_pair(kind what, int ends[2]);

typedef struct far_end {
    pthread_t thread;
    bool running;
    int fd;
    size_t size;
    bool right;
} far_end;

/* A descriptor that has `size` bytes of the pattern and then ends; one that takes them. */
int open_source(kind what, size_t size, far_end *far);
int open_sink(kind what, size_t size, far_end *far);
/* All of them came, in order; true where there is nobody to ask. */
bool join_far(far_end *self);

#endif
