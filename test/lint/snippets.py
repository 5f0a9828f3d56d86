"""The examples in docs/ compile: each ```c block alone, as strict C17, behind weir's umbrella headers.

A block stands at file scope. What is not meant for a compiler is fenced without a language, or as another one.
"""
import concurrent.futures
import os
import pathlib
import subprocess

import _lint
from _markdown import pages, parse

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror", "-Wno-unused-function",
            "-Wno-unused-const-variable", "-fsyntax-only"]
PREAMBLE = """#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir/codec.h>
#include <weir/transport.h>
"""


def compile_block(job):
    command, page, block = job
    text = f'{PREAMBLE}#line {block.line + 1} "{page}"\n{block.text}'
    run = subprocess.run(command, input=text, capture_output=True, text=True)
    return run.returncode, run.stderr


def check(root, _build):
    root = pathlib.Path(root).resolve()
    folders = [*(root / module / "include" for module in _lint.MODULES), root / "test/support/include"]
    compiler = [os.environ.get("CC", "cc"), "-std=c17", "-DWEIR_TEST_PLAIN_RUNNER", *WARNINGS]
    command = [*compiler, *(f"-I{folder}" for folder in folders), "-x", "c", "-"]
    jobs = [(command, page, block) for page, text in pages(root, "docs")
            for block in parse(text)[0] if block.language == "c"]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for (_, page, block), (code, errors) in zip(jobs, pool.map(compile_block, jobs)):
            if code != 0:
                first = next((e for e in errors.splitlines() if "error:" in e), errors.strip())
                yield page, block.line, f"does not compile: {first}"


def sample(text):
    headers = {f"{name.split('/')[0]}/include/weir/{name.split('/')[1]}": "#include <stddef.h>\n"
               for name in ("transport/transport.h", "codec/codec.h")}
    return {**headers, "docs/a.md": text}


SAMPLES = [
    ("compiles", sample("# A\n\n```c\nint f(void) {\n    return 1;\n}\n```\n"), None),
    ("another language", sample("```\nnot C\n```\n\n```sh\nnot C\n```\n"), None),
    ("does not compile", sample("```c\nint f(void) {\n    return g();\n}\n```\n"), "does not compile"),
    ("a warning", sample("```c\nchar f(int b) {\n    return b;\n}\n```\n"), "does not compile"),
    ("the second block", sample("```c\nint a;\n```\n\n```c\nint\n```\n"), "does not compile"),
]

if __name__ == "__main__":
    _lint.main(check, SAMPLES)
