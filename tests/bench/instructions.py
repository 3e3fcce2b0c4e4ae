"""instructions.py - what one message, delivery and connection cost, in instructions of the gateway and of Redis

usage: /usr/bin/python3 tests/bench/instructions.py [--write]

Instructions, as callgrind counts them, are the same however busy the machine is.  Each kind of work is
done in two lengths, and the difference is divided, so that nothing else counts.  One after the other: a
batch would depend on who is quicker.

    message      to one user and back to its sender: accepted, and delivered twice
    group        accepted, and delivered to FEW
    delivery     to one more of a group
    connection   opened, let in (in grace, so that nobody else is told), told the list, closed

and messages once more with a Redis that has not loaded shared/parley_module (`in Lua`).

Prints the figures beside those of instructions.txt; --write puts them there.  all_instructions.py
(`make test-all`) fails when one has grown by more than GROWTH.  They belong to one set of compiler and
libraries, which stands in their first line."""
import itertools
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

from gateway_world import GatewayWorld, message
from redis_world import MODULE, ROOT

RELEASE = os.environ.get('PARLEY_RELEASE', os.path.join(ROOT, 'build', 'release'))
FIGURES = os.path.join(ROOT, 'tests', 'bench', 'instructions.txt')
GROWTH = 0.05
FEW, MANY = 10, 60
IDLE_S = 4
TEXT = 'The quick brown fox jumps over the lazy dog, and so on and on'
FILES = 4096  # that the gateway may open: when a connection closes, libwebsockets walks through all of them
PACKAGES = ('gcc', 'libc6', 'libwebsockets17', 'libhiredis0.14', 'libev4', 'redis-server', 'valgrind')


def system():
    """What figures depend on besides our own code."""
    versions = subprocess.run(['dpkg-query', '-W', '-f=${Package} ${Version}, ', *PACKAGES], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout
    return '# %s, %s' % (os.uname().machine, versions.rstrip(', '))


# ------------------------------------------------------------------------------------ kinds of work

numbers = itertools.count(1)  # of messages


def direct(people, n):
    sender, receiver = people[:2]
    for number in itertools.islice(numbers, n):
        sender.send(message('user-1', TEXT, number))
        sender.read_until(b'43%d[' % number, b'message_in')
        receiver.read_until(b'message_in')


def group(people, n):
    for number in itertools.islice(numbers, n):
        people[0].send(message('group', TEXT, number))
        people[0].read_until(b'43%d[' % number, b'message_in')
        for client in people[1:]:
            client.read_until(b'message_in')


def reconnect(people, n):
    for i in range(n):
        people[i % len(people)].leave()
        people[i % len(people)].come()


# ------------------------------------------------------------------------------------ counting


class Counter:
    """A world whose gateway and Redis callgrind runs.  names: each dump names its functions in full; module: what
    Redis loads, or None."""

    def __init__(self, release, names=False, module=MODULE):
        self.folder = tempfile.mkdtemp(prefix='parley-instructions-')
        self.paths = [os.path.join(self.folder, name) for name in ('gateway', 'redis')]
        self.dumps, self.time, self.idle = 0, time.monotonic(), [0, 0]
        self.prefix = '--vgdb-prefix=' + os.path.join(self.folder, 'vgdb')
        self.world = GatewayWorld(*(
            ('prlimit', '--nofile=%d' % FILES, 'valgrind', '-q', self.prefix, '--tool=callgrind',
             '--callgrind-out-file=' + path, *(('--compress-strings=no',) if names else ()))
            for path in self.paths), bin=release, module=module)
        self.since()
        time.sleep(IDLE_S)
        self.idle = [count / IDLE_S for count in self.since()]

    def grow(self, users):
        """So many are there, and know it."""
        have = len(self.world.clients)
        for i in range(have, users):
            self.world.connect('user-%d' % i)
        for client in self.world.clients[:-1]:
            client.read_until(b'"user-%d"' % (users - 1))
        return self.world.clients

    def since(self):
        """What each of them has done since the last time, but for what it does when idle."""
        self.dumps += 1
        counts, passed = [], time.monotonic() - self.time
        self.time += passed
        for process, path, idle in zip((self.world.process, self.world.redis.process), self.paths, self.idle):
            subprocess.run(['callgrind_control', self.prefix, '--dump', str(process.pid)], check=True, timeout=300,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            with open('%s.%d' % (path, self.dumps), encoding='utf-8') as file:
                counts.append(int(re.search(r'^(?:summary|totals): (\d+)', file.read(), re.M).group(1)) - idle * passed)
        return counts

    def each(self, work, people, short, long):
        """Instructions of (gateway, redis) for one of them."""
        work(people, long)  # until windows are full, and hashes have their final form
        self.since()
        work(people, short)
        a = self.since()
        work(people, long)
        b = self.since()
        return [(more - less) / (long - short) for less, more in zip(a, b)]

    def stop(self):
        self.world.stop()
        shutil.rmtree(self.folder)


MESSAGES = {'message': direct, 'group': group}


def measure_all(counter):
    people = counter.grow(FEW)
    costs = {kind: counter.each(work, people, 100, 300) for kind, work in MESSAGES.items()}
    costs['connection'] = counter.each(reconnect, people, 20, 120)
    many, _ = counter.each(group, counter.grow(MANY), 20, 100)
    figures = {program + ' ' + kind: cost[i] for i, program in enumerate(('gateway', 'redis'))
               for kind, cost in costs.items()}
    return {**figures, 'gateway delivery': (many - costs['group'][0]) / (MANY - FEW)}


def measure_lua(counter):
    people = counter.grow(FEW)
    return {'redis %s in Lua' % kind: counter.each(work, people, 100, 300)[1] for kind, work in MESSAGES.items()}


def measure(release):
    """{'gateway message': instructions, ...}"""
    figures = {}
    for what, module in ((measure_all, MODULE), (measure_lua, None)):
        counter = Counter(release, module=module)
        try:
            figures.update(what(counter))
        finally:
            counter.stop()
    return figures


# ------------------------------------------------------------------------------------ figures


def kept():
    """(the system that they belong to, {name: instructions})"""
    with open(FIGURES, encoding='utf-8') as file:
        first, *lines = file.read().splitlines()
    return first, {name: int(count) for name, count in (line.rsplit(' ', 1) for line in lines)}


def write(figures):
    with open(FIGURES, 'w', encoding='utf-8') as file:
        file.write(system() + '\n' + ''.join('%s %.0f\n' % item for item in sorted(figures.items())))


def grown(figures, before):
    """What costs too much more than before, as texts."""
    return ['%s: %.0f instructions, %.1f %% more than %d' % (name, count, 100 * (count / before[name] - 1), before[name])
            for name, count in sorted(figures.items()) if count > before[name] * (1 + GROWTH)]


def main():
    figures = measure(RELEASE)
    before = kept()[1] if os.path.exists(FIGURES) else {}
    for name, count in sorted(figures.items()):
        print('%-20s %8.0f  (%s)' % (name, count, before.get(name, 'new')))
    if sys.argv[1:] == ['--write']:
        write(figures)


if __name__ == '__main__':
    main()
