"""test_presence.py - who is online: connect, detach, the grace period, its end"""
import unittest

from harness import GRACE, PENDING, SLACK, RulesTest, Session


class Connect(RulesTest):
    def test_answer(self):
        g = self.gateway()
        session = self.login('alice', 'Alice', longest=50000)
        reply = g.connect(session)
        status, epoch, message_id, name, shown, login, rest, version, floor, joined, *missed = reply
        self.assertEqual((status, epoch, message_id, name, shown, login, version, floor, joined),
                         ('ok', self.epoch, '0', 'alice', 'Alice', '1', '1', '0', '1'))
        self.assertEqual(missed, ['', '0', '0'])
        self.about(int(rest), 50000)
        self.assertEqual(g.connect(session)[9], '0', 'visible already')

    def test_no_end_is_told_as_0(self):
        g = self.gateway()
        self.assertEqual(g.connect(self.login('alice'))[6], '0')

    def test_makes_visible_once(self):
        g1, g2 = self.gateway('g1'), self.gateway('g2')
        ear = self.listen('presence')
        session = self.online_user(g1, 'alice', 'Alice')
        g1.connect(session)
        g2.connect(session)
        self.assertEqual(self.online(), {'Alice'})
        self.assertEqual(self.heard(ear), [('presence', self.epoch + ' 1 +Alice')])
        self.assertEqual(self.log(), [(1, '+Alice')])
        self.assertEqual(self.at('alice'), {'g1': str(g1.link), 'g2': str(g2.link)})

    def test_ends_the_pending_deadline(self):
        self.online_user(self.gateway(), 'alice')
        self.assertIsNone(self.left_ms('alice'))

    def test_watches_the_end_of_the_session_instead(self):
        self.online_user(self.gateway(), 'alice', longest=90000)
        self.about(self.left_ms('alice'), 90000)

    def test_unknown_and_ended(self):
        g = self.gateway()
        session = self.online_user(g, 'alice')
        self.logout(session)
        self.assertEqual(g.connect(session)[0], 'unknown')
        self.assertEqual(g.connect(Session('bob'))[0], 'unknown')

    def test_an_old_session_of_a_name_that_logged_in_again(self):
        g = self.gateway()
        old = self.online_user(g, 'alice')
        self.logout(old)
        new = self.online_user(g, 'alice')
        self.assertEqual(g.connect(old)[0], 'unknown')
        self.assertEqual(self.user('alice')['session'], new.hash)

    def test_expired_ends_the_session(self):
        g = self.gateway()
        session = self.online_user(g, 'alice', longest=90000)
        self.pass_time(90001)
        ear = self.listen('to:g1')
        self.assertEqual(g.connect(session)[0], 'unknown')
        self.assertEqual(self.session_record(session), 'ended')
        self.assertEqual(self.changes(), ['+alice', '-alice'])
        self.assertIn(session.hash + ' session_expired', self.heard(ear)[0][1])

    def test_settling_unknown_is_unavailable_but_ended_is_ended(self):
        g = self.gateway()
        known, ended = self.login('alice'), self.login('bob')
        self.logout(ended)
        self.open_epoch()
        self.assertEqual(g.connect(known)[0], 'ok')
        self.assertEqual(g.connect(ended)[0], 'unknown')
        self.assertEqual(g.connect(Session('carol'))[0], 'unavailable')

    def test_settling_expires_nobody(self):
        g = self.gateway()
        session = self.online_user(g, 'alice', longest=90000)
        self.open_epoch()
        self.redis.call('HSET', self.key('user:alice'), 'expires', '1')
        self.redis.call('ZADD', self.key('deadlines'), '1', 'alice')
        self.assertEqual(g.connect(session)[0], 'unavailable')
        self.assertEqual(self.online(), {'alice'})

    def answers(self, g, *hashes):
        """What connect says of each."""
        reply = g.call('connect', *hashes)
        self.assertEqual(len(reply), 13 * len(hashes))
        return [reply[i:i + 13] for i in range(0, len(reply), 13)]

    def test_several_at_once(self):
        g, ear = self.gateway(), self.listen('presence')
        alice, bob, carol = self.online_user(g, 'alice'), self.login('bob', 'Bob'), self.login('carol')
        answers = self.answers(g, bob.hash, alice.hash, 'ab' * 32, carol.hash)
        self.assertEqual([a[:2] for a in answers], [[s, self.epoch] for s in ('ok', 'ok', 'unknown', 'ok')])
        self.assertEqual([a[3:5] for a in answers], [['bob', 'Bob'], ['alice', 'alice'], ['', ''], ['carol', 'carol']])
        self.assertEqual([a[7] for a in answers], ['2', '2', '', '2'])
        self.assertEqual([a[9] for a in answers], ['1', '0', '', '1'])
        self.assertEqual(answers[2][2:], [''] * 11)
        self.assertEqual(self.heard(ear), [('presence', self.epoch + ' 1 +alice'), ('presence', self.epoch + ' 2 +Bob +carol')])
        self.assertEqual(self.online(), {'alice', 'Bob', 'carol'})
        self.assertEqual(self.at('bob'), {'g1': str(g.link)})

    def test_several_of_whom_one_has_expired(self):
        g = self.gateway()
        old = self.online_user(g, 'alice', longest=90000)
        self.pass_time(90001)
        new = self.login('bob')
        answers = self.answers(g, old.hash, new.hash)
        self.assertEqual([(a[0], a[9]) for a in answers], [('unknown', ''), ('ok', '0')])
        self.assertEqual(self.log()[-1], (2, '-alice +bob'))

    def test_a_key_of_another_type_harms_one_alone(self):
        g, ear = self.gateway(), self.listen('presence')
        alice, bob, carol = self.login('alice'), self.login('bob'), self.login('carol')
        self.redis.call('RENAME', self.key('user:bob'), self.key('away'))
        self.redis.call('SET', self.key('user:bob'), 'x')
        answers = self.answers(g, alice.hash, bob.hash, carol.hash)
        self.assertEqual([(a[0], a[9]) for a in answers], [('ok', '1'), ('unavailable', ''), ('ok', '1')])
        self.assertEqual(self.heard(ear), [('presence', self.epoch + ' 1 +alice +carol')])
        with self.assertRaisesRegex(Exception, 'WRONGTYPE'):
            g.call('connect', bob.hash)
        self.redis.call('RENAME', self.key('away'), self.key('user:bob'))

    def test_no_more_than_a_batch(self):
        g, hashes = self.gateway(), ['%064x' % n for n in range(65)]
        self.assertEqual(len(self.answers(g, *hashes[:64])), 64)
        with self.assertRaisesRegex(Exception, 'at most 64 sessions'):
            g.call('connect', *hashes)

    def test_counts_the_highest_id(self):
        g = self.gateway()
        session = self.online_user(g, 'alice')
        g.send(session, 'group')
        self.assertEqual(g.connect(session)[2], '1')


class Detach(RulesTest):
    def test_last_one_gone_starts_grace(self):
        g = self.gateway()
        session = self.online_user(g, 'alice')
        self.assertEqual(g.detach(session)[0], 'ok')
        self.assertEqual(self.at('alice'), {})
        self.about(self.left_ms('alice'), GRACE)
        self.about(self.redis.call('PTTL', self.key('grace:alice')), GRACE)
        self.assertEqual(self.redis.call('EXISTS', self.key('gateway:g1:users')), 0)
        self.assertEqual(self.online(), {'alice'}, 'still there')

    def test_another_gateway_keeps_him(self):
        g1, g2 = self.gateway('g1'), self.gateway('g2')
        session = self.online_user(g1, 'alice')
        g2.connect(session)
        g1.detach(session)
        self.assertEqual(self.at('alice'), {'g2': str(g2.link)})
        self.assertIsNone(self.left_ms('alice'))
        g2.detach(session)
        self.about(self.left_ms('alice'), GRACE)

    def test_names_the_session(self):
        g = self.gateway()
        old = self.online_user(g, 'alice')
        self.logout(old)
        new = self.online_user(g, 'alice')
        self.assertEqual(g.detach(old)[0], 'ok')
        self.assertEqual(self.at('alice'), {'g1': '1'}, 'the new session was taken away')
        self.assertEqual(g.detach(new)[0], 'ok')
        self.assertEqual(self.at('alice'), {})

    def test_twice_does_not_prolong_grace(self):
        g = self.gateway()
        session = self.online_user(g, 'alice')
        g.detach(session)
        self.pass_time(GRACE // 2)
        g.detach(session)
        self.about(self.left_ms('alice'), GRACE // 2)

    def test_of_a_pending_user_changes_nothing(self):
        session = self.login('alice')
        self.gateway().detach(session)
        self.about(self.left_ms('alice'), PENDING)
        self.assertEqual(self.redis.call('EXISTS', self.key('grace:alice')), 0)

    def test_grace_ends_with_the_session(self):
        g = self.gateway()
        session = self.online_user(g, 'alice', longest=GRACE // 3)
        g.detach(session)
        self.about(self.left_ms('alice'), GRACE // 3)
        self.assertLessEqual(self.left_ms('alice'), GRACE // 3)
        self.assertLessEqual(self.redis.call('PTTL', self.key('grace:alice')), GRACE // 3,
                             'the countdown shows more than there is')

    def test_no_grace_at_all(self):
        g = self.gateway()
        session = self.online_user(g, 'alice')
        self.assertEqual(self.call('detach', 'g1', g.link, session.hash, grace=0)[0], 'ok')
        self.assertEqual(self.sweep_all(), [1, 0, 0])


class Grace(RulesTest):
    def setUp(self):
        super().setUp()
        self.g = self.gateway()

    def test_return_within_it_is_seen_by_nobody(self):
        session = self.online_user(self.g, 'alice')
        ear = self.listen('presence')
        self.g.detach(session)
        self.pass_time(GRACE - SLACK)
        self.g.renew('keep')
        self.assertEqual(self.sweep_all(), [0, 0, 0])
        other = self.gateway('g2')
        self.assertEqual(other.connect(session)[0], 'ok')
        self.assertIsNone(self.left_ms('alice'))
        self.assertEqual(self.redis.call('EXISTS', self.key('grace:alice')), 0)
        self.pass_time(GRACE)
        other.renew('keep')
        self.assertEqual(self.sweep_all()[0], 0)
        self.assertEqual(self.heard(ear), [])

    def test_end_of_it_is_seen_once(self):
        session = self.online_user(self.g, 'alice', 'Alice')
        ear = self.listen('presence', 'to:g1')
        self.g.detach(session)
        self.pass_time(GRACE + 1)
        self.g.renew('keep')
        self.assertEqual(self.sweep_all()[0], 1)
        self.assertEqual(self.sweep_all()[0], 0)
        self.assertEqual([m for m in self.heard(ear) if not m[1].startswith('nonce ')],
                         [('presence', self.epoch + ' 2 -Alice')])
        self.assertEqual(self.user('alice'), {})
        self.assertEqual(self.session_record(session), 'ended')
        self.assertEqual(self.g.connect(session)[0], 'unknown')

    def test_online_users_end_with_their_session(self):
        session = self.online_user(self.g, 'alice', longest=90000)
        ear = self.listen('to:g1')
        self.pass_time(90001)
        self.g.renew('keep')
        self.assertEqual(self.sweep()[1], 1)
        texts = [t for _, t in self.heard(ear)]
        self.assertIn(session.hash + ' session_expired', texts[-1])
        self.assertEqual(self.online(), set())

    def test_a_deadline_is_checked_again(self):
        """Whatever put him there: a user with a socket is not ended."""
        self.online_user(self.g, 'alice')
        self.redis.call('ZADD', self.key('deadlines'), '1', 'alice')
        self.assertEqual(self.sweep()[1], 0)
        self.assertEqual(self.online(), {'alice'})
        self.assertIsNone(self.left_ms('alice'), 'looked at again and again')

    def test_a_deadline_of_nobody_is_dropped(self):
        self.redis.call('ZADD', self.key('deadlines'), '1', 'nobody')
        self.assertEqual(self.sweep()[1], 0)
        self.assertEqual(self.redis.call('EXISTS', self.key('deadlines')), 0)

    def test_ttl_by_hand_changes_nothing(self):
        session = self.online_user(self.g, 'alice')
        self.g.detach(session)
        self.redis.call('DEL', self.key('grace:alice'))
        self.assertEqual(self.sweep_all()[0], 0)
        self.assertEqual(self.online(), {'alice'})


if __name__ == '__main__':
    unittest.main()
