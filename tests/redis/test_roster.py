"""test_roster.py - the list of users: pages, and the changes since a version"""
import unittest

from harness import BATCH, RulesTest


class Roster(RulesTest):
    def pages(self, between=lambda: None):
        """All pages; (version of the first, names, number of pages)."""
        cursor, names, version, count = '0', set(), None, 0
        while count == 0 or cursor != '0':
            reply = self.call('roster', cursor)
            self.assertEqual(reply[0], 'ok')
            version = version or int(reply[2])
            cursor = reply[4]
            names.update(reply[5:])
            count += 1
            between()
        return version, names, count

    def play(self, version, names):
        """Applies the changes since `version` to the names."""
        while True:
            reply = self.call('changes', version)
            self.assertEqual(reply[0], 'ok')
            if version == int(reply[2]):
                return names
            for number, line in zip(reply[3::2], reply[4::2]):
                self.assertEqual(int(number), version + 1)
                version = int(number)
                for change in line.split(' '):
                    (names.add if change[0] == '+' else names.discard)(change[1:])

    def test_empty(self):
        self.assertEqual(self.call('roster', '0'), ['ok', self.epoch, '0', '0', '0'])

    def test_names_as_typed_with_version(self):
        g = self.gateway()
        self.online_user(g, 'alice', 'Alice')
        self.online_user(g, 'bob')
        reply = self.call('roster', '0')
        self.assertEqual(reply[:5], ['ok', self.epoch, '2', '0', '0'])
        self.assertEqual(set(reply[5:]), {'Alice', 'bob'})

    def test_tells_that_it_settles(self):
        self.open_epoch()
        self.assertEqual(self.call('roster', '0')[3], '1')

    def test_pages_of_a_long_list(self):
        sessions = self.users(self.gateway(), 1300)
        version, names, count = self.pages()
        self.assertEqual((version, names), (1300, {s.name for s in sessions}))
        self.assertGreater(count, 1)

    def test_pages_and_changes_are_the_exact_list(self):
        g = self.gateway()
        sessions = self.users(g, 1100)
        turn = iter(range(1000))

        def churn():
            for _ in range(40):
                i = next(turn)
                self.logout(sessions[i * 7 % 1100])
                self.online_user(g, 'new%d' % i)
        version, names, count = self.pages(between=churn)
        self.assertGreater(count, 1)
        self.assertEqual(self.play(version, names), self.online())


class Changes(RulesTest):
    def test_since_a_version(self):
        g = self.gateway()
        alice = self.online_user(g, 'alice', 'Alice')
        self.online_user(g, 'bob')
        self.logout(alice)
        self.assertEqual(self.call('changes', 0),
                         ['ok', self.epoch, '3', '1', '+Alice', '2', '+bob', '3', '-Alice'])
        self.assertEqual(self.call('changes', 2), ['ok', self.epoch, '3', '3', '-Alice'])
        self.assertEqual(self.call('changes', 3), ['ok', self.epoch, '3'])

    def test_at_most_64(self):
        self.users(self.gateway(), BATCH + 3)
        reply = self.call('changes', 1)
        self.assertEqual((reply[2], len(reply) - 3), (str(BATCH + 3), 2 * BATCH))
        self.assertEqual(reply[-2], str(BATCH + 1))

    def test_a_version_of_the_future(self):
        self.assertEqual(self.call('changes', 1)[0], 'trimmed')

    def test_trimmed_log(self):
        self.users(self.gateway(), 5)
        self.redis.call('XTRIM', self.key('presence:log'), 'MAXLEN', 2)
        self.assertEqual([self.call('changes', v)[0] for v in (0, 2, 3, 5)],
                         ['trimmed', 'trimmed', 'ok', 'ok'])
        self.redis.call('XTRIM', self.key('presence:log'), 'MAXLEN', 0)
        self.assertEqual([self.call('changes', v)[0] for v in (4, 5)], ['trimmed', 'ok'])
        self.invariants = False

    def test_the_log_is_trimmed(self):
        """As if it had run for long: entries before, all of one old version each."""
        g = self.gateway()
        log = self.key('presence:log')
        self.redis.call('HSET', self.key('presence'), 'version', 70000)
        self.redis.call('EVAL', "for i = 1, 70000 do redis.call('XADD', KEYS[1], i .. '-0', "
                        "'changes', '+x') end", 1, log)
        self.online_user(g, 'alice')
        self.assertLess(self.redis.call('XLEN', log), 65536 + 200)
        self.invariants = False


if __name__ == '__main__':
    unittest.main()
