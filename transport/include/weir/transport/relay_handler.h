/* <weir/transport/relay_handler.h> - two channels joined: what one reads, the other writes. A proxy.
 *
 *     client <--> [one] --read--> write--> [other] <--> target
 *                 [one] <--write <--read-- [other]
 *
 * In short: the two directions are independent. Reading from a side pauses while the other side's queue is over
 * its high watermark, so each direction holds at most that and one burst of reads. The end of one side's stream
 * is passed on behind the bytes before it (shutdown); when both streams have ended so do both channels. A failure
 * of one side (reset, refused connection, timeout) aborts the other at once: the peer there sees a reset. A side
 * that is closed or whose handler is removed closes the other, after a flush.
 *
 * Works with bufs and with regions (read_by_splice), whichever a side reads. The handler does not look at what
 * passes: what is to be seen or counted goes into handlers in front of it.
 *
 * Layer: transport. Needs channel.h. On the loop of the channels.
 */
#ifndef WEIR_TRANSPORT_RELAY_HANDLER_H
#define WEIR_TRANSPORT_RELAY_HANDLER_H

#include <weir/transport/channel.h>

WEIR_BEGIN_DECLS

WEIR_API extern const weir_handler weir_relay_handler;

/* Joins two channels of one loop (checked), from a build function on; they need not be connected yet. The handler
 * is added next to the tail of both. Borrows: one, other. On the loop.
 * Requires: the option read_while_unwritable of both, or one direction would stop the other.
 * Fails: WEIR_E_INVALID without that option, WEIR_E_NO_MEMORY; then nothing was changed. */
WEIR_API weir_status weir_relay_pair(weir_channel *one, weir_channel *other);

WEIR_END_DECLS

#endif
