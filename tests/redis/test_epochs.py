"""test_epochs.py - epochs, settling, presence time"""
import unittest

from harness import GRACE, JUMP, LEASE, PENDING, SETTLE, SLACK, RulesTest, Session


class Opening(RulesTest):
    """When a call finds that Redis lost or changed its data."""

    def opened(self, **kw):
        before = self.presence('epoch')
        answered = self.call('sweep', **kw)[1]
        self.assertEqual(answered, self.presence('epoch'))
        return answered != before

    def test_not_without_a_reason(self):
        for caller in ({}, {'epoch': ''}, {'epoch': 'abcdef'}, {'seen': 0}):
            with self.subTest(**caller):
                self.assertFalse(self.opened(**caller))
        self.assertFalse(self.settling())

    def test_no_epoch_stored(self):
        self.redis.call('FLUSHALL')
        for function in ('sweep', 'login', 'session', 'roster'):
            with self.subTest(function):
                self.redis.call('FLUSHALL')
                args = {'login': ['a', 'a', 'ab', 1000, 0], 'session': ['ab'], 'roster': ['0']}
                self.call(function, *args.get(function, []))
                self.assertTrue(self.settling())
                self.assertEqual(self.message_id(), JUMP)
                self.assertEqual(self.presence('first'), str(JUMP))

    def test_the_empty_caller_settles_too(self):
        self.redis.call('FLUSHALL')
        self.call('sweep', epoch='')
        self.assertTrue(self.settling())

    def test_another_process(self):
        self.redis.call('HSET', self.key('presence'), 'run', 'f' * 40)
        self.assertTrue(self.opened())
        self.assertTrue(self.settling())
        self.assertFalse(self.opened(), 'opened again by the next call')

    def test_lost_ids_of_the_same_epoch(self):
        self.redis.call('SET', self.key('message:id'), 100)
        self.assertFalse(self.opened(seen=100))
        self.assertTrue(self.opened(seen=101))
        self.assertEqual(self.message_id(), 101 + JUMP)

    def test_higher_ids_of_another_epoch_only_raise(self):
        self.redis.call('SET', self.key('message:id'), 100)
        for epoch in ('', 'abcdef'):
            with self.subTest(epoch=epoch):
                self.assertFalse(self.opened(epoch=epoch, seen=500))
                self.assertEqual(self.message_id(), 500 + JUMP)
                self.assertEqual(self.presence('first'), str(500 + JUMP))
        self.assertFalse(self.settling())

    def test_another_epoch_raises_above_the_ids_that_it_has_seen(self):
        self.redis.call('SET', self.key('message:id'), JUMP)
        self.opened(epoch='abcdef', seen=900000)
        self.assertEqual(self.message_id(), 900000 + JUMP)
        self.opened(epoch='abcdef', seen=900000)
        self.assertEqual(self.message_id(), 900000 + JUMP, 'raised once')
        self.opened(epoch='abcdef', seen=900001)
        self.assertEqual(self.message_id(), 900001 + JUMP)

    def test_a_caller_that_has_seen_nothing_raises_nothing(self):
        self.opened(epoch='', seen=0)
        self.assertEqual(self.message_id(), 0)

    def test_lost_ids_while_settling_open_no_second_one(self):
        self.open_epoch()
        self.assertFalse(self.opened(seen=self.message_id() + 5))

    def test_ids_jump_above_stored_and_seen(self):
        for stored, seen in ((700, 20), (20, 700), (0, 0)):
            with self.subTest(stored=stored, seen=seen):
                self.redis.call('SET', self.key('message:id'), stored)
                self.redis.call('HSET', self.key('presence'), 'run', 'f' * 40)
                self.redis.call('HDEL', self.key('presence'), 'settle')
                self.assertTrue(self.opened(epoch='abcdef', seen=seen))
                self.assertEqual(self.message_id(), max(stored, seen) + JUMP)
                self.assertEqual(self.presence('first'), str(self.message_id()))

    def test_names_are_random(self):
        names = set()
        for _ in range(50):
            self.redis.call('FLUSHALL')
            names.add(self.call('sweep', epoch='')[1])
        self.assertEqual(len(names), 50)
        for name in names:
            self.assertRegex(name, '^[0-9a-f]{16}$')

    def test_adds_grace_to_the_skew(self):
        g = self.gateway()
        session = self.online_user(g, 'alice')
        g.detach(session)
        self.pass_time(GRACE - SLACK)
        left = self.left_ms('alice')
        self.open_epoch()
        self.about(self.left_ms('alice'), left + GRACE)

    def test_a_log_without_its_version_is_dropped(self):
        g = self.gateway()
        self.online_user(g, 'alice')
        self.redis.call('DEL', self.key('presence'))
        self.invariants = False  # somebody deleted a part of the data
        self.open_epoch()
        g.up()
        self.redis.call('HDEL', self.key('presence'), 'settle')
        self.online_user(g, 'bob')
        self.assertEqual(self.log(), [(1, '+bob')])


class First(RulesTest):
    first = False

    def test_ends_settling_early(self):
        self.assertEqual(self.operator('first'), 'ok')
        self.assertFalse(self.settling())
        self.assertEqual((self.presence('first'), self.message_id()), ('0', 0))
        self.assertRegex(self.presence('epoch'), '^[0-9a-f]{16}$')
        self.epoch = self.presence('epoch')
        self.login('alice')

    def test_only_on_empty(self):
        states = [('HSET', 'presence', 'epoch', 'x'), ('ZADD', 'gateways', 1, 'g'),
                  ('HSET', 'links', 'g', 1), ('SET', 'message:id', 1),
                  ('ZADD', 'deadlines', 1, 'a'), ('SADD', 'online', 'a')]
        for command, key, *rest in states:
            with self.subTest(key=key):
                self.redis.call('FLUSHALL')
                self.redis.call(command, self.key(key), *rest)
                before = self.snapshot()
                with self.assertRaisesRegex(Exception, 'not the first'):
                    self.operator('first')
                self.assertEqual(self.snapshot(), before)
        self.redis.call('FLUSHALL')

    def test_not_twice(self):
        self.operator('first')
        with self.assertRaisesRegex(Exception, 'not the first'):
            self.operator('first')


class Settling(RulesTest):
    def setUp(self):
        super().setUp()
        self.g = self.gateway()
        self.alice = self.online_user(self.g, 'alice')
        self.away = self.online_user(self.g, 'away')
        self.g.detach(self.away)
        self.open_epoch()
        self.g.up()

    def test_lasts_longer_than_lease_renewal_and_backoff(self):
        self.about(int(self.presence('settle')) - self.now(), SETTLE)
        self.assertGreater(SETTLE, LEASE + LEASE / 3 + LEASE / 4)

    def test_blocks_logins_and_messages(self):
        self.assertEqual(self.try_login(Session('bob'))[0], 'unavailable')
        self.assertEqual(self.g.send(self.alice, 'group')[0], 'unavailable')
        self.assertEqual(self.message_id(), JUMP)

    def test_expires_and_lapses_nobody(self):
        self.redis.call('ZADD', self.key('deadlines'), '1', 'away')
        self.redis.call('ZADD', self.key('gateways'), '1', 'g1')
        self.assertEqual(self.sweep(), [0, 0, 0, 0, 1])
        self.assertEqual(self.online(), {'alice', 'away'})
        self.assertEqual(self.redis.call('ZCARD', self.key('gateways')), 1)

    def test_ends_in_time(self):
        self.pass_time(SETTLE - SLACK)
        self.assertEqual(self.sweep()[4], 1)
        self.pass_time(SLACK + 1)
        self.assertEqual(self.sweep()[4], 0)
        self.assertFalse(self.settling())
        self.assertEqual(self.login('bob').number, 3)

    def test_any_call_that_notes_the_time_ends_it(self):
        self.pass_time(SETTLE + 1)
        self.assertEqual(self.g.renew('keep')[4], '0')
        self.assertEqual(self.g.send(self.alice, 'group')[0], 'ok')

    def test_a_second_loss_settles_anew(self):
        self.pass_time(SETTLE - SLACK)
        self.open_epoch()
        self.about(int(self.presence('settle')) - self.now(), SETTLE)

    def test_an_outage_prolongs_it(self):
        self.outage(SETTLE)
        self.assertEqual(self.sweep()[4], 1)


class Early(RulesTest):
    """Messages are taken before it has settled, if that is safe."""

    def setUp(self):
        super().setUp()
        self.g1, self.g2 = self.gateway('g1'), self.gateway('g2')
        self.alice, self.bob = self.online_user(self.g1, 'alice'), self.online_user(self.g2, 'bob')

    def back(self, gateway, *sessions):
        """As a gateway does: it goes on calling from the old epoch until all is attached."""
        reply = gateway.renew()
        gateway.link = int(reply[3])
        reply = gateway.reattach(*sessions)
        self.assertEqual(reply[5:5 + len(sessions)], ['ok'] * len(sessions))
        gateway.epoch, gateway.seen = reply[1], int(reply[2])
        self.assertEqual(gateway.prune()[0], 'ok')

    def test_when_every_gateway_is_back(self):
        self.open_epoch()
        self.back(self.g1, self.alice)
        self.sweep()
        self.assertEqual(self.g1.send(self.alice, 'bob')[0], 'unavailable', 'not while bob is not there')
        self.back(self.g2, self.bob)
        self.assertEqual(self.g1.send(self.alice, 'bob')[0], 'unavailable', 'the sweep says when')
        self.assertEqual(self.sweep()[4], 1)
        listener = self.listen('to:g2')
        self.assertEqual(self.g1.send(self.alice, 'bob')[0], 'ok')
        self.assertEqual(['"receiver":"bob"' in text for _, text in self.heard(listener)], [True])
        self.assertGreater(self.message_id(), JUMP)
        self.assertTrue(self.settling())

    def test_only_messages(self):
        self.online_user(self.g1, 'away')
        self.redis.call('ZADD', self.key('deadlines'), '1', 'away')
        self.open_epoch()
        self.back(self.g1, self.alice)
        self.back(self.g2, self.bob)
        self.redis.call('ZADD', self.key('gateways'), '1', 'g1')
        self.assertEqual(self.sweep(), [0, 0, 0, 0, 1])
        self.assertEqual(self.g1.send(self.alice, 'group')[0], 'ok')
        self.assertEqual(self.try_login(Session('carol'))[0], 'unavailable')
        self.assertEqual(self.online(), {'alice', 'bob', 'away'})

    def test_nobody_is_said_not_to_exist(self):
        self.open_epoch()
        self.back(self.g1, self.alice)
        self.back(self.g2, self.bob)
        self.sweep()
        self.assertEqual(self.g1.send(self.alice, 'carol')[0], 'unavailable')
        self.pass_time(SETTLE + 1)
        self.g1.renew('keep')
        self.assertEqual(self.g1.send(self.alice, 'carol')[0], 'no_such_user')

    def test_not_after_lost_data(self):
        self.redis.call('FLUSHALL')  # which leaves the functions
        self.epoch = self.call('sweep')[1]
        self.back(self.g1, self.alice)
        self.back(self.g2, self.bob)
        self.sweep()
        self.assertEqual(self.g1.send(self.alice, 'bob')[0], 'unavailable')

    def test_not_after_lost_ids_alone(self):
        self.g1.seen = 5
        self.epoch = self.g1.renew()[1]
        self.back(self.g1, self.alice)
        self.back(self.g2, self.bob)
        self.sweep()
        self.assertEqual(self.g1.send(self.alice, 'bob')[0], 'unavailable')

    def test_not_after_a_long_outage_or_a_clock_set_back(self):
        for ms, status in ((20001, 'unavailable'), (-SLACK, 'unavailable'), (20000 - SLACK, 'ok')):
            with self.subTest(ms=ms):
                self.outage(ms)
                self.open_epoch()
                self.back(self.g1, self.alice)
                self.back(self.g2, self.bob)
                self.sweep()
                self.assertEqual(self.g1.send(self.alice, 'bob')[0], status)

    def test_back_is_who_attached_all_in_this_epoch(self):
        self.open_epoch()
        self.back(self.g1, self.alice)
        self.g2.link = int(self.g2.renew()[3])
        self.g2.prune()  # from the old epoch
        self.sweep()
        self.assertEqual(self.g1.send(self.alice, 'bob')[0], 'unavailable')

    def test_a_sender_of_another_epoch_waits(self):
        self.open_epoch()
        self.back(self.g1, self.alice)
        self.back(self.g2, self.bob)
        self.sweep()
        self.g1.epoch = 'abc'
        self.assertEqual(self.g1.send(self.alice, 'bob')[0], 'unavailable')

    def test_a_second_loss_closes_again(self):
        self.open_epoch()
        self.back(self.g1, self.alice)
        self.back(self.g2, self.bob)
        self.sweep()
        self.open_epoch()
        self.g1.epoch = self.epoch
        self.sweep()
        self.assertEqual(self.g1.send(self.alice, 'bob')[0], 'unavailable')

    def test_a_lapsed_gateway_leaves_no_note(self):
        self.g1.prune()
        self.assertEqual(self.presence('here:g1'), self.epoch)
        self.g1.call('leave')
        self.assertIsNone(self.presence('here:g1'))


class PresenceTime(RulesTest):
    def setUp(self):
        super().setUp()
        self.g = self.gateway()
        self.alice = self.online_user(self.g, 'alice')
        self.g.detach(self.alice)
        self.call('sweep')

    def put_into_skew(self, gap, call=None):
        """What the first call after a gap puts into the skew."""
        self.call('sweep')
        self.outage(gap)
        before = int(self.presence('skew'))
        (call or (lambda: self.call('sweep')))()
        return int(self.presence('skew')) - before

    def test_gaps_go_into_the_skew(self):
        for gap in (2000, 50000, 86400000):
            with self.subTest(gap):
                put = self.put_into_skew(gap)
                self.assertGreaterEqual(put, gap)
                self.about(put, gap)

    def test_a_short_gap_is_no_outage(self):
        """900 ms and the few that the calls take; a busy machine may need another try."""
        self.assertIn(0, [self.put_into_skew(900) for _ in range(20)])
        self.assertGreater(self.put_into_skew(1001), 1000)

    def test_before_an_epoch_every_gap_is_an_outage(self):
        """In it somebody may have left once more, which was lost: his grace is not shortened by it."""
        def failover():
            self.redis.call('HSET', self.key('presence'), 'run', 'f' * 40)
            self.epoch = self.call('sweep')[1]
        self.assertGreaterEqual(self.put_into_skew(100, failover), 100 + GRACE)

    def test_a_clock_set_back_goes_into_the_skew(self):
        self.about(self.put_into_skew(-3600000), -3600000)
        self.about(self.left_ms('alice'), GRACE)

    def test_a_clock_set_forward_goes_into_the_skew(self):
        self.clock_step(3600000)
        self.assertEqual(self.sweep_all(), [0, 0, 0])
        self.about(self.left_ms('alice'), GRACE)

    def test_every_call_that_compares_times_notes_first(self):
        """An outage, and then this call first: nobody may lose by it."""
        bob = self.login('bob')
        self.g.connect(bob)
        calls = {
            'sweep': lambda: self.call('sweep'),
            'login': lambda: self.try_login(Session('carol')),
            'session': lambda: self.call('session', bob.hash),
            'renew': lambda: self.g.renew('keep'),
            'connect': lambda: self.g.connect(bob),
            'reattach': lambda: self.g.reattach(bob),
            'prune': lambda: self.g.prune(),
            'detach': lambda: self.g.detach(bob),
        }
        for name, call in calls.items():
            with self.subTest(name):
                self.about(self.put_into_skew(100000, call), 100000, name)

    def test_an_outage_delays_leases_and_deadlines(self):
        left = self.left_ms('alice')
        self.outage(10 * (GRACE + LEASE))
        self.assertEqual(self.sweep_all(), [0, 0, 0])
        self.about(self.left_ms('alice'), left)
        self.assertEqual(self.redis.call('ZCARD', self.key('gateways')), 1)

    def test_grace_is_served_in_full_over_outages(self):
        """Outages and steps of the clock between stretches of life; only these count."""
        served = 0
        for stretch, trouble in ((10000, 70000), (5000, -90000), (8000, 3600000), (6000, -2000)):
            self.pass_time(stretch)
            served += stretch
            self.outage(trouble)
            self.g.renew('keep')
            self.assertEqual(self.sweep_all()[0], 0, 'expired after %d of %d ms' % (served, GRACE))
        self.pass_time(GRACE - served + 1)
        self.g.renew('keep')
        self.assertEqual(self.sweep_all()[0], 1)

    def test_a_login_is_not_shortened_by_an_outage(self):
        self.login('bob')
        self.outage(10 * PENDING)
        self.assertEqual(self.sweep_all()[0], 0)
        self.about(self.left_ms('bob'), PENDING)


if __name__ == '__main__':
    unittest.main()
