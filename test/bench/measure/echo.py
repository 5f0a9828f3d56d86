"""Echo: weir's echo_server beside raw epoll and bare libuv."""
from measure import counts, tables
from measure.servers import Server, load, serving

TIMED = [(1, 64, 1), (64, 64, 1), (64, 64, 16), (64, 16384, 4), (8, 262144, 1)]
COUNTED = [(1, 64, 1), (64, 64, 1), (64, 64, 16), (64, 16384, 4)]
MILLISECONDS = 400


def rivals(programs):
    return [Server("epoll", [programs / "peer_echo_epoll"]),
            Server("libuv", [programs / "peer_echo_uv"]),
            Server("weir", [programs / "echo_server", "--port", 0, "--loops", 1])]


def count(programs):
    tool = programs / "bench_echo_load"
    rows = []
    for connections, size, depth in COUNTED:
        few, many = (6400, 19200) if size == 64 else (1280, 3840)
        for rival in rivals(programs):
            def drive(messages):
                load(tool, rival, connections=connections, size=size, depth=depth, messages=messages)

            instructions, allocations = counts.instructions_and_allocations(rival, drive, few, many)
            calls = counts.system_calls(rival, drive, few, many)
            rows.append([f"{connections} x {size} x {depth}", rival.name, tables.number(instructions, 0),
                         tables.number(allocations, 3), tables.calls_text(calls)])
    tables.show("Echo, counted", ["connections x bytes x on the way", "server", "user instructions a message",
                                  "allocations a message", "system calls a message"], rows)


def time(programs, passes):
    tool = programs / "bench_echo_load"
    for connections, size, depth in TIMED:
        with serving(rivals(programs)) as running:
            results = tables.interleaved(running, lambda rival: load(
                tool, rival, connections=connections, size=size, depth=depth, milliseconds=MILLISECONDS,
                pid=rival.pid), passes)
        many = "1 connection" if connections == 1 else f"{connections} connections"
        tables.compare(f"Echo, {many}, {size} bytes, {depth} on the way", results, "epoll", [
            ("thousand messages/s", 1, lambda run: run["messages"] / run["ns"] * 1e6),
            ("server CPU ns a message", 0, lambda run: run["server_ns"] / run["messages"]),
            ("CPU of both ends", None, lambda run: (run["server_ns"] + run["load_ns"]) / run["messages"])])


def run(options):
    if options.counts:
        count(options.bin)
    if options.times:
        time(options.bin, options.passes)
