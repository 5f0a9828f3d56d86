/* <weir/transport/pcap_handler.h> - what a channel says, in a file that Wireshark, tshark and tcpdump open.
 *
 * Put it next to the head to see what goes over the wire, or behind a codec (TLS, compression) to see what that makes
 * of it: no privileges, no interface, and plain text where a capture would show ciphertext. The packets are made up:
 * a TCP connection between the channel's two addresses whose payload is what passed by, when it passed by; they say
 * nothing of what the network did. Bytes of a region are not in memory: its packets have their length, and no
 * contents; what is written before a client is connected is not shown. Checksums of TCP are left out, as by a network card that adds them later.
 *
 * For looking at things: the file is written on the loop's thread.
 *
 * Source: the pcap format, https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-04.html; RFC 791, 8200, 9293.
 * Layer: transport. Needs pipeline.h.
 */
#ifndef WEIR_TRANSPORT_PCAP_HANDLER_H
#define WEIR_TRANSPORT_PCAP_HANDLER_H

#include <weir/transport/pipeline.h>

WEIR_BEGIN_DECLS

/* One file, for any number of channels on any loops. */
typedef struct weir_pcap weir_pcap;

/* Zero means the default, everywhere. */
typedef struct weir_pcap_options {
    uint64_t most_bytes; /* the file's length: nothing is written beyond it; 1 GiB */
    unsigned snapshot;   /* bytes of each packet's payload that are kept; 65 455: all */
} weir_pcap_options;

/* Makes the file anew, readable by its owner alone. Borrows: path, options (may be NULL). `*out` Gives a file, NULL on
 * failure. Fails: -errno of open(2), WEIR_E_NO_MEMORY. Any thread. */
WEIR_API weir_status weir_pcap_open(weir_pcap **out, const char *path, const weir_pcap_options *options);

/* Gives: one more reference; returns its argument, which may be NULL. Any thread. */
WEIR_API weir_pcap *weir_pcap_retain(weir_pcap *pcap);
/* Takes: pcap, or NULL. With the last reference the file is closed. Any thread. */
WEIR_API void weir_pcap_release(weir_pcap *pcap);

/* What is there goes to the file. Answers WEIR_OK, or the first failure of writing it: what came after that is not
 * there; WEIR_E_LIMIT when most_bytes was reached. Borrows: pcap. Any thread. */
WEIR_API weir_status weir_pcap_flush(weir_pcap *pcap);

WEIR_API extern const weir_handler weir_pcap_handler;

/* Adds it next to the head. Borrows: pipeline, pcap (the handler holds a reference). Fails: WEIR_E_NO_MEMORY. On the
 * channel's loop. */
WEIR_API weir_status weir_pcap_handler_add(weir_pipeline *pipeline, weir_pcap *pcap);

WEIR_END_DECLS

#endif
