"""How cost grows: with connections, message size, handlers, composite parts (timers.py and
loops.py have theirs). A chart each, and a sentence that
says how steep and where it bends."""
import math
import resource
import statistics

from measure import charts, echo, rivals, tables
from measure.scenarios import Echo, bytes_text
from measure.servers import Server, load, serving

CONNECTIONS = [10, 100, 1000, 10000, 20000]
SIZES = [16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576]
SIZE_CONNECTIONS = 8
SERVERS = {"epoll": ["peer_echo_epoll"], "libuv": ["peer_echo_uv"], "weir": ["echo_server", "--port", 0, "--loops", 1]}
ROWS = {"handlers": "a read event through so many handlers", "append": "a part appended to a composite and released with it",
        "get": "a u32 read anywhere in a composite of so many parts", "read": "the next u32 of a composite of so many parts"}
CHARTS = {"handlers": (["handlers"], "handlers in the pipeline", "Pipeline: a read event"),
          "parts": (["append", "get", "read"], "parts", "Composites: one operation")}
PASSES_MAX = 5


def slope(points):
    """How steep a curve is: the powers between neighbours, and where the greatest change lies."""
    def power(left, right):
        return math.log(max(right[1], 1e-9) / max(left[1], 1e-9)) / math.log(right[0] / left[0])

    powers = [power(left, right) for left, right in zip(points, points[1:])]
    def figure(value):
        return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"

    text = f"from {figure(points[0][1])} at {points[0][0]:,} to {figure(points[-1][1])} at {points[-1][0]:,}"
    if len(powers) < 2:
        return text
    changes = [after - before for before, after in zip(powers, powers[1:])]
    most = max(range(len(changes)), key=lambda number: abs(changes[number]))
    if abs(changes[most]) < 0.15:
        return f"{text}: as the power {power(points[0], points[-1]):.2f}, without a bend"
    return (f"{text}: it bends at {points[most + 1][0]:,}, from the power {powers[most]:.2f} before to "
            f"{powers[most + 1]:.2f} after")


def sentences(series, unit):
    print()
    for name, points in series.items():
        print(f"- {name}, {unit}: {slope(points)}.")


def servers(options):
    return [Server(name, [options.bin / argv[0], *argv[1:]]) for name, argv in SERVERS.items()]


def chart(options, name, title, xlabel, unit, series):
    charts.curves(options, f"growth-{name}", title, xlabel, unit, series)
    sentences(series, unit)


def curves_of(results):
    """{scenario number: {server: [value]}} as {server: [(number, median)]}."""
    names = list(next(iter(results.values())))
    return {name: [(number, statistics.median(by_server[name])) for number, by_server in results.items()
                   if name in by_server] for name in names}


def cpu_of(options, running, scenario, **more):
    runs = tables.interleaved(running, lambda server: echo.echo(
        options.bin, server, scenario, milliseconds=options.milliseconds, pid=server.pid, **more),
        min(options.passes, PASSES_MAX))
    return {name: [echo.cpu(run) for run in some] for name, some in runs.items()}


def connections(options):
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 100
    numbers = [min(number, most) for number in (CONNECTIONS[:3] if options.quick else CONNECTIONS)]
    cpu, memory = {}, {}
    with serving(servers(options)) as running:
        for number in numbers:
            cpu[number] = cpu_of(options, running, Echo(number, 64, 1), warm=1 if number > 1000 else 16)
    for number in numbers:
        memory[number] = {}
        for server in servers(options):
            with server.start():
                run = load(options.bin / "bench_idle_load", server, pid=server.pid, exchange=1, connections=number)
                memory[number][server.name] = [(run["begin"] + run["rss"] * number) / 1e6]
    tables.matrix("CPU ns a 64-byte message, by connections", "connections", cpu, float, 0)
    chart(options, "connections", "64-byte echo on all of so many connections", "connections", "server CPU ns a message",
          curves_of(cpu))
    tables.matrix("Memory of the whole process, MB, by connections", "connections", memory, float, 2)
    chart(options, "memory", "Resident memory after one echo on each of so many connections", "connections",
          "MB, whole process", curves_of(memory))


def sizes(options):
    results = {}
    with serving(servers(options)) as running:
        for size in SIZES[::3] if options.quick else SIZES:
            results[size] = cpu_of(options, running, Echo(SIZE_CONNECTIONS, size, 1))
    tables.matrix(f"CPU ns a message, by size, {SIZE_CONNECTIONS} connections", "bytes",
                  {bytes_text(size): by_server for size, by_server in results.items()}, float, 0)
    chart(options, "size", f"Echo by message size, {SIZE_CONNECTIONS} connections", "bytes a message",
          "server CPU ns a message", curves_of(results))


def rows(options):
    program = rivals.Rival("weir", [options.bin / "bench_growth"], True)
    counted = program.counted() if options.counts and not options.quick else {}
    times = {}
    if options.times:
        with program:
            times = {row: by_rival["weir"] for row, by_rival in rivals.time([program], options.passes).items()}
    lines = []
    for row in program.rows:
        what, number = row.rsplit(" ", 1)
        instructions, _ = counted.get(row, (None, None))
        lines.append([ROWS[what], f"{int(number):,}", tables.spread(times[row], 1) if row in times else "not timed",
                      tables.number(instructions, 1)])
    tables.show("By handlers and parts", ["operation", "how many", "CPU ns", "instructions"], lines)
    if not times:
        return
    for name, (kinds, xlabel, title) in CHARTS.items():
        chart(options, name, title, xlabel, "CPU ns", {
            ROWS[kind]: [(int(row.rsplit(" ", 1)[1]), statistics.median(runs)) for row, runs in times.items()
                         if row.rsplit(" ", 1)[0] == kind] for kind in kinds})


def run(options):
    if options.times:
        connections(options)
        sizes(options)
    rows(options)
