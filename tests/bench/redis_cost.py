"""redis_cost.py - CPU time of Redis for each message and for what else users do, and for simple commands beside it

usage: /usr/bin/python3 tests/bench/redis_cost.py [TIMES [ROUNDS [LIBRARY.lua...]]]

A Redis as in production (redis.conf, users of deploy/setup) for each library, 64 users online at two
gateways.  Round by round the kinds take turns with TIMES (10,000) each, 64 calls on their way at once
(one by one: a tenth as many) and 1 to 64 messages in each, and the time that redis-server spent (INFO
cpu) is divided.  Those who come and go are
TIMES users more, who log in, connect, lose their last socket, return, lose it again and end.  Prints the
median of the rounds with the least and the most, in µs.  What several libraries cost can be compared in
one run; messages by the module (shared/parley_module) need that of the library's version, or are passed on
to the library."""
import itertools
import statistics
import sys

from redis_world import BATCH, CALLER, PREFIX, TEXT, World, encode, session_of

USERS = 64
SIZES = (1, 4, 16, 64)  # messages in one call
SWEPT = 32  # users ended by one sweep
PAGE = 64  # messages in one page of a replay
FEEDS = 64  # subscribers of `many`
FLOOR = "#!lua name=floor\nredis.register_function('floor', function() return 'ok' end)"


def world(path):
    text = None
    if path:
        with open(path, encoding='utf-8') as file:
            text = file.read()
    w = World(library=text)
    w.admin.call('FUNCTION', 'LOAD', FLOOR)
    for name in ('g1', 'g2'):
        w.gateway(name)
    for i in range(USERS):
        w.online('user%d' % i, 'g%d' % (i % 2 + 1))
    for _ in range(FEEDS):
        w.hear('many')
    w.passing = []  # who come and go in this round
    return w


serial = itertools.count(1)
users = itertools.count(0)

# A kind: the client that calls, and its commands.  What it does besides is not measured.

# ---- messages


def client_id():
    n = next(serial)
    return '"%06x-%d"' % (n % 997, n)


def message(far=1, id_of=client_id):
    """Each user is sender and receiver in turn; `far`: 1 to the other gateway, 2 to the same."""
    n = 2 * next(users)
    return 'user%d' % (n % USERS), 'user%d' % ((n + far) % USERS), id_of()


def to(receiver):
    return 'user%d' % (2 * next(users) % USERS), receiver, client_id()


def sent(make, size=1, lua=False):
    return lambda w, n: ('g1', w.send_commands('g1', [make() for _ in range(n)], size, lua))


def to_group():
    return to('group')


# ---- those who come and go


def login(w, n):
    assert w.admin.call('SCARD', PREFIX + 'online') == USERS, 'those of the last round are still here'
    w.passing = ['passing%d' % next(serial) for _ in range(n)]
    return 'auth', [w.login_command(name) for name in w.passing]


def connect(w, _):
    return 'g1', [w.gateway_command('connect', 'g1', session_of(name)) for name in w.passing]


def detach(w, _):
    return 'g1', [w.gateway_command('detach', 'g1', session_of(name), 0) for name in w.passing]


def end(w, n):
    w.run(*detach(w, n))
    w.pass_time(CALLER[0])
    return 'presence', [encode(*w.function('sweep'))] * -(-n // SWEPT)


# ---- reading


def roster(w, n):
    """The first page of the list of users; full while those who come and go are here."""
    return 'g1', [encode(*w.function('roster', '0'))] * n


def changes(w, n):
    version = int(w.admin.call('HGET', PREFIX + 'presence', 'version'))
    return 'g1', [encode(*w.function('changes', max(version - PAGE, 0)))] * n


def replay(w, n, what='inbox', missed=PAGE):
    """Of one user, whose inbox holds the messages of `direct`."""
    inbox = w.admin.call('LRANGE', PREFIX + 'inbox:user0', -missed - 1, -1)
    after = int(inbox[0].split(' ')[0]) if missed else w.admin.call('GET', PREFIX + 'message:id')
    return 'g1', [w.gateway_command('replay', 'g1', session_of('user0'), after, what)] * n


def replay_nothing(w, n):
    """Who returns and has everything."""
    return replay(w, n, 'all', 0)


# ---- what goes on when nobody does anything


def renew(w, n):
    return 'g1', [w.renew_command('g1', next(serial)) for _ in range(n)]


def sweep(w, n):
    """Nobody's time has come."""
    return 'presence', [encode(*w.function('sweep'))] * n


# ---- to compare with


def plain_set(_, n):
    return 'admin', [encode('SET', PREFIX + 'x%d' % (i % USERS), TEXT) for i in range(n)]


def plain_publish(_, n):
    return 'admin', [encode('PUBLISH', PREFIX + 'to:g1', 'x' * 380) for i in range(n)]


def wide_publish(_, n):
    return 'admin', [encode('PUBLISH', PREFIX + 'many', 'x' * 380) for i in range(n)]


def plain_call(w, n):
    return 'admin', [encode('FCALL', 'floor', 1, PREFIX, w.epoch, 0, 30000, 10000, TEXT) for _ in range(n)]


ALONE = ', one by one'
KINDS = {**{'direct, by %d' % size: sent(message, size) for size in SIZES}, 'direct' + ALONE: sent(message),
         **{'direct in Lua, by %d' % size: sent(message, size, True) for size in SIZES},
         'direct in Lua' + ALONE: sent(message, 1, True),
         'direct, same gateway': sent(lambda: message(2)), 'direct, no client_id': sent(lambda: message(1, lambda: '')),
         'no such user': sent(lambda: to('nobody')), 'replay, page of 64': replay, 'replay, nothing missed': replay_nothing,
         **{'group, by %d' % size: sent(to_group, size) for size in SIZES},
         **{'group in Lua, by %d' % size: sent(to_group, size, True) for size in SIZES},
         'login': login, 'connect': connect, 'changes, page of 64': changes, 'list, page of 500': roster,
         'detach': detach, 'connect again': connect, 'end, by the sweep': end,
         'renew': renew, 'sweep, nobody due': sweep,
         'SET': plain_set, 'PUBLISH': plain_publish, 'PUBLISH to %d' % FEEDS: wide_publish,
         'PUBLISH to %d%s' % (FEEDS, ALONE): wide_publish, 'empty FCALL': plain_call}


def measure(w, kind, n):
    alone = kind.endswith(ALONE)
    n = n // 10 if alone else n  # each waits for both sides to be let run
    client, commands = KINDS[kind](w, n)
    status = {'no such user': 'no_such_user'}.get(kind, 'ok') if client != 'admin' else None
    before = w.cpu_us()
    w.run(client, commands, status, 1 if alone else BATCH)
    return (w.cpu_us() - before) / n


def main():
    n, rounds = (int(sys.argv[i]) if len(sys.argv) > i else fallback for i, fallback in ((1, 10000), (2, 5)))
    worlds = {path: world(path) for path in sys.argv[3:] or ['']}
    figures = {}
    try:
        for _ in range(rounds):
            for kind in KINDS:
                for path, w in worlds.items():
                    figures.setdefault((kind, path), []).append(measure(w, kind, n))
    finally:
        for w in worlds.values():
            w.stop()
    for (kind, path), values in figures.items():
        print('%-25s %s %7.2f µs (%.2f to %.2f)' % (kind, path, statistics.median(values), min(values), max(values)))


if __name__ == '__main__':
    main()
