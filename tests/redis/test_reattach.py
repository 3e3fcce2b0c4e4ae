"""test_reattach.py - sessions that a gateway still holds come back after trouble, and only those"""
import unittest

from harness import BATCH, GRACE, LEASE, RulesTest, Session


class SameEpoch(RulesTest):
    def test_after_a_new_link(self):
        g = self.gateway()
        sessions = self.users(g, 3)
        g.up()
        reply = g.reattach(*sessions)
        self.assertEqual(reply, ['ok', self.epoch, '0', '3', '0', 'ok', 'ok', 'ok', '0', '0', '0'])
        self.assertEqual(self.at('user0'), {'g1': '2'})
        self.assertEqual(len(self.changes()), 3, 'nobody was seen leaving')

    def test_ends_grace(self):
        g = self.gateway()
        session = self.online_user(g, 'alice')
        g.detach(session)
        self.assertEqual(g.verdicts(session), ['ok'])
        self.assertIsNone(self.left_ms('alice'))
        self.assertEqual(self.at('alice'), {'g1': '1'})

    def test_ended_absent_and_foreign_are_closed(self):
        g = self.gateway()
        ended, gone, replaced = self.users(g, 3)
        self.logout(ended)
        self.logout(gone)
        self.redis.call('DEL', self.key('session:' + gone.hash))  # an hour later
        self.logout(replaced)
        new = self.online_user(g, replaced.name)
        self.assertEqual(g.verdicts(ended, gone, replaced, new), ['ended', 'ended', 'ended', 'ok'])
        self.assertEqual(self.user(replaced.name)['session'], new.hash)
        self.assertEqual(self.online(), {new.name})

    def test_same_epoch_never_recreates_even_while_settling(self):
        g = self.gateway()
        self.open_epoch()
        g.epoch = self.epoch
        self.assertTrue(self.settling())
        self.assertEqual(g.verdicts(Session('alice')), ['ended'])
        self.assertEqual(self.online(), set())

    def test_a_user_may_be_called_ended(self):
        g = self.gateway()
        session = self.online_user(g, 'ended', 'Ended')
        g.up()
        self.assertEqual(g.verdicts(session), ['ok'])
        self.logout(session)
        self.assertEqual(g.verdicts(session), ['ended'])

    def test_at_most_a_batch(self):
        g = self.gateway()
        session = self.online_user(g, 'alice')
        self.assertEqual(g.verdicts(*[session] * BATCH), ['ok'] * BATCH)
        with self.assertRaisesRegex(Exception, 'at most 64'):
            g.reattach(*[session] * (BATCH + 1))
        with self.assertRaisesRegex(Exception, 'in fives'):
            g.call('reattach', session.hash)

    def test_a_batch_is_one_version_and_one_message(self):
        g = self.gateway()
        sessions = [self.login('user%d' % i) for i in range(BATCH)]
        ear = self.listen('presence')
        self.assertEqual(g.reattach(*sessions)[3], '1')
        self.assertEqual(len(self.heard(ear)), 1)
        self.assertEqual(len(self.log()), 1)
        self.assertEqual(len(self.changes()), BATCH)


class NewEpoch(RulesTest):
    """Redis has lost everything; the gateways still live in the old epoch."""
    first = False

    def setUp(self):
        super().setUp()
        self.redis.call('FCALL', 'parley_first', 1, self.key(''))
        self.epoch = self.presence('epoch')
        self.g = self.gateway()
        self.sessions = self.users(self.g, 2)
        self.old = self.g.epoch

    def lose_all(self):
        self.redis.call('FLUSHALL')
        self.renew(self.g)

    def renew(self, g):
        """A new link, but the gateway goes on living in its epoch until all is attached."""
        reply = g.renew()
        g.link = int(reply[3])
        self.epoch = reply[1]

    def test_recreated_while_it_settles(self):
        session = self.sessions[0]
        session.number, session.shown = 7, 'User0'
        self.lose_all()
        self.assertEqual(self.g.verdicts(session, rest=50000), ['ok'])
        user = self.user('user0')
        self.assertEqual((user['name'], user['session'], user['login']), ('User0', session.hash, '7'))
        self.about(int(user['expires']) - self.now(), 50000)
        self.about(self.left_ms('user0'), 50000)
        self.assertEqual(self.session_record(session), 'user0')
        self.assertEqual(user['floor'], str(int(self.presence('first')) - 1))
        self.assertEqual(self.online(), {'User0'})
        self.assertEqual(self.presence('logins'), '7')

    def test_the_counter_of_logins_never_falls(self):
        self.lose_all()
        self.sessions[0].number, self.sessions[1].number = 9, 4
        self.g.reattach(*self.sessions)
        self.assertEqual(self.presence('logins'), '9')
        self.redis.call('HDEL', self.key('presence'), 'settle')
        self.assertEqual(self.login('carol').number, 10)

    def test_no_end_stays_no_end(self):
        self.lose_all()
        self.g.reattach(self.sessions[0], rest=0)
        self.assertEqual(self.user('user0')['expires'], '0')
        self.assertIsNone(self.left_ms('user0'))

    def test_not_after_it_has_settled(self):
        self.lose_all()
        self.redis.call('HDEL', self.key('presence'), 'settle')
        self.assertEqual(self.g.verdicts(*self.sessions), ['ended', 'ended'])
        self.assertEqual(self.online(), set())

    def test_not_over_a_tombstone(self):
        self.lose_all()
        self.redis.call('SET', self.key('session:' + self.sessions[0].hash), 'ended')
        self.assertEqual(self.g.verdicts(*self.sessions), ['ended', 'ok'])

    def test_the_later_login_wins(self):
        """Two sessions of one name: forgotten logout, login, and then all was lost."""
        for order in ('earlier first', 'later first', 'in one batch'):
            with self.subTest(order):
                self.lose_all()
                earlier, later = Session('bob', 'Bob'), Session('bob', 'BOB')
                earlier.number, later.number = 3, 5
                if order == 'in one batch':
                    self.assertEqual(self.g.verdicts(earlier, later), ['ok', 'ok'])
                else:
                    first, second = (earlier, later) if order[0] == 'e' else (later, earlier)
                    self.assertEqual(self.g.verdicts(first), ['ok'])
                    self.assertEqual(self.g.verdicts(second),
                                     ['ok' if second is later else 'ended'])
                self.assertEqual(self.user('bob')['session'], later.hash)
                self.assertEqual(self.online(), {'BOB'})
                self.check_invariants()

    def test_the_earlier_login_is_told(self):
        self.lose_all()
        earlier, later = Session('bob'), Session('bob')
        earlier.number, later.number = 3, 5
        self.g.reattach(earlier)
        ear = self.listen('to:g1')
        self.g.reattach(later)
        self.assertIn(earlier.hash, self.heard(ear)[0][1])
        self.assertEqual(self.session_record(earlier), 'ended')
        self.assertEqual(self.g.verdicts(earlier), ['ended'])

    def test_a_replaced_session_stays_visible(self):
        """The log must end with the join: whoever plays it has him in the list."""
        self.lose_all()
        earlier, later = Session('bob'), Session('bob')
        earlier.number, later.number = 3, 5
        self.g.reattach(earlier)
        self.g.reattach(later)
        self.assertEqual(self.changes(), ['+bob', '-bob', '+bob'])
        self.assertEqual(len(self.log()), 2)

    def test_another_session_in_the_same_epoch_does_not_win(self):
        self.lose_all()
        first = Session('bob')
        first.number = 3
        self.g.reattach(first)
        self.g.epoch = self.epoch
        second = Session('bob')
        second.number = 5
        self.assertEqual(self.g.verdicts(second), ['ended'])
        self.assertEqual(self.user('bob')['session'], first.hash)

    def test_nobody_in_grace_comes_back(self):
        """What only Redis knew is lost; what a gateway holds is not."""
        self.g.detach(self.sessions[1])
        self.lose_all()
        self.g.reattach(self.sessions[0])
        self.g.epoch = self.epoch
        self.redis.call('HDEL', self.key('presence'), 'settle')
        self.assertEqual(self.g.connect(self.sessions[1])[0], 'unknown')
        self.assertEqual(self.login('user1').number, 2)

    def test_the_call_that_opens_the_epoch_counts_as_new(self):
        self.redis.call('FLUSHALL')
        self.redis.call('HSET', self.key('links'), 'g1', '1')
        self.invariants = False
        self.assertEqual(self.g.verdicts(*self.sessions), ['ok', 'ok'])


class DataKept(RulesTest):
    """A restart with the data: users are there, attachments are of links before it."""

    def test_everybody_returns_unseen(self):
        g = self.gateway()
        sessions = self.users(g, 3)
        ear = self.listen('presence')
        self.open_epoch()
        g.up()
        g.reattach(*sessions)
        g.prune()
        self.redis.call('HDEL', self.key('presence'), 'settle')
        self.pass_time(GRACE + LEASE)
        g.renew('keep')
        self.assertEqual(self.sweep_all()[0], 0)
        self.assertEqual(self.heard(ear), [])


if __name__ == '__main__':
    unittest.main()
