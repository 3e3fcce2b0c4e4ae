"""stack.py - a private Parley for one benchmark: deploy/run in a directory of its own, and people in it

Programs come from $PARLEY_BIN (default build/release).  What stands in for a gateway here speaks the
rules of shared/parley.lua over Redis and has no clients: so 100,000 users take seconds to come."""
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
sys.path.insert(0, os.path.join(ROOT, 'tests', 'redis'))
from resp import Client, ReplyError  # noqa: E402 (behind the path)

PREFIX = '{chat}:'
START_S = 60
AT_ONCE = 500  # calls of one pipeline


class Stack:
    def __init__(self, **settings):
        self.dir = tempfile.mkdtemp(prefix='parley-bench-')
        self.settings = {'DOOR_PORT': '0', 'GATEWAYS': '2', **{k: str(v) for k, v in settings.items()}}
        self.grace, self.lease = int(settings['GRACE_S']) * 1000, int(settings['LEASE_MS'])
        self.child = self.run = self.admin = None

    def __enter__(self):
        self.child = subprocess.Popen(
            [os.path.join(ROOT, 'deploy', 'run'), '--bin', os.environ.get('PARLEY_BIN', 'build/release'),
             '--dir', self.dir, '--no-restart', '--quiet'],
            cwd=ROOT, env={**os.environ, **self.settings})
        try:
            self._wait_until_ready()
            self.admin = self.client()
            self.epoch = self.admin.call('HGET', PREFIX + 'presence', 'epoch')
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.child.send_signal(signal.SIGTERM)
        self.child.wait()
        shutil.rmtree(self.dir)

    def _wait_until_ready(self):
        end = time.monotonic() + START_S
        while not (self.run and self.run['ready']):
            if self.child.poll() is not None or time.monotonic() > end:
                raise SystemExit('the stack does not start')
            time.sleep(0.1)
            try:
                with open(os.path.join(self.dir, 'run.json'), encoding='utf-8') as file:
                    self.run = json.load(file)
            except FileNotFoundError:
                pass

    def client(self, kind=Client):
        """As admin."""
        with open(self.run['redis']['admin_password_file'], encoding='utf-8') as file:
            password = file.readline().strip()
        client = kind(self.run['redis']['socket'])
        client.call('AUTH', 'admin', password)
        return client

    def process(self, name):
        return next(p for p in self.run['processes'] if p['name'] == name)

    def cpu_s(self, name):
        """User and system time that the process has used."""
        with open('/proc/%d/stat' % self.process(name)['pid'], encoding='utf-8') as file:
            fields = file.read().rpartition(')')[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')

    def prefer(self, *names):
        """From now on nobody else takes the processor away from these and from this program: on a busy
        machine their tails are their own.  Only root may do that; else it says so."""
        try:
            for pid in [os.getpid()] + [self.process(name)['pid'] for name in names]:
                for thread in os.listdir('/proc/%d/task' % pid):  # all: the first waits for the others' locks
                    os.sched_setscheduler(int(thread), os.SCHED_FIFO, os.sched_param(1))
        except PermissionError:
            print('without root the other programs of the machine are measured, too')

    # ---- calls of the rules

    def call_args(self, function, *args, grace=None):
        return ('FCALL', 'parley_' + function, 1, PREFIX, self.epoch, 0,
                self.grace if grace is None else grace, self.lease, *args)

    def pipeline(self, calls):
        """Sends them all, then reads the answers; an answer that is not ok ends the benchmark."""
        calls = list(calls)
        self.admin.send_all(calls)
        for call in calls:
            reply = self.admin.receive()
            if isinstance(reply, list) and reply[0] != 'ok':
                raise SystemExit('%s: %s' % (call[1], reply))


class Gateway:
    """Holds a link and a lease, and users without clients."""

    def __init__(self, stack, name):
        self.stack, self.id, self.link = stack, name, 0
        self.renew('new')

    def renew(self, kind='keep'):
        reply = self.stack.admin.call(*self.stack.call_args('renew', self.id, kind, self.link, 'bench', ''))
        self.link = int(reply[3])

    def call_args(self, function, *args, **more):
        return self.stack.call_args(function, self.id, self.link, *args, **more)

    def seat(self, names):
        """Logs them in and connects them here."""
        names = list(names)
        for start in range(0, len(names), AT_ONCE):
            some = names[start:start + AT_ONCE]
            self.stack.pipeline(self.stack.call_args('login', n, n, hash_of(n), 600000, 0) for n in some)
            self.stack.pipeline(self.call_args('connect', hash_of(n)) for n in some)
            self.renew()


def hash_of(name):
    """Of a token that nobody has."""
    return hashlib.sha256(name.encode()).hexdigest()


def share(numbers, part):
    """The percentile; numbers rise."""
    return numbers[min(len(numbers) - 1, int(part * len(numbers)))]


__all__ = ['PREFIX', 'ReplyError', 'Stack', 'Gateway', 'hash_of', 'share']
