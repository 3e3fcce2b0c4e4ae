"""test_setup.py - deploy/setup: what it makes, keeps, completes and refuses; and the redis-cli that
reads what it made"""
import os
import re
import shutil
import stat
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SETUP = os.path.join(ROOT, 'deploy', 'setup')
REDIS_CLI = os.path.join(ROOT, 'deploy', 'redis', 'redis-cli')
SECRETS = ('auth-svc/redis-password', 'gateway-svc/redis-password', 'presence-svc/redis-password',
           'redis/operator', 'redis/admin')
FILES = (*SECRETS, 'redis/users.acl', 'door/door.pem')
OWNERS = {'redis': 999, 'auth-svc': 10001, 'gateway-svc': 10002, 'presence-svc': 10003, 'door': 99}
# Root without root's powers, as anybody else; and with no capability but CHOWN, as in the container.
ORDINARY = ('setpriv', '--bounding-set=-all', '--inh-caps=-all') if os.geteuid() == 0 else ()
MODULE = b'\x7fELF\x00 not really'  # a parley.so, for setup looks into none
ONLY_CHOWN = ('setpriv', '--bounding-set=-all,+chown', '--inh-caps=-all,+chown', '--no-new-privs')


def openssl(*args):
    return subprocess.run(('openssl', *args), capture_output=True, text=True, check=True).stdout


class Setup(unittest.TestCase):
    def setUp(self):
        self.top = tempfile.mkdtemp(prefix='parley-setup-')
        self.addCleanup(shutil.rmtree, self.top)
        self.dir = os.path.join(self.top, 'secrets')
        self.cert = self.path('door/door.pem')

    def path(self, name):
        return os.path.join(self.dir, name)

    def read(self, name):
        with open(self.path(name), encoding='utf-8', newline='') as file:
            return file.read()

    def put(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        if os.path.exists(self.path(name)):
            os.remove(self.path(name))
        with open(self.path(name), 'w', encoding='utf-8', newline='') as file:
            file.write(text)

    def start(self, prefix=ORDINARY, **settings):
        env = {'PATH': os.environ['PATH'], **settings}
        return subprocess.Popen([*prefix, SETUP, self.dir], env=env, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run_setup(self, *args, **settings):
        """Must succeed, and say nothing but warnings; returns them."""
        proc = self.start(*args, **settings)
        out, err = proc.communicate(timeout=60)
        self.assertEqual((proc.returncode, out), (0, ''), err)
        return err

    def refused(self, **settings):
        proc = self.start(**settings)
        out, err = proc.communicate(timeout=60)
        self.assertEqual((proc.returncode, out), (1, ''), err)
        self.assertEqual(err.count('\n'), 1, err)
        return err

    def all(self):
        return {name: self.read(name) for name in FILES}

    # ---- passwords

    def test_passwords_are_long_random_and_for_their_reader_alone(self):
        self.assertEqual(self.run_setup(), '')
        self.assertEqual(sorted(os.path.relpath(os.path.join(folder, name), self.dir)
                                for folder, _, names in os.walk(self.dir) for name in names),
                         sorted((*FILES, '.lock')))
        for name in FILES:
            self.assertEqual(stat.S_IMODE(os.stat(self.path(name)).st_mode), 0o400, name)
            self.assertEqual(stat.S_IMODE(os.stat(os.path.dirname(self.path(name))).st_mode), 0o700, name)
        words = [self.read(name) for name in SECRETS]
        self.assertEqual(len(set(words)), len(SECRETS))
        for word in words:
            self.assertRegex(word, r'\A[0-9a-f]{64}\n\Z')

    def test_it_takes_one_folder_and_no_options(self):
        for args in ((), ('',), ('--help',), ('-x',), (self.dir, 'more')):
            with self.subTest(args):
                run = subprocess.run([SETUP, *args], cwd=self.top, capture_output=True, text=True)
                self.assertEqual((run.returncode, run.stderr), (1, 'setup: usage: setup DIR\n'))
        self.assertEqual(os.listdir(self.top), [])

    def test_a_second_run_keeps_everything(self):
        self.run_setup()
        before = self.all()
        self.assertEqual(self.run_setup(), '')
        self.assertEqual(self.all(), before)

    def test_what_is_missing_empty_or_half_done_is_completed(self):
        self.run_setup()
        for name in FILES:
            with self.subTest(name):
                before = self.all()
                os.remove(self.path(name))
                self.put(name + '.new', 'half')  # of a run that was killed
                os.chmod(self.path(name + '.new'), 0o400)
                self.run_setup()
                self.assertFalse(os.path.exists(self.path(name + '.new')))
                after = self.all()
                self.assertEqual({n for n in FILES if n not in (name, 'redis/users.acl') and after[n] != before[n]}, set())
                self.assertNotEqual(after[name], 'half')
        for empty in ('', '\n'):
            self.put('redis/admin', empty)
            self.run_setup()
            self.assertRegex(self.read('redis/admin'), r'\A[0-9a-f]{64}\n\Z')

    def test_a_run_that_is_killed_is_completed_by_the_next(self):
        for step in range(10):
            with self.subTest(step):
                proc = self.start()
                try:
                    proc.wait(timeout=0.01 * step)
                except subprocess.TimeoutExpired:
                    proc.kill()
                proc.communicate()
                kept = {name: self.read(name) for name in SECRETS if os.path.exists(self.path(name))}
                self.run_setup()
                self.assertEqual({name: self.read(name) for name in kept}, kept)
                self.check_hashes()
                shutil.rmtree(self.dir)

    def check_hashes(self):
        """Each user's hash in users.acl is that of the password in its file."""
        text = self.read('redis/users.acl')
        for user, name in zip(('auth-svc', 'gateway-svc', 'presence-svc', 'default', 'admin'), SECRETS):
            done = subprocess.run(['sha256sum'], input=self.read(name).strip(), capture_output=True, text=True, check=True)
            self.assertIn(f'user {user} reset on #{done.stdout[:64]} ', text)

    def test_several_at_once_agree(self):
        for _ in range(3):
            runs = [self.start() for _ in range(4)]
            for proc in runs:
                out, err = proc.communicate(timeout=60)
                self.assertEqual((proc.returncode, out, err), (0, '', ''))
            self.check_hashes()
            before = self.all()
            self.run_setup()
            self.assertEqual(self.all(), before)
            shutil.rmtree(self.dir)

    def test_a_password_of_ones_own_is_taken_as_the_services_read_it(self):
        self.run_setup()
        for text in ('my own password\nsecond line\n', 'my own password', 'my own password\r\n'):
            self.put('redis/admin', text)
            self.run_setup()
            self.assertEqual(self.read('redis/admin'), text)
            self.assertIn('user admin reset on #' + subprocess.run(
                ['sha256sum'], input='my own password', capture_output=True, text=True, check=True).stdout[:64],
                self.read('redis/users.acl'))

    # ---- users.acl

    def test_users_acl_is_made_anew(self):
        self.run_setup()
        before = self.all()
        self.put('redis/users.acl', 'user default on nopass +@all ~*\n')
        self.run_setup()
        self.assertEqual(self.all(), before)
        self.assertNotIn('nopass', before['redis/users.acl'])
        self.run_setup(OPERATOR_NOPASS='1')
        self.assertEqual(re.findall(r'user (\S+) reset on nopass ', self.read('redis/users.acl')), ['default'])

    def test_the_prefix_reaches_every_pattern_and_a_bad_one_is_refused(self):
        self.run_setup(KEY_PREFIX='{My.own_tag-9}:')
        text = self.read('redis/users.acl')
        self.assertNotIn('{chat}', text)
        patterns = re.findall(r'[~&]([^) \n]*)', text)
        self.assertGreater(len(patterns), 80)
        for pattern in patterns:
            self.assertRegex(pattern, r'\A(\*|(__keyspace@\*__:)?\{My\.own_tag-9\}:.*)\Z')
        self.assertEqual(patterns.count('*'), 4, 'the operator\'s and the admin\'s')
        shutil.rmtree(self.dir)
        for bad in ('chat:', '{chat}', '{}:', '{a*}:', '{a]}:', '{a b}:', '{a\n}:', '{a?}:', '{a\\}:', '{a}b}:', '{{a}:',
                    '{a}: ~*', '*', '{é}:', '{' + 33 * 'a' + '}:', '{chat}:x', ' {chat}:'):
            with self.subTest(bad):
                self.assertIn('KEY_PREFIX must be', self.refused(KEY_PREFIX=bad))
                self.assertFalse(os.path.exists(self.dir), 'nothing was made')

    # ---- the module

    def put_module(self, content=MODULE):
        path = os.path.join(self.top, 'module.so')
        with open(path, 'wb') as file:
            file.write(content)
        return path

    def assert_module(self, content):
        """It is there with its rule, or (None) neither is."""
        there = self.path('redis/parley.so')
        self.assertFalse(os.path.exists(there + '.new'))
        self.assertEqual(os.path.exists(there), content is not None)
        rules = re.findall(r'(?m)^user (\S+) .*\+parley\.send (\S+)', self.read('redis/users.acl'))
        self.assertEqual(rules, [] if content is None else [('gateway-svc', '~{chat}:')])
        self.assertNotIn(' module ', self.read('redis/users.acl'))
        if content is not None:
            with open(there, 'rb') as file:
                self.assertEqual(file.read(), content)
            self.assertEqual(stat.S_IMODE(os.stat(there).st_mode), 0o500)

    def test_the_module_and_its_rule_come_and_go_together(self):
        for content in (MODULE, b'a newer one', None, MODULE, None):
            with self.subTest(content):
                self.run_setup(**({} if content is None else {'REDIS_MODULE': self.put_module(content)}))
                self.assert_module(content)
        for none in ('', '0'):
            self.run_setup(REDIS_MODULE=self.put_module())
            self.put('redis/parley.so.new', 'half')  # of a run that was killed
            self.run_setup(REDIS_MODULE=none)
            self.assert_module(None)

    def test_the_module_beside_setup(self):
        here = os.path.join(self.top, 'lib')
        os.mkdir(here)
        for file in (SETUP, os.path.join(ROOT, 'deploy/redis/users.acl.in')):
            shutil.copy(file, here)
        for beside, settings, content in ((False, {}, None), (True, {}, None), (True, {'REDIS_MODULE': '1'}, MODULE),
                                          (True, {'REDIS_MODULE': '1', 'REDIS_SENTINELS': 'a:1'}, None),
                                          (True, {'REDIS_MODULE': here + '/parley.so', 'REDIS_SENTINELS': 'a:1'}, MODULE)):
            with self.subTest(settings, beside=beside):
                if beside:
                    shutil.copy(self.put_module(), here + '/parley.so')
                subprocess.run([*ORDINARY, here + '/setup', self.dir], env={'PATH': os.environ['PATH'], **settings}, check=True)
                self.assert_module(content)
        self.assertIn('/deploy/parley.so\n', self.refused(REDIS_MODULE='1'))

    def test_a_module_that_cannot_be_read_is_refused(self):
        self.run_setup()
        before = self.all()
        closed = self.put_module()
        os.chmod(closed, 0)
        for bad in (closed, self.top, self.top + '/none.so', '2'):
            with self.subTest(bad):
                self.assertEqual(self.refused(REDIS_MODULE=bad), f'setup: REDIS_MODULE: cannot read {bad}\n')
                self.assertEqual(self.all(), before)
                self.assert_module(None)

    # ---- the certificate

    def names(self):
        return openssl('x509', '-noout', '-ext', 'subjectAltName', '-in', self.cert)

    def test_the_certificate_names_the_door_and_fits_its_key(self):
        self.run_setup(DOOR_NAMES='chat.example.org,192.0.2.7,2001:db8::1')
        text = self.names()
        for name in ('DNS:localhost', 'IP Address:127.0.0.1', 'IP Address:0:0:0:0:0:0:0:1', 'DNS:chat.example.org',
                     'IP Address:192.0.2.7', 'IP Address:2001:DB8:0:0:0:0:0:1'):
            self.assertIn(name, text)
        self.assertEqual(openssl('x509', '-noout', '-pubkey', '-in', self.cert), openssl('pkey', '-pubout', '-in', self.cert))

    def test_it_is_made_again_for_a_new_name_or_a_day_before_it_ends(self):
        self.run_setup(DOOR_NAMES='one.example')
        first = self.read('door/door.pem')
        self.run_setup(DOOR_NAMES='one.example')
        self.run_setup()
        self.assertEqual(self.read('door/door.pem'), first, 'fewer names are no reason')
        self.run_setup(DOOR_NAMES='one.example,two.example')
        second = self.read('door/door.pem')
        self.assertNotEqual(second, first)
        self.assertIn('DNS:two.example', self.names())
        for days, again in ((1, True), (2, False)):
            mine = openssl('req', '-x509', '-nodes', '-days', str(days), '-subj', '/O=Parley made by itself/CN=localhost',
                           '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1',
                           '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1', '-keyout', '-', '-out', '-')
            self.put('door/door.pem', mine)
            self.run_setup()
            self.assertEqual(self.read('door/door.pem') != mine, again, days)

    def test_a_certificate_of_somebody_else_is_never_touched(self):
        self.run_setup()
        for days in ('30', '1'):
            theirs = openssl('req', '-x509', '-nodes', '-days', days, '-subj', '/O=Some authority/CN=chat.example.org',
                             '-newkey', 'rsa:2048', '-keyout', '-', '-out', '-')
            self.put('door/door.pem', theirs)
            said = self.run_setup(DOOR_NAMES='other.example')
            self.assertEqual(self.read('door/door.pem'), theirs)
            self.assertEqual('ends within a day' in said, days == '1', said)
            self.assertIn('DOOR_NAMES does not count', said)
            self.assertNotIn('DOOR_NAMES', self.run_setup())
        for junk in ('', 'junk', '-----BEGIN CERTIFICATE-----\n'):
            self.put('door/door.pem', junk)
            self.assertIn('holds no certificate', self.refused())
            self.assertEqual(self.read('door/door.pem'), junk)

    def test_bad_names_are_refused(self):
        for bad in ('a b', 'a;b', 'a/b', 'a\nb', "a'b", '*.example.org', 'a,DNS=b', '$(id)'):
            with self.subTest(bad):
                self.assertIn('DOOR_NAMES', self.refused(DOOR_NAMES=bad))
        self.assertIn('openssl makes no certificate', self.refused(DOOR_NAMES='1.2.3'))

    # ---- owners

    @unittest.skipUnless(os.geteuid() == 0, 'only root gives files away')
    def test_each_folder_is_given_to_its_reader_with_no_capability_but_chown(self):
        os.chmod(self.top, 0o755)
        os.mkdir(self.dir, 0o755)
        before = None
        module = self.put_module()
        os.chmod(module, 0o644)
        for _ in range(3):
            self.run_setup(ONLY_CHOWN, SETUP_OWNERS='1', REDIS_MODULE=module)
            for name in (*FILES, 'redis/parley.so'):
                owner = OWNERS[name.split('/', maxsplit=1)[0]]
                for path, mode in ((self.path(name), 0o500 if name.endswith('.so') else 0o400), (os.path.dirname(self.path(name)), 0o500)):
                    got = os.stat(path)
                    self.assertEqual((got.st_uid, got.st_gid, stat.S_IMODE(got.st_mode)), (owner, owner, mode), path)
            self.assertEqual(before or self.all(), self.all())
            before = self.all()
        for reader, uid in OWNERS.items():
            for name in FILES:
                got = subprocess.run(['setpriv', '--reuid', str(uid), '--regid', str(uid), '--clear-groups', '--inh-caps=-all',
                                      'cat', self.path(name)], capture_output=True, check=False)
                self.assertEqual(got.returncode == 0, name.startswith(reader + '/'), f'{reader} reads {name}')
        self.run_setup(ONLY_CHOWN, SETUP_OWNERS='1', AUTH_OWNER='1:2')
        self.assertFalse(os.path.exists(self.path('redis/parley.so')))
        self.assertEqual((os.stat(self.path(SECRETS[0])).st_uid, os.stat(self.path(SECRETS[0])).st_gid), (1, 2))


class Wrapper(unittest.TestCase):
    """deploy/redis/redis-cli, before one that only tells how it was called."""

    def setUp(self):
        self.top = tempfile.mkdtemp(prefix='parley-setup-')
        self.addCleanup(shutil.rmtree, self.top)
        os.mkdir(self.top + '/redis')
        for name in ('operator', 'admin', 'real'):
            with open(f'{self.top}/redis/{name}', 'w', encoding='utf-8') as file:
                file.write(name + 's password\n' if name != 'real' else
                           '#!/bin/sh\nprintf "%s" "${REDISCLI_AUTH-none}"\nprintf "|%s" "$@"\n')
        os.chmod(self.top + '/redis/real', 0o700)

    def call(self, *args, **env):
        done = subprocess.run([REDIS_CLI, *args], capture_output=True, text=True, check=True, env={
            'PATH': os.environ['PATH'], 'PARLEY_SECRETS': self.top, 'REDIS_CLI': self.top + '/redis/real', **env})
        self.assertEqual(done.stderr, '')
        password, *handed_on = done.stdout.split('|')
        self.assertEqual(handed_on, [*args] or [''])
        return password

    def test_whose_password_is_given(self):
        for args, password in (
                ((), 'operators password'), (('GET', 'a b', '$x', '*', ''), 'operators password'),
                (('-s', '/x', '--json', '-n', '1', 'GET', 'x'), 'operators password'),
                (('SET', 'x', '-a'), 'operators password'), (('GET', '--user', 'bob'), 'operators password'),
                (('-h', '-a', 'PING'), 'operators password'), (('--user', 'admin', 'FLUSHALL'), 'admins password'),
                (('-e', '--user', 'admin'), 'admins password'), (('--user', 'auth-svc', 'PING'), 'none'),
                (('--user', 'default', 'PING'), 'operators password'), (('--user', '../x', 'PING'), 'none'), (('--user',), 'none'),
                (('-a', 'p', 'PING'), 'none'), (('--user', 'admin', '-a', 'p'), 'none'), (('-a', 'p', '--user', 'admin'), 'none'),
                (('--pass', 'p', 'PING'), 'none'), (('-u', 'redis://x'), 'none'), (('--askpass', 'PING'), 'none'), (('-a',), 'none')):
            with self.subTest(args):
                self.assertEqual(self.call(*args), password)

    def test_a_password_that_is_set_already_stays(self):
        self.assertEqual(self.call('PING', REDISCLI_AUTH='mine'), 'mine')

    def test_without_secrets_it_is_redis_cli(self):
        self.assertEqual(self.call('PING', PARLEY_SECRETS='/nonexistent'), 'none')


if __name__ == '__main__':
    unittest.main()
