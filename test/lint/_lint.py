"""What the rules share: finding files, reporting, and running a rule on samples that must be flagged.

A rule is a module with `check(root, build)` that yields (path, line, message), and `SAMPLES`, a list of
(name, {path: text}, expected), where `expected` is a piece of the message the sample must be flagged
with, or None for a sample that must pass.
"""
import argparse
import pathlib
import re
import sys
import tempfile

MODULES = ["core", "buffer", "transport", "codec"]
PUBLIC = re.compile(r"^(core|buffer|transport|codec)/include/")


def sources(root, *folders):
    """All C files below `folders` as (path relative to root, lines)."""
    root = pathlib.Path(root)
    for folder in folders:
        for path in sorted((root / folder).rglob("*.[ch]")):
            name = path.relative_to(root).as_posix()
            if "/vectors/" not in name and not name.startswith("build/"):
                yield name, path.read_text(encoding="utf-8").splitlines()


def without_macros(lines):
    """The lines with preprocessor directives (and what they continue onto) blanked."""
    directive = False
    for line in lines:
        directive = directive or line.lstrip().startswith("#")
        yield "" if directive else line
        directive = directive and line.endswith("\\")


def write(root, files):
    for name, text in files.items():
        path = pathlib.Path(root) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def self_test(check, samples):
    failed = 0
    for name, files, expected in samples:
        with tempfile.TemporaryDirectory() as root:
            write(root, files)
            found = [message for _, _, message in check(root, pathlib.Path(root) / "build")]
        good = not found if expected is None else any(expected in message for message in found)
        if not good:
            failed += 1
            print(f"sample '{name}': expected {expected!r}, found {found}")
    print(f"{len(samples)} samples, {failed} wrong")
    return 1 if failed else 0


def main(check, samples):
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", default=".")
    parser.add_argument("--build", default="build/dev")
    parser.add_argument("--self-test", action="store_true", help="prove that bad samples are flagged")
    args = parser.parse_args()
    if args.self_test:
        sys.exit(self_test(check, samples))
    count = 0
    for path, line, message in check(args.root, args.build):
        print(f"{path}:{line}: {message}")
        count += 1
    print(f"{count} findings")
    sys.exit(1 if count else 0)
