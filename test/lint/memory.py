"""Each public function has been seen short of memory, or never asks for any.

test/lint/memory.txt has a row for each public function of the headers:

    weir_buf_slice      refused   buffer.buf_oom      memory was refused to it; in this program, among others
    weir_bytes_find     quiet                         in all tests, it never asked for memory
    weir_check_failed   why       it ends the program a reason in words, for what a test cannot do

`./dev memory [-R NAMES]` runs the tests with WEIR_ALLOC_TRACE, which notes the functions on the stack at each allocation and at each
refused one (test/support/src/alloc_trace.h), and writes the rows anew; of what did not run they stay: a function that asks and is never refused has no
row, which is a finding until a sweep goes through it.
"""
import bisect
import collections
import pathlib
import re
import subprocess
import sys

import _lint
import headers

TABLE = "test/lint/memory.txt"
ROW = re.compile(r"^(weir_\w+) +(refused +(\w+)\.(\w+)|quiet|why +\S.*)$")


def public_functions(root):
    """name -> header, for what the public headers declare."""
    found = {}
    for path, lines in _lint.sources(root, *[m + "/include" for m in _lint.MODULES]):
        for _, statement, _, _ in headers.declarations(lines):
            match = headers.FUNCTION.match(statement)
            if match and "=" not in match.group("type"):
                found.setdefault(match.group("name"), path)
    return found


def rows_of(root):
    """(line number, text, match) of each row."""
    page = pathlib.Path(root) / TABLE
    if not page.is_file():
        return
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if line and not line.startswith("#"):
            yield number, line, ROW.match(line)


def check(root, _build):
    functions, seen = public_functions(root), set()
    for number, line, match in rows_of(root):
        if not match:
            yield TABLE, number, f"no row: {line}"
            continue
        name, what, module, stem = match.groups()
        if name in seen:
            yield TABLE, number, f"{name} has a row already"
        seen.add(name)
        if name not in functions:
            yield TABLE, number, f"{name} is no public function"
        if module and not (pathlib.Path(root) / f"test/{module}/{stem}_test.c").is_file():
            yield TABLE, number, f"there is no test/{module}/{stem}_test.c"
    for name in sorted(set(functions) - seen):
        yield functions[name], 1, f"{name} has no row in {TABLE}: sweep it (weir_oom_sweep), then ./dev memory"


# ---- writing it anew ----


def symbols(program):
    """Addresses and names of the functions of a program."""
    listed = subprocess.run(["nm", "-n", "--defined-only", program], capture_output=True, text=True, check=False)
    pairs = [line.split() for line in listed.stdout.splitlines()]
    pairs = [(int(p[0], 16), p[2]) for p in pairs if len(p) == 3 and p[1] in "tTwW"]
    return [p[0] for p in pairs], [p[1] for p in pairs]


def traced(folder):
    """("asked" or "refused") -> name -> programs."""
    found = {"asked": collections.defaultdict(set), "refused": collections.defaultdict(set)}
    tables, places = {}, collections.defaultdict(set)
    for path in pathlib.Path(folder).iterdir():
        for line in path.read_text(encoding="utf-8").splitlines():
            what, program, offset = line.split()
            places[program].add((what, int(offset, 16)))
    for program, pairs in places.items():
        name = pathlib.Path(program).name
        if not name.startswith("test_"):
            continue
        tables[program] = addresses, names = symbols(program)
        for what, offset in pairs:
            at = bisect.bisect_right(addresses, offset) - 1
            if at >= 0:
                found[what][names[at]].add(name.removeprefix("test_").replace("_", ".", 1))
    return found


def write(root, folder):
    root = pathlib.Path(root)
    page = root / TABLE
    old = {match.group(1): line for _, line, match in rows_of(root) if match}
    head = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("#")] if page.is_file() else []
    found, rows, lacking = traced(folder), [], []
    for name in sorted(public_functions(root)):
        if found["refused"][name]:
            rows.append(f"{name:50} refused {min(found['refused'][name])}")
        elif name in old and not (found["asked"][name] and old[name].endswith(" quiet")):
            rows.append(old[name])
        elif found["asked"][name]:
            lacking.append(f"{name} ({', '.join(sorted(found['asked'][name])[:3])})")
        else:
            rows.append(f"{name:50} quiet")
    page.write_text("\n".join(head + rows) + "\n", encoding="utf-8")
    print(f"{len(rows)} rows; {sum(' refused ' in row for row in rows)} were refused memory")
    for line in lacking:
        print(f"asks and was never refused: {line}")
    return 1 if lacking else 0


HEADER = "#define WEIR_API\n/* Makes one. Gives: it. */\nWEIR_API int *weir_a_new(int n);\n"
SAMPLES = [
    ("complete", {"core/include/weir/core/a.h": HEADER, TABLE: "weir_a_new refused core.a\n", "test/core/a_test.c": ""}, None),
    ("quiet", {"core/include/weir/core/a.h": HEADER, TABLE: "weir_a_new quiet\n"}, None),
    ("missing", {"core/include/weir/core/a.h": HEADER, TABLE: "# empty\n"}, "weir_a_new has no row"),
    ("gone", {"core/include/weir/core/a.h": "", TABLE: "weir_a_new quiet\n"}, "no public function"),
    ("no test", {"core/include/weir/core/a.h": HEADER, TABLE: "weir_a_new refused core.a\n"}, "there is no"),
    ("no reason", {"core/include/weir/core/a.h": HEADER, TABLE: "weir_a_new why\n"}, "no row"),
]

if __name__ == "__main__":
    if "--trace" in sys.argv:
        at = sys.argv.index("--trace")
        sys.exit(write(sys.argv[at + 1], sys.argv[at + 2]))
    _lint.main(check, SAMPLES)
