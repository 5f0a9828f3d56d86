/* pcap_file.h - private: TCP segments, made up, into a pcap file that many threads share. */
#ifndef WEIR_PCAP_FILE_H
#define WEIR_PCAP_FILE_H

#include <sys/uio.h>

#include <weir/buffer/buf.h>
#include <weir/buffer/buf_io.h>
#include <weir/transport/pcap_handler.h>

#include "handlers/ip_key.h"

enum {
    PCAP_FIN = 0x01,
    PCAP_SYN = 0x02,
    PCAP_RST = 0x04,
    PCAP_PSH = 0x08,
    PCAP_ACK = 0x10,
};

/* One end of the connection. */
typedef struct pcap_end {
    ip_key ip;
    uint16_t port;
    uint32_t next; /* the number of its next byte */
} pcap_end;

/* `n` bytes at `at` of `payload` from one end to the other, in as many packets as it takes; at least one. Moves
 * from->next. A NULL payload has no contents to show. */
void pcap_file_segment(weir_pcap *pcap, pcap_end *from, const pcap_end *to, unsigned flags,
                       const weir_buf *payload, uint64_t n);

#endif
