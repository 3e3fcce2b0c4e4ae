"""test_replay_model.py - random messages, absences and losses against a model: who returns gets
exactly what he missed, or is told that something is missing, and is told so only then

The model is a list of all messages and, for each client, the ids that it has.  While a client is
connected it gets everything at once (that is the gateway's part); when it returns it replays from
the newest id that it has, on any gateway.  A failing sequence names its seed."""
import json
import os
import random
import unittest

from harness import KEEP, LEASE, SETTLE, RulesTest

SEQUENCES = int(os.environ.get('MODEL_SEQUENCES', '60'))
STEPS = 120
FIRST_SEED = int(os.environ.get('MODEL_SEED', '1'))
NAMES, GATEWAYS = ('ann', 'bob', 'cy'), ('g1', 'g2')


class ModelClient:
    """One session of a user, with one client."""

    def __init__(self, session, floor):
        self.session, self.floor = session, floor
        self.at, self.left, self.visible = None, '', False  # left: what connect must say
        self.last = floor  # the newest id that it has, or would not want
        self.direct = 0    # id of the newest in the inbox


class Sequence:
    def __init__(self, test, seed):
        self.test, self.random = test, random.Random(seed)
        self.gateways = {name: test.gateway(name) for name in GATEWAYS}
        self.clients, self.messages, self.first = {}, [], 0  # messages: (id, names)
        self.sent = {}  # client_id -> id
        self.returns = self.losses = 0
        for name in NAMES:
            self.login(name)

    def login(self, name):
        self.clients[name] = ModelClient(self.test.login(name), self.test.message_id())

    def any_client(self):
        return self.random.choice(list(self.clients.values()))

    # ---- operations

    def end(self):
        client = self.any_client()
        self.test.logout(client.session)
        self.login(client.session.name)

    def connect(self):
        client = self.any_client()
        if client.at:
            return
        gateway = self.gateways[self.random.choice(GATEWAYS)]
        reply = gateway.connect(client.session)
        self.test.assertEqual(reply[0], 'ok')
        self.test.assertEqual(reply[8:9] + reply[10:], [str(client.floor), client.left, str(self.first), str(client.direct)])
        client.at, client.left, client.visible = gateway, '', True
        self.catch_up(client)

    def detach(self):
        client = self.any_client()
        if not client.at:
            return
        client.at.detach(client.session)
        client.at, client.left = None, str(self.test.message_id())

    def send(self, text='"x"'):
        sender = self.any_client()
        to = self.random.choice(NAMES + ('group',) * 2)
        if not sender.at:
            return
        exists = to == 'group' or self.clients[to].visible
        client_id = self.random.choice(('', '"%d"' % self.random.randint(1, 5)))
        key = (sender.session.hash, client_id)
        reply = sender.at.send(sender.session, to, text, client_id)
        if client_id and key in self.sent:
            number, content = self.sent[key]
            self.test.assertEqual(reply[0], 'dup' if content == (to, text) else 'conflict')
            return
        self.test.assertEqual(reply[0], 'ok' if exists else 'no_such_user')
        if not exists:
            return
        number = int(reply[2])
        self.sent[key] = (number, (to, text))
        people = set(NAMES) if to == 'group' else {sender.session.name, to}
        self.messages.append((number, people))
        for name, client in self.clients.items():
            if name in people and to != 'group':
                client.direct = number
            if name in people and client.at:
                client.last = number

    def send_much(self):
        for _ in range(self.random.randint(5, 90)):
            self.send(self.random.choice(('"x"', '"%s"' % ('y' * self.random.choice((1000, 8000, 30000))))))

    def lose(self):
        """Something expires or is trimmed."""
        key = self.random.choice(['inbox:' + n for n in NAMES] + ['group'])
        count = self.random.choice((0, 1, 3))  # that stay
        if key == 'group':
            self.test.redis.call('XTRIM', self.test.key(key), 'MAXLEN', count)
        else:
            self.test.redis.call('DEL', self.test.key(key))  # (send_much trims them)

    def grow_old(self):
        """Less than keep_ms is left of all that is kept."""
        until = self.test.now() + int(self.test.presence('skew')) + KEEP - 1
        self.test.redis.call('HSET', self.test.key('presence'), 'group_until', until)
        for name in NAMES:
            inbox = self.test.user(name).get('inbox')
            if inbox:
                fields = inbox.split(' ')
                self.test.redis.call('HSET', self.test.key('user:' + name), 'inbox', ' '.join((*fields[:3], str(until), *fields[4:])))

    def restart(self):
        """Redis, with its data."""
        self.test.open_epoch()
        self.first = int(self.test.presence('first'))
        for gateway in self.gateways.values():
            gateway.up()
        for client in self.clients.values():
            if client.at:
                reply = client.at.reattach(client.session)
                self.test.assertEqual(reply[4:], [str(self.first), 'ok', str(client.direct)])
        self.catch_up(self.random.choice(list(self.clients.values())))  # works meanwhile
        self.test.pass_time(SETTLE + 1)
        for gateway in self.gateways.values():
            gateway.renew('keep')

    # ---- what is checked

    def kept(self, client):
        """The ids that Redis still has of what the client may be given."""
        have = {int(e.partition(' ')[0]) for e in self.test.redis.call(
            'LRANGE', self.test.key('inbox:' + client.session.name), 0, -1)}
        stream = self.test.redis.call('XRANGE', self.test.key('group'), '-', '+')
        return have | {int(number.split('-')[0]) for number, _ in stream}

    def catch_up(self, client):
        if not client.at:
            return
        after = self.random.choice((client.last, client.last, client.last, self.random.randint(0, client.last)))
        start = max(after, client.floor)
        missed = [i for i, people in self.messages if i > start and client.session.name in people]
        there = [i for i in missed if i in self.kept(client)]
        got, whole, more = [], True, '1'
        while more == '1':
            reply = client.at.replay(client.session, after)
            self.test.assertEqual(reply[0], 'ok')
            _, _, newest, is_whole, more, after, *texts = reply
            whole = whole and is_whole == '1'
            got += [json.loads(text.partition('\n')[2])['message_id'] for text in texts]
        self.test.assertTrue(got == there, '%r, not %r' % (got, there))  # (no slow comparison of lists)
        self.test.assertEqual(whole, there == missed and start >= self.first)
        self.test.assertEqual(after, newest)
        client.last = int(newest)
        self.returns += 1
        self.losses += not whole

    OPERATIONS = (connect,) * 8 + (detach,) * 5 + (send,) * 20 + (send_much, lose, grow_old, end)

    def run(self):
        for step in range(STEPS):
            self.random.choice(self.OPERATIONS)(self)
            if self.random.random() < 0.01:
                self.restart()
        self.test.check_invariants()


class Differential(RulesTest):
    def test_random_sequences(self):
        returns = losses = 0
        for seed in range(FIRST_SEED, FIRST_SEED + SEQUENCES):
            with self.subTest(seed=seed):
                self.redis.call('FLUSHALL')
                self.operator('first')
                self.epoch = self.presence('epoch')
                sequence = Sequence(self, seed)
                sequence.run()
                returns, losses = returns + sequence.returns, losses + sequence.losses
        self.assertGreater(returns, 10 * SEQUENCES, 'it hardly tests anything')
        self.assertGreater(losses, SEQUENCES, 'it hardly tests losses')
        self.assertGreater(returns - losses, 5 * SEQUENCES, 'it hardly tests the rest')


class DyingSequence:
    """bob on g1, a gateway that reads late, loses its link and dies; alice on g2 writes to him."""

    def __init__(self, test, seed):
        self.test, self.random = test, random.Random(seed)
        self.g2 = test.gateway('g2')
        self.alice, self.bob = test.online_user(self.g2, 'alice'), test.login('bob')
        self.got = self.checked = 0  # got: up to here bob has everything that was for him
        self.begin()

    def begin(self, name='g1'):
        """A gateway starts, and bob connects there."""
        self.g1 = self.test.gateway(name)
        self.channel = self.test.listen('to:' + name, 'group')
        self.unread, self.heard_nonce = [], True
        self.g1.prune()
        self.connect()

    def connect(self):
        reply = self.g1.connect(self.bob)
        self.test.assertEqual(reply[0], 'ok')
        if reply[10]:
            self.test.assertLessEqual(int(reply[10]), self.got, 'what came behind is lost, and he is not told')
            self.checked += 1
        self.got = self.test.message_id()  # a replay gives him the rest
        self.listen_on()
        self.unread = [u for u in self.unread if u == 'nonce']

    def listen_on(self):
        for _, line in self.test.heard(self.channel):
            kind, _, rest = line.split(' ', 2)
            self.unread.append('nonce' if kind == 'nonce' else int(rest.split(' ')[0]))

    def write(self):
        self.test.assertEqual(self.g2.send(self.alice, self.random.choice(('bob', 'group')))[0], 'ok')

    def read(self):
        self.listen_on()
        for _ in range(self.random.randint(0, len(self.unread))):
            line = self.unread.pop(0)
            if line == 'nonce':
                self.heard_nonce = 'nonce' not in self.unread
            else:
                self.got = line

    def keep(self):
        self.g2.renew('keep')
        if not self.heard_nonce:
            self.g1.nonces -= 1  # the same once more
        self.test.assertEqual(self.g1.renew('keep')[0], 'ok')
        self.heard_nonce = False

    def break_link(self, stays=True):
        """What is on its way is lost.  A new link, and all is filled; or bob closed meanwhile."""
        self.test.heard(self.channel)
        self.unread, self.heard_nonce = [], True
        self.g1.up()
        for _ in range(self.random.randint(0, 2)):
            self.write()
            self.test.assertEqual(self.g1.renew('keep')[0], 'ok')
        if self.random.random() < 0.3:
            return self.break_link(stays)
        if stays:
            self.g1.reattach(self.bob)
            self.got = self.test.message_id()
            self.test.heard(self.channel)
        self.g1.prune()
        if not stays:
            self.connect()

    def close(self):
        self.break_link(stays=False)

    def detach(self):
        self.listen_on()
        self.g1.detach(self.bob, self.got)
        self.write()
        self.connect()

    def die(self):
        self.write()
        self.test.redis.call('ZADD', self.test.key('gateways'), 1, self.g1.id)
        self.test.sweep_all()
        self.begin(self.g1.id + 'x')

    OPERATIONS = (write,) * 6 + (read,) * 5 + (keep,) * 5 + (break_link, close, detach, die)

    def run(self):
        for _ in range(STEPS // 2):
            self.random.choice(self.OPERATIONS)(self)


class Dying(RulesTest):
    """Whoever returns without a last id, to a gateway that asks from `left`, misses nothing."""

    def test_random_sequences(self):
        checked = 0
        for seed in range(FIRST_SEED, FIRST_SEED + SEQUENCES // 2):
            with self.subTest(seed=seed):
                self.redis.call('FLUSHALL')
                self.operator('first')
                self.epoch = self.presence('epoch')
                sequence = DyingSequence(self, seed)
                sequence.run()
                checked += sequence.checked
                self.check_invariants()
                for subscriber in self.subscribers:
                    subscriber.close()
                self.subscribers = []
        self.assertGreater(checked, 2 * SEQUENCES, 'it hardly tests anything')


if __name__ == '__main__':
    unittest.main()
