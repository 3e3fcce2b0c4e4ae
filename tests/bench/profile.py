"""profile.py - in which functions the instructions of one message or connection are spent

usage: /usr/bin/python3 tests/bench/profile.py message|group|connection [USERS [TIMES]]

As instructions.py does it: a gateway and a Redis under callgrind, with USERS (10) online, TIMES (100)
of that kind after as many that do not count.  Prints for each of the two programs the functions that
need most, in instructions for each time, what they call not included.  What the kernel does is not in
it: `perf record -e cpu-clock -p PID` beside `make bench` shows that."""
import collections
import os
import re
import sys

import instructions

SHOWN = 25
KINDS = {'message': instructions.direct, 'group': instructions.group, 'connection': instructions.reconnect}


def functions(path):
    """{function: its own instructions} of one dump of callgrind; one without a name by its file."""
    counts, name, binary, is_call = collections.Counter(), None, '', False
    with open(path, encoding='utf-8') as file:
        for line in file:
            if line.startswith('ob='):
                binary = os.path.basename(line[3:].strip())
            elif line.startswith('fn='):
                name = re.sub(r'^0x0*', binary + ' +0x', line[3:].strip())
            elif line.startswith('calls='):
                is_call = True  # the next line is what the called one has spent
            elif re.match(r'[+*0-9-]', line):
                counts[name] += 0 if is_call else int(line.split()[-1])
                is_call = False
    return counts


def show(program, counts, times):
    total = sum(counts.values())
    print('%s: %.0f instructions each' % (program, total / times))
    for name, count in counts.most_common(SHOWN):
        print('%10.0f  %4.1f %%  %s' % (count / times, 100 * count / total, name))


def main():
    kind = KINDS.get(sys.argv[1] if len(sys.argv) > 1 else '')
    if not kind:
        sys.exit(__doc__)
    users, times = (int(sys.argv[i]) if len(sys.argv) > i else usual for i, usual in ((2, 10), (3, 100)))
    counter = instructions.Counter(instructions.RELEASE, names=True)
    try:
        people = counter.grow(users)
        kind(people, times)
        counter.since()
        kind(people, times)
        counter.since()
        for program, path in zip(('gateway', 'redis'), counter.paths):
            show(program, functions('%s.%d' % (path, counter.dumps)), times)
    finally:
        counter.stop()


if __name__ == '__main__':
    main()
