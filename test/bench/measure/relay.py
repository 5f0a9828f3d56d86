"""Relays: weir's proxy that copies beside the one that splices, in front of the same bare sendfile server."""
import functools
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


def counted(options, root, target):
    for scenario, few, many in COUNTED[:1] if options.quick else COUNTED:
        path = files.make_file(root, scenario.size)
        for server in rivals(options.bin, target):
            yield (scenario, server, functools.partial(files.drive, options.bin, server, path, scenario, discard=1), few,
                   many)


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
                counts.table(options, "Relay, counted", "connections x file", "file", counted(options, root, target))
            if options.times:
                time(options, root, target)
