"""A headless Chromium, driven over a pipe, and a server of weir's to look at.

--remote-debugging-pipe: JSON messages that end with a NUL, descriptors 3 and 4. So nothing but Python is needed and
no port is opened but the server's own, which the system picks.
"""
import base64
import contextlib
import json
import os
import select
import subprocess
import tempfile
import time

DEADLINE = 90


class Browser:
    def __init__(self, program, folder, home=None):
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
            stderr=subprocess.DEVNULL, env={**os.environ, **({"HOME": home} if home else {})})
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

    def holds(self, script):
        try:
            return self.run(script)
        except RuntimeError:
            if time.monotonic() > self.browser.until:
                raise
            return False  # between two pages there is none to ask

    def wait(self, script):
        while not self.holds(script):
            if time.monotonic() > self.browser.until:
                raise TimeoutError(f"never true: {script}; the page says {self.run('document.body.innerText')!r}")
            time.sleep(0.05)

    def size(self, width, height, dark=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def picture(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def call(self, method, **params):
        return self.browser.call(method, self.session, **params)


@contextlib.contextmanager
def serving(*command, scheme="http"):
    """Runs a server until the end of the block, which must be an orderly one; gives its URL."""
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield f"{scheme}://{server.stdout.readline().split()[-1]}/"
        server.terminate()
        assert server.wait(30) == 0, "the server did not end well"
    finally:
        server.kill()


@contextlib.contextmanager
def browsing(chromium, home=None):
    """home: where it looks for authorities that the user trusts."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        browser = Browser(chromium, folder, home)
        try:
            yield browser
        finally:
            browser.close()
