/* pcap_handler_test.c - the file read back packet by packet: two streams of bytes, and how they began and ended. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/testing.h>
#include <weir/transport.h>

#include "witness.h"

typedef struct capture {
    char path[32];
    weir_pcap *pcap;
    weir_embedded *embedded;
} capture;

static void name_file(capture *self) {
    strcpy(self->path, "/tmp/weir_pcap_XXXXXX");
    int fd = mkstemp(self->path);
    require(fd >= 0);
    close(fd);
}

static weir_status build(weir_pipeline *pipeline, void *arg) {
    return weir_pcap_handler_add(pipeline, arg);
}

static void begin(capture *self, const weir_pcap_options *options) {
    name_file(self);
    require(weir_pcap_open(&self->pcap, self->path, options) == WEIR_OK);
    self->embedded = weir_embedded_new(NULL, build, self->pcap);
    require(self->embedded != NULL);
}

static void end(capture *self) {
    weir_embedded_free(self->embedded);
    weir_pcap_release(self->pcap);
    unlink(self->path);
}

static uint32_t host_u32(const uint8_t *from) {
    uint32_t value;
    memcpy(&value, from, sizeof value);
    return value;
}

static uint32_t net_u32(const uint8_t *from) {
    return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

/* The payloads of both directions, and all flags in order: lower case is the peer's. */
typedef struct streams {
    size_t here, there, lost; /* bytes that are there, and that are only counted */
    uint32_t here_next, there_next;
    char flags[64];
    size_t packets;
} streams;

static void note_flag(streams *out, bool mine, unsigned flags) {
    const char *name = (flags & 2) != 0 ? "s" : (flags & 1) != 0 ? "f" : (flags & 4) != 0 ? "r" : "";
    if (*name == '\0' || strlen(out->flags) + 2 > sizeof out->flags) return;
    char text[2] = {*name, '\0'};
    if (mine) text[0] = (char)(*name - 32);
    strcat(out->flags, text);
}

/* One IPv4 packet with `kept` bytes of the `n` it had. */
static void read_packet(streams *out, const uint8_t *ip, size_t kept, size_t n) {
    const uint8_t *tcp = ip + 20;
    expect_eq(ip[0], 0x45);
    expect_eq((unsigned)ip[2] << 8 | ip[3], n);
    bool mine = ip[15] == 1; /* this end has the lower address */
    uint32_t *next = mine ? &out->here_next : &out->there_next;
    expect_eq(net_u32(tcp + 4), *next);
    if ((tcp[13] & 0x10) != 0) expect_eq(net_u32(tcp + 8), mine ? out->there_next : out->here_next);
    *next += (uint32_t)(n - 40) + ((tcp[13] & 3) != 0);
    note_flag(out, mine, tcp[13]);
    size_t *bytes = mine ? &out->here : &out->there;
    for (size_t i = 40; i < kept; i++) expect_eq(ip[i], (uint8_t)((*bytes + i - 40) % 251));
    *bytes += kept - 40;
    out->lost += n - kept;
    out->packets++;
}

static streams read_back(capture *self) {
    streams out = {0};
    weir_pcap_flush(self->pcap);
    FILE *file = fopen(self->path, "r");
    uint8_t header[24], record[16];
    static uint8_t packet[65535];
    require(fread(header, 1, sizeof header, file) == sizeof header);
    expect_eq(host_u32(header), 0xa1b23c4d);
    expect_eq(host_u32(header + 20), 101);
    while (fread(record, 1, sizeof record, file) == sizeof record) {
        uint32_t kept = host_u32(record + 8);
        require(kept <= sizeof packet && fread(packet, 1, kept, file) == kept);
        read_packet(&out, packet, kept, host_u32(record + 12));
    }
    expect(feof(file) != 0);
    fclose(file);
    return out;
}

static weir_buf *counted(size_t at, size_t n) {
    weir_buf *buf = weir_buf_new(n);
    for (size_t i = 0; i < n; i++) weir_buf_write_u8(buf, (uint8_t)((at + i) % 251));
    return buf;
}

static void write_to(capture *self, void *msg) {
    weir_channel_write(weir_embedded_channel(self->embedded), msg, NULL);
    weir_embedded_run(self->embedded);
}

WEIR_TEST(pcap_handler, writes_what_passes_both_ways_as_a_connection) {
    capture t;
    begin(&t, NULL);
    weir_embedded_feed(t.embedded, counted(0, 300));
    write_to(&t, counted(0, 100));
    write_to(&t, counted(100, 200000));
    weir_embedded_feed(t.embedded, counted(300, 1));
    weir_embedded_feed_end(t.embedded);
    streams got = read_back(&t);
    expect_eq(got.there, 301);
    expect_eq(got.here, 200100);
    expect_eq(got.lost, 0);
    expect_eq(got.packets, 3 + 1 + 1 + 4 + 1 + 2);
    expect_str(got.flags, "sSfF");
    end(&t);
}

WEIR_TEST(pcap_handler, shows_parts_of_a_composite_as_one_message) {
    capture t;
    begin(&t, NULL);
    weir_buf *whole = weir_buf_composite_new();
    for (size_t i = 0; i < 100; i++) weir_buf_composite_append(whole, counted(i * 7, 7));
    write_to(&t, whole);
    streams got = read_back(&t);
    expect_eq(got.here, 700);
    expect_eq(got.packets, 4);
    end(&t);
}

WEIR_TEST(pcap_handler, keeps_the_length_of_what_it_does_not_keep) {
    capture t;
    begin(&t, &(weir_pcap_options){.snapshot = 10});
    write_to(&t, counted(0, 10));
    write_to(&t, counted(10, 5));
    int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    write_to(&t, weir_region_file(fd, true, 0, 100000));
    streams got = read_back(&t);
    expect_eq(got.here, 15);
    expect_eq(got.lost, 100000);
    expect_eq(got.here_next, 1 + 15 + 100000);
    end(&t);
}

WEIR_TEST(pcap_handler, ends_a_broken_connection_with_a_reset) {
    capture t;
    begin(&t, NULL);
    weir_embedded_break(t.embedded, -ECONNRESET);
    expect_str(read_back(&t).flags, "sSr");
    end(&t);
    begin(&t, NULL);
    weir_channel_abort(weir_embedded_channel(t.embedded), WEIR_E_CANCELED);
    weir_embedded_run(t.embedded);
    expect_str(read_back(&t).flags, "sSR");
    end(&t);
}

WEIR_TEST(pcap_handler, ends_one_direction_where_that_is_ended) {
    capture t;
    begin(&t, NULL);
    write_to(&t, counted(0, 10));
    weir_channel_shutdown(weir_embedded_channel(t.embedded), NULL);
    weir_embedded_run(t.embedded);
    weir_embedded_feed(t.embedded, counted(0, 20));
    weir_embedded_feed_end(t.embedded);
    streams got = read_back(&t);
    expect_str(got.flags, "sSFf");
    expect_eq(got.here, 10);
    expect_eq(got.there, 20);
    end(&t);
}

WEIR_TEST(pcap_handler, begins_where_it_is_added) {
    capture t = {0};
    name_file(&t);
    require(weir_pcap_open(&t.pcap, t.path, NULL) == WEIR_OK);
    t.embedded = weir_embedded_new(NULL, NULL, NULL);
    require(t.embedded != NULL);
    write_to(&t, counted(0, 10));
    require(weir_pcap_handler_add(weir_embedded_pipeline(t.embedded), t.pcap) == WEIR_OK);
    write_to(&t, counted(0, 7));
    streams got = read_back(&t);
    expect_str(got.flags, "sS");
    expect_eq(got.here, 7);
    end(&t);
}

WEIR_TEST(pcap_handler, stops_at_the_length_it_may_have) {
    capture t;
    struct stat stat_of;
    begin(&t, &(weir_pcap_options){.most_bytes = 1000});
    expect_eq(weir_pcap_flush(t.pcap), WEIR_OK);
    for (size_t i = 0; i < 50; i++) write_to(&t, counted(i * 100, 100));
    expect_eq(weir_pcap_flush(t.pcap), WEIR_E_LIMIT);
    require(stat(t.path, &stat_of) == 0);
    expect(stat_of.st_size <= 1000 && stat_of.st_size > 700);
    expect_eq(stat_of.st_mode & 0777, 0600);
    end(&t);
}

WEIR_TEST(pcap_handler, tells_why_a_file_cannot_be_had) {
    weir_pcap *pcap = (weir_pcap *)1;
    expect_eq(weir_pcap_open(&pcap, "/nonexistent/x.pcap", NULL), -ENOENT);
    expect(pcap == NULL);
    require(weir_pcap_open(&pcap, "/dev/full", NULL) == WEIR_OK);
    expect_eq(weir_pcap_flush(pcap), -ENOSPC);
    weir_pcap_release(pcap);
}

/* The head of the first packet that a socket of this kind leaves. */
static void capture_first(wire_kind kind, uint8_t *head, size_t n) {
    capture t = {0};
    name_file(&t);
    require(weir_pcap_open(&t.pcap, t.path, NULL) == WEIR_OK);
    wire_end wire;
    wire_open(&wire, kind, NULL, build, t.pcap);
    far_send(&wire, "abc", 3);
    wire_shut(&wire);
    weir_pcap_flush(t.pcap);
    FILE *file = fopen(t.path, "r");
    require(file != NULL && fseek(file, 24 + 16, SEEK_SET) == 0 && fread(head, 1, n, file) == n);
    fclose(file);
    weir_pcap_release(t.pcap);
    unlink(t.path);
}

WEIR_TEST(pcap_handler, names_the_real_addresses_of_a_socket) {
    uint8_t head[40];
    capture_first(WIRE_ACCEPTED, head, sizeof head);
    expect_eq(head[0], 0x45);
    expect_eq(net_u32(head + 12), 0x7f000001);
    expect_eq(net_u32(head + 16), 0x7f000001);
    expect((head[20] << 8 | head[21]) != 0);
}

WEIR_TEST(pcap_handler, writes_ipv6_for_who_talks_it) {
    static const uint8_t loopback[16] = {[15] = 1};
    uint8_t head[60];
    if (!wire_is_here(WIRE_ACCEPTED_V6)) return;
    capture_first(WIRE_ACCEPTED_V6, head, sizeof head);
    expect_eq(head[0], 0x60);
    expect_eq(head[4] << 8 | head[5], 20); /* a SYN: the head of TCP, and nothing behind */
    expect_eq(head[6], 6);
    expect(memcmp(head + 8, loopback, 16) == 0);
    expect(memcmp(head + 24, loopback, 16) == 0);
    expect((head[40] << 8 | head[41]) != 0);
    expect_eq(head[40 + 13], 2);
}

/* What tshark makes of the file: the TCP payloads' lengths, a line each. False where it is not installed. */
static bool ask_tshark(const capture *self, char *lines, size_t room) {
    char command[128];
    snprintf(command, sizeof command, "tshark -r %s -T fields -e tcp.len 2>/dev/null", self->path);
    FILE *out = popen(command, "r");
    require(out != NULL);
    lines[fread(lines, 1, room - 1, out)] = '\0';
    return pclose(out) == 0;
}

WEIR_TEST(pcap_handler, is_understood_by_tshark_where_there_is_one) {
    capture t;
    char lines[64] = {0};
    begin(&t, NULL);
    weir_embedded_feed(t.embedded, counted(0, 300));
    write_to(&t, counted(0, 100));
    streams got = read_back(&t);
    expect_eq(got.there + got.here, 400);
    if (ask_tshark(&t, lines, sizeof lines)) expect_str(lines, "0\n0\n0\n300\n100\n");
    end(&t);
}

static bool open_and_capture(void *arg) {
    capture *self = arg;
    if (weir_pcap_open(&self->pcap, self->path, NULL) != WEIR_OK) return false;
    weir_embedded *embedded = weir_embedded_new(NULL, build, self->pcap);
    weir_embedded_free(embedded);
    weir_pcap_release(self->pcap);
    return embedded != NULL;
}

WEIR_TEST(pcap_handler, loses_nothing_when_memory_runs_out) {
    capture t = {0};
    name_file(&t);
    weir_oom_sweep(open_and_capture, &t);
    unlink(t.path);
}
