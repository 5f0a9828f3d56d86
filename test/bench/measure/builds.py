"""Peers that cmake does not build: Netty by Maven (or with the jars of Debian), Go by its own tool. All into build/peers."""
import functools
import os
import pathlib
import shutil
import subprocess

SOURCES = pathlib.Path(__file__).resolve().parents[1] / "peers"
DEBIAN = pathlib.Path("/usr/share/java")
DEBIAN_JARS = ["buffer", "common", "codec", "codec-http", "handler", "resolver", "transport",
               "transport-native-unix-common", "transport-native-epoll"]
SECONDS = 300


class Netty:
    def __init__(self, path, version):
        self.path, self.version = path, version


def _is_done(command, **options):
    try:
        return subprocess.run(command, timeout=SECONDS, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              stdin=subprocess.DEVNULL, **options).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


class Built:
    """What is built, or a string that says why it is not. Each is tried once."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    @functools.cache
    def netty(self):
        if shutil.which("javac") is None:
            return "Netty, as there is no JDK"
        jars = self._maven_jars() or [DEBIAN / f"netty-{name}.jar" for name in DEBIAN_JARS]
        if not all(jar.exists() for jar in jars):
            return "Netty, which neither Maven nor the package libnetty-java gives"
        classes = self.folder / "java"
        classes.mkdir(parents=True, exist_ok=True)
        path = ":".join(map(str, [*jars, classes]))
        sources = sorted(map(str, (SOURCES / "java").glob("*.java")))
        if not _is_done(["javac", "-nowarn", "-cp", path, "-d", str(classes), *sources]):
            return "Netty, whose peers do not compile"
        version = next((jar.stem.split("-")[-1] for jar in jars if jar.stem.startswith("netty-buffer-")),
                       "of Debian, NIO")
        return Netty(path, version)

    def _maven_jars(self):
        folder = self.folder / "netty"
        pom = SOURCES / "java/pom.xml"
        if shutil.which("mvn") is None:
            return []
        if not folder.exists() or folder.stat().st_mtime < pom.stat().st_mtime:
            shutil.rmtree(folder, ignore_errors=True)
            if not _is_done(["mvn", "-q", "-B", "-f", str(pom), "dependency:copy-dependencies",
                             f"-DoutputDirectory={folder}"]):
                return []
        return sorted(folder.glob("*.jar"))

    @functools.cache
    def go(self):
        if shutil.which("go") is None:
            return "Go, which is not installed"
        program = self.folder.resolve() / "peer_go"
        program.parent.mkdir(parents=True, exist_ok=True)
        if not _is_done(["go", "build", "-o", str(program), "."], cwd=SOURCES / "go",
                        env={**os.environ, "GOTOOLCHAIN": "local"}):
            return "Go, whose peers do not build (is its proxy reached?)"
        return program
