"""TLS: weir's http_file_server beside nginx, with the same certificate (ECDSA P-256), version (1.3) and cipher.

A handshake comes with one request of a 13-byte file, on a connection of its own. Bodies: one file again and again on one
connection; every byte is compared. Memory: connections that were asked one file and are idle.
"""
import os
import pathlib
import shutil
import subprocess
import tempfile

from measure import tables
from measure.peers import nginx
from measure.scenarios import GIB, KIB, MIB, Bodies, Handshakes
from measure.servers import Server, load, serving

CIPHERS = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384"]
SIZES = [16 * KIB, MIB, GIB]
BYTES = 2 * GIB  # of one run, as far as whole files make it
IDLE = 1000
IDLE_PASSES = 3


def make_certificate(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                    folder / "key.pem", "-out", folder / "cert.pem", "-days", "2", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName = DNS:localhost, IP:127.0.0.1"], check=True, capture_output=True, timeout=30)


def make_file(root, size):
    path = root / f"{size}.bin"
    block = os.urandom(min(size, MIB))
    with open(path, "wb") as out:
        for number in range(max(1, size // MIB)):
            out.write(block[number % 4096:] + block[:number % 4096])
    return path


def nginx_rest(root, folder):
    """As its documentation has it for speed; the order of ciphers is the client's, which offers but one."""
    return f"""ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem; ssl_protocols TLSv1.3;
        ssl_ecdh_curve X25519; ssl_session_tickets on; ssl_session_timeout 1h; ssl_buffer_size 16k; root {root};
        open_file_cache max=64 inactive=600s; open_file_cache_valid 600s;"""


def servers(options, root, work):
    found = [Server("weir", [options.bin / "http_file_server", "--port", 0, "--loops", 1, "--root", root, "--tls-cert",
                             work / "cert.pem", "--tls-key", work / "key.pem"])]
    if shutil.which("nginx"):
        found.append(nginx("nginx", work, nginx_rest(root, work), listen="ssl"))
    else:
        print("\nLeft out: nginx is not installed.")
    return found


def ask(options, server, path, **more):
    return load(options.bin / "bench_tls_load", server, path=path.name, verify=path, pid=server.pid, **more)


def show(title, first, results, measure, digits):
    tables.matrix(title, first, results, measure, digits)
    if all("nginx" in by_server for by_server in results.values()):
        tables.matrix(f"{title}, to that of nginx", first, results, measure, 2, base="nginx")


def handshakes(options, running, root):
    path, results = make_file(root, 13), {}
    for scenario in Handshakes(False), Handshakes(True):
        results[scenario] = tables.interleaved(running, lambda server: ask(
            options, server, path, milliseconds=5 * options.milliseconds, resume=int(scenario.resumed)), options.passes)
    show("TLS handshakes, server CPU us each", "kind", results, lambda run: run["server_ns"] / run["handshakes"] / 1e3, 1)
    tables.matrix("TLS handshakes/s, both ends on a CPU each", "kind", results,
                  lambda run: run["handshakes"] / run["ns"] * 1e9, 0)


def bodies(options, running, root):
    results = {}
    for size in SIZES[:2] if options.quick else SIZES:
        path, total = make_file(root, size), BYTES // 16 if options.quick else BYTES // (1 if size == GIB else 4)
        for cipher in CIPHERS[:1] if options.quick or size != GIB else CIPHERS:
            results[Bodies(size, cipher)] = tables.interleaved(running, lambda server: ask(
                options, server, path, requests=max(1, total // size), cipher=cipher), options.passes)
    show("TLS bodies, server CPU s/GB", "file, cipher", results, lambda run: run["server_ns"] / run["bytes"], 3)
    tables.matrix("TLS bodies, MB/s, both ends on a CPU each", "file, cipher", results,
                  lambda run: run["bytes"] / run["ns"] * 1e3, 0)


def idle(options, root, work):
    path, results = make_file(root, 13), {}
    connections = 100 if options.quick else IDLE
    for server in servers(options, root, work):
        results[server.name] = []
        for _ in range(min(options.passes, IDLE_PASSES)):
            with server.start():  # a fresh process each time: what was once allocated stays
                results[server.name].append(ask(options, server, path, idle=connections))
    tables.show(f"{connections:,} idle TLS connections, bytes each", ["server", "process before, MB", "resident", "its own"],
                [[name, tables.spread([run["begin"] / 1e6 for run in runs], 1),
                  *(tables.spread([run[key] for run in runs], 0) for key in ("resident", "own"))]
                 for name, runs in results.items()])


def run(options):
    with tempfile.TemporaryDirectory() as folder:
        work, root = pathlib.Path(folder), pathlib.Path(folder) / "root"
        root.mkdir()
        make_certificate(work)
        if not options.times:
            return
        with serving(servers(options, root, work)) as running:
            handshakes(options, running, root)
            bodies(options, running, root)
            print(f"\n{tables.peaks_text(running)}")
        idle(options, root, work)
