"""Each guarantee of docs/guarantees.md, and each limit of docs/limits.md, is kept by tests that exist.

A row of a table whose last column is headed `kept by` is numbered from 1 on without a gap (a row 1 begins a list anew)
and names at least one test as `module.file: name`, which is WEIR_TEST(..., name) in test/module/file_test.c.
"""
import pathlib
import re

import _lint

PAGE = "docs/guarantees.md"
LIMITS = "docs/limits.md"
ROW = re.compile(r"^\|\s*(\d+)\s*\|.*\|([^|]*)\|\s*$")
NAMED = re.compile(r"`([^`]*)`")
TEST = re.compile(r"^(\w+)\.(\w+): (\w+)$")


def tests_of(root, module, stem):
    """The names of the tests in one file, or None when there is no such file."""
    path = root / "test" / module / f"{stem}_test.c"
    if not path.is_file():
        return None
    return set(re.findall(r"^WEIR_TEST\(\s*\w+,\s*(\w+)\)", path.read_text(encoding="utf-8"), re.M))


def check_test(root, text):
    match = TEST.match(text)
    if not match:
        return f"`{text}` is no test: write `module.file: name`"
    module, stem, name = match.groups()
    names = tests_of(root, module, stem)
    if names is None:
        return f"test/{module}/{stem}_test.c is not there"
    return None if name in names else f"test/{module}/{stem}_test.c has no test {name}"


def check(root, _build):
    root = pathlib.Path(root)
    if not (root / PAGE).is_file():
        yield PAGE, 1, "is not there"
        return
    yield from check_page(root, PAGE)
    if (root / LIMITS).is_file():
        yield from check_page(root, LIMITS)


def check_page(root, name):
    page = root / name
    rows = 0
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        row = ROW.match(line)
        if not row:
            continue
        rows = 1 if row.group(1) == "1" else rows + 1
        if int(row.group(1)) != rows:
            yield name, number, f"row {row.group(1)} where {rows} was due"
        named = NAMED.findall(row.group(2))
        if not named:
            yield name, number, "a guarantee that no test keeps"
        for text in named:
            message = check_test(root, text)
            if message:
                yield name, number, message
    if rows == 0:
        yield name, 1, "has no guarantees"


def sample(*rows):
    head = "| # | what hurts | rule | kept by |\n|---|---|---|---|\n"
    test = "WEIR_TEST(list, is_empty) {\n}\nWEIR_TEST(list,\n          is_long) {\n}\n// WEIR_TEST(list, is_gone) {\n"
    return {PAGE: head + "".join(f"{row}\n" for row in rows), "test/core/list_test.c": test}


SAMPLES = [
    ("kept", sample("| 1 | a | b | `core.list: is_empty`, `core.list: is_long` |"), None),
    ("two rows", sample("| 1 | a | b | `core.list: is_empty` |", "| 2 | a | b | `core.list: is_long` |"), None),
    ("a code word in the rule", sample("| 1 | a | `close` | `core.list: is_empty` |"), None),
    ("unknown test", sample("| 1 | a | b | `core.list: is_full` |"), "no test is_full"),
    ("commented out", sample("| 1 | a | b | `core.list: is_gone` |"), "no test is_gone"),
    ("unknown file", sample("| 1 | a | b | `core.tree: is_empty` |"), "tree_test.c is not there"),
    ("one of two unknown", sample("| 1 | a | b | `core.list: is_empty`, `core.list: x` |"), "no test x"),
    ("no test", sample("| 1 | a | b | care |"), "no test keeps"),
    ("not a test", sample("| 1 | a | b | `list` |"), "is no test"),
    ("a gap", sample("| 2 | a | b | `core.list: is_empty` |"), "row 2 where 1"),
    ("a gap later",
     sample("| 1 | a | b | `core.list: is_empty` |", "| 3 | a | b | `core.list: is_long` |"), "row 3 where 2"),
    ("two lists", sample("| 1 | a | b | `core.list: is_empty` |", "| 1 | a | b | `core.list: is_long` |"), None),
    ("a gap in the second",
     sample(*[f"| {i} | a | b | `core.list: is_empty` |" for i in (1, 2, 1, 3)]), "row 3 where 2"),
    ("an unknown test of a limit",
     {**sample("| 1 | a | b | `core.list: is_empty` |"), LIMITS: "| 1 | a | b | c | `core.list: is_full` |\n"},
     "no test is_full"),
    ("empty", sample(), "has no guarantees"),
    ("no page", {"README.md": ""}, "is not there"),
]

if __name__ == "__main__":
    _lint.main(check, SAMPLES)
