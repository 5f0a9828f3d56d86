"""Connections that do nothing, and what each costs the server's memory."""
from measure import echo, tables
from measure.servers import Server, load

CONNECTIONS = 10000
PASSES_MAX = 3


def run(options):
    rows = []
    for first in (0, 1):
        rivals = [*echo.rivals(options.bin), Server("weir, three handlers", [options.bin / "bench_idle_server"])]
        results = {rival.name: [] for rival in rivals}
        for _ in range(min(options.passes, PASSES_MAX)):
            for rival in rivals:  # a fresh process each time: what was once allocated stays
                with rival.start():
                    results[rival.name].append(load(options.bin / "bench_idle_load", rival, pid=rival.pid, echo=first,
                                                    connections=CONNECTIONS))
        for name, runs in results.items():
            rows.append([name, "one 64-byte echo" if first else "nothing",
                         *(tables.spread([run[key] for run in runs], 0) for key in ("rss", "pss", "slab"))])
    tables.show(f"{CONNECTIONS:,} idle connections, bytes each",
                ["server", "before", "RSS", "PSS", "kernel slab, both ends"], rows)
