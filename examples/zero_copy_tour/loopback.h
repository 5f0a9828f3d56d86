/* loopback.h - a TCP connection over loopback whose far end is a thread that takes what is sent.
 *
 * The thread either throws the bytes away inside the kernel (MSG_TRUNC: nothing is copied out, so that
 * what is measured is the sender) or compares each of them with what was to be sent.
 */
#ifndef TOUR_LOOPBACK_H
#define TOUR_LOOPBACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/core/status.h>

struct loopback;

/* Connects. `*out` is for loopback_close. Fails: -errno. */
weir_status loopback_open(struct loopback **out);
void loopback_close(struct loopback *self);

/* The end to send on: blocking, gives up after ten seconds without progress. */
int loopback_fd(const struct loopback *self);

/* The far end takes `size` bytes from now on; with `expected` it compares them. */
void loopback_expect(struct loopback *self, uint64_t size, const uint8_t *expected);

/* Waits until it has. Fails: WEIR_E_TRUNCATED (not all came), WEIR_E_FRAME_CORRUPT (other bytes came). */
weir_status loopback_wait(struct loopback *self);

#endif
