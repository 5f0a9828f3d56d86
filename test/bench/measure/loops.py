"""One loop and two: what a message costs when the work is shared. Here servers and load share all CPUs, and the load is two
processes whatever the server is: one would be a third thread on two CPUs beside two loops, and no third beside one."""
from concurrent.futures import ThreadPoolExecutor

from measure import charts, echo, tables
from measure.scenarios import Echo
from measure.servers import ANY_CPUS, Server, serving

SCENARIOS = [Echo(64, 64, 1), Echo(64, 64, 16), Echo(64, 4096, 1)]
COUNTS = (1, 2)
LOADS = 2


def loaded(options, server, scenario):
    """Both loads at once, each with its part of the connections: what they did together, and the server meanwhile."""
    part = Echo(scenario.connections // LOADS, scenario.size, scenario.depth)
    with ThreadPoolExecutor(LOADS) as pool:
        runs = list(pool.map(lambda _: echo.echo(options.bin, server, part, milliseconds=options.milliseconds,
                                                 pid=server.pid), range(LOADS)))
    return {"messages": sum(run["messages"] for run in runs),
            "server_ns": sum(run["server_ns"] for run in runs) / LOADS, "ns": sum(run["ns"] for run in runs) / LOADS}


def run(options):
    if not options.times:
        return
    results = {}
    servers = [Server(f"weir, {loops} loop{'s' * (loops > 1)}",
                      [options.bin / "echo_server", "--port", 0, "--loops", loops], cpus=ANY_CPUS) for loops in COUNTS]
    base = servers[0].name
    with serving(servers) as running:
        for scenario in SCENARIOS[:1] if options.quick else SCENARIOS:
            results[scenario] = tables.interleaved(running, lambda server: loaded(options, server, scenario),
                                                   options.passes)
    first = "connections x bytes x on the way"
    tables.matrix("Loops, thousand messages a second of server CPU", first, results,
                  lambda run: run["messages"] / run["server_ns"] * 1e6, 1)
    tables.matrix("Loops, messages a second of CPU to one loop", first, results,
                  lambda run: run["messages"] / run["server_ns"], 2, base=base)
    tables.matrix("Loops, thousand messages/s, load on the same CPUs", first, results,
                  lambda run: run["messages"] / run["ns"] * 1e6, 1)
    charts.bars(options, "loops", "Throughput a CPU: one loop and two", "thousand messages a second of server CPU",
                {str(scenario): charts.medians(runs, lambda run: run["messages"] / run["server_ns"] * 1e6)
                 for scenario, runs in results.items()})
