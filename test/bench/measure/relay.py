"""Relays: weir's proxy that copies beside the one that splices, in front of the same bare sendfile server."""
import pathlib
import tempfile

from measure import counts, files, tables
from measure.servers import Server, serving

KIB, MIB = 1 << 10, 1 << 20
TIMED = [(64, 4 * KIB), (64, 16 * KIB), (64, 64 * KIB), (16, 256 * KIB), (16, MIB), (1, MIB), (1, 1024 * MIB)]
COUNTED = [(16, 64 * KIB, 320, 960), (1, 64 * MIB, 4, 12)]


def rivals(programs, target):
    proxy = [programs / "proxy", "--port", 0, "--loops", 1, "--to", target.address]
    return [Server("copy", proxy), Server("splice", [*proxy, "--splice"])]


def count(programs, root, target):
    rows = []
    for connections, size, few, many in COUNTED:
        path = files.make_file(root, size)
        for rival in rivals(programs, target):
            def drive(requests):
                files.fetch(programs, rival, path, connections=connections, requests=requests, discard=1)

            calls = counts.system_calls(rival, drive, few, many)
            rows.append([f"{connections} x {files.text_of(size)}", rival.name, tables.calls_text(calls)])
    tables.show("Relay, counted", ["connections x file", "proxy", "system calls a file"], rows)


def time(programs, root, target, passes):
    for connections, size in TIMED:
        path = files.make_file(root, size)
        with serving(rivals(programs, target)) as running:
            for rival in running:  # every byte, once
                files.fetch(programs, rival, path, connections=min(connections, 4), requests=4, verify=path)
            results = tables.interleaved(running, lambda rival: files.fetch(
                programs, rival, path, connections=connections, milliseconds=files.MILLISECONDS, discard=1,
                pid=rival.pid), passes)
        tables.compare(f"Relay of {files.text_of(size)}, connections: {connections}, reader discards", results, "copy", [
            ("MB/s", 0, lambda run: run["bytes"] / run["ns"] * 1e3),
            ("proxy CPU s/GB", 3, lambda run: run["server_ns"] / run["bytes"])])


def run(options):
    with tempfile.TemporaryDirectory() as work:
        root = pathlib.Path(work) / "root"
        root.mkdir()
        with serving([Server("target", [options.bin / "peer_file_sendfile", "--root", root])]) as (target,):
            if options.counts:
                count(options.bin, root, target)
            if options.times:
                time(options.bin, root, target, options.passes)
