/* fault_loop.h - what is under weir's loops, with a clock that jumps and a thread pool that is late and out of order.
 *
 * In the programs of this folder, always: a loop turns without sleeping; when nothing has happened for a moment the
 * clock of all loops jumps to the next timer. Work for the thread pool is done by the loop's own thread, each piece
 * and each completion in some later turn, in any order. So a run depends on its seed and on the kernel, and on no
 * other thread, and a timeout of 30 seconds costs a millisecond.
 */
#ifndef WEIR_TEST_FAULT_LOOP_H
#define WEIR_TEST_FAULT_LOOP_H

#include <stdint.h>
#include <sys/epoll.h>

/* Milliseconds of the clock of all loops. */
uint64_t fault_clock(void);

/* epoll_wait, as above. */
long fault_wait(int set, struct epoll_event *events, int most, int timeout);

#endif
