"""drive_lines.py PROGRAM - a line server does its work: real traffic in awkward pieces, then SIGTERM and exit 0."""
import re
import signal
import socket
import subprocess
import sys

LINES = [b"hello\n", b"\n", b"x" * 30000 + b"\n", *(b"line %d\n" % n for n in range(2000))]


def connect(address):
    client = socket.create_connection(address, timeout=30)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def read_all(client):
    parts = []
    while part := client.recv(65536):
        parts.append(part)
    return b"".join(parts)


def talk(address, pieces):
    """Sends the pieces, ends the stream, and answers with all that comes back."""
    with connect(address) as client:
        for piece in pieces:
            client.sendall(piece)
        client.shutdown(socket.SHUT_WR)
        return read_all(client)


def drive(address):
    whole = b"".join(LINES)
    answer = b"".join(b"you said: " + line for line in LINES)
    assert talk(address, [whole]) == answer, "all at once"
    assert talk(address, [bytes([b]) for b in b"one\ntwo\n"]) == b"you said: one\nyou said: two\n", "byte by byte"
    assert talk(address, [b"half a"]) == b"", "half a line has no answer"
    with connect(address) as idle, connect(address) as greedy:
        greedy.sendall(b"y" * 200000)
        try:
            assert greedy.recv(1) == b"", "a line past the limit ends the client"
        except ConnectionResetError:
            pass
        idle.sendall(b"still here\n")
        assert idle.recv(100) == b"you said: still here\n", "and nobody else"
    return len(LINES) + 2 + 1


def main():
    server = subprocess.Popen([sys.argv[1], "--port", "0"], stdout=subprocess.PIPE, text=True)
    try:
        host, port = re.fullmatch(r"listening on (\S+):(\d+)\n", server.stdout.readline()).groups()
        lines = drive((host, int(port)))
        server.send_signal(signal.SIGTERM)
        rest = server.communicate(timeout=30)[0]
    finally:
        server.kill()
    assert server.returncode == 0, f"exit {server.returncode}"
    assert rest == f"{lines} lines\n", rest


main()
