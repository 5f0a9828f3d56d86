/* <weir/transport.h> - everything of the transport: loops, channels, pipelines, regions, servers.
 *
 * Includes the headers below and nothing else. Layer: transport (buffer, core, libuv privately).
 */
#ifndef WEIR_TRANSPORT_H
#define WEIR_TRANSPORT_H

#include <weir/buffer.h>
#include <weir/transport/addr.h>
#include <weir/transport/adopt.h>
#include <weir/transport/attribute.h>
#include <weir/transport/channel.h>
#include <weir/transport/channel_group.h>
#include <weir/transport/channel_options.h>
#include <weir/transport/chunked_writer.h>
#include <weir/transport/client.h>
#include <weir/transport/connection_limiter.h>
#include <weir/transport/connection_pool.h>
#include <weir/transport/ctx.h>
#include <weir/transport/datagram.h>
#include <weir/transport/embedded.h>
#include <weir/transport/event.h>
#include <weir/transport/fd_message.h>
#include <weir/transport/file_cache.h>
#include <weir/transport/file_root.h>
#include <weir/transport/flow_control_handler.h>
#include <weir/transport/handler.h>
#include <weir/transport/idle_handler.h>
#include <weir/transport/ip_filter.h>
#include <weir/transport/listen_fds.h>
#include <weir/transport/listen_options.h>
#include <weir/transport/local.h>
#include <weir/transport/log_handler.h>
#include <weir/transport/loop.h>
#include <weir/transport/loop_group.h>
#include <weir/transport/loop_stats.h>
#include <weir/transport/pcap_handler.h>
#include <weir/transport/pipeline.h>
#include <weir/transport/promise.h>
#include <weir/transport/reconnect.h>
#include <weir/transport/region.h>
#include <weir/transport/region_reader.h>
#include <weir/transport/relay_handler.h>
#include <weir/transport/resolver.h>
#include <weir/transport/server.h>
#include <weir/transport/socket_info.h>
#include <weir/transport/ticker.h>
#include <weir/transport/timeout_handler.h>
#include <weir/transport/timer.h>
#include <weir/transport/traffic_shaper.h>
#include <weir/transport/transfer.h>
#include <weir/transport/waiting_line.h>
#include <weir/transport/yield.h>

#endif
