"""test_sweep.py - batches, and any number of sweepers at once"""
import threading
import unittest

from harness import GRACE, LEASE, SWEPT, Client, RulesTest


class Batches(RulesTest):
    def setUp(self):
        super().setUp()
        self.g = self.gateway()

    def due_users(self, count):
        for session in self.users(self.g, count):
            self.g.detach(session)
            self.redis.call('ZADD', self.key('deadlines'), '1', session.name)

    def test_32_users_a_call_one_version_one_entry_one_message(self):
        self.due_users(2 * SWEPT + 5)
        versions = len(self.log())
        ear = self.listen('presence')
        self.assertEqual([self.sweep()[:2] for _ in range(4)], [[1, SWEPT], [1, SWEPT], [0, 5], [0, 0]])
        messages = [text.split(' ') for _, text in self.heard(ear)]
        self.assertEqual([len(m) - 2 for m in messages], [SWEPT, SWEPT, 5])
        self.assertEqual([int(m[1]) for m in messages], [versions + 1, versions + 2, versions + 3])
        self.assertEqual(len(self.log()), versions + 3)

    def test_nothing_is_left_of_any_of_a_batch(self):
        """They are ended together: of each, every key; the sessions alone are remembered."""
        sessions = self.users(self.g, 5)
        for s in sessions:
            self.g.send(s, 'user0', client_id='"c"')
            self.g.detach(s)
            self.redis.call('ZADD', self.key('deadlines'), '1', s.name)
        self.assertEqual(self.sweep()[:2], [0, 5])
        self.assertEqual([key for key in self.redis.call('KEYS', '*') if 'user' in key], [])
        self.assertEqual(self.redis.call('EXISTS', self.key('online'), self.key('deadlines')), 0)
        self.assertEqual([self.session_record(s) for s in sessions], ['ended'] * 5)

    def test_users_of_an_older_library(self):
        """Before version 1.1 nobody noted in one field by which gateways a user is served."""
        g2 = self.gateway('g2')
        both, one = self.users(self.g, 2)
        g2.connect(both)
        for s in (both, one):
            self.redis.call('HDEL', self.key('user:' + s.name), 'gateways')
            self.redis.call('ZADD', self.key('deadlines'), '1', s.name)
        self.assertEqual(self.sweep()[:2], [0, 0], 'both are served')
        self.redis.call('ZADD', self.key('gateways'), '1', 'g1')
        self.assertEqual(self.sweep()[:4], [0, 0, 2, 1])
        self.assertEqual((self.at(both.name), self.at(one.name)), ({'g2': str(g2.link)}, {}))
        self.assertIsNone(self.left_ms(both.name))
        self.about(self.left_ms(one.name), GRACE)

    def test_draining_takes_batches_too(self):
        self.users(self.g, SWEPT + 5)
        self.redis.call('ZADD', self.key('gateways'), '1', 'g1')
        self.assertEqual([self.sweep() for _ in range(2)], [[1, 0, SWEPT, 1, 0], [0, 0, 5, 0, 0]])

    def test_the_dead_do_not_delay_the_due(self):
        """Users whose time has come have half a batch, however many a dead gateway left."""
        self.due_users(SWEPT)
        dead = self.gateway('dead')
        self.users(dead, 3 * SWEPT, 'dead%d')
        self.redis.call('ZADD', self.key('gateways'), '1', 'dead')
        self.assertEqual([self.sweep()[:3] for _ in range(2)],
                         [[1, SWEPT // 2, SWEPT // 2], [1, SWEPT // 2, SWEPT // 2]])
        self.assertEqual(self.sweep_all()[:2], [0, 2 * SWEPT])

    def test_counts_only_who_was_detached(self):
        session = self.users(self.g, 1)[0]
        self.redis.call('SADD', self.key('lapsed'), 'other:1')
        self.redis.call('SADD', self.key('lapsed:other:1'), session.name, 'nobody')
        self.assertEqual(self.sweep_all(), [0, 0, 0])

    def test_it_says_which_gateways_lapsed(self):
        for name in ('x1', 'x2'):
            self.gateway(name)
            self.redis.call('ZADD', self.key('gateways'), '1', name)
        self.assertEqual(sorted(self.call('sweep')[8:]), ['x1', 'x2'])
        self.assertEqual(self.call('sweep')[8:], [])

    def test_several_gateways_lapse_together(self):
        others = [self.gateway('x%d' % i) for i in range(6)]
        for other in others:
            self.users(other, 2, other.id + '-%d')
        for other in others:
            self.redis.call('ZADD', self.key('gateways'), '1', other.id)
        lapsed = detached = 0
        while lapsed < 6 or detached < 12:
            _, _, more, silent, _ = self.sweep()
            self.assertLessEqual(silent, 4)
            self.assertTrue(more or silent or self.redis.call('EXISTS', self.key('lapsed')), 'stuck')
            lapsed, detached = lapsed + silent, detached + more
        self.assertEqual((lapsed, detached), (6, 12))


class Late(RulesTest):
    """The latest of those whom a sweep takes says how far behind the sweeps are."""

    def setUp(self):
        super().setUp()
        self.g = self.gateway()

    def late(self, key, member, ms):
        self.redis.call('ZADD', self.key(key), str(self.now() - ms), member)

    def in_grace(self, name, ms):
        """Whose deadline was so long ago."""
        self.g.detach(self.online_user(self.g, name))
        self.late('deadlines', name, ms)

    def test_nobody_is_late_when_nobody_is_taken(self):
        self.online_user(self.g, 'alice')
        self.assertEqual(self.sweep_late_ms(), 0)

    def test_the_latest_of_the_users(self):
        for name, ms in (('alice', 60000), ('bob', 900000), ('carol', 300000)):
            self.in_grace(name, ms)
        self.about(self.sweep_late_ms(), 900000)
        self.assertEqual(self.sweep_late_ms(), 0)

    def test_a_gateway(self):
        self.late('gateways', 'g1', 600000)
        self.in_grace('alice', 60000)
        self.about(self.sweep_late_ms(), 600000)
        self.assertEqual(self.sweep_late_ms(), 0)

    def test_a_user_later_than_a_gateway(self):
        self.late('gateways', 'g1', 60000)
        self.in_grace('alice', 600000)
        self.about(self.sweep_late_ms(), 600000)

    def test_a_wrong_deadline_makes_nobody_late(self):
        self.online_user(self.g, 'alice')
        self.late('deadlines', 'alice', 900000)
        self.late('deadlines', 'nobody', 900000)
        self.assertEqual(self.sweep_late_ms(), 0)

    def test_an_outage_makes_nobody_late(self):
        self.in_grace('alice', 100000)
        self.outage(600000)
        self.about(self.sweep_late_ms(), 100000)

    def test_settling_takes_nobody(self):
        self.in_grace('alice', 900000)
        self.open_epoch()
        self.assertEqual(self.sweep_late_ms(), 0)


class Concurrent(RulesTest):
    def sweepers(self, count, until):
        """Each sweeps on its own connection until `until()`; the sums of [ended, detached, lapsed]."""
        sums, errors = [0, 0, 0], []
        lock, barrier = threading.Lock(), threading.Barrier(count)

        def run():
            client = Client(self.server.path)
            try:
                barrier.wait()
                for _ in range(3000):
                    reply = self.call('sweep', client=client)
                    with lock:
                        for i in range(3):
                            sums[i] += int(reply[3 + i])
                    if until(client):
                        return
                errors.append('not done after 3000 sweeps')
            except Exception as error:  # pylint: disable=broad-except
                errors.append(repr(error))
            finally:
                client.close()
        threads = [threading.Thread(target=run) for _ in range(count)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(errors, [])
        return sums

    def test_each_leave_once(self):
        g = self.gateway()
        sessions = self.users(g, 500)
        ear = self.listen('presence')
        self.redis.call('ZADD', self.key('gateways'), '1', 'g1')

        def detached(client):
            return client.call('EXISTS', self.key('lapsed'), self.key('gateways')) == 0
        self.assertEqual(self.sweepers(4, detached), [0, 500, 1])
        self.pass_time(GRACE + 1)
        ended = self.sweepers(4, lambda client: client.call('EXISTS', self.key('online')) == 0)
        self.assertEqual(ended, [500, 0, 0])
        left = [change for _, text in self.heard(ear) for change in text.split(' ')[2:]]
        self.assertEqual(sorted(left), sorted('-' + s.name for s in sessions))

    def test_against_users_who_return(self):
        """At their deadline: each one has returned or has left, never both."""
        g1, g2 = self.gateway('g1'), self.gateway('g2')
        sessions = self.users(g1, 300)
        for s in sessions:
            g1.detach(s)
        self.pass_time(GRACE - LEASE)
        g1.renew('keep')
        g2.renew('keep')
        self.redis.call('HINCRBY', self.key('presence'), 'skew', -LEASE - 1)
        self.redis.call('ZADD', self.key('gateways'), 'XX', str(self.now() + LEASE), 'g1',
                        str(self.now() + LEASE), 'g2')
        results = {}

        def come_back():
            client = Client(self.server.path)
            for s in reversed(sessions):
                results[s.name] = self.call('connect', 'g2', g2.link, s.hash, client=client)[0]
            client.close()
        returner = threading.Thread(target=come_back)
        returner.start()
        self.sweepers(3, lambda client: not returner.is_alive())
        returner.join()
        self.sweep_all()
        back = {name for name, status in results.items() if status == 'ok'}
        self.assertEqual(self.online(), back)
        self.assertEqual({c[1:] for c in self.changes() if c[0] == '-'}, set(results) - back)
        self.assertEqual(set(results.values()) - {'ok', 'unknown'}, set())


if __name__ == '__main__':
    unittest.main()
