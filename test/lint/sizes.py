"""One concept a file, one thought a function: at most 500 lines and 60 lines. Test vectors are exempt."""
import pathlib
import re

import _lint

FILE_MAX = 500
FUNCTION_MAX = 60
OPENING = re.compile(r"^[A-Za-z_][^=;]*\)[^=;()]*\{$|^\{$")
NAME = re.compile(r"(\w+)\s*\(")


def functions(lines):
    """Yields (name, first line, number of lines) of each function: from its signature to its brace."""
    start = opened = None
    signature = ""
    for number, line in enumerate(_lint.without_macros(lines), 1):
        if opened is None:
            if re.match(r"[A-Za-z_]", line) and start is None:
                start, signature = number, ""
            if start is not None:
                signature += line + " "
                if OPENING.match(signature.strip()):
                    opened = start
                elif line.rstrip().endswith(("{", ";")) or not line.strip():
                    start = None
        if opened is not None and line.startswith("}"):
            name = NAME.search(signature)
            yield name.group(1) if name else "?", opened, number - opened + 1
            start = opened = None


def check(root, _build):
    for path, lines in _lint.sources(root, *_lint.MODULES, "examples", "test"):
        if len(lines) > FILE_MAX:
            yield path, FILE_MAX + 1, f"{len(lines)} lines; past {FILE_MAX} it is two concepts"
        for name, line, length in functions(lines):
            if length > FUNCTION_MAX:
                yield path, line, f"{name} has {length} lines; the most is {FUNCTION_MAX}"
    for path in sorted(pathlib.Path(root).glob("test/**/*.py")):
        count = len(path.read_text(encoding="utf-8").splitlines())
        if count > FILE_MAX:
            yield path.relative_to(root).as_posix(), FILE_MAX + 1, f"{count} lines; past {FILE_MAX} it is two concepts"


def body(lines):
    return "    x();\n" * lines


SAMPLES = [
    ("short", {"core/src/a.c": "static int f(void) {\n" + body(58) + "}\n"}, None),
    ("long function", {"core/src/a.c": "static int f(void) {\n" + body(59) + "}\n"}, "f has 61 lines"),
    ("long function over two lines", {"core/src/a.c": "int f(int a,\n      int b) {\n" + body(60) + "}\n"}, "f has 63"),
    ("long test", {"test/core/a_test.c": "Test(a, b) {\n" + body(70) + "}\n"}, "has 72 lines"),
    ("a table is not a function", {"core/src/a.c": "static const int t[] = {\n" + body(90) + "};\n"}, None),
    ("a struct is not a function", {"core/src/a.h": "struct a {\n" + "    int (*f)(void);\n" * 70 + "};\n"}, None),
    ("second function", {"core/src/a.c": "int f(void) {\n}\n\nint g(void) {\n" + body(70) + "}\n"}, "g has 72"),
    ("long file", {"core/src/a.h": "\n" * 501}, "two concepts"),
    ("vectors", {"test/vectors/a.h": "\n" * 900}, None),
]

if __name__ == "__main__":
    _lint.main(check, SAMPLES)
