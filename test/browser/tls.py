"""A headless Chromium that trusts a new authority opens a page over TLS, and talks in a room over wss. One that does not
trust it opens nothing.

    tls.py CHROMIUM HTTP_FILE_SERVER WEBSOCKET_CHAT
"""
import os
import pathlib
import subprocess
import sys
import tempfile

from _browser import browsing, serving
from chat import talk

PAGE = "<!doctype html><title>a page</title><p id=text>over TLS</p>"


def run(*command):
    subprocess.run(command, check=True, capture_output=True, timeout=30)


def make_certificates(folder):
    """An authority, and in site.pem a certificate for localhost with its key."""
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    run("openssl", "req", "-x509", *key, "-keyout", folder / "ca.key", "-out", folder / "ca.pem", "-days", "2",
        "-subj", "/CN=weir browser test")
    run("openssl", "req", "-new", *key, "-keyout", folder / "site.key", "-out", folder / "site.csr", "-subj", "/CN=site")
    (folder / "names").write_text("subjectAltName = DNS:localhost, IP:127.0.0.1\nextendedKeyUsage = serverAuth\n")
    run("openssl", "x509", "-req", "-in", folder / "site.csr", "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key",
        "-CAcreateserial", "-days", "1", "-extfile", folder / "names", "-out", folder / "site.crt")
    (folder / "site.pem").write_text((folder / "site.crt").read_text() + (folder / "site.key").read_text())


def trust(home, authority):
    database = home / ".pki/nssdb"
    database.mkdir(parents=True)
    run("certutil", "-d", f"sql:{database}", "-N", "--empty-password")
    run("certutil", "-d", f"sql:{database}", "-A", "-t", "C,,", "-n", "weir browser test", "-i", authority)


def look(browser, url):
    tab = browser.open(url)
    tab.wait("document.readyState === 'complete' && document.getElementById('text')?.textContent === 'over TLS'")
    assert tab.run("isSecureContext && location.protocol === 'https:'")
    tab.run("fetch('big.bin').then(r => r.arrayBuffer()).then(b => crypto.subtle.digest('SHA-256', b)).then("
            "d => { window.sum = [...new Uint8Array(d)].map(x => x.toString(16).padStart(2, '0')).join('') }); 0")
    tab.wait("!!window.sum")
    return tab.run("window.sum")


def refuses(browser, url):
    tab = browser.open(url)
    tab.wait("document.documentElement?.innerHTML.includes('ERR_CERT_AUTHORITY_INVALID')")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as work:
        folder, home, nobody = pathlib.Path(work), pathlib.Path(work) / "home", pathlib.Path(work) / "nobody"
        root = folder / "root"
        root.mkdir()
        nobody.mkdir()
        (root / "index.html").write_text(PAGE)
        (root / "big.bin").write_bytes(os.urandom(5000003))
        make_certificates(folder)
        trust(home, folder / "ca.pem")
        sum_of = subprocess.run(["sha256sum", root / "big.bin"], check=True, capture_output=True, text=True).stdout.split()[0]
        with serving(sys.argv[2], "--port", "0", "--loops", "2", "--root", root, "--tls-cert", folder / "site.pem",
                     scheme="https") as where:
            with browsing(sys.argv[1], str(home)) as chromium:
                assert look(chromium, where.replace("127.0.0.1", "localhost")) == sum_of
                with serving(sys.argv[3], "--port", "0", "--loops", "2", "--tls-cert", folder / "site.pem",
                             scheme="https") as chat:
                    talk(chromium, chat)
            with browsing(sys.argv[1], str(nobody)) as stranger:
                refuses(stranger, where)
