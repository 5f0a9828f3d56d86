"""The limits that SECURITY.md and docs/limits.md promise are those of the code.

In SECURITY.md a row of a table headed `| limit | option | default | ...` names options in backticks, with the headers that have
them in parentheses (or it is the header of the row above), and as many defaults: `64 KiB, 10 s`, `1 048 576`, `2^63 - 1`.
Without a number (none, must be said) the code may have no default either.

In docs/limits.md, in the column `what stops it, and its default`, `weir_type.option` or `option` followed by a number is the
same, of that type or of any that has it; every other name in backticks is somewhere in a public header.

What the code does when an option is zero it says in one of a few ways (DEFAULTS); names of constants are looked up.
"""
import pathlib
import re

import _lint

TABLES = "SECURITY.md"
PROSE = "docs/limits.md"
UNITS = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "s": 1000}  # times are compared in milliseconds
NUMBER = r"(2\^63 - 1|\d+(?: \d{3})*)(?: (KiB|MiB|GiB|s)\b)?"
DEFAULTS = [r"DEFAULT_TO\(%s, (.+)\);", r"(?:or_default|default_to)\(&?[\w.>-]*\b%s, ([^()]+)\)",
            r"\b%s == 0(?: \|\| [^)]*)?\) .*\b%s = (.+);", r"\b%s == 0 \? (.+?) :", r"\b%s != 0 \? .+ : (.+?)\)*[,;]"]
KNOWN = {"INT64_MAX": 2**63 - 1, "UINT64_MAX": 2**64 - 1, "UINT_MAX": 2**32 - 1, "SIZE_MAX": 2**64 - 1}


class Code:
    def __init__(self, root):
        self.headers = {}  # name -> text
        self.files = {}    # path -> text
        for path, lines in _lint.sources(root, *[m + "/include" for m in _lint.MODULES]):
            self.headers[pathlib.Path(path).name] = "\n".join(lines)
        for path, lines in _lint.sources(root, *[m + "/src" for m in _lint.MODULES]):
            self.files[path] = "\n".join(lines)

    def has_option(self, header, option):
        member = rf"^    [\w *]+?\b(?:\w+, )*{option}(?:, \w+)*;"
        return re.search(member, self.headers.get(header, ""), re.M) is not None

    def header_of_type(self, name):
        return next((h for h, text in self.headers.items() if re.search(rf"^}} {name};", text, re.M)), None)

    def value(self, expression, path):
        """A number, or None when it is not one."""
        expression = re.sub(r"UINT64_C\((\d+)\)|\b(\d+)[uUlL]+\b", lambda m: m[1] or m[2], expression)
        field = re.fullmatch(r"[\w.>-]+(?:->|\.)(\w+)", expression)
        if field:
            return next(iter(self.defaults_in(path, field[1])), None)
        for name in set(re.findall(r"\b[A-Z]\w+\b", expression)):
            value = KNOWN.get(name)
            if value is None:
                found = re.search(rf"^#define {name} (.+?)(?: /\*.*)?$|^ +{name} = (.+?),?(?: */\*.*)?$", self.files[path], re.M)
                value = found and self.value(found[1] or found[2], path)
            if value is None:
                return None
            expression = re.sub(rf"\b{name}\b", str(value), expression)
        return eval(expression) if re.fullmatch(r"[\d ()*+<-]+", expression) else None  # digits and operators only

    def defaults_in(self, path, option):
        for pattern in DEFAULTS:
            for match in re.finditer(pattern.replace("%s", option), self.files[path]):
                value = self.value(match[1], path)
                if value is not None:
                    yield value

    def defaults(self, header, option):
        """What the code of this header takes for zero: of its own files, or of any when they say nothing."""
        stem = header.removesuffix(".h")
        others = [h.removesuffix(".h") for h in self.headers if h.startswith(stem + "_")]
        own = [p for p in self.files if re.fullmatch(rf"(\w+_)?{stem}(_\w+)?\.c", pathlib.Path(p).name)
               and not pathlib.Path(p).name.startswith(tuple(others or "/"))]
        found = {v for p in own for v in self.defaults_in(p, option)}
        return found or {v for p in self.files if stem.endswith("_options") for v in self.defaults_in(p, option)}


def number(text):
    match = re.match(NUMBER, text)
    if not match:
        return None
    plain = 2**63 - 1 if match[1].startswith("2^") else int(match[1].replace(" ", ""))
    return plain * UNITS.get(match[2], 1)


def compare(code, header, option, wanted):
    found = code.defaults(header, option)
    if wanted is None and found - {2**64 - 1}:
        return f"`{option}` ({header}) has a default: {sorted(found)}"
    if wanted is not None and found != {wanted}:
        return f"`{option}` ({header}) is {sorted(found) or 'nothing'} in the code, not {wanted}"
    return None


def check_row(code, headers, options, cell):
    unknown = [h for h in headers if h not in code.headers]
    if unknown:
        yield f"{unknown[0]} is no public header"
        return
    texts = cell.split(", ") if re.match(NUMBER, cell) else [""] * len(options)
    if len(texts) < len(options):
        yield f"{len(options)} options and {len(texts)} defaults"
        return
    for option, text in zip(options, texts):
        having = [h for h in headers if code.has_option(h, option)]
        if not having:
            yield f"`{option}` is no option in {', '.join(headers) or 'any header'}"
        for header in having:
            wrong = compare(code, header, option, number(text))
            if wrong:
                yield wrong


def check_tables(root, code):
    inside, headers = False, []
    for line, text in enumerate((root / TABLES).read_text(encoding="utf-8").splitlines(), 1):
        cells = [cell.strip() for cell in text.strip("|").split("|")]
        inside = text.startswith("|") and (inside or cells[:3] == ["limit", "option", "default"])
        if not inside or len(cells) < 3 or cells[1] in ("", "option") or set(cells[1]) == {"-"}:
            continue
        names = re.findall(r"`([\w.]+)`", cells[1])
        own = [name for name in names if name.endswith(".h")]
        headers = own or headers
        options = [name.rsplit(".", 1)[-1] for name in names if not name.endswith(".h")]
        for wrong in check_row(code, headers, options, cells[2]):
            yield TABLES, line, wrong


def check_promise(code, type_name, option, wanted):
    header = code.header_of_type(type_name) if type_name else None
    if type_name and header is None:
        return f"{type_name} is no public type"
    having = [h for h in ([header] if header else code.headers) if code.has_option(h, option)]
    if not having:
        return f"`{option}` is no option in {header or 'any header'}"
    wrong = [compare(code, h, option, wanted) for h in having]
    return None if None in wrong else wrong[0]


def check_prose(root, code):
    known = set(re.findall(r"\w+", " ".join(code.headers.values())))
    for line, text in enumerate((root / PROSE).read_text(encoding="utf-8").splitlines(), 1):
        cells = text.split("|")
        if not re.match(r"^\|\s*\d+\s*\|", text) or len(cells) < 6:
            continue
        promises = re.finditer(rf"`(?:(weir_\w+)\.)?(\w+)`,? \(?(?={NUMBER})(.{{1,24}})", cells[3])
        for match in promises:
            if re.match(r"0: ", match[5]):
                continue
            wrong = check_promise(code, match[1], match[2], number(match[5]))
            if wrong:
                yield PROSE, line, wrong
        for name in re.findall(r"`([\w.]+)`", cells[3]):
            if name.endswith(".h") and name not in code.headers:
                yield PROSE, line, f"{name} is no public header"
            if not name.endswith(".h") and not set(name.split(".")) <= known:
                yield PROSE, line, f"`{name}` is in no public header"


def check(root, _build):
    root, code = pathlib.Path(root), Code(root)
    if (root / TABLES).is_file():
        yield from check_tables(root, code)
    if (root / PROSE).is_file():
        yield from check_prose(root, code)


HEADER = {"transport/include/weir/transport/a.h": "typedef struct weir_a_options {\n    size_t most; /* 64 KiB */\n"
          "    unsigned wait_ms, slow_ms;\n    bool on;\n} weir_a_options;\n"}
SOURCE = {"transport/src/a.c": "#define WAIT (2 * 1000)\nenum {\n    SLOW = 500 /* ms */\n};\n"
          "void f(void) {\n    DEFAULT_TO(most, 64u << 10);\n    if (o->wait_ms == 0) own->wait_ms = WAIT;\n"
          "    self->slow = or_default(o->slow_ms, SLOW);\n}\n"}


def security(option, default):
    return {**HEADER, **SOURCE, TABLES: f"| limit | option | default | over it |\n|---|---|---|---|\n| x | {option} | {default} | y |\n"}


def limits(text):
    return {**HEADER, **SOURCE, PROSE: f"| # | attack | stops | costs | kept |\n|---|---|---|---|---|\n| 1 | x | {text} | y | z |\n"}


SAMPLES = [
    ("as the code says", security("`most` (`a.h`)", "64 KiB"), None),
    ("several of them", security("`wait_ms`, `slow_ms` (`a.h`)", "2 s, 500"), None),
    ("another value", security("`most` (`a.h`)", "32 KiB"), "not 32768"),
    ("another time", security("`wait_ms` (`a.h`)", "3 s"), "[2000]"),
    ("the second of two", security("`wait_ms`, `slow_ms` (`a.h`)", "2 s, 501"), "not 501"),
    ("no such option", security("`least` (`a.h`)", "1"), "is no option in a.h"),
    ("no such header", security("`most` (`b.h`)", "64 KiB"), "b.h is no public header"),
    ("a default too few", security("`wait_ms`, `slow_ms` (`a.h`)", "2 s"), "2 options and 1 defaults"),
    ("one that has none", security("`on` (`a.h`)", "none"), None),
    ("one that has one", security("`most` (`a.h`)", "none"), "has a default"),
    ("prose as the code says", limits("`weir_a_options.most`, 64 KiB; then `wait_ms` 2 s: ends, `a.h`"), None),
    ("prose with another value", limits("`weir_a_options.most` (65 KiB)"), "not 66560"),
    ("prose without a type", limits("after `slow_ms` 400"), "not 400"),
    ("prose of no such type", limits("`weir_b.most` 64 KiB"), "weir_b is no public type"),
    ("prose of no such name", limits("by `hope`"), "is in no public header"),
    ("prose of no such header", limits("by `hope.h`"), "hope.h is no public header"),
]

if __name__ == "__main__":
    _lint.main(check, SAMPLES)
