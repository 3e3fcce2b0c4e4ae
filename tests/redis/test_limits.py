"""test_limits.py - what holds for all functions: arguments, memory, keys, secrets, the version"""
import re
import unittest

import harness
from harness import GRACE, LEASE, PENDING, PREFIX, RulesTest, Session

H = 'ab' * 32  # a session hash

# name, good arguments (the first four are the caller's)
CALLER = ['', '0', '30000', '10000']
GOOD = {
    'login': CALLER + ['alice', 'Alice', H, '60000', '0'],
    'session': CALLER + [H],
    'logout': CALLER + ['alice', H],
    'renew': CALLER + ['g1', 'new', '0', 'nonce', ''],
    'connect': CALLER + ['g1', '1', H],
    'detach': CALLER + ['g1', '1', H, '0'],
    'reattach': CALLER + ['g1', '1', H, 'alice', 'Alice', '1', '0'],
    'prune': CALLER + ['g1', '1', '0'],
    'leave': CALLER + ['g1', '1'],
    'send': CALLER + ['g1', '1', H, 'alice', 'group', '"c"', '"hi"', '90000'],
    'replay': CALLER + ['g1', '1', H, '0', 'all'],
    'group': CALLER + ['g1', '1', '0'],
    'roster': CALLER + ['0'],
    'changes': CALLER + ['0'],
    'sweep': CALLER,
}
NUMBER = ['', '-1', '1.5', '1e3', 'x', ' 1', '1\n', '1' * 16]
NAME = ['', 'Alice', 'a b', 'a\n', '.a', 'a/b', 'é', 'a\0']
GATEWAY = ['', 'a:b', 'a b', '{x}']
HASH = ['', 'xyz', 'ab\n', 'ab:cd']
TEXT = ['', 'hi', '"hi', 'hi"', '5']
# Each form of parley_send; the other one is for gateways older than 1.3.
SEVERAL = CALLER + ['g1', '1', '90000', H, 'alice', 'group', '"c"', '"hi"', 'ab' * 8,
                    H, 'alice', 'bob', '', '"ho"', 'cd' * 8]
BAD_SEVERAL = [(4, GATEWAY), (5, NUMBER), (6, NUMBER[1:] + ['0'])] + [
    row for at in (7, 13) for row in (
        (at + 3, ['"a\nb"', 'a', '""']), (at + 4, TEXT), (at + 5, ['', 'ab' * 7 + 'a', 'ab' * 8 + 'a']))]
# function, index, bad values; None: the argument and all behind it are missing
BAD = [(f, i, v) for f in GOOD for i, v in (
    (0, ['x', ' ']), (1, NUMBER), (2, NUMBER), (3, NUMBER + ['0']))] + [
    ('login', 4, NAME), ('login', 5, ['', 'a b', 'a\n']), ('login', 6, HASH), ('login', 7, NUMBER),
    ('login', 8, NUMBER + [None]),
    ('session', 4, HASH + [None]), ('logout', 4, NAME), ('logout', 5, HASH + [None]),
    ('renew', 4, GATEWAY), ('renew', 5, ['', 'NEW', 'old']), ('renew', 6, NUMBER),
    ('renew', 7, ['', 'a b', 'a\n', None]),
    ('connect', 4, GATEWAY), ('connect', 5, NUMBER), ('connect', 6, HASH + [None]),
    ('detach', 4, GATEWAY), ('detach', 5, NUMBER), ('detach', 6, HASH + [None]), ('detach', 7, NUMBER),
    ('reattach', 4, GATEWAY), ('reattach', 5, NUMBER), ('reattach', 6, HASH), ('reattach', 7, NAME),
    ('reattach', 8, ['', 'a b']), ('reattach', 9, NUMBER), ('reattach', 10, NUMBER + [None]),
    ('prune', 4, GATEWAY), ('prune', 5, NUMBER), ('prune', 6, NUMBER + [None]),
    ('leave', 4, GATEWAY), ('leave', 5, NUMBER + [None]),
    ('send', 4, GATEWAY), ('send', 5, NUMBER), ('send', 6, HASH), ('send', 7, NAME), ('send', 8, NAME),
    ('send', 9, ['"a\nb"', 'a', '""']), ('send', 10, TEXT + [None]), ('send', 11, NUMBER + ['0']),
    ('replay', 4, GATEWAY), ('replay', 5, NUMBER), ('replay', 6, HASH), ('replay', 7, NUMBER),
    ('replay', 8, ['', 'ALL', 'group', None]),
    ('group', 4, GATEWAY), ('group', 5, NUMBER), ('group', 6, NUMBER + [None]),
    ('roster', 4, NUMBER + [None]), ('changes', 4, NUMBER + [None]),
]


class Arguments(RulesTest):
    first = False  # so that any call that gets past its checks would write: it opens an epoch
    invariants = False

    def test_the_good_ones_are_good(self):
        for function, args in GOOD.items():
            with self.subTest(function):
                self.operator(function, *args)

    def test_bad_ones_are_refused_before_the_first_write(self):
        for function, index, values in BAD:
            for value in values:
                args = list(GOOD[function])
                if value is None:
                    del args[index:]
                else:
                    args[index] = value
                with self.subTest(function, index=index, value=value):
                    with self.assertRaisesRegex(Exception, '^ERR parley: '):
                        self.operator(function, *args)
                    self.assertEqual(self.redis.call('DBSIZE'), 0)

    def test_one_bad_message_refuses_all_before_the_first_write(self):
        self.operator('send', *SEVERAL)
        self.redis.call('FLUSHALL')
        for index, values in BAD_SEVERAL:
            for value in values:
                args = SEVERAL[:index] + [value] + SEVERAL[index + 1:]
                with self.subTest(index=index, value=value):
                    with self.assertRaisesRegex(Exception, '^ERR parley: '):
                        self.operator('send', *args)
                    self.assertEqual(self.redis.call('DBSIZE'), 0)
        for count in range(14, 19):
            with self.subTest(count):
                with self.assertRaisesRegex(Exception, 'messages come in sixes'):
                    self.operator('send', *SEVERAL[:count])

    def test_a_setting_must_be_there_at_first(self):
        self.redis.call('FUNCTION', 'LOAD', 'REPLACE', harness.library)  # which remembers none yet
        with self.assertRaisesRegex(Exception, 'lease must be an integer'):
            self.operator('sweep', *GOOD['sweep'][:3])

    def test_the_prefix_is_needed(self):
        for function, args in GOOD.items():
            with self.subTest(function):
                with self.assertRaisesRegex(Exception, 'one key is needed'):
                    self.redis.call('FCALL', 'parley_' + function, 0, *args)
                with self.assertRaisesRegex(Exception, 'one key is needed'):
                    self.redis.call('FCALL', 'parley_' + function, 2, PREFIX, '{chat}:x', *args)

    def test_the_operator_needs_it_too(self):
        for call, function, args in (('FCALL', 'kick', ('bob',)), ('FCALL_RO', 'who', ()), ('FCALL', 'first', ())):
            for keys in ((), (PREFIX, PREFIX)):
                with self.subTest(function, keys=keys):
                    with self.assertRaisesRegex(Exception, 'one key is needed, the prefix'):
                        self.redis.call(call, 'parley_' + function, len(keys), *keys, *args)

    def test_every_function_is_in_these_tables(self):
        listed = set(re.findall(r"'parley_(\w+)'", harness.SHIPPED))
        self.assertEqual(listed - set(GOOD), {'version', 'kick', 'who', 'first'})


class Memory(RulesTest):
    """At maxmemory, what frees memory or keeps the living alive still works; the rest is refused."""
    WORKS = ('session', 'connect', 'logout', 'renew', 'detach', 'reattach', 'prune', 'replay', 'group', 'roster',
             'changes', 'sweep', 'leave')
    REFUSED = ('login', 'send')

    def setUp(self):
        super().setUp()
        self.g = self.gateway()
        self.sessions = {f: self.online_user(self.g, 'user-' + f) for f in self.WORKS + self.REFUSED}
        self.addCleanup(self.redis.call, 'CONFIG', 'SET', 'maxmemory', 0)
        self.fill()

    def fill(self):
        self.redis.call('CONFIG', 'SET', 'maxmemory', 1)

    def make(self, function):
        session = self.sessions[function]
        fresh = Session('fresh')
        return {
            'login': lambda: self.try_login(fresh), 'session': lambda: self.call('session', session.hash),
            'logout': lambda: self.logout(session), 'renew': lambda: self.g.renew('keep'),
            'connect': lambda: self.g.connect(session), 'detach': lambda: self.g.detach(session),
            'reattach': lambda: self.g.reattach(session), 'prune': self.g.prune,
            'leave': lambda: self.g.call('leave'), 'send': lambda: self.g.send(session, 'group'),
            'replay': lambda: self.g.replay(session), 'group': lambda: self.g.call('group', 0),
            'roster': lambda: self.call('roster', '0'), 'changes': lambda: self.call('changes', '0'),
            'sweep': lambda: self.call('sweep'),
        }[function]

    def test_works(self):
        for function in self.WORKS:
            with self.subTest(function):
                self.assertEqual(self.make(function)()[0], 'ok')

    def test_is_refused_before_the_first_write(self):
        before = self.snapshot()
        for function in self.REFUSED:
            with self.subTest(function):
                with self.assertRaisesRegex(Exception, '^OOM '):
                    self.make(function)()
        self.assertEqual(self.snapshot(), before)

    def test_kick_works(self):
        self.assertEqual(self.operator('kick', 'user-send'), 'kicked user-send')

    def test_a_sweep_frees(self):
        for session in self.sessions.values():
            self.g.detach(session)
        self.redis.call('CONFIG', 'SET', 'maxmemory', 0)
        self.pass_time(GRACE + LEASE)
        self.fill()
        self.g.renew('keep')
        self.assertEqual(self.sweep()[1], len(self.sessions))


class Room(RulesTest):
    """What users who only are there take of Redis' memory."""

    def used(self):
        return int(self.redis.call('INFO', 'memory').split('used_memory:')[1].split()[0])

    def test_an_idle_user_takes_at_most_650_bytes(self):
        """Just before the tables of 4,096 grow: there each user pays least for them, so this is about the rest."""
        count, gateways = 4000, [self.gateway('gateway-%d-AbCdEfGh' % i) for i in (1, 2)]
        before = self.used()
        for i in range(count):
            session = Session('user-%05d' % i)
            self.try_login(session, longest=86400000)
            gateways[i % 2].connect(session)
        each = (self.used() - before) / count
        self.assertEqual(len(self.online()), count)
        self.assertLessEqual(each, 650)


class Keys(RulesTest):
    def busy_day(self):
        """Something of everything."""
        g1, g2 = self.gateway('g1'), self.gateway('g2')
        alice, bob = self.online_user(g1, 'alice'), self.online_user(g2, 'bob', longest=99999)
        g1.connect(bob)
        g1.send(alice, 'bob', client_id='"1"')
        g1.send(bob, 'group', client_id='"1"')
        g2.up()
        g2.reattach(bob)
        g2.prune()
        g1.detach(alice)
        self.login('carol')
        self.redis.call('ZADD', self.key('gateways'), '1', 'g1')
        self.call('sweep')
        return alice, bob

    def test_all_under_the_prefix(self):
        self.busy_day()
        keys = self.redis.call('KEYS', '*')
        self.assertEqual([k for k in keys if not k.startswith(PREFIX)], [])
        self.assertGreater(len(keys), 12)

    def test_channels_too(self):
        ear = self.listen()
        ear.send('PSUBSCRIBE', '*')
        ear.receive()
        self.busy_day()
        ear.send('PING')
        channels = set()
        while True:
            reply = ear.receive()
            if reply[0] == 'pong':
                break
            channels.add(reply[2])
        self.assertEqual({c for c in channels if not c.startswith(PREFIX)}, set())
        self.assertGreaterEqual(len(channels), 4)

    def test_another_prefix_is_another_conversation(self):
        self.busy_day()
        before = self.snapshot()
        other = '{other}:'
        self.redis.call('FCALL', 'parley_first', 1, other)
        epoch = self.redis.call('HGET', other + 'presence', 'epoch')
        caller = [epoch, 0, GRACE, LEASE]
        self.redis.call('FCALL', 'parley_login', 1, other, *caller, 'alice', 'alice', H, PENDING, 0)
        self.redis.call('FCALL', 'parley_renew', 1, other, *caller, 'g1', 'new', 0, 'n')
        self.redis.call('FCALL', 'parley_connect', 1, other, *caller, 'g1', 1, H)
        after = self.snapshot()
        self.assertEqual({k: v for k, v in after.items() if k.startswith(PREFIX)}, before)
        self.redis.call('FLUSHALL')
        self.invariants = False

    def test_nothing_is_left_of_those_who_left(self):
        """Tombstones expire; counters, the log and the epoch stay; nothing else."""
        alice, bob = self.busy_day()
        self.pass_time(PENDING + GRACE + LEASE)
        for _ in range(3):
            self.sweep_all()
            self.pass_time(PENDING + GRACE + LEASE)
        keys = set(self.redis.call('KEYS', '*'))
        stones = {k for k in keys if k.startswith(PREFIX + 'session:')}
        self.assertEqual(len(stones), 3)
        for stone in stones:
            self.assertGreater(self.redis.call('TTL', stone), 0)
        self.assertLessEqual({self.key('session:' + s.hash) for s in (alice, bob)}, stones)
        self.assertEqual(keys - stones, {self.key(k) for k in (
            'presence', 'presence:log', 'message:id', 'channels', 'group')})
        self.assertGreater(self.redis.call('PTTL', self.key('group')), 0)
        self.assertEqual(self.redis.call('HKEYS', self.key('channels')), ['group'])

    def test_only_leases_countdowns_tombstones_and_copies_have_a_ttl(self):
        self.busy_day()
        for key in self.redis.call('KEYS', '*'):
            expected = bool(re.match(r'(gateway:[^:]*|grace:.*|sent:.*|inbox:.*|group)$', key[len(PREFIX):]))
            self.assertEqual(self.redis.call('TTL', key) >= 0, expected, key)

    def test_an_ended_record_is_not_the_user_called_ended(self):
        """`ended` is what stands in the record of an ended session, and a name like any other."""
        g = self.gateway()
        alice = self.login('alice')
        self.logout(alice)
        self.online_user(g, 'ended')
        self.assertEqual(g.connect(alice)[0], 'unknown')
        self.assertEqual(self.call('session', alice.hash)[0], 'unknown')
        self.assertEqual(self.logout(alice, name='ended')[0], 'unknown')

    def test_values_are_text(self):
        self.busy_day()
        for key in self.redis.call('KEYS', '*'):
            kind = self.redis.call('TYPE', key)
            flat = {'string': lambda k: [self.redis.call('GET', k)],
                    'hash': lambda k: self.redis.call('HGETALL', k),
                    'set': lambda k: self.redis.call('SMEMBERS', k),
                    'list': lambda k: self.redis.call('LRANGE', k, 0, -1),
                    'zset': lambda k: self.redis.call('ZRANGE', k, 0, -1),
                    'stream': lambda k: [v for e in self.redis.call('XRANGE', k, '-', '+') for v in e[1]],
                    }[kind](key)
            for value in flat:
                self.assertRegex(value, r'\A[\x20-\x7e\n]*\Z', key)


class Secrets(RulesTest):
    def test_a_token_is_no_hash(self):
        """base64url, 43 characters: refused where a hash belongs, and kept nowhere.  (That services
        pass hashes alone is for the end-to-end tests to prove.)"""
        token = 'q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA'
        before = self.snapshot()
        for function, index in (('login', 6), ('session', 4), ('logout', 5), ('connect', 6),
                                ('detach', 6), ('reattach', 6), ('send', 6)):
            args = list(GOOD[function])
            args[index] = token
            with self.subTest(function):
                with self.assertRaisesRegex(Exception, 'bad session hash') as caught:
                    self.operator(function, *args)
                self.assertNotIn(token, str(caught.exception))
        self.assertEqual(self.snapshot(), before)


class Library(RulesTest):
    def test_version(self):
        self.assertRegex(self.redis.call('FCALL_RO', 'parley_version', 0), r'^\d+\.\d+$')

    def test_flags(self):
        """Which functions work at maxmemory, and which are read only, is part of the contract."""
        functions = self.redis.call('FUNCTION', 'LIST', 'LIBRARYNAME', 'parley')[0][5]
        flags = {f[1][len('parley_'):]: set(f[5]) for f in functions}
        self.assertEqual({n for n, f in flags.items() if 'allow-oom' in f},
                         set(Memory.WORKS) | {'kick'})
        self.assertEqual({n for n, f in flags.items() if 'no-writes' in f}, {'version', 'who'})


if __name__ == '__main__':
    unittest.main()
