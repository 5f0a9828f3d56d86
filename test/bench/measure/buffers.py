"""Bufs and pools: weir beside the mallocs, evbuffer, plain C and Netty's pooled allocator."""
from measure import charts, rivals
from measure.peers import JAVA, Peers

PROGRAMS = {"weir": "bench_buffer", "glibc malloc": "peer_heap_malloc", "jemalloc": "peer_heap_jemalloc",
            "mimalloc": "peer_heap_mimalloc", "evbuffer": "peer_buffer_evbuffer", "plain C": "peer_buffer_plain"}
DRAWN = ["get + release, 64 B", "get + release, 64 KiB", "64 B to 16 KiB, 512 live", "slice + release",
         "16 parts: build + release", "read u32"]


def run(options):
    found = rivals.programs_of(options, PROGRAMS)
    netty = Peers(options, None).built.netty()
    if isinstance(netty, str):
        print(f"\nLeft out: {netty}.")
    else:
        found.append(rivals.Rival("Netty", ["java", *JAVA, "-cp", netty.path, "NettyBuffers"], False))
    times = rivals.table(options, "Bufs and pools, one operation", found, least=DRAWN)
    if times:
        charts.bars(options, "buffer", "Bufs and pools: CPU of one operation", "nanoseconds, logarithmic",
                    {row: charts.medians(times[row], float) for row in DRAWN}, log=True)
