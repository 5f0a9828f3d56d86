"""Relays: weir's proxy that copies beside the one that splices, in front of the same bare sendfile server."""
import pathlib
import tempfile

from measure import counts, files, tables
from measure.scenarios import GIB, KIB, MIB, File
from measure.servers import Server, serving

TIMED = [File(64, 4 * KIB), File(64, 16 * KIB), File(64, 64 * KIB), File(16, 256 * KIB), File(16, MIB), File(1, MIB),
         File(1, GIB)]
COUNTED = [(File(16, 64 * KIB), 320, 960), (File(1, 64 * MIB), 4, 12)]
QUICK = File(16, 64 * KIB)


def rivals(programs, target):
    proxy = [programs / "proxy", "--port", 0, "--loops", 1, "--to", target.address]
    return [Server("weir, copying", proxy), Server("weir, splicing", [*proxy, "--splice"])]


def count(options, root, target):
    rows = []
    for scenario, few, many in COUNTED[:1] if options.quick else COUNTED:
        path = files.make_file(root, scenario.size)
        for server in rivals(options.bin, target):
            def drive(requests):
                files.fetch(options.bin, server, path, connections=scenario.connections, requests=requests, discard=1)

            calls = counts.system_calls(server, drive, few, many)
            rows.append([scenario, server.name, tables.calls_text(calls)])
    tables.show("Relay, counted", ["connections x file", "proxy", "system calls a file"], rows)


def time(options, root, target):
    results = {}
    with serving(rivals(options.bin, target)) as running:
        for scenario in [QUICK] if options.quick else TIMED:
            path = files.make_file(root, scenario.size)
            results[scenario] = files.timed(options, running, path, scenario)
    first, base = "connections x file, reader discards from 1 MiB on", "weir, copying"
    tables.matrix("Relay, proxy CPU s/GB", first, results, files.seconds_a_gigabyte, 3)
    tables.matrix("Relay, proxy CPU to copying", first, results, files.seconds_a_gigabyte, 2, base=base)
    tables.matrix("Relay, MB/s", first, results, lambda run: run["bytes"] / run["ns"] * 1e3, 0)


def run(options):
    with tempfile.TemporaryDirectory() as work:
        root = pathlib.Path(work) / "root"
        root.mkdir()
        with serving([Server("target", [options.bin / "peer_file_sendfile", "--root", root])]) as (target,):
            if options.counts:
                count(options, root, target)
            if options.times:
                time(options, root, target)
