"""Reading Markdown as the rules need it: the pages of a tree, their fenced blocks, and the lines between those."""
import pathlib
import re
from typing import NamedTuple

FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})\s*([\w+-]*)")


class Block(NamedTuple):
    line: int      # of the opening fence
    language: str
    text: str
    before: str    # the last line of prose in front of it that is not blank


def pages(root, folder="."):
    """All pages below `folder` as (path relative to root, text); hidden folders and build/ are not of the tree."""
    root = pathlib.Path(root)
    for path in sorted((root / folder).rglob("*.md")):
        parts = path.relative_to(root).parts
        if parts[0] != "build" and not any(part.startswith(".") for part in parts):
            yield path.relative_to(root).as_posix(), path.read_text(encoding="utf-8")


def parse(text):
    """The page as (blocks, prose): its fenced blocks, and its other lines as (line number, line)."""
    found, prose, opened, before = [], [], None, ""
    for number, line in enumerate(text.splitlines(), 1):
        fence = FENCE.match(line)
        if opened is None and fence is None:
            prose.append((number, line))
            before = line.strip() or before
        elif opened is None:
            opened, start, lines = fence, number, []
        elif fence and fence.group(1).startswith(opened.group(1)) and not fence.group(2):
            found.append(Block(start, opened.group(2), "".join(lines), before))
            opened, before = None, ""
        else:
            lines.append(line + "\n")
    return found, prose
