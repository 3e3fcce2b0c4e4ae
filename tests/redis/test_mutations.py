"""test_mutations.py - takes each rule out of the library and proves that its tests notice

For each row of mutations.py the changed library is loaded and the tests named there are run: each
of them must fail.  A row whose text is not found as often as it says, a library that does not load,
a test that does not exist, and a test that fails for a plain error in the changed Lua code are
errors: a rotten table must not pass."""
import re
import unittest

import harness
from mutations import MUTATIONS

BROKEN = r'user_function:\d+: (attempt|bad argument|Script attempted)'  # nil, types, unknown globals


def load(name):
    suite = unittest.TestLoader().loadTestsFromName(name)
    for test in suite:
        if 'FailedTest' in type(test).__name__:
            raise AssertionError('no such test: ' + name)
    if suite.countTestCases() != 1:
        raise AssertionError('not one test: ' + name)
    return suite


def run(name):
    result = unittest.TestResult()
    load(name).run(result)
    if result.skipped or result.testsRun != 1:
        raise AssertionError(name + ' did not run')
    return result


class Mutations(unittest.TestCase):
    def tearDown(self):
        harness.library = harness.SHIPPED

    def check(self, mutation):
        found = harness.SHIPPED.count(mutation.old)
        self.assertEqual(found, mutation.times, 'the table has rotted: %r' % mutation.old)
        self.assertTrue(mutation.tests)
        harness.library = harness.SHIPPED.replace(mutation.old, mutation.new)
        harness.shared_redis().load(harness.library)
        for name in mutation.tests:
            result = run(name)
            self.assertFalse(result.wasSuccessful(), name + ' does not notice')
            for _, trace in result.failures + result.errors:
                self.assertNotRegex(trace, BROKEN, 'broken, not changed')


class Unchanged(unittest.TestCase):
    def test_all_named_tests_pass_with_the_library_as_it_is(self):
        harness.library = harness.SHIPPED
        for name in sorted({name for m in MUTATIONS for name in m.tests}):
            with self.subTest(name):
                result = run(name)
                self.assertEqual([trace for _, trace in result.failures + result.errors], [])

    def test_every_function_of_the_library_is_changed_somewhere(self):
        """So that a new function does not come without rows."""
        start = r'^local function (\w+)'
        touched = set()
        for mutation in MUTATIONS:
            place = harness.SHIPPED.find(mutation.old)
            upto_end = harness.SHIPPED[:place + len(mutation.old)]
            touched.update(re.findall(start, upto_end, re.M)[-1:])
        names = set(re.findall(start, harness.SHIPPED, re.M))
        plain = {'lent', 'integer', 'refuse', 'text', 'name_of', 'shown_of', 'hash_of', 'gateway_of', 'hash_table',
                 'server_run', 'now_ms', 'answer', 'version_of', 'user_key', 'session_key', 'sessions_key', 'users_key',
                 'watch_expiry', 'make_session', 'expires_in', 'gateways_of', 'link_number', 'message_of', 'seconds', 'inbox_key', 'inbox_of', 'first_of',
                 'delivered', 'note_delivered', 'batch_of',
                 'user_of', 'without', 'correspondent', 'describe', 'version'}
        self.assertEqual(names - touched - plain, set())


def add_tests():
    for number, mutation in enumerate(MUTATIONS, 1):
        name = 'test_%03d_%s' % (number, re.sub(r'\W+', '_', mutation.rule.lower()))

        def test(self, mutation=mutation):
            self.check(mutation)
        test.__doc__ = mutation.rule
        setattr(Mutations, name, test)


add_tests()

if __name__ == '__main__':
    unittest.main()
