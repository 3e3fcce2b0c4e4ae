"""test_with_module.py - every rule once more, where Redis has loaded shared/parley_module

All tests of the other files (but test_mutations.py, which changes the library), with PARLEY.SEND in
place of parley_send."""
import glob
import os
import re
import unittest

import harness

harness.module = harness.MODULE_PATH
OTHERS = ('test_with_module', 'test_mutations', 'test_module')


def names():
    files = glob.glob(os.path.join(harness.HERE, 'test_*.py'))
    return sorted({os.path.basename(f)[:-3] for f in files} - set(OTHERS))


class ItWasUsed(unittest.TestCase):
    def test_messages_were_taken_by_the_module_and_others_passed_on(self):
        info = harness.shared_redis().client.call('INFO', 'parley')
        figures = {name: int(n) for name, n in re.findall(r'parley_(\w+):(\d+)', info)}
        self.assertGreater(figures['calls_taken'], 500)
        self.assertGreater(figures['calls_passed_on'], 100)


def load_tests(loader, own, _pattern):
    suite = unittest.TestSuite()
    for name in names():
        suite.addTests(loader.loadTestsFromName(name))
    suite.addTests(own)
    return suite
