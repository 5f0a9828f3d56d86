"""Servers under measurement and the tools that load them: started, pinned, stopped, each by its own process id."""
import contextlib
import itertools
import os
import pathlib
import re
import resource
import select
import signal
import socket
import subprocess
import time

CPUS = sorted(os.sched_getaffinity(0))
SERVER_CPUS, LOAD_CPUS, ANY_CPUS = {CPUS[0]}, {CPUS[-1]}, set(CPUS)
START_SECONDS = 30
STOP_SECONDS = 60
LOAD_SECONDS = 200


class Failed(Exception):
    """A program did not do what it is for; the message says which and how."""


def _on(cpus):
    """What a child does before it is a program: its own CPUs, and as many descriptors as there may be. Nothing when it
    may run anywhere, so that threads can start some at once."""
    if cpus is ANY_CPUS:
        return None

    def prepare():
        os.sched_setaffinity(0, cpus)
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    return prepare


class Server:
    """A program that prints "listening on HOST:PORT" when it serves; start() may run it inside a counting tool.

    http: it speaks HTTP/1.1. is_native: its instructions can be counted. warm_ms: how long its compiler needs.
    """

    def __init__(self, name, argv, http=False, is_native=True, warm_ms=0, cpus=None):
        self.name, self.argv = name, [str(word) for word in argv]
        self.http, self.is_native, self.warm_ms, self.cpus = http, is_native, warm_ms, cpus or SERVER_CPUS

    def start(self, under=()):
        wrapped = bool(under) and under[0] == "strace"
        self.process = subprocess.Popen([*under, *self.command()], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, preexec_fn=_on(self.cpus))
        self.pid = self.process.pid
        try:
            self.address = self.wait_until_up()
            if wrapped:
                self.pid = self.traced_pid()
        except BaseException:
            self.process.kill()
            self.process.communicate()
            raise
        return self

    def command(self):
        return self.argv

    def wait_until_up(self):
        line = ""
        if select.select([self.process.stdout], [], [], START_SECONDS)[0]:
            line = self.process.stdout.readline()
        if not line.startswith("listening on "):
            self.process.kill()
            raise Failed(f"{self.name} did not start: {line}{self.process.stderr.read()}")
        return line.split()[-1]

    def traced_pid(self):
        pid = self.process.pid
        return int(pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])

    def stop(self):
        if self.process.poll() is None:
            os.kill(self.pid, signal.SIGTERM)
        try:
            _, errors = self.process.communicate(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.kill(self.pid, signal.SIGKILL)
            self.process.communicate()
            raise Failed(f"{self.name} did not stop")
        if self.process.returncode not in (0, -signal.SIGTERM, 128 + signal.SIGTERM):
            raise Failed(f"{self.name} ended with {self.process.returncode}: {errors}")

    def peak_rss(self):
        """The most bytes it has held so far."""
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) << 10

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Configured(Server):
    """A server that reads its settings from a file and says nothing when it is up."""

    numbers = itertools.count()

    def __init__(self, name, work, text, argv, **options):
        """text(port, folder) is the file; in argv FILE and FOLDER stand for it and for a folder of its own."""
        super().__init__(name, argv, http=True, **options)
        self.folder, self.text = pathlib.Path(work) / f"settings-{next(self.numbers)}", text

    def command(self):
        self.folder.mkdir(exist_ok=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        path = self.folder / "settings"
        path.write_text(self.text(self.port, self.folder))
        return [word.replace("FILE", str(path)).replace("FOLDER", str(self.folder)) for word in self.argv]

    def wait_until_up(self):
        for _ in range(START_SECONDS * 20):
            if self.process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return f"127.0.0.1:{self.port}"
            except OSError:
                time.sleep(0.05)
        self.process.kill()
        raise Failed(f"{self.name} did not start: {self.process.stderr.read()}")


@contextlib.contextmanager
def serving(servers):
    """Those of them that start (weir must); stopped at the end, whatever happens."""
    with contextlib.ExitStack() as stack:
        running = []
        for server in servers:
            try:
                server.start()
            except (Failed, OSError) as error:
                if server.name.startswith("weir"):
                    raise
                print(f"\n{server.name} is left out: {error}")
                continue
            stack.callback(server.stop)
            running.append(server)
        yield running


def run_tool(tool, operands, options, who, cpus):
    """What a load tool prints, with `options` as its --name VALUE pairs."""
    words = [str(tool), *operands]
    for name, value in options.items():
        words += ["--" + name, str(value)]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=LOAD_SECONDS, preexec_fn=_on(cpus))
    except subprocess.TimeoutExpired:
        raise Failed(f"{' '.join(words)} against {who}: no end after {LOAD_SECONDS} s")
    if done.returncode != 0:
        raise Failed(f"{' '.join(words)} against {who}: {done.stderr.strip()}")
    return done.stdout


def numbers(line):
    """A line of name=value pairs."""
    return {name: int(value) for name, value in (pair.split("=") for pair in line.split())}


def load(tool, server, **options):
    """Runs a load tool against a server, on the other CPU where that has one; answers its line as numbers."""
    cpus = ANY_CPUS if server.cpus is ANY_CPUS else LOAD_CPUS
    return numbers(run_tool(tool, [server.address], options, server.name, cpus))
