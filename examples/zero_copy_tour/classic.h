/* classic.h - two small tables everybody quotes for zero-copy, made with this library's bufs.
 *
 *     64 KiB copied into new memory, against a slice of it        published:  4,246 ns and  0.592 ns
 *     4 MiB of a file by pread, against a mapped file             published: 94,650 ns and 50,082 ns
 *
 * Each prints its table to stdout.
 */
#ifndef TOUR_CLASSIC_H
#define TOUR_CLASSIC_H

#include <weir/core/status.h>

/* Fails: WEIR_E_NO_MEMORY. */
weir_status classic_copy_or_slice(void);

/* Reads the first 4 MiB of `file`, or all of it. Fails: WEIR_E_NO_MEMORY, -errno, WEIR_E_TRUNCATED. */
weir_status classic_read_or_map(int file, unsigned long long size);

#endif
