/* tls_kernel_memory_test.c - the kernel encrypts what is sent: every allocation of that refused in turn. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weir/testing.h>
#include <weir/testing/oom_sweep.h>

#include "fake_kernel.h"
#include "tls/tls_kernel.h"
#include "transport/wires.h"

static int connect_to(unsigned *port, int *listener) {
    *listener = plain_listen(port, 1);
    return plain_connect(*port);
}

/* What is said is taken in its order; what is not taken goes with the rest. */
static bool say_some(void *arg) {
    unsigned port;
    int listener, fd = connect_to(&port, &listener);
    uint64_t before = fake.asked;
    tls_kernel *kernel = tls_kernel_new(fd);
    bool said = kernel != NULL;
    (void)arg;
    expect_eq(fake.asked, before + 1);
    for (size_t n = 1; n <= 3 && said; n++) said = tls_kernel_say(kernel, "abc", n);
    for (size_t n = 1; n <= 2 && said; n++) {
        weir_region *first = tls_kernel_take(kernel);
        require(first != NULL);
        expect_eq(first->length, n);
        weir_region_release(first);
    }
    tls_kernel_free(kernel);
    close(fd);
    close(listener);
    return said;
}

WEIR_TEST(tls_kernel_memory, is_not_leaked_whichever_allocation_is_refused) {
    expect(weir_oom_sweep(say_some, NULL) >= 4);
}
