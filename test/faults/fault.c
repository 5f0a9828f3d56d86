/* fault.c - which call fails how, and the counts. */
#include "fault.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "transport/seed.h"

#define BIT(name) (UINT64_C(1) << FAULT_##name)

/* What the kernel may answer, call by call. */
static const struct {
    uint64_t soft, hard;
} may[FAULT_CALLS] = {
    [CALL_READ] = {BIT(SHORT) | BIT(EAGAIN) | BIT(EINTR),
                   BIT(ECONNRESET) | BIT(ETIMEDOUT) | BIT(ENOMEM) | BIT(ENOBUFS)},
    [CALL_READ_PIPE] = {BIT(SHORT) | BIT(EINTR), 0},
    [CALL_SEND] = {BIT(SHORT) | BIT(EAGAIN) | BIT(EINTR),
                   BIT(EPIPE) | BIT(ECONNRESET) | BIT(ENOBUFS) | BIT(ENOMEM) | BIT(ETIMEDOUT)},
    [CALL_RECVMSG] = {BIT(SHORT) | BIT(EAGAIN) | BIT(EINTR), BIT(ECONNRESET) | BIT(ENOMEM)},
    [CALL_RECVMMSG] = {BIT(SHORT) | BIT(EAGAIN) | BIT(EINTR), BIT(ENOMEM) | BIT(ENOBUFS) | BIT(ECONNREFUSED)},
    [CALL_SENDMMSG] = {BIT(SHORT) | BIT(EAGAIN) | BIT(EINTR), BIT(ENOBUFS) | BIT(ENOMEM) | BIT(EPERM) |
                                                                  BIT(ECONNREFUSED) | BIT(EHOSTUNREACH) |
                                                                  BIT(EIO) | BIT(EINVAL)},
    [CALL_SENDFILE] = {BIT(SHORT) | BIT(EAGAIN) | BIT(EINTR) | BIT(EINVAL),
                       BIT(EIO) | BIT(ENOMEM) | BIT(EPIPE) | BIT(ECONNRESET) | BIT(END)},
    [CALL_SPLICE_IN] = {BIT(SHORT) | BIT(EAGAIN) | BIT(EINTR) | BIT(EINVAL) | BIT(ENOMEM), BIT(ECONNRESET)},
    [CALL_SPLICE_OUT] = {BIT(SHORT) | BIT(EAGAIN) | BIT(EINTR) | BIT(EINVAL),
                         BIT(EPIPE) | BIT(ECONNRESET) | BIT(ENOMEM)},
    [CALL_COPY_FILE_RANGE] = {BIT(SHORT) | BIT(EINVAL) | BIT(EXDEV) | BIT(EOPNOTSUPP),
                              BIT(EIO) | BIT(ENOSPC) | BIT(ENOMEM)},
    [CALL_PREAD_NOW] = {BIT(SHORT) | BIT(EAGAIN) | BIT(EINTR) | BIT(EOPNOTSUPP),
                        BIT(EIO) | BIT(ENOMEM) | BIT(END)},
    [CALL_PREAD] = {BIT(SHORT) | BIT(EINTR), BIT(EIO) | BIT(ENOMEM) | BIT(END)},
    [CALL_WRITE] = {BIT(SHORT) | BIT(EINTR), BIT(ENOSPC) | BIT(EIO)},
    [CALL_WAKE] = {BIT(EINTR), 0},
    [CALL_DISCARD] = {BIT(EINTR) | BIT(EAGAIN), BIT(ECONNRESET)},
    [CALL_ACCEPT] = {BIT(EAGAIN) | BIT(EINTR) | BIT(ECONNABORTED),
                     BIT(EMFILE) | BIT(ENFILE) | BIT(ENOBUFS) | BIT(ENOMEM) | BIT(EPERM)},
    [CALL_SOCKET] = {0, BIT(EMFILE) | BIT(ENFILE) | BIT(ENOBUFS) | BIT(ENOMEM)},
    [CALL_BIND] = {0, BIT(EADDRINUSE) | BIT(EADDRNOTAVAIL) | BIT(ENOMEM) | BIT(EPERM)},
    [CALL_LISTEN] = {0, BIT(EADDRINUSE) | BIT(ENOBUFS)},
    [CALL_CONNECT] = {0, BIT(ECONNREFUSED) | BIT(EHOSTUNREACH) | BIT(EADDRNOTAVAIL) | BIT(ENOBUFS) |
                             BIT(ENOMEM) | BIT(EPERM)},
    [CALL_SO_ERROR] = {0, BIT(ECONNREFUSED) | BIT(ETIMEDOUT) | BIT(EHOSTUNREACH) | BIT(ECONNRESET)},
    [CALL_OPTION] = {0, BIT(ENOBUFS) | BIT(ENOMEM) | BIT(EPERM)},
    [CALL_NAME] = {0, BIT(ENOBUFS)},
    [CALL_OPEN] = {BIT(EINTR), BIT(EMFILE) | BIT(ENFILE) | BIT(ENOMEM) | BIT(EIO)},
    [CALL_STAT] = {0, BIT(EIO) | BIT(ENOMEM)},
    [CALL_SYNC] = {0, BIT(EIO) | BIT(ENOSPC)},
    [CALL_CLOSE] = {BIT(EINTR), BIT(EIO)},
    [CALL_PIPE] = {BIT(EMFILE) | BIT(ENFILE), 0},
    [CALL_PIPE_SIZE] = {BIT(EPERM), 0},
    [CALL_EVENTFD] = {0, BIT(EMFILE) | BIT(ENFILE) | BIT(ENOMEM)},
    [CALL_TIMERFD] = {0, BIT(EMFILE) | BIT(ENFILE) | BIT(ENOMEM)},
    [CALL_WATCH] = {0, BIT(ENOMEM) | BIT(ENOSPC)},
    [CALL_LOOP] = {0, BIT(EMFILE) | BIT(ENOMEM)},
    [CALL_THREAD] = {0, BIT(EAGAIN)},
    [CALL_LOOKUP] = {0, BIT(UNKNOWN)},
};

#define NAME_OF(name) #name,
static const char *const kind_names[FAULT_KINDS] = {FAULT_KIND_LIST(NAME_OF)};
static const char *const call_names[FAULT_CALLS] = {FAULT_CALL_LIST(NAME_OF)};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    uint64_t random;
    fault_rates rates;
    uint64_t only;
    fault_call storm; /* a call that says EAGAIN or EINTR so many times more */
    fault_kind storm_kind;
    unsigned storm_left;
    uint64_t counts[FAULT_CALLS][FAULT_KINDS];
    uint64_t total;
} plan;
static atomic_bool on;
static _Thread_local bool in_loop, in_thread;
_Thread_local uint64_t fault_activity;

void fault_begin(uint64_t seed) {
    pthread_mutex_lock(&lock);
    plan.random = seed;
    plan.rates = (fault_rates){0};
    plan.only = UINT64_MAX;
    plan.storm_left = 0;
    pthread_mutex_unlock(&lock);
    atomic_store(&on, true);
}

void fault_set_rates(fault_rates rates) {
    pthread_mutex_lock(&lock);
    plan.rates = rates;
    plan.storm_left = 0;
    pthread_mutex_unlock(&lock);
}

void fault_only(uint64_t calls) {
    pthread_mutex_lock(&lock);
    plan.only = calls;
    pthread_mutex_unlock(&lock);
}

void fault_end(void) {
    atomic_store(&on, false);
}

void fault_in_this_thread(bool it_may) {
    in_thread = it_may;
}

bool fault_enter_loop(bool inside) {
    bool was = in_loop;
    in_loop = inside;
    return was;
}

bool fault_is_on(void) {
    return atomic_load(&on) && (in_loop || in_thread);
}

uint64_t fault_below(uint64_t bound) {
    pthread_mutex_lock(&lock);
    uint64_t number = seed_below(&plan.random, bound);
    pthread_mutex_unlock(&lock);
    return number;
}

/* ---- drawing ---- */

static fault_kind one_of(uint64_t kinds) {
    unsigned nth = (unsigned)seed_below(&plan.random, (uint64_t)__builtin_popcountll(kinds));
    while (nth-- > 0) kinds &= kinds - 1;
    return (fault_kind)__builtin_ctzll(kinds);
}

static bool happens(unsigned rate) {
    return rate != 0 && seed_below(&plan.random, rate) == 0;
}

/* Now and then the same again and again, as when a socket stays full. */
static void begin_storm(fault_call call, fault_kind kind) {
    if ((kind != FAULT_EAGAIN && kind != FAULT_EINTR) || seed_below(&plan.random, 20) != 0) return;
    plan.storm = call;
    plan.storm_kind = kind;
    plan.storm_left = 1 + (unsigned)seed_below(&plan.random, 40);
}

static fault_kind draw(fault_call call) {
    if (plan.storm_left > 0 && plan.storm == call) {
        plan.storm_left--;
        return plan.storm_kind;
    }
    if (may[call].hard != 0 && (plan.only >> call & 1) != 0 && happens(plan.rates.hard))
        return one_of(may[call].hard);
    if (may[call].soft == 0 || !happens(plan.rates.soft)) return FAULT_KINDS;
    fault_kind kind = one_of(may[call].soft);
    begin_storm(call, kind);
    return kind;
}

fault_kind fault_draw(fault_call call) {
    fault_activity++;
    if (!fault_is_on()) return FAULT_KINDS;
    pthread_mutex_lock(&lock);
    fault_kind kind = draw(call);
    pthread_mutex_unlock(&lock);
    if (kind != FAULT_KINDS && kind != FAULT_SHORT) fault_note(call, kind); /* that one may not come to be */
    return kind;
}

int fault_errno(fault_kind kind) {
    static const int numbers[FAULT_KINDS] = {
        [FAULT_EAGAIN] = EAGAIN,
        [FAULT_EINTR] = EINTR,
        [FAULT_ECONNRESET] = ECONNRESET,
        [FAULT_EPIPE] = EPIPE,
        [FAULT_EMFILE] = EMFILE,
        [FAULT_ENFILE] = ENFILE,
        [FAULT_ENOBUFS] = ENOBUFS,
        [FAULT_ENOMEM] = ENOMEM,
        [FAULT_ENOSPC] = ENOSPC,
        [FAULT_EIO] = EIO,
        [FAULT_EINVAL] = EINVAL,
        [FAULT_EOPNOTSUPP] = EOPNOTSUPP,
        [FAULT_EPERM] = EPERM,
        [FAULT_EXDEV] = EXDEV,
        [FAULT_EADDRINUSE] = EADDRINUSE,
        [FAULT_EADDRNOTAVAIL] = EADDRNOTAVAIL,
        [FAULT_ECONNREFUSED] = ECONNREFUSED,
        [FAULT_ECONNABORTED] = ECONNABORTED,
        [FAULT_EHOSTUNREACH] = EHOSTUNREACH,
        [FAULT_ETIMEDOUT] = ETIMEDOUT,
    };
    return numbers[kind];
}

/* ---- counting ---- */

void fault_note(fault_call call, fault_kind kind) {
    pthread_mutex_lock(&lock);
    plan.counts[call][kind]++;
    plan.total++;
    pthread_mutex_unlock(&lock);
}

uint64_t fault_total(void) {
    pthread_mutex_lock(&lock);
    uint64_t total = plan.total;
    pthread_mutex_unlock(&lock);
    return total;
}

uint64_t fault_count(fault_kind kind) {
    uint64_t sum = 0;
    pthread_mutex_lock(&lock);
    for (int call = 0; call < FAULT_CALLS; call++) sum += plan.counts[call][kind];
    pthread_mutex_unlock(&lock);
    return sum;
}

uint64_t fault_count_of(fault_call call) {
    uint64_t sum = 0;
    pthread_mutex_lock(&lock);
    for (int kind = 0; kind < FAULT_KINDS; kind++) sum += plan.counts[call][kind];
    pthread_mutex_unlock(&lock);
    return sum;
}

void fault_print(void) {
    for (int call = 0; call < FAULT_CALLS; call++) {
        for (int kind = 0; kind < FAULT_KINDS; kind++) {
            uint64_t count = plan.counts[call][kind];
            plan.counts[call][kind] = 0;
            if (count > 0) printf("fault %s %s %" PRIu64 "\n", call_names[call], kind_names[kind], count);
        }
    }
    fflush(stdout);
}

uint64_t fault_goal(uint64_t usual) {
    const char *given = getenv("WEIR_FAULTS");
    return given != NULL ? usual * strtoull(given, NULL, 0) / FAULT_USUAL + 1 : usual;
}
