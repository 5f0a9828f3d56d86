"""Operations without a socket, of rivals that are programs of rows (common/rows.h). One table, a line a row and rival.

Every rival is a program that answers with one short pass of the row it is asked for, so that passes take turns at
milliseconds' distance. What is counted comes from one run under callgrind, which writes its counts out at marks.
"""
import contextlib
import shutil
import subprocess
import tempfile

from measure import counts, tables

SECONDS = 200


class Rival:
    """A program that times the rows it is asked for."""

    def __init__(self, name, command, is_counted):
        self.name, self.command, self.is_counted = name, [str(word) for word in command], is_counted
        listing = subprocess.run([*self.command, "--list"], check=True, timeout=SECONDS, capture_output=True, text=True)
        self.rows = {line.rsplit(" ", 1)[0]: int(line.rsplit(" ", 1)[1]) for line in listing.stdout.splitlines()}
        self.heap = {}

    def __enter__(self):
        self.process = subprocess.Popen(["timeout", str(SECONDS), *self.command], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
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
            for row, (operations, less, more) in self.profiles(path).items():
                found[row] = ((more.instructions - less.instructions) / operations,
                              counts.allocations_between(less, more) / operations)
        return found

    def profiles(self, path):
        """{row: (operations, one profile, another with twice as many more)}, written beside `path`."""
        tool = [word.replace("FILE", path) for word in counts.CALLGRIND] + ["--dump-before=bench_mark"]
        subprocess.run([*tool, *self.command, "--count", *self.rows], check=True, timeout=SECONDS,
                       stdout=subprocess.DEVNULL)
        # Four marks a row: what lies between the first two is one run, between the last two the other.
        return {row: (operations, *(counts.Profile(f"{path}.{4 * number + part}") for part in (2, 4)))
                for number, (row, operations) in enumerate(self.rows.items())}


def programs_of(options, programs):
    """{name: program} of those that were built."""
    found = []
    for name, program in programs.items():
        if (options.bin / program).exists():
            found.append(Rival(name, [options.bin / program], True))
        else:
            print(f"\n{name} was not there at build time: it is left out.")
    return found


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


def table(options, title, found, least=()):
    """`least`: the rows of a quick run; all without. Counts, times and shows. Answers {row: {rival: [nanoseconds, pass by pass]}}."""
    is_counted = options.counts and not options.quick
    for rival in found if options.quick and least else ():
        rival.rows = {row: rival.rows[row] for row in least if row in rival.rows}
    counted = {rival.name: rival.counted() if is_counted else {} for rival in found}
    times = {}
    if options.times:
        with contextlib.ExitStack() as running:
            for rival in found:
                running.enter_context(rival)
            times = time(found, options.passes)
    tables.show(title, ["operation", "who", "CPU ns", "to weir", "instructions", "allocations"],
                [line for row in found[0].rows for line in lines_of(row, found, times, counted)])
    return times
