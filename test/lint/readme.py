"""What the pages say of the tree is true: relative links lead somewhere, copies are copies, walks name functions.

A fenced block behind a line <!-- copy: PATH --> is the text of that file, to the letter; README.md has one of the
echo server. A table with the columns `where` and `function` (docs/architecture.md) names, row by row, a source file
below the page's <!-- sources: FOLDER --> and functions that stand in it.
"""
import pathlib
import re

import _lint
from _markdown import pages, parse

LINK = re.compile(r"\[[^\]]*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)|^\s*\[[^\]]+\]:\s+(\S+)")
COPY = re.compile(r"^<!-- copy: (\S+) -->$")
SOURCES = re.compile(r"^<!-- sources: (\S+) -->$")
CODE = re.compile(r"`([^`]*)`")
SHOWN = "examples/echo_server/echo_server.c"


def anchors(text):
    """The names GitHub gives to the headings of a page."""
    for _, line in parse(text)[1]:
        if line.startswith("#"):
            heading = re.sub(r"[^\w\- ]", "", line.lstrip("#").strip().lower())
            yield heading.replace(" ", "-")


def check_links(root, page, text):
    for number, line in parse(text)[1]:
        for match in LINK.finditer(CODE.sub("", line)):
            target = match.group(1) or match.group(2)
            path, _, anchor = target.partition("#")
            if re.match(r"[a-z][a-z0-9+.-]*:", target):
                continue
            place = (root / page).parent / path if path else root / page
            if not place.exists():
                yield page, number, f"{target} leads nowhere"
            elif anchor and place.suffix == ".md" and anchor not in anchors(place.read_text(encoding="utf-8")):
                yield page, number, f"{target}: no such heading"


def check_copies(root, page, text):
    copies = set()
    for block in parse(text)[0]:
        match = COPY.match(block.before)
        if not match:
            continue
        copies.add(match.group(1))
        file = root / match.group(1)
        if not file.is_file():
            yield page, block.line, f"a copy of {match.group(1)}, which is not there"
            continue
        theirs, ours = file.read_text(encoding="utf-8").splitlines(), block.text.splitlines()
        for number, (a, b) in enumerate(zip([*theirs, None], [*ours, None]), 1):
            if a != b:
                yield page, block.line + number, f"differs from {match.group(1)}:{number}"
                break
    if page == "README.md" and SHOWN not in copies:
        yield page, 1, f"shows {SHOWN} whole, and says so by <!-- copy: {SHOWN} -->"


def cells(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")] if line.lstrip().startswith("|") else []


def check_walks(root, page, text):
    folder, columns = root, []
    for number, line in parse(text)[1]:
        if SOURCES.match(line):
            folder = root / SOURCES.match(line).group(1)
        row = cells(line)
        if not row or {"where", "function"} <= set(row):
            columns = row
        elif columns and not set(row[0]) <= set(":- "):
            named = dict(zip(columns, row))
            for place in CODE.findall(named["where"]):
                source = folder / place
                code = source.read_text(encoding="utf-8") if source.is_file() else ""
                if not code:
                    yield page, number, f"{place} is not there"
                for name in CODE.findall(named["function"]) if code else []:
                    if not re.search(rf"\b{re.escape(name)}\b", code):
                        yield page, number, f"{name} is not in {place}"


def check(root, _build):
    root = pathlib.Path(root)
    for page, text in pages(root):
        for rule in (check_links, check_copies, check_walks):
            yield from rule(root, page, text)


def sample(text, page="docs/a.md", **more):
    return {page: text, "docs/b.md": "# Two words\n", "src/a.c": "int f(void) {\n    return 1;\n}\n", **more}


def walk(where, function):
    return sample(f"<!-- sources: src -->\n\n| # | where | function |\n|---|---|---|\n| 1 | {where} | {function} |\n")


ECHO = {SHOWN: "int a;\n\nint b;\n"}
SHOWS = f"# weir\n\n<!-- copy: {SHOWN} -->\n\n```c\n%s```\n"

SAMPLES = [
    ("links that lead somewhere", sample("[a](b.md) [b](../src/a.c) [c](b.md#two-words) [d](#e)\n\n# E\n"), None),
    ("links elsewhere", sample("[a](https://example.org/x.md) [b](mailto:a@example.org)\n"), None),
    ("no link at all", sample("`[a](c.md)`\n\n```\n[a](c.md)\n```\n"), None),
    ("a broken link", sample("[a](c.md)\n"), "c.md leads nowhere"),
    ("a broken reference", sample("[a]\n\n[a]: c.md\n"), "c.md leads nowhere"),
    ("a broken anchor", sample("[a](b.md#three)\n"), "no such heading"),
    ("a page of the build", sample("[a](c.md)\n", "build/dev/a.md"), None),
    ("a copy", sample(SHOWS % "int a;\n\nint b;\n", "README.md", **ECHO), None),
    ("a copy that differs", sample(SHOWS % "int a;\n\nint c;\n", "README.md", **ECHO), "echo_server.c:3"),
    ("a copy that ends early", sample(SHOWS % "int a;\n", "README.md", **ECHO), "differs from"),
    ("a copy that goes on", sample(SHOWS % "int a;\n\nint b;\nint c;\n", "README.md", **ECHO), "echo_server.c:4"),
    ("a copy of nothing", sample("<!-- copy: src/b.c -->\n```c\nint f(void) {\n```\n"), "which is not there"),
    ("no echo server", sample("# weir\n", "README.md", **ECHO), "whole"),
    ("a walk", walk("`a.c`", "`f`"), None),
    ("a walk by a file that is gone", walk("`b.c`", "`f`"), "b.c is not there"),
    ("a walk by a function that is gone", walk("`a.c`", "`f`, `g`"), "g is not in a.c"),
    ("another table", sample("| where | what |\n|---|---|\n| `b.c` | `g` |\n"), None),
]

if __name__ == "__main__":
    _lint.main(check, SAMPLES)
