"""Two tabs of a headless Chromium talk to each other in examples/websocket_chat.

    chat.py CHROMIUM WEBSOCKET_CHAT

Drives the browser over a pipe (--remote-debugging-pipe: JSON messages that end with a NUL, descriptors 3 and 4), so
nothing but Python is needed and no port is opened but the server's own, which the system picks.
"""
import json
import os
import select
import subprocess
import sys
import tempfile
import time

DEADLINE = 90


class Browser:
    def __init__(self, program, folder):
        out_read, self.out = os.pipe()
        self.incoming, in_write = os.pipe()

        def hand_over():
            # Through high numbers, so that neither is overwritten by the other.
            os.dup2(out_read, 30)
            os.dup2(in_write, 31)
            os.dup2(30, 3)
            os.dup2(31, 4)

        self.process = subprocess.Popen(
            [program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync",
             "--disable-features=MediaRouter,OptimizationHints", "--no-proxy-server",
             "--user-data-dir=" + folder, "--remote-debugging-pipe", "about:blank"],
            close_fds=False, preexec_fn=hand_over, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        os.close(out_read)
        os.close(in_write)
        self.number = 0
        self.rest = b""
        self.until = time.monotonic() + DEADLINE

    def message(self):
        while b"\0" not in self.rest:
            left = self.until - time.monotonic()
            if left <= 0 or not select.select([self.incoming], [], [], left)[0]:
                raise TimeoutError("the browser does not answer")
            more = os.read(self.incoming, 65536)
            if not more:
                raise EOFError("the browser is gone")
            self.rest += more
        text, self.rest = self.rest.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, session=None, **params):
        self.number += 1
        request = {"id": self.number, "method": method, "params": params}
        if session:
            request["sessionId"] = session
        os.write(self.out, json.dumps(request).encode() + b"\0")
        while True:
            answer = self.message()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]

    def open(self, url):
        target = self.call("Target.createTarget", url=url)["targetId"]
        return Tab(self, self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"])

    def close(self):
        self.process.kill()
        self.process.wait()


class Tab:
    def __init__(self, browser, session):
        self.browser, self.session = browser, session

    def run(self, script):
        result = self.browser.call("Runtime.evaluate", self.session, expression=script, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"]["text"] + ": " + script)
        return result["result"].get("value")

    def wait(self, script):
        while not self.run(script):
            if time.monotonic() > self.browser.until:
                raise TimeoutError(f"never true: {script}; the log says {self.run('document.body.innerText')!r}")
            time.sleep(0.05)

    def type(self, text):
        self.run(f"document.getElementById('text').value = {json.dumps(text)};"
                 "document.getElementById('form').requestSubmit()")

    def wait_for_line(self, text):
        self.wait("[...document.querySelectorAll('#log li')].some(li => li.textContent === " + json.dumps(text) + ")")


def talk(browser, url):
    ann, bob = browser.open(url), browser.open(url)
    for tab, name in (ann, "Ann"), (bob, "Bob"):
        tab.wait("document.readyState === 'complete' && !!document.getElementById('form')?.onsubmit")
        tab.type(name)
        tab.wait_for_line(name + " is here")
    ann.wait_for_line("Bob is here")
    bob.wait_for_line("Ann is here")  # from the history
    ann.type("hello, <b>Bob</b> \U0001f642")
    bob.wait_for_line("Annhello, <b>Bob</b> \U0001f642")
    bob.type("hello \"Ann\"")
    ann.wait_for_line("Bobhello \"Ann\"")
    bob.run("socket.onclose = null; socket.close(4000, 'done')")
    ann.wait_for_line("Bob has left")
    assert ann.run("document.documentElement.scrollWidth <= innerWidth"), "the page is wider than the window"


def main():
    chromium, server_program = sys.argv[1:]
    server = subprocess.Popen([server_program, "--port", "0", "--loops", "2"], stdout=subprocess.PIPE, text=True)
    try:
        where = server.stdout.readline().split()[-1]
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            browser = Browser(chromium, folder)
            try:
                talk(browser, f"http://{where}/")
            finally:
                browser.close()
        server.terminate()
        assert server.wait(30) == 0, "the server did not end well"
    finally:
        server.kill()


if __name__ == "__main__":
    main()
