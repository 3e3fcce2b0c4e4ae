"""never_reads.py - sockets that connect, and never read again

usage: never_reads.py HOST PORT websocket|polling TOKEN...

Each has a tiny receive buffer, so that what waits for it waits at the server.  When all have joined,
prints their ports as JSON; ends with standard input.  (A socket that never reads cannot see that it was
closed: the end waits behind what it does not read.)
"""
import json
import os
import socket
import sys

host, port, transport, *tokens = sys.argv[1:]


def connect():
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.settimeout(10)
    s.connect((host, int(port)))
    return s


def read_until(s, word):
    got = b""
    while word not in got:
        part = s.recv(4096)
        if not part:
            sys.exit(f"ended before {word}: {got[-200:]}")
        got += part
    return got


def frame(text):
    data = text.encode()
    assert len(data) < 126
    return bytes([0x81, 0x80 | len(data), 0, 0, 0, 0]) + data


def websocket(token):
    s = connect()
    s.sendall((f"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: Upgrade\r\n"
               "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n").encode())
    read_until(s, b'"sid"')
    s.sendall(frame("40" + json.dumps({"token": token})))
    read_until(s, b'42["user_change_in"')
    return s


def ask(path, body=None):
    s = connect()
    method = "POST" if body else "GET"
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    s.sendall((f"{method} {path} HTTP/1.1\r\nHost: {host}:{port}\r\n{length}Connection: close\r\n\r\n" + (body or "")).encode())
    return s


def polling(token):
    """The answer to its second GET is what it never reads."""
    path = "/socket.io/?EIO=4&transport=polling"
    opened = read_until(ask(path), b"}")
    path += "&sid=" + json.loads(opened[opened.index(b"0{") + 1:])["sid"]
    read_until(ask(path, "40" + json.dumps({"token": token})), b"ok")
    read_until(ask(path), b"40")
    return ask(path)


sockets = [websocket(token) if transport == "websocket" else polling(token) for token in tokens]
print(json.dumps([s.getsockname()[1] for s in sockets]), flush=True)
sys.stdin.read()
os._exit(0)
