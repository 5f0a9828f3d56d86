"""Bufs and pools: weir beside the mallocs, evbuffer, plain C and Netty. One table, a line an operation and rival.

Every rival is a program that answers with one short pass of the row it is asked for, so that passes take turns at
milliseconds' distance. What is counted comes from one run under callgrind, which writes its counts out at marks.
"""
import contextlib
import pathlib
import shutil
import subprocess
import sys
import tempfile

from measure import counts, tables

PROGRAMS = {"weir": "bench_buffer", "glibc malloc": "peer_heap_malloc", "jemalloc": "peer_heap_jemalloc",
            "mimalloc": "peer_heap_mimalloc", "evbuffer": "peer_buffer_evbuffer", "plain C": "peer_buffer_plain"}
NETTY_SOURCE = pathlib.Path(__file__).resolve().parents[1] / "peers/java/NettyBuffers.java"
NETTY_JARS = [pathlib.Path("/usr/share/java") / jar for jar in ("netty-buffer.jar", "netty-common.jar")]
NETTY_FLAGS = ["-Xms256m", "-Xmx256m", "-XX:MaxDirectMemorySize=512m", "-XX:+UseSerialGC",
               "-Dio.netty.leakDetection.level=disabled"]
SECONDS = 200


class Rival:
    """A program that times the rows it is asked for."""

    def __init__(self, name, command, is_counted):
        self.name, self.command, self.is_counted = name, [str(word) for word in command], is_counted
        listing = subprocess.run([*self.command, "--list"], check=True, timeout=SECONDS, capture_output=True, text=True)
        self.rows = {line.rsplit(" ", 1)[0]: int(line.rsplit(" ", 1)[1]) for line in listing.stdout.splitlines()}
        self.heap = {}

    def __enter__(self):
        self.process = subprocess.Popen(["timeout", str(SECONDS), *self.command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(timeout=SECONDS)

    def pass_of(self, row):
        """Nanoseconds of one operation."""
        self.process.stdin.write(row + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().split()
        if not answer:
            raise SystemExit(f"{self.name} gave no answer to {row}")
        if len(answer) > 1:
            self.heap[row] = f"{answer[1]} B of Java heap"
        return float(answer[0])

    def counted(self):
        """{row: (instructions, allocations)} of one operation; nothing without valgrind."""
        if not self.is_counted or shutil.which("valgrind") is None:
            return {}
        found = {}
        with tempfile.TemporaryDirectory() as work:
            path = f"{work}/out"
            tool = [word.replace("FILE", path) for word in counts.CALLGRIND] + ["--dump-before=bench_mark"]
            subprocess.run([*tool, *self.command, "--count"], check=True, timeout=SECONDS, stdout=subprocess.DEVNULL)
            for number, (row, operations) in enumerate(self.rows.items()):
                # Four marks a row: what lies between the first two is one run, between the last two the other.
                (less, less_calls), (more, more_calls) = (
                    counts.callgrind_file(f"{path}.{4 * number + part}") for part in (2, 4))
                allocations = sum(more_calls[name] - less_calls[name] for name in counts.ALLOCATORS)
                found[row] = (more - less) / operations, allocations / operations
        return found


def netty(work):
    """Netty compiled into `work`, or None and a word why not."""
    if shutil.which("javac") is None:
        print("\nThere is no JDK: Netty is left out.")
    elif not all(jar.exists() for jar in NETTY_JARS):
        print("\nlibnetty-java is not installed: Netty is left out.")
    else:
        path = ":".join(map(str, [*NETTY_JARS, work]))
        subprocess.run(["javac", "-cp", path, "-d", work, str(NETTY_SOURCE)], check=True, timeout=SECONDS,
                       stdout=sys.stderr)
        return Rival("Netty", ["java", *NETTY_FLAGS, "-cp", path, NETTY_SOURCE.stem], False)
    return None


def rivals(programs, work):
    found = []
    for name, program in PROGRAMS.items():
        if (programs / program).exists():
            found.append(Rival(name, [programs / program], True))
        else:
            print(f"\n{name} was not there at build time: it is left out.")
    java = netty(work)
    return found + [java] if java else found


def time(found, passes):
    """{row: {rival: [nanoseconds, pass by pass]}}"""
    times = {}
    for row in found[0].rows:
        taking_part = [rival for rival in found if row in rival.rows]
        for rival in taking_part:
            rival.pass_of(row)  # finds how much a pass is, and is warm then
        times[row] = tables.interleaved(taking_part, lambda rival: rival.pass_of(row), passes)
    return times


def lines_of(row, found, times, counted):
    """As many as rivals have the row; only the first names it."""
    name = row
    for rival in found:
        if row not in rival.rows:
            continue
        runs = times.get(row, {}).get(rival.name)
        ns, ratio = "not timed", "not timed"
        if runs:
            ns = tables.spread(runs, 0 if min(runs) >= 1000 else 1 if min(runs) >= 3 else 2)
            ratio = tables.ratios(runs, times[row][found[0].name])
        instructions, allocations = counted[rival.name].get(row, (None, None))
        yield [name, rival.name, ns, ratio, tables.number(instructions, 1 if (instructions or 0) < 1000 else 0),
               rival.heap.get(row) or tables.number(allocations, 2)]
        name = ""


def run(options):
    with tempfile.TemporaryDirectory() as work:
        found = rivals(options.bin, work)
        counted = {rival.name: rival.counted() if options.counts else {} for rival in found}
        times = {}
        if options.times:
            with contextlib.ExitStack() as running:
                for rival in found:
                    running.enter_context(rival)
                times = time(found, options.passes)
        tables.show("Bufs and pools, one operation", ["operation", "who", "CPU ns", "to weir", "instructions",
                                                      "allocations"],
                    [line for row in found[0].rows for line in lines_of(row, found, times, counted)])
