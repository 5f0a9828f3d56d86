"""What an operation may cost in instructions, allocations and system calls: no clock, so the same on any machine, however
busy. A count above its budget (test/bench/budgets.txt) by more than the slack fails, and says in which functions it grew.

Instructions belong to a compiler and a C library: there are budgets for each that somebody renewed them with; with another one
they are shown and not judged. Allocations and system calls are judged everywhere.
"""
import argparse
import collections
import concurrent.futures
import os
import pathlib
import platform
import re
import shutil
import tempfile

from measure import counts, files, rivals
from measure.scenarios import KIB
from measure.servers import ANY_CPUS, Failed, Server, load

HERE = pathlib.Path(__file__).resolve().parents[1]
BUDGETS, FUNCTIONS = HERE / "budgets.txt", HERE / "budgets.functions.txt"
SLACK, SLACK_COUNT = 0.03, 0.01  # of the budget, and on top of it, as a start or an end may fall into one run alone
SHOWN_MIN = 0.005  # of a scenario's instructions: smaller functions are not kept
SHOWN_MOST = 8
EVERYWHERE = "everywhere"
INSTRUCTIONS, ALLOCATIONS, CALLS = "instructions", "allocations", "system calls"
HEAD = {BUDGETS: "What one operation may cost: written by ./dev bench budgets --renew, checked by ./dev bench budgets.\n"
                 "# scenario | measure | compiler and C library it was counted with | budget",
        FUNCTIONS: "Where the instructions and system calls of budgets.txt are spent, to say what grew. Written with it.\n"
                   "# scenario | measure | compiler and C library | function | of one operation"}
ECHO = {"echo 64 B": (1, 64, 1, 2000), "echo 64 B, 64 connections": (64, 64, 1, 6400),
        "echo 64 B, 16 on the way": (1, 64, 16, 6400), "echo 4 KiB": (1, 4096, 1, 1000)}
FILES = {"file 4 KiB": (4 * KIB, 600), "file 64 KiB": (64 * KIB, 400)}
HELLO = {"http hello": (1, 0, 1000), "http hello, 16 on the way": (16, 0, 4000), "http hello, a connection each": (1, 1, 300)}
ROWS = {"bench_buffer": ["get + release, 64 B", "get + release, 64 KiB", "256 live, 4 KiB", "on the heap, 256 B",
                         "retain + release", "slice + release", "16 parts: build + release", "read u32", "read u32, 16 parts", "write u32"],
        "bench_http": ["browser", "plaintext", "pipelined 16"],
        "bench_timers": ["move one of 1000", "stop and start one of 1000", "start and fire, 1024 at once"],
        "bench_growth": ["handlers 1", "handlers 8", "append 100", "get 100"]}


class Counted:
    """One scenario: {measure: count of one operation}, and {measure: {function or call: its part}}."""

    def __init__(self, scenario):
        self.scenario, self.each, self.parts = scenario, {}, {}

    def take_profiles(self, less, more, operations):
        self.each[INSTRUCTIONS] = (more.instructions - less.instructions) / operations
        self.each[ALLOCATIONS] = counts.allocations_between(less, more) / operations
        self.parts[INSTRUCTIONS] = counts.functions_between(less, more, operations)
        self.parts[ALLOCATIONS] = counts.functions_between(less, more, operations, "callers")

    def take_calls(self, calls):
        self.each[CALLS], self.parts[CALLS] = sum(calls.values()), calls


def toolchain(programs):
    """As cmake found it when it configured the folder of the programs."""
    found = sorted(programs.parent.glob("CMakeFiles/*/CMakeCCompiler.cmake"))
    text = found[-1].read_text() if found else ""
    name, version = (re.search(rf'CMAKE_C_COMPILER_{key} "([^"]*)"', text) for key in ("ID", "VERSION"))
    compiler = f"{name[1]} {version[1].split('.')[0]}" if name and version else "an unknown compiler"
    return f"{compiler}, {os.confstr('CS_GNU_LIBC_VERSION')}, {platform.machine()}"


def serving_scenarios(programs, root):
    """{scenario: (server, drive(operations), few, many)}"""
    def driver(server, tool, name, **fixed):
        return lambda operations: load(programs / tool, server, **fixed, **{name: operations})

    def server_of(program, *words):
        return Server("weir", [programs / program, "--port", 0, "--loops", 1, *words], cpus=ANY_CPUS)

    found = {}
    for scenario, (connections, size, depth, few) in ECHO.items():
        server = server_of("echo_server")
        found[scenario] = (server, driver(server, "bench_echo_load", "messages", connections=connections, size=size,
                                          depth=depth), few, 3 * few)
    for scenario, (size, few) in FILES.items():
        server, path = server_of("file_server", "--root", root), files.make_file(root, size)
        found[scenario] = (server, driver(server, "bench_fetch_load", "requests", path=path.name, size=size), few, 3 * few)
    for scenario, (depth, churn, few) in HELLO.items():
        server = server_of("http_hello")
        found[scenario] = (server, driver(server, "bench_fetch_load", "requests", path="plaintext", size=13, http=1,
                                          depth=depth, churn=churn), few, 3 * few)
    return found


def count_served(scenario, server, drive, few, many):
    result = Counted(scenario)
    profiles = counts.profiles(server, drive, few, many)
    if profiles:
        result.take_profiles(*profiles, many - few)
    calls = counts.system_calls(server, drive, few, many)
    if calls is not None:
        result.take_calls(calls)
    return [result]


def count_rows(program, rows):
    """Rows of one program, in one run of it."""
    if shutil.which("valgrind") is None:
        return []
    rival = rivals.Rival("weir", [program], True)
    rival.rows = {row: rival.rows[row] for row in rows}
    found = []
    with tempfile.TemporaryDirectory() as work:
        for row, (operations, less, more) in rival.profiles(f"{work}/out").items():
            found.append(Counted(f"{program.name.removeprefix('bench_')}: {row}"))
            found[-1].take_profiles(less, more, operations)
    return found


def count_all(programs):
    """Two at a time: nothing here is timed."""
    with tempfile.TemporaryDirectory() as root, concurrent.futures.ThreadPoolExecutor(2) as pool:
        served = serving_scenarios(programs, pathlib.Path(root))
        jobs = [pool.submit(count_served, scenario, *how) for scenario, how in served.items()]
        jobs += [pool.submit(count_rows, programs / program, rows) for program, rows in ROWS.items()]
        return [result for job in jobs for result in job.result()]


def where_of(measure, chain):
    return chain if measure == INSTRUCTIONS else EVERYWHERE


def read(path):
    """{all columns but the last: the last as a number}"""
    if not path.exists():
        return {}
    lines = (line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#"))
    rows = ([word.strip() for word in line.split(" | ")] for line in lines)
    return {tuple(row[:-1]): float(row[-1]) for row in rows}


def write(path, table):
    lines = [" | ".join([*key, f"{value:.3f}".rstrip("0").rstrip(".")]) for key, value in sorted(table.items())]
    path.write_text(f"# {HEAD[path]}\n" + "\n".join(lines) + "\n", encoding="utf-8")


def renew(found, chain):
    """What other toolchains have stays, of the scenarios that still are."""
    names = {result.scenario for result in found}

    def kept(table):
        return {key: value for key, value in table.items() if key[0] in names and key[2] not in (chain, EVERYWHERE)}

    budgets, functions = kept(read(BUDGETS)), kept(read(FUNCTIONS))
    for result in found:
        for measure, value in result.each.items():
            budgets[result.scenario, measure, where_of(measure, chain)] = value
            for name, part in result.parts[measure].items():
                if part >= max(SHOWN_MIN * value, 0.005):
                    functions[result.scenario, measure, where_of(measure, chain), name] = part
    write(BUDGETS, budgets)
    write(FUNCTIONS, functions)


def what_grew(result, measure, functions, chain):
    """The functions that have more than their baseline, those with most first."""
    before = collections.Counter({key[3]: value for key, value in functions.items()
                                  if key[:3] == (result.scenario, measure, where_of(measure, chain))})
    now = collections.Counter(result.parts[measure])
    grown = sorted(((now[name] - before[name], name) for name in {*now, *before}), reverse=True)
    least = max(SHOWN_MIN * result.each[measure], 0.005)
    return [f"        {difference:+10.2f}  {name}  ({before[name]:.2f} -> {now[name]:.2f})"
            for difference, name in grown[:SHOWN_MOST] if difference >= least]


def judge(found, chain):
    """Prints a line a count. Answers how many are over their budgets."""
    budgets, functions, over, unjudged = read(BUDGETS), read(FUNCTIONS), 0, 0
    print(f"{'scenario':44}{'measure':14}{'counted':>12}{'budget':>12}")
    for result in found:
        for measure, value in result.each.items():
            budget = budgets.get((result.scenario, measure, where_of(measure, chain)))
            line = f"{result.scenario:44}{measure:14}{value:12,.2f}"
            if budget is None:
                unjudged += 1
                print(f"{line}{'none':>12}")
            elif value > budget * (1 + SLACK) + SLACK_COUNT:
                over += 1
                more = f"{value / budget - 1:+.1%}" if budget else "none was there"
                print(f"{line}{budget:12,.2f}  OVER, {more}", *what_grew(result, measure, functions, chain), sep="\n")
            else:
                better = value < budget * (1 - SLACK) - SLACK_COUNT
                print(f"{line}{budget:12,.2f}" + ("  better" if better else ""))
    if unjudged:
        print(f"\n{unjudged} counts have no budget, for {chain}; ./dev bench budgets --renew writes them.")
    return over


def main():
    parser = argparse.ArgumentParser(description="Counts against test/bench/budgets.txt.")
    parser.add_argument("--renew", action="store_true", help="what is counted now are the budgets from now on")
    parser.add_argument("--bin", type=pathlib.Path, default=HERE.parents[1] / "build/release/bin")
    options = parser.parse_args()
    programs = options.bin.resolve()
    for tool, what in (("valgrind", "instructions and allocations"), ("strace", "system calls")):
        if shutil.which(tool) is None:
            print(f"There is no {tool}: {what} are not counted.")
    try:
        found, chain = count_all(programs), toolchain(programs)
    except Failed as error:
        raise SystemExit(f"budgets: {error}")
    if options.renew:
        renew(found, chain)
        print(f"{BUDGETS.name} and {FUNCTIONS.name} have what was counted, for {chain}")
        return
    over = judge(found, chain)
    if over:
        raise SystemExit(f"budgets: {over} over. Where that is meant, ./dev bench budgets --renew says so.")
    print("\nbudgets: OK")
