"""What needs no socket: hops, tasks and timers."""
import subprocess

from measure import counts, tables

SECONDS = 200


def output_of(program):
    print(f"\n### {program.name}\n\n```", flush=True)
    text = subprocess.run([program], check=True, timeout=SECONDS, capture_output=True, text=True).stdout
    print(text.strip("\n") + "\n```")
    return text


def transport(options):
    program = options.bin / "bench_transport"
    if options.times:
        output_of(program)
    if options.counts:
        none, ten = (counts.program_instructions([program, "--hops", hops, "--events"], 20000, 60000)
                     for hops in (0, 10))
        hop = None if none is None else (ten - none) / 10
        tables.show("Transport, counted", ["operation", "instructions"],
                    [["a read event from one handler to the next", tables.number(hop, 1)]])
