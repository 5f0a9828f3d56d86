"""What leaves the libraries is weir's: shared ones export weir_* and nothing else, and neither they nor the static
ones bring a malloc along; nothing runs when a program that links them loads. (Static ones get their other names prefixed when installed; test/install looks.)"""
import os
import pathlib
import re
import subprocess

import _lint

ALLOWED = re.compile(r"^weir_")
# Reads WEIR_LEAK_TRACK from the environment and does nothing else.
MAY_RUN_AT_LOAD = "leak_track.c.o"
ALLOCATOR = re.compile(r"^(malloc|calloc|realloc|free|memalign|posix_memalign|aligned_alloc|valloc|cfree|_Z\w+)$")


def symbols(path, *options):
    out = subprocess.run(["nm", *options, "--defined-only", str(path)], check=True, capture_output=True, text=True)
    for line in out.stdout.splitlines():
        fields = line.split()
        if len(fields) == 3:
            yield fields[1], fields[2].split("@")[0]


def run_at_load(archive):
    """The members of a static library that have a constructor."""
    out = subprocess.run(["readelf", "-SW", str(archive)], check=True, capture_output=True, text=True)
    member = str(archive)
    for line in out.stdout.splitlines():
        if line.startswith("File: "):
            member = line[len("File: "):].rpartition("(")[2].rstrip(")")
        elif re.search(r"\s\.(init_array|ctors)", line):
            yield member


def check(root, build):
    build = pathlib.Path(build)
    folders = [build / module for module in _lint.MODULES]
    libraries = [p for folder in folders for p in sorted(folder.glob("libweir-*.so")) + sorted(folder.glob("*.a"))]
    if not libraries:
        yield build, 0, "no libraries were built"
    for path in libraries:
        shared = path.suffix == ".so"
        for member in [] if shared else run_at_load(path):
            if member != MAY_RUN_AT_LOAD:
                yield path, 0, f"{member} has a constructor: linking must not run anything"
        for kind, name in symbols(path, "-D") if shared else symbols(path, "-g"):
            if ALLOCATOR.match(name):
                yield path, 0, f"defines {name}: the host's allocator would be replaced"
            elif shared and name.startswith("weir_je_"):
                yield path, 0, f"exports {name}: the private jemalloc must stay private"
            elif shared and not ALLOWED.match(name):
                yield path, 0, f"exports {name} ({kind}): not a name of weir"


def compiled(root, source):
    """`source` as the shared and the static library of core in <root>/build."""
    folder = pathlib.Path(root) / "build" / "core"
    folder.mkdir(parents=True)
    cc = os.environ.get("CC", "cc")
    (folder / "a.c").write_text(source)
    subprocess.run([cc, "-w", "-fPIC", "-fno-builtin", "-c", "a.c", "-o", "a.o"], cwd=folder, check=True)
    subprocess.run([cc, "-shared", "a.o", "-o", "libweir-core.so"], cwd=folder, check=True)
    subprocess.run(["ar", "rcs", "libweir-core.a", "a.o"], cwd=folder, check=True)


def check_sample(root, build):
    compiled(root, (pathlib.Path(root) / "sample.c").read_text())
    yield from check(root, build)


SAMPLES = [
    ("clean", {"sample.c": "static int helper(void) { return 1; }\nint weir_x(void) { return helper(); }\n"}, None),
    ("a stray name", {"sample.c": "int helper(void) { return 1; }\n"}, "exports helper"),
    ("a stray variable", {"sample.c": "int weir_x = 1;\nint counter = 1;\n"}, "exports counter"),
    ("an allocator", {"sample.c": "void *malloc(unsigned long n) { return (void *)n; }\n"}, "defines malloc"),
    ("a constructor", {"sample.c": "__attribute__((constructor)) static void f(void) {}\n"}, "has a constructor"),
    ("the private jemalloc", {"sample.c": "int weir_je_mallocx(void) { return 1; }\n"}, "exports weir_je_mallocx"),
]

if __name__ == "__main__":
    import sys
    _lint.main(check_sample if "--self-test" in sys.argv else check, SAMPLES)
