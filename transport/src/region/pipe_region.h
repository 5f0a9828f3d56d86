/* pipe_region.h - private: what a socket had to read, moved into a pipe and passed on as a region.
 *
 * The bytes can be taken once and in order, by send or by read, whole or in slices; any other position answers
 * -ESPIPE. A loop keeps a few empty ones for use again.
 */
#ifndef WEIR_PIPE_REGION_H
#define WEIR_PIPE_REGION_H

#include <weir/transport/region.h>

#include "loop/loop_internal.h"

/* A pipe that holds `size` bytes, or as many as the system grants; both ends close on exec. `flags`: 0, O_NONBLOCK.
 * Fails: -EMFILE, -ENFILE. */
weir_status pipe_open(int ends[2], size_t size, int flags);

/* Up to `most` bytes from the non-blocking socket `fd` into an empty pipe of `loop`, without user space. Gives: a
 * region of what came; or NULL, and *status is WEIR_OK at the end of the stream, -EAGAIN, WEIR_E_UNSUPPORTED when
 * this socket or process cannot do it now (no splice, no descriptors, no memory), or what broke the socket. */
weir_region *pipe_region_fill(weir_loop *loop, int fd, size_t most, weir_status *status);

/* Frees what `loop` keeps; from here on it keeps none. */
void pipe_regions_free(weir_loop *loop);

#endif
