#!/usr/bin/python3
"""never_read.py PORT COUNT - clients that connect, are let in, and then never read again

Tokens come on standard input, one a line, COUNT connections for each; then "ready" is printed, and
the connections stay until standard input ends.  Their receive buffers are as small as can be, so
that what is sent to them waits at the server.
"""
import select
import socket
import sys

RCVBUF = 2048  # the kernel makes a little more of it
WAIT_S = 30
MASK = bytes(4)


def frame(text):
    payload = text.encode()
    head = bytes([0x81, 0x80 | len(payload)]) if len(payload) < 126 else \
        bytes([0x81, 0x80 | 126]) + len(payload).to_bytes(2, "big")
    return head + MASK + payload  # masked with nothing


def connect(port, token):
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RCVBUF)
    sock.connect(("127.0.0.1", port))
    sock.sendall(b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\n"
                 b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                 b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
                 + frame('40{"token":"%s"}' % token))
    seen = b""
    while b'"session"' not in seen:
        ready, _, _ = select.select([sock], [], [], WAIT_S)
        more = sock.recv(512) if ready else b""
        if not more:
            sys.exit(f"not let in: {seen[-200:]!r}")
        seen += more
    return sock


def main():
    port, count = int(sys.argv[1]), int(sys.argv[2])
    tokens = iter(sys.stdin.readline, "\n")  # an empty line ends them
    held = [connect(port, token.strip()) for token in tokens for _ in range(count)]
    print("ready", flush=True)
    sys.stdin.read()
    for sock in held:
        sock.close()


main()
