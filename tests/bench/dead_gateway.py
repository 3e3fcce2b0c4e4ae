#!/usr/bin/python3
"""dead_gateway.py - what the users of one dead gateway cost Redis: how long a sweep holds up the others

usage: tests/bench/dead_gateway.py [USERS] [GRACE_S]

Starts the whole stack (PARLEY_BIN, default build/release) with two gateways that listen.  A third one,
played here, has USERS (100,000) and falls silent; presence-svc detaches all of them and, GRACE_S (20)
later, ends them.  Prints for each of the two how long the calls took by Redis' own clock, beside

  work       a script of fixed work, about as long as a sweep: its tail is the machine's alone
  trivial    FCALL_RO parley_version: likewise, but it is hit more rarely, being short

and how long somebody else waits for an answer meanwhile (`wait`, of those two), the CPU time, and each
call and each stop of Redis between calls that took over 3 ms."""
import re
import sys
import threading
import time

from stack import PREFIX, Gateway, Stack, share

LIMIT_MS, LIMIT_P99_MS = 10, 2
SLOW_MS = 3  # is told one by one
PROBE_EVERY_S = 0.005
WORK = 'local n = 0; for i = 1, tonumber(ARGV[1]) do n = n + #tostring(i) end; return n'
WORK_ROUNDS = 2500
PERCENTILES = '50 99 99.9 100'
SERVICES = ('redis', 'presence-1', 'gateway-1')


class Probe(threading.Thread):
    """Asks for something small again and again, and notes how long the answer took."""

    def __init__(self, stack):
        super().__init__(daemon=True)
        self.client, self.stopped, self.took = stack.client(), False, []

    def run(self):
        work = True
        while not self.stopped:
            start = time.perf_counter()
            if work:
                self.client.call('EVAL_RO', WORK, 0, WORK_ROUNDS)
            else:
                self.client.call('FCALL_RO', 'parley_version', 0)
                self.took.append((time.perf_counter() - start) * 1000)
            work = not work
            time.sleep(PROBE_EVERY_S)


def latencies(admin):
    """command -> [p50, p99, p99.9, max] in ms since the last reset."""
    text = admin.call('INFO', 'latencystats')
    found = re.findall(r'latency_percentiles_usec_(\w+):(\S+)', text)
    return {name: [float(p.split('=')[1]) / 1000 for p in values.split(',')] for name, values in found}


def tell(label, ms, count=''):
    print('  %-9s p50 %6.3f  p99 %6.3f  p99.9 %6.3f  max %6.3f ms  %s' % (label, *ms, count))


def phase(stack, what, done):
    """Waits for the end of it, and prints what it cost."""
    admin = stack.admin
    admin.call('CONFIG', 'RESETSTAT')
    admin.call('LATENCY', 'RESET')
    admin.call('SLOWLOG', 'RESET')
    before, start = {name: stack.cpu_s(name) for name in SERVICES}, time.monotonic()
    probe = Probe(stack)
    probe.start()
    while not done():
        time.sleep(0.02)
    took = time.monotonic() - start
    probe.stopped = True
    probe.join()
    seen = latencies(admin)
    calls = int(re.search(r'cmdstat_fcall:calls=(\d+)', admin.call('INFO', 'commandstats')).group(1))
    cpu = ', '.join('%s %.2f' % (name, stack.cpu_s(name) - before[name]) for name in SERVICES)
    print('%s in %.1f s; CPU seconds: %s' % (what, took, cpu))
    tell('calls', seen['fcall'], '%d of them' % calls)
    tell('work', seen['eval_ro'])
    tell('trivial', seen['fcall_ro'])
    waits = sorted(probe.took)
    tell('wait', [share(waits, part) for part in (0.5, 0.99, 0.999, 1)], '%d times' % len(waits))
    for entry in reversed(admin.call('SLOWLOG', 'GET', 10)):
        print('  slow: %.3f ms, %s' % (entry[2] / 1000, ' '.join(entry[3][:2])))
    for name, _, _, most in admin.call('LATENCY', 'LATEST'):
        print('  Redis: %s took up to %d ms' % (name, most))
    return seen['fcall']


def main():
    users, grace = [int(text) for text in (sys.argv[1:] + ['100000', '20'][len(sys.argv) - 1:])]
    with Stack(GRACE_S=grace, LEASE_MS=4000, LOG_LEVEL='warn') as stack:
        admin = stack.admin
        admin.call('CONFIG', 'SET', 'latency-tracking-info-percentiles', PERCENTILES)
        admin.call('CONFIG', 'SET', 'latency-monitor-threshold', '%d' % SLOW_MS)
        admin.call('CONFIG', 'SET', 'slowlog-log-slower-than', '%d' % (1000 * SLOW_MS))
        gateway = Gateway(stack, 'dying')
        gateway.seat('user-%d' % i for i in range(users))
        stack.prefer('redis', 'presence-1')
        while admin.call('ZSCORE', PREFIX + 'gateways', gateway.id):
            time.sleep(0.005)
        detached = phase(stack, '%d users detached' % users, lambda: not admin.call('EXISTS', PREFIX + 'lapsed'))
        while admin.call('SCARD', PREFIX + 'online') == users:
            time.sleep(0.005)
        ended = phase(stack, '%d users ended' % users, lambda: not admin.call('EXISTS', PREFIX + 'online'))
    good = max(detached[3], ended[3]) <= LIMIT_MS and max(detached[1], ended[1]) < LIMIT_P99_MS
    print('no call over %d ms and p99 under %d ms: %s' % (LIMIT_MS, LIMIT_P99_MS, 'yes' if good else 'no'))
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main())
