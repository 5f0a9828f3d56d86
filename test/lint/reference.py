"""Everything public is in the reference: Doxygen, run as ./dev docs runs it, has nothing to complain about.

A symbol without a comment is a complaint, and so is a comment that Doxygen cannot read. Needs doxygen.
"""
import pathlib
import re
import subprocess
import tempfile

import _lint

HOUSE = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = [*(f"{module}/include" for module in _lint.MODULES), "test/support/include"]
WARNING = re.compile(r"^(?P<path>[^:]+):(?P<line>\d+): (?:warning|error): (?P<text>.*)")


def settings(root, output):
    folders = " ".join(folder for folder in FOLDERS if (root / folder).is_dir())
    return f"""@INCLUDE = {HOUSE}/docs/Doxyfile
OUTPUT_DIRECTORY = {output}
INPUT = {folders}
USE_MDFILE_AS_MAINPAGE =
FILTER_PATTERNS = *.h="python3 {HOUSE}/docs/doxygen_filter.py"
GENERATE_HTML = NO
GENERATE_XML = YES
XML_PROGRAMLISTING = NO
"""


def check(root, _build):
    root = pathlib.Path(root).resolve()
    with tempfile.TemporaryDirectory() as output:
        run = subprocess.run(["doxygen", "-"], input=settings(root, output), capture_output=True, text=True, cwd=root)
    for line in run.stderr.splitlines():
        match = WARNING.match(line)
        if match:
            path = pathlib.Path(match.group("path"))
            path = path.relative_to(root) if path.is_relative_to(root) else path
            yield path.as_posix(), int(match.group("line")), match.group("text")
        elif line.strip():
            yield "docs/Doxyfile", 1, line
    if run.returncode != 0:
        yield "docs/Doxyfile", 1, f"doxygen ended with {run.returncode}"


def sample(text, name="a"):
    path = f"weir/buffer/{name}.h"
    head = f"/* <{path}> - a header.\n *\n * Layer: buffer.\n */\n#ifndef WEIR_BUFFER_A_H\n#define WEIR_BUFFER_A_H\n"
    return {f"buffer/include/{path}": f"{head}\n{text}\n#endif\n"}


SAMPLES = [
    ("a function", sample("/* Drops <it>. */\nWEIR_API void weir_a_drop(int n);\n"), None),
    ("a block of functions", sample("/* Both. */\nWEIR_API void weir_a_in(int n);\nWEIR_API void weir_a_out(int n);\n"),
     None),
    ("a section", sample("/* All functions of this section: Borrows: nothing. */\n\nWEIR_API void weir_a_in(int n);\n\n"
                         "WEIR_API void weir_a_out(int n);\n"), None),
    ("an inline function", sample("/* One more. */\nstatic inline int weir_a_next(int n) {\n    return n + 1;\n}\n"),
     None),
    ("members", sample("/* A pair. */\ntypedef struct weir_a_pair {\n    int x, y;\n    char *name; /* of it */\n"
                       "} weir_a_pair;\n"), None),
    ("members that speak for all", sample("typedef enum weir_a_way {\n    WEIR_A_IN,  /* into it */\n"
                                          "    WEIR_A_OUT, /* out of it */\n} weir_a_way;\n"), None),
    ("the type of the header", sample("typedef struct weir_lake weir_lake;\n", "lake"), None),
    ("a bare function", sample("WEIR_API void weir_a_drop(int n);\n"), "weir_a_drop"),
    ("bare behind a blank line", sample("/* First. */\nWEIR_API void weir_a_in(int n);\n\n"
                                        "WEIR_API void weir_a_drop(int n);\n"), "weir_a_drop"),
    ("a bare type", sample("typedef struct weir_a_pair {\n    int x;\n    char *name; /* of it */\n} weir_a_pair;\n"),
     "weir_a_pair"),
    ("a bare opaque type", sample("typedef struct weir_other weir_other;\n"), "weir_other"),
    ("a bare macro", sample("#define WEIR_A_MOST 7\n"), "WEIR_A_MOST"),
    ("a bare enum", sample("typedef enum weir_a_way {\n    WEIR_A_IN,\n} weir_a_way;\n"), "weir_a_way"),
    ("a bare variable", sample("WEIR_API extern const int weir_a_level;\n"), "weir_a_level"),
]

if __name__ == "__main__":
    _lint.main(check, SAMPLES)
