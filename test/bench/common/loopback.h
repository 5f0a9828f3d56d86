/* common/loopback.h - sockets as all load tools and peers make them: non-blocking, no Nagle. What cannot go on
 * ends the program. */
#ifndef BENCH_LOOPBACK_H
#define BENCH_LOOPBACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Says why and exits 1. */
_Noreturn void die(const char *what);

/* A listening socket on 127.0.0.1; prints "listening on HOST:PORT" when it is one. port 0: a free one. */
int loopback_listen(uint64_t port);

/* The next connection, or -1 when there is none now. */
int loopback_accept(int listener);

/* Sends small segments at once. */
void loopback_set_no_delay(int fd);

/* Connected to "HOST:PORT" (an IPv4 address). */
int loopback_connect(const char *where);

/* The same from the `number`th of several addresses of this machine, as one has but 28 000 ports; being connected:
 * writable when it is. */
int loopback_connect_from(const char *where, uint64_t number);

/* Bytes the socket took, 0 when it is full. Dies when it is broken. */
size_t loopback_send(int fd, const void *bytes, size_t n);

/* Bytes that came, 0 when there are none now, SIZE_MAX at the end or when it is broken. */
size_t loopback_receive(int fd, void *bytes, size_t n);

/* As many descriptors as the system lets us have; answers how many. */
size_t loopback_raise_limit(void);

#endif
