"""The page the figures go to, and what is printed about the machine they come from."""
import io
import os
import platform
import re
import sys

from measure import servers


def facts():
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    pinned = "one CPU for server and load" if servers.SERVER_CPUS == servers.LOAD_CPUS else "server and load pinned apart"
    kernel = f"{platform.system()} {platform.release().split('-')[0]}"
    return f"{len(servers.CPUS)} CPUs ({cpu}), {pinned}, {kernel}, load average {busy()}"


def busy():
    return ", ".join(f"{load:.1f}" for load in os.getloadavg())


class Tee(io.StringIO):
    """Keeps what is printed and prints it, too."""

    def write(self, text):
        sys.__stdout__.write(text)
        sys.__stdout__.flush()
        return super().write(text)


def insert(page, name, text):
    """Puts a group's output between its marks in a Markdown page."""
    whole = page.read_text(encoding="utf-8")
    marked = re.compile(rf"(<!-- bench {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
    if not marked.search(whole):
        print(f"{page} has no place for {name}", file=sys.stderr)
        return
    page.write_text(marked.sub(lambda match: match[1] + text + match[2], whole), encoding="utf-8")
