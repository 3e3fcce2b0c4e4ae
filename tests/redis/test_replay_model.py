"""test_replay_model.py - random messages, absences and losses against a model: who returns gets
exactly what he missed, or is told that something is missing, and is told so only then

The model is a list of all messages and, for each client, the ids that it has.  While a client is
connected it gets everything at once (that is the gateway's part); when it returns it replays from
the newest id that it has, on any gateway.  A failing sequence names its seed."""
import json
import os
import random
import unittest

from harness import LEASE, SETTLE, RulesTest

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

    OPERATIONS = (connect,) * 8 + (detach,) * 5 + (send,) * 20 + (send_much, lose, end)

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


if __name__ == '__main__':
    unittest.main()
