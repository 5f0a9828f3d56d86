"""What ./dev sbom says is well-formed CycloneDX, and names all that readelf sees the shared libraries need, each with a
version, and the jemalloc that is inside."""
import json
import os
import pathlib
import re
import subprocess
import sys

import _lint

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "cmake" / "sbom.py"


def libraries(build):
    """(soname, what it needs) of each."""
    for module in _lint.MODULES:
        for path in sorted((pathlib.Path(build) / module).glob("libweir-*.so")):
            text = subprocess.run(["readelf", "-dW", str(path)], check=True, capture_output=True, text=True).stdout
            soname = re.search(r"\(SONAME\).*\[(.+)\]", text)
            yield soname.group(1) if soname else path.name, set(re.findall(r"\(NEEDED\).*\[(.+)\]", text)), path


def ill_formed(bill):
    if bill.get("bomFormat") != "CycloneDX" or bill.get("specVersion") != "1.5" or bill.get("version") != 1:
        yield "the head is not that of CycloneDX 1.5"
    components = bill.get("components", [])
    refs = [c.get("bom-ref") for c in components] + [bill.get("metadata", {}).get("component", {}).get("bom-ref")]
    if len(refs) != len(set(refs)) or None in refs:
        yield "a bom-ref is missing or there twice"
    for c in components:
        if c.get("type") != "library" or not c.get("name"):
            yield f"{c} is not a component"
    for d in bill.get("dependencies", []):
        for ref in [d.get("ref"), *d.get("dependsOn", [])]:
            if ref not in refs:
                yield f"{ref} is depended on and not a component"


def incomplete(bill, build):
    versions = {c["bom-ref"]: c.get("version") for c in bill["components"]}
    depends = {d["ref"]: set(d["dependsOn"]) for d in bill["dependencies"]}
    for soname, needs, path in libraries(build):
        listed = {name for name in depends.get(soname, set()) if not name.endswith("(static)")}
        for name in needs - listed:
            yield f"{soname} needs {name}, which is not listed"
        for name in listed - needs:
            yield f"{soname} does not need {name}"
        for name in needs:
            if not versions.get(name):
                yield f"{name} has no version"
        inside = b"weir_je_mallocx" in path.read_bytes()
        if inside != ("libjemalloc (static)" in depends.get(soname, set())):
            yield f"{soname}: jemalloc is {'inside and not listed' if inside else 'listed and not inside'}"


def check(root, build, text=None):
    if text is None:
        made = subprocess.run([sys.executable, str(SCRIPT), str(build), "1"], capture_output=True, text=True, check=False)
        if made.returncode != 0:
            yield SCRIPT, 0, made.stderr.strip()
            return
        text = made.stdout
    try:
        bill = json.loads(text)
    except ValueError as error:
        yield SCRIPT, 0, f"no JSON: {error}"
        return
    for message in [*ill_formed(bill), *incomplete(bill, build)]:
        yield SCRIPT, 0, message


def check_sample(root, build):
    """A library that needs libc, and what the sample says of it: a pattern to replace in the true bill."""
    folder = pathlib.Path(build) / "core"
    folder.mkdir(parents=True)
    (folder / "a.c").write_text('#include <stdio.h>\nvoid weir_x(void) { puts("x"); }\n')
    subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "a.c", "-o", "libweir-core.so"], cwd=folder, check=True)
    made = subprocess.run([sys.executable, str(SCRIPT), str(build), "1"], capture_output=True, text=True, check=True)
    pattern, replacement = (pathlib.Path(root) / "change").read_text().split(" -> ")
    yield from check(root, build, re.sub(pattern, replacement.strip(), made.stdout, flags=re.S))


SAMPLES = [
    ("the true bill", {"change": "nothing -> nothing"}, None),
    ("no JSON", {"change": "^. -> ?"}, "no JSON"),
    ("another format", {"change": "CycloneDX -> Other"}, "not that of CycloneDX"),
    ("a library left out", {"change": r'"dependsOn": \[\s*"libc.so.6"\s*\] -> "dependsOn": []'}, "which is not listed"),
    ("one that is no component", {"change": r'"bom-ref": "libc.so.6" -> "bom-ref": "other"'}, "not a component"),
    ("no version", {"change": r'"version": "\d[^"]*(deb|ubuntu)[^"]*",\s* -> '}, "has no version"),
]

if __name__ == "__main__":
    _lint.main(check_sample if "--self-test" in sys.argv else check, SAMPLES)
