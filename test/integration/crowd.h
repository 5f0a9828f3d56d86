/* crowd.h - many plain clients of an echo server in one thread, each sending noise of its own and checking that it
 * comes back. Knows nothing of weir: sockets and poll(2).
 */
#ifndef TEST_CROWD_H
#define TEST_CROWD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct crowd_result {
    uint64_t sent, received;
    size_t complete; /* clients whose every byte came back, and then the end of the stream */
    size_t wrong;    /* clients that got a byte they did not send, or an error */
} crowd_result;

/* `count` connections to 127.0.0.1:port at once. Client i sends sizes[i] bytes in pieces of random length, ends its
 * direction, and reads until the server's end. Gives up after `seconds`. */
crowd_result crowd_run(unsigned port, size_t count, const size_t *sizes, uint64_t seed, int seconds);

/* The byte at `at` of what client `who` sends. */
uint8_t crowd_byte(size_t who, uint64_t at);

uint64_t crowd_random(uint64_t *state);

#endif
