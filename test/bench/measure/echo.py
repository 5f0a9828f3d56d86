"""Echo: weir's echo_server beside epoll, libuv, libevent, Netty, Go and Node."""
import functools
import tempfile

from measure import charts, counts, tables
from measure.peers import Peers
from measure.scenarios import Echo
from measure.servers import load, serving

SCENARIOS = [Echo(connections, size, depth) for connections in (1, 64, 1000)
             for size, depth in ((64, 1), (64, 16), (4096, 1), (65536, 1))]
COUNTED = [Echo(1, 64, 1), Echo(64, 64, 1), Echo(64, 64, 16), Echo(64, 4096, 1), Echo(64, 65536, 1)]
QUICK = [Echo(64, 64, 1), Echo(64, 65536, 1)]
DRAWN = [Echo(64, 64, 1), Echo(64, 64, 16), Echo(64, 4096, 1), Echo(64, 65536, 1)]


def echo(programs, server, scenario, **options):
    return load(programs / "bench_echo_load", server, connections=scenario.connections, size=scenario.size,
                depth=scenario.depth, **options)


def warm(programs, servers):
    """What compiles as it runs is let run first."""
    for server in servers:
        if server.warm_ms:
            echo(programs, server, Echo(64, 64, 1), milliseconds=server.warm_ms)
            echo(programs, server, Echo(64, 65536, 1), milliseconds=server.warm_ms // 3)


def cpu(run):
    return run["server_ns"] / run["messages"]


def counted(options, peers):
    for scenario in COUNTED[:1] if options.quick else COUNTED:
        few, many = (6400, 19200) if scenario.size < 65536 else (640, 1920)
        for server in peers.echo():
            yield scenario, server, functools.partial(drive, options.bin, server, scenario), few, many


def drive(programs, server, scenario, messages):
    echo(programs, server, scenario, messages=messages)


def time(options, peers):
    results = {}
    with serving(peers.echo()) as running:
        warm(options.bin, running)
        for scenario in QUICK if options.quick else SCENARIOS:
            results[scenario] = tables.interleaved(running, lambda server: echo(
                options.bin, server, scenario, milliseconds=options.milliseconds, pid=server.pid), options.passes)
        first = "connections x bytes x on the way"
        tables.matrix("Echo, server CPU ns a message", first, results, cpu, 0)
        tables.matrix("Echo, server CPU to that of epoll", first, results, cpu, 2, base="epoll")
        tables.matrix("Echo, CPU of both ends to epoll", first, results,
                      lambda run: (run["server_ns"] + run["load_ns"]) / run["messages"], 2, base="epoll")
        tables.matrix("Echo, thousand messages/s", first, results, lambda run: run["messages"] / run["ns"] * 1e6, 1)
        print(f"\n{tables.peaks_text(running)}")
    charts.bars(options, "echo", "Echo: server CPU a message, epoll = 1", "times the CPU of a bare epoll loop",
                {str(scenario): charts.medians(results[scenario], cpu, base="epoll")
                 for scenario in DRAWN if scenario in results})


def run(options):
    with tempfile.TemporaryDirectory() as work:
        peers = Peers(options, work)
        if options.counts:
            counts.table(options, "Echo, counted", "connections x bytes x on the way", "message", counted(options, peers))
        if options.times:
            time(options, peers)
