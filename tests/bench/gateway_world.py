"""gateway_world.py - one gateway on a Redis of redis_world.py, and clients that speak Socket.IO over WebSockets

The least that makes a gateway work: logins go straight to Redis, and presence is not swept."""
import base64
import hashlib
import itertools
import json
import os
import resource
import socket
import struct
import subprocess
import time
import urllib.request

from redis_world import MODULE, ROOT, World, die_with_parent

HEAD = ('GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\n'
        'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n'
        'Cookie: session=%s\r\n\r\n')
PORTS_PER_ADDRESS = 10000  # a client's address has so many


def token_of(name):
    """As auth-svc makes them: 32 bytes in base64url."""
    return base64.urlsafe_b64encode(hashlib.sha256(b'token of ' + name.encode()).digest()).decode().rstrip('=')


def frame(text):
    """Of a client, with the mask 0, so that it costs no time here."""
    data = text.encode()
    length = bytes([0x80 | len(data)]) if len(data) < 126 else b'\xfe' + struct.pack('>H', len(data))
    return b'\x81' + length + b'\0\0\0\0' + data


def hold_port():
    """A bound socket that never listens: nobody else gets its port, and the gateway, which sets SO_REUSEADDR, can listen there."""
    held = socket.socket()
    held.bind(('127.0.0.1', 0))
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return held


class Client:
    """One user's connection; `read_until` keeps nothing of what it has read."""

    def __init__(self, port, token, source):
        self.port, self.token, self.source = port, token, source
        self.sock, self.seen = None, b''

    def come(self):
        """Opens, joins, and waits for the list of users."""
        self.open()
        self.join()
        self.read_until(b'40{"sid"', b'user_change_in')

    def open(self):
        self.sock = socket.create_connection(('127.0.0.1', self.port), timeout=120, source_address=(self.source, 0))
        self.sock.sendall((HEAD % self.token).encode())

    def join(self):
        self.read_until(b'0{"sid"')
        self.send('40')

    def leave(self):
        self.sock.close()

    def read_until(self, *wanted):
        while not all(text in self.seen for text in wanted):
            part = self.sock.recv(65536)
            if not part:
                raise RuntimeError('closed: %r' % self.seen[-300:])
            self.seen += part
        seen, self.seen = self.seen, b''
        return seen

    def send(self, text):
        self.sock.sendall(frame(text))


class GatewayWorld:
    """wrapper: before the gateway (valgrind); redis_wrapper: before redis-server; bin: its folder; module: what
    Redis loads, or None."""

    def __init__(self, wrapper=(), redis_wrapper=(), bin=None, settings=None, module=MODULE):
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        self.redis = World(redis_wrapper, module=module)
        self.held = [hold_port(), hold_port()]
        self.port, self.health = (held.getsockname()[1] for held in self.held)
        self.clients = []
        self.addresses = ('127.0.%d.1' % i for i in itertools.count(1))
        env = {**os.environ, 'PORT': str(self.port), 'HEALTH_PORT': str(self.health),
               'REDIS_URL': 'unix://gateway-svc@' + self.redis.path,
               'REDIS_PASSWORD_FILE': os.path.join(self.redis.dir, 'gateway-svc', 'redis-password'),
               'LEASE_MS': '600000', 'GRACE_S': '3600', 'PING_INTERVAL_MS': '3600000', 'CONNECT_TIMEOUT_MS': '3600000',
               'RATE_MESSAGES': '1000000:1000000', 'LOG_LEVEL': 'error', 'DRAIN_S': '0', **(settings or {})}
        program = os.path.join(bin or os.path.join(ROOT, 'build', 'release'), 'parley-gateway')
        self.process = subprocess.Popen([*wrapper, program], env=env, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, preexec_fn=die_with_parent)
        self._wait_until_ready()

    def _wait_until_ready(self):
        for _ in range(3000):
            if self.process.poll() is not None:
                raise RuntimeError('the gateway ended with %d' % self.process.returncode)
            try:
                with urllib.request.urlopen('http://127.0.0.1:%d/readyz' % self.health, timeout=60):
                    return
            except OSError:
                time.sleep(0.02)
        raise RuntimeError('the gateway does not get ready')

    def login(self, name):
        """A client that has yet to come."""
        token = token_of(name)
        self.redis.auth.call(*self.redis.function(
            'login', name, name, hashlib.sha256(token.encode()).hexdigest(), 60000, 86400000))
        if len(self.clients) % PORTS_PER_ADDRESS == 0:
            self.source = next(self.addresses)
        client = Client(self.port, token, self.source)
        self.clients.append(client)
        return client

    def connect(self, *names):
        """They log in and come, all at once; returns the last one."""
        crowd = [self.login(name) for name in names]
        for client in crowd:
            client.open()
        for client in crowd:
            client.join()
        for client in crowd:
            client.read_until(b'40{"sid"', b'user_change_in')
        return crowd[-1]

    def rss(self):
        with open('/proc/%d/status' % self.process.pid, encoding='ascii') as file:
            return 1024 * int(file.read().split('VmRSS:')[1].split()[0])

    def metric(self, name):
        with urllib.request.urlopen('http://127.0.0.1:%d/metrics' % self.health, timeout=60) as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith(name + ' '):
                    return float(line.split(' ')[1])
        raise KeyError(name)

    def stop(self):
        for client in self.clients:
            client.sock.close()
        self.process.terminate()
        self.process.wait()
        self.redis.stop()


def message(to, text, number):
    """An event that asks for an acknowledgement: what `number` its answer begins with."""
    return '42%d["message_out",%s]' % (number, json.dumps(
        {'receiver': to, 'message_text': text, 'client_id': 'c%d' % number}, separators=(',', ':')))
