"""test_model.py - random operations on Redis and on a model in Python, which must always agree

The model knows users, attachments, links and deadlines as simply as they can be written down; the
invariants of harness.py are checked on the way.  A failing sequence names its seed."""
import os
import random
import unittest

from harness import GRACE, LEASE, PENDING, RulesTest, Session

SEQUENCES = int(os.environ.get('MODEL_SEQUENCES', '200'))
STEPS = 60
FIRST_SEED = int(os.environ.get('MODEL_SEED', '1'))
NAMES, GATEWAYS = ('ann', 'bob', 'cy'), ('g1', 'g2', 'g3')


class ModelUser:
    def __init__(self, session, deadline, expires):
        self.session, self.deadline, self.expires = session, deadline, expires
        self.at, self.visible = {}, False

    def detached(self, now):
        if not self.at:
            self.deadline = min(now + GRACE, self.expires or now + GRACE)


class Model:
    """Presence time in ms from the start; every real call is taken to last no time."""

    def __init__(self):
        self.now, self.users, self.lease, self.link, self.lapsed = 0, {}, {}, {}, []
        self.last_link = 0  # of all gateways
        self.changes, self.ended = [], set()

    def holds(self, gateway, link):
        return gateway in self.lease and self.link[gateway] == link

    def renew(self, gateway, carried):
        self.last_link = max(self.last_link, carried) + 1
        self.link[gateway], self.lease[gateway] = self.last_link, self.now + LEASE
        return self.last_link

    def of(self, session):
        user = self.users.get(session.name)
        return user if user and user.session is session else None

    def end(self, name):
        user = self.users.pop(name)
        self.ended.add(user.session)
        if user.visible:
            self.changes.append('-' + name)

    def attach(self, user, gateway):
        user.at[gateway] = self.link[gateway]
        user.deadline = user.expires
        if not user.visible:
            user.visible = True
            self.changes.append('+' + user.session.name)

    def sweep(self):
        for gateway in [g for g, end in self.lease.items() if end <= self.now]:
            del self.lease[gateway]
            self.lapsed.append((gateway, self.link[gateway]))
        for name in [n for n, u in self.users.items() if u.deadline and u.deadline <= self.now]:
            self.end(name)
        for gateway, link in self.lapsed:
            for user in self.users.values():
                if user.at.get(gateway, link + 1) <= link:
                    del user.at[gateway]
                    user.detached(self.now)
            if gateway not in self.lease:
                self.link.pop(gateway, None)  # forgotten with its last list
        self.lapsed = []


class Sequence:
    """One seed: the same operations on both sides."""

    def __init__(self, test, seed):
        self.test, self.random, self.model = test, random.Random(seed), Model()
        self.sessions = []
        self.links = dict.fromkeys(GATEWAYS, 0)  # what each gateway believes

    def any_session(self):
        if not self.sessions or self.random.random() < 0.05:
            return Session(self.random.choice(NAMES))
        return self.random.choice(self.sessions[-6:])

    def any_gateway(self):
        return self.random.choice(GATEWAYS)

    def call(self, function, gateway, *args):
        return self.test.call(function, gateway, self.links[gateway], *args)

    def login(self):
        m, session = self.model, Session(self.random.choice(NAMES))
        longest = self.random.choice((0, 0, 45000))
        expected = 'taken' if session.name in m.users else 'ok'
        self.test.assertEqual(self.test.try_login(session, longest=longest)[0], expected)
        if expected == 'ok':
            self.sessions.append(session)
            session.number = len(self.sessions)
            expires = m.now + longest if longest else 0
            m.users[session.name] = ModelUser(session, m.now + min(PENDING, longest or PENDING), expires)

    def connect(self):
        m, session, gateway = self.model, self.any_session(), self.any_gateway()
        reply, user = self.call('connect', gateway, session.hash), m.of(session)
        if not m.holds(gateway, self.links[gateway]):
            expected = 'link'
        elif not user:
            expected = 'unknown'
        elif user.expires and user.expires <= m.now:
            expected = 'unknown'
            m.end(session.name)
        else:
            expected = 'ok'
            m.attach(user, gateway)
        self.test.assertEqual(reply[0], expected)

    def detach(self):
        m, session, gateway = self.model, self.any_session(), self.any_gateway()
        held, user = m.holds(gateway, self.links[gateway]), m.of(session)
        self.test.assertEqual(self.call('detach', gateway, session.hash)[0], 'ok' if held else 'link')
        if held and user and gateway in user.at:
            del user.at[gateway]
            user.detached(m.now)

    def reattach(self):
        m, session, gateway = self.model, self.any_session(), self.any_gateway()
        reply = self.call('reattach', gateway, session.hash, session.name, session.name,
                          session.number or 1, 0)
        if not m.holds(gateway, self.links[gateway]):
            self.test.assertEqual(reply[0], 'link')
            return
        user = m.of(session)
        self.test.assertEqual(reply[5], 'ok' if user else 'ended')
        if user:
            m.attach(user, gateway)

    def logout(self):
        session = self.any_session()
        known = self.model.of(session)
        self.test.assertEqual(self.test.logout(session)[0], 'ok' if known else 'unknown')
        if known:
            self.model.end(session.name)

    def kick(self):
        name = self.random.choice(NAMES)
        known = name in self.model.users
        self.test.assertEqual(self.test.operator('kick', name)[:6], 'kicked' if known else 'no suc')
        if known:
            self.model.end(name)

    def new_link(self):
        gateway = self.any_gateway()
        link = self.renew(gateway, self.links[gateway])
        if self.random.random() < 0.9:  # else the answer was lost
            self.links[gateway] = link

    def late_link(self):
        """A renew of an older connection, which nobody reads the answer of."""
        gateway = self.any_gateway()
        self.renew(gateway, self.random.randint(0, self.links[gateway]))

    def renew(self, gateway, carried):
        link = int(self.test.call('renew', gateway, 'new', carried, 'n')[3])
        self.test.assertEqual(link, self.model.renew(gateway, carried))
        return link

    def keep(self):
        m, gateway = self.model, self.any_gateway()
        held = m.holds(gateway, self.links[gateway])
        reply = self.test.call('renew', gateway, 'keep', self.links[gateway], 'n')
        self.test.assertEqual(reply[0], 'ok' if held else 'link')
        if held:
            m.lease[gateway] = m.now + LEASE

    def prune(self):
        m, gateway = self.model, self.any_gateway()
        held = m.holds(gateway, self.links[gateway])
        self.test.assertEqual(self.call('prune', gateway, '0')[0], 'ok' if held else 'link')
        listed = max((n for g, n in m.lapsed if g == gateway), default=0)  # up to here the sweep's
        for user in m.users.values():
            if held and listed < user.at.get(gateway, 0) < m.link[gateway]:
                del user.at[gateway]
                user.detached(m.now)

    def leave(self):
        m, gateway = self.model, self.any_gateway()
        held = m.holds(gateway, self.links[gateway])
        self.test.assertEqual(self.call('leave', gateway)[0], 'ok' if held else 'link')
        if held:
            del m.lease[gateway]
            m.lapsed.append((gateway, m.link[gateway]))

    def sweep(self):
        self.test.sweep_all()
        self.model.sweep()

    def pass_time(self):
        ms = self.random.choice((LEASE // 2, LEASE, GRACE // 2, PENDING // 2))
        self.test.pass_time(ms)
        self.model.now += ms

    def outage(self):
        """Nothing happens to the model: that is the rule."""
        self.test.outage(self.random.choice((2000, 10 * GRACE, -5000)))
        self.test.call('sweep')
        self.model.sweep()

    def message(self):
        m, session, gateway = self.model, self.any_session(), self.any_gateway()
        to = self.random.choice(NAMES + ('group',))
        receiver = m.users.get(to)
        if not m.holds(gateway, self.links[gateway]):
            expected = 'link'
        elif not m.of(session):
            expected = 'ended'
        elif to != 'group' and not (receiver and receiver.visible):
            expected = 'no_such_user'
        else:
            expected = 'ok'
        reply = self.call('send', gateway, session.hash, session.name, to, '', '"x"')
        self.test.assertEqual(reply[0], expected)

    OPERATIONS = (login,) * 4 + (connect,) * 6 + (detach,) * 3 + (reattach,) * 2 + (logout, kick) + (
        new_link,) * 3 + (late_link,) + (keep,) * 4 + (prune, leave) + (sweep,) * 3 + (pass_time,) * 3 + (
            outage,) + (message,) * 2

    def run(self):
        for gateway in GATEWAYS:
            self.links[gateway] = self.renew(gateway, 0)
        for step in range(STEPS):
            self.random.choice(self.OPERATIONS)(self)
            if step % 10 == 9:
                self.compare()
        self.compare()

    def compare(self):
        t, m = self.test, self.model
        changes = t.changes()
        t.assertEqual(t.online(), {n for n, u in m.users.items() if u.visible})
        for name in NAMES:
            t.assertEqual([c for c in changes if c[1:] == name], [c for c in m.changes if c[1:] == name])
            user = m.users.get(name)
            t.assertEqual({g: int(n) for g, n in t.at(name).items()}, user.at if user else {}, name)
            left = t.left_ms(name)
            t.assertEqual(left is not None, bool(user and user.deadline), name + ' has a deadline?')
            if left is not None:
                t.about(left, user.deadline - m.now, name)
        for session in m.ended:
            t.assertEqual(t.session_record(session), 'ended')
        t.check_invariants()


class Differential(RulesTest):
    def test_random_sequences(self):
        for seed in range(FIRST_SEED, FIRST_SEED + SEQUENCES):
            with self.subTest(seed=seed):
                self.redis.call('FLUSHALL')
                self.operator('first')
                self.epoch = self.presence('epoch')
                Sequence(self, seed).run()


if __name__ == '__main__':
    unittest.main()
