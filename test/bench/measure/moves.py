"""What needs no socket: operations on buffers, hops, tasks and timers."""
import subprocess

from measure import counts, tables

BUF_OPERATIONS = ["read_u32", "read_u32_composite", "write_u32", "write_u32_composite", "retain_release", "slice_release",
                  "composite_of_16_moved", "composite_of_16_retained"]
POOL_SIZES = [64, 4096, 65536, 1 << 20]
SECONDS = 200


def output_of(program):
    print(f"\n### {program.name}\n\n```", flush=True)
    text = subprocess.run([program], check=True, timeout=SECONDS, capture_output=True, text=True).stdout
    print(text.strip("\n") + "\n```")
    return text


def buffer(options):
    buf, pool = options.bin / "bench_buf", options.bin / "bench_pool"
    if options.times:
        output_of(buf)
        output_of(pool)
    if options.counts:
        rows = [[name, tables.number(counts.program_instructions([buf, "--only", name], 20000, 60000), 1)]
                for name in BUF_OPERATIONS]
        rows += [[f"pool get + release, {size} bytes",
                  tables.number(counts.program_instructions([pool, "--pairs", size], 20000, 60000), 1)]
                 for size in POOL_SIZES]
        tables.show("Buffers, counted", ["operation", "instructions"], rows)


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
