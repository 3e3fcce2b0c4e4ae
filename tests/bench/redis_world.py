"""redis_world.py - a Redis as in production, with users online, and calls as gateways make them

What redis_cost.py and instructions.py measure: deploy/redis/redis.conf, the users of deploy/setup, and
the library, called by the users that call it in earnest."""
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, 'tests', 'redis'))

from harness import die_with_parent  # noqa: E402
from resp import Client  # noqa: E402

MODULE = os.path.join(os.path.abspath(os.environ.get('PARLEY_RELEASE', os.path.join(ROOT, 'build', 'release'))), 'parley.so')
PREFIX = '{chat}:'
CALLER = [30000, 10000]  # grace and lease in ms
KEEP = 85000
BATCH = 64  # calls on their way at once
LEASE = '{"address":"127.0.0.1:40001","host":"one","pid":12345,"version":"0.1.0","connections":19000}'
TEXT = '"%s"' % ('The quick brown fox jumps over the lazy dog, and so on. ' * 2).strip()


def encode(*args):
    parts = ['*%d\r\n' % len(args)]
    for arg in args:
        arg = str(arg)
        parts.append('$%d\r\n%s\r\n' % (len(arg.encode()), arg))
    return ''.join(parts).encode()


def session_of(name):
    return hashlib.sha256(name.encode()).hexdigest()


def digest_of(to, text):
    return hashlib.sha256(('%s\n%s' % (to, text)).encode()).hexdigest()[:16]


class World:
    """`wrapper` is put before redis-server (valgrind); library: a text, if not the shipped one; module: what
    Redis loads, or None."""

    caller, keep_ms = CALLER, KEEP

    def __init__(self, wrapper=(), library=None, module=MODULE):
        self.dir = tempfile.mkdtemp(prefix='parley-cost-')
        self.path = os.path.join(self.dir, 'redis.sock')
        env = {**os.environ, 'KEY_PREFIX': '', 'OPERATOR_NOPASS': '0', 'SETUP_OWNERS': '0',
               'REDIS_MODULE': module or ''}
        subprocess.run([os.path.join(ROOT, 'deploy', 'setup'), self.dir], check=True, env=env)
        self.process = subprocess.Popen(
            [*wrapper, 'redis-server', os.path.join(ROOT, 'deploy', 'redis', 'redis.conf'), '--port', '0',
             '--unixsocket', self.path, '--dir', self.dir, '--logfile', os.path.join(self.dir, 'log'),
             '--aclfile', os.path.join(self.dir, 'redis', 'users.acl'), '--hz', '1',
             *(('--loadmodule', os.path.join(self.dir, 'redis', 'parley.so')) if module else ())],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, preexec_fn=die_with_parent)
        self.admin = self._connect_when_up('admin')
        if library is None:
            with open(os.path.join(ROOT, 'shared', 'parley.lua'), encoding='utf-8') as file:
                library = file.read()
        self.takes_many = "'many'" in library
        self.module = module
        self.admin.call('FUNCTION', 'LOAD', library)
        self.admin.call('FCALL', 'parley_first', 1, PREFIX)
        self.epoch = self.admin.call('HGET', PREFIX + 'presence', 'epoch')
        self.auth = self.log_in('auth-svc')
        self.presence = self.log_in('presence-svc')
        self.links, self.feeds = {}, []
        self.clients = {'admin': self.admin, 'auth': self.auth, 'presence': self.presence}  # and gateways

    def _connect_when_up(self, user):
        for _ in range(3000):
            if self.process.poll() is not None:
                raise RuntimeError('redis-server ended with %d' % self.process.returncode)
            try:
                return self.log_in(user)
            except OSError:
                time.sleep(0.02)
        raise RuntimeError('redis-server does not answer')

    def password(self, user):
        path = {'admin': 'redis/admin'}.get(user, user + '/redis-password')
        with open(os.path.join(self.dir, path), encoding='ascii') as file:
            return file.readline().strip()

    def log_in(self, user):
        client = Client(self.path, timeout_s=600)
        client.call('AUTH', user, self.password(user))
        return client

    def function(self, name, *args):
        return ('FCALL', 'parley_' + name, 1, PREFIX, self.epoch, 0, *self.caller, *args)

    def gateway(self, name):
        """One that is up: its two connections and the number of its link."""
        client, feed = self.log_in('gateway-svc'), self.log_in('gateway-svc')
        for channel in ('to:' + name, 'group', 'presence'):
            feed.send('SUBSCRIBE', PREFIX + channel)
            feed.receive()
        self.links[name] = client.call(*self.function('renew', name, 'new', 0, 'n', '', 'many'))[3]
        self.clients[name] = client
        self.feeds.append(feed)

    def hear(self, *channels):
        """One more subscriber."""
        feed = self.log_in('admin')
        for channel in channels:
            feed.send('SUBSCRIBE', PREFIX + channel)
            feed.receive()
        self.feeds.append(feed)

    def pass_time(self, ms):
        """Presence time goes on by ms; no lease of a gateway ends."""
        self.admin.call('HINCRBY', PREFIX + 'presence', 'skew', -ms)
        for name in self.links:
            self.run(name, [self.renew_command(name, ms)])

    def login_command(self, user):
        return encode(*self.function('login', user, user, session_of(user), 60000, 86400000))

    def login(self, user):
        self.run('auth', [self.login_command(user)])

    def gateway_command(self, function, gateway, *args):
        return encode(*self.function(function, gateway, self.links[gateway], *args))

    def renew_command(self, gateway, nonce):
        return encode(*self.function('renew', gateway, 'keep', self.links[gateway], 'n%d' % nonce, LEASE, 'many'))

    def online(self, user, gateway):
        self.login(user)
        self.run(gateway, [self.gateway_command('connect', gateway, session_of(user))])

    def send_commands(self, gateway, messages, size=1, lua=False):
        """Of messages (sender, receiver, client_id), so many in one call; [(command, messages in it)].  lua: not
        by the module.  (A library older than 1.3 has one in a call.)"""
        if not self.takes_many:
            return [(self.gateway_command('send', gateway, session_of(sender), sender, to, client_id, TEXT, self.keep_ms), 1)
                    for sender, to, client_id in messages]
        commands = []
        for i in range(0, len(messages), size):
            part = messages[i:i + size]
            args = [arg for sender, to, client_id in part
                    for arg in (session_of(sender), sender, to, client_id, TEXT, digest_of(to, TEXT))]
            call = self.function('send', gateway, self.links[gateway], self.keep_ms, *args)
            if self.module and not lua:
                call = ('PARLEY.SEND', *call[3:])
            commands.append((encode(*call), len(part)))
        return commands

    def run(self, client, commands, status='ok', batch=BATCH):
        """Pipelined as a busy gateway does; each must be answered so (None: with anything).  A command is
        bytes, or (bytes, messages in it), of which each must be."""
        client = self.clients[client]
        calls = [command if isinstance(command, tuple) else (command, 0) for command in commands]
        for i in range(0, len(calls), batch):
            part = calls[i:i + batch]
            client.sock.sendall(b''.join(command for command, _ in part))
            for _, messages in part:
                reply = client.receive()
                assert status is None or self.statuses(reply, messages) == [status] * max(messages, 1), reply
            for feed in self.feeds if i % BATCH == 0 else ():
                drain(feed)

    def statuses(self, reply, messages):
        return [fate.split(' ')[0] for fate in reply[3:]] if messages and self.takes_many else reply[:1]

    def cpu_us(self):
        info = self.admin.call('INFO', 'cpu')
        figures = dict(line.split(':') for line in info.split('\r\n') if ':' in line)
        return (float(figures['used_cpu_user']) + float(figures['used_cpu_sys'])) * 1e6

    def memory(self):
        info = self.admin.call('INFO', 'memory')
        return int(info.split('used_memory:')[1].split('\r\n')[0])

    def stop(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.dir)


def drain(feed):
    """Throws away what came; a subscriber that does not read would cost Redis memory."""
    feed.sock.setblocking(False)
    try:
        while feed.sock.recv(1 << 20):
            pass
    except BlockingIOError:
        pass
    feed.sock.setblocking(True)
