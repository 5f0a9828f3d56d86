"""Files: weir's file_server beside a bare sendfile loop and nginx."""
import functools
import os
import pathlib
import tempfile

from measure import charts, counts, tables
from measure.peers import Peers
from measure.scenarios import GIB, KIB, MIB, File
from measure.servers import load, serving

SIZES = [4 * KIB, 64 * KIB, MIB, 16 * MIB, GIB]
COUNTED = [(File(64, 4 * KIB), 3200, 9600), (File(64, 64 * KIB), 1280, 3840), (File(1, MIB), 50, 150)]
CUT = 16 * MIB  # from here on a run does not wait for the ends of answers
CHECKED = 64 * MIB  # up to here every byte is compared once, before anything is timed


def make_file(root, size):
    """Different bytes in every MiB, on disk before anything is measured, and warm in the page cache."""
    path = root / f"{size}.bin"
    if not path.exists():
        block = os.urandom(min(size, MIB))
        with open(path, "wb") as out:
            for number in range(max(1, size // MIB)):
                out.write(block[number % 4096:] + block[:number % 4096])
            out.flush()
            os.fsync(out.fileno())
    return path


def fetch(programs, server, path, **options):
    return load(programs / "bench_fetch_load", server, path=path.name, size=path.stat().st_size, http=int(server.http),
                **options)


def seconds_a_gigabyte(run):
    return run["server_ns"] / run["bytes"]


def counted(options, peers, root):
    for scenario, few, many in COUNTED[:1] if options.quick else COUNTED:
        path = make_file(root, scenario.size)
        for server in peers.files(root, scenario.size == 4 * KIB):
            yield scenario, server, functools.partial(drive, options.bin, server, path, scenario), few, many


def drive(programs, server, path, scenario, requests, **more):
    fetch(programs, server, path, connections=scenario.connections, requests=requests, **more)


def timed(options, running, path, scenario):
    big = scenario.size >= CUT
    if scenario.size <= CHECKED:
        for server in running:  # every byte, once
            fetch(options.bin, server, path, connections=min(scenario.connections, 4), requests=4, verify=path)
    return tables.interleaved(running, lambda server: fetch(
        options.bin, server, path, connections=scenario.connections, discard=int(scenario.size >= MIB), cut=int(big),
        milliseconds=options.milliseconds, pid=server.pid), options.passes)


def time(options, peers, root):
    results = {}
    for size in SIZES[:3] if options.quick else SIZES:
        path = make_file(root, size)
        with serving(peers.files(root, size < MIB)) as running:
            for scenario in (File(connections, size) for connections in (1, 64)):
                results[scenario] = timed(options, running, path, scenario)
            held = tables.peaks_text(running)
    first = "connections x file"
    base = "nginx" if "nginx" in results[scenario] else "sendfile"
    small = {scenario: runs for scenario, runs in results.items() if scenario.size < CUT}
    tables.matrix("Files, server CPU s/GB", first, results, seconds_a_gigabyte, 3)
    tables.matrix(f"Files, server CPU to that of {base}", first, results, seconds_a_gigabyte, 2, base=base)
    tables.matrix("Files, CPU of both ends to sendfile", first, results,
                  lambda run: (run["server_ns"] + run["load_ns"]) / run["bytes"], 2, base="sendfile")
    tables.matrix("Files/s", first, small, lambda run: run["requests"] / run["ns"] * 1e9, 0)
    tables.matrix("Files, MB/s", first, results, lambda run: run["bytes"] / run["ns"] * 1e3, 0)
    print(f"\n{held}")
    charts.bars(options, "file", "Files: server CPU a gigabyte, nginx = 1", "times the CPU of nginx with sendfile",
                {str(scenario): charts.medians({name: runs[name] for name in runs if "kept" not in name},
                                               seconds_a_gigabyte, base=base) for scenario, runs in results.items()})


def run(options):
    with tempfile.TemporaryDirectory() as work:
        root = pathlib.Path(work) / "root"
        root.mkdir()
        peers = Peers(options, work)
        if options.counts:
            counts.table(options, "Files, counted", "connections x file", "file", counted(options, peers, root))
        if options.times:
            time(options, peers, root)
