/* datagram_batch_test.c - many in one system call, runs cut by the kernel and here, and what happens when it will not. */
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <weir/testing.h>

#include "datagrams.h"

static uint8_t room[70000];

/* ---- a kernel with moods: the library's sendmmsg comes through here ---- */

static struct {
    atomic_int times;      /* how often it still refuses */
    atomic_int error;      /* with this; 0: it takes one message of those it is given */
    atomic_bool runs_only; /* messages with UDP_SEGMENT only */
} mood;

static bool has_run(const struct mmsghdr *msgs) {
    struct msghdr *header = (struct msghdr *)(void *)(uintptr_t)&msgs->msg_hdr;
    for (struct cmsghdr *at = header->msg_controllen > 0 ? CMSG_FIRSTHDR(header) : NULL; at != NULL;
         at = CMSG_NXTHDR(header, at)) {
        if (at->cmsg_level == SOL_UDP && at->cmsg_type == UDP_SEGMENT) return true;
    }
    return false;
}

/* In the place of libc's. */
long intercepted(long number, ...) __asm__("syscall");

long intercepted(long number, ...) {
    static long (*real)(long, ...);
    long a[6];
    va_list args;
    va_start(args, number);
    for (int i = 0; i < 6; i++) a[i] = va_arg(args, long);
    va_end(args);
    if (real == NULL) {
        void *found = dlsym(RTLD_NEXT, "syscall");
        memcpy(&real, &found, sizeof real);
    }
    if (number == SYS_sendmmsg && atomic_load(&mood.times) > 0 &&
        (!mood.runs_only || has_run((const struct mmsghdr *)(uintptr_t)a[1]))) {
        atomic_fetch_sub(&mood.times, 1);
        if (mood.error != 0) {
            errno = mood.error;
            return -1;
        }
        a[2] = 1;
    }
    return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static void set_mood(int times, int error, bool runs_only) {
    mood.error = error;
    mood.runs_only = runs_only;
    atomic_store(&mood.times, times);
}

/* ---- reading ---- */

static void send_64(datagrams *self) {
    for (int i = 0; i < 64; i++) expect_eq(send(self->far, room, (size_t)i, 0), i);
}

WEIR_TEST(datagram_batch, reads_many_in_few_calls_and_one_burst) {
    datagrams d = {.keeps = true};
    datagrams_open(&d, (weir_datagram_options){0}, false);
    datagrams_do(&d, send_64);
    expect(datagrams_until_read(&d, 64));
    weir_datagram_stats stats = datagrams_stats(&d);
    expect_eq(stats.received, 64);
    expect(stats.receive_calls <= 8); /* 1 2 4 8 16 16 16 and the rest */
    datagrams_shut(&d);
    expect_eq(d.read_completes, 1);
    for (unsigned i = 0; i < 64; i++) expect_eq(weir_obj_size(&d.kept[i]->obj), i);
    datagrams_release_kept(&d);
}

WEIR_TEST(datagram_batch, reads_no_more_than_its_share_of_a_turn) {
    datagrams d = {0};
    datagrams_open(&d, (weir_datagram_options){.batch = 4, .channel = {.reads_per_turn = 2}}, false);
    datagrams_do(&d, send_64);
    expect(datagrams_until_read(&d, 64));
    datagrams_shut(&d);
    expect(d.read_completes >= 8);
}

/* ---- writing ---- */

static size_t size_of_next = 0;
static unsigned many = 0;

static void write_growing(datagrams *self) {
    for (size_t i = 0; i < 16; i++) weir_channel_write(self->channel, datagrams_to_far(self, 'g', i), NULL);
}

static void write_same(datagrams *self) {
    for (unsigned i = 0; i < many; i++)
        weir_channel_write(self->channel, datagrams_to_far(self, 's', size_of_next), NULL);
}

static void expect_received(datagrams *self, unsigned n, size_t size) {
    for (unsigned i = 0; i < n; i++) {
        if (!expect_eq(plain_receive(self->far, room, sizeof room, 10000), (ssize_t)size)) return;
    }
    expect_eq(plain_receive(self->far, room, sizeof room, 0), -1);
}

static void open_and_write(datagrams *self, bool no_gso, unsigned n, size_t size) {
    datagrams_open(self, (weir_datagram_options){.no_gso = no_gso}, false);
    many = n;
    size_of_next = size;
    datagrams_do(self, write_same);
    expect_received(self, n, size);
}

WEIR_TEST(datagram_batch, writes_many_in_one_call) {
    datagrams d = {0};
    datagrams_open(&d, (weir_datagram_options){0}, false);
    datagrams_do(&d, write_growing);
    for (ssize_t i = 0; i < 16; i++) expect_eq(plain_receive(d.far, room, sizeof room, 10000), i);
    weir_datagram_stats stats = datagrams_stats(&d);
    expect_eq(stats.sent, 16);
    expect_eq(stats.send_calls, 1);
    expect_eq(stats.segmented, 0);
    datagrams_shut(&d);
}

WEIR_TEST(datagram_batch, joins_neighbours_of_one_size_to_one_address) {
    datagrams d = {0};
    open_and_write(&d, false, 60, 1000);
    weir_datagram_stats stats = datagrams_stats(&d);
    expect_eq(stats.sent, 60);
    expect_eq(stats.segmented, 60);
    expect_eq(stats.send_calls, 1);
    expect_eq(stats.gso_refused, 0);
    datagrams_shut(&d);
}

WEIR_TEST(datagram_batch, joins_no_more_than_a_run_may_be) {
    datagrams d = {0};
    open_and_write(&d, false, 70, 1400); /* 46 fit into 65 507 bytes, and 64 segments is the most */
    expect_eq(datagrams_stats(&d).sent, 70);
    expect_eq(datagrams_stats(&d).segmented, 70);
    many = 100;
    size_of_next = 10;
    datagrams_do(&d, write_same);
    expect_received(&d, 100, 10);
    expect_eq(datagrams_stats(&d).segmented, 170);
    expect_eq(datagrams_stats(&d).gso_refused, 0);
    datagrams_shut(&d);
}

static weir_addr elsewhere;

static void write_mixed(datagrams *self) {
    static const size_t sizes[] = {100, 100, 60, 60, 0, 100, 200};
    for (size_t i = 0; i < 7; i++)
        weir_channel_write(self->channel, datagrams_to_far(self, 'm', sizes[i]), NULL);
    for (int i = 0; i < 6; i++) {
        const weir_addr *to = i % 2 == 0 ? &self->far_addr : &elsewhere;
        weir_channel_write(self->channel, weir_datagram_new(self->wire.loop, datagrams_fill('x', 50), to),
                           NULL);
    }
}

WEIR_TEST(datagram_batch, keeps_sizes_addresses_and_order_of_what_it_joins) {
    static const ssize_t expected[] = {100, 100, 60, 60, 0, 100, 200, 50, 50, 50};
    int other = plain_udp("127.0.0.1", &elsewhere);
    datagrams d = {0};
    datagrams_open(&d, (weir_datagram_options){0}, false);
    datagrams_do(&d, write_mixed);
    for (int i = 0; i < 10; i++) expect_eq(plain_receive(d.far, room, sizeof room, 10000), expected[i]);
    for (int i = 0; i < 3; i++) expect_eq(plain_receive(other, room, sizeof room, 10000), 50);
    expect_eq(datagrams_stats(&d).segmented, 5); /* 100 100 60, 200 50 */
    datagrams_shut(&d);
    close(other);
}

WEIR_TEST(datagram_batch, sends_one_by_one_when_told) {
    datagrams d = {0};
    open_and_write(&d, true, 60, 1000);
    expect_eq(datagrams_stats(&d).segmented, 0);
    expect_eq(datagrams_stats(&d).send_calls, 4);
    datagrams_shut(&d);
}

/* ---- segments that the datagram asks for ---- */

static size_t asked_segment;

static void write_segmented(datagrams *self) {
    weir_buf *content = weir_buf_new(0);
    for (unsigned i = 0; i < size_of_next; i++) weir_buf_write_u8(content, (uint8_t)(i / asked_segment));
    weir_datagram *datagram = weir_datagram_new(self->wire.loop, content, &self->far_addr);
    datagram->segment_size = (uint16_t)asked_segment;
    weir_channel_write(self->channel, datagram, NULL);
    weir_channel_write(self->channel, datagrams_to_far(self, 'z', 0), NULL);
}

static void expect_segments(datagrams *self, size_t size, size_t segment) {
    for (size_t at = 0; at < size; at += segment) {
        size_t n = size - at < segment ? size - at : segment;
        expect_eq(plain_receive(self->far, room, sizeof room, 10000), (ssize_t)n);
        expect(room[0] == (uint8_t)(at / segment) && room[n - 1] == room[0]);
    }
    expect_eq(plain_receive(self->far, room, sizeof room, 10000), 0); /* the empty one behind it */
}

WEIR_TEST(datagram_batch, is_cut_where_a_datagram_says) {
    for (int no_gso = 0; no_gso < 2; no_gso++) {
        datagrams d = {0};
        datagrams_open(&d, (weir_datagram_options){.no_gso = no_gso != 0}, false);
        size_of_next = 5300;
        asked_segment = 1000;
        datagrams_do(&d, write_segmented);
        expect_segments(&d, 5300, 1000);
        expect_eq(datagrams_stats(&d).sent, 7);
        expect_eq(datagrams_stats(&d).segmented, no_gso ? 0 : 6);
        size_of_next = 70000; /* longer than any message */
        asked_segment = 1400;
        datagrams_do(&d, write_segmented);
        expect_segments(&d, 70000, 1400);
        datagrams_shut(&d);
        expect_eq(d.errors, 0);
    }
}

/* ---- runs that arrive as one ---- */

static void send_run(datagrams *self) {
    int segment = 500;
    setsockopt(self->far, SOL_UDP, UDP_SEGMENT, &segment, sizeof segment);
    for (unsigned i = 0; i < 10300; i++) room[i] = (uint8_t)(i / 500);
    expect_eq(send(self->far, room, 10300, 0), 10300);
}

WEIR_TEST(datagram_batch, cuts_a_run_that_arrives_as_one) {
    datagrams d = {.keeps = true};
    datagrams_open(&d, (weir_datagram_options){.gro = true, .local_addr = true}, false);
    datagrams_do(&d, send_run);
    expect(datagrams_until_read(&d, 21));
    weir_datagram_stats stats = datagrams_stats(&d);
    expect(stats.gro);
    expect_eq(stats.received, 21);
    expect_eq(stats.coalesced, 21);
    expect_eq(stats.receive_calls, 1);
    datagrams_shut(&d);
    for (unsigned i = 0; i < 21; i++) {
        weir_bytes content = weir_buf_peek(d.kept[i]->content);
        expect_eq(content.len, i < 20 ? 500 : 300);
        expect(content.ptr[0] == i && content.ptr[content.len - 1] == i);
        expect(weir_addr_equal(&d.kept[i]->remote, &d.far_addr));
        expect(d.kept[i]->local.len != 0);
        if (i > 0) expect(weir_buf_peek(d.kept[i - 1]->content).ptr + 500 == content.ptr); /* no copy */
    }
    datagrams_release_kept(&d);
}

/* ---- gathering ---- */

static unsigned parts;

static void write_composite(datagrams *self) {
    weir_buf *whole = weir_buf_composite_new();
    for (unsigned i = 0; i < parts; i++)
        expect_status(weir_buf_composite_append(whole, datagrams_fill((char)i, 1)), WEIR_OK);
    weir_channel_write(self->channel, whole, NULL);
    weir_channel_write(self->channel, datagrams_fill('e', 1), NULL);
}

static void expect_composite(datagrams *self) {
    datagrams_do(self, write_composite);
    expect_eq(plain_receive(self->far, room, sizeof room, 10000), (ssize_t)parts);
    for (unsigned i = 0; i < parts; i++) {
        if (room[i] != (uint8_t)i && !expect_eq(room[i], (uint8_t)i)) return;
    }
    expect_eq(plain_receive(self->far, room, sizeof room, 10000), 1);
}

WEIR_TEST(datagram_batch, sends_a_composite_of_any_number_of_parts_as_one) {
    datagrams d = {0};
    datagrams_open(&d, (weir_datagram_options){0}, true);
    parts = 3;
    expect_composite(&d);
    parts = 1000; /* gathered */
    expect_composite(&d);
    parts = 5000; /* more than one message may have: copied together */
    expect_composite(&d);
    datagrams_shut(&d);
    expect_eq(d.errors, 0);
}

/* Each byte a part of its own, cut by 100: more parts than a message may have, more pieces than one call takes. */
static void write_cut_composite(datagrams *self) {
    weir_buf *content = weir_buf_composite_new();
    for (unsigned i = 0; i < parts; i++) {
        weir_buf *part = datagrams_fill((char)(i / 100), 1);
        expect_status(weir_buf_composite_append(content, part), WEIR_OK);
    }
    weir_datagram *datagram = weir_datagram_new(self->wire.loop, content, &self->far_addr);
    datagram->segment_size = 100;
    weir_channel_write(self->channel, datagram, NULL);
    weir_channel_write(self->channel, datagrams_to_far(self, 'z', 0), NULL);
}

WEIR_TEST(datagram_batch, goes_on_in_the_midst_of_a_composite_that_it_had_to_copy) {
    datagrams d = {0};
    datagrams_open(&d, (weir_datagram_options){.batch = 1}, false);
    parts = 20000;
    datagrams_do(&d, write_cut_composite);
    expect_segments(&d, parts, 100);
    datagrams_shut(&d);
    expect_eq(d.errors, 0);
}

/* ---- a kernel that will not ---- */

WEIR_TEST(datagram_batch, goes_on_when_the_socket_was_full) {
    set_mood(3, EAGAIN, false);
    datagrams d = {0};
    open_and_write(&d, true, 40, 100);
    datagrams_shut(&d);
    expect_eq(d.errors, 0);
    expect_eq(atomic_load(&mood.times), 0);
}

WEIR_TEST(datagram_batch, asks_again_when_the_kernel_had_no_memory) {
    set_mood(3, ENOBUFS, false);
    datagrams d = {0};
    open_and_write(&d, false, 40, 100);
    datagrams_shut(&d);
    expect_eq(d.errors, 0);
    expect_eq(atomic_load(&mood.times), 0);
}

WEIR_TEST(datagram_batch, goes_on_after_a_call_that_took_a_part) {
    set_mood(5, 0, false);
    datagrams d = {0};
    open_and_write(&d, true, 40, 100);
    expect_eq(datagrams_stats(&d).sent, 40);
    datagrams_shut(&d);
}

WEIR_TEST(datagram_batch, does_without_runs_where_the_kernel_will_not_cut) {
    static const int refusals[] = {EIO, EINVAL, EMSGSIZE, EOPNOTSUPP};
    for (int i = 0; i < 4; i++) {
        set_mood(1000, refusals[i], true);
        datagrams d = {0};
        open_and_write(&d, false, 60, 1000);
        expect_eq(datagrams_stats(&d).gso_refused, 1);
        expect_eq(datagrams_stats(&d).segmented, 0);
        size_of_next = 2300;
        asked_segment = 1000;
        datagrams_do(&d, write_segmented);
        expect_segments(&d, 2300, 1000);
        set_mood(0, 0, false);
        datagrams_shut(&d);
        expect_eq(d.errors, 0);
    }
}

/* ---- what it costs ---- */

static void expect_window(datagrams *self, unsigned total, unsigned window, size_t size) {
    unsigned sent = 0, back = 0;
    while (back < total) {
        while (sent < total && sent - back < window) {
            if (!expect_eq(send(self->far, room, size, 0), (ssize_t)size)) return;
            sent++;
        }
        if (!expect_eq(plain_receive(self->far, room + 2000, 2000, 10000), (ssize_t)size)) return;
        back++;
    }
}

WEIR_TEST(datagram_batch, loses_none_of_ten_thousand_within_a_window) {
    datagrams d = {.echoes = true};
    datagrams_open(&d, (weir_datagram_options){0}, false);
    expect_window(&d, 10000, 64, 100);
    weir_datagram_stats stats = datagrams_stats(&d);
    expect_eq(stats.received, 10000);
    expect_eq(stats.sent, 10000);
    expect_eq(stats.overflowed, 0);
    datagrams_shut(&d);
}

WEIR_TEST(datagram_batch, counts_what_the_kernel_lost) {
    datagrams d = {0};
    datagrams_open(&d, (weir_datagram_options){.channel = {.receive_buffer = 4096, .manual_read = true}},
                   false);
    for (int i = 0; i < 100; i++) expect_eq(send(d.far, room, 1000, 0), 1000);
    weir_datagram_stats stats = datagrams_stats(&d);
    expect(stats.overflowed > 0 && stats.overflowed < 100);
    datagrams_shut(&d);
}

static void send_160(datagrams *self) {
    for (int i = 0; i < 160; i++) expect_eq(send(self->far, room, 200, 0), 200);
}

WEIR_TEST(datagram_batch, allocates_nothing_in_steady_state) {
    for (int gro = 0; gro < 2; gro++) {
        datagrams d = {.echoes = true};
        datagrams_open(&d, (weir_datagram_options){.gro = gro != 0, .local_addr = true}, false);
        expect_window(&d, 2000, 64, 200); /* leak tracking, where it is on, remembers so many */
        datagrams_do(&d, send_160);       /* more at once than the window lets through */
        for (int i = 0; i < 160; i++) expect_eq(plain_receive(d.far, room, sizeof room, 10000), 200);
        expect(datagrams_until_read(&d, 2160));
        /* How many are alive at once depends on the scheduler: it may take a while until no peak is new. */
        uint64_t calls = 1;
        for (int i = 0; i < 20 && calls != 0; i++) {
            weir_tracking_alloc_fail_never(weir_test_alloc());
            expect_window(&d, 2000, 64, 200);
            calls = weir_tracking_alloc_calls(weir_test_alloc());
        }
        expect_eq(calls, 0);
        datagrams_shut(&d);
    }
}
