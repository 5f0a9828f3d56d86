"""Who is measured: one table of servers, what each needs and with which settings it runs.

weir and its peers serve with one thread (JIT compilers and garbage collectors have theirs beside it) on one CPU.
Settings are those the peers' own documentation gives for speed:

- epoll, libuv: ours; the least program, and the one a careful user of libuv writes.
- libevent: no locks; moved, not copied, from input to output. It reads 4 KiB at a time, whatever is set.
- nginx: one process, sendfile, multi_accept, no access log, keep-alive without end, tcp_nopush off.
- HAProxy: one thread, no log, its own answer (http-request return).
- Netty: native epoll transport, its default allocator, leak detection off, void promises, one flush a burst.
- Go: net and net/http; fasthttp as the fast one. GOMAXPROCS=1. Node: its own net and http modules.
"""
import pathlib
import shutil

from measure import builds
from measure.servers import Configured, Server

SOURCES = pathlib.Path(__file__).resolve().parents[1] / "peers"
DESCRIPTORS = 16384
JAVA = ["-Xms256m", "-Xmx256m", "-XX:MaxDirectMemorySize=512m", "-XX:+UseSerialGC",
        "-Dio.netty.leakDetection.level=disabled"]
JIT = {"is_native": False, "warm_ms": 3000}


def nginx_text(rest, listen=""):
    """rest: what stands in the server block; listen: behind the address."""
    return lambda port, folder: f"""
user root;
daemon off;
master_process off;
pid {folder}/pid;
error_log stderr crit;
events {{ worker_connections {DESCRIPTORS}; multi_accept on; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    sendfile on;
    tcp_nopush off;
    keepalive_timeout 600;
    keepalive_requests 1000000000;
    client_header_timeout 600;
    server {{ listen 127.0.0.1:{port} {listen} backlog=4096; {rest} }}
}}
"""


def haproxy_text(port, _folder):
    return f"""
global
    nbthread 1
    maxconn {DESCRIPTORS}
    no strict-limits
defaults
    mode http
    timeout client 600s
    timeout http-request 600s
    timeout http-keep-alive 600s
frontend hello
    maxconn {DESCRIPTORS}
    bind 127.0.0.1:{port} backlog 4096
    http-request return status 200 content-type text/plain string "Hello, World!"
"""


def nginx(name, work, rest, listen=""):
    return Configured(name, work, nginx_text(rest, listen), ["nginx", "-c", "FILE", "-p", "FOLDER"])


def haproxy(name, work):
    return Configured(name, work, haproxy_text, ["haproxy", "-db", "-f", "FILE"])


class Peers:
    """The table, for programs in `bin` and a folder `work` for settings. What is not there is left out with a word."""

    def __init__(self, options, work):
        self.bin, self.work, self.quick = options.bin, work, options.quick
        self.built = builds.Built(options.bin.parent.parent / "peers")

    def echo(self):
        return self._those([
            self._ours("epoll", "peer_echo_epoll"),
            self._ours("libuv", "peer_echo_uv"),
            self._ours("libevent", "peer_echo_event"),
            self._ours("weir", "echo_server", "--port", 0, "--loops", 1),
            self._netty("Netty", "echo"),
            self._go("Go", "echo"),
            self._node("Node", "echo")])

    def nearly_alike(self):
        """Those of the echo servers that a finer measure is for; another epoll says how fine it is."""
        return self._those([
            self._ours("epoll", "peer_echo_epoll"),
            self._ours("epoll again", "peer_echo_epoll"),
            self._ours("libuv", "peer_echo_uv"),
            self._ours("weir", "echo_server", "--port", 0, "--loops", 1)])

    def http(self):
        hello = 'location /plaintext { default_type text/plain; return 200 "Hello, World!"; }'
        return self._those([
            self._ours("epoll", "peer_http_epoll"),
            self._ours("weir", "http_hello", "--port", 0, "--loops", 1),
            nginx("nginx", self.work, hello) if self._has("nginx") else "nginx is not installed",
            haproxy("HAProxy", self.work) if self._has("haproxy") else "HAProxy is not installed",
            self._ours("libevent", "peer_http_event"),
            self._netty("Netty", "http"),
            self._go("Go net/http", "http"),
            self._go("fasthttp", "fasthttp"),
            self._node("Node", "http")], http=True)

    def files(self, root, kept_open):
        """The last two have no file to open for a request; worth a look where opening is a good part of the work."""
        static = f"root {root};"
        cached = static + " open_file_cache max=64 inactive=600s; open_file_cache_valid 600s;"
        has_nginx = self._has("nginx")
        found = [self._ours("sendfile", "peer_file_sendfile", "--root", root),
                 self._ours("weir", "file_server", "--port", 0, "--loops", 1, "--root", root),
                 nginx("nginx", self.work, static) if has_nginx else "nginx is not installed"]
        if kept_open:
            found.append(self._ours("sendfile, kept open", "peer_file_sendfile", "--root", root, "--keep", 1))
        if kept_open and has_nginx:
            found.append(nginx("nginx, kept open", self.work, cached))
        return self._those(found)

    def _those(self, found, http=False):
        """A string instead of a server is why it is missing."""
        servers = []
        for entry in found:
            if isinstance(entry, str):
                print(f"\nLeft out: {entry}.")
            else:
                entry.http = entry.http or http
                entry.warm_ms = min(entry.warm_ms, 300) if self.quick else entry.warm_ms
                servers.append(entry)
        return servers

    @staticmethod
    def _has(program):
        return shutil.which(program) is not None

    def _ours(self, name, program, *words):
        path = self.bin / program
        return Server(name, [path, *words]) if path.exists() else f"{name}, not there at build time"

    def _netty(self, name, what):
        netty = self.built.netty()
        return netty if isinstance(netty, str) else Server(name, ["java", *JAVA, "-cp", netty.path, "NettyServer", what], **JIT)

    def _go(self, name, what):
        program = self.built.go()
        return program if isinstance(program, str) else Server(name, [program, what], is_native=False)

    def _node(self, name, what):
        if not self._has("node"):
            return "Node is not installed"
        return Server(name, ["node", SOURCES / "node/server.js", what], is_native=False, warm_ms=1000)
