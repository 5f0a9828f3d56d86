/* listen_fds.c - the protocol of sd_listen_fds(3), without its library. */
#include <weir/transport/listen_fds.h>

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include <weir/core/bytes.h>
#include <weir/core/log.h>

#include "bootstrap/listen_socket.h"

#define FIRST_FD 3

static weir_status complain(const char *variable, const char *value) {
    weir_log(WEIR_LOG_ERROR, "server", "inherited sockets: %s=%s makes no sense", variable, value);
    return WEIR_E_INVALID;
}

/* How many there are for this process. */
static weir_status inherited_count(size_t *count) {
    const char *pid = getenv("LISTEN_PID"), *many = getenv("LISTEN_FDS");
    uint64_t number;
    *count = 0;
    if (pid == NULL || many == NULL) return WEIR_OK;
    if (!weir_bytes_to_u64(weir_bytes_str(pid), &number)) return complain("LISTEN_PID", pid);
    if (number != (uint64_t)getpid()) return WEIR_OK;
    if (!weir_bytes_to_u64(weir_bytes_str(many), &number) || number > INT_MAX - FIRST_FD)
        return complain("LISTEN_FDS", many);
    *count = (size_t)number;
    return WEIR_OK;
}

/* As many names as descriptors, or none at all. */
static weir_status check_names(const char *names, size_t count) {
    weir_bytes rest = weir_bytes_str(names), one;
    size_t found = 0;
    while (weir_bytes_split(&rest, ':', &one)) found++;
    return found == count ? WEIR_OK : complain("LISTEN_FDNAMES", names);
}

weir_status weir_listen_fds(const char *name, int *fds, size_t room, size_t *count) {
    size_t inherited, found = 0;
    *count = 0;
    weir_status status = inherited_count(&inherited);
    if (status != WEIR_OK || inherited == 0) return status;
    const char *names = getenv("LISTEN_FDNAMES");
    if (names != NULL) status = check_names(names, inherited);
    weir_bytes rest = weir_bytes_str(names != NULL ? names : ""), called = weir_bytes_str("unknown");
    for (size_t i = 0; i < inherited && status == WEIR_OK; i++) {
        if (names != NULL) weir_bytes_split(&rest, ':', &called);
        if (name != NULL && !weir_bytes_equal_str(called, name)) continue;
        if (found == room) {
            weir_log(WEIR_LOG_ERROR, "server", "inherited sockets: more than the %zu there is room for",
                     room);
            return WEIR_E_LIMIT;
        }
        weir_addr addr;
        fds[found] = FIRST_FD + (int)i;
        status = listen_socket_adopt(fds[found++], &addr);
    }
    if (status == WEIR_OK) *count = found;
    return status;
}
