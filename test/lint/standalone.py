"""Each public header compiles alone: as strict C17, and as C++17 where there is a C++ compiler."""
import concurrent.futures
import os
import pathlib
import shutil
import subprocess

import _lint

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror", "-fsyntax-only"]


def compilers():
    yield [os.environ.get("CC", "cc"), "-std=c17", "-x", "c"]
    cxx = os.environ.get("CXX", "c++")
    if shutil.which(cxx):
        yield [cxx, "-std=c++17", "-x", "c++"]


def compile_alone(job):
    command, includes, header = job
    # Twice, so that a missing include guard is seen as well.
    text = f"#include <{header}>\n#include <{header}>\ntypedef int weir_used;\n"
    run = subprocess.run([*command, *WARNINGS, *includes, "-"], input=text, capture_output=True, text=True)
    return run.returncode, run.stderr


def check(root, _build):
    root = pathlib.Path(root).resolve()
    includes = [f"-I{root / module / 'include'}" for module in _lint.MODULES]
    jobs = []
    for module in _lint.MODULES:
        for path in sorted((root / module / "include").rglob("*.h")):
            header = path.relative_to(root / module / "include").as_posix()
            for command in compilers():
                jobs.append((command, includes, header))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for (command, _, header), (code, errors) in zip(jobs, pool.map(compile_alone, jobs)):
            if code != 0:
                first = next((e for e in errors.splitlines() if "error:" in e), errors.strip())
                yield header, 0, f"does not compile alone with {command[1]}: {first}"


def sample(text):
    return {"core/include/weir/core/a.h": text}


SAMPLES = [
    ("complete", sample("#ifndef A\n#define A\n#include <stddef.h>\nsize_t weir_a(void);\n#endif\n"), None),
    ("needs another first", sample("#ifndef A\n#define A\nsize_t weir_a(void);\n#endif\n"), "does not compile alone"),
    ("no guard", sample("struct weir_a {\n    int b;\n};\n"), "does not compile alone"),
    ("a warning", sample("#ifndef A\n#define A\nstatic inline char weir_a(int b) { return b; }\n#endif\n"),
     "does not compile alone"),
]

if __name__ == "__main__":
    _lint.main(check, SAMPLES)
