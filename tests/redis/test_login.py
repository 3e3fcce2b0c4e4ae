"""test_login.py - auth-svc's rules: login, session, logout, and the end of a session"""
import threading
import unittest

from harness import GRACE, PENDING, Client, RulesTest, Session


class Login(RulesTest):
    def test_new_session(self):
        session = self.login('alice', 'Alice')
        user = self.user('alice')
        self.assertEqual((user['name'], user['session'], user['login'], user['expires']),
                         ('Alice', session.hash, '1', '0'))
        self.assertEqual(self.session_record(session), 'alice')
        self.about(self.left_ms('alice'), PENDING)
        self.assertEqual(self.online(), set(), 'visible before connecting')
        self.assertEqual(self.changes(), [])

    def test_session_record_has_no_ttl(self):
        session = self.login('alice')
        self.assertEqual(self.redis.call('TTL', self.sessions_key(session.hash)), -1)

    def test_a_session_of_library_1_1(self):
        """Its record is a key of its own."""
        self._session_of_old('SET', 'session:%s', lambda hash_: ['alice'])

    def test_a_session_of_library_1_2(self):
        """Its record is named by the whole hash."""
        self._session_of_old('HSET', 'sessions:%.2s', lambda hash_: [hash_, 'alice'])

    def _session_of_old(self, command, key, record):
        session, g = self.login('alice'), self.gateway()
        self.redis.call('DEL', self.sessions_key(session.hash))
        self.redis.call(command, self.key(key % session.hash), *record(session.hash))
        self.assertEqual(g.connect(session)[0], 'ok')
        self.assertEqual(self.logout(session)[0], 'ok')
        self.assertEqual(self.session_record(session), 'ended')
        self.assertEqual(self.redis.call('KEYS', self.key('sessions:*')), [])

    def test_half_a_hash_is_no_session(self):
        session, other = self.login('alice'), Session('alice')
        other.hash = session.hash[:32] + other.hash[32:]
        self.assertEqual(self.gateway().connect(other)[0], 'unknown')
        self.assertEqual(self.logout(other)[0], 'unknown')
        self.assertEqual(self.logout(session)[0], 'ok')

    def test_logins_are_numbered(self):
        numbers = [self.login(name).number for name in ('a', 'b', 'c')]
        self.assertEqual(numbers, [1, 2, 3])

    def test_taken_while_pending_tells_the_rest(self):
        self.login('alice')
        self.pass_time(PENDING // 2)
        status, _, left = self.try_login(Session('alice'))
        self.assertEqual(status, 'taken')
        self.about(int(left), PENDING // 2)

    def test_taken_in_grace_tells_the_rest(self):
        g = self.gateway()
        session = self.online_user(g, 'alice')
        g.detach(session)
        self.pass_time(GRACE // 2)
        status, _, left = self.try_login(Session('alice'))
        self.assertEqual(status, 'taken')
        self.about(int(left), GRACE // 2)

    def test_taken_while_online_tells_nothing(self):
        self.online_user(self.gateway(), 'alice', longest=100000)
        self.assertEqual(self.try_login(Session('alice'))[::2], ['taken', '0'])

    def test_taken_past_the_deadline_until_swept(self):
        self.login('alice')
        self.pass_time(PENDING + 1)
        self.assertEqual(self.try_login(Session('alice'))[::2], ['taken', '1'])

    def test_taken_leaves_the_first_untouched(self):
        session = self.login('alice')
        before = self.user('alice')
        other = Session('alice')
        self.try_login(other)
        self.assertEqual(self.user('alice'), before)
        self.assertIsNone(self.session_record(other))
        self.assertEqual(self.session_record(session), 'alice')

    def test_folding_is_the_callers(self):
        with self.assertRaisesRegex(Exception, 'bad name'):
            self.call('login', 'Alice', 'Alice', 'a' * 64, PENDING, 0)

    def test_pending_never_outlives_the_session(self):
        self.login('alice', longest=1000)
        self.assertLessEqual(self.left_ms('alice'), 1000)

    def test_one_winner_of_concurrent_logins(self):
        for round_no in range(20):
            winners = self._race('user%d' % round_no, 4)
            self.assertEqual(sorted(winners), ['ok', 'taken', 'taken', 'taken'])

    def _race(self, name, threads):
        barrier, results = threading.Barrier(threads), []

        def one():
            client = Client(self.server.path)
            barrier.wait()
            results.append(self.try_login(Session(name), client=client)[0])
            client.close()
        runners = [threading.Thread(target=one) for _ in range(threads)]
        for t in runners:
            t.start()
        for t in runners:
            t.join()
        return results

    def test_pending_expiry_frees_the_name(self):
        session = self.login('alice')
        self.pass_time(PENDING - 5000)
        self.assertEqual(self.sweep_all(), [0, 0, 0])
        self.pass_time(5001)
        self.assertEqual(self.sweep_all(), [1, 0, 0])
        self.assertEqual(self.session_record(session), 'ended')
        self.assertEqual(self.changes(), [], 'nobody has seen him')
        self.login('alice')

    def test_settling_refuses_logins(self):
        self.open_epoch()
        self.assertEqual(self.try_login(Session('alice'))[0], 'unavailable')
        self.assertEqual(self.user('alice'), {})


class SessionAnswer(RulesTest):
    def test_own_session(self):
        session = self.login('alice', 'Alice')
        self.assertEqual(self.call('session', session.hash), ['ok', self.epoch, 'Alice', '0'])

    def test_rest_of_life(self):
        session = self.login('alice', longest=50000)
        self.pass_time(20000)
        self.about(int(self.call('session', session.hash)[3]), 30000)

    def test_unknown_and_ended(self):
        session = self.login('alice')
        self.logout(session)
        for hash_ in (session.hash, 'ab' * 32):
            self.assertEqual(self.call('session', hash_)[0], 'unknown')

    def test_settling_does_not_deny_what_may_come_back(self):
        known, ended = self.login('alice'), self.login('bob')
        self.logout(ended)
        self.open_epoch()
        self.assertEqual(self.call('session', known.hash)[0], 'ok')
        self.assertEqual(self.call('session', ended.hash)[0], 'unknown')
        self.assertEqual(self.call('session', 'ab' * 32)[0], 'unavailable')


class Logout(RulesTest):
    def test_own(self):
        g1, g2 = self.gateway('g1'), self.gateway('g2')
        session = self.online_user(g1, 'alice', 'Alice')
        g2.connect(session)
        ear = self.listen('to:g1', 'to:g2', 'presence')
        self.assertEqual(self.logout(session)[0], 'ok')
        self.assertEqual(self.user('alice'), {})
        self.assertEqual(self.online(), set())
        self.assertEqual(self.changes(), ['+Alice', '-Alice'])
        self.assertIsNone(self.left_ms('alice'))
        heard = self.heard(ear)
        self.assertEqual([(c, t.split(' ')[0], t.split(' ')[2:]) for c, t in heard[:2]],
                         [('to:g1', 'end', [session.hash, 'logged_out']),
                          ('to:g2', 'end', [session.hash, 'logged_out'])])
        self.assertEqual(heard[2], ('presence', self.epoch + ' 2 -Alice'))
        self.assertEqual(len(heard), 3)
        for gateway in ('g1', 'g2'):
            self.assertEqual(self.redis.call('EXISTS', self.key('gateway:%s:users' % gateway)), 0)

    def test_frees_the_name_at_once(self):
        session = self.online_user(self.gateway(), 'alice')
        self.logout(session)
        self.assertEqual(self.login('alice').number, 2)

    def test_in_grace(self):
        g = self.gateway()
        session = self.online_user(g, 'alice')
        g.detach(session)
        self.assertEqual(self.logout(session)[0], 'ok')
        self.assertEqual(self.redis.call('EXISTS', self.key('grace:alice')), 0)
        self.assertIsNone(self.left_ms('alice'))
        self.assertEqual(self.changes(), ['+alice', '-alice'])

    def test_anothers_is_forbidden(self):
        alice, bob = self.login('alice'), self.login('bob')
        self.assertEqual(self.logout(alice, name='bob')[0], 'forbidden')
        self.assertEqual(self.session_record(alice), 'alice')
        self.assertEqual(self.session_record(bob), 'bob')

    def test_unknown(self):
        session = self.login('alice')
        self.logout(session)
        self.assertEqual(self.logout(session)[0], 'unknown')
        self.assertEqual(self.logout(Session('alice'))[0], 'unknown')

    def test_settling(self):
        g = self.gateway()
        session = self.online_user(g, 'alice')
        self.open_epoch()
        self.assertEqual(self.logout(Session('alice'))[0], 'unavailable')
        self.assertEqual(self.logout(session)[0], 'ok')

    def test_forgets_what_was_sent(self):
        g = self.gateway()
        session = self.online_user(g, 'alice')
        g.send(session, 'group', client_id='"1"')
        self.redis.call('COPY', self.key('sent:alice'), self.key('sent:alice:old'))
        self.logout(session)
        self.assertEqual(self.redis.call('KEYS', self.key('sent:*')), [])

    def test_tombstone_for_an_hour(self):
        session = self.login('alice')
        self.logout(session)
        self.assertEqual(self.session_record(session), 'ended')
        ttl = self.redis.call('TTL', self.key('session:' + session.hash))
        self.assertTrue(3590 <= ttl <= 3600, ttl)


class Kick(RulesTest):
    def test_frees_the_name(self):
        g = self.gateway()
        session = self.online_user(g, 'alice', 'Alice')
        ear = self.listen('to:g1')
        self.assertEqual(self.operator('kick', 'ALICE'), 'kicked Alice')
        self.assertEqual([t.split(' ')[2:] for _, t in self.heard(ear)], [[session.hash, 'kicked']])
        self.assertEqual(self.session_record(session), 'ended')
        self.assertEqual(self.changes(), ['+Alice', '-Alice'])
        self.assertEqual(self.operator('kick', 'alice'), 'no such user: alice')
        self.login('alice')

    def test_pending(self):
        self.login('alice')
        self.assertEqual(self.operator('kick', 'alice'), 'kicked alice')
        self.assertEqual(self.changes(), [])

    def test_works_while_settling(self):
        self.online_user(self.gateway(), 'alice')
        self.open_epoch()
        self.assertEqual(self.operator('kick', 'alice'), 'kicked alice')
        self.assertEqual(self.online(), set())

    def test_a_name_without_a_user_is_struck_off(self):
        """As it stands in the list: nobody else may have that name in other letters."""
        self.invariants = False
        self.online_user(self.gateway(), 'alice', 'Alice')
        self.redis.call('DEL', self.key('user:alice'))
        ear = self.listen('presence')
        self.assertEqual(self.operator('kick', 'alice'), 'no such user: alice')
        self.assertEqual(self.online(), {'Alice'})
        self.assertEqual(self.operator('kick', 'Alice'), 'struck off the list: Alice')
        self.assertEqual(self.online(), set())
        self.assertEqual(self.changes(), ['+Alice', '-Alice'])
        self.assertEqual([text.split(' ')[2:] for _, text in self.heard(ear)], [['-Alice']])
        self.assertEqual(self.operator('kick', 'Alice'), 'no such user: alice')

    def test_it_is_struck_off_although_somebody_has_that_name_now(self):
        """Once for the name that is left, once more for who has it."""
        self.invariants = False
        g = self.gateway()
        for later in ('Bob', 'BOB'):
            with self.subTest(later):
                self.online_user(g, 'bob', 'Bob')
                self.redis.call('DEL', self.key('user:bob'))
                login = self.login('bob', later)
                self.assertEqual(self.operator('kick', 'Bob'), 'struck off the list: Bob')
                self.assertEqual(self.online(), set())
                self.assertEqual(g.connect(login)[0], 'ok')
                self.assertEqual(self.online(), {later})
                self.assertEqual(self.operator('kick', 'bob'), 'kicked ' + later)
                self.assertEqual(self.online(), set())

    def test_bad_names_are_refused(self):
        for args in ([], [''], ['a b'], ['-x'], ['a\n']):
            with self.assertRaisesRegex(Exception, 'bad name'):
                self.operator('kick', *args)


class Who(RulesTest):
    def who(self):
        return self.redis.call('FCALL_RO', 'parley_who', 1, '{chat}:')

    def test_one_line_per_user(self):
        g1, g2 = self.gateway('g1'), self.gateway('g2')
        alice = self.online_user(g1, 'alice', 'Alice')
        g2.connect(alice)
        bob = self.online_user(g1, 'bob')
        g1.detach(bob)
        self.login('carol')
        lines = self.who()
        self.assertRegex(lines[0], r'^Alice: online for \d+ s, on g1, g2$')
        self.assertRegex(lines[1], r'^bob: online for \d+ s, in grace, (2[5-9]|30) s left$')
        self.assertEqual(len(lines), 2)

    def test_one_who_is_lost_hides_nobody(self):
        """Neither by a key that is gone, nor by a login that came after it."""
        self.invariants = False
        g = self.gateway()
        for name in ('alice', 'bob', 'carol'):
            self.online_user(g, name)
        self.redis.call('DEL', self.key('user:alice'), self.key('user:bob'))
        self.login('bob')
        self.online_user(g, 'dora', 'Dora')
        self.redis.call('DEL', self.key('user:dora'))
        self.online_user(g, 'dora', 'DORA')
        lines = self.who()
        self.assertRegex(lines.pop(0), r'^DORA: online for \d+ s, on g1$')
        self.assertEqual(lines.pop(0), 'Dora: only the name is left, parley_kick strikes it off')
        self.assertEqual(lines[:2], ['%s: only the name is left, parley_kick strikes it off' % name
                                     for name in ('alice', 'bob')])
        self.assertRegex(lines[2], r'^carol: online for \d+ s, on g1$')

    def test_very_many_are_not_all_shown(self):
        g = self.gateway()
        for name in ('u%04d' % i for i in range(1300)):
            self.redis.call('HSET', self.key('user:' + name), 'name', name, 'online', '1')
            self.redis.call('SADD', self.key('online'), name)
        self.invariants = False
        lines = self.who()
        self.assertTrue(500 <= len(lines) - 1 < 1300, len(lines))
        self.assertEqual(lines[-1], '... and %d more' % (1300 - len(lines) + 1))
        self.assertEqual(g.renew('keep')[0], 'ok')


if __name__ == '__main__':
    unittest.main()
