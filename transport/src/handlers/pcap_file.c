/* pcap_file.c - the file: one header, then packets of IP without a link layer (LINKTYPE_RAW). */
#include "handlers/pcap_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <weir/core/alloc.h>

#define MAGIC_NANOSECONDS 0xa1b23c4du
#define LINKTYPE_RAW 101u
#define MOST_PAYLOAD 65455u /* so that any packet's length fits into 16 bits */
#define TCP_HEADER 20u

struct weir_pcap {
    weir_obj obj;
    weir_pcap_options options;
    pthread_mutex_t lock; /* of all below */
    FILE *file;
    uint64_t written;
    weir_status status; /* the first failure */
};

static void free_pcap(weir_obj *obj) {
    weir_pcap *pcap = (weir_pcap *)(void *)obj;
    fclose(pcap->file);
    pthread_mutex_destroy(&pcap->lock);
    weir_alloc_release(NULL, pcap);
}

static weir_leak_counter living = {.name = "pcap"};
static const weir_obj_type pcap_type = {.name = "pcap", .free = free_pcap, .live = &living};

weir_pcap *weir_pcap_retain(weir_pcap *pcap) {
    return weir_obj_retain(pcap);
}

void weir_pcap_release(weir_pcap *pcap) {
    weir_obj_release(pcap);
}

static void put(weir_pcap *pcap, const void *bytes, size_t n) {
    if (fwrite(bytes, 1, n, pcap->file) != n && pcap->status == WEIR_OK)
        pcap->status = weir_status_from_errno(errno);
    pcap->written += n;
}

/* Readers take the byte order from the magic number. */
static void put_file_header(weir_pcap *pcap) {
    const uint32_t header[] = {MAGIC_NANOSECONDS, 2 | 4 << 16, 0, 0, 65535, LINKTYPE_RAW};
    put(pcap, header, sizeof header);
}

weir_status weir_pcap_open(weir_pcap **out, const char *path, const weir_pcap_options *options) {
    *out = NULL;
    weir_pcap *pcap = weir_alloc_zeroed(NULL, 1, sizeof *pcap);
    if (pcap == NULL) return WEIR_E_NO_MEMORY;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    pcap->file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (pcap->file == NULL) {
        weir_status status = weir_status_from_errno(errno);
        if (fd >= 0) close(fd);
        weir_alloc_release(NULL, pcap);
        return status;
    }
    if (options != NULL) pcap->options = *options;
    if (pcap->options.most_bytes == 0) pcap->options.most_bytes = UINT64_C(1) << 30;
    if (pcap->options.snapshot == 0 || pcap->options.snapshot > MOST_PAYLOAD)
        pcap->options.snapshot = MOST_PAYLOAD;
    pthread_mutex_init(&pcap->lock, NULL);
    weir_obj_init(&pcap->obj, &pcap_type);
    put_file_header(pcap);
    *out = pcap;
    return WEIR_OK;
}

weir_status weir_pcap_flush(weir_pcap *pcap) {
    pthread_mutex_lock(&pcap->lock);
    if (fflush(pcap->file) != 0 && pcap->status == WEIR_OK) pcap->status = weir_status_from_errno(errno);
    weir_status status = pcap->status;
    pthread_mutex_unlock(&pcap->lock);
    return status;
}

/* ---- packets ---- */

typedef struct packet {
    const pcap_end *from, *to;
    unsigned flags;
    uint32_t number;
    const weir_buf *payload;
    size_t at, n, kept;
} packet;

static void put_u16(uint8_t *to, unsigned value) {
    to[0] = (uint8_t)(value >> 8);
    to[1] = (uint8_t)value;
}

static void put_u32(uint8_t *to, uint32_t value) {
    put_u16(to, value >> 16);
    put_u16(to + 2, value & 0xffff);
}

static unsigned ipv4_checksum(const uint8_t header[20]) {
    uint32_t sum = 0;
    for (int i = 0; i < 20; i += 2) sum += (uint32_t)header[i] << 8 | header[i + 1];
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return ~sum & 0xffff;
}

static size_t make_ip(uint8_t *header, const packet *p) {
    unsigned rest = TCP_HEADER + (unsigned)p->n;
    if (ip_key_is_v4(&p->from->ip) && ip_key_is_v4(&p->to->ip)) {
        header[0] = 0x45;
        put_u16(header + 2, 20 + rest);
        header[8] = 64;
        header[9] = 6; /* TCP */
        memcpy(header + 12, p->from->ip.bytes + 12, 4);
        memcpy(header + 16, p->to->ip.bytes + 12, 4);
        put_u16(header + 10, ipv4_checksum(header));
        return 20;
    }
    header[0] = 0x60;
    put_u16(header + 4, rest);
    header[6] = 6;
    header[7] = 64;
    memcpy(header + 8, p->from->ip.bytes, 16);
    memcpy(header + 24, p->to->ip.bytes, 16);
    return 40;
}

static size_t make_tcp(uint8_t *header, const packet *p) {
    put_u16(header, p->from->port);
    put_u16(header + 2, p->to->port);
    put_u32(header + 4, p->number);
    if ((p->flags & PCAP_ACK) != 0) put_u32(header + 8, p->to->next);
    header[12] = TCP_HEADER / 4 << 4;
    header[13] = (uint8_t)p->flags;
    put_u16(header + 14, 65535);
    return TCP_HEADER;
}

static void put_payload(weir_pcap *pcap, const packet *p) {
    struct iovec iov[16];
    for (size_t done = 0, covered; done < p->kept; done += covered) {
        size_t count = weir_buf_iovecs(p->payload, p->at + done, p->kept - done, iov, 16, &covered);
        for (size_t i = 0; i < count; i++) put(pcap, iov[i].iov_base, iov[i].iov_len);
    }
}

static void put_packet(weir_pcap *pcap, const packet *p) {
    uint8_t headers[40 + TCP_HEADER] = {0};
    size_t length = make_ip(headers, p);
    length += make_tcp(headers + length, p);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    const uint32_t record[] = {(uint32_t)now.tv_sec, (uint32_t)now.tv_nsec, (uint32_t)(length + p->kept),
                               (uint32_t)(length + p->n)};
    if (pcap->written + sizeof record + length + p->kept > pcap->options.most_bytes) {
        if (pcap->status == WEIR_OK) pcap->status = WEIR_E_LIMIT;
    }
    if (pcap->status != WEIR_OK) return;
    put(pcap, record, sizeof record);
    put(pcap, headers, length);
    put_payload(pcap, p);
}

void pcap_file_segment(weir_pcap *pcap, pcap_end *from, const pcap_end *to, unsigned flags,
                       const weir_buf *payload, uint64_t n) {
    uint64_t at = 0;
    pthread_mutex_lock(&pcap->lock);
    do {
        packet p = {.from = from, .to = to, .flags = flags, .number = from->next, .payload = payload};
        p.at = (size_t)at;
        p.n = n - at < MOST_PAYLOAD ? (size_t)(n - at) : MOST_PAYLOAD;
        if (payload != NULL) p.kept = p.n < pcap->options.snapshot ? p.n : pcap->options.snapshot;
        put_packet(pcap, &p);
        from->next += (uint32_t)p.n + ((flags & (PCAP_SYN | PCAP_FIN)) != 0);
        at += p.n;
    } while (at < n);
    pthread_mutex_unlock(&pcap->lock);
}
