"""HTTP: "Hello, World!" by weir, nginx, HAProxy, libevent, Netty, Go, Node and the least epoll loop; and connections
that live for one request."""
import functools
import pathlib
import tempfile

from measure import charts, counts, tables
from measure.peers import Peers
from measure.scenarios import Hello
from measure.servers import load, serving

SCENARIOS = [Hello(1, 1), Hello(64, 1), Hello(64, 16), Hello(64, 1, churn=True)]
COUNTED = [Hello(64, 1), Hello(64, 16), Hello(64, 1, churn=True)]
HELLO = "Hello, World!"


class Load:
    """Every byte of every answer is compared."""

    def __init__(self, options, work):
        self.tool, self.truth = options.bin / "bench_fetch_load", pathlib.Path(work) / "hello.txt"
        self.truth.write_text(HELLO)

    def __call__(self, server, scenario, **options):
        return load(self.tool, server, http=1, path="plaintext", size=len(HELLO), verify=self.truth,
                    connections=scenario.connections, depth=scenario.depth, churn=int(scenario.churn), **options)


def cpu(run):
    return run["server_ns"] / run["requests"] / 1e3


def counted(options, peers, fetch):
    for scenario in COUNTED[:1] if options.quick else COUNTED:
        few, many = (1600, 4800) if scenario.churn else (6400, 19200)
        for server in peers.http():
            yield scenario, server, functools.partial(drive, fetch, server, scenario), few, many


def drive(fetch, server, scenario, requests):
    fetch(server, scenario, requests=requests)


def time(options, peers, fetch):
    results = {}
    with serving(peers.http()) as running:
        for server in running:
            if server.warm_ms:
                fetch(server, Hello(64, 1), milliseconds=server.warm_ms)
        base = "nginx" if any(server.name == "nginx" for server in running) else "epoll"
        for scenario in SCENARIOS[1:] if options.quick else SCENARIOS:
            results[scenario] = tables.interleaved(running, lambda server: fetch(
                server, scenario, milliseconds=options.milliseconds, pid=server.pid), options.passes)
        tables.matrix("HTTP hello, server CPU us a request", "scenario", results, cpu, 2)
        tables.matrix(f"HTTP hello, server CPU to that of {base}", "scenario", results, cpu, 2, base=base)
        tables.matrix("HTTP hello, thousand requests/s", "scenario", results,
                      lambda run: run["requests"] / run["ns"] * 1e6, 1)
        print(f"\n{tables.peaks_text(running)}")
    charts.bars(options, "http", "HTTP hello: server CPU a request", "microseconds, logarithmic",
                {str(scenario): charts.medians(by_server, cpu) for scenario, by_server in results.items()}, log=True)


def run(options):
    with tempfile.TemporaryDirectory() as work:
        peers, fetch = Peers(options, work), Load(options, work)
        if options.counts:
            counts.table(options, "HTTP hello, counted", "scenario", "request", counted(options, peers, fetch))
        if options.times:
            time(options, peers, fetch)
