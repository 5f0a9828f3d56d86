/* <weir/buffer/buf_checksum.h> - checksums of bytes where they lie, part by part, without copying.
 *
 *     uint32_t sum = weir_checksum_start(WEIR_CHECKSUM_CRC32C);
 *     for each piece: sum = weir_checksum_update(WEIR_CHECKSUM_CRC32C, sum, piece);
 *
 * The sum of the bytes so far is all the state there is: a number that may be stored and gone on with, and at
 * the end the result.
 *
 *     CRC32     ISO 3309, as gzip, PNG and Ethernet     by zlib, which is everywhere and fast enough
 *     ADLER32   RFC 1950, as in zlib streams            by zlib
 *     CRC32C    Castagnoli, as iSCSI (RFC 3720), ext4, gRPC, Kafka   by the instruction of SSE 4.2 where the
 *               machine has it, else by tables: the one library for it in Debian, Google's, is C++
 *
 * None of them guards against intent. Layer: buffer. Needs buf.h. One buf, one thread at a time; what takes
 * no buf: any thread.
 */
#ifndef WEIR_BUFFER_BUF_CHECKSUM_H
#define WEIR_BUFFER_BUF_CHECKSUM_H

#include <weir/buffer/buf.h>

WEIR_BEGIN_DECLS

/* Which sum; see above. */
typedef enum weir_checksum {
    WEIR_CHECKSUM_CRC32,
    WEIR_CHECKSUM_CRC32C,
    WEIR_CHECKSUM_ADLER32,
} weir_checksum;

/* The sum of no bytes. Any thread. */
WEIR_API uint32_t weir_checksum_start(weir_checksum kind);

/* The sum of what `sum` stands for and `piece` behind it. Any thread. */
WEIR_API uint32_t weir_checksum_update(weir_checksum kind, uint32_t sum, weir_bytes piece);

/* The sum of the `len` readable bytes that start `at` bytes after the reader index. Nothing moves.
 * Borrows: buf. Requires: at + len <= readable. */
WEIR_API uint32_t weir_buf_checksum(const weir_buf *buf, size_t at, size_t len, weir_checksum kind);

WEIR_END_DECLS

#endif
