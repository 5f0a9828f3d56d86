"""How long a message waits at half of what the server can do: an open loop, where messages fall due whether or not the
server keeps up."""
import statistics
import tempfile

from measure import charts, echo, tables
from measure.peers import Peers
from measure.scenarios import Echo
from measure.servers import serving

SCENARIO = Echo(64, 64, 1)
PEAK_PASSES = 3
OWED_MAX = 4096  # messages a connection may owe before the server has fallen too far behind
PERCENTILES = ["p50", "p90", "p99", "p999"]


def peak_of(options, server):
    runs = [echo.echo(options.bin, server, SCENARIO, milliseconds=options.milliseconds)
            for _ in range(1 if options.quick else PEAK_PASSES)]
    return int(statistics.median(run["messages"] / run["ns"] * 1e9 for run in runs))


def run(options):
    if not options.times:
        return
    with tempfile.TemporaryDirectory() as work, serving(Peers(options, work).echo()) as running:
        echo.warm(options.bin, running)
        own = {server.name: peak_of(options, server) for server in running}
        peaks = {name: min(peak, own.get("epoll", peak)) for name, peak in own.items()}
        results = tables.interleaved(running, lambda server: echo.echo(
            options.bin, server, Echo(SCENARIO.connections, SCENARIO.size, OWED_MAX), rate=peaks[server.name] // 2,
            milliseconds=4 * options.milliseconds, pid=server.pid), options.passes)
    rows = []
    for name, runs in results.items():
        rows.append([name, f"{peaks[name] / 2e3:,.1f}",
                     *(tables.spread([run[part] / 1e3 for run in runs], 0) for part in PERCENTILES),
                     tables.ratios([run["p99"] for run in runs], [run["p99"] for run in results["epoll"]])])
    tables.show("Echo of 64 bytes, 64 connections, at half load: microseconds from due to answered",
                ["server", "thousand messages/s", "p50", "p90", "p99", "p99.9", "p99 to epoll"], rows)
    charts.bars(options, "latency", "Echo at half load: how long a message is on its way", "microseconds, logarithmic",
                {part: charts.medians(results, lambda run: run[part] / 1e3) for part in ("p50", "p99")}, log=True)
