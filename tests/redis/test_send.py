"""test_send.py - the one function that accepts a message"""
import json
import threading
import unittest

from harness import GRACE, KEEP, LEASE, Client, RulesTest, Session

KEPT = GRACE + 60000  # ms that a client_id is remembered


class Delivery:
    """What `to:<gateway>` and `group` carry: message <count> <id> <sender> <receiver> <client_id>\\n<json>"""

    def __init__(self, channel, text):
        head, _, body = text.partition('\n')
        kind, count, number, self.sender, self.receiver, self.client_id = head.split(' ', 5)
        assert kind == 'message', text
        self.channel, self.count, self.id, self.json = channel, int(count), int(number), json.loads(body)


class Send(RulesTest):
    def setUp(self):
        super().setUp()
        self.g1, self.g2, self.g3 = (self.gateway(n) for n in ('g1', 'g2', 'g3'))
        self.alice = self.online_user(self.g1, 'alice', 'Alice')
        self.bob = self.online_user(self.g2, 'bob', 'Bob')
        self.ear = self.listen('to:g1', 'to:g2', 'to:g3', 'group')

    def deliveries(self):
        return [Delivery(*m) for m in self.heard(self.ear)]

    def test_direct(self):
        reply = self.g1.send(self.alice, 'bob', '"h\\u0000i \\"x\\""', '"c1"')
        self.assertEqual(reply, ['ok', self.epoch, '1'])
        both = self.deliveries()
        self.assertEqual([d.channel for d in both], ['to:g1', 'to:g2'])
        for d in both:
            self.assertEqual((d.id, d.sender, d.receiver, d.client_id),
                             (1, self.alice.hash, self.bob.hash, '"c1"'))
            sent_at = d.json.pop('sent_at')
            self.about(sent_at, self.now() + int(self.presence('skew')))
            self.assertEqual(d.json, {'message_id': 1, 'sender': 'Alice', 'receiver': 'Bob',
                                      'message_text': 'h\0i "x"'})

    def test_every_gateway_of_both(self):
        self.g3.connect(self.alice)
        self.g1.connect(self.bob)
        self.g1.send(self.alice, 'bob')
        self.assertEqual([d.channel for d in self.deliveries()], ['to:g1', 'to:g3', 'to:g2'])

    def test_a_gateway_of_both_gets_it_once(self):
        self.g1.connect(self.bob)
        self.g2.detach(self.bob)
        self.g1.send(self.alice, 'bob')
        self.assertEqual([d.channel for d in self.deliveries()], ['to:g1'])

    def test_to_oneself_once(self):
        self.g1.send(self.alice, 'alice')
        both = self.deliveries()
        self.assertEqual([d.channel for d in both], ['to:g1'])
        self.assertEqual((both[0].sender, both[0].receiver), (self.alice.hash, self.alice.hash))

    def test_group(self):
        self.assertEqual(self.g1.send(self.alice, 'group', client_id='"c"')[0], 'ok')
        all_ = self.deliveries()
        self.assertEqual([(d.channel, d.sender, d.receiver, d.client_id) for d in all_],
                         [('group', self.alice.hash, '-', '"c"')])
        self.assertEqual(all_[0].json['receiver'], 'group')

    def test_receiver_must_exist(self):
        pending, gone = self.login('carol'), self.online_user(self.g2, 'dave')
        self.logout(gone)
        self.heard(self.ear)
        for to in ('nobody', 'carol', 'dave'):
            with self.subTest(to):
                self.assertEqual(self.g1.send(self.alice, to, client_id='"%s"' % to)[0], 'no_such_user')
        self.assertEqual(self.message_id(), 0)
        self.assertEqual(self.deliveries(), [])
        self.assertEqual(self.redis.call('EXISTS', self.key('sent:alice')), 0)
        self.assertEqual(pending.name, 'carol')

    def test_receiver_in_grace_exists(self):
        self.g2.detach(self.bob)
        self.assertEqual(self.g1.send(self.alice, 'bob')[0], 'ok')
        self.assertEqual([d.channel for d in self.deliveries()], ['to:g1'])

    def test_users_of_an_older_library(self):
        """They have no list of gateways yet."""
        for name in ('alice', 'bob'):
            self.redis.call('HDEL', self.key('user:' + name), 'gateways')
        self.g1.send(self.alice, 'bob')
        self.assertEqual([d.channel for d in self.deliveries()], ['to:g1', 'to:g2'])
        for gateway, session in ((self.g1, self.alice), (self.g2, self.bob)):
            gateway.connect(session)  # (puts it there, as the invariants want)

    def test_session_is_checked(self):
        for session in (Session('alice'), Session('nobody')):
            self.assertEqual(self.g1.send(session, 'group')[0], 'ended')
        self.logout(self.alice)
        self.assertEqual(self.g1.send(self.alice, 'group')[0], 'ended')
        new = self.online_user(self.g1, 'alice')
        self.assertEqual(self.g1.send(self.alice, 'group')[0], 'ended')
        self.assertEqual(self.g1.send(new, 'group')[0], 'ok')

    def test_link_is_checked(self):
        self.assertEqual(self.g1.send(self.alice, 'group', link=9)[0], 'link')
        self.assertEqual(self.message_id(), 0)

    def test_settling(self):
        self.open_epoch()
        self.assertEqual(self.g1.send(self.alice, 'group')[0], 'unavailable')

    def test_retry_is_answered_with_the_first(self):
        for to in ('bob', 'group'):
            with self.subTest(to):
                first = self.g1.send(self.alice, to, '"hi"', '"%s"' % to)[2]
                sent_at = self.deliveries()[-1].json['sent_at']
                self.g1.send(self.alice, to, '"between"')
                self.heard(self.ear)
                status, _, number, text = self.g1.send(self.alice, to, '"hi"', '"%s"' % to)
                self.assertEqual((status, number), ('dup', first))
                self.assertEqual(json.loads(text), {
                    'message_id': int(first), 'sender': 'Alice', 'message_text': 'hi',
                    'receiver': 'Bob' if to == 'bob' else 'group', 'sent_at': sent_at})
                self.assertEqual(self.deliveries(), [], 'delivered twice')

    def test_retry_on_another_gateway(self):
        self.g1.send(self.alice, 'bob', client_id='"1"')
        self.g3.connect(self.alice)
        self.assertEqual(self.g3.send(self.alice, 'bob', client_id='"1"')[:3:2], ['dup', '1'])

    def test_retry_after_the_receiver_left(self):
        self.g1.send(self.alice, 'bob', client_id='"1"')
        self.logout(self.bob)
        self.assertEqual(self.g1.send(self.alice, 'bob', client_id='"1"')[:3:2], ['dup', '1'])

    def test_same_id_other_content(self):
        self.g1.send(self.alice, 'bob', '"hi"', '"1"')
        for to, text in (('bob', '"ho"'), ('group', '"hi"'), ('alice', '"hi"')):
            with self.subTest(to=to, text=text):
                self.assertEqual(self.g1.send(self.alice, to, text, '"1"')[0], 'conflict')
        self.assertEqual(self.message_id(), 1)

    def test_client_ids_are_the_senders_own(self):
        self.g1.send(self.alice, 'group', client_id='"1"')
        self.assertEqual(self.g2.send(self.bob, 'group', client_id='"1"')[0], 'ok')

    def test_without_client_id_nothing_is_remembered(self):
        for expected in ('1', '2'):
            self.assertEqual(self.g1.send(self.alice, 'bob')[2], expected)
        self.assertEqual(self.redis.call('EXISTS', self.key('sent:alice')), 0)

    def test_order_of_ids_is_order_of_delivery(self):
        """Four senders at once; each channel hears its ids rising, and counts without a gap."""
        rounds = 100
        senders = [self.online_user(self.g1 if i % 2 else self.g2, 'sender%d' % i) for i in range(4)]
        self.heard(self.ear)

        def run(i, session):
            client = Client(self.server.path)
            gateway = self.g1 if i % 2 else self.g2
            for n in range(rounds):
                to = ('group', 'bob', 'alice')[n % 3]
                self.call('send', gateway.id, gateway.link, session.hash, session.name, to, '', '"x"', client=client)
            client.close()
        threads = [threading.Thread(target=run, args=pair) for pair in enumerate(senders)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        by_channel = {}
        for d in self.deliveries():
            by_channel.setdefault(d.channel, []).append(d)
        ids = set()
        for channel, list_ in by_channel.items():
            numbers = [d.id for d in list_]
            self.assertEqual(numbers, sorted(set(numbers)), channel)
            counts = [d.count for d in list_]
            self.assertEqual(counts, list(range(counts[0], counts[0] + len(counts))), channel)
            ids.update(numbers)
        self.assertEqual(ids, set(range(1, 4 * rounds + 1)))


class Single(Send):
    """The same in the form of gateways older than 1.3."""

    def setUp(self):
        super().setUp()
        for gateway in (self.g1, self.g2, self.g3):
            gateway.send = gateway.send_single

    def test_a_retry_through_a_newer_gateway(self):
        """Their digests are of another kind; the older gateway cannot compare, and believes it."""
        self.assertEqual(self.g1.send_single(self.alice, 'bob', client_id='"1"')[0], 'ok')
        self.assertEqual(self.g1.send_all((self.alice, 'bob', '"hi"', '"1"'))[3].split(' ')[:2], ['dup', '1'])
        self.assertEqual(self.g1.send_all((self.alice, 'bob', '"hi"', '"2"'))[3], 'ok 2')
        self.assertEqual(self.g1.send_single(self.alice, 'bob', client_id='"2"')[:3:2], ['dup', '2'])

    def test_what_fails_is_an_error(self):
        self.redis.call('SET', self.key('inbox:bob'), 'x')
        with self.assertRaisesRegex(Exception, 'WRONGTYPE'):
            self.g1.send(self.alice, 'bob')


class Several(RulesTest):
    """Messages in one call."""

    def setUp(self):
        super().setUp()
        self.g1, self.g2 = self.gateway('g1'), self.gateway('g2')
        self.alice = self.online_user(self.g1, 'alice', 'Alice')
        self.bob = self.online_user(self.g2, 'bob', 'Bob')
        self.carol = self.online_user(self.g1, 'carol')
        self.ear = self.listen('to:g1', 'to:g2', 'group')

    def lines(self):
        """[(channel, count, [id...])] of what was heard; each message is whole."""
        found = []
        for channel, text in self.heard(self.ear):
            kind, count, rest = text.split(' ', 2)
            self.assertEqual(kind, 'message')
            parts = rest.split('\n')
            ids = [int(head.split(' ')[0]) for head in parts[::2]]
            self.assertEqual([json.loads(body)['message_id'] for body in parts[1::2]], ids)
            found.append((channel, int(count), ids))
        return found

    def fates(self, *messages, **kw):
        status, epoch, newest, *fates = self.g1.send_all(*messages, **kw)
        self.assertEqual((status, epoch, newest), ('ok', self.epoch, str(self.message_id())))
        self.assertEqual(len(fates), len(messages))
        return fates

    def test_each_has_its_own_fate(self):
        self.assertEqual(self.fates((self.alice, 'bob', '"a"', '"1"')), ['ok 1'])
        stranger = Session('alice')
        fates = self.fates((self.alice, 'group'), (stranger, 'bob'), (self.alice, 'bob', '"a"', '"1"'),
                           (self.alice, 'bob', '"b"', '"1"'), (self.bob, 'nobody'), (self.bob, 'alice'))
        self.assertEqual(fates[:2] + fates[3:], ['ok 2', 'ended', 'conflict', 'no_such_user', 'ok 3'])
        self.assertRegex(fates[2], r'^dup 1 \{"message_id":1,.*"message_text":"a",.*\}$')
        self.assertEqual(self.message_id(), 3)

    def test_a_channel_gets_one_line(self):
        self.fates((self.alice, 'bob'), (self.alice, 'nobody'), (self.carol, 'alice'), (self.bob, 'carol'))
        self.assertEqual(self.lines(), [('to:g1', 2, [1, 2, 3]), ('to:g2', 2, [1, 3])])
        self.fates((self.alice, 'group'), (self.bob, 'group'))
        self.assertEqual(self.lines(), [('group', 1, [4, 5])])

    def test_ids_rise_for_who_hears_two_channels(self):
        self.fates((self.alice, 'carol'), (self.carol, 'group'), (self.bob, 'alice'), (self.alice, 'alice'),
                   (self.bob, 'group'), (self.alice, 'group'))
        self.assertEqual(self.lines(), [('to:g1', 2, [1]), ('group', 1, [2]), ('to:g2', 2, [3]), ('to:g1', 3, [3, 4]),
                                        ('group', 2, [5, 6])])

    def test_a_retry_in_the_same_call(self):
        fates = self.fates((self.alice, 'bob', '"a"', '"1"'), (self.alice, 'bob', '"a"', '"1"'),
                           (self.alice, 'bob', '"b"', '"1"'))
        self.assertEqual([fate.split(' ')[:2] for fate in fates], [['ok', '1'], ['dup', '1'], ['conflict']])
        self.assertEqual(self.lines(), [('to:g1', 2, [1]), ('to:g2', 2, [1])])

    def test_copies_are_those_of_one_after_the_other(self):
        """An inbox and what is said of it, whether its messages came in one call or in many."""
        long = '"%s"' % ('x' * 3000)
        dave, erin = (self.online_user(self.g2, name) for name in ('dave', 'erin'))
        for i in range(10):
            texts = ['"%d"' % (100 + i), long, '"%d"' % (200 + i)]
            self.fates(*((self.alice, 'dave', text) for text in texts))
            for text in texts:
                self.fates((self.alice, 'erin', text))

        def kept(name):
            messages = self.redis.call('LRANGE', self.key('inbox:' + name), 0, -1)
            newest, gone, size, until, *_ = map(int, self.user(name)['inbox'].split(' '))
            self.assertEqual(newest, int(messages[-1].split(' ')[0]))
            self.assertEqual(size, sum(map(len, messages)))
            self.assertLess(gone, int(messages[0].split(' ')[0]))
            self.about(until, self.now() + int(self.presence('skew')) + 2 * KEEP)
            return [json.loads(m.split('\n')[1])['message_text'] for m in messages]
        self.assertEqual(kept('dave'), kept('erin'))
        self.assertEqual(len(kept('alice')), len(self.redis.call('LRANGE', self.key('inbox:alice'), 0, -1)))
        self.assertEqual(dave.name + erin.name, 'daveerin')

    def test_the_groups_copies_know_the_one_before(self):
        self.fates((self.alice, 'group'), (self.alice, 'bob'), (self.bob, 'group'), (self.alice, 'group'))
        entries = self.redis.call('XRANGE', self.key('group'), '-', '+')
        self.assertEqual([(e[0], e[1][1]) for e in entries], [('1-0', '0'), ('3-0', '1'), ('4-0', '3')])
        self.assertEqual(self.presence('group'), '4')

    def test_a_key_of_another_type_harms_one_alone(self):
        self.redis.call('SET', self.key('inbox:bob'), 'x')
        self.redis.call('SET', self.key('sent:carol'), 'x')
        fates = self.fates((self.alice, 'carol'), (self.alice, 'bob', '"a"', '"1"'), (self.carol, 'alice', '"b"', '"1"'),
                           (self.alice, 'carol'))
        self.assertRegex(fates[1], '^failed WRONGTYPE ')
        self.assertRegex(fates[2], '^failed WRONGTYPE ')
        self.assertEqual(fates[::3], ['ok 1', 'ok 3'])
        self.assertEqual(self.lines(), [('to:g1', 2, [1, 3])])
        self.redis.call('DEL', self.key('inbox:bob'), self.key('sent:carol'))
        self.assertEqual(self.fates((self.alice, 'bob', '"a"', '"1"')), ['ok 4'], 'it was not accepted')

    def test_what_is_said_of_an_inbox_harms_one_alone(self):
        self.redis.call('HSET', self.key('user:bob'), 'inbox', 'x')
        fates = self.fates((self.alice, 'carol'), (self.alice, 'bob'), (self.alice, 'carol'))
        self.assertEqual(fates, ['ok 1', fates[1], 'ok 3'])
        self.assertRegex(fates[1], '^failed .*bad inbox of bob')
        self.assertEqual(self.lines(), [('to:g1', 2, [1, 3])])

    def test_what_is_not_ours_in_an_inbox_harms_nobody(self):
        self.redis.call('RPUSH', self.key('inbox:bob'), *['x'] * 256)
        self.assertEqual(self.fates((self.alice, 'bob'), (self.alice, 'carol')), ['ok 1', 'ok 2'])
        self.assertEqual(self.user('bob')['inbox'].split(' ')[:2], ['1', '0'])

    def test_a_channel_that_cannot_be_counted_keeps_back_no_other(self):
        self.redis.call('HSET', self.key('channels'), 'to:g2', 'x')
        with self.assertRaisesRegex(Exception, 'not an integer'):
            self.g1.send_all((self.alice, 'bob'), (self.carol, 'group'))
        self.assertEqual(self.lines()[-1:], [('group', 1, [2])])

    def test_nor_when_a_message_is_alone(self):
        self.redis.call('HSET', self.key('channels'), 'to:g1', 'x')
        with self.assertRaisesRegex(Exception, 'not an integer'):
            self.g1.send_all((self.alice, 'bob'))
        self.assertEqual(self.lines(), [('to:g2', 2, [1])])

    def test_a_digest_of_before(self):
        """SHA-1, as gateways older than 1.3 had it made: a retry is one, and nothing else is."""
        self.g1.send_single(self.alice, 'bob', '"a"', '"1"')
        self.assertRegex(self.fates((self.alice, 'bob', '"a"', '"1"'))[0], '^dup 1 ')
        self.assertEqual(self.fates((self.alice, 'bob', '"b"', '"1"'), (self.alice, 'carol', '"a"', '"1"')), ['conflict'] * 2)

    def test_a_number_that_failed_is_not_given_again(self):
        self.redis.call('SET', self.key('inbox:alice'), 'x')
        self.assertRegex(self.fates((self.alice, 'bob'))[0], '^failed WRONGTYPE ')
        self.assertEqual(self.message_id(), 1, 'the copy of bob has it')
        self.assertEqual(self.user('bob')['inbox'].split(' ')[0], '1')

    def test_who_takes_a_line_for_one_message(self):
        """A gateway older than 1.3 is heard of when it renews, and forgotten when two leases are over."""
        g3 = self.gateway('g3')
        g3.renew('keep', lines=())
        self.fates((self.alice, 'carol'), (self.carol, 'alice'))
        self.assertEqual(self.lines(), [('to:g1', 2, [1]), ('to:g1', 3, [2])])
        self.pass_time(2 * LEASE - 5000)
        self.g1.renew('keep'), self.g2.renew('keep')
        self.lines_of_nonces()
        self.fates((self.alice, 'group'), (self.carol, 'group'))
        self.assertEqual(self.lines(), [('group', 1, [3]), ('group', 2, [4])])
        self.pass_time(5001)
        self.fates((self.alice, 'group'), (self.carol, 'group'))
        self.assertEqual(self.lines(), [('group', 3, [5, 6])])

    def lines_of_nonces(self):
        self.assertEqual([text.split(' ')[0] for _, text in self.heard(self.ear)], ['nonce', 'nonce'])

    def test_after_an_older_library_all_may_take_it_so(self):
        self.redis.call('HDEL', self.key('presence'), 'single')
        self.fates((self.alice, 'group'), (self.carol, 'group'))
        self.assertEqual(self.lines(), [('group', 1, [1]), ('group', 2, [2])])
        self.about(int(self.presence('single')), self.now() + 2 * LEASE)

    def test_one_message_asks_nobody(self):
        self.redis.call('HDEL', self.key('presence'), 'single')
        self.fates((self.alice, 'group'))
        self.assertIsNone(self.presence('single'))

    def test_at_most_64(self):
        self.assertEqual(self.fates(*[(self.alice, 'group')] * 64), ['ok %d' % i for i in range(1, 65)])
        with self.assertRaisesRegex(Exception, 'at most 64'):
            self.g1.send_all(*[(self.alice, 'group')] * 65)
        self.assertEqual(self.message_id(), 64)

    def test_many_sets_of_gateways(self):
        """More than the library remembers."""
        self.redis.call('HSET', self.key('user:bob'), 'gateways', 'g2')
        for i in range(300):
            self.redis.call('HSET', self.key('user:bob'), 'gateways', 'g2 x%d' % i)
            self.fates((self.alice, 'bob'))
        self.assertEqual([c for c, _, _ in self.lines()], ['to:g1', 'to:g2'] * 300)
        self.invariants = False

    def test_one_that_may_not_speak_says_nothing(self):
        self.assertEqual(self.g1.send_all((self.alice, 'group'), link=9), ['link', self.epoch])
        self.open_epoch()
        self.assertEqual(self.g1.send_all((self.alice, 'group'))[0], 'unavailable')
        self.assertEqual(self.lines(), [])


class Window(RulesTest):
    """client_ids are remembered for grace + 60 s at least, and not for ever."""

    def setUp(self):
        super().setUp()
        self.g = self.gateway()
        self.alice = self.online_user(self.g, 'alice')

    def send(self, client_id):
        return self.g.send(self.alice, 'group', client_id='"%s"' % client_id)[0]

    def age(self, ms):
        """As if the window had begun ms earlier."""
        born = int(self.redis.call('HGET', self.key('sent:alice'), ''))
        self.redis.call('HSET', self.key('sent:alice'), '', born - ms if born > 0 else born + ms)

    def test_expires(self):
        self.send('a')
        self.about(self.redis.call('PTTL', self.key('sent:alice')), 2 * KEPT)
        self.send('b')
        self.assertEqual(self.redis.call('HLEN', self.key('sent:alice')), 3)

    def test_later_ids_do_not_prolong_it(self):
        self.send('a')
        self.redis.call('PEXPIRE', self.key('sent:alice'), KEPT)
        self.send('b')
        self.about(self.redis.call('PTTL', self.key('sent:alice')), KEPT)

    def test_rotates(self):
        self.send('a')
        self.age(KEPT - 5000)
        self.send('b')
        self.assertEqual(self.redis.call('EXISTS', self.key('sent:alice:old')), 0)
        self.age(5001)
        self.send('c')
        self.assertEqual(set(self.redis.call('HKEYS', self.key('sent:alice'))), {'', '"c"'})
        self.assertEqual(set(self.redis.call('HKEYS', self.key('sent:alice:old'))), {'', '"a"', '"b"'})
        self.about(self.redis.call('PTTL', self.key('sent:alice:old')), KEPT)
        self.about(self.redis.call('PTTL', self.key('sent:alice')), 2 * KEPT)

    def test_both_generations_count(self):
        self.send('a')
        self.age(KEPT + 1)
        self.assertEqual(self.send('b'), 'ok')
        self.assertEqual([self.send('a'), self.send('b')], ['dup', 'dup'])

    def test_nobody_looks_for_a_generation_that_is_not_there(self):
        self.send('a')
        self.redis.call('SET', self.key('sent:alice:old'), 'x')  # to look there would be an error
        self.assertEqual([self.send('b'), self.send('a')], ['ok', 'dup'])

    def test_the_oldest_generation_is_forgotten(self):
        self.send('a')
        for client_id in ('b', 'c'):
            self.age(KEPT + 1)
            self.send(client_id)
        self.assertEqual([self.send('c'), self.send('b'), self.send('a')], ['dup', 'dup', 'ok'])


class Counters(RulesTest):
    """Every publish on to:<gateway> and group is counted, so that a hole is seen."""

    def test_counts_have_no_gap(self):
        g1, g2 = self.gateway('g1'), self.gateway('g2')
        ear = self.listen('to:g1', 'to:g2', 'group')
        alice, bob = self.online_user(g1, 'alice'), self.online_user(g2, 'bob')
        for to in ('bob', 'group', 'alice', 'bob'):
            g1.send(alice, to)
        g1.renew('keep')
        self.logout(bob)
        self.operator('kick', 'alice')
        reply = g1.renew('keep')
        counts = {}
        for channel, text in self.heard(ear):
            counts.setdefault(channel, []).append(int(text.split(' ')[1]))
        self.assertEqual(counts, {'to:g1': [2, 3, 4, 5, 6, 7], 'to:g2': [2, 3, 4], 'group': [1]})
        self.assertEqual(reply[5:7], ['7', '1'])
        self.assertEqual(g2.renew('keep')[5:7], ['5', '1'])

    def test_a_forgotten_gateway_begins_anew(self):
        g = self.gateway()
        self.redis.call('ZADD', self.key('gateways'), '1', 'g1')
        for i in range(2):
            self.redis.call('SADD', self.key('gateway:g1:users'), 'x%d' % i)
        self.call('sweep', lease=LEASE)
        self.assertEqual(self.redis.call('EXISTS', self.key('channels')), 0, 'it was forgotten')
        self.assertEqual(g.renew('new')[5], '1')


if __name__ == '__main__':
    unittest.main()
