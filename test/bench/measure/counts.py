"""What can be counted exactly: user instructions and allocations (callgrind), system calls (strace).

Everything is a slope: the same server is run twice with two numbers of operations, and the difference of the counts
is divided by the difference of the operations, so that start and stop fall out.
"""
import collections
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

ALLOCATORS = {"malloc", "calloc", "realloc", "memalign", "posix_memalign", "aligned_alloc", "weir_je_mallocx",
              "weir_je_rallocx"}
CALLGRIND = ["valgrind", "-q", "--tool=callgrind", "--callgrind-out-file=FILE"]
STRACE = ["strace", "-f", "-c", "-o", "FILE"]
SETTLE_SECONDS = 0.3  # for the server to see that its connections are gone, in both runs alike
_NAME = re.compile(r"\((\d+)\)(?: (.*))?")


def callgrind_file(path):
    """(instructions, calls by function) of a callgrind output file: names are given once, then meant by number."""
    names, calls, instructions = {}, collections.Counter(), 0
    callee = None
    for line in pathlib.Path(path).read_text().splitlines():
        if line.startswith(("fn=", "cfn=")):
            number, name = _NAME.match(line.split("=", 1)[1]).groups()
            if name:
                names[number] = re.sub(r"'\d+$", "", name)
            callee = number
        elif line.startswith("calls="):
            calls[callee] += int(line[6:].split()[0])
        elif line.startswith(("summary:", "totals:")):
            instructions = int(line.split()[1])
    by_name = collections.Counter()
    for number, count in calls.items():
        by_name[names[number]] += count
    return instructions, by_name


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
    results = []
    with tempfile.TemporaryDirectory() as work:
        for operations in (few, many):
            path = f"{work}/{operations}"
            server.start(_with_file(tool, path))
            try:
                drive(operations)
                time.sleep(SETTLE_SECONDS)
            finally:
                server.stop()
            results.append(read(path))
    return results


def instructions_and_allocations(server, drive, few, many):
    """Per operation; drive(n) makes the running server do n of them. (None, None) without valgrind."""
    if shutil.which("valgrind") is None:
        return None, None
    (less, less_calls), (more, more_calls) = _serve_twice(server, CALLGRIND, drive, few, many, callgrind_file)
    allocations = sum(more_calls[name] - less_calls[name] for name in ALLOCATORS)
    return (more - less) / (many - few), allocations / (many - few)


def system_calls(server, drive, few, many):
    """Calls per operation by name. None without strace."""
    if shutil.which("strace") is None:
        return None
    less, more = _serve_twice(server, STRACE, drive, few, many, strace_file)
    each = {name: (more[name] - less[name]) / (many - few) for name in more}
    return {name: count for name, count in each.items() if count >= 0.005}


def program_instructions(command, few, many):
    """Per operation of a program that takes their number as its last argument. None without valgrind."""
    if shutil.which("valgrind") is None:
        return None
    totals = []
    with tempfile.TemporaryDirectory() as work:
        for operations in (few, many):
            path = f"{work}/{operations}"
            words = [*_with_file(CALLGRIND, path), *map(str, command), str(operations)]
            subprocess.run(words, check=True, timeout=100, stdout=subprocess.DEVNULL)
            totals.append(callgrind_file(path)[0])
    return (totals[1] - totals[0]) / (many - few)
