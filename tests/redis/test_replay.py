"""test_replay.py - copies for those who return: what is kept, for how long, and who gets it back"""
import json
import unittest

from harness import GRACE, JUMP, KEEP, LEASE, SETTLE, SLACK, RulesTest, Session

INBOX_MAX, INBOX_BYTES, INBOX_MIN = 256, 65536, 4
GROUP_MAX = 100000
PAGE, PAGE_BYTES = 64, 65536


def text_of(length):
    return '"' + 'x' * length + '"'


class Kept(RulesTest):
    """Base: alice on g1, bob on g2."""

    def setUp(self):
        super().setUp()
        self.g1, self.g2 = self.gateway('g1'), self.gateway('g2')
        self.alice = self.online_user(self.g1, 'alice', 'Alice')
        self.bob = self.online_user(self.g2, 'bob', 'Bob')

    def say(self, to, text='"hi"', **kw):
        """alice does; the id"""
        reply = self.g1.send(self.alice, to, text, **kw)
        self.assertEqual(reply[0], 'ok')
        return int(reply[2])

    def entries(self, name):
        """Ids in the inbox"""
        return self.messages(self.redis.call('LRANGE', self.key('inbox:' + name), 0, -1))

    def stream(self):
        """[(id, id of the one before, message)] of the group"""
        return [(int(number.split('-')[0]), int(fields[1]), fields[3])
                for number, fields in self.redis.call('XRANGE', self.key('group'), '-', '+')]

    def inbox(self, name):
        """[newest id, newest id that is gone, bytes, when it expires, number of the old, their keep_ms]"""
        return [int(n) for n in self.user(name)['inbox'].split()]

    def wall(self):
        return self.now() + int(self.presence('skew'))

    def set_until(self, name, until):
        self.redis.call('HSET', self.key('user:' + name), 'inbox', '%d %d %d %d %d %d' % (*self.inbox(name)[:3], until, *self.inbox(name)[4:]))

    def messages(self, texts):
        """Ids of messages as replays answer them."""
        return [json.loads(text.partition('\n')[2])['message_id'] for text in texts]

    def replay(self, gateway, session, after=0, what='all'):
        """(ids, whole) of all pages"""
        ids, whole, more = [], True, '1'
        while more == '1':
            reply = gateway.replay(session, after, what)
            self.assertEqual(reply[0], 'ok')
            _, _, self.newest, is_whole, more, after, *texts = reply
            self.assertTrue(texts or more == '0')
            whole = whole and is_whole == '1'
            ids += self.messages(texts)
        self.assertEqual(after, self.newest, 'nothing more up to there')
        return ids, whole

    def group(self, gateway, after=0):
        """(ids, whole) of all pages"""
        ids, whole, more = [], True, '1'
        while more == '1':
            reply = gateway.call('group', after)
            self.assertEqual(reply[0], 'ok')
            _, _, _, is_whole, more, after, _, *texts = reply
            whole = whole and is_whole == '1'
            ids += self.messages(texts)
        self.assertEqual(after, self.presence('group') or '0')
        return ids, whole


class Inbox(Kept):
    def test_both_have_what_was_published(self):
        ear = self.listen('to:g2')
        self.say('bob', '"h\\u0000"', client_id='"c 1"')
        published = self.heard(ear)[0][1]
        kind, _, message = published.split(' ', 2)
        self.assertEqual(kind, 'message')
        self.assertEqual(message.partition('\n')[0], '1 %s %s "c 1"' % (self.alice.hash, self.bob.hash))
        for name in ('alice', 'bob'):
            self.assertEqual(self.redis.call('LRANGE', self.key('inbox:' + name), 0, -1), [message])
            self.assertEqual(self.inbox(name)[:3], [1, 0, len(message)])

    def test_what_one_writes_to_oneself_once(self):
        self.say('alice')
        self.assertEqual(self.entries('alice'), [1])

    def test_each_has_his_own(self):
        for to in ('bob', 'alice', 'group', 'bob', 'alice'):
            self.say(to)
        self.assertEqual((self.entries('alice'), self.inbox('alice')[0]), ([1, 2, 4, 5], 5))
        self.assertEqual((self.entries('bob'), self.inbox('bob')[0]), ([1, 4], 4))

    def test_whoever_is_in_grace_has_one_too(self):
        self.g2.detach(self.bob)
        self.say('bob')
        self.assertEqual(self.entries('bob'), [1])

    def test_what_was_not_accepted_is_not_kept(self):
        self.say('bob', client_id='"1"')
        self.say('group', client_id='"2"')
        before = self.snapshot()
        for to, text, client_id, expected in (
                ('bob', '"hi"', '"1"', 'dup'), ('bob', '"ho"', '"1"', 'conflict'), ('group', '"hi"', '"2"', 'dup'),
                ('nobody', '"hi"', '"3"', 'no_such_user')):
            self.assertEqual(self.g1.send(self.alice, to, text, client_id)[0], expected)
        self.assertEqual(self.g1.send(self.alice, 'bob', link=9)[0], 'link')
        self.assertEqual(self.g1.send(Session('alice'), 'bob')[0], 'ended')
        self.assertEqual(self.snapshot(), before)

    def test_not_more_than_256(self):
        for _ in range(INBOX_MAX):
            self.say('bob', '"x"')
        self.assertEqual(len(self.entries('bob')), INBOX_MAX)
        self.say('bob', '"x"')
        kept = self.entries('bob')
        self.assertLessEqual(len(kept), INBOX_MAX)
        self.assertGreater(len(kept), INBOX_MAX * 15 // 16)
        self.assertEqual(kept, list(range(INBOX_MAX + 2 - len(kept), INBOX_MAX + 2)), 'the newest')
        self.assertEqual(self.inbox('bob')[:2], [kept[-1], kept[0] - 1])

    def test_not_more_than_64_KiB(self):
        sent = 0
        for length in (10, 5000, 3000, 200, 4096) * 8:
            self.say('bob', text_of(length))
            sent += 1
            kept = self.redis.call('LRANGE', self.key('inbox:bob'), 0, -1)
            self.assertLessEqual(sum(map(len, kept)), INBOX_BYTES)
            self.assertEqual(self.inbox('bob')[2], sum(map(len, kept)))
        self.assertLess(len(kept), sent)
        self.assertGreater(sum(map(len, kept)), INBOX_BYTES - 2 * 5500, 'no more goes than must')

    def test_of_the_longest_some_stay(self):
        for _ in range(2 * INBOX_MIN):
            self.say('bob', text_of(INBOX_BYTES))
        self.assertEqual(len(self.entries('bob')), INBOX_MIN)
        self.say('bob', '"x"')
        self.assertEqual(self.entries('bob'), [6, 7, 8, 9])
        self.assertEqual(self.inbox('bob')[:2], [9, 5])

    def test_bytes_begin_anew_with_the_list(self):
        self.say('bob', text_of(4000))
        self.redis.call('DEL', self.key('inbox:bob'))  # expired
        self.say('bob', '"x"')
        self.assertEqual(self.inbox('bob')[:3], [2, 1, len(self.redis.call('LINDEX', self.key('inbox:bob'), 0))])
        self.assertEqual(self.entries('bob'), [2])

    def test_expires_between_once_and_twice_keep_ms(self):
        self.say('bob')
        for name in ('alice', 'bob'):
            self.about(self.redis.call('PTTL', self.key('inbox:' + name)), 2 * KEEP)
            self.about(self.inbox(name)[3], self.wall() + 2 * KEEP)
        self.redis.call('PEXPIRE', self.key('inbox:bob'), KEEP + SLACK)
        self.set_until('bob', self.wall() + KEEP + SLACK)
        self.say('bob')
        self.about(self.redis.call('PTTL', self.key('inbox:bob')), KEEP + SLACK, 'not set anew')
        self.set_until('bob', self.wall() + KEEP - 1)
        self.say('bob')
        self.about(self.redis.call('PTTL', self.key('inbox:bob')), 2 * KEEP)
        self.about(self.inbox('bob')[3], self.wall() + 2 * KEEP)

    def grow_old(self):
        """Less than keep_ms of bob's expiry is left."""
        self.set_until('bob', self.wall() + KEEP - 1)

    def test_what_is_older_than_keep_ms_goes(self):
        for _ in range(5):
            self.say('bob')
        self.grow_old()
        self.say('bob')
        self.assertEqual(self.entries('bob'), [2, 3, 4, 5, 6], 'all but the first may be of a moment ago')
        self.say('bob')
        self.grow_old()
        self.say('bob')
        self.assertEqual((self.entries('bob'), self.inbox('bob')[:2]), ([7, 8], [8, 6]))
        self.assertEqual(self.inbox('bob')[2], sum(map(len, self.redis.call('LRANGE', self.key('inbox:bob'), 0, -1))))
        self.assertEqual(self.replay(self.g2, self.bob, 6), ([7, 8], True))
        self.assertEqual(self.replay(self.g2, self.bob, 5), ([7, 8], False))
        self.assertEqual(self.entries('alice'), list(range(1, 9)), 'hers are young')

    def test_what_is_trimmed_is_not_old_any_more(self):
        for _ in range(INBOX_MAX):
            self.say('bob')
        self.grow_old()
        self.say('bob')  # takes a sixteenth, and leaves none of the old
        kept = self.entries('bob')
        self.assertEqual((kept[-1], len(kept)), (INBOX_MAX + 1, INBOX_MAX + 1 - 16))

    def test_those_of_before_are_not_known_to_be_old(self):
        """What a library before 1.5 noted of an inbox."""
        self.say('bob'), self.say('bob')
        self.redis.call('HSET', self.key('user:bob'), 'inbox', '%d %d %d %d' % (*self.inbox('bob')[:3], self.wall() + KEEP + SLACK))
        self.say('bob')
        self.redis.call('HSET', self.key('user:bob'), 'inbox', '%d %d %d %d' % (*self.inbox('bob')[:3], self.wall() + KEEP - 1))
        self.say('bob')
        self.assertEqual(self.entries('bob'), [1, 2, 3, 4])
        self.grow_old()
        self.say('bob')
        self.assertEqual(self.entries('bob'), [5])

    def test_what_was_set_by_one_that_keeps_for_less_long_may_be_young(self):
        self.say('bob', keep=KEEP)
        self.say('bob', keep=3 * KEEP)
        self.assertEqual(self.entries('bob'), [1, 2])
        self.grow_old()
        self.say('bob', keep=KEEP)
        self.assertEqual(self.entries('bob'), [3], 'by one that keeps longer')

    def test_bytes_that_nobody_counted_are_no_fewer_than_none(self):
        self.say('bob')
        self.redis.call('LPUSH', self.key('inbox:bob'), 'y' * 2000)
        self.grow_old()
        for _ in range(2):
            self.say('bob')
        self.assertEqual(self.entries('bob'), [1, 2, 3])

    def test_a_list_cut_by_hand_keeps_the_newest(self):
        for _ in range(3):
            self.say('bob')
        self.grow_old(), self.say('bob')
        self.redis.call('LTRIM', self.key('inbox:bob'), -1, -1)
        self.grow_old()
        self.say('bob')
        self.assertEqual(self.entries('bob'), [5])

    def test_a_new_list_expires_whatever_was_set_before(self):
        self.say('bob')
        self.redis.call('DEL', self.key('inbox:bob'))  # by hand
        self.say('bob')
        self.about(self.redis.call('PTTL', self.key('inbox:bob')), 2 * KEEP)

    def test_a_gateway_that_does_not_say_keep_ms(self):
        """One of version 1.0, while the services are replaced one after the other."""
        reply = self.g1.call('send', self.alice.hash, 'alice', 'bob', '', '"hi"')  # (one message, as before 1.3)
        self.assertEqual(reply[0], 'ok')
        self.about(self.redis.call('PTTL', self.key('inbox:bob')), 2 * (GRACE + LEASE + 45000))

    def test_one_that_keeps_longer_is_heard(self):
        self.say('bob', keep=KEEP)
        self.say('bob', keep=3 * KEEP)
        self.about(self.redis.call('PTTL', self.key('inbox:bob')), 6 * KEEP)

    def test_ends_with_the_session(self):
        def kick():
            self.operator('kick', 'bob')

        def expire():
            self.g2.detach(self.bob)
            self.pass_time(GRACE + 1)
            self.g1.renew('keep'), self.g2.renew('keep')
            self.assertEqual(self.sweep_all(), [1, 0, 0])
        for end in (lambda: self.logout(self.bob), kick, expire):
            with self.subTest(end):
                self.say('bob')
                self.assertEqual(self.redis.call('EXISTS', self.key('inbox:bob')), 1)
                end()
                self.assertEqual(self.redis.call('EXISTS', self.key('inbox:bob')), 0)
                self.bob = self.online_user(self.g2, 'bob')
                self.assertEqual(self.replay(self.g2, self.bob), ([], True))


class Group(Kept):
    def test_the_stream_has_what_was_published(self):
        ear = self.listen('group')
        self.say('group', client_id='"c"')
        message = self.heard(ear)[0][1].split(' ', 2)[2]
        self.assertEqual(message.partition('\n')[0], '1 %s - "c"' % self.alice.hash)
        self.assertEqual(self.stream(), [(1, 0, message)])
        for name in ('alice', 'bob'):
            self.assertEqual(self.entries(name), [])

    def test_entries_name_the_one_before(self):
        for to in ('group', 'bob', 'group', 'group'):
            self.say(to)
        self.assertEqual([entry[:2] for entry in self.stream()], [(1, 0), (3, 1), (4, 3)])
        self.assertEqual(self.presence('group'), '4')

    def test_not_many_more_than_100000(self):
        key = self.key('group')
        self.redis.call('EVAL', "for i = 1, 110000 do redis.call('XADD', KEYS[1], i .. '-0', 'p', i - 1, "
                        "'m', 'x') end", 1, key)
        self.redis.call('SET', self.key('message:id'), 110000)
        self.redis.call('HSET', self.key('presence'), 'group', 110000)
        self.assertEqual(self.say('group'), 110001)
        length = self.redis.call('XLEN', key)
        self.assertLess(length, GROUP_MAX + 200)
        self.assertGreaterEqual(length, GROUP_MAX)

    def test_expires_between_once_and_twice_keep_ms(self):
        key, presence = self.key('group'), self.key('presence')
        self.say('group')
        self.about(self.redis.call('PTTL', key), 2 * KEEP)
        self.about(int(self.presence('group_until')), self.wall() + 2 * KEEP)
        self.redis.call('PEXPIRE', key, KEEP + SLACK)
        self.redis.call('HSET', presence, 'group_until', self.wall() + KEEP + SLACK)
        self.say('group')
        self.about(self.redis.call('PTTL', key), KEEP + SLACK, 'not set anew')
        self.redis.call('HSET', presence, 'group_until', self.wall() + KEEP - 1)
        self.say('group')
        self.about(self.redis.call('PTTL', key), 2 * KEEP)
        self.about(int(self.presence('group_until')), self.wall() + 2 * KEEP)

    def grow_old(self):
        """As if keep_ms had passed since the mark was set: the next message sets it again."""
        self.redis.call('HSET', self.key('presence'), 'group_until', self.wall() + KEEP - 1)

    def test_what_is_older_than_keep_ms_goes(self):
        for _ in range(300):
            self.say('group')
        self.grow_old()
        self.say('group')
        self.assertEqual(len(self.stream()), 301, 'they may be of a moment ago')
        for _ in range(10):
            self.say('group')
        self.grow_old()
        self.say('group')
        kept = [entry[0] for entry in self.stream()]
        self.assertLessEqual(kept[0], 301, 'younger')
        self.assertGreater(kept[0], 301 - 101, 'a node of the stream has a hundred entries')

    def test_what_was_set_by_one_that_keeps_for_less_long_may_be_young(self):
        for _ in range(300):
            self.say('group', keep=KEEP)
        self.grow_old()
        self.say('group', keep=KEEP)
        self.say('group', keep=3 * KEEP)
        self.assertEqual(len(self.stream()), 302)

    def test_ids_set_back_begin_a_new_one(self):
        """Somebody edits message:id: sending goes on, and what cannot be told apart is dropped."""
        for _ in range(3):
            self.say('group')
        self.redis.call('SET', self.key('message:id'), 1)
        self.redis.call('PERSIST', self.key('group'))
        self.assertEqual(self.say('group'), 2)
        self.assertEqual([entry[0] for entry in self.stream()], [2])
        self.assertGreater(self.redis.call('PTTL', self.key('group')), 0)

    def test_a_stream_without_its_newest_id_is_dropped(self):
        self.say('group')
        self.redis.call('DEL', self.key('presence'))
        self.invariants = False  # somebody deleted a part of the data
        self.open_epoch()
        self.assertEqual(self.redis.call('EXISTS', self.key('group')), 0)


class Replay(Kept):
    def test_both_in_order_as_published(self):
        ear = self.listen('to:g2', 'group')
        for to in ('bob', 'group', 'group', 'bob', 'alice', 'bob'):
            self.say(to, client_id='"%s%d"' % (to, self.message_id()))
        published = [text.split(' ', 2)[2] for _, text in self.heard(ear)]
        reply = self.g2.replay(self.bob)
        self.assertEqual(reply[:6], ['ok', self.epoch, '6', '1', '0', '6'])
        self.assertEqual(reply[6:], published)
        self.assertEqual(self.messages(reply[6:]), [1, 2, 3, 4, 6])

    def test_only_behind_the_id(self):
        for to in ('bob', 'group', 'group', 'bob', 'alice', 'bob'):
            self.say(to)
        for after, expected in ((0, [1, 2, 3, 4, 6]), (1, [2, 3, 4, 6]), (2, [3, 4, 6]), (4, [6]), (5, [6]), (6, [])):
            with self.subTest(after):
                self.assertEqual(self.replay(self.g2, self.bob, after), (expected, True))

    def test_the_inbox_alone(self):
        for to in ('group', 'bob', 'group', 'bob', 'group'):
            self.say(to)
        self.assertEqual(self.replay(self.g2, self.bob, 0, 'inbox'), ([2, 4], True))
        self.assertEqual(self.newest, '5')

    def test_own_messages_too(self):
        for to in ('bob', 'group', 'alice'):
            self.say(to)
        self.assertEqual(self.replay(self.g1, self.alice), ([1, 2, 3], True))

    def test_nobody_elses(self):
        carol = self.online_user(self.g1, 'carol')
        self.say('bob')
        self.assertEqual(self.replay(self.g1, carol), ([], True))

    def test_to_nobody_who_missed_nothing(self):
        self.assertEqual(self.g2.replay(self.bob), ['ok', self.epoch, '0', '1', '0', '0'])
        self.say('alice')
        self.assertEqual(self.g2.replay(self.bob), ['ok', self.epoch, '1', '1', '0', '1'])

    def test_not_from_before_the_login(self):
        for to in ('group', 'bob'):
            self.say(to)
        self.logout(self.bob)
        self.bob = self.online_user(self.g2, 'bob')
        self.say('group')
        self.assertEqual(self.user('bob')['floor'], '2')
        self.assertEqual(self.replay(self.g2, self.bob), ([3], True))

    def test_what_the_group_wrote_before_the_first_connection(self):
        carol = self.login('carol')
        self.say('group')
        self.g1.connect(carol)
        self.assertEqual(self.replay(self.g1, carol), ([1], True))

    def test_on_any_gateway(self):
        self.g2.detach(self.bob)
        self.say('bob')
        self.g1.connect(self.bob)
        self.assertEqual(self.replay(self.g1, self.bob), ([1], True))

    def test_only_through_a_gateway_that_serves_him(self):
        before = self.snapshot()
        self.assertEqual(self.g1.replay(self.bob)[0], 'unknown')
        self.assertEqual(self.g2.replay(Session('bob'))[0], 'unknown')
        self.assertEqual(self.snapshot(), before)
        self.g2.detach(self.bob)
        self.assertEqual(self.g2.replay(self.bob)[0], 'unknown')
        self.logout(self.bob)
        self.assertEqual(self.g2.replay(self.bob)[0], 'unknown')

    def test_an_id_of_the_future(self):
        """Of another history than ours: whoever has it does not know what he missed."""
        self.say('bob')
        self.assertEqual(self.g2.replay(self.bob, 2), ['ok', self.epoch, '1', '0', '0', '1'])
        self.assertEqual(self.g2.call('group', 2)[3], '0')

    def test_a_page_has_64(self):
        for i in range(3 * PAGE):
            self.say(('bob', 'group')[i % 3 == 0], '"x"')
        first = self.g2.replay(self.bob)
        self.assertEqual(first[3:6], ['1', '1', str(PAGE)])
        self.assertEqual(self.messages(first[6:]), list(range(1, PAGE + 1)))
        last = self.g2.replay(self.bob, 2 * PAGE)
        self.assertEqual(last[3:6], ['1', '0', str(3 * PAGE)])
        self.assertEqual(len(last[6:]), PAGE)
        self.assertEqual(self.replay(self.g2, self.bob), (list(range(1, 3 * PAGE + 1)), True))

    def test_all_of_an_inbox(self):
        for i in range(150):
            self.say('bob', '"x"')
        for after in (0, 1, 85, 86, 87, 149, 150):
            with self.subTest(after):
                self.assertEqual(self.replay(self.g2, self.bob, after), (list(range(after + 1, 151)), True))

    def test_a_page_has_64_KiB(self):
        for i in range(12):
            self.say(('bob', 'group')[i % 2], text_of(10000))
        texts = self.g2.replay(self.bob)[6:]
        self.assertEqual(len(texts), 6)
        self.assertLessEqual(sum(map(len, texts)), PAGE_BYTES)
        self.assertEqual(self.replay(self.g2, self.bob), (list(range(1, 13)), True))

    def test_a_page_has_one_message_however_long(self):
        for to in ('group', 'bob', 'group'):
            self.say(to, text_of(PAGE_BYTES))
        reply = self.g2.replay(self.bob)
        self.assertEqual((reply[4:6], len(reply)), (['1', '1'], 7))
        self.assertEqual(self.replay(self.g2, self.bob), ([1, 2, 3], True))

    def test_a_busy_group_hides_no_direct_message(self):
        """The page of the group ends before it; it must not come in front of the rest."""
        for _ in range(2 * PAGE):
            self.say('group', '"x"')
        self.say('bob')
        self.assertEqual(self.replay(self.g2, self.bob), (list(range(1, 2 * PAGE + 2)), True))

    def test_what_comes_between_pages_is_not_lost(self):
        for _ in range(PAGE + 1):
            self.say('bob', '"x"')
        after = self.g2.replay(self.bob)[5]
        self.say('group')
        reply = self.g2.replay(self.bob, after)
        self.assertEqual(self.messages(reply[6:]), [PAGE + 1, PAGE + 2])


class Whole(Kept):
    """Something that is missing is told, and nothing else is."""

    def whole(self, after, what='all'):
        return self.replay(self.g2, self.bob, after, what)[1]

    def test_an_inbox_of_too_many(self):
        for _ in range(INBOX_MAX + 1):
            self.say('bob', '"x"')
        first = self.entries('bob')[0]
        self.assertGreater(first, 1)
        self.assertEqual([self.whole(after) for after in (0, first - 2, first - 1, first)], [False, False, True, True])

    def test_an_inbox_of_too_many_bytes(self):
        for _ in range(10):
            self.say('bob', text_of(10000))
            self.say('group', '"x"')
        kept = self.entries('bob')
        self.assertGreater(kept[0], 1)
        for after, whole in ((kept[0] - 3, False), (kept[0] - 2, True), (kept[0] - 1, True), (kept[0], True)):
            ids = [i for i in range(after + 1, 21) if i % 2 == 0 or i in kept]
            self.assertEqual(self.replay(self.g2, self.bob, after), (ids, whole))

    def test_an_expired_inbox(self):
        for to in ('bob', 'bob', 'alice'):
            self.say(to)
        self.redis.call('DEL', self.key('inbox:bob'))
        self.assertEqual([self.whole(after) for after in (0, 1, 2, 3)], [False, False, True, True])
        self.say('bob')
        self.assertEqual([self.whole(after) for after in (1, 2, 3, 4)], [False, True, True, True])

    def test_a_trimmed_group(self):
        for _ in range(5):
            self.say('group')
            self.say('alice')
        self.redis.call('XTRIM', self.key('group'), 'MAXLEN', 2)  # left: 7, 9
        self.assertEqual(self.replay(self.g2, self.bob, 4), ([7, 9], False))
        self.assertEqual(self.replay(self.g2, self.bob, 5), ([7, 9], True))
        self.assertEqual([self.group(self.g2, after) for after in (4, 5)], [([7, 9], False), ([7, 9], True)])
        self.assertTrue(self.whole(4, 'inbox'), 'it was not asked for')

    def test_an_expired_group(self):
        for to in ('group', 'group', 'alice'):
            self.say(to)
        self.redis.call('DEL', self.key('group'))
        self.assertEqual([self.whole(after) for after in (1, 2, 3)], [False, True, True])
        self.assertEqual([self.group(self.g2, after) for after in (1, 2)], [([], False), ([], True)])

    def test_what_is_missing_before_the_login_is_nobodys(self):
        for _ in range(5):
            self.say('group')
        self.redis.call('DEL', self.key('group'))
        carol = self.online_user(self.g2, 'carol')
        self.assertEqual(self.replay(self.g2, carol), ([], True))

    def restart(self):
        """With its data."""
        self.open_epoch()
        for g in (self.g1, self.g2):
            g.up()
        self.g1.reattach(self.alice)
        self.g2.reattach(self.bob)

    def test_a_new_epoch(self):
        """What Redis kept is delivered, but nobody knows whether it was all."""
        for to in ('bob', 'group'):
            self.say(to)
        self.restart()
        self.assertEqual(self.presence('first'), str(JUMP + 2))
        for after, expected in ((0, ([1, 2], False)), (2, ([], False)), (JUMP + 1, ([], False)), (JUMP + 2, ([], True))):
            self.assertEqual(self.replay(self.g2, self.bob, after), expected, 'works while it settles')
        self.assertEqual(self.group(self.g2, 2), ([], False))
        self.pass_time(SETTLE + 1)
        self.g2.renew('keep')
        self.say('bob')
        self.assertEqual(self.replay(self.g2, self.bob, 0), ([1, 2, JUMP + 3], False))
        self.assertEqual(self.replay(self.g2, self.bob, JUMP + 2), ([JUMP + 3], True))

    def test_a_login_in_a_new_epoch_has_lost_nothing(self):
        self.say('group')
        self.restart()
        self.pass_time(SETTLE + 1)
        self.g2.renew('keep')
        carol = self.online_user(self.g2, 'carol')
        self.say('group')
        self.assertEqual(self.replay(self.g2, carol), ([JUMP + 2], True))

    def test_who_was_brought_back_has_lost_all_before(self):
        """Redis is empty, but what it was asked to keep for him cannot be told from nothing."""
        self.say('bob')
        self.redis.call('FLUSHALL')
        reply = self.g2.renew()
        self.g2.link, self.epoch = int(reply[3]), reply[1]
        self.assertEqual(self.g2.verdicts(self.bob), ['ok'])
        first = int(self.presence('first'))
        self.assertEqual(self.replay(self.g2, self.bob, 0), ([], False))
        self.assertEqual(self.replay(self.g2, self.bob, 1), ([], False))
        self.assertEqual(self.replay(self.g2, self.bob, first), ([], True))

    def test_the_first_caller_had_seen_nothing(self):
        """Redis is empty, and a new gateway is the first to notice: ids begin low, until one that knows
        more comes.  Ids of before may be higher than those, and are none of this epoch."""
        self.redis.call('SET', self.key('message:id'), 3 * JUMP)
        old = self.say('bob')
        self.redis.call('FLUSHALL')
        self.call('sweep', epoch='', seen=0)
        self.assertLess(int(self.presence('first')), old)
        self.g2.seen = old
        reply = self.g2.renew()
        self.g2.link, self.epoch = int(reply[3]), reply[1]
        self.assertEqual(self.g2.verdicts(self.bob), ['ok'])
        self.assertEqual(self.replay(self.g2, self.bob, old), ([], False))
        self.assertEqual(self.replay(self.g2, self.bob, int(self.presence('first'))), ([], True))

    def test_unknown_while_settling_may_come_back(self):
        self.open_epoch()
        self.g2.up()
        self.assertEqual(self.g2.replay(Session('carol'))[0], 'unavailable')


class Returning(Kept):
    """From where: what connect, reattach and renew say."""

    def left(self, gateway, session):
        reply = gateway.connect(session)
        self.assertEqual(reply[0], 'ok')
        return reply[10]

    def test_when_he_went_away(self):
        self.say('bob')
        self.g2.detach(self.bob)
        for to in ('bob', 'group'):
            self.say(to)
        self.assertEqual(self.g1.connect(self.bob)[10:], ['1', '0', '2'])
        self.assertEqual(self.replay(self.g1, self.bob, 1), ([2, 3], True))

    def test_nothing_is_told_to_who_was_not_away(self):
        self.assertEqual(self.left(self.g1, self.bob), '')
        self.g2.detach(self.bob)
        self.assertEqual(self.left(self.g2, self.bob), '', 'still at g1')
        self.g1.detach(self.bob)
        self.assertEqual(self.left(self.g2, self.bob), '', 'still at g2')
        self.g2.detach(self.bob)
        self.assertNotEqual(self.left(self.g2, self.bob), '')
        self.assertEqual(self.left(self.g1, self.bob), '', 'back at g2')

    def test_nothing_to_who_connects_for_the_first_time(self):
        self.say('group')
        self.assertEqual(self.left(self.g1, self.login('carol')), '')

    def test_the_last_one_gone_counts(self):
        self.g1.connect(self.bob)
        self.g2.detach(self.bob)
        self.say('bob')
        self.g1.detach(self.bob)
        self.say('bob')
        self.assertEqual(self.left(self.g2, self.bob), '1')

    def test_the_last_time_counts(self):
        for expected in ('0', '1'):
            self.g2.detach(self.bob)
            self.say('bob')
            self.assertEqual(self.left(self.g2, self.bob), expected)

    def test_the_newest_direct_message(self):
        self.assertEqual(self.g2.connect(self.bob)[12], '0')
        for to in ('bob', 'group'):
            self.say(to)
        self.assertEqual(self.g2.connect(self.bob)[12], '1')
        self.redis.call('DEL', self.key('inbox:bob'))
        self.assertEqual(self.g2.connect(self.bob)[12], '1', 'even when it is no longer kept')

    def test_reattaching_says_it_of_each(self):
        carol = self.online_user(self.g1, 'carol')
        for to in ('bob', 'carol'):
            self.say(to)
        ended = Session('dave')
        self.assertEqual(self.g1.reattach(carol, ended, self.bob, self.alice)[4:],
                         ['0', 'ok', 'ended', 'ok', 'ok', '2', '0', '1', '2'])

    def test_the_first_id_of_the_epoch(self):
        self.say('bob')
        self.open_epoch()
        first = str(JUMP + 1)
        for g in (self.g1, self.g2):
            g.up()
        self.assertEqual(self.g2.renew('keep')[8], first)
        self.assertEqual(self.g2.reattach(self.bob)[4], first)
        self.assertEqual(self.g2.connect(self.bob)[11], first)


class Delivered(Kept):
    """A gateway died, or lost its link: up to where has whoever was there got everything?"""

    def setUp(self):
        super().setUp()
        for g in (self.g1, self.g2):
            g.prune()

    def die(self, gateway):
        """Its lease ends."""
        self.redis.call('ZADD', self.key('gateways'), 1, gateway.id)
        self.assertEqual(self.sweep_all()[2], 1)

    def left(self):
        return self.user('bob').get('left')

    def test_up_to_the_nonce_that_came_back(self):
        self.say('bob')
        self.g2.renew('keep')  # it may have died before it read the first message
        self.say('bob')
        self.g2.renew('keep')  # the nonce of the last came back, behind the first
        self.say('bob')
        self.die(self.g2)
        self.assertEqual(self.left(), '1')
        self.assertEqual(self.g1.connect(self.bob)[10], '1')

    def test_the_same_nonce_has_not_come_back(self):
        self.g2.renew('keep')
        for _ in range(3):
            self.say('bob')
            self.g2.nonces -= 1
            self.g2.renew('keep')
        self.die(self.g2)
        self.assertEqual(self.left(), '0')

    def test_a_new_link_counts_when_all_was_filled(self):
        self.g2.renew('keep')
        self.g2.renew('keep')
        for _ in range(3):
            self.say('bob')
            self.g2.up()
            self.g2.renew('keep')
        self.die(self.g2)
        self.assertEqual(self.left(), '0')

    def test_after_pruning_it_counts_again(self):
        self.say('bob')
        self.g2.up()
        self.say('bob')
        self.g2.reattach(self.bob)
        self.g2.prune()
        self.g2.renew('keep')
        self.die(self.g2)
        self.assertEqual(self.left(), '1')

    def test_pruned_is_gone_since_then_too(self):
        """His last socket closed while the gateway had no link."""
        self.say('bob')
        self.g2.renew('keep')
        self.g2.renew('keep')
        self.say('bob')
        self.g2.up()
        self.say('bob')
        self.g2.prune()
        self.assertEqual(self.left(), '1')

    def test_who_was_sent_away_has_all(self):
        self.say('bob')
        self.g2.detach(self.bob)
        self.assertEqual(self.left(), '1')

    def test_who_was_sent_away_has_what_the_gateway_had(self):
        for left, expected in ((0, '0'), (1, '1'), (3, '2')):
            with self.subTest(left):
                while self.message_id() < 2:
                    self.say('bob')
                self.g2.detach(self.bob, left)
                self.assertEqual(self.left(), expected)
                self.g2.connect(self.bob)

    def test_a_gateway_that_leaves_has_delivered_all(self):
        self.say('bob')
        self.g2.call('leave')
        self.say('bob')
        self.sweep_all()
        self.assertEqual(self.left(), '1')

    def test_of_this_gateway_alone(self):
        self.g1.renew('keep')
        self.say('bob')
        for _ in range(2):
            self.g1.renew('keep')
        self.die(self.g2)
        self.assertEqual(self.left(), '0')

    def test_it_is_forgotten_with_the_gateway(self):
        self.die(self.g2)
        self.assertEqual(self.redis.call('HKEYS', self.key('delivered')), ['g1'])


class GroupPages(Kept):
    def test_answer(self):
        ear = self.listen('group')
        for to in ('group', 'bob', 'group', 'alice'):
            self.say(to)
        published = [text.split(' ', 2)[2] for _, text in self.heard(ear)]
        self.assertEqual(self.g2.call('group', 0), ['ok', self.epoch, '4', '1', '0', '3', '2', *published])
        self.assertEqual(self.g2.call('group', 1), ['ok', self.epoch, '4', '1', '0', '3', '2', published[1]])
        self.assertEqual(self.g2.call('group', 3), ['ok', self.epoch, '4', '1', '0', '3', '2'])

    def test_nothing_was_ever_sent(self):
        self.assertEqual(self.g2.call('group', 0), ['ok', self.epoch, '0', '1', '0', '0', '0'])

    def test_pages(self):
        for _ in range(2 * PAGE + 1):
            self.say('group', '"x"')
        reply = self.g2.call('group', 0)
        self.assertEqual((reply[3:7], len(reply) - 7), (['1', '1', str(PAGE), str(2 * PAGE + 1)], PAGE))
        self.assertEqual(self.group(self.g2), (list(range(1, 2 * PAGE + 2)), True))

    def test_no_more_is_read_than_a_page(self):
        """Nobody else is served meanwhile: Redis counts what a function reads."""
        for _ in range(40):
            self.say('group', text_of(PAGE_BYTES // 8))
        self.redis.call('CONFIG', 'RESETSTAT')
        self.g2.call('group', 0)
        stats = self.redis.call('INFO', 'commandstats')
        self.assertIn('cmdstat_xrange:calls=1,', stats)

    def test_a_page_has_64_KiB(self):
        for _ in range(9):
            self.say('group', text_of(20000))
        self.assertEqual(self.g2.call('group', 0)[4:6], ['1', '3'])
        self.assertEqual(self.group(self.g2), (list(range(1, 10)), True))


class Idle(Kept):
    def test_nothing_grows_with_the_messages_of_the_past(self):
        """An online user who is written to now and then costs what he cost, once the copies are gone."""
        def cost():
            self.redis.call('DEL', self.key('inbox:bob'), self.key('inbox:alice'), self.key('group'))
            return self.redis.call('MEMORY', 'USAGE', self.key('user:bob')), len(self.redis.call('KEYS', '*'))
        for to in ('bob', 'group'):
            self.say(to)
        size, keys = cost()
        for _ in range(200):
            for to in ('bob', 'group'):
                self.say(to, text_of(500))
        later, keys_later = cost()
        self.assertLessEqual(later - size, 16, 'longer numbers')
        self.assertEqual(keys_later, keys)


if __name__ == '__main__':
    unittest.main()
