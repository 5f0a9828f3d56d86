"""Servers under measurement and the tools that load them: started, pinned, stopped, each by its own process id."""
import contextlib
import os
import pathlib
import resource
import shutil
import signal
import socket
import subprocess
import time

CPUS = sorted(os.sched_getaffinity(0))
SERVER_CPU, LOAD_CPU = CPUS[0], CPUS[-1]
START_SECONDS = 30
STOP_SECONDS = 60
LOAD_SECONDS = 200


def _on(cpu):
    """What a child does before it is a program: its own CPU, and as many descriptors as there may be."""

    def prepare():
        os.sched_setaffinity(0, {cpu})
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    return prepare


class Server:
    """A program that prints "listening on HOST:PORT" when it serves. `under` runs it inside a counting tool."""

    http = False

    def __init__(self, name, argv):
        self.name, self.argv = name, [str(word) for word in argv]

    def start(self, under=()):
        self.wrapped = bool(under) and under[0] == "strace"
        self.process = subprocess.Popen([*under, *self.command()], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, preexec_fn=_on(SERVER_CPU))
        self.address = self.wait_until_up()
        self.pid = self.traced_pid() if self.wrapped else self.process.pid
        return self

    def command(self):
        return self.argv

    def wait_until_up(self):
        line = self.process.stdout.readline()
        if not line.startswith("listening on "):
            raise SystemExit(f"{self.name} did not start: {line}{self.process.stderr.read()}")
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
            raise SystemExit(f"{self.name} did not stop")
        if self.process.returncode not in (0, -signal.SIGTERM, 128 + signal.SIGTERM):
            raise SystemExit(f"{self.name} ended with {self.process.returncode}: {errors}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Nginx(Server):
    """nginx as one process with sendfile on, tcp_nopush and the access log off. `cache`: files stay open."""

    http = True

    def __init__(self, name, root, work, cache):
        super().__init__(name, [])
        self.root, self.work, self.cache = root, pathlib.Path(work) / name.replace(", ", "-").replace(" ", "-"), cache

    def command(self):
        self.work.mkdir(exist_ok=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        cache = "max=64 inactive=600s" if self.cache else "off"
        (self.work / "nginx.conf").write_text(f"""
user root;
daemon off;
master_process off;
pid {self.work}/pid;
error_log stderr crit;
events {{ worker_connections 4096; multi_accept on; }}
http {{
    access_log off;
    client_body_temp_path {self.work}/body;
    proxy_temp_path {self.work}/proxy;
    fastcgi_temp_path {self.work}/fastcgi;
    uwsgi_temp_path {self.work}/uwsgi;
    scgi_temp_path {self.work}/scgi;
    sendfile on;
    tcp_nopush off;
    keepalive_timeout 600;
    keepalive_requests 1000000000;
    open_file_cache {cache};
    open_file_cache_valid 600s;
    server {{ listen 127.0.0.1:{self.port} backlog=4096; root {self.root}; }}
}}
""")
        return ["nginx", "-c", str(self.work / "nginx.conf"), "-p", str(self.work)]

    def wait_until_up(self):
        for _ in range(START_SECONDS * 20):
            if self.process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return f"127.0.0.1:{self.port}"
            except OSError:
                time.sleep(0.05)
        raise SystemExit(f"nginx did not start: {self.process.stderr.read()}")


@contextlib.contextmanager
def serving(servers):
    """All of them started; stopped at the end, whatever happens."""
    with contextlib.ExitStack() as stack:
        for server in servers:
            server.start()
            stack.callback(server.stop)
        yield servers


def has_nginx():
    return shutil.which("nginx") is not None


def load(tool, server, **options):
    """Runs a load tool against a server; answers its name=value line as numbers."""
    words = [str(tool), server.address]
    for name, value in options.items():
        words += ["--" + name, str(value)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=LOAD_SECONDS, preexec_fn=_on(LOAD_CPU))
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(words)} against {server.name}: {done.stderr}")
    return {name: int(value) for name, value in (pair.split("=") for pair in done.stdout.split())}
