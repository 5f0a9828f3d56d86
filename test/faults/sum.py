"""What was injected, over all programs: `sum.py LOG GOAL`. Fails when that is too little, or when a call or a kind of
fault that the layer knows never came to be."""
import collections
import pathlib
import re
import sys


def names_of(what):
    """The names in FAULT_<what>_LIST of fault.h."""
    text = (pathlib.Path(__file__).parent / "fault.h").read_text(encoding="utf-8")
    rows = re.search(rf"#define FAULT_{what}_LIST\(X\)(.*?[^\\])\n", text, re.S).group(1)
    return re.findall(r"X\((\w+)\)", rows)


def main(log, goal):
    calls, kinds, seen = collections.Counter(), collections.Counter(), collections.Counter()
    for line in pathlib.Path(log).read_text(encoding="utf-8", errors="replace").splitlines():
        match = re.match(r"fault (\w+) (\w+) (\d+)$", line)
        if not match:
            continue
        call, kind, count = match.group(1), match.group(2), int(match.group(3))
        calls[call] += count
        kinds[kind] += count
        seen[call, kind] += count
    for title, counts in (("by kind", kinds), ("by call", calls)):
        print(f"{title}: " + ", ".join(f"{name} {count}" for name, count in counts.most_common()))
    total = sum(seen.values())
    print(f"{total} faults, {len(seen)} pairs of call and kind")
    missing = [name for name in names_of("CALL") if not calls[name]]
    missing += [name for name in names_of("KIND") if not kinds[name]]
    if missing:
        print("never injected: " + ", ".join(missing))
    return 1 if missing or total < goal else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
