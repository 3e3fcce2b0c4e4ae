#!/usr/bin/python3
"""sweep_lag.py - how long after their deadlines users are seen leaving

usage: tests/bench/sweep_lag.py [USERS] [PER_S] [OTHERS]

Starts the whole stack (PARLEY_BIN, default build/release) with two gateways that listen.  USERS (100,000)
of a third one, played here, go into grace periods that end one after the other, PER_S (1,000) a second,
in a Redis with OTHERS (300,000) more keys that have a time to live.  The lag of a user is the moment at
which a subscriber hears of the leave, less the deadline.  Prints it, what presence-svc says of it
(parley_sweep_lag_seconds), and how the sweeps came about: by time, because a batch was full, or because
Redis announced that a countdown expired."""
import re
import sys
import time
import urllib.request

from stack import PREFIX, Gateway, Stack, hash_of, share

LIMIT_P99_MS = 250
AT_ONCE = 500
GRACE_S = 600
HEAD_START_MS = 5000
BUCKETS_MS = (10, 25, 50, 75, 100, 150, 250, 500, 1000)


def others(stack, count):
    """Keys that expire in an hour to four, as tombstones, inboxes and copies do."""
    for start in range(0, count, AT_ONCE):
        stack.pipeline(('SET', '%sother:%d' % (PREFIX, i), 'x', 'EX', 3600 + i % 10800)
                       for i in range(start, min(start + AT_ONCE, count)))


def part_with(gateway, names, first, per_s):
    """Detaches them, each with a grace period of its own; the first ends at `first`."""
    for start in range(0, len(names), AT_ONCE):
        now = now_ms(gateway.stack)
        gateway.stack.pipeline(
            gateway.call_args('detach', hash_of(names[i]), grace=max(1, int(first + 1000 * i / per_s - now)))
            for i in range(start, min(start + AT_ONCE, len(names))))
        gateway.renew()
    if now_ms(gateway.stack) > first:
        raise SystemExit('too slow: the first deadline came before the last user was in grace')


def now_ms(stack):
    seconds, micros = stack.admin.call('TIME')
    return int(seconds) * 1000 + int(micros) / 1000


def deadlines(stack):
    """name -> Redis' clock."""
    flat = stack.admin.call('ZRANGE', PREFIX + 'deadlines', 0, -1, 'WITHSCORES')
    skew = int(stack.admin.call('HGET', PREFIX + 'presence', 'skew') or 0)
    return {name: int(score) + skew for name, score in zip(flat[::2], flat[1::2])}


def hear(ear, due, renew):
    """The lag in ms of each who is heard leaving, until all are."""
    lags, renew_at = [], 0
    while len(lags) < len(due):
        line = ear.receive()
        heard = time.time() * 1000  # the clock that Redis has, too
        lags += [heard - due[change[1:]] for change in line[2].split(' ')[2:] if change[0] == '-']
        if heard >= renew_at:
            renew()
            renew_at = heard + 1000
    return sorted(lags)


def metrics(stack):
    url = 'http://127.0.0.1:%d/metrics' % stack.process('presence-1')['health_port']
    with urllib.request.urlopen(url) as answer:
        return {name: float(value) for name, value in re.findall(r'^(\S+) (\S+)$', answer.read().decode(), re.M)}


def growth(before, after):
    return {name: value - before.get(name, 0) for name, value in after.items()}


def tell(lags, grown):
    print('lag  p50 %.1f  p99 %.1f  p99.9 %.1f  max %.1f ms, of %d users' % (
        *(share(lags, part) for part in (0.5, 0.99, 0.999, 1)), len(lags)))
    print('     ' + '  '.join('<%d: %.1f %%' % (most, 100 * sum(lag < most for lag in lags) / len(lags))
                              for most in BUCKETS_MS))
    count = grown['parley_sweep_lag_seconds_count']
    print('parley_sweep_lag_seconds: %d sweeps, mean %.1f ms, over 100 ms: %d' % (
        count, 1000 * grown['parley_sweep_lag_seconds_sum'] / count,
        count - grown['parley_sweep_lag_seconds_bucket{le="0.1"}']))
    sweeps = grown['parley_sweep_interval_seconds_count']
    print('%d sweeps, every %.1f ms; %d after a full one; %d countdowns announced' % (
        sweeps, 1000 * grown['parley_sweep_interval_seconds_sum'] / sweeps,
        grown['parley_sweeps_total{result="more"}'], grown['parley_sweep_expiry_events_total']))


def main():
    users, per_s, more = [int(text) for text in sys.argv[1:] + ['100000', '1000', '300000'][len(sys.argv) - 1:]]
    with Stack(GRACE_S=GRACE_S, LEASE_MS=30000, LOG_LEVEL='warn') as stack:
        others(stack, more)
        gateway = Gateway(stack, 'parting')
        names = ['user-%d' % i for i in range(users)]
        start = now_ms(stack)
        gateway.seat(names)
        took = now_ms(stack) - start  # two calls for each; now it is one
        part_with(gateway, names, start + 2 * took + HEAD_START_MS, per_s)
        due = deadlines(stack)
        ear = stack.client()
        ear.call('SUBSCRIBE', PREFIX + 'presence')
        stack.prefer('redis', 'presence-1')
        before = metrics(stack)
        lags = hear(ear, due, gateway.renew)
        tell(lags, growth(before, metrics(stack)))
    good = share(lags, 0.99) < LIMIT_P99_MS
    print('p99 under %d ms: %s' % (LIMIT_P99_MS, 'yes' if good else 'no'))
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main())
