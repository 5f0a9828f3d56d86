"""What a hardened build (preset release) makes is hardened: every program is position independent, binds at start and
keeps its tables and its stack from being written or run; every object of the libraries has a guarded stack, probes
large frames and marks where jumps may go (x86), and calls into libc are checked where their room is known."""
import os
import pathlib
import platform
import re
import subprocess

import _lint

OBJECT_FLAGS = ["-fstack-protector-strong", "-fstack-clash-protection"]
X86_FLAG = "-fcf-protection"
JEMALLOC = "weir_jemalloc.o"  # the system's, as it came


def readelf(path, *options):
    out = subprocess.run(["readelf", "-W", *options, str(path)], check=True, capture_output=True, text=True)
    return out.stdout


def is_elf(path):
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


def check_linked(path, is_program):
    dynamic, segments = readelf(path, "-d"), readelf(path, "-lh")
    if "BIND_NOW" not in dynamic and not re.search(r"FLAGS_1.*\bNOW\b", dynamic):
        yield path, 0, "does not bind at start (-z now)"
    if "GNU_RELRO" not in segments:
        yield path, 0, "its tables can be written (-z relro)"
    stack = re.search(r"GNU_STACK.*", segments)
    if stack is None or re.search(r"\sRWE\s", stack.group()):
        yield path, 0, "its stack can be run (-z noexecstack)"
    if is_program and not re.search(r"FLAGS_1.*\bPIE\b", dynamic):
        yield path, 0, "is not position independent (-pie)"


def compiled_with(archive):
    """(member, the options it was compiled with) out of the debug information; gcc writes them there."""
    member = str(archive)
    for line in readelf(archive, "--debug-dump=info", "--dwarf-depth=1").splitlines():
        if line.startswith("File: "):
            member = line[len("File: "):].rpartition("(")[2].rstrip(")")
        elif "DW_AT_producer" in line:
            yield member, line


def check_archive(path, is_x86):
    wanted = OBJECT_FLAGS + ([X86_FLAG] if is_x86 else [])
    seen = 0
    for member, options in compiled_with(path):
        if "GNU C" not in options:
            continue  # assembler, or a compiler that does not tell
        seen += 1
        for flag in wanted:
            if flag not in options:
                yield path, 0, f"{member} was compiled without {flag}"
    names = readelf(path, "-s")
    if "__stack_chk_fail" not in names:
        yield path, 0, "no function of it has a guarded stack (-fstack-protector-strong)"
    if seen > 0 and is_x86 and re.search(r"^File: ", readelf(path, "-n"), re.M):
        for member in re.split(r"^File: ", readelf(path, "-n"), flags=re.M)[1:]:
            if "IBT, SHSTK" not in member and JEMALLOC not in member:
                yield path, 0, f"{member.splitlines()[0]} does not mark where jumps may go (-fcf-protection)"


def has_checked_calls(archive):
    return re.search(r"UND __(?!stack)\w+_chk$", readelf(archive, "-s"), re.M) is not None


def check(root, build, is_x86=platform.machine() == "x86_64"):
    build = pathlib.Path(build)
    programs = [p for p in sorted((build / "bin").glob("*")) if p.is_file() and is_elf(p)]
    folders = [build / module for module in _lint.MODULES]
    shared = [p for folder in folders for p in sorted(folder.glob("libweir-*.so"))]
    archives = [p for folder in folders for p in sorted(folder.glob("libweir-*.a"))]
    if not archives:
        yield build, 0, "no libraries were built"
    elif not any(has_checked_calls(path) for path in archives):
        yield build, 0, "no call into libc is checked (_FORTIFY_SOURCE)"
    for path in programs + shared:
        yield from check_linked(path, path in programs)
    for path in archives:
        yield from check_archive(path, is_x86)


# ---- samples: a library and a program made with the options in the comment at their top --------------------------

SOURCE = """// compile: {compile}
// link: {link}
#include <stdio.h>
#include <string.h>
int main(int argc, char **argv) {{
    char text[64];
    memcpy(text, argv[0], (size_t)argc);
    return puts(text);
}}
"""
COMPILE = "-O2 -g -fPIE -fstack-protector-strong -fstack-clash-protection -D_FORTIFY_SOURCE=2" + \
    (" -fcf-protection" if platform.machine() == "x86_64" else "")
LINK = "-pie -Wl,-z,relro,-z,now,-z,noexecstack"


def check_sample(root, build):
    build = pathlib.Path(build)
    lines = (pathlib.Path(root) / "sample.c").read_text().splitlines()
    compile_options, link_options = (line.split(":", 1)[1].split() for line in lines[:2])
    cc = os.environ.get("CC", "cc")
    for folder in ("bin", "core"):
        (build / folder).mkdir(parents=True)
    subprocess.run([cc, *compile_options, "-c", "sample.c", "-o", "sample.o"], cwd=root, check=True)
    subprocess.run([cc, "sample.o", *link_options, "-o", str(build / "bin" / "sample")], cwd=root, check=True,
                   stderr=subprocess.DEVNULL)
    subprocess.run(["ar", "rcs", str(build / "core" / "libweir-core.a"), "sample.o"], cwd=root, check=True)
    yield from check(root, build)


def sample(without_compile="", without_link="", more_compile="", more_link=""):
    compile_options = " ".join([option for option in COMPILE.split() if option != without_compile] + [more_compile])
    link = LINK.replace(without_link, "") if without_link else LINK
    return {"sample.c": SOURCE.format(compile=compile_options, link=f"{link} {more_link}")}


SAMPLES = [
    ("hardened", sample(), None),
    ("an unguarded stack", sample("-fstack-protector-strong", more_compile="-fno-stack-protector"), "guarded stack"),
    ("unchecked calls", sample("-D_FORTIFY_SOURCE=2", more_compile="-U_FORTIFY_SOURCE"), "libc is checked"),
    ("a fixed address", sample("-fPIE", "-pie", "-fno-pie", "-no-pie"), "not position independent"),
    ("late binding", sample(without_link=",-z,now", more_link="-Wl,-z,lazy"), "does not bind"),
    ("no relro", sample(without_link="-z,relro,", more_link="-Wl,-z,norelro"), "can be written"),
    ("a stack that runs", sample(without_link=",-z,noexecstack", more_link="-Wl,-z,execstack"), "can be run"),
]

if __name__ == "__main__":
    import sys
    _lint.main(check_sample if "--self-test" in sys.argv else check, SAMPLES)
