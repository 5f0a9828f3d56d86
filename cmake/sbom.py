#!/usr/bin/env python3
"""What the shared libraries of weir are made of and link, as CycloneDX 1.5 (JSON) on standard output: ./dev sbom.

    sbom.py BUILD-FOLDER VERSION

Each libweir-*.so is a component; it depends on what its NEEDED entries name, and on jemalloc where that was linked
into it under names of weir's own. Versions are those of the Debian packages that the files on this machine are from; a
library of no package has none.
"""
import json
import pathlib
import re
import subprocess
import sys

MODULES = ["core", "buffer", "transport", "codec"]
JEMALLOC = "libjemalloc (static)"


def run(*command):
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment).stdout


def needed(library):
    return re.findall(r"\(NEEDED\).*\[(.+)\]", run("readelf", "-dW", str(library)))


def holds_jemalloc(library):
    return " weir_je_mallocx" in run("nm", str(library))


def path_of(soname):
    """Of this machine's architecture: the linker's cache has that one first."""
    for line in run("ldconfig", "-p").splitlines():
        if line.split(" ")[0].strip() == soname:
            return line.rpartition("=> ")[2]
    return None


def places(path):
    """A file may be known by its place before /usr was merged."""
    real = str(pathlib.Path(path).resolve())
    return {path, real, "/usr" + real, real.removeprefix("/usr")}


def packages_of(sonames):
    """soname: package, of those that are from one."""
    paths = {soname: places(path) for soname in sonames if (path := path_of(soname))}
    owners = {}
    for line in run("dpkg-query", "-S", *sorted(set().union(*paths.values()))).splitlines():
        owner, _, path = line.partition(": ")
        owners[path] = owner.split(", ")[0]
    return {soname: owners[path] for soname in paths for path in paths[soname] if path in owners}


def described(package):
    """[package, version, architecture]"""
    fields = run("dpkg-query", "-W", "-f", "${Package}\t${Version}\t${Architecture}\n", package).splitlines()
    return fields[0].split("\t") if fields else None


def component(name, package):
    made = {"type": "library", "bom-ref": name, "name": name}
    found = package and described(package)
    if found:
        package_name, version, architecture = found
        made["version"] = version
        made["purl"] = f"pkg:deb/debian/{package_name}@{version.replace('+', '%2B').replace(':', '%3A')}?arch={architecture}"
    return made


def bill(build, version):
    libraries = [path for module in MODULES for path in sorted((pathlib.Path(build) / module).glob("libweir-*.so"))]
    names = {run("readelf", "-dW", str(path)).partition("Library soname: [")[2].partition("]")[0] or path.name: path
             for path in libraries}
    components, dependencies = [], []
    outside = set()
    for soname, path in names.items():
        components.append({"type": "library", "bom-ref": soname, "name": soname, "version": version})
        on = needed(path)
        if holds_jemalloc(path):
            on = on + [JEMALLOC]
        outside.update(set(on) - set(names))
        dependencies.append({"ref": soname, "dependsOn": on})
    packages = packages_of(outside) | {JEMALLOC: "libjemalloc-dev"}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {"type": "framework", "bom-ref": "weir", "name": "weir", "version": version}},
        "components": components + [component(name, packages.get(name)) for name in sorted(outside)],
        "dependencies": [{"ref": "weir", "dependsOn": list(names)}] + dependencies,
    }


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("sbom.py BUILD-FOLDER VERSION")
    made = bill(sys.argv[1], sys.argv[2])
    if len(made["dependencies"]) == 1:
        sys.exit(f"sbom.py: no shared libraries of weir below {sys.argv[1]}")
    json.dump(made, sys.stdout, indent=2)
    print()
