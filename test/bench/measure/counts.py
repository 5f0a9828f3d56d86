"""What can be counted exactly: user instructions and allocations (callgrind), system calls (strace).

Everything is a slope: the same server is run twice with two numbers of operations, and the difference of the counts
is divided by the difference of the operations, so that start and stop fall out.
"""
import collections
import concurrent.futures
import pathlib
import re
import shutil
import tempfile
import time

from measure import tables
from measure.servers import ANY_CPUS, Failed

ALLOCATORS = {"malloc", "calloc", "realloc", "memalign", "posix_memalign", "aligned_alloc", "weir_je_mallocx",
              "weir_je_rallocx"}
# The C library has its plainest string functions, so that counts do not depend on what this CPU can do.
PLAIN = "glibc.cpu.hwcaps=-AVX2,-AVX2_Usable,-AVX512F,-AVX512VL,-AVX512BW,-ERMS,-FSRM,-BMI2,-SSSE3,-SSE4_1,-SSE4_2,-EVEX"
CALLGRIND = ["env", f"GLIBC_TUNABLES={PLAIN}", "valgrind", "-q", "--tool=callgrind", "--callgrind-out-file=FILE"]
STRACE = ["strace", "-f", "-c", "-o", "FILE"]
QUICK = ("epoll", "sendfile", "weir", "weir, copying", "weir, splicing")  # who is counted in a quick run
SETTLE_SECONDS = 0.3  # for the server to see that its connections are gone, in both runs alike
_NAME = re.compile(r"\((\d+)\)(?: (.*))?")


class Profile:
    """A callgrind output file: instructions in all and each function's own, and calls by function. Names are given once
    and meant by number from then on; a line after calls= is what the callee cost, not the function itself."""

    def __init__(self, path):
        self.instructions, self.own, self.calls = 0, collections.Counter(), collections.Counter()
        self.callers = collections.Counter()  # of (caller, allocator)
        self._names, own, calls, pairs = {}, collections.Counter(), collections.Counter(), collections.Counter()
        current = callee = None
        is_call = False
        for line in pathlib.Path(path).read_text().splitlines():
            if line[:1] in "0123456789+-*" and line:
                if not is_call:
                    own[current] += int(line.split()[1])
                is_call = False
            elif line.startswith("fn="):
                current = self._number(line[3:])
            elif line.startswith("cfn="):
                callee = self._number(line[4:])
            elif line.startswith("calls="):
                calls[callee] += int(line[6:].split()[0])
                pairs[current, callee] += int(line[6:].split()[0])
                is_call = True
            elif line.startswith(("summary:", "totals:")):
                self.instructions = int(line.split()[1])
        for numbered, named in ((own, self.own), (calls, self.calls)):
            for number, count in numbered.items():
                named[self._names.get(number, "?")] += count
        for (caller, callee), count in pairs.items():
            if self._names.get(callee) in ALLOCATORS:
                self.callers[self._names.get(caller, "?")] += count

    def _number(self, text):
        number, name = _NAME.match(text).groups()
        if name:
            self._names[number] = re.sub(r"'\d+$", "", name)
        return number


def strace_file(path):
    """Calls by name of a table written by strace -c."""
    calls = collections.Counter()
    for line in pathlib.Path(path).read_text().splitlines():
        words = line.split()
        if len(words) >= 5 and re.fullmatch(r"[\d.]+", words[0]) and words[-1] != "total":
            calls[words[-1]] += int(words[3])
    return calls


def _with_file(tool, path):
    return [word.replace("FILE", str(path)) for word in tool]


def _serve_twice(server, tool, drive, few, many, read):
    """What `read` makes of the tool's file, for each number of operations. None if a peer fails under the tool."""
    results = []
    with tempfile.TemporaryDirectory() as work:
        for operations in (few, many):
            path = f"{work}/{operations}"
            try:
                server.start(_with_file(tool, path))
                try:
                    drive(operations)
                    time.sleep(SETTLE_SECONDS)
                finally:
                    server.stop()
            except Failed as error:
                if server.name.startswith("weir"):
                    raise
                print(f"\n{server.name} is not counted: {error}")
                return None
            results.append(read(path))
    return results


def profiles(server, drive, few, many):
    """The same server's two profiles, or None without valgrind or for what is compiled as it runs."""
    if shutil.which("valgrind") is None or not server.is_native:
        return None
    return _serve_twice(server, CALLGRIND, drive, few, many, Profile)


def functions_between(less, more, each, field="own"):
    """{function: count of one operation} of those that have any."""
    before, after = getattr(less, field), getattr(more, field)
    return {name: (after[name] - before[name]) / each for name in after if after[name] != before[name]}


def allocations_between(less, more):
    return sum(more.calls[name] - less.calls[name] for name in ALLOCATORS)


def instructions_and_allocations(server, drive, few, many):
    """Per operation; drive(n) makes the running server do n of them. (None, None) where it cannot be counted."""
    found = profiles(server, drive, few, many)
    if found is None:
        return None, None
    less, more = found
    each = many - few
    return (more.instructions - less.instructions) / each, allocations_between(less, more) / each


def system_calls(server, drive, few, many):
    """Calls per operation by name. None without strace."""
    if shutil.which("strace") is None:
        return None
    found = _serve_twice(server, STRACE, drive, few, many, strace_file)
    if found is None:
        return None
    less, more = found
    each = {name: (more[name] - less[name]) / (many - few) for name in more}
    return {name: count for name, count in each.items() if count >= 0.005}


def table(options, title, first, what, jobs):
    """A row for each (scenario, server, drive, few, many). Two at a time, wherever there is room: nothing is timed."""
    def row(job):
        scenario, server, drive, few, many = job
        server.cpus = ANY_CPUS
        instructions, allocations = instructions_and_allocations(server, drive, few, many)
        calls = system_calls(server, drive, few, many)
        return [scenario, server.name, tables.number(instructions, 0), tables.number(allocations, 3),
                tables.calls_text(calls)]

    wanted = [job for job in jobs if not options.quick or job[1].name in QUICK]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        rows = list(pool.map(row, wanted))
    tables.show(title, [first, "server", f"user instructions a {what}", f"allocations a {what}", f"system calls a {what}"],
                rows)
