"""Connections that do nothing, and what each costs the server's memory: of every server there is."""
import resource
import tempfile

from measure import charts, tables
from measure.peers import Peers
from measure.servers import Failed, Server, load

CONNECTIONS = 10000
PASSES_MAX = 2


def rivals(options, work):
    peers = Peers(options, work)
    found = [*peers.echo(), Server("weir, three handlers", [options.bin / "bench_idle_server"])]
    for server in peers.http():
        if server.name in ("epoll", "libevent", "Netty", "Node", "weir"):
            server.name += ", HTTP"
        found.append(server)
    return found


def measured(options, server, first, connections):
    with server.start():
        return load(options.bin / "bench_idle_load", server, pid=server.pid, exchange=first, http=int(server.http),
                    connections=connections)


def run(options):
    connections = min(256 if options.quick else CONNECTIONS, resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 200)
    results = {}
    with tempfile.TemporaryDirectory() as work:
        for first in (1,) if options.quick else (0, 1):
            for server in rivals(options, work):  # a fresh process each time: what was once allocated stays
                try:
                    results[server.name, first] = [measured(options, server, first, connections)
                                                   for _ in range(min(options.passes, PASSES_MAX))]
                except Failed as error:
                    if server.name.startswith("weir"):
                        raise
                    print(f"\n{server.name} is left out: {error}")
    rows = [[name, "one exchange" if first else "nothing", f"{runs[0]['begin'] / 1e6:,.1f}",
             *(tables.spread([run[key] for run in runs], 0) for key in ("rss", "pss", "slab"))]
            for (name, first), runs in results.items()]
    tables.show(f"{connections:,} idle connections, bytes each",
                ["server", "before", "process without any, MB", "RSS", "PSS", "kernel slab, both ends"], rows)
    charts.bars(options, "idle", f"{connections:,} idle connections: user memory each, after one exchange",
                "bytes of resident memory a connection",
                {name: {"bytes": runs[0]["rss"]} for (name, first), runs in results.items() if first}, log=True)
