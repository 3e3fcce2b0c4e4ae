"""redis_memory.py - memory of Redis for each user, idle and written to, for each message kept, and by key

usage: /usr/bin/python3 tests/bench/redis_memory.py [USERS]

A Redis as in production.  Logs the users in (10,000) and connects them at two gateways, and divides the
growth of used_memory behind the first hundred; then each is sent one message by the next and sends one
himself.  Below it MEMORY USAGE of all keys of a kind, by user.  Then as many messages MORE times, for what
one costs that is kept in two inboxes."""
import collections
import sys

from redis_world import PREFIX, World, drain

FIRST = 100
MORE = 8
GATEWAYS = ('gateway-AbCdEfGh', 'gateway-IjKlMnOp')
KINDS = ('user:', 'sessions:', 'session:', 'inbox:', 'sent:', 'gateway:')  # else: the key


def kind_of(key):
    return next((kind for kind in KINDS if key.startswith(kind)), key)


def used(world):
    for feed in world.feeds:
        drain(feed)
    return world.memory()


def by_kind(world):
    sums = collections.Counter()
    for key in world.admin.call('KEYS', PREFIX + '*'):
        sums[kind_of(key[len(PREFIX):])] += world.admin.call('MEMORY', 'USAGE', key, 'SAMPLES', 0)
    return sums


def online(world, first, last):
    for i in range(first, last):
        world.online('user-%d' % i, GATEWAYS[i % 2])
        if i % 100 == 0:
            used(world)  # or what waits for the subscribers would count


def tell(what, world, before, count):
    print('%s: %.0f B each' % (what, (used(world) - before) / (count - FIRST)))
    for kind, bytes_ in by_kind(world).most_common():
        if bytes_ > count:
            print('    %-12s %5.0f' % (kind, bytes_ / count))


def write(world, count, number):
    """One message from each to the next."""
    for place, gateway in enumerate(GATEWAYS):
        messages = [('user-%d' % i, 'user-%d' % ((i + 1) % count), '"%d-%d"' % (number, i)) for i in range(place, count, 2)]
        world.run(gateway, world.send_commands(gateway, messages))


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10000
    world = World()
    try:
        for gateway in GATEWAYS:
            world.gateway(gateway)
        online(world, 0, FIRST)
        before = used(world)
        online(world, FIRST, count)
        tell('idle', world, before, count)
        write(world, count, 0)
        tell('written to', world, before, count)
        before = used(world)
        for number in range(MORE):
            write(world, count, number + 1)
        print('each message more: %.0f B' % ((used(world) - before) / (MORE * count)))
    finally:
        world.stop()


if __name__ == '__main__':
    main()
