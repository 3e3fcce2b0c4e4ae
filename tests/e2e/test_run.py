"""test_run.py - deploy/run: the settings that it takes, what it tells people, and how it ends: in good
order, though a signal may come twice"""
import contextlib
import importlib.machinery
import importlib.util
import itertools
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import unittest.mock
import urllib.error
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RUN = os.path.join(ROOT, 'deploy/run')
BIN = os.path.join(ROOT, os.environ.get('PARLEY_BIN', 'build/asan'))
MODULE = os.path.join(ROOT, os.environ.get('PARLEY_RELEASE', 'build/release'), 'parley.so')
WAIT_S = 60
NUMBERS = ('DOOR_PORT', 'DOOR_TLS_PORT', 'REDIS_PORT', 'REDIS_MODULE', 'GATEWAYS', 'AUTH_SVCS', 'PRESENCE_SVCS',
           'MAX_CONNECTIONS_PER_ADDRESS', 'DOOR_REQUEST_MS', 'DOOR_CHECK_MS', 'DOOR_HTTP_MS',
           'DOOR_TUNNEL_MS', 'DOOR_THREADS', 'DOOR_FDS')

# Its end alone, with one program in place of all.
ENDING = """
import importlib.machinery, importlib.util, signal, sys, time
loader = importlib.machinery.SourceFileLoader('run', 'deploy/run')
run = importlib.util.module_from_spec(importlib.util.spec_from_loader('run', loader))
sys.dont_write_bytecode = True
loader.exec_module(run)
signals = run.STOP_SIGNALS | {signal.SIGCHLD}
for s in signals:
    signal.signal(s, lambda *_: None)
signal.pthread_sigmask(signal.SIG_BLOCK, signals)
stack = run.Stack.__new__(run.Stack)
stack.made, stack.socket_dir = [], None
child = run.Child('haproxy', ['sh', '-c', sys.argv[1]], None, sys.argv[2])
stack.children = [child]
child.start()
while child.last_words() != 'runs':
    time.sleep(0.01)
print('stopping', flush=True)
stack.stop()
print(child.how_it_ended(), flush=True)
"""
SLOW = "trap 'sleep 0.5; exit 0' TERM; echo runs; while :; do sleep 0.01; done"
DEAF = "trap '' TERM; echo runs; while :; do sleep 0.01; done"


def only(settings):
    """An environment with these settings and no others."""
    return dict({name: os.environ[name] for name in ('PATH', 'HOME') if name in os.environ}, **settings)


def ended(*argv, **settings):
    """Its exit status and all that it said, when it has ended by itself."""
    done = subprocess.run(argv, env=only(settings), cwd=ROOT, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=WAIT_S)
    return done.returncode, done.stdout


class Settings(unittest.TestCase):
    """All are looked at before the programs, of which there are none here."""

    def said(self, **settings):
        code, said = ended(RUN, '--bin', '/nowhere', '--dir', '/nowhere', **settings)
        self.assertEqual(code, 1, said)
        return said

    def assert_taken(self, **settings):
        self.assertIn('/nowhere/parley-auth is missing', self.said(**settings))

    def test_ports_that_are_the_same(self):
        for ports, complaint in (
                ({'DOOR_PORT': '6001', 'DOOR_TLS_PORT': '6001'}, 'DOOR_PORT and DOOR_TLS_PORT are the same (6001)'),
                ({'DOOR_PORT': '5443'}, 'DOOR_PORT and DOOR_TLS_PORT are the same (5443)'),
                ({'REDIS_PORT': '5000'}, 'DOOR_PORT and REDIS_PORT are the same (5000)'),
                ({'REDIS_PORT': '5443'}, 'DOOR_TLS_PORT and REDIS_PORT are the same (5443)')):
            with self.subTest(ports):
                self.assertIn(complaint, self.said(**ports))
        self.assert_taken(DOOR_PORT='6001', DOOR_TLS_PORT='6002', REDIS_PORT='6003')
        self.assert_taken(DOOR_PORT='0', DOOR_TLS_PORT='6001', REDIS_PORT='6001')  # free ones for the door

    def test_a_free_port_is_none_that_a_setting_names(self):
        loader = importlib.machinery.SourceFileLoader('run', RUN)
        run = importlib.util.module_from_spec(importlib.util.spec_from_loader('run', loader))
        with unittest.mock.patch('sys.dont_write_bytecode', True):
            loader.exec_module(run)
        with unittest.mock.patch('random.randint', side_effect=itertools.count(15000)):
            self.assertGreater(run.Ports({15000, 15001}).take(), 15001)

    def test_numbers(self):
        bad_ones = [(name, 'abc') for name in (*NUMBERS, 'PING_INTERVAL_MS', 'PING_TIMEOUT_MS')]
        bad_ones += [('REDIS_MODULE', bad) for bad in ('2', 'true', 'parley.so')]
        bad_ones += [('DOOR_CHECK_MS', bad) for bad in ('-1', '0', '1.5', ' 100', '100x', '9999999999')]
        for name, bad in bad_ones:
            with self.subTest(name, bad=bad):
                self.assertIn(f'{name}={bad!r}: must be a number from ', self.said(**{name: bad}))

    def test_an_empty_one_counts_as_unset(self):
        for name in (*NUMBERS, 'PING_INTERVAL_MS', 'PING_TIMEOUT_MS', 'BIND', 'REDIS_SENTINELS'):
            with self.subTest(name):
                self.assert_taken(**{name: ''})

    def test_the_door_waits_longer_than_clients_are_silent(self):
        pings = {'PING_INTERVAL_MS': '3000', 'PING_TIMEOUT_MS': '2000'}
        for name, silent_ms in (('DOOR_HTTP_MS', 3000), ('DOOR_TUNNEL_MS', 5000)):
            with self.subTest(name):
                self.assertRegex(self.said(**pings, **{name: f'{silent_ms}'}),
                                 rf'{name}={silent_ms} cuts .* more than PING_INTERVAL_MS.* \({silent_ms}\)\n')
                self.assert_taken(**pings, **{name: f'{silent_ms + 1}'})
        self.assert_taken(PING_INTERVAL_MS='3600000', PING_TIMEOUT_MS='3600000')

    def test_help_lists_them(self):
        code, said = ended(RUN, '--help')
        self.assertEqual(code, 0)
        for name in (*NUMBERS, 'BIND', 'REDIS_SENTINELS', 'KEY_PREFIX', 'DOOR_NAMES'):
            self.assertRegex(said, rf'(?m)(^|  ){name} ')


class Telling(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix='parley-run-')
        self.addCleanup(subprocess.run, ['rm', '-r', self.dir], check=True)

    def argv(self, name, module=MODULE):
        return [RUN, '--bin', BIN, '--dir', os.path.join(self.dir, name), *(['--module', module] if module else [])]

    def put_certificate(self, name, with_key):
        made = subprocess.run(['openssl', 'req', '-x509', '-nodes', '-days', '30', '-subj', '/CN=localhost', '-newkey',
                               'rsa:2048', '-keyout', '-' if with_key else '/dev/null', '-out', '-'],
                              check=True, capture_output=True, text=True)
        os.makedirs(os.path.join(self.dir, name, 'secrets/door'))
        with open(os.path.join(self.dir, name, 'secrets/door/door.pem'), 'w', encoding='ascii') as f:
            f.write(made.stdout)

    @contextlib.contextmanager
    def running(self, name, argv=None, **settings):
        """One in a folder of that name; what it said until it was open."""
        # setpriv: should we be killed, it goes with us.
        with subprocess.Popen(['setpriv', '--pdeathsig', 'TERM', *(argv or self.argv(name))], cwd=self.dir, text=True,
                              env=only(dict(settings, DOOR_PORT='0', GATEWAYS='1')),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            try:
                said = ''
                while 'Ctrl-C stops everything.' not in said:
                    line = process.stdout.readline()
                    self.assertTrue(line, f'it ended: {said}')
                    said += line
                yield said
            finally:
                process.terminate()

    def typed(self, said, label):
        """What comes of typing the line with this label as it stands."""
        command = re.search(rf'(?m)^  {label} +(.*?)(    |$)', said).group(1)
        return subprocess.run(['sh', '-c', command], cwd=self.dir, env=only({}), check=True, capture_output=True,
                              text=True, timeout=WAIT_S).stdout

    def assert_open(self, url):
        with self.assertRaises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(url + '/session', timeout=WAIT_S)
        with refused.exception:
            self.assertEqual(refused.exception.code, 401)

    def test_what_is_open_and_another_beside_it(self):
        with self.running('one', PENDING_S='50') as said:
            self.assertRegex(said, r'https://localhost:\d+ \(certificate made here\)\n')
            self.assert_open(re.search(r'http://localhost:\d+', said).group())
            self.assertIn('"username":"carol"', self.typed(said, 'log in'))
            self.assertRegex(said, r'/login/carol +\(holds the name for 50 s\)\n')
            self.assertEqual(self.typed(said, 'look in').strip(), '')  # nobody has come yet, and no error
            self.assertIn('parley_', self.typed(said, 'metrics'))
            self.assertIn('(health_port of all: one/run.json)\n', said)

            code, refused = ended(*self.argv('one'))  # with the ports that DOOR_PORT has by default
            self.assertEqual(code, 1)
            found = re.fullmatch(r'parley: \S*one is in use by another run; beside it:\n'
                                 r'  DOOR_PORT=8080 DOOR_TLS_PORT=8443 (\S*deploy/run) --dir (\S+)\n', refused)
            self.assertTrue(found, refused)
            self.assertEqual([os.path.realpath(os.path.join(ROOT, path)) for path in found.groups()],
                             [RUN, os.path.realpath(os.path.join(self.dir, 'one-2'))])

    def test_a_certificate_and_an_address_of_ones_own(self):
        try:
            with socket.socket(socket.AF_INET6) as probe:
                probe.bind(('::1', 0))
        except OSError:
            self.skipTest('this machine has no ::1')
        self.put_certificate('one', with_key=True)
        with self.running('one', BIND='::1', DOOR_NAMES='chat.example.org') as said:
            self.assertRegex(said, r'https://\[::1\]:\d+ \(your certificate\)\n')
            self.assertRegex(said, r'DOOR_NAMES does not count: \S+/one/secrets/door/door\.pem is your own\n')
            self.assert_open(re.search(r'http://\[::1\]:\d+', said).group())
            self.assertIn('"username":"carol"', self.typed(said, 'log in'))

    def test_why_haproxy_does_not_start(self):
        self.put_certificate('one', with_key=False)
        code, said = ended(*self.argv('one'), DOOR_PORT='0', GATEWAYS='1')
        self.assertEqual(code, 1)
        self.assertRegex(said, r'parley: haproxy ended with exit 1: \[ALERT\]')
        self.assertRegex(said, r'\[ALERT\] .*/one/secrets/door/door\.pem')

    def what_redis_has(self, name):
        """The modules that it has loaded, and whether gateways may call theirs."""
        socket_path = os.path.join(self.dir, name, 'redis.sock')
        with open(os.path.join(self.dir, name, 'secrets/redis/admin'), encoding='ascii') as f:
            env = dict(only({}), REDISCLI_AUTH=f.readline().strip())
        modules, rules = (subprocess.run(['redis-cli', '-s', socket_path, '--user', 'admin', *command], env=env, check=True,
                                         capture_output=True, text=True, timeout=WAIT_S).stdout
                          for command in (('MODULE', 'LIST'), ('ACL', 'GETUSER', 'gateway-svc')))
        return re.findall(r'(?m)^parley$', modules), '+parley.send' in rules

    def test_redis_loads_the_module_and_does_without(self):
        bare = os.path.join(self.dir, 'bin')  # with nothing but the services
        os.mkdir(bare)
        for name in ('parley-auth', 'parley-gateway', 'parley-presence'):
            os.symlink(os.path.join(BIN, name), os.path.join(bare, name))
        argv = [RUN, '--bin', bare, '--dir', os.path.join(self.dir, 'one')]
        for label, settings, beside, has in (('it is missing', {}, False, False), ('0', {'REDIS_MODULE': '0'}, True, False),
                                             ('by default', {}, True, True), ('1', {'REDIS_MODULE': '1'}, True, True),
                                             ('0 again', {'REDIS_MODULE': '0'}, True, False)):
            if beside and not os.path.exists(os.path.join(bare, 'parley.so')):
                os.symlink(MODULE, os.path.join(bare, 'parley.so'))
            with self.subTest(label), self.running('one', argv, **settings):
                self.assertEqual(self.what_redis_has('one'), (['parley'] if has else [], has))

    def test_installed_it_finds_all_that_it_needs(self):
        code, said = ended('make', '-s', 'install', 'MODE=release', 'O=' + os.path.dirname(MODULE), 'DESTDIR=' + self.dir,
                           'PREFIX=/opt')
        self.assertEqual(code, 0, said)
        module = os.path.join(self.dir, 'opt/lib/parley/parley.so')
        self.assertEqual(os.stat(module).st_mode & 0o777, 0o755)
        with self.running('one', [os.path.join(self.dir, 'opt/bin/parley-run'), '--dir', os.path.join(self.dir, 'one')]) as said:
            self.assertIn('"username":"carol"', self.typed(said, 'log in'))
            self.assertEqual(self.what_redis_has('one'), (['parley'], True))

    def test_a_module_that_redis_does_not_take(self):
        junk = os.path.join(self.dir, 'junk.so')
        with open(junk, 'w', encoding='ascii') as f:
            f.write('junk')
        code, said = ended(*self.argv('one', junk), DOOR_PORT='0')
        self.assertEqual(code, 1)
        self.assertRegex(said, r'\Aparley: redis does not take \S+junk\.so \(REDIS_MODULE=0 does without\): failed to load: .+\n\Z')
        code, said = ended(*self.argv('one', '/nowhere/parley.so'), DOOR_PORT='0')
        self.assertEqual((code, said), (1, 'parley: /nowhere/parley.so is missing '
                                        '(make services builds one, REDIS_MODULE=0 does without)\n'))
        with self.running('one', self.argv('one', junk), REDIS_MODULE='0'):
            self.assertEqual(self.what_redis_has('one'), ([], False))

    def test_make_help(self):
        code, said = ended('make', '--no-print-directory', 'help')
        self.assertEqual(code, 0, said)
        with open(os.path.join(ROOT, 'Makefile'), encoding='utf-8') as f:
            makefile = f.read()
        head = list(itertools.takewhile(lambda line: line.startswith('#'), makefile.splitlines()))
        self.assertEqual(['# ' + line if line else '#' for line in said.splitlines()], head)
        for target in re.findall(r'(?m)^make ([a-z-]+)', said):
            self.assertRegex(makefile, rf'(?m)^([a-z-]+ )*{target}( [a-z-]+)*:')


class Ending(unittest.TestCase):
    def end(self, program, again_s):
        """Signals again after that time; returns what it said, and how long it took."""
        with tempfile.NamedTemporaryFile() as log, subprocess.Popen(
                [sys.executable, '-c', ENDING, program, log.name], cwd=ROOT,
                stdout=subprocess.PIPE, text=True) as process:
            self.assertEqual(process.stdout.readline(), 'stopping\n')
            start = time.monotonic()
            time.sleep(again_s)
            process.send_signal(signal.SIGTERM)
            said = process.stdout.read()
        self.assertEqual(process.returncode, 0)
        return said, time.monotonic() - start

    def test_the_same_signal_once_more(self):
        said, _ = self.end(SLOW, 0.1)
        self.assertEqual(said, 'ended with exit 0\n')

    def test_a_second_signal(self):
        said, took_s = self.end(DEAF, 1.5)
        self.assertIn('haproxy did not end: killed\n', said)
        self.assertLess(took_s, 4)  # less than it would have had


if __name__ == '__main__':
    unittest.main()
