"""Files: weir's file_server beside a bare sendfile loop and nginx."""
import os
import pathlib
import tempfile

from measure import counts, tables
from measure.servers import Nginx, Server, has_nginx, load, serving

KIB, MIB = 1 << 10, 1 << 20
TIMED = [(64, 4 * KIB), (64, 64 * KIB), (1, MIB), (64, MIB), (1, 1024 * MIB)]
COUNTED = [(64, 4 * KIB, 3200, 9600), (64, 64 * KIB, 1280, 3840), (1, MIB, 50, 150)]
MILLISECONDS = 400


def text_of(size):
    return f"{size // KIB} KiB" if size < MIB else f"{size // MIB} MiB" if size < 1024 * MIB else f"{size >> 30} GiB"


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


def rivals(programs, root, work, kept_open):
    """The last two have no file to open for a request; worth a look where opening is a good part of the work."""
    found = [Server("sendfile", [programs / "peer_file_sendfile", "--root", root]),
             Server("weir", [programs / "file_server", "--port", 0, "--loops", 1, "--root", root])]
    if has_nginx():
        found.append(Nginx("nginx", root, work, False))
    if kept_open:
        found.append(Server("sendfile, kept open", [programs / "peer_file_sendfile", "--root", root, "--keep", 1]))
    if kept_open and has_nginx():
        found.append(Nginx("nginx, kept open", root, work, True))
    return found


def fetch(programs, rival, path, **options):
    return load(programs / "bench_file_load", rival, path=path.name, size=path.stat().st_size, http=int(rival.http),
                **options)


def count(programs, root, work):
    rows = []
    for connections, size, few, many in COUNTED:
        path = make_file(root, size)
        for rival in rivals(programs, root, work, size == 4 * KIB):
            def drive(requests):
                fetch(programs, rival, path, connections=connections, requests=requests)

            instructions, allocations = counts.instructions_and_allocations(rival, drive, few, many)
            calls = counts.system_calls(rival, drive, few, many)
            rows.append([f"{connections} x {text_of(size)}", rival.name, tables.number(instructions, 0),
                         tables.number(allocations, 2), tables.calls_text(calls)])
    tables.show("Files, counted", ["connections x file", "server", "user instructions a file", "allocations a file",
                                   "system calls a file"], rows)


def time(programs, root, work, passes):
    for connections, size in TIMED:
        path, small = make_file(root, size), size < MIB
        with serving(rivals(programs, root, work, small)) as running:
            for rival in running:  # every byte, once
                fetch(programs, rival, path, connections=min(connections, 4), requests=4, verify=path)
            results = tables.interleaved(running, lambda rival: fetch(
                programs, rival, path, connections=connections, milliseconds=MILLISECONDS, discard=int(not small),
                pid=rival.pid), passes)
        many = "1 connection" if connections == 1 else f"{connections} connections"
        cost = (("server CPU us a file", 1, lambda run: run["server_ns"] / run["requests"] / 1e3) if small else
                ("server CPU s/GB", 3, lambda run: run["server_ns"] / run["bytes"]))
        tables.compare(f"Files of {text_of(size)}, {many}" + ("" if small else ", reader discards"), results,
                       "nginx" if "nginx" in results and not small else "sendfile", [
                           ("MB/s", 0, lambda run: run["bytes"] / run["ns"] * 1e3), cost,
                           ("CPU of both ends", None, lambda run: (run["server_ns"] + run["load_ns"]) / run["bytes"])])


def run(options):
    if not has_nginx():
        print("\nnginx is not installed: its rows are left out")
    with tempfile.TemporaryDirectory() as work:
        root = pathlib.Path(work) / "root"
        root.mkdir()
        if options.counts:
            count(options.bin, root, work)
        if options.times:
            time(options.bin, root, work, options.passes)
