/* fault.h - system calls that fail as the kernel may let them fail, as a seed says.
 *
 *     weir, built as ever --read, accept4, sendfile ...--> __wrap_read, ... --> the kernel
 *                                                              |
 *                                                        fault_draw: now and then not
 *
 * Nothing in the library knows of it: the programs of this folder are linked with --wrap (CMakeLists.txt), and the
 * libraries' calls arrive here. Two sorts of faults: soft ones, after which all must go on as if nothing had been
 * (EAGAIN, EINTR, a part of what was asked for, a completion that is late), and hard ones, which somebody must be
 * told of. Only calls made inside a loop, or by a thread that asked for it, are touched.
 */
#ifndef WEIR_TEST_FAULT_H
#define WEIR_TEST_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAULT_KIND_LIST(X)                                                                                   \
    X(SHORT) /* less than was asked for */                                                                   \
    X(EAGAIN)                                                                                                \
    X(EINTR)                                                                                                 \
    X(ECONNRESET)                                                                                            \
    X(EPIPE)                                                                                                 \
    X(EMFILE)                                                                                                \
    X(ENFILE)                                                                                                \
    X(ENOBUFS)                                                                                               \
    X(ENOMEM)                                                                                                \
    X(ENOSPC)                                                                                                \
    X(EIO)                                                                                                   \
    X(EINVAL)                                                                                                \
    X(EOPNOTSUPP)                                                                                            \
    X(EPERM)                                                                                                 \
    X(EXDEV)                                                                                                 \
    X(EADDRINUSE)                                                                                            \
    X(EADDRNOTAVAIL)                                                                                         \
    X(ECONNREFUSED)                                                                                          \
    X(ECONNABORTED)                                                                                          \
    X(EHOSTUNREACH)                                                                                          \
    X(ETIMEDOUT)                                                                                             \
    X(END)       /* 0 bytes: a file that has become shorter */                                               \
    X(DELAYED)   /* work of the thread pool that is done later than it could be */                           \
    X(REORDERED) /* and before work that came first */                                                       \
    X(UNKNOWN)   /* a name that is not found now (EAI_AGAIN, EAI_MEMORY) */

#define FAULT_KIND_ENUM(name) FAULT_##name,
typedef enum fault_kind {
    FAULT_KIND_LIST(FAULT_KIND_ENUM) FAULT_KINDS
} fault_kind;

#define FAULT_CALL_LIST(X)                                                                                   \
    X(READ)                                                                                                  \
    X(READ_PIPE)                                                                                             \
    X(SEND)                                                                                                  \
    X(RECVMSG)                                                                                               \
    X(RECVMMSG)                                                                                              \
    X(SENDMMSG)                                                                                              \
    X(SENDFILE)                                                                                              \
    X(SPLICE_IN)                                                                                             \
    X(SPLICE_OUT)                                                                                            \
    X(COPY_FILE_RANGE)                                                                                       \
    X(PREAD_NOW)                                                                                             \
    X(PREAD)                                                                                                 \
    X(WRITE)                                                                                                 \
    X(WAKE)                                                                                                  \
    X(DISCARD)                                                                                               \
    X(ACCEPT)                                                                                                \
    X(SOCKET)                                                                                                \
    X(BIND)                                                                                                  \
    X(LISTEN)                                                                                                \
    X(CONNECT)                                                                                               \
    X(SO_ERROR)                                                                                              \
    X(OPTION)                                                                                                \
    X(NAME)                                                                                                  \
    X(OPEN)                                                                                                  \
    X(STAT)                                                                                                  \
    X(SYNC)                                                                                                  \
    X(CLOSE)                                                                                                 \
    X(PIPE)                                                                                                  \
    X(PIPE_SIZE)                                                                                             \
    X(EVENTFD)                                                                                               \
    X(TIMERFD)                                                                                               \
    X(WATCH)                                                                                                 \
    X(LOOP)                                                                                                  \
    X(THREAD)                                                                                                \
    X(LOOKUP)                                                                                                \
    X(WORK)

#define FAULT_CALL_ENUM(name) CALL_##name,
typedef enum fault_call {
    FAULT_CALL_LIST(FAULT_CALL_ENUM) FAULT_CALLS
} fault_call;

/* ---- for tests ---- */

/* How often: one call in so many; 0 never. */
typedef struct fault_rates {
    unsigned soft, hard;
} fault_rates;

/* From here on, with this state of the generator. Counts go on. */
void fault_begin(uint64_t seed);

/* Other rates; {0} is a truce. */
void fault_set_rates(fault_rates rates);

/* Only these may fail hard, bits of 1 << call; UINT64_MAX: all. */
void fault_only(uint64_t calls);

/* No more of them. */
void fault_end(void);

/* Whether the calls of this thread may fail; those made inside of a loop always may. */
void fault_in_this_thread(bool it_may);

uint64_t fault_total(void);
uint64_t fault_count(fault_kind kind);
uint64_t fault_count_of(fault_call call);

/* A line for each call and kind there was, "fault READ EAGAIN 1234", which are forgotten then. */
void fault_print(void);

/* How many a test is to inject: `usual`, or as much more as WEIR_FAULTS in the environment, a number for all programs
 * together, is more than FAULT_USUAL. */
#define FAULT_USUAL 94000
uint64_t fault_goal(uint64_t usual);

/* ---- for the wraps ---- */

/* Random numbers of the layer's own, below `bound`. */
uint64_t fault_below(uint64_t bound);

bool fault_is_on(void);

/* Marks the thread as one that is inside of a loop; answers what it was. */
bool fault_enter_loop(bool inside);

/* FAULT_KINDS: the call goes on as it is. FAULT_SHORT: with less. Else it fails. */
fault_kind fault_draw(fault_call call);

void fault_note(fault_call call, fault_kind kind);

/* The errno of a kind that is one. */
int fault_errno(fault_kind kind);

/* Calls that passed here in this thread: whether a turn did anything. */
extern _Thread_local uint64_t fault_activity;

#endif
