/* sys_call.h - private: a system call in line, answering what it does or -errno.
 *
 * syscall(2) takes any number of arguments from memory and puts failures into errno: 20 instructions each time. A debug
 * build calls it all the same, so that tests can stand in for it.
 */
#ifndef WEIR_SYS_CALL_H
#define WEIR_SYS_CALL_H

#include <sys/syscall.h>

#if defined(__x86_64__) && defined(__LP64__) && defined(NDEBUG)

static inline long sys_call6(long number, long a, long b, long c, long d, long e, long f) {
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

#else

#include <errno.h>
#include <unistd.h>

static inline long sys_call6(long number, long a, long b, long c, long d, long e, long f) {
    long result = syscall(number, a, b, c, d, e, f);
    return result < 0 ? -errno : result;
}

#endif

#endif
