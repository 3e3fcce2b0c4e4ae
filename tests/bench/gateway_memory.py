"""gateway_memory.py - resident memory of a gateway for each idle, authenticated user

usage: /usr/bin/python3 tests/bench/gateway_memory.py [USERS...]

Starts one gateway (PARLEY_BIN, default build/release) anew for each number (5,000 and 19,000), connects
the users over loopback from several addresses, throws away what they are told, waits until nothing
grows any more, and divides the growth of VmRSS behind the first hundred.  Beside it what the kernel's
Slab has grown by, for each of twice as many endpoints, for the clients are here too; other programs
change it as well.  And of another gateway, with FEW users, for each of as many who are elsewhere, of whom
it has but the names in the list.  The limit of open files must be above the number."""
import os
import sys
import time

from gateway_world import GatewayWorld
from redis_world import drain

FIRST, AT_ONCE, FEW = 100, 100, 10


def forget_what_came(world):
    for client in world.clients:
        drain(client)
        client.sock.settimeout(120)


def settled(world):
    last = -1
    while last != world.rss():
        last = world.rss()
        forget_what_came(world)
        time.sleep(0.5)
    return last


def slab():
    with open('/proc/meminfo', encoding='ascii') as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith('Slab:'))


def elsewhere(count):
    world = GatewayWorld(bin=os.environ.get('PARLEY_BIN'))
    try:
        world.connect(*('user-%d' % i for i in range(FEW)))
        world.redis.gateway('elsewhere')
        before = settled(world)
        for i in range(count):
            world.redis.online('other-%d' % i, 'elsewhere')
        return (settled(world) - before) / count
    finally:
        world.stop()


def measure(count):
    world = GatewayWorld(bin=os.environ.get('PARLEY_BIN'))
    try:
        empty = world.rss()
        world.connect(*('user-%d' % i for i in range(FIRST)))
        before, kernel = settled(world), slab()
        for i in range(FIRST, count, AT_ONCE):
            world.connect(*('user-%d' % k for k in range(i, min(i + AT_ONCE, count))))
            forget_what_came(world)
        each = (settled(world) - before) / (count - FIRST)
        endpoint = (slab() - kernel) / (count - FIRST) / 2
    finally:
        world.stop()
    print('%d users: base %.1f MB, %.0f B each, %.0f B for each elsewhere; of the kernel %.0f B for each endpoint'
          % (count, empty / 1048576, each, elsewhere(count), endpoint), flush=True)


def main():
    for users in [int(text) for text in sys.argv[1:]] or [5000, 19000]:
        measure(users)


if __name__ == '__main__':
    main()
