"""test_links.py - links and leases of gateways: numbers, refusals, lapsing, draining, pruning"""
import unittest

from harness import BATCH, GRACE, LEASE, SWEPT, RulesTest, pairs


class Renew(RulesTest):
    def test_numbers_go_up(self):
        g = self.gateway()
        for expected in (2, 3):
            self.assertEqual(int(g.renew('new', link=0)[3]), expected)

    def test_carried_number_counts(self):
        g = self.gateway()
        self.assertEqual(g.renew('new', link=41)[3], '42')
        self.assertEqual(g.renew('new', link=7)[3], '43')

    def test_one_counter_for_all_gateways(self):
        numbers = [self.gateway(name).link for name in ('g1', 'g2', 'g1', 'g3')]
        self.assertEqual(numbers, [1, 2, 3, 4])
        self.assertEqual(self.gateway('g4').renew('new', link=41)[3], '42')
        self.assertEqual(self.gateway('g2').link, 43, 'what another gateway carried counts')
        self.assertEqual(self.presence('link'), '43')

    def test_a_huge_number_is_refused(self):
        """One gateway's nonsense must not use up the numbers of all."""
        g = self.gateway()
        with self.assertRaisesRegex(Exception, 'link must be an integer'):
            g.renew('new', link=10 ** 12)
        self.assertEqual(self.presence('link'), '1')
        self.assertEqual(g.renew('new', link=10 ** 12 - 1)[3], str(10 ** 12))

    def test_keep(self):
        g = self.gateway()
        self.pass_time(LEASE // 2)
        reply = g.renew('keep')
        self.assertEqual((reply[0], reply[3]), ('ok', '1'))
        score = int(self.redis.call('ZSCORE', self.key('gateways'), 'g1'))
        self.about(score - self.now(), LEASE)

    def test_keep_of_another_number_is_refused(self):
        g = self.gateway()
        for number in (0, 2, 99):
            self.assertEqual(g.renew('keep', link=number)[0], 'link')
        g2 = self.gateway('g2')
        for gateway, other in ((g, g2), (g2, g)):
            self.assertEqual(gateway.renew('keep', link=other.link)[0], 'link')
            self.assertEqual(gateway.renew('keep')[0], 'ok')
        self.assertEqual(self.presence('link'), str(g2.link), 'no number was used up')

    def test_what_an_operator_sees(self):
        g = self.gateway()
        g.renew('keep', info='{"host":"h"}')
        self.assertEqual(self.redis.call('GET', self.key('gateway:g1')), '{"host":"h"}')
        self.about(self.redis.call('PTTL', self.key('gateway:g1')), LEASE)

    def test_nonce_proves_the_subscription_and_carries_the_counts(self):
        g = self.gateway()
        session = self.online_user(g, 'alice')
        g.send(session, 'group')
        g.send(session, 'group')
        g.send(session, 'alice')
        ear = self.listen('to:g1')
        reply = g.renew('keep')
        # own channel: nonce of up(), the message to herself, this nonce
        self.assertEqual(self.heard(ear), [('to:g1', 'nonce 3 nonce2 2 1 ' + self.epoch)])
        self.assertEqual(reply, ['ok', self.epoch, '3', '1', '0', '3', '2', '1', '0'])

    def test_tells_that_it_settles(self):
        g = self.gateway()
        self.open_epoch()
        self.assertEqual(g.renew('new')[4], '1')


class Refusal(RulesTest):
    """Any number but the current one is refused, and changes nothing."""

    def calls(self, g, session):
        return {
            'connect': lambda n: g.connect(session, link=n),
            'detach': lambda n: g.detach(session, link=n),
            'reattach': lambda n: g.reattach(session, link=n),
            'prune': lambda n: g.prune(link=n),
            'leave': lambda n: g.call('leave', link=n),
            'send': lambda n: g.send(session, 'group', link=n),
            'replay': lambda n: g.replay(session, link=n), 'group': lambda n: g.call('group', 0, link=n),
        }

    def state(self):
        """All but the time, which is noted by refused calls too."""
        state = self.snapshot()
        state[self.key('presence')] = presence = pairs(self.redis.call('HGETALL', self.key('presence')))
        del presence['last'], presence['skew']
        return state

    def refuses(self, g, session, *numbers):
        before = self.state()
        for name, call in self.calls(g, session).items():
            for number in numbers:
                with self.subTest(function=name, link=number):
                    self.assertEqual(call(number)[0], 'link')
        self.assertEqual(before, self.state())

    def test_lower_and_higher_numbers(self):
        g = self.gateway().up()
        session = self.online_user(g, 'alice')
        self.refuses(g, session, g.link - 1, g.link + 1, 0)

    def test_numbers_of_other_gateways(self):
        g1, g2 = self.gateway('g1'), self.gateway('g2')
        session = self.online_user(g1, 'alice')
        self.refuses(g1, session, g2.link)
        self.refuses(g2, session, g1.link)

    def test_a_late_renew_brings_no_forgotten_number_back(self):
        """A gateway lapses while its link is in use, and is forgotten; then a renew of a connection
        from before that link arrives.  Its number must not be the one in use: the periodic renew, and
        everything else on that link, would hold again although its users were detached."""
        other = self.gateway('other')
        g = self.gateway()
        session = self.online_user(g, 'alice')
        self.pass_time(LEASE + 1)
        other.renew('keep')
        self.assertEqual(self.sweep_all(), [0, 1, 1])
        self.assertFalse(self.redis.call('HEXISTS', self.key('links'), 'g1'), 'it was forgotten')
        self.assertEqual(g.renew('new', link=0)[0], 'ok')
        self.assertEqual(g.renew('keep')[0], 'link')
        self.refuses(g, session, g.link)
        self.assertGreater(g.up().link, int(other.link))
        self.assertEqual(g.verdicts(session), ['ok'])

    def test_the_current_number_is_taken(self):
        for name in ('connect', 'detach', 'reattach', 'prune', 'send', 'leave'):
            with self.subTest(function=name):
                g = self.gateway('gate-' + name).up()
                session = self.online_user(g, 'user-' + name)
                self.assertEqual(self.calls(g, session)[name](g.link)[0], 'ok')

    def test_lapsed_gateway_until_its_new_link(self):
        g = self.gateway()
        session = self.online_user(g, 'alice')
        self.pass_time(LEASE + 1)
        self.assertEqual(self.sweep()[3], 1)
        for name, call in self.calls(g, session).items():
            with self.subTest(function=name):
                self.assertEqual(call(g.link)[0], 'link')
        self.assertEqual(g.renew('keep')[0], 'link')
        g.up()
        self.assertEqual(g.link, 2)
        self.assertEqual(g.verdicts(session), ['ok'])

    def test_the_mark_of_a_lapsed_link_is_no_number(self):
        g = self.gateway()
        self.pass_time(LEASE + 1)
        self.call('sweep')
        self.redis.call('HSET', self.key('links'), 'g1', 'lapsed 1')
        self.redis.call('HSET', self.key('delivered'), 'g1', '0 0 0 -')
        self.redis.call('SADD', self.key('lapsed'), 'g1:1')
        with self.assertRaisesRegex(Exception, 'link must be an integer'):
            g.connect(self.login('alice'), link='lapsed 1')

    def test_unknown_gateway(self):
        g = self.gateway()
        g.id = 'never-renewed'
        self.assertEqual(g.connect(self.login('alice'))[0], 'link')


class Lapse(RulesTest):
    def setUp(self):
        super().setUp()
        self.g = self.gateway()

    def lapse(self):
        self.redis.call('ZADD', self.key('gateways'), '1', self.g.id)

    def test_not_before_the_lease_ends(self):
        self.pass_time(LEASE - 5000)
        self.assertEqual(self.sweep()[3], 0)
        self.pass_time(5001)
        self.assertEqual(self.sweep()[3], 1)

    def test_starts_grace_of_everybody(self):
        self.users(self.g, 3)
        self.pass_time(LEASE + 1)
        self.assertEqual(self.sweep_all(), [0, 3, 1])
        for i in range(3):
            self.assertEqual(self.at('user%d' % i), {})
            self.about(self.left_ms('user%d' % i), GRACE)
        self.assertEqual(len(self.online()), 3)
        self.pass_time(GRACE + 1)
        self.assertEqual(self.sweep_all(), [3, 0, 0])

    def test_who_returned_elsewhere_stays(self):
        session = self.users(self.g, 1)[0]
        g2 = self.gateway('g2')
        g2.connect(session)
        self.lapse()
        self.sweep_all()
        self.assertEqual(self.at('user0'), {'g2': str(g2.link)})
        self.assertIsNone(self.left_ms('user0'))

    def test_each_of_a_batch_as_is_his(self):
        """Detached together, but some are served elsewhere, and some sessions end before grace does."""
        g2 = self.gateway('g2')
        both = self.users(self.g, 3, 'both%d')
        for s in both:
            g2.connect(s)
        old = [self.online_user(self.g, 'old%d' % i, longest=20000) for i in range(3)]
        plain = self.users(self.g, 3, 'plain%d')
        self.lapse()
        self.assertEqual(self.sweep()[:4], [0, 0, 9, 1])
        for s in both:
            self.assertEqual(self.at(s.name), {'g2': str(g2.link)})
            self.assertEqual(self.user(s.name)['gateways'], 'g2')
            self.assertIsNone(self.left_ms(s.name))
            self.assertEqual(self.redis.call('EXISTS', self.key('grace:' + s.name)), 0)
        for group, ms in ((old, 20000), (plain, GRACE)):
            for s in group:
                self.assertEqual((self.at(s.name), self.user(s.name)['gateways']), ({}, ''))
                self.about(self.left_ms(s.name), ms)
                self.about(self.redis.call('PTTL', self.key('grace:' + s.name)), ms)

    def test_users_move_to_a_list_of_their_own_first(self):
        """Named by the link, so that the gateway may come back before it is drained."""
        sessions = self.users(self.g, SWEPT + 6)
        self.lapse()
        self.assertEqual(self.sweep()[:4], [1, 0, SWEPT, 1])
        self.assertEqual(self.redis.call('SCARD', self.key('lapsed:g1:1')), 6)
        self.assertEqual(self.redis.call('EXISTS', self.key('gateway:g1:users')), 0)
        self.g.up()
        for s in sessions:
            self.assertEqual(self.g.verdicts(s), ['ok'])
        self.assertEqual(self.sweep_all(), [0, 0, 0], 'newer attachments were drained')
        self.assertEqual(self.redis.call('SCARD', self.key('gateway:g1:users')), SWEPT + 6)
        for s in sessions:
            self.assertEqual(self.at(s.name), {'g1': '2'})
        self.assertEqual(self.changes(), ['+' + s.name for s in sessions])

    def test_a_second_lapse_keeps_the_list_of_the_first(self):
        sessions = self.users(self.g, SWEPT + 6)
        self.lapse()
        self.sweep()
        self.g.up()
        self.g.reattach(sessions[0])
        self.lapse()
        self.sweep_all()
        for s in sessions:
            self.assertEqual(self.at(s.name), {})

    def test_a_list_of_that_name_is_added_to(self):
        self.users(self.g, 2)
        self.redis.call('SMOVE', self.key('gateway:g1:users'), self.key('lapsed:g1:1'), 'user1')
        self.lapse()
        self.assertEqual(self.sweep_all(), [0, 2, 1])

    def test_number_and_counter_are_forgotten_after_draining(self):
        self.users(self.g, SWEPT + 1)
        self.lapse()
        self.sweep()
        self.assertEqual(self.redis.call('HGET', self.key('links'), 'g1'), 'lapsed 1')
        self.assertEqual(self.redis.call('HEXISTS', self.key('channels'), 'to:g1'), 1)
        self.sweep_all()
        for key in ('links', 'delivered', 'channels', 'lapsed', 'lapsed:g1:1', 'gateways', 'gateway:g1'):
            self.assertEqual(self.redis.call('EXISTS', self.key(key)), 0, key)

    def test_forgotten_only_after_the_last_of_several_lists(self):
        first = self.users(self.g, 2 * SWEPT, 'a%d')
        self.lapse()
        self.sweep()
        self.g.up()
        self.users(self.g, 1, 'b%d')
        self.lapse()
        self.sweep()
        self.sweep_all()
        self.assertEqual(self.redis.call('EXISTS', self.key('links'), self.key('channels')), 0)
        self.assertEqual(len(first), 2 * SWEPT)

    def test_one_of_two_lists_is_drained(self):
        """Number and counter stay until the other one is drained too."""
        self.users(self.g, 1)
        self.redis.call('ZREM', self.key('gateways'), 'g1')
        self.redis.call('HSET', self.key('links'), 'g1', 'lapsed 2')
        self.redis.call('SADD', self.key('lapsed'), 'g1:2', 'g1:1')
        empty, full = self.redis.call('SRANDMEMBER', self.key('lapsed'), 4)  # as the sweep sees them
        self.redis.call('RENAME', self.key('gateway:g1:users'), self.key('lapsed:' + full))
        self.redis.call('SADD', self.key('lapsed:' + full), *['n%d' % i for i in range(2 * SWEPT)])
        self.sweep()
        self.assertEqual(self.redis.call('SMEMBERS', self.key('lapsed')), [full], empty + ' is drained')
        self.assertEqual(self.redis.call('HGET', self.key('links'), 'g1'), 'lapsed 2')
        self.assertEqual(self.redis.call('HEXISTS', self.key('channels'), 'to:g1'), 1)
        self.sweep_all()
        self.assertEqual(self.redis.call('EXISTS', self.key('links'), self.key('channels')), 0)

    def test_who_logged_out_meanwhile_is_no_trouble(self):
        session = self.users(self.g, 1)[0]
        self.redis.call('ZREM', self.key('gateways'), 'g1')
        self.redis.call('HSET', self.key('links'), 'g1', 'lapsed 1')
        self.redis.call('RENAME', self.key('gateway:g1:users'), self.key('lapsed:g1:1'))
        self.redis.call('SADD', self.key('lapsed'), 'g1:1')
        self.logout(session)
        g2 = self.gateway('g2')
        self.online_user(g2, 'user0')
        self.sweep_all()
        self.assertEqual(self.at('user0'), {'g2': str(g2.link)})
        self.assertIsNone(self.left_ms('user0'))

    def test_leave_gives_the_lease_back(self):
        self.users(self.g, 2)
        self.assertEqual(self.g.call('leave')[0], 'ok')
        self.assertEqual(self.redis.call('EXISTS', self.key('gateways'), self.key('gateway:g1')), 0)
        self.assertEqual(self.g.call('leave')[0], 'link')
        self.assertEqual(self.sweep_all(), [0, 2, 0])

    def test_settling_lapses_nobody(self):
        self.users(self.g, 1)
        self.open_epoch()
        self.lapse()
        self.assertEqual(self.sweep(), [0, 0, 0, 0, 1])
        self.assertEqual(self.at('user0'), {'g1': '1'})
        self.redis.call('HDEL', self.key('presence'), 'settle')
        self.assertEqual(self.sweep()[3], 1)

    def test_takes_no_time_however_many(self):
        """The set is renamed, not copied: asked of Redis' own statistics."""
        self.redis.call('SADD', self.key('gateway:g1:users'), *['x%d' % i for i in range(5000)])
        self.redis.call('CONFIG', 'RESETSTAT')
        self.lapse()
        self.sweep()
        stats = self.redis.call('INFO', 'commandstats')
        self.assertIn('cmdstat_rename:', stats)
        self.assertNotIn('cmdstat_sunionstore:', stats)
        self.sweep_all()


class Prune(RulesTest):
    def test_older_attachments_go(self):
        g = self.gateway()
        kept, gone = self.users(g, 2)
        g.up()
        g.reattach(kept)
        self.assertEqual(g.prune()[0], 'ok')
        self.assertEqual(self.at(kept.name), {'g1': '2'})
        self.assertEqual(self.at(gone.name), {})
        self.about(self.left_ms(gone.name), GRACE)

    def test_all_pages(self):
        g = self.gateway()
        sessions = self.users(g, 5 * BATCH)
        g.up()
        g.reattach(*sessions[:10])
        g.prune()
        self.assertEqual(self.redis.call('SCARD', self.key('gateway:g1:users')), 10)
        self.assertEqual(self.redis.call('ZCARD', self.key('deadlines')), 5 * BATCH - 10)

    def test_of_this_gateway_alone(self):
        g1, g2 = self.gateway('g1'), self.gateway('g2')
        session = self.online_user(g1, 'alice')
        g2.connect(session)
        g1.up()
        g1.prune()
        self.assertEqual(self.at('alice'), {'g2': str(g2.link)})
        self.assertIsNone(self.left_ms('alice'))

    def test_a_page_is_small(self):
        g = self.gateway()
        self.users(g, 6 * BATCH)
        g.up()
        self.assertNotEqual(g.call('prune', '0')[2], '0')
        self.assertLessEqual(self.redis.call('ZCARD', self.key('deadlines')), 2 * BATCH)

    def test_counts_at_the_end_alone(self):
        """From there on its nonces prove what it has delivered."""
        g = self.gateway()
        self.users(g, 6 * BATCH)
        g.up()
        before = self.redis.call('HGET', self.key('delivered'), 'g1')
        g.call('prune', '0')
        self.assertEqual(self.redis.call('HGET', self.key('delivered'), 'g1'), before)
        g.prune()
        self.assertEqual(self.redis.call('HGET', self.key('delivered'), 'g1').split(' ')[0], str(g.link))


if __name__ == '__main__':
    unittest.main()
