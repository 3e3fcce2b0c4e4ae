"""test_same.py - redis.lua, on which the simulator runs, does what a real Redis does

Plays what happened in some runs of the simulator (record.lua writes it down: every call with its
time, its answer and what it published, and now and then all that is in Redis) to a real
redis-server, and compares answers, published messages and keys: type, value, time of expiry.  Then
the same with plain commands by dice (commands.lua), which go where no simulation gets: on few keys,
of the wrong type too, at the millisecond of their expiry.

The real one's clock says what the simulator's said (tests/redis/set_clock.c), so that TIME, and
which keys have expired, are its own affair.  A data set of the simulator is a database here.  The
library is the shipped one but for two things: the id of a process, of which it makes epochs, is the
one that the simulator gave; and streams are trimmed exactly ("=" for "~"), as redis.lua does.

Not compared: the order in which Redis gives the members of a set and the fields of a hash (sorted
here; the rules may not depend on it), which members it chooses when it gives some of them (more than
64 in a set), the few entries that "~" leaves, what Redis says to wrong arguments beyond its first
words, and memory."""
import mmap
import os
import re
import struct
import subprocess
import sys
import tempfile
import unittest
from itertools import zip_longest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, 'tests', 'redis'))
from harness import PREFIX, SHIPPED, Redis  # noqa: E402
from resp import Recording, ReplyError, Subscriber  # noqa: E402

RELEASE = os.environ.get('PARLEY_RELEASE', os.path.join(ROOT, 'build', 'release'))
RUN_LINE = "call('INFO', 'server'):match('run_id:(%x+)')"
DATABASES = 1024  # more than data sets in a recording
SEEDS_LEAST, SEEDS_MOST = 4, 20

COPY_ALL = """
for _, key in ipairs(redis.call('KEYS', '*')) do
  redis.call('COPY', key, key, 'DB', ARGV[1])
end"""


class TimedRedis(Redis):
    """A Redis whose wall clock stands still until it is set."""

    options = ('--databases', str(DATABASES))

    def __init__(self):
        self.clock_file = tempfile.NamedTemporaryFile(prefix='parley-clock-')
        self.clock_file.truncate(8)
        self.clock = mmap.mmap(self.clock_file.fileno(), 8)
        self.set_clock(1000 * 10 ** 6)
        self.environment = dict(os.environ, SET_CLOCK=self.clock_file.name,
                                LD_PRELOAD=os.path.join(RELEASE, 'tests/redis/set_clock.so'))
        super().__init__()

    def set_clock(self, us):
        self.clock[:] = struct.pack('q', us)

    def stop(self):
        super().stop()
        self.clock.close()
        self.clock_file.close()


def read_all(call, key, kind):
    """As record.lua writes it down."""
    if kind == 'string':
        return call('GET', key)
    if kind == 'list':
        return call('LRANGE', key, 0, -1)
    if kind == 'stream':
        return call('XRANGE', key, '-', '+')
    if kind == 'set':
        return sorted(call('SMEMBERS', key))
    flat = call('HGETALL', key) if kind == 'hash' else call('ZRANGE', key, 0, -1, 'WITHSCORES')
    return [x for pair in sorted(zip(flat[::2], flat[1::2])) for x in pair]


def comparable(argv, answer):
    """Members of sets and fields of hashes come in Redis' own order."""
    name = argv[0]
    if name == 'PUBLISH':
        return 'to how many subscribers: none of the rules asks'
    if not isinstance(answer, list):
        return answer
    if name == 'parley_roster':
        return answer[:5] + sorted(answer[5:])
    if name in ('SMEMBERS', 'SPOP', 'SRANDMEMBER'):
        return sorted(answer)
    if name == 'SSCAN':
        return [answer[0], sorted(answer[1])]
    if name == 'HGETALL':
        return sorted(zip(answer[::2], answer[1::2]))
    return answer


def library_of(run_id):
    assert SHIPPED.count(RUN_LINE) == 1
    return SHIPPED.replace(RUN_LINE, "'%s'" % run_id).replace("'~'", "'='")


def first_difference(a, b):
    """Of lists their first items that differ, and what is in those."""
    while isinstance(a, list) and isinstance(b, list):
        a, b = next((x, y) for x, y in zip_longest(a, b, fillvalue='nothing') if x != y)
    return a, b


class Play:
    """One recording, played to a real Redis that had nothing to do with it so far."""

    def __init__(self, test, redis, label):
        self.test, self.redis, self.label = test, redis, label
        self.call = redis.client.call
        self.call('FLUSHALL')
        self.ear = Subscriber(redis.path)
        self.ear.send('PSUBSCRIBE', '*')
        self.ear.receive()
        self.published, self.steps, self.seen = [], 0, set()
        self.run_id, self.copies = None, set()

    def play(self, recording):
        for what, *args in recording:
            self.steps += 1
            getattr(self, 'on_' + what)(*args)
        self.compare_published()
        self.ear.close()

    def compare(self, real, ours, *about):
        if real != ours:
            real, ours = first_difference(real, ours)
            self.test.fail('%s, step %d, %s:\nRedis     %r\nredis.lua %r' % (
                self.label, self.steps, ' '.join(map(str, about)), real, ours))

    # ---- what is in a recording

    def on_copy(self, source, target):
        self.copies.add(target)
        self.call('SELECT', source)
        self.call('EVAL', COPY_ALL, 0, target)
        self.call('SELECT', self.data)

    def on_use(self, data, run_id):
        if self.run_id:
            self.seen.add('replica' if data in self.copies else
                          'restart' if run_id != self.run_id else 'flush')
        self.data, self.run_id = data, run_id
        self.call('FUNCTION', 'LOAD', 'REPLACE', library_of(run_id))
        self.call('SELECT', data)

    def on_call(self, us, argv, ours):
        self.ask(us, argv, ours, 'FCALL', argv[0], 1, *argv[1:])

    def on_command(self, us, argv, ours):
        self.ask(us, argv, ours, *['=' if arg == '~' else arg for arg in argv])

    def ask(self, us, argv, ours, *command):
        self.redis.set_clock(us)
        try:
            real = self.call(*command)
        except ReplyError as e:
            real = e
        self.seen.add(argv[0])
        if isinstance(ours, ReplyError) and isinstance(real, ReplyError):
            self.compare(str(real)[:len(str(ours))], str(ours), *argv)
        else:
            self.compare(comparable(argv, real), comparable(argv, ours), *argv)

    def on_published(self, flat):
        self.published += zip(flat[::2], flat[1::2])

    def on_state(self, us, data, ours):
        self.redis.set_clock(us)
        self.compare_published()
        self.compare([self.read(key) for key in sorted(self.call('KEYS', '*'))],
                     [item for item in ours if not 0 <= item[2] < us // 1000], 'state of', data)

    # ----

    def read(self, key):
        kind = self.call('TYPE', key)
        return [key, kind, self.call('PEXPIRETIME', key), read_all(self.call, key, kind)]

    def compare_published(self):
        self.compare(self.ear.heard(), self.published, 'published')
        self.published = []


class Same(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.redis = TimedRedis()
        cls.folder = tempfile.TemporaryDirectory(prefix='parley-same-')

    @classmethod
    def tearDownClass(cls):
        cls.redis.stop()
        cls.folder.cleanup()

    def record(self, script, seed, count):
        path = os.path.join(self.folder.name, 'recording')
        subprocess.run([os.path.join(RELEASE, 'tests/sim/sim'), os.path.join(HERE, script),
                        os.path.join(ROOT, 'shared/parley.lua'), str(seed), str(count)],
                       env=dict(os.environ, SIM_RECORD=path, SIM_SEED=str(seed)),
                       stdout=subprocess.DEVNULL, check=True, timeout=100)
        return Recording(path)

    def play(self, script, seed, count):
        recording = self.record(script, seed, count)
        play = Play(self, self.redis, '%s %d' % (script, seed))
        play.play(recording)
        recording.close()
        return play.seen

    def test_simulations(self):
        """Some, and more until all that there is to be seen was seen in one of them."""
        unseen = set(re.findall(r"^  \{ '(parley_\w+)'", SHIPPED, re.M)) | {'replica', 'restart', 'flush'}
        for seed in range(1, SEEDS_MOST + 1):
            unseen -= self.play('record.lua', seed, 1)
            if not unseen and seed >= SEEDS_LEAST:
                break
        self.assertEqual(unseen, set())

    def test_commands(self):
        """Each command that redis.lua knows."""
        with open(os.path.join(HERE, 'redis.lua'), encoding='utf-8') as file:
            known = set(re.findall(r'^function commands\.(\w+)', file.read(), re.M))
        seen = set()
        for seed in (1, 2):
            seen |= self.play('commands.lua', seed, 0)
        self.assertEqual(known - seen, {'INFO'})


if __name__ == '__main__':
    unittest.main()
