"""Paired: echo servers that are nearly alike, told apart to a hundredth.

One load has connections to all of them and gives each a window of some milliseconds, in an order drawn by lot, round after
round. Ratios are taken within a round, and a batch answers with their medians. Each batch has fresh processes: where a
process lies in memory makes more difference than anything within its life. So the standard error is that of batches.
"""
import random
import statistics
import tempfile

from measure import tables
from measure.peers import Peers
from measure.scenarios import Echo
from measure.servers import LOAD_CPUS, numbers, run_tool, serving

SCENARIOS = [Echo(connections, size, depth) for connections in (1, 64, 1000)
             for size, depth in ((64, 1), (64, 16), (4096, 1), (65536, 1))]
QUICK = [Echo(1, 64, 1), Echo(64, 64, 16)]
BASE = "epoll"
BATCHES_A_PASS = 1.5
RUNS_A_ROW = 3  # of the length of one timed run of other groups, for all servers together
MEASURES = {"server": lambda window: window["server_ns"] / window["messages"],
            "both": lambda window: (window["server_ns"] + window["load_ns"]) / window["messages"]}


def window_us(scenario):
    """Long enough for each of its connections to have several turns."""
    return max(1000, scenario.connections * (100 if scenario.size > 4096 else 60))


def windows(options, running, scenario, seed):
    """[{server: window}], round by round."""
    addresses = ",".join(f"{server.pid}@{server.address}" for server in running)
    printed = run_tool(options.bin / "bench_paired_load", [], {
        "servers": addresses, "connections": scenario.connections, "size": scenario.size, "depth": scenario.depth,
        "microseconds": window_us(scenario), "milliseconds": RUNS_A_ROW * options.milliseconds, "seed": seed},
        f"{scenario} of all", LOAD_CPUS)
    lines = [numbers(line) for line in printed.splitlines()]
    return [{running[line["server"]].name: line for line in lines[at:at + len(running)]}
            for at in range(0, len(lines), len(running))]


def answer(rounds):
    """What a batch says of a row: {measure: {server: median of its ratios}}, and the ns of the base."""
    said = {"ns": statistics.median(MEASURES["server"](by_server[BASE]) for by_server in rounds)}
    for name, measure in MEASURES.items():
        said[name] = {server: statistics.median(measure(by_server[server]) / measure(by_server[BASE]) for by_server in rounds)
                      for server in rounds[0]}
    return said


def batch(options, servers, scenarios, seed):
    """{scenario: answer}, by fresh processes that were started in an order of their own."""
    random.Random(seed).shuffle(servers)
    with serving(servers) as running:
        return {scenario: answer(windows(options, running, scenario, seed)) for scenario in scenarios}


def mean(values, digits):
    """mean ± standard error"""
    error = f" ± {statistics.stdev(values) / len(values) ** 0.5:.{digits}f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):,.{digits}f}{error}"


def show(title, measure, batches, names):
    rows = []
    for scenario in batches[0]:
        said = [each[scenario] for each in batches]
        rows.append([scenario, mean([one["ns"] for one in said], 0),
                     *(mean([one[measure][name] for one in said], 3) for name in names)])
    tables.show(title, ["connections x bytes x on the way", f"{BASE}, server ns", *names], rows)


def run(options):
    if not options.times:
        return
    scenarios, batches, wanted = QUICK if options.quick else SCENARIOS, [], int(BATCHES_A_PASS * options.passes)
    with tempfile.TemporaryDirectory() as work:
        servers = Peers(options, work).nearly_alike()
        names = [server.name for server in servers if server.name != BASE]
        while len(batches) < wanted and not tables.LEAST.is_enough(len(batches)):
            batches.append(batch(options, servers, scenarios, len(batches) + 1))
    print(f"\n{len(batches)} batches of fresh processes; mean ± standard error of the batches.")
    show("Paired, server CPU to that of epoll", "server", batches, names)
    show("Paired, CPU of both ends to epoll", "both", batches, names)
