"""The arrows of the house: core <- buffer <- transport <- codec <- examples.

A module includes its own and lower ones; a public header includes public headers only; libuv, jemalloc and
OpenSSL are each met in one place; a private header is used inside its module, and in codec inside its folder.
"""
import pathlib
import re

import _lint

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
FOREIGN = [
    (re.compile(r"^uv(\.h$|/)"), re.compile(r"^transport/src/uv/"), "libuv belongs to transport/src/uv/"),
    (re.compile(r"^jemalloc/"), re.compile(r"^buffer/src/pool/"), "jemalloc belongs to buffer/src/pool/"),
    (re.compile(r"^openssl/"), re.compile(r"^codec/src/tls/"), "OpenSSL belongs to codec/src/tls/"),
]


def check_weir(path, target):
    """An include of <weir/...> seen from `path`."""
    name = target.split("/")[1].removesuffix(".h")
    module = path.split("/")[0]
    if module == "examples":
        if name not in _lint.MODULES and name != "weir":
            yield f"an example uses weir as its users do, not <{target}>"
    elif name not in _lint.MODULES:
        yield f"<{target}> is not a module of the library"
    elif _lint.MODULES.index(name) > _lint.MODULES.index(module):
        yield f"{module} must not include <{target}>: the arrow points down"


def check_private(root, path, target):
    """An include of "..." seen from `path`."""
    if _lint.PUBLIC.match(path):
        yield f'a public header includes public headers only, not "{target}"'
        return
    if ".." in target.split("/"):
        yield f'"{target}" climbs out of its folder; private headers are named from src/'
        return
    parts = path.split("/")
    beside = pathlib.Path(root, *parts[:-1], target)
    if parts[0] == "examples":
        if not beside.is_file() and not pathlib.Path(root, "examples", target).is_file():
            yield f'"{target}" is not in this example'
        return
    within = pathlib.Path(root, parts[0], "src", target)
    if not beside.is_file() and not within.is_file():
        yield f'"{target}" is not a private header of {parts[0]}'
    elif parts[0] == "codec" and len(parts) > 3 and "/" in target and not target.startswith(parts[2] + "/"):
        yield f'codec/{parts[2]} includes "{target}" of another protocol: use its public header'


def check(root, _build):
    jemalloc_users = []
    for path, lines in _lint.sources(root, *_lint.MODULES, "examples"):
        for number, line in enumerate(lines, 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            kind, target = match.groups()
            if target.startswith("jemalloc/"):
                jemalloc_users.append((path, number))
            for pattern, home, message in FOREIGN:
                if pattern.match(target) and not home.match(path):
                    yield path, number, message
            if target.startswith("weir/"):
                for message in check_weir(path, target):
                    yield path, number, message
            elif kind == '"':
                for message in check_private(root, path, target):
                    yield path, number, message
    for path, number in jemalloc_users[1:]:
        yield path, number, f"jemalloc's header is already included by {jemalloc_users[0][0]}"


SAMPLES = [
    ("downward", {"buffer/src/a.c": '#include <weir/core.h>\n#include "b.h"\n', "buffer/src/b.h": ""}, None),
    ("upward", {"core/src/a.c": "#include <weir/buffer/buf.h>\n"}, "the arrow points down"),
    ("upward umbrella", {"buffer/include/weir/buffer/a.h": "#include <weir/transport.h>\n"}, "the arrow points down"),
    ("testing in library", {"core/src/a.c": "#include <weir/testing.h>\n"}, "not a module"),
    ("uv in its place", {"transport/src/uv/a.c": "#include <uv.h>\n"}, None),
    ("uv elsewhere", {"transport/src/loop/a.c": "#include <uv.h>\n"}, "libuv belongs"),
    ("uv in an example", {"examples/a/a.c": "#include <uv.h>\n"}, "libuv belongs"),
    ("jemalloc elsewhere", {"core/src/a.c": "#include <jemalloc/jemalloc.h>\n"}, "jemalloc belongs"),
    ("jemalloc twice", {"buffer/src/pool/a.c": "#include <jemalloc/jemalloc.h>\n",
                        "buffer/src/pool/b.c": "#include <jemalloc/jemalloc.h>\n"}, "already included"),
    ("openssl elsewhere", {"codec/src/http/a.c": "#include <openssl/ssl.h>\n"}, "OpenSSL belongs"),
    ("private in public", {"core/include/weir/core/a.h": '#include "b.h"\n'}, "public headers only"),
    ("private of another module", {"transport/src/a.c": '#include "pool/b.h"\n', "buffer/src/pool/b.h": ""},
     "not a private header of transport"),
    ("climbing", {"transport/src/a.c": '#include "../../buffer/src/b.h"\n', "buffer/src/b.h": ""}, "climbs out"),
    ("another protocol", {"codec/src/http/a.c": '#include "tls/b.h"\n', "codec/src/tls/b.h": ""}, "another protocol"),
    ("shared by all protocols", {"codec/src/http/a.c": '#include "b.h"\n', "codec/src/b.h": ""}, None),
    ("own protocol", {"codec/src/http/a.c": '#include "http/b.h"\n', "codec/src/http/b.h": ""}, None),
    ("example looks inside", {"examples/a/a.c": '#include "pool/b.h"\n', "buffer/src/pool/b.h": ""},
     "not in this example"),
]

if __name__ == "__main__":
    _lint.main(check, SAMPLES)
