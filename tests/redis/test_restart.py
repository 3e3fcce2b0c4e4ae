"""test_restart.py - a real process that ends, with and without its data, and a replica promoted"""
import socket
import unittest

import harness
from harness import GRACE, JUMP, LEASE, Redis, RulesTest, wait_until


class Restart(RulesTest):
    """On a server of its own."""

    @classmethod
    def setUpClass(cls):
        cls.own = Redis()
        cls.addClassCleanup(lambda: cls.own.stop())

    def make_server(self):
        return self.own

    def setUp(self):
        super().setUp()
        self.g = self.gateway()
        self.sessions = self.users(self.g, 3)
        self.away = self.online_user(self.g, 'away')
        self.g.detach(self.away)
        for _ in range(5):
            self.g.send(self.sessions[0], 'group')
        self.g.renew('keep')
        self.g.seen = 5
        self.old = self.epoch

    def restart(self, keep):
        if keep:
            self.redis.call('SAVE')
        self.own.kill()
        self.own.start()
        self.redis = self.own.client
        if not keep:
            self.redis.call('FLUSHALL')  # a dump of another test
            self.own.load(harness.library)

    def come_back(self):
        reply = self.g.renew()
        self.assertEqual((reply[0], reply[4]), ('ok', '1'), 'settles')
        self.assertNotEqual(reply[1], self.old)
        self.epoch, self.g.link = reply[1], int(reply[3])
        self.assertEqual(self.g.verdicts(*self.sessions), ['ok'] * 3)
        self.assertEqual(self.g.prune()[0], 'ok')
        self.g.epoch = self.epoch

    def settle(self):
        self.redis.call('HINCRBY', self.key('presence'), 'skew', -2 * LEASE - 1001)
        self.g.renew('keep')
        self.assertEqual(self.sweep()[4], 0)

    def test_with_data(self):
        """The library is kept too; the other process id opens an epoch; nobody is seen leaving."""
        self.restart(keep=True)
        self.come_back()
        self.assertEqual(self.g.link, 2)
        self.assertEqual(self.message_id(), 5 + JUMP)
        self.about(self.left_ms('away'), 2 * GRACE)
        self.settle()
        self.sweep_all()
        self.assertEqual(len(self.changes()), 4)
        self.assertEqual(self.g.send(self.sessions[0], 'group')[2], str(5 + JUMP + 1))
        self.assertEqual(self.g.connect(self.away)[0], 'ok')

    def test_without_data(self):
        self.restart(keep=False)
        self.come_back()
        self.assertEqual(self.g.link, 2, 'the carried number counts')
        self.assertEqual(self.message_id(), 5 + JUMP)
        self.assertEqual(self.online(), {'user0', 'user1', 'user2'})
        self.assertEqual(self.g.connect(self.away)[0], 'unavailable')
        self.settle()
        self.assertEqual(self.g.connect(self.away)[0], 'unknown')
        self.assertEqual(self.g.send(self.sessions[0], 'group')[2], str(5 + JUMP + 1))
        self.login('away')

    def test_a_time_away_is_no_time(self):
        """Kept data of long ago: `last` is old, so the leases and deadlines lie ahead still."""
        self.outage(3600000)
        self.restart(keep=True)
        self.come_back()
        self.settle()
        self.assertEqual(self.sweep_all()[0], 0)
        self.assertEqual(len(self.online()), 4)


class Failover(RulesTest):
    """A replica that lags behind is promoted: what it has not heard of is repaired."""

    @classmethod
    def setUpClass(cls):
        cls.master, cls.replica = Redis(), Redis()
        cls.addClassCleanup(lambda: (cls.master.stop(), cls.replica.stop()))

    def make_server(self):
        return self.master

    def test_promoted_replica(self):
        # Redis replicates over TCP only: a free port of the loopback, for this test alone.  A socket that is bound and
        # never listens keeps it from others, but not from Redis, which sets SO_REUSEADDR.
        held = socket.socket()
        self.addCleanup(held.close)
        held.bind(('127.0.0.1', 0))
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        port = held.getsockname()[1]
        self.redis.call('CONFIG', 'SET', 'bind', '127.0.0.1')
        self.redis.call('CONFIG', 'SET', 'port', port)
        self.redis.call('CONFIG', 'SET', 'repl-diskless-sync-delay', 0)
        g = self.gateway()
        known = self.online_user(g, 'known')
        replica = self.replica.client
        replica.call('REPLICAOF', '127.0.0.1', port)
        wait_until(lambda: 'master_link_status:up' in replica.call('INFO', 'replication'), 'a replica')
        wait_until(lambda: replica.call('EXISTS', self.key('user:known')) == 1, 'replicated')
        run = replica.call('HGET', self.key('presence'), 'run')
        replica.call('REPLICAOF', 'NO', 'ONE')  # from here on it has heard of nothing
        late = self.online_user(g, 'late')
        gone = known
        self.logout(gone)
        new = self.online_user(g, 'known')
        for _ in range(3):
            g.send(late, 'group')
        g.seen = self.message_id()

        self.redis, old = replica, self.epoch
        self.invariants = False  # of the old master
        reply = g.renew()
        self.assertEqual((reply[0], reply[4]), ('ok', '1'))
        self.assertNotEqual(reply[1], old)
        self.assertNotEqual(self.presence('run'), run)
        self.epoch, g.link = reply[1], int(reply[3])
        self.assertEqual(self.message_id(), 3 + JUMP)
        self.assertEqual(g.verdicts(late, new), ['ok', 'ok'])
        self.assertEqual(self.user('known')['session'], new.hash, 'the later login')
        self.assertEqual(self.session_record(gone), 'ended')
        self.assertEqual(self.online(), {'known', 'late'})
        self.check_invariants()


if __name__ == '__main__':
    unittest.main()
