/* common/echo_stream.h - one connection to an echo server: the endless pattern out, and back, every byte compared. */
#ifndef BENCH_ECHO_STREAM_H
#define BENCH_ECHO_STREAM_H

#include <stdbool.h>
#include <stdint.h>

enum {
    ECHO_STREAM_CHUNK = 256 << 10 /* most bytes of one call */
};

typedef struct echo_stream {
    int fd;
    uint64_t start;          /* where in the pattern it begins */
    uint64_t sent, received; /* bytes */
} echo_stream;

/* Connects to `where`; `number` makes its bytes others than its neighbours'. In the set `poll_fd` by edges, of both
 * directions, with itself as the events' data. Requires: pattern_init. */
void echo_stream_open(echo_stream *self, const char *where, uint64_t number, int poll_fd);

/* Sends up to a chunk of what comes before `end`. False when the socket is full: its edge comes when there is room. */
bool echo_stream_send(echo_stream *self, uint64_t end);

/* Takes all that is there. Another byte than the one that was sent, or an end, ends the program. */
void echo_stream_receive(echo_stream *self);

#endif
