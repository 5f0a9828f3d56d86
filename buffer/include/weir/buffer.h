/* <weir/buffer.h> - everything of the buffer module: bufs, views, composites, the pool.
 *
 * Includes the headers below and nothing else. Layer: buffer (core, jemalloc privately).
 * The module builds, installs and links alone: it starts no thread and knows no event loop.
 */
#ifndef WEIR_BUFFER_H
#define WEIR_BUFFER_H

#include <weir/buffer/buf.h>
#include <weir/buffer/buf_bytes.h>
#include <weir/buffer/buf_checksum.h>
#include <weir/buffer/buf_composite.h>
#include <weir/buffer/buf_dump.h>
#include <weir/buffer/buf_float.h>
#include <weir/buffer/buf_gather.h>
#include <weir/buffer/buf_int.h>
#include <weir/buffer/buf_io.h>
#include <weir/buffer/buf_length.h>
#include <weir/buffer/buf_map.h>
#include <weir/buffer/buf_mark.h>
#include <weir/buffer/buf_match.h>
#include <weir/buffer/buf_memory.h>
#include <weir/buffer/buf_scan.h>
#include <weir/buffer/buf_search.h>
#include <weir/buffer/buf_stream.h>
#include <weir/buffer/buf_text.h>
#include <weir/buffer/buf_varint.h>
#include <weir/buffer/buf_view.h>
#include <weir/buffer/pool.h>

#endif
