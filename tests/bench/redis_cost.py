"""redis_cost.py - CPU time of Redis for each message, and for simple commands beside it

usage: /usr/bin/python3 tests/bench/redis_cost.py [MESSAGES [ROUNDS [LIBRARY.lua...]]]

A Redis as in production (redis.conf, users of deploy/setup) for each library, 64 users online at two
gateways.  Round by round the kinds take turns with MESSAGES (10,000) each, 64 calls on their way at
once and 1 to 64 messages in each, and the time that redis-server spent (INFO cpu) is divided.  Prints the median of the rounds with the least and
the most, in µs.  What several libraries cost can be compared in one run."""
import itertools
import statistics
import sys

from redis_world import PREFIX, TEXT, World, encode

USERS = 64
SIZES = (1, 4, 16, 64)
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
    w.gateways['admin'] = w.admin
    return w


serial = itertools.count(1)
users = itertools.count(0)


def client_id():
    n = next(serial)
    return '"%06x-%d"' % (n % 997, n)


def message(far=1, id_of=client_id):
    """Each user is sender and receiver in turn; `far`: 1 to the other gateway, 2 to the same."""
    n = 2 * next(users)
    return 'user%d' % (n % USERS), 'user%d' % ((n + far) % USERS), id_of()


def to(receiver):
    return 'user%d' % (2 * next(users) % USERS), receiver, client_id()


def sent(make, size=1):
    return lambda w, n: ('g1', w.send_commands('g1', [make() for _ in range(n)], size))


def plain(*args):
    return lambda w, n: ('admin', [(encode(*args), 1)] * n)


def plain_set(_, n):
    return 'admin', [(encode('SET', PREFIX + 'x%d' % (i % USERS), TEXT), 1) for i in range(n)]


def plain_call(w, n):
    return 'admin', [(encode('FCALL', 'floor', 1, PREFIX, w.epoch, 0, 30000, 10000, TEXT), 1)] * n


# n messages or commands of each kind; by so many in one call, else one.
KINDS = {**{'direct, by %d' % size: sent(message, size) for size in SIZES},
         'direct, no client_id': sent(lambda: message(1, lambda: '')),
         'direct, same gateway': sent(lambda: message(2)),
         **{'group, by %d' % size: sent(lambda: to('group'), size) for size in SIZES},
         'no such user': sent(lambda: to('nobody')),
         'SET': plain_set, 'PUBLISH': plain('PUBLISH', PREFIX + 'to:g1', 'x' * 380), 'empty FCALL': plain_call}


def measure(w, kind, n):
    gateway, commands = KINDS[kind](w, n)
    status = {'no such user': 'no_such_user'}.get(kind, 'ok') if gateway == 'g1' else None
    before = w.cpu_us()
    w.run(gateway, commands, status)
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
        print('%-22s %s %6.2f µs (%.2f to %.2f)' % (kind, path, statistics.median(values), min(values), max(values)))


if __name__ == '__main__':
    main()
