/* fake_kernel.h - Linux's TLS for sending, for tests on a kernel that has none: sockets are given keys, and what is sent
 * on them becomes records.
 *
 * By the linker's --wrap, as in test/faults; nothing in the library knows of it. With WEIR_KTLS=real in the environment
 * all calls pass, are counted and refused as ever, and the kernel does it (test/ktls/run).
 */
#ifndef TEST_KTLS_FAKE_KERNEL_H
#define TEST_KTLS_FAKE_KERNEL_H

#include <stdatomic.h>
#include <stdbool.h>

typedef struct fake_kernel {
    atomic_bool is_absent;   /* no such protocol */
    atomic_bool knows_none;  /* of the ciphers */
    atomic_bool has_no_room; /* keys are refused for want of memory */
    atomic_uint asked;       /* for the protocol */
    atomic_uint keyed;       /* connections with keys */
} fake_kernel;

extern fake_kernel fake;

bool fake_is_real(void);

#endif
