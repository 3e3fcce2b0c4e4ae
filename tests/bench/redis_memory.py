"""redis_memory.py - memory of Redis for each user, idle and written to, for each message kept, and by key

usage: /usr/bin/python3 tests/bench/redis_memory.py [USERS]

A Redis as in production.  Logs the users in (10,000) and connects them at two gateways, and divides the
growth of used_memory behind the first hundred; then each is sent one message by the next and sends one
himself.  Below it MEMORY USAGE of all keys of a kind, by user.  Then as many messages MORE times, for what
one costs that is kept in two inboxes.  At last each writes once a minute, but time is QUICKER (messages and
client_ids are kept for a tenth of what they usually are, and come ten times as often): least and most of a
user once the oldest copies go."""
import collections
import os
import re
import sys
import time

from redis_world import CALLER, KEEP, PREFIX, ROOT, World, drain

FIRST = 100
MORE = 8
QUICKER, MINUTES, FIRST_MINUTES = 10, 12, 4
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


def quicker(library):
    """The library, but for what it adds to grace for client_ids."""
    text, found = re.subn(r'SENT_EXTRA_MS = (\d+)', lambda m: 'SENT_EXTRA_MS = %d' % (int(m[1]) // QUICKER), library)
    assert found == 1
    return text


def write_each_minute(world, count, before):
    world.keep_ms, world.caller = KEEP // QUICKER, [CALLER[0] // QUICKER, CALLER[1]]
    began, used_then = time.monotonic(), []
    for minute in range(MINUTES):
        early = began + minute * 60 / QUICKER - time.monotonic()
        assert early > -1, 'this machine is too slow for so many users'
        time.sleep(max(early, 0))
        write(world, count, minute)
        used_then.append((used(world) - before) / (count - FIRST))
    steady = used_then[FIRST_MINUTES:]
    print('writing once a minute: %.0f to %.0f B each' % (min(steady), max(steady)))


def write_more(world, count, before):
    tell('idle', world, before, count)
    write(world, count, 0)
    tell('written to', world, before, count)
    before = used(world)
    for number in range(MORE):
        write(world, count, number + 1)
    print('each message more: %.0f B' % ((used(world) - before) / (MORE * count)))


def measure(what, count, library):
    """In a Redis of its own, with all users there; what(world, count, memory behind the first hundred)."""
    world = World(library=library)
    try:
        for gateway in GATEWAYS:
            world.gateway(gateway)
        online(world, 0, FIRST)
        before = used(world)
        online(world, FIRST, count)
        what(world, count, before)
    finally:
        world.stop()


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10000
    with open(os.path.join(ROOT, 'shared', 'parley.lua'), encoding='utf-8') as file:
        library = file.read()
    measure(write_more, count, library)
    measure(write_each_minute, count, quicker(library))


if __name__ == '__main__':
    main()
