"""test_module.py - shared/parley_module does what parley_send does, and nothing else

Two servers whose clocks say the same (set_clock.c): one has loaded the module, one has not.  Both are
told the same, and must answer the same, publish the same, and hold the same afterwards, expiries
included: at random, and for each thing that makes a call one that the module has to pass on."""
import atexit
import json
import os
import random
import re
import socket
import struct
import tempfile
import unittest

import harness
from harness import LEASE, MODULE_PATH, PREFIX, Redis, Session, digest_of
from resp import Client, ReplyError, Subscriber

SET_CLOCK = os.path.join(os.path.dirname(MODULE_PATH), 'tests', 'redis', 'set_clock.so')
START_MS = 1_700_000_000_000
GRACE, KEEP = 30003, 85003  # ms; time passes by tens of ms, so that it is never the very one in which a key expires
EPOCH = 'e' * 16
NAMES = ['user%d' % i for i in range(6)]
GATEWAYS = ('g1', 'g2', 'g3')
SEEDS, STEPS = 10, 80
EVERYTHING = """
local function flat(list) local t = {} for i = 1, #list, 2 do t[list[i]] = list[i + 1] end return t end
local read = { string = function(k) return redis.call('GET', k) end,
               hash = function(k) return flat(redis.call('HGETALL', k)) end,
               list = function(k) return redis.call('LRANGE', k, 0, -1) end,
               set = function(k) local s = redis.call('SMEMBERS', k) table.sort(s) return s end,
               zset = function(k) return redis.call('ZRANGE', k, 0, -1, 'WITHSCORES') end,
               stream = function(k) return redis.call('XRANGE', k, '-', '+') end }
local all = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
    all[key] = { read[redis.call('TYPE', key).ok](key), redis.call('PTTL', key) }
end
return cjson.encode(all)"""


class Server(Redis):
    """With the module or without, and with a clock of ours."""
    may_load = False  # whatever the other tests do

    def __init__(self, clock, module, options=(), library=harness.SHIPPED):
        self.options = (*(('--loadmodule', module) if module else ()), *options)
        self.environment = dict(os.environ, SET_CLOCK=clock, LD_PRELOAD=SET_CLOCK)
        super().__init__()
        if library:  # a replica takes none
            self.load(library)
        self.send = ('PARLEY.SEND',) if module else ('FCALL', 'parley_send', 1)

    def everything(self):
        """But the id of its process."""
        state = json.loads(self.client.call('EVAL', EVERYTHING, 0))
        if PREFIX + 'presence' in state:
            state[PREFIX + 'presence'][0].pop('run')
        return state

    def figures(self):
        info = self.client.call('INFO', 'parley')
        return {name: int(n) for name, n in re.findall(r'parley_calls_(\w+):(\d+)', info)}


class Both:
    """The two servers, told the same."""

    def __init__(self, options=()):
        self.clock = tempfile.NamedTemporaryFile(prefix='parley-clock-')
        self.set_time(START_MS)
        self.servers = [Server(self.clock.name, module, options) for module in (None, MODULE_PATH)]
        self.with_module = self.servers[1]

    def set_time(self, ms):
        self.now = ms
        self.clock.seek(0)
        self.clock.write(struct.pack('q', ms * 1000))
        self.clock.flush()

    def stop(self):
        for server in self.servers:
            server.client.close()
            server.stop()
        self.clock.close()

    def call(self, *command):
        """The answer of both, an error as its text."""
        answers = []
        for server in self.servers:
            try:
                answers.append(server.client.call(*command))
            except ReplyError as error:
                answers.append(str(error))
        return answers

    def same(self, *command):
        first, second = self.call(*command)
        assert first == second, (command, first, second)
        return first


_both = []


def both_servers():
    if not _both:
        _both.append(Both())
        atexit.register(_both[0].stop)
    return _both[0]


class ModuleTest(unittest.TestCase):
    def make_servers(self):
        return both_servers()

    def setUp(self):
        self.both = self.make_servers()
        self.both.set_time(START_MS)
        self.both.same('FLUSHALL')
        self.both.call('FCALL', 'parley_first', 1, PREFIX)
        self.both.same('HSET', PREFIX + 'presence', 'epoch', EPOCH)
        self.links, self.sessions = {}, {}
        for gateway in GATEWAYS:
            self.links[gateway] = self.function('renew', gateway, 'new', 0, 'n1', '', 'many')[3]
        for i, name in enumerate(NAMES):
            self.online(name, GATEWAYS[i % 3])
        self.ears = []
        for server in self.both.servers:
            ear = Subscriber(server.path, *(PREFIX + c for c in ('to:g1', 'to:g2', 'to:g3', 'group')))
            self.addCleanup(ear.close)
            self.ears.append(ear)
        self.pass_time(2 * LEASE + 10)  # nobody is known to take one message in a line alone

    # ---- what happens

    def function(self, name, *args):
        return self.both.same('FCALL', 'parley_' + name, 1, PREFIX, EPOCH, 0, GRACE, LEASE, *args)

    def at(self, name, gateway, *args):
        return self.function(name, gateway, self.links[gateway], *args)

    def online(self, name, gateway):
        session = self.sessions[name] = Session(name, name.capitalize())
        self.function('login', name, session.shown, session.hash, 60000, 0)
        self.at('connect', gateway, session.hash)

    def pass_time(self, ms):
        """With everybody calling meanwhile."""
        self.both.set_time(self.both.now + ms)
        self.both.same('HINCRBY', PREFIX + 'presence', 'last', ms)
        for gateway, link in self.links.items():
            self.both.same('ZADD', PREFIX + 'gateways', self.both.now + LEASE, gateway)

    def message(self, sender, to, text='"hi"', client_id=''):
        return [self.sessions[sender].hash, sender, to, client_id, text, digest_of(to, text)]

    def args(self, *messages, gateway='g1', keep=KEEP):
        return [PREFIX, EPOCH, 0, GRACE, LEASE, gateway, self.links[gateway], keep,
                *(part for message in messages for part in message)]

    def send(self, *args):
        """The answer, which is the same of both, and so are what is heard and all keys.  (`heard`)"""
        answers = []
        for server in self.both.servers:
            try:
                answers.append(server.client.call(*server.send, *args))
            except ReplyError as error:
                answers.append(re.sub(r'script: \w+', 'script', str(error)))
        self.assertEqual(*answers, args)
        self.heard, other = (ear.heard() for ear in self.ears)
        self.assertEqual(self.heard, other, args)
        self.check_keys(args)
        return answers[0]

    def check_keys(self, *what):
        plain, with_module = (server.everything() for server in self.both.servers)
        for key in sorted(plain.keys() | with_module.keys()):
            self.assertEqual(plain.get(key), with_module.get(key), (key, *what))

    def warm(self):
        """What only parley_send does, once: the group has an expiry, and it is known who takes what."""
        self.send(*self.args(self.message('user0', 'group'), self.message('user0', 'group')))
        self.pass_time(2 * LEASE + 10)

    def taken(self, *args):
        """Did the module take it by itself?"""
        before = self.both.with_module.figures()
        self.answer = self.send(*args)
        after = self.both.with_module.figures()
        self.assertEqual(sum(after.values()), sum(before.values()) + 1)
        return after['taken'] > before['taken']


class Play(ModuleTest):
    """At random."""

    def play(self, seed):
        self.random = random.Random(seed)
        self.warm()
        for _ in range(STEPS):
            self.random.choice([self.some_messages] * 12 + [
                self.time_passes, self.somebody_moves, self.list_is_touched, self.field_is_touched,
                self.an_old_gateway])()
        self.check_keys('in the end')

    def some_name(self):
        return self.random.choice(NAMES + ['nobody'] * (self.random.random() < 0.1))

    def some_message(self):
        size = self.random.choice((1, 20, 100, 100, 400, 2000, 30000))
        sender = self.random.choice(NAMES)
        to = self.random.choice((self.some_name(), self.some_name(), 'group'))
        client_id = self.random.choice(('', '"c%d"' % self.random.randrange(1 << 30), '"c%d"' % self.random.randrange(30)))
        message = self.message(sender, to, '"%s"' % (self.random.choice('xy') * size), client_id)
        if self.random.random() < 0.01:
            message[0] = 'f' * 64
        return message

    def some_messages(self):
        count = self.random.choice((1, 1, 1, 2, 3, 5, 16))
        keep = self.random.choice((KEEP, KEEP, KEEP, KEEP // 2, 2 * KEEP))
        self.send(*self.args(*(self.some_message() for _ in range(count)), gateway=self.random.choice(GATEWAYS),
                             keep=keep))

    def time_passes(self):
        self.pass_time(self.random.choice((10, 1000, 20000, KEEP // 20 * 10, KEEP + 7, GRACE + 60007)))

    def somebody_moves(self):
        name, gateway = self.random.choice(NAMES), self.random.choice(GATEWAYS)
        self.at(self.random.choice(('connect', 'detach')), gateway, self.sessions[name].hash)

    def list_is_touched(self):
        key = PREFIX + 'inbox:' + self.random.choice(NAMES)
        self.both.same(*self.random.choice((('DEL', key), ('LPOP', key), ('LPUSH', key, 'junk'), ('LPUSH', key, '7 x'))))

    def field_is_touched(self):
        user = PREFIX + 'user:' + self.random.choice(NAMES)
        now = self.both.now
        self.both.same(*self.random.choice((
            ('HDEL', user, 'inbox'), ('HSET', user, 'inbox', '3 2 100 %d' % (now + KEEP)),
            ('HSET', user, 'inbox', '3 2 100 %d ' % (now + 2 * KEEP)), ('HDEL', user, 'gateways'),
            ('HSET', user, 'inbox', '3 2 65000 %d 2 %d' % (now, KEEP)),
            ('INCRBY', PREFIX + 'message:id', 5), ('HDEL', PREFIX + 'presence', 'group_until'))))

    def an_old_gateway(self):
        self.function(
            'renew', 'g3', 'keep', self.links['g3'], 'n%d' % self.random.randrange(1 << 30), '',
            *self.random.choice(((), ('many',))))


class Same(Play):
    pass


def add_seeds():
    for seed in range(SEEDS):
        def test(self, seed=seed):
            before = self.both.with_module.figures()['taken']
            self.play(seed)
            self.assertGreater(self.both.with_module.figures()['taken'], before + 10, 'hardly ever by the module')
        setattr(Same, 'test_seed_%02d' % seed, test)


add_seeds()


class Ordinary(ModuleTest):
    """What the module takes."""

    def setUp(self):
        super().setUp()
        self.warm()

    def assert_taken(self, *messages, **kw):
        self.assertTrue(self.taken(*self.args(*messages, **kw)), self.answer)
        self.assertEqual({fate.split(' ')[0] for fate in self.answer[3:]}, {'ok'})

    def test_to_one_user(self):
        self.assert_taken(self.message('user0', 'user1'))
        self.assertEqual([channel for channel, _ in self.heard], [PREFIX + 'to:g1', PREFIX + 'to:g2'])

    def test_to_oneself(self):
        self.assert_taken(self.message('user0', 'user0'))
        self.assertEqual(len(self.heard), 1)

    def test_to_the_group(self):
        self.assert_taken(self.message('user0', 'group'))

    def test_to_the_group_whose_stream_is_gone(self):
        self.both.same('DEL', PREFIX + 'group')
        self.assert_taken(self.message('user0', 'group'))

    def test_again_and_again(self):
        for i in range(3):
            self.assert_taken(self.message('user0', 'user1', client_id='"c%d"' % i))
            self.assert_taken(self.message('user1', 'group', client_id='"c%d"' % i))

    def test_several_in_one_call(self):
        self.assert_taken(*(self.message('user%d' % (i % 6), ('user%d' % (i % 5), 'group')[i % 7 == 0], client_id='"c%d"' % i)
                            for i in range(64)))

    def test_from_several_gateways(self):
        for gateway in GATEWAYS:
            self.at('connect', gateway, self.sessions['user0'].hash)
        self.assert_taken(self.message('user0', 'user1'))
        self.assertEqual(len(self.heard), 3)

    def test_an_inbox_that_is_full(self):
        """Of messages, and then of bytes."""
        for text in ('"x"', '"%s"' % ('y' * 1000)):
            for _ in range(10):
                self.assert_taken(*[self.message('user0', 'user1', text)] * 32)
        self.assertLess(self.both.same('LLEN', PREFIX + 'inbox:user1'), 64)

    def test_an_inbox_that_is_old(self):
        for _ in range(4):
            self.assert_taken(*[self.message('user0', 'user1')] * 3)
            self.pass_time(KEEP + 7)
        self.assertLess(self.both.same('LLEN', PREFIX + 'inbox:user1'), 9)

    def test_bytes_of_an_inbox_to_the_last_one(self):
        self.assert_taken(*[self.message('user0', 'user1')] * 8)
        size = len(self.both.same('LINDEX', PREFIX + 'inbox:user1', -1))
        for bytes_, left in ((65536 - size, 9), (65537 - size, 9), (65536 - size, 10)):
            self.both.same('HSET', PREFIX + 'user:user1', 'inbox', '9 0 %d %d 0 %d' % (bytes_, self.both.now + 2 * KEEP, KEEP))
            self.assert_taken(self.message('user0', 'user1'))
            self.assertEqual(self.both.same('LLEN', PREFIX + 'inbox:user1'), left)

    def test_bytes_that_were_never_counted(self):
        self.assert_taken(*[self.message('user0', 'user1')] * 64)
        self.both.same('RPUSH', PREFIX + 'inbox:user1', *['7 x' * 20] * 192)
        self.both.same('HSET', PREFIX + 'user:user1', 'inbox', '70 0 3 %d 0 %d' % (self.both.now + 2 * KEEP, KEEP))
        self.assert_taken(self.message('user0', 'user1'))
        self.assertEqual(self.both.same('LLEN', PREFIX + 'inbox:user1'), 241)

    def test_an_inbox_of_an_older_library_that_is_full(self):
        """Full of few that are large, so that nothing goes, and of many."""
        for before, bytes_ in ((2, 70000), (20, 70000), (300, 3)):
            self.both.same('DEL', PREFIX + 'inbox:user1')
            self.both.same('RPUSH', PREFIX + 'inbox:user1', *['7 x'] * before)
            self.both.same('HSET', PREFIX + 'user:user1', 'inbox', '8 2 %d %d' % (bytes_, self.both.now + 2 * KEEP))
            self.assert_taken(self.message('user0', 'user1'))
            self.assertRegex(self.both.same('HGET', PREFIX + 'user:user1', 'inbox'), ' 0 0$')

    def test_an_inbox_with_what_is_no_message(self):
        for junk in ('7x', 'x7', '', '7', '0'):
            self.both.same('DEL', PREFIX + 'inbox:user1')
            self.both.same('RPUSH', PREFIX + 'inbox:user1', *[junk] * 300)
            self.both.same('HSET', PREFIX + 'user:user1', 'inbox', '8 2 3 %d 0 %d' % (self.both.now + 2 * KEEP, KEEP))
            self.assert_taken(self.message('user0', 'user1'))

    def test_a_mark_with_a_blank_behind_it(self):
        self.assert_taken(*[self.message('user0', 'user1')] * 8)
        self.both.same('HSET', PREFIX + 'user:user1', 'inbox', '9 0 900 %d 3 %d ' % (self.both.now, KEEP))
        self.send(*self.args(self.message('user0', 'user1')))

    def test_a_clock_behind_presence_time(self):
        """(Only tests make one.)"""
        self.both.same('HSET', PREFIX + 'presence', 'skew', '-5000', 'single', str(self.both.now + 4000))
        self.assert_taken(*[self.message('user0', 'user1')] * 2)

    def test_what_is_not_in_force_any_more(self):
        """An older generation of client_ids beside one that says that there is none."""
        self.both.same('HSET', PREFIX + 'sent:user0', '', '-%d' % self.both.now)
        self.both.same('HSET', PREFIX + 'sent:user0:old', '"c"', '1 1 ' + 'f' * 16)
        self.assert_taken(self.message('user0', 'user1', client_id='"c"'))

    def test_a_large_text(self):
        self.assert_taken(self.message('user0', 'user1', '"%s"' % ('z' * 1_000_000)))
        self.assert_taken(self.message('user0', 'user1'))

    def test_bytes_of_all_kinds(self):
        self.assert_taken(self.message('user0', 'user1', '"%s"' % ''.join(map(chr, range(1, 256))), '"\\u0000\x01"'))


class PassedOn(ModuleTest):
    """What the module must not take: without the change that a row makes, it does."""

    def setUp(self):
        super().setUp()
        self.warm()
        self.batch = [self.message('user0', 'user1', client_id='"c"'), self.message('user2', 'group')]
        self.assertTrue(self.taken(*self.args(*self.batch)))
        self.batch[0][3] = '"d"'

    def change(self, *command):
        self.both.same(*command)

    def presence(self, *fields):
        self.change('HSET', PREFIX + 'presence', *fields)

    def user(self, *fields):
        self.change('HSET', PREFIX + 'user:user1', *fields)

    def of_another_type(self, key):
        self.change('DEL', PREFIX + key)
        self.change('SADD', PREFIX + key, 'x')

    STATE = {
        'it settles': lambda t: t.presence('settle', t.both.now + 10000),
        'another library': lambda t: t.presence('library', '0.9'),
        'no library': lambda t: t.change('HDEL', PREFIX + 'presence', 'library'),
        'somebody may take one message in a line alone': lambda t: (
            t.presence('single', t.both.now + 1000), t.batch.append(t.batch[1])),
        'nobody knows who does': lambda t: (
            t.change('HDEL', PREFIX + 'presence', 'single'), t.batch.append(t.batch[1])),
        'somebody may, in presence time': lambda t: (
            t.presence('skew', 5000, 'single', t.both.now - 4000), t.batch.append(t.batch[1])),
        'another link': lambda t: t.change('HSET', PREFIX + 'links', 'g1', '99'),
        'a link that lapsed': lambda t: t.change('HSET', PREFIX + 'links', 'g1', 'lapsed ' + t.links['g1']),
        'a gateway that says so': lambda t: (
            t.links.update(g1='lapsed 7'), t.change('HSET', PREFIX + 'links', 'g1', 'lapsed 7')),
        'no link': lambda t: t.change('HDEL', PREFIX + 'links', 'g1'),
        'message:id is no number': lambda t: t.change('SET', PREFIX + 'message:id', 'x'),
        'message:id was set back': lambda t: t.change('SET', PREFIX + 'message:id', '1'),
        'the group has newer ones than it should': lambda t: t.change(
            'XADD', PREFIX + 'group', '999-0', 'p', '1', 'm', 'x'),
        'the group has newer ones than all': lambda t: t.presence('group', '999'),
        'the group has to be prolonged': lambda t: t.presence('group_until', t.both.now + KEEP - 1),
        'the group is new': lambda t: t.change('HDEL', PREFIX + 'presence', 'group'),
        'the sender has another session': lambda t: t.change('HSET', PREFIX + 'user:user0', 'session', 'f' * 64),
        'the receiver is not there': lambda t: t.change('DEL', PREFIX + 'user:user1'),
        'the receiver never connected': lambda t: t.change('HDEL', PREFIX + 'user:user1', 'gateways', 'online', 'at:g2'),
        'the receiver is of a library older than 1.1': lambda t: t.change('HDEL', PREFIX + 'user:user1', 'gateways'),
        'nobody can read his inbox': lambda t: t.user('inbox', '1 2 x'),
        'it is empty': lambda t: t.user('inbox', ''),
        'nor its mark': lambda t: t.user('inbox', '1 2 3 4 x'),
        'the client_id was used': lambda t: t.change('HSET', PREFIX + 'sent:user0', '"d"', '1 %d %s' % (t.both.now, t.batch[0][5])),
        'for another message': lambda t: t.change('HSET', PREFIX + 'sent:user0', '"d"', '1 %d %s' % (t.both.now, 'f' * 16)),
        'in the generation before': lambda t: (
            t.change('HSET', PREFIX + 'sent:user0', '', str(t.both.now)),
            t.change('HSET', PREFIX + 'sent:user0:old', '"d"', '1 %d %s' % (t.both.now, t.batch[0][5]))),
        'there when nothing was': lambda t: (
            t.change('DEL', PREFIX + 'sent:user0'),
            t.change('HSET', PREFIX + 'sent:user0:old', '"d"', '1 %d %s' % (t.both.now, t.batch[0][5]))),
        'client_ids need a new generation': lambda t: t.change(
            'HSET', PREFIX + 'sent:user0', '', '-%d' % (t.both.now - GRACE - 60001)),
        'nobody knows when they were begun': lambda t: t.change('HSET', PREFIX + 'sent:user0', '', 'x'),
        'a gateway that is none': lambda t: t.user('gateways', 'g1\tg2'),
        'one with a NUL in it': lambda t: t.user('gateways', 'g1\0 g2'),
        'a count with a zero before it': lambda t: t.change('HSET', PREFIX + 'channels', 'to:g2', '07'),
        'the newest of the group with one': lambda t: t.presence('group', '02'),
        'a count is no number': lambda t: t.change('HSET', PREFIX + 'channels', 'to:g2', 'x'),
        'the same client_id twice': lambda t: t.batch.append(list(t.batch[0])),
        **{'%s is of another type' % key: lambda t, key=key: t.of_another_type(key) for key in (
            'message:id', 'links', 'channels', 'group', 'user:user1', 'inbox:user0', 'inbox:user1', 'sent:user0')},
    }

    ARGUMENTS = {  # of args(): index, value
        'another epoch': (1, 'd' * 16), 'no epoch': (1, ''), 'seen is no number': (2, 'x'), 'seen is too long': (2, '0' * 16),
        'no grace': (3, ''), 'no lease': (4, '0'), 'another gateway': (5, 'g2'), 'link 0': (6, '0'), 'keep 0': (7, '0'),
        'keep is too long': (7, '1' * 13), 'an unknown session': (8, 'f' * 64), 'an unknown sender': (9, 'nobody'),
        'an unknown receiver': (10, 'nobody'), 'a client_id that is no string': (11, 'd'), 'an empty client_id': (11, '""'),
        'a line break in it': (11, '"d\n"'), 'a text that is no string': (12, 'hi'), 'half of one': (12, '"'),
        'an open one': (12, '"hi'), 'no digest': (13, ''), 'a digest too long': (13, 'f' * 17),
    }

    def test_one_argument_more_or_less(self):
        good = self.args(*self.batch)
        for count in range(1, len(good)):
            if (count - 8) % 6 or count == 8:
                with self.subTest(count):
                    self.assertFalse(self.taken(*good[:count])) if count > 1 else None
        self.assertFalse(self.taken(*self.args(*[self.batch[1]] * 65)))
        self.assertTrue(self.taken(*good))

    def passes_on(self, *args):
        """Here both would open epochs of their own."""
        server = self.both.with_module
        before = server.figures()
        server.client.call(*server.send, *args)
        return server.figures()['passed_on'] == before['passed_on'] + 1

    def test_another_process(self):
        self.both.with_module.client.call('HSET', PREFIX + 'presence', 'run', 'f' * 40)
        self.assertTrue(self.passes_on(*self.args(*self.batch)))

    def test_ids_that_were_lost(self):
        args = self.args(*self.batch)
        args[2] = self.both.same('GET', PREFIX + 'message:id')
        self.assertTrue(self.taken(*args))
        args = self.args(self.batch[1])
        args[2] = '999'
        self.assertTrue(self.passes_on(*args))

    def test_with_the_rights_of_whoever_calls(self):
        client = self.both.with_module.client
        client.call('ACL', 'SETUSER', 'half', 'on', 'nopass', '+parley.send', '~' + PREFIX)
        half = Client(self.both.with_module.path)
        self.addCleanup(half.close)
        half.call('AUTH', 'half', 'x')
        self.assertEqual(half.call('PARLEY.SEND', *self.args(*self.batch))[0], 'ok')
        with self.assertRaisesRegex(ReplyError, 'acl verification failed|NOPERM'):
            half.call('PARLEY.SEND', *self.args(self.message('user0', 'nobody')))
        with self.assertRaisesRegex(ReplyError, 'NOPERM'):
            half.call('PARLEY.SEND', '{other}:', *self.args(*self.batch)[1:])

    def test_scripts_may_not_send_it(self):
        """With one that is passed on Redis itself would end."""
        server = self.both.with_module
        for receiver in ('user1', 'nobody'):
            args = self.args(self.message('user0', receiver))
            with self.assertRaisesRegex(ReplyError, 'not allowed from script'):
                server.client.call('EVAL', "return redis.call('PARLEY.SEND', unpack(ARGV))", 1, PREFIX, *args)

    def test_in_a_transaction(self):
        for receiver in ('user1', 'nobody'):
            args, answers = self.args(self.message('user0', receiver)), []
            for server in self.both.servers:
                server.client.call('MULTI')
                server.client.call(*server.send, *args)
                answers.append(server.client.call('EXEC'))
            self.assertEqual(*answers)
            self.check_keys(receiver)

    def test_it_tells_its_version(self):
        client = self.both.with_module.client
        self.assertEqual(client.call('PARLEY.SEND', PREFIX), re.search(r"VERSION = '(.*?)'", harness.SHIPPED).group(1))
        with self.assertRaisesRegex(ReplyError, 'wrong number of arguments'):
            client.call('PARLEY.SEND')


def add_rows():
    def add(rule, test):
        setattr(PassedOn, 'test_' + re.sub(r'\W+', '_', rule), test)

    for rule, change in PassedOn.STATE.items():
        def test(self, change=change):
            change(self)
            self.assertFalse(self.taken(*self.args(*self.batch)), self.answer)
        add(rule, test)
    for rule, (index, value) in PassedOn.ARGUMENTS.items():
        def test(self, index=index, value=value):
            args = self.args(*self.batch)
            args[index] = value
            self.assertFalse(self.taken(*args), self.answer)
            self.batch[0][3] = '"e"'
            args = self.args(*self.batch)
            self.assertTrue(self.taken(*args), self.answer)
        add(rule, test)


add_rows()


class Long(ModuleTest):
    def make_servers(self):
        both = Both(('--client-output-buffer-limit', 'pubsub 0 0 0'))
        self.addCleanup(both.stop)
        return both

    def test_a_line_that_is_too_long(self):
        """All of it or nothing: no gateway sends as much, but none of it may be lost."""
        self.warm()
        self.assertFalse(self.taken(*self.args(*[self.message('user0', 'user1', '"%s"' % ('x' * 1_100_000))] * 64)))
        self.assertTrue(self.taken(*self.args(self.message('user0', 'user1'))))


class Memory(ModuleTest):
    def test_nothing_is_left_behind(self):
        """By calls that are taken, passed on and refused: both servers need as much more as the other."""
        self.warm()
        self.all_kinds(range(100))
        used = [server.client.call('INFO', 'memory') for server in self.both.servers]
        self.all_kinds(range(100, 400))
        more = [self.used(server.client.call('INFO', 'memory')) - self.used(before)
                for server, before in zip(self.both.servers, used)]
        self.assertLess(more[1] - more[0], 5_000, more)  # 1,500 calls

    def all_kinds(self, serial):
        for i in serial:
            self.at_both(*self.args(*[self.message('user0', 'user1', '"%s"' % ('x' * 500), '"c%d"' % i)]))
            self.at_both(*self.args(*[self.message('user0', 'group', '"%s"' % ('x' * 500))] * 5))
            self.at_both(*self.args(*[self.message('user0', 'user1'), self.message('user1', 'nobody')]))
            self.at_both(*self.args(self.message('user0', 'user1', 'x')))
            self.at_both(*self.args(self.message('user0', 'user1', '"%s"' % ('x' * 500), '"c0"')))  # again

    def used(self, info):
        return int(re.search(r'used_memory:(\d+)', info).group(1))

    def at_both(self, *args):
        for server in self.both.servers:
            try:
                server.client.call(*server.send, *args)
            except ReplyError:
                pass


class WithoutModule(Play):
    """Neither a replica nor the append-only file needs it: both are told by plain commands."""

    def make_servers(self):
        both = Both(('--appendonly', 'yes', '--appendfsync', 'no'))
        self.addCleanup(both.stop)
        return both

    def test_the_append_only_file_tells_all(self):
        self.play(SEEDS)
        server = self.both.with_module
        before = server.everything()
        server.kill()
        server.options = ('--appendonly', 'yes')
        server.start()
        self.assertEqual(server.everything(), before)

    def test_a_replica_is_told_all(self):
        """Whatever its own settings are, and whoever listens there hears the same."""
        replica = self.replica_of(self.both.with_module)
        ear = Subscriber(replica.path, *(PREFIX + c for c in ('to:g1', 'to:g2', 'to:g3', 'group')))
        self.addCleanup(ear.close)
        self.warm()
        self.group_is_full()
        heard = []
        for _ in range(4):
            self.assertTrue(self.taken(*self.args(self.message('user0', 'user1', client_id='"c%d"' % len(heard)),
                                                  self.message('user1', 'group'))))
            heard += self.heard
        self.both.with_module.client.call('WAIT', 1, 10000)
        self.assertEqual(ear.heard()[-len(heard):], heard)
        told, replicated = self.both.with_module.everything(), replica.everything()
        for key in told:
            self.assertEqual(told[key], replicated[key], key)

    def group_is_full(self):
        """So that Redis throws away old ones; how many at a time is a setting of each."""
        self.both.same('EVAL', """for id = 10, 100120 do
            redis.call('XADD', KEYS[1], id, 'p', id - 1, 'm', 'x')
        end""", 1, PREFIX + 'group')
        self.both.same('SET', PREFIX + 'message:id', '100120')
        self.both.same('HSET', PREFIX + 'presence', 'group', '100120')

    def replica_of(self, server):
        held = socket.socket()  # as in test_restart.py
        self.addCleanup(held.close)
        held.bind(('127.0.0.1', 0))
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        port = held.getsockname()[1]
        server.client.call('CONFIG', 'SET', 'bind', '127.0.0.1', 'port', port, 'repl-diskless-sync-delay', 0)
        replica = Server(self.both.clock.name, None, (
            '--replicaof', '127.0.0.1 %d' % port, '--stream-node-max-entries', '7'), library=None)
        self.addCleanup(replica.stop)
        harness.wait_until(lambda: 'master_link_status:up' in replica.client.call('INFO', 'replication'), 'it follows')
        return replica
