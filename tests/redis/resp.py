"""resp.py - a small Redis client (RESP2 over a unix socket) for the tests of the rules"""
import socket


class ReplyError(Exception):
    """Redis answered with an error; str() is its line."""


def encode(args):
    parts = [b'*%d\r\n' % len(args)]
    for arg in args:
        data = arg if isinstance(arg, bytes) else str(arg).encode()
        parts.append(b'$%d\r\n%s\r\n' % (len(data), data))
    return b''.join(parts)


class Client:
    """One connection.  Texts only: replies are str, int, None or lists of them."""

    def __init__(self, path, timeout_s=30):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(timeout_s)
        try:
            self.sock.connect(path)
        except OSError:
            self.sock.close()
            raise
        self.file = self.sock.makefile('rb')

    def close(self):
        self.file.close()
        self.sock.close()

    def send(self, *args):
        self.sock.sendall(encode(args))

    def send_all(self, commands):
        """In one piece; each wants its receive()."""
        self.sock.sendall(b''.join(encode(args) for args in commands))

    def receive(self):
        line = self.file.readline()
        if not line.endswith(b'\r\n'):
            raise ConnectionError('Redis closed the connection')
        kind, rest = line[:1], line[1:-2]
        if kind == b'+':
            return rest.decode()
        if kind == b'-':
            raise ReplyError(rest.decode())
        if kind == b':':
            return int(rest)
        if kind == b'$':
            return self._bulk(int(rest))
        if kind == b'*':
            return None if rest == b'-1' else [self.receive() for _ in range(int(rest))]
        raise ConnectionError('not RESP: %r' % line)

    def _bulk(self, length):
        if length < 0:
            return None
        data = self.file.read(length + 2)
        return data[:-2].decode('utf-8', 'surrogateescape')

    def call(self, *args):
        self.send(*args)
        return self.receive()


class Recording(Client):
    """Values in a file, one after the other; an error is one of them."""

    def __init__(self, path):
        self.file = open(path, 'rb')

    def close(self):
        self.file.close()

    def receive(self):
        try:
            return super().receive()
        except ReplyError as e:
            return e

    def __iter__(self):
        while self.file.peek(1):
            yield self.receive()


class Subscriber(Client):
    """Collects what is published on channels."""

    def __init__(self, path, *channels):
        super().__init__(path)
        for channel in channels:
            self.send('SUBSCRIBE', channel)
            self.receive()

    def heard(self):
        """Everything published since the last call, as (channel, text).

        Nothing to wait for: Redis answers in order, so what was published by calls that are
        answered already stands in front of this PONG."""
        self.send('PING')
        messages = []
        while True:
            reply = self.receive()
            if reply[0] == 'pong':
                return messages
            messages.append(tuple(reply[-2:]))
