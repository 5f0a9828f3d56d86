"""Timers beside libuv's and libevent's; hops from handler to handler and tasks from another thread."""
import statistics
import subprocess

from measure import charts, growth, rivals

PROGRAMS = {"weir": "bench_timers", "libuv": "peer_timers_uv", "libevent": "peer_timers_event"}
MOVE = "move one of "
SECONDS = 200


def run(options):
    times = rivals.table(options, "Timers, one operation", rivals.programs_of(options, PROGRAMS))
    if times:
        charts.bars(options, "timers", "Timers: CPU of one operation", "nanoseconds",
                    {row: charts.medians(by_rival, float) for row, by_rival in times.items() if not row.startswith(MOVE)})
        growth.chart(options, "timers", "Moving one of so many running timers", "running timers", "CPU ns", {
            name: [(int(row.removeprefix(MOVE)), statistics.median(by_rival[name])) for row, by_rival in times.items()
                   if row.startswith(MOVE)] for name in next(iter(times.values()))})
    if options.times and not options.quick:
        text = subprocess.run([options.bin / "bench_transport"], check=True, timeout=SECONDS, capture_output=True,
                              text=True).stdout
        print("\n### Hops, tasks and timers by bench_transport\n\n```\n" + text.strip("\n") + "\n```")
