"""harness.py - a private Redis with the library loaded, and a test case that speaks its language

Time.  Nothing here sleeps.  The rules look at presence time, which is Redis' TIME less `skew`, and
at `last`, the TIME of the last call; both stand in the hash {chat}:presence.  TIME itself cannot be
moved, so a test moves what it is compared with:

    pass_time(ms)    presence time goes on by ms, as if it had passed with everybody calling: skew
                     is less by ms
    outage(ms)       nobody called for ms, which are over now: `last` and the skew of that moment lie
                     ms back.  The next call must put ms into the skew again; if it did not, ms of
                     presence time would have passed
    clock_step(ms)   somebody has just set Redis' clock forward (or back, ms < 0): the same edit

Real time goes by meanwhile, so compare times with `about`.

The library under test is `library`, a text; test_mutations.py puts broken ones there.  `module` is
shared/parley_module, built: with it Redis is started with it, and messages go to its command
(test_with_module.py)."""
import atexit
import ctypes
import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from resp import Client, ReplyError, Subscriber  # noqa: F401 (for the tests)

HERE = os.path.dirname(os.path.abspath(__file__))
MODULE_PATH = os.path.join(os.path.abspath(os.environ.get('PARLEY_RELEASE') or os.path.join(HERE, '..', '..', 'build', 'release')),
                           'parley.so')
LIBRARY_PATH = os.path.join(HERE, '..', '..', 'shared', 'parley.lua')
PREFIX = '{chat}:'
GRACE, LEASE, PENDING = 30000, 10000, 60000  # ms
KEEP = GRACE + 45000 + LEASE  # with interval and timeout of the pings
SETTLE = 2 * LEASE + 1000
JUMP = 1000000
BATCH = 64  # of reattach, prune and changes
SWEPT = 32  # of sweep
SLACK = 5000  # ms that a busy machine may lose between two lines of a test

with open(LIBRARY_PATH, encoding='utf-8') as file:
    SHIPPED = file.read()
library = SHIPPED
module = None

_libc = ctypes.CDLL(None)


def die_with_parent():
    _libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def wait_until(condition, what, timeout_s=20):
    end = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end:
            raise AssertionError('never came true: ' + what)
        time.sleep(0.005)


class Redis:
    """One redis-server on a unix socket in its own directory."""

    may_load = True  # `module`
    wrapper = ()  # before redis-server
    options = ()  # more of its own
    environment = None  # its own; None: ours

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix='parley-rules-')
        self.path = os.path.join(self.dir, 'redis.sock')
        self.process = self.client = self.loaded = None
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [*self.wrapper, 'redis-server', '--port', '0', '--unixsocket', self.path, '--dir', self.dir,
             '--save', '', '--appendonly', 'no', '--logfile', os.path.join(self.dir, 'log'),
             *(('--loadmodule', module) if module and self.may_load else ()), *self.options],
            env=self.environment, stdout=subprocess.DEVNULL, preexec_fn=die_with_parent)
        wait_until(self._answers, 'redis-server answers')
        self.loaded = None

    def _answers(self):
        if self.process.poll() is not None:
            raise AssertionError('redis-server ended with %d' % self.process.returncode)
        try:
            self.client = Client(self.path)
            return self.client.call('PING') == 'PONG'
        except (OSError, ReplyError):
            return False  # not listening yet, or loading its data

    def load(self, text):
        if self.loaded != text:
            self.client.call('FUNCTION', 'LOAD', 'REPLACE', text)
            self.loaded = text

    def kill(self):
        self.client.close()
        self.process.kill()
        self.process.wait()
        if os.path.exists(self.path):
            os.unlink(self.path)

    def stop(self):
        self.kill()
        shutil.rmtree(self.dir)


_shared = []


def shared_redis():
    """One server for all tests of a process, emptied between them."""
    if not _shared:
        _shared.append(Redis())
        atexit.register(_shared[0].stop)
    return _shared[0]


def pairs(flat):
    return dict(zip(flat[::2], flat[1::2]))


def digest_of(to, text):
    return hashlib.sha256(('%s\n%s' % (to, text)).encode()).hexdigest()[:16]


class Session:
    """What a client holds: the hash of its token."""
    made = 0

    def __init__(self, name, shown=None):
        Session.made += 1
        self.name, self.shown = name, shown or name
        self.hash = hashlib.sha256(b'token %d' % Session.made).hexdigest()
        self.number = 0  # of the login


class Gateway:
    """Speaks as one gateway-svc: knows its id, link, epoch and the highest id seen."""

    def __init__(self, test, name):
        self.test, self.id = test, name
        self.link, self.epoch, self.seen, self.nonces = 0, test.epoch, 0, 0

    def call(self, function, *args, link=None):
        return self.test.call(function, self.id, self.link if link is None else link, *args,
                              epoch=self.epoch, seen=self.seen)

    def renew(self, kind='new', link=None, info='', lines=('many',)):
        """lines=(): as a gateway older than 1.3 does."""
        self.nonces += 1
        carried = self.link if link is None else link
        return self.test.call('renew', self.id, kind, carried, 'nonce%d' % self.nonces, info, *lines,
                              epoch=self.epoch, seen=self.seen)

    def up(self):
        """A new connection; adopts what is answered."""
        reply = self.renew()
        self.test.assertEqual(reply[0], 'ok')
        self.epoch, self.link, self.seen = reply[1], int(reply[3]), int(reply[2])
        return self

    def connect(self, session, **kw):
        return self.call('connect', session.hash, **kw)

    def detach(self, session, *left, **kw):
        return self.call('detach', session.hash, *left, **kw)

    def reattach(self, *sessions, rest=0, **kw):
        flat = []
        for s in sessions:
            flat += [s.hash, s.name, s.shown, s.number or 1, rest]
        return self.call('reattach', *flat, **kw)

    def verdicts(self, *sessions, **kw):
        """What reattach says of each."""
        return self.reattach(*sessions, **kw)[5:5 + len(sessions)]

    def prune(self, **kw):
        cursor, reply = '0', None
        while reply is None or cursor != '0':
            reply = self.call('prune', cursor, **kw)
            if reply[0] != 'ok':
                break
            cursor = reply[2]
        return reply

    def send_all(self, *messages, keep=KEEP, **kw):
        """Messages (session, receiver[, text[, client_id]]) in one call; its whole answer."""
        flat = []
        for session, to, *rest in messages:
            text, client_id = (*rest, *('"hi"', '')[len(rest):])
            flat += [session.hash, session.name, to, client_id, text, digest_of(to, text)]
        return self.call('send', keep, *flat, **kw)

    def send(self, session, to, text='"hi"', client_id='', keep=KEEP, **kw):
        """One of them, and what became of it: [status, epoch, id, JSON], as far as it says so."""
        reply = self.send_all((session, to, text, client_id), keep=keep, **kw)
        if reply[0] != 'ok':
            return reply
        status, *said = reply[3].split(' ', 2)
        return [status, reply[1], *said]

    def send_single(self, session, to, text='"hi"', client_id='', keep=KEEP, **kw):
        """As a gateway older than 1.3 does."""
        return self.call('send', session.hash, session.name, to, client_id, text, keep, **kw)

    def replay(self, session, after=0, what='all', **kw):
        return self.call('replay', session.hash, after, what, **kw)


class RulesTest(unittest.TestCase):
    """A fresh conversation for each test: an empty Redis that has had parley_first."""
    first = True       # call parley_first
    invariants = True  # check them at the end (a test that forges state switches it off)

    def setUp(self):
        self.server = self.make_server()
        self.redis = self.server.client
        self.redis.call('FLUSHALL')
        self.server.load(library)
        self.epoch = ''
        if self.first:
            self.redis.call('FCALL', 'parley_first', 1, PREFIX)
            self.epoch = self.presence('epoch')
        self.subscribers = []

    def make_server(self):
        return shared_redis()

    def tearDown(self):
        for subscriber in self.subscribers:
            subscriber.close()
        if self.invariants:
            self.check_invariants()

    # ---- calls

    def key(self, name):
        return PREFIX + name

    def call(self, function, *args, epoch=None, seen=0, grace=GRACE, lease=LEASE, client=None):
        return self.operator(function, self.epoch if epoch is None else epoch, seen, grace, lease, *args,
                             client=client)

    def operator(self, function, *args, client=None):
        by_module = module and function == 'send'
        command = ('PARLEY.SEND',) if by_module else ('FCALL', 'parley_' + function, 1)
        return (client or self.redis).call(*command, PREFIX, *args)

    def try_login(self, session, pending=PENDING, longest=0, **kw):
        return self.call('login', session.name, session.shown, session.hash, pending, longest, **kw)

    def login(self, name, shown=None, **kw):
        session = Session(name, shown)
        self.assertEqual(self.try_login(session, **kw)[0], 'ok')
        session.number = int(self.user(name)['login'])
        return session

    def logout(self, session, name=None):
        return self.call('logout', name or session.name, session.hash)

    def gateway(self, name='g1'):
        return Gateway(self, name).up()

    def online_user(self, gateway, name, shown=None, **kw):
        session = self.login(name, shown, **kw)
        self.assertEqual(gateway.connect(session)[0], 'ok')
        return session

    def users(self, gateway, count, pattern='user%d'):
        return [self.online_user(gateway, pattern % i) for i in range(count)]

    def sweep(self, **kw):
        """[more, ended, detached, lapsed, settling] of one call"""
        reply = self.call('sweep', **kw)
        self.assertEqual(reply[0], 'ok')
        return [int(n) for n in reply[2:7]]

    def sweep_late_ms(self):
        """By how much the latest of those who were taken is late, as one call says."""
        return int(self.call('sweep')[7])

    def sweep_all(self):
        """Sweeps until there is nothing to do at once; the sums of [ended, detached, lapsed]."""
        sums = [0, 0, 0]
        for _ in range(1000):
            more, *counts, _settling = self.sweep()
            sums = [a + b for a, b in zip(sums, counts)]
            if not more:
                return sums
        raise AssertionError('the sweep never ends')

    def open_epoch(self):
        """As a restart with its data would: another process id.  Settles."""
        self.redis.call('HSET', self.key('presence'), 'run', 'f' * 40)
        old = self.epoch
        self.epoch = self.call('sweep')[1]
        self.assertNotEqual(self.epoch, old)

    # ---- time

    def pass_time(self, ms):
        self.redis.call('HINCRBY', self.key('presence'), 'skew', -ms)

    def outage(self, ms):
        self.redis.call('HINCRBY', self.key('presence'), 'last', -ms)
        self.redis.call('HINCRBY', self.key('presence'), 'skew', -ms)

    clock_step = outage

    def now(self):
        """Presence time."""
        seconds, micros = self.redis.call('TIME')
        return int(seconds) * 1000 + int(micros) // 1000 - int(self.presence('skew'))

    def about(self, value, expected, what=''):
        self.assertLessEqual(abs(value - expected), SLACK, '%s: %d, not about %d' % (what, value, expected))

    # ---- state

    def presence(self, field):
        return self.redis.call('HGET', self.key('presence'), field)

    def user(self, name):
        return pairs(self.redis.call('HGETALL', self.key('user:' + name)))

    def at(self, name):
        """{gateway: link}"""
        return {f[3:]: v for f, v in self.user(name).items() if f.startswith('at:')}

    def online(self):
        return set(self.redis.call('SMEMBERS', self.key('online')))

    def left_ms(self, name):
        """How long until the deadline; None when there is none."""
        score = self.redis.call('ZSCORE', self.key('deadlines'), name)
        return None if score is None else int(score) - self.now()

    def session_record(self, session):
        return self.redis.call('HGET', self.sessions_key(session.hash), session.hash[:32]) or \
            self.redis.call('GET', self.key('session:' + session.hash))

    def sessions_key(self, hash_):
        return self.key('sessions:' + hash_[:2])

    def settling(self):
        return self.presence('settle') is not None

    def log(self):
        return [(int(entry[0].split('-')[0]), entry[1][1])
                for entry in self.redis.call('XRANGE', self.key('presence:log'), '-', '+')]

    def changes(self):
        """The whole log as one list: ['+alice', '-alice']."""
        return [change for _, line in self.log() for change in line.split(' ')]

    def message_id(self):
        return int(self.redis.call('GET', self.key('message:id')) or 0)

    def snapshot(self):
        """Every key with its value: to prove that a refused call wrote nothing."""
        keys = sorted(self.redis.call('KEYS', '*'))
        return {key: self.redis.call('DUMP', key) for key in keys}

    # ---- what is published

    def listen(self, *channels):
        names = [self.key(c) for c in channels]
        subscriber = Subscriber(self.server.path, *names)
        self.subscribers.append(subscriber)
        return subscriber

    def heard(self, subscriber):
        """[(channel without prefix, text)]"""
        return [(c[len(PREFIX):], text) for c, text in subscriber.heard()]

    # ---- what must hold at any moment

    def check_invariants(self):
        names = [key[len(self.key('user:')):] for key in self.redis.call('KEYS', self.key('user:*'))]
        users = {name: self.user(name) for name in names}
        self._check_log()
        self._check_users(users)
        self._check_gateways(users)
        for key in self.redis.call('KEYS', '*'):
            self.assertTrue(key.startswith(PREFIX), key)

    def _check_log(self):
        """Versions without a gap; joins and leaves alternate; what they add up to is `online`."""
        visible, last = set(), None
        for version, line in self.log():
            if last is not None:
                self.assertEqual(version, last + 1, 'gap in the log')
            last = version
            for change in line.split(' '):
                sign, shown = change[0], change[1:]
                self.assertEqual(sign == '+', shown not in visible, 'not alternating: ' + change)
                (visible.add if sign == '+' else visible.remove)(shown)
        self.assertEqual(str(last or 0), self.presence('version') or '0')
        self.assertEqual(visible, self.online())

    def _check_users(self, users):
        deadlines = pairs(self.redis.call('ZRANGE', self.key('deadlines'), 0, -1, 'WITHSCORES'))
        self.assertEqual(self.online(), {u['name'] for u in users.values() if 'online' in u})
        self.assertLessEqual(set(deadlines), set(users), 'a deadline of nobody')
        for name, user in users.items():
            attached = any(f.startswith('at:') for f in user)
            if 'online' in user:
                self.assertEqual(user['gateways'], ' '.join(sorted(f[3:] for f in user if f.startswith('at:'))))
            self.assertEqual(self.redis.call('HGET', self.sessions_key(user['session']), user['session'][:32]), name)
            if attached:
                self.assertIn('online', user)
                self.assertEqual(deadlines.get(name, '0'), user['expires'], name)
                self.assertEqual(self.redis.call('EXISTS', self.key('grace:' + name)), 0)
                self.assertNotIn('left', user)
            else:
                self.assertEqual('left' in user, 'online' in user, name)
                self.assertIn(name, deadlines, 'would stay for ever')

    def _check_gateways(self, users):
        links = pairs(self.redis.call('HGETALL', self.key('links')))
        living = set(self.redis.call('ZRANGE', self.key('gateways'), 0, -1))
        lapsed = self.redis.call('SMEMBERS', self.key('lapsed'))
        listed = {}
        for entry in lapsed:
            gateway = entry.rpartition(':')[0]
            listed.setdefault(gateway, set()).update(
                self.redis.call('SMEMBERS', self.key('lapsed:' + entry)))
        for gateway, link in links.items():
            self.assertEqual(link.isdigit(), gateway in living, gateway + ' ' + link)
            self.assertTrue(link.isdigit() or gateway in listed, gateway + ' is never forgotten')
        self.assertLessEqual(living, set(links))
        self.assertEqual(set(self.redis.call('HKEYS', self.key('delivered'))), set(links))
        self._check_numbers(links, users)
        for key in self.redis.call('KEYS', self.key('lapsed:*')):
            self.assertIn(key[len(self.key('lapsed:')):], lapsed, 'a list that nobody drains')
        for channel in self.redis.call('HKEYS', self.key('channels')):
            self.assertTrue(channel == 'group' or channel[3:] in links, channel + ' is counted for ever')
        for gateway in set(links) | set(listed) | self._named_in(users):
            members = set(self.redis.call('SMEMBERS', self.key('gateway:%s:users' % gateway)))
            for name in members:
                self.assertIn('at:' + gateway, users.get(name, {}), name)
            for name, user in users.items():
                if 'at:' + gateway in user:
                    self.assertIn(name, members | listed.get(gateway, set()), 'at: nobody will take')

    def _check_numbers(self, links, users):
        """All from one counter: no two gateways have the same, nothing stands above it."""
        counter = int(self.presence('link') or 0)
        numbers = [int(link.rpartition(' ')[2]) for link in links.values()]
        self.assertEqual(len(numbers), len(set(numbers)), 'a number given twice: %r' % links)
        self.assertLessEqual(max(numbers, default=0), counter)
        for name, user in users.items():
            for gateway, number in self.at(name).items():
                self.assertLessEqual(int(number), counter, name + ' at ' + gateway)

    @staticmethod
    def _named_in(users):
        return {f[3:] for user in users.values() for f in user if f.startswith('at:')}
