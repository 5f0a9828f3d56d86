/* calls_test.c - what answers at once, in a thread that has no loop, while its system calls fail: loops, servers,
 * transfers, files. Each does what it says or says why not, and leaves no descriptor and no memory behind.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weir/core/log.h>
#include <weir/testing.h>
#include <weir/transport.h>

#include "fault.h"
#include "transport/open_fds.h"
#include "transport/seed.h"

enum {
    USUAL_FAULTS = 1000,
    SIZE = 300000
};

typedef struct tries {
    uint64_t random;
    uint64_t done, failed;
} tries;

static void drop_line(void *arg, weir_log_level level, const char *subject, const char *line) {
    (void)arg, (void)level, (void)subject, (void)line;
}

static void answered(tries *self, weir_status status) {
    if (status == WEIR_OK) self->done++;
    if (status != WEIR_OK) self->failed++;
    expect(status != -EINTR);
}

/* Until so many faults were injected; then once without any, which must do it. */
static void try_often(void (*one)(tries *self)) {
    tries self = {.random = seed_start()};
    uint64_t goal = fault_total() + fault_goal(USUAL_FAULTS);
    weir_log_set_sink(drop_line, NULL);
    weir_loop_free(weir_loop_new(NULL)); /* libuv keeps a pipe for signals from its first loop on */
    int fds = open_fds();
    fault_begin(self.random);
    fault_in_this_thread(true);
    while (fault_total() < goal) {
        fault_set_rates((fault_rates){2 + (unsigned)seed_below(&self.random, 10),
                                      3 + (unsigned)seed_below(&self.random, 100)});
        one(&self);
    }
    expect(self.failed > 0);
    fault_in_this_thread(false);
    fault_end();
    self.failed = 0;
    one(&self);
    expect_eq(self.failed, 0);
    weir_log_set_sink(NULL, NULL);
    expect_eq(open_fds(), fds);
    fault_print();
}

/* ---- loops and servers ---- */

static void open_loops(tries *self) {
    weir_loop_group *group = weir_loop_group_new(1 + (unsigned)seed_below(&self->random, 2));
    answered(self, group != NULL ? WEIR_OK : WEIR_E_NO_MEMORY);
    weir_loop_group_free(group);
}

WEIR_TEST(calls, a_group_of_loops_begins_or_says_why_not) {
    try_often(open_loops);
}

static weir_status build_nothing(weir_pipeline *pipeline, void *arg) {
    (void)pipeline, (void)arg;
    return WEIR_OK;
}

static void serve_one(tries *self) {
    static unsigned number;
    char name[64];
    snprintf(name, sizeof name, "unix:/tmp/weir-calls-%d-%u", (int)getpid(), number++);
    fault_in_this_thread(false);
    weir_loop_group *group = weir_loop_group_new(2);
    require(group != NULL);
    fault_in_this_thread(true);
    weir_server *server;
    weir_server_address more[] = {{"127.0.0.1", 0}, {name, 0}, {"localhost", 0}};
    weir_server_options options = {
        .loops = group, .addresses = more, .address_count = 3, .build = build_nothing};
    weir_status status = weir_server_start(&server, &options);
    if (status == WEIR_OK) expect(weir_addr_port(weir_server_addr(server)) != 0);
    answered(self, status);
    weir_server_free(server);
    weir_loop_group_free(group);
    expect(access(name + 5, F_OK) != 0);
}

WEIR_TEST(calls, a_server_listens_on_all_its_addresses_or_on_none) {
    try_often(serve_one);
}

/* ---- transfers ---- */

static uint8_t byte_at(size_t i) {
    return (uint8_t)(i * 131 + (i >> 8) * 7);
}

static int filled_file(void) {
    static uint8_t bytes[SIZE];
    int fd = memfd_create("source", MFD_CLOEXEC);
    for (size_t i = 0; i < SIZE; i++) bytes[i] = byte_at(i);
    require(fd >= 0 && pwrite(fd, bytes, SIZE, 0) == SIZE);
    return fd;
}

static void expect_whole(int fd, size_t n) {
    static uint8_t bytes[SIZE];
    require(pread(fd, bytes, n, 0) == (ssize_t)n);
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] == byte_at(i)) continue;
        weir_test_fail("calls", 0, "byte %zu of %zu was moved wrong", i, n);
        return;
    }
}

/* What can be run on is, and once it has moved all, all is right; what it moved before a failure is too. */
static void move(tries *self) {
    int from = filled_file(), to = memfd_create("sink", MFD_CLOEXEC);
    require(to >= 0);
    weir_transfer_options options = {.forbid = (unsigned)seed_below(&self->random, 8),
                                     .buffer_size = 1 + (size_t)seed_below(&self->random, 100000)};
    weir_transfer *transfer = weir_transfer_new(&options);
    weir_transfer_result result;
    require(transfer != NULL);
    weir_transfer_start(transfer, to, from, 0, SIZE);
    weir_status status;
    do {
        status = weir_transfer_run(transfer, &result);
    } while (status == -EINTR || status == -ENOSPC);
    answered(self, status);
    fault_in_this_thread(false);
    expect(result.bytes <= SIZE && (status != WEIR_OK || result.bytes == SIZE));
    expect_whole(to, (size_t)result.bytes);
    weir_transfer_free(transfer);
    close(from);
    close(to);
    fault_in_this_thread(true);
}

WEIR_TEST(calls, a_transfer_moves_every_byte_once_whatever_interrupts_it) {
    try_often(move);
}

/* ---- files ---- */

static void open_file(tries *self) {
    weir_file_cache *cache;
    weir_file *file = NULL;
    weir_file_cache_options options = {.root = "/proc/self"};
    weir_status status = weir_file_cache_new(&cache, &options);
    if (status == WEIR_OK) {
        status = weir_file_cache_open(cache, "status", &file);
        expect((status == WEIR_OK) == (file != NULL));
        weir_file_release(file);
        int fd;
        weir_status found = weir_file_cache_locate(cache, "task", &fd);
        expect((found == WEIR_OK) == (fd >= 0));
        if (fd >= 0) close(fd);
    }
    answered(self, status);
    weir_file_cache_release(cache);
}

WEIR_TEST(calls, a_file_is_opened_or_the_cause_is_told) {
    try_often(open_file);
}
